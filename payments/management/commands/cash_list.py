"""Write the signing list of a batch's cash payments."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from payments.cash_list import write_cash_list
from payments.models import PayoutBatch


class Command(BaseCommand):
    """`manage.py cash_list 12 danh-sach-ky-nhan.xlsx`."""

    help = "Writes the printable list on which payees sign for cash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which batch, and where to."""
        parser.add_argument("batch", type=int)
        parser.add_argument("path", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the list and say how many payments stand on it."""
        batch = PayoutBatch.objects.select_related("unit", "fund").filter(pk=options["batch"]).first()
        if batch is None:
            raise CommandError(f"Không có đợt chi trả {options['batch']}.")
        with options["path"].open("wb") as file:
            count = write_cash_list(batch=batch, file=file)
        self.stdout.write(f"{count} khoản tiền mặt: {options['path']}")
