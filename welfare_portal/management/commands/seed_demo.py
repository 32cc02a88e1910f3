"""The invented office, its money and its list, for `make run`. Repeatable."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from welfare_portal.demo.seed import LIST_NAME, NotADemo, seed_money, seed_office, write_list


class Command(BaseCommand):
    """`manage.py seed_demo`."""

    help = "Loads the invented staff, fund and list of the demonstration ward."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load what is missing."""
        try:
            office = seed_office()
        except NotADemo as refusal:
            raise CommandError("DEMO is off: invented people have no place here.") from refusal
        seed_money(office)
        directory = Path(settings.BASE_DIR) / "var" / "demo"
        if not (directory / LIST_NAME).exists():
            write_list(directory)
