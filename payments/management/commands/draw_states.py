"""Draw the state graphs into docs/states.md, from the same data from which the database's triggers are made."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand
from django.utils import translation

from beneficiaries import states as register_states
from foundation.audit.graphs import edges
from payments import states

PATH = Path(settings.BASE_DIR) / "docs" / "states.md"
GRAPHS: tuple[tuple[str, str, type[Any], Mapping[Any, Iterable[Any]]], ...] = (
    ("Batch", "A payout list, from being built to being closed.", states.BatchState, states.BATCH_MOVES),
    ("Transfer", "One payment to one payee.", states.TransferState, states.TRANSFER_MOVES),
    ("Chunk", "A message-sized part of a list.", states.ChunkState, states.CHUNK_MOVES),
    ("Account", "One version of where a payee is paid.", register_states.AccountState, register_states.ACCOUNT_MOVES),
    (
        "Entitlement",
        "A person's right under one decision.",
        register_states.EntitlementState,
        register_states.ENTITLEMENT_MOVES,
    ),
    ("Funding voucher", "A Treasury paper by which money enters.", states.VoucherState, states.VOUCHER_MOVES),
)


def draw() -> str:
    """The page: a Mermaid diagram and a table of labels for every graph."""
    parts = [
        "# States\n\nDrawn by `manage.py draw_states` from `payments/states.py` and `beneficiaries/states.py`; the database "
        "refuses every\nmove that is not here.\n"
    ]
    with translation.override("vi"):
        for name, meaning, labels, moves in GRAPHS:
            targets = {new for _, new in edges(moves)}
            first = [str(state) for state in moves if str(state) not in targets]
            last = [str(state) for state, onward in moves.items() if not list(onward)]
            lines = [f"    [*] --> {state}" for state in first]
            lines += [f"    {old} --> {new}" for old, new in edges(moves)]
            lines += [f"    {state} --> [*]" for state in last]
            rows = [f"| `{state}` | {labels(state).label} |" for state in moves]
            parts.append(
                f"\n## {name}\n\n{meaning}\n\n```mermaid\nstateDiagram-v2\n"
                + "\n".join(lines)
                + "\n```\n\n| State | On the page |\n|---|---|\n"
                + "\n".join(rows)
                + "\n"
            )
    return "".join(parts)


class Command(BaseCommand):
    """`manage.py draw_states [--check]`."""

    help = "Draws docs/states.md; with --check only says whether it is current."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to write or to compare."""
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the page, or exit with 1 when it is not what would be written."""
        page = draw()
        if not options["check"]:
            PATH.write_text(page, encoding="utf-8")
        elif not PATH.exists() or PATH.read_text(encoding="utf-8") != page:
            self.stderr.write("docs/states.md is not current: run manage.py draw_states")
            sys.exit(1)
