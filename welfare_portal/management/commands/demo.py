"""The main job on the demonstration ward, without a browser, and the proof that books, batch and gateway agree."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from foundation.reference.amounts import format_amount
from payments.queries import Part
from payments.states import BatchState
from welfare_portal.demo.main_job import MainJob, Result
from welfare_portal.demo.processes import Processes
from welfare_portal.demo.seed import LINES, seed_money, seed_office
from welfare_portal.embedded.launcher import free_port

# The list has accounts whose bank never answers: in a demonstration nobody wants to wait for that as long as in earnest.
IN_A_HURRY = {
    "DISPATCH_REQUEST_DEADLINE": "3",
    "DISPATCH_LEASE": "8",
    "DISPATCH_SKEW_MARGIN": "1",
    "DISPATCH_ACCEPTED_SLA": "20",
    "DISPATCH_SWEEP_INTERVAL": "1",
    "MOCK_GATEWAY_LATE_SECONDS": "8",
}


class Command(BaseCommand):
    """`manage.py demo [--lines N] [--kill]`: exit code 0 only when everything agrees."""

    help = "Runs the main job from end to end and proves it against the gateway's own log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Size of the list, workers, and whether a worker is killed half-way."""
        parser.add_argument("--lines", type=int, default=LINES)
        parser.add_argument("--workers", type=int, default=2)
        parser.add_argument("--kill", action="store_true", help="kill -9 a worker half-way and empty Redis")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, print the table and the proof."""
        if not settings.DEMO:
            raise CommandError("DEMO is off: the demonstration invents people.")
        console = Console()
        office = seed_office()
        seed_money(office, lines=options["lines"])
        gateway_port = int(settings.GATEWAY_URL.rsplit(":", 1)[1])
        portal_port = free_port()
        os.environ["MOCK_GATEWAY_CALLBACK_URL"] = f"http://127.0.0.1:{portal_port}/api/v1/gateway/callbacks"
        os.environ.update(IN_A_HURRY)
        # Beside the gateway's own data, so that two demonstrations never write the same list.
        directory = Path(
            os.environ.get("MOCK_GATEWAY_DATA") or Path(settings.BASE_DIR) / "var" / "demo" / "gateway"
        ).parent
        bars = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        processes = Processes(
            logs=directory / "logs", portal_port=portal_port, gateway_port=gateway_port, workers=options["workers"]
        )
        with bars, processes:
            result = MainJob(
                office=office,
                processes=processes,
                directory=directory,
                lines=options["lines"],
                report=report,
                kill_half_way=options["kill"],
            ).run()
        _show(console, result)
        agreed = result.in_statement == result.gateway.settled + result.gateway.returned and not result.differences
        if result.run.broken or result.unknown.count or not agreed:
            sys.exit(1)


def _show(console: Console, result: Result) -> None:
    totals = result.gateway + result.cash
    table = Table("", "Số khoản", "Số tiền", title=f"Đợt chi trả tháng {result.batch.period:%m/%Y}")
    for column in table.columns[1:]:
        column.justify = "right"
    rows: list[tuple[str, Part]] = [
        ("Trong danh sách đã duyệt", totals.planned),
        ("Gửi qua ngân hàng", result.sent),
        ("Đã chi – chuyển khoản", result.gateway.settled),
        ("Đã chi – tiền mặt", result.cash.settled),
        ("Có trong sao kê ngân hàng", result.in_statement),
        ("Ngân hàng từ chối", totals.rejected),
        ("Bị trả lại", totals.returned),
        ("Chưa đến nhận tiền mặt, chuyển kỳ sau", totals.cancelled),
        ("Chưa rõ", result.unknown),
    ]
    for label, part in rows:
        table.add_row(label, f"{part.count:,}".replace(",", "."), format_amount(part.amount))
    console.print(table)
    console.print(
        f"Từ lúc duyệt đến kết quả cuối: {result.seconds:.1f} giây. Tiến trình phải khởi động lại: {result.restarts}."
    )
    console.print(f"Sao kê: {result.differences} chênh lệch. Đợt chi: {BatchState(result.batch.state).label.lower()}.")
    for line in result.lines:
        mark = "[green]✓[/]" if line.holds else "[red]✗[/]"
        console.print(f"  {mark} {line.words}", highlight=False)
    console.print(
        "[bold green]Sổ sách, đợt chi và nhật ký của cổng khớp nhau.[/]"
        if not result.run.broken
        else "[bold red]Không khớp.[/]"
    )
