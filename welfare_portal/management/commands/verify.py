"""Does everything still hold? Recomputes I-1 to I-30 on live data and compares with the gateway's own book."""

from argparse import ArgumentParser, FileType
from contextlib import ExitStack, closing
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from foundation.audit import clock
from foundation.audit.operations import SYSTEM
from payments.models import VerificationRun
from payments.operations.verification import GatewayBook, NotALog, read_log, statement_book
from payments.operations.verification.running import Line, verify_books
from welfare_portal.demo.bank import ControlledGateway


class Command(BaseCommand):
    """`manage.py verify [--log FILE | --control]`: exit code 1 when a line does not hold."""

    help = "Recomputes every invariant on live data, compares with the gateway's book, and keeps the result."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the gateway's side comes from, else the bank's statements; what nobody tells is uncompared, and lines say so."""
        source = parser.add_mutually_exclusive_group()
        source.add_argument(
            "--log", type=FileType("rb"), help="the gateway's credit log, JSON lines; - reads standard input"
        )
        source.add_argument("--control", action="store_true", help="the mocked gateway's own log (only with DEMO)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each line as it is known, and the sum of them."""
        with ExitStack() as opened:
            try:
                run, _ = verify_books(book=self._book(opened, options), by=SYSTEM, report=self._print)
            except NotALog as error:
                raise CommandError(
                    f"The log cannot be read: {error}. Nothing was compared and nothing kept."
                ) from error
        self.stdout.write(
            f"{run.transfers} khoản chi, so với {run.against}, {run.milliseconds / 1000:.1f} giây: "
            + (f"{run.broken} dòng sai." if run.broken else "mọi dòng đúng.")
        )
        if run.broken:
            raise SystemExit(1)

    def _book(self, opened: ExitStack, options: dict[str, Any]) -> GatewayBook | None:
        if options["log"]:
            lines = opened.enter_context(options["log"])
            return GatewayBook(source=VerificationRun.Source.LOG, taken_at=clock.now(), lines=read_log(lines))
        if options["control"]:
            if not settings.DEMO:
                raise CommandError("DEMO is off: only the mocked gateway has a control door.")
            return opened.enter_context(closing(ControlledGateway())).book()
        return statement_book()

    def _print(self, line: Line) -> None:
        mark = "✗" if not line.holds else "✓" if line.is_compared else "–"
        self.stdout.write(f"{mark} {line.words} [{line.checked}]")
