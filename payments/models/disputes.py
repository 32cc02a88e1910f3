"""When a payment that ended unpaid may have been paid after all: one rule, for triggers and for statements."""

from payments.states import SAID_PAID, TRANSFER_ENDED_UNPAID

_ENDED = ", ".join(f"'{state}'" for state in TRANSFER_ENDED_UNPAID)
_PAID = ", ".join(f"'{code}'" for code in SAID_PAID)


def disputed(former: str) -> str:
    """A condition on the alias `former`, a transfer from which a line has moved on: somebody says that it was paid, or it was."""
    return f"({former}.state = 'SETTLED' OR {former}.state IN ({_ENDED}) AND {former}.conflicting_status IN ({_PAID}))"
