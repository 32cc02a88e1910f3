"""Make the database ready: roles, rights, migrations, code tables. Repeatable; run with DATABASE_ROLE=welfare_owner."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from beneficiaries.operations.load_programmes import load_programmes
from payments.operations.policies import load_policies
from welfare_portal.database_roles import ensure_roles, grant_rights
from welfare_portal.environment import OWNER_ROLE


def _of_another_history() -> list[str]:
    """Migrations that were applied to this database and that this release does not have."""
    loader = MigrationLoader(connection)
    return sorted(
        f"{app}.{name}" for app, name in loader.applied_migrations if (app, name) not in loader.disk_migrations
    )


class Command(BaseCommand):
    """`DATABASE_ROLE=welfare_owner python manage.py prepare_database`."""

    help = "Creates roles and rights, migrates, and loads units, banks, programmes and rates."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it all; a second run changes nothing."""
        if settings.DATABASE_ROLE != OWNER_ROLE:
            raise CommandError(
                f"Run this with DATABASE_ROLE={OWNER_ROLE}: the portal's own role may not change tables."
            )
        ensure_roles()
        if strange := _of_another_history():
            raise CommandError(
                f"This database was made by an earlier state of the development ({strange[0]} and {len(strange) - 1} more "
                "migrations are not known any more). `make reset` removes the embedded one; nothing of it can be carried over."
            )
        call_command("migrate", interactive=False, verbosity=options["verbosity"])
        with connection.cursor() as cursor:
            grant_rights(cursor)
        load_programmes()
        load_policies()
        self.stdout.write(self.style.SUCCESS("Cơ sở dữ liệu đã sẵn sàng."))
