"""The whole story of one transfer on the terminal: list, decisions, attempts, books, events."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from foundation.reference.amounts import format_amount
from payments import queries


class Command(BaseCommand):
    """`manage.py trace 0193…`."""

    help = "Traces one transfer by its end_to_end_id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which transfer."""
        parser.add_argument("code", help="end_to_end_id, with or without hyphens")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the transfer, then everything that happened to it in the order of time."""
        found = queries.find_transfer(code=options["code"])
        if found is None:
            raise CommandError("Không có khoản chi nào mang mã này.")
        story = queries.trace(end_to_end_id=found.end_to_end_id)
        transfer = story.transfer
        console = Console()
        console.print(
            f"[bold]{transfer.end_to_end_id}[/]  {transfer.creditor_name}  {format_amount(transfer.instructed_amount)}  "
            f"{transfer.get_state_display()} {transfer.get_settlement_level_display()}"
        )
        account = transfer.payout_account
        where = f"{account.bank.short_name} {account.number_masked}" if account else transfer.get_route_display()
        console.print(f"{where}  đợt {story.batch.pk} ({story.batch.get_state_display()})  {transfer.status_reason}")
        rows = [
            (approval.decided_at, f"{approval.get_decision_display()}: {approval.decided_by}")
            for approval in story.approvals
        ]
        rows += [
            (
                attempt.intent_at,
                f"{attempt.get_kind_display()} {attempt.message_id}: {attempt.get_outcome_display()} {attempt.detail}",
            )
            for attempt in story.attempts
        ]
        rows += [
            (entry.at, f"{entry.get_kind_display()}: {entry.debit} → {entry.credit} {format_amount(entry.amount)}")
            for entry in story.ledger
        ]
        rows += [
            (event.at, f"{event.kind} {event.actor_label or event.get_actor_kind_display()}") for event in story.events
        ]
        table = Table("Lúc", "Việc")
        for moment, text in sorted(rows, key=lambda row: row[0]):
            table.add_row(f"{timezone.localtime(moment):%d/%m/%Y %H:%M:%S}", text)
        console.print(table)
