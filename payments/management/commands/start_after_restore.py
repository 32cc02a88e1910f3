"""The first command on a restored database, before any worker starts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from payments.errors import InvalidMove, PaymentRefused
from payments.operations.restoring import start_after_restore


class Command(BaseCommand):
    """`manage.py start_after_restore --reason …`."""

    help = (
        "Holds every list that is on its way and has banks asked about everything open (docs/operations.md, Backups)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Why the copy was taken."""
        parser.add_argument("--reason", required=True, help="why, and which copy; stays in the trail")

    def handle(self, *args: Any, **options: Any) -> None:
        """Hold, and say how much."""
        try:
            restore = start_after_restore(reason=options["reason"])
        except InvalidMove as refusal:
            raise CommandError(str(refusal)) from refusal
        except PaymentRefused as refusal:
            raise CommandError(str(refusal.message)) from refusal
        self.stdout.write(
            f"This copy knows nothing after {restore.known_until:%Y-%m-%d %H:%M:%S %Z}.\n"
            f"Lists held: {restore.batches_held}. Payments that are asked about before they are sent: "
            f"{restore.transfers_in_doubt}, and those that had yet to be opened.\n"
            "Start web, workers and beat now: they ask, and send nothing. Then: manage.py end_restore"
        )
