"""The three database roles: the owner changes tables, the app works, the auditor only reads.

On the embedded server too: the portal and its tests run as the app, so a missing right is found on a newcomer's machine and
not in production.
"""

import psycopg2
from django.db import connection
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from welfare_portal.environment import APP_ROLE, AUDITOR_ROLE, OWNER_ROLE

# A session that forgot its transaction must not hold locks; no statement of the portal is meant to run longer.
APP_LIMITS = {
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "transaction_timeout": "60s",
}


def ensure_roles() -> None:
    """Create the roles that are missing and hand the database to the owner, as the login of DATABASE_OWNER_URL.

    Raises:
        psycopg2.Error: The login may neither create roles nor act as the owner.
    """
    parameters = dict(connection.get_connection_params())
    for key in ("cursor_factory", "options"):
        parameters.pop(key, None)
    server = psycopg2.connect(**parameters)
    try:
        server.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        with server.cursor() as cursor:
            # Two set-ups at once (two test workers, two hosts) must not race for the same names.
            cursor.execute("SELECT pg_advisory_lock(hashtext('welfare_portal.ensure_roles'))")
            for role in (OWNER_ROLE, APP_ROLE, AUDITOR_ROLE):
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            cursor.execute(
                "SELECT current_user, current_database(), (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
            )
            login, database, superuser = cursor.fetchone()
            if login not in (OWNER_ROLE, APP_ROLE, AUDITOR_ROLE):
                for role in (OWNER_ROLE, APP_ROLE, AUDITOR_ROLE):
                    cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(login)))
            if login != OWNER_ROLE:
                cursor.execute(
                    sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                        sql.Identifier(database), sql.Identifier(OWNER_ROLE)
                    )
                )
                cursor.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(OWNER_ROLE)))
            for name, value in APP_LIMITS.items():
                if superuser or login == OWNER_ROLE:
                    cursor.execute(
                        sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = %s").format(
                            sql.Identifier(APP_ROLE), sql.Identifier(database), sql.Identifier(name)
                        ),
                        [value],
                    )
    finally:
        server.close()
    with connection.cursor() as cursor:
        cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        grant_defaults(cursor)


def grant_defaults(cursor: object) -> None:
    """Rights on tables that the owner will make: the app works with rows, the auditor reads; neither owns anything."""
    run = cursor.execute  # type: ignore[attr-defined]
    run(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {AUDITOR_ROLE}")
    run(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP_ROLE}")
    run(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {APP_ROLE}")
    run(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {AUDITOR_ROLE}")


def grant_rights(cursor: object) -> None:
    """Rights on what stands already where an older database was adopted: reading for both, nothing on the migrations' log."""
    run = cursor.execute  # type: ignore[attr-defined]
    run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {APP_ROLE}, {AUDITOR_ROLE}")
    run(f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {APP_ROLE}")
