"""How fast the portal is, beside the bare database and the plain way, in one run."""

import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from rich.console import Console

from welfare_portal.bench import plot, report
from welfare_portal.bench.look import look
from welfare_portal.bench.plans import as_markdown
from welfare_portal.bench.run import Bench

LINES = 100_000
SLICES = 5


class Command(BaseCommand):
    """`manage.py bench [--lines N] [--slices K]`: exit code 0 only when every bar is reached."""

    help = "Measures the portal on servers of its own that hold nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Size and slices."""
        parser.add_argument("--lines", type=int, default=LINES)
        parser.add_argument("--slices", type=int, default=SLICES)
        parser.add_argument(
            "--plans",
            type=int,
            default=0,
            help="measure nothing, but show how so many heaviest statements are worked out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, print one JSON object a line, then the table."""
        if not settings.DEMO:
            raise CommandError("DEMO is off: the benchmark invents people.")
        console = Console(stderr=True)
        directory = Path(os.environ["MOCK_GATEWAY_DATA"]).parent
        if options["plans"]:
            plans = look(lines=options["lines"], directory=directory)
            self.stdout.write(as_markdown(plans, lines=options["lines"], most=options["plans"]))
            return
        measures = Bench(
            lines=options["lines"], slices=options["slices"], directory=directory, report=console.print
        ).run()
        for measure in measures:
            self.stdout.write(json.dumps(measure.as_json()))
        report.table(Console(), measures)
        for path in plot.keep(measures, lines=options["lines"]):
            console.print(f"kept in {path}")
        if not all(measure.holds for measure in measures):
            sys.exit(1)
