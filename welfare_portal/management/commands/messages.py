"""Strings to translate, gathered into locale/; with `--compile`, locale/ compiled for Django."""

from typing import Any

from django.core.management import BaseCommand
from django.core.management.base import CommandParser

from welfare_portal import catalogues


class Command(BaseCommand):
    """`manage.py messages`."""

    help = "Gathers marked strings into locale/ and names those without words; --compile builds what Django reads."
    requires_system_checks = []  # needs no database and no keys: it also runs while the image is built

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the choice of what to do."""
        parser.add_argument("--compile", action="store_true", help="only build the .mo files")

    def handle(self, *args: Any, **options: Any) -> None:
        """Gather, or compile."""
        if not options["compile"]:
            for language in catalogues.LANGUAGES:
                for message in catalogues.write(language):
                    self.stdout.write(f"{language}: {message.id!r} ({message.locations[0][0]})")
        catalogues.compile_catalogues()
