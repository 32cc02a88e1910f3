"""Is the trail what was sealed? For administrators, and for an auditor's own machine with a reading login."""

import argparse
import base64
from typing import Any

from django.core.management import BaseCommand, CommandParser

from foundation.audit.sealing import public_keys, verify_trail


def _noted(text: str) -> tuple[int, bytes]:
    size, _, root = text.partition(":")
    try:
        return int(size), bytes.fromhex(root)
    except ValueError:
        raise argparse.ArgumentTypeError("a head is written SIZE:ROOT, the root in hexadecimal") from None


class Command(BaseCommand):
    """`manage.py verify_trail [--head SIZE:ROOT …]`."""

    help = "Recomputes the seal over the audit trail; exit code 1 when it does not hold."

    def add_arguments(self, parser: CommandParser) -> None:
        """Heads that were noted elsewhere."""
        parser.add_argument("--keys", action="store_true", help="print the public keys and do nothing else")
        parser.add_argument("--head", type=_noted, action="append", default=[], help="SIZE:ROOT, noted before")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how much was looked at, the present head to be noted, and every finding."""
        if options["keys"]:
            for key_id, key in public_keys().items():
                self.stdout.write(f"{key_id}:{base64.b64encode(key.public_bytes_raw()).decode()}")
            return
        check = verify_trail(noted=options["head"])
        for finding in check.findings:
            self.stdout.write(f"✗ {finding}")
        self.stdout.write(f"{check.events} events, {check.heads} heads; head {check.size}:{check.root.hex()}")
        if not check.holds:
            raise SystemExit(1)
