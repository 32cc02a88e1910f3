"""Draw the state graphs into docs/states.md, from the same data from which the database's triggers are made."""

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db.models import TextChoices
from django.utils import translation

from beneficiaries import states as register_states
from foundation.audit.graphs import edges
from foundation.gateway.models import NOTICE_MOVES, NoticeState
from payments import statement_states, states

PATH = Path(settings.BASE_DIR) / "docs" / "states.md"


@dataclass(frozen=True, slots=True)
class Graph:
    """A state graph as the page shows it; `trigger` is the name under which the database enforces it."""

    title: str
    meaning: str
    trigger: str
    labels: type[TextChoices]
    moves: Mapping[Any, Iterable[Any]]
    initial: tuple[str, ...]


GRAPHS = (
    Graph(
        "Batch",
        "A payout list, from being built to being closed.",
        "payout_batch",
        states.BatchState,
        states.BATCH_MOVES,
        ("BUILDING",),
    ),
    Graph(
        "Transfer",
        "One payment to one payee.",
        "transfer",
        states.TransferState,
        states.TRANSFER_MOVES,
        ("PLANNED",),
    ),
    Graph(
        "Chunk",
        "A message-sized part of a list.",
        "dispatch_chunk",
        states.ChunkState,
        states.CHUNK_MOVES,
        ("PLANNED",),
    ),
    Graph(
        "Account",
        "One version of where a payee is paid.",
        "payout_account",
        register_states.AccountState,
        register_states.ACCOUNT_MOVES,
        ("REQUESTED",),
    ),
    Graph(
        "Enquiry",
        "What the bank has said of the number in a citizen's saved registration; a new number is asked about anew.",
        "account_draft",
        register_states.EnquiryState,
        register_states.ENQUIRY_MOVES,
        ("NONE",),
    ),
    Graph(
        "Notice",
        "What one person is told of one event, on its way to VNeID or by mail; in the inbox of the portal it stands at once.",
        "notice",
        NoticeState,
        NOTICE_MOVES,
        ("WAITING", "SENT"),
    ),
    Graph(
        "Entitlement",
        "A person's right under one decision; one that a list brings is active from its first day.",
        "entitlement",
        register_states.EntitlementState,
        register_states.ENTITLEMENT_MOVES,
        ("DRAFT", "ACTIVE"),
    ),
    Graph(
        "Funding voucher",
        "A Treasury paper by which money enters.",
        "funding_voucher",
        states.VoucherState,
        states.VOUCHER_MOVES,
        ("RECORDED",),
    ),
    Graph(
        "Recovery",
        "A decision to take back what was paid in error.",
        "recovery",
        states.RecoveryState,
        states.RECOVERY_MOVES,
        ("RECORDED",),
    ),
    Graph(
        "Proposal",
        "An act that one person proposes and another decides.",
        "proposal",
        states.ProposalState,
        states.PROPOSAL_MOVES,
        ("PROPOSED",),
    ),
    Graph(
        "Result file",
        "A file in which the Treasury or the payment service answers; its rows count when a person has taken it over.",
        "result_file",
        states.ResultFileState,
        states.RESULT_FILE_MOVES,
        ("CHECKED",),
    ),
    Graph(
        "Statement file",
        "A file of the bank's statements, ordered from the gateway or handed in.",
        "statement_file",
        statement_states.FileState,
        statement_states.FILE_MOVES,
        ("ORDERED", "RECEIVED"),
    ),
    Graph(
        "Difference",
        "Where our books, the bank's answers and its statement do not agree.",
        "difference",
        statement_states.DifferenceState,
        statement_states.DIFFERENCE_MOVES,
        ("OPEN",),
    ),
)


def draw() -> str:
    """The page: a Mermaid diagram and a table of labels for every graph."""
    parts = [
        "# States\n\nDrawn by `manage.py draw_states` from `payments/states.py` and `beneficiaries/states.py`; the database "
        "refuses every\nmove that is not here.\n"
    ]
    with translation.override("vi"):
        parts += [_draw_graph(graph) for graph in GRAPHS]
    return "".join(parts)


def _draw_graph(graph: Graph) -> str:
    lines = [f"    [*] --> {state}" for state in graph.initial]
    lines += [f"    {old} --> {new}" for old, new in edges(graph.moves)]
    lines += [f"    {state} --> [*]" for state, onward in graph.moves.items() if not list(onward)]
    rows = [f"| `{state.value}` | {state.label} |" for state in graph.labels]
    diagram, table = "\n".join(lines), "\n".join(rows)
    return (
        f"\n## {graph.title}\n\n{graph.meaning}\n\n```mermaid\nstateDiagram-v2\n{diagram}\n```\n\n"
        f"| State | On the page |\n|---|---|\n{table}\n"
    )


class Command(BaseCommand):
    """`manage.py draw_states [--check]`."""

    help = "Draws docs/states.md; with --check only says whether it is current."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to write or to compare."""
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the page, or fail when it is not what would be written."""
        page = draw()
        if not options["check"]:
            PATH.write_text(page, encoding="utf-8")
        elif not PATH.exists() or PATH.read_text(encoding="utf-8") != page:
            raise CommandError("docs/states.md is not current: run manage.py draw_states")
