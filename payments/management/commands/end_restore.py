"""Ends a restore once the bank's statements show no payment that the copy cannot explain."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from foundation.audit import clock
from foundation.gateway.camt053 import UnreadableStatement
from foundation.gateway.client import gateway
from foundation.gateway.errors import GatewayError
from payments.errors import InvalidMove, PaymentRefused
from payments.operations.restoring import RestoreUnexplained, end_restore


class Command(BaseCommand):
    """`manage.py end_restore [--accept N --reason …]`; exit code 1 while something cannot be explained."""

    help = "Compares the bank's statements with a restored database; lists may go on when they agree."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What people have looked into."""
        parser.add_argument(
            "--accept", type=int, default=0, help="exactly so many unexplained payments were looked into"
        )
        parser.add_argument("--reason", default="", help="what was found; stays in the trail")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, and say what is left."""
        try:
            end_restore(gateway=gateway(), at=clock.now(), accepted=options["accept"], reason=options["reason"])
        except RestoreUnexplained as found:
            for one in found.examples:
                self.stderr.write(f"  {one.end_to_end_id}  {one.amount:>15,}  {one.why}")
            raise CommandError(
                f"{found}; every list stays held. docs/operations.md, Backups, says what to do."
            ) from found
        except GatewayError as error:
            raise CommandError(f"The bank's statement did not come: {error}") from error
        except UnreadableStatement as error:
            raise CommandError(f"The bank's statement cannot be read ({error}); every list stays held.") from error
        except InvalidMove as refusal:
            raise CommandError(str(refusal)) from refusal
        except PaymentRefused as refusal:
            raise CommandError(str(refusal.message)) from refusal
        self.stdout.write(
            "The statements show nothing that this copy cannot explain. Held lists may be let go on, one by one."
        )
