"""I-6 past the rows: the graphs that the database enforces are those of this release."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from beneficiaries.states import ACCOUNT_MOVES
from foundation.audit.graphs import edges
from foundation.gateway.models import MESSAGE_MOVES
from payments.operations.verification.invariants import Look
from payments.states import (
    BATCH_MOVES,
    CHUNK_MOVES,
    PROPOSAL_MOVES,
    RECOVERY_MOVES,
    RESULT_FILE_MOVES,
    TRANSFER_MOVES,
    VOUCHER_MOVES,
)

GRAPHS: dict[str, Mapping[Any, Iterable[Any]]] = {
    "payout_batch": BATCH_MOVES,
    "transfer": TRANSFER_MOVES,
    "dispatch_chunk": CHUNK_MOVES,
    "funding_voucher": VOUCHER_MOVES,
    "proposal": PROPOSAL_MOVES,
    "payout_account": ACCOUNT_MOVES,
    "gateway_message": MESSAGE_MOVES,
    "result_file": RESULT_FILE_MOVES,
    "recovery": RECOVERY_MOVES,
}

MOVES_TRIGGER = (
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname ~ ('^pgtrigger_' || %s || '_moves_[0-9a-f]{5}$')"
)


def graphs_in_database(cursor: Any) -> Look:
    """Every edge that a trigger lets pass stands in `states.py`, and the other way round."""
    checked, wrong = 0, []
    for name, moves in GRAPHS.items():
        cursor.execute(MOVES_TRIGGER, [name])
        found = {edge for (text,) in cursor.fetchall() for edge in re.findall(r"'([A-Z_]+)>([A-Z_]+)'", text)}
        told = set(edges(moves))
        checked += len(told)
        wrong += [f"{name}: {old}>{new}" for old, new in sorted(found ^ told)]
    return Look(checked, len(wrong), wrong[0] if wrong else "")
