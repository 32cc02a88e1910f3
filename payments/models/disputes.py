"""When a payment that ended unpaid may have been paid after all: one rule, for triggers, statements and pages."""

from typing import TYPE_CHECKING

from payments.states import SAID_PAID, TRANSFER_ENDED_UNPAID, TransferState

if TYPE_CHECKING:
    from payments.models.transfers import Transfer

_ENDED = ", ".join(f"'{state}'" for state in TRANSFER_ENDED_UNPAID)
_PAID = ", ".join(f"'{code}'" for code in SAID_PAID)


def disputed(former: str) -> str:
    """A condition on the alias `former`, a transfer from which a line has moved on: somebody says that it was paid, or it was."""
    return f"({former}.state = 'SETTLED' OR {former}.state IN ({_ENDED}) AND {former}.conflicting_status IN ({_PAID}))"


def is_disputed(former: "Transfer") -> bool:
    """The same of one that is at hand."""
    ended_unpaid = former.state in TRANSFER_ENDED_UNPAID and former.conflicting_status in SAID_PAID
    return former.state == TransferState.SETTLED or ended_unpaid


def found_paid(transfer_id: str) -> str:
    """A condition on an id of a transfer: two persons found that it was paid after it had ended unpaid."""
    return f"EXISTS (SELECT 1 FROM payments_ledger_entry u WHERE u.transfer_id = {transfer_id} AND u.kind = 'UNVOID')"
