"""What happens to whom: the last four digits of an account number choose a scenario.

So a test or a demonstration arranges a case by choosing a number, with nothing to set up, and the same number does
the same in every run. docs/mock-gateway.md lists them for people; a test compares the two.
"""

import enum
from typing import NamedTuple


class Move(enum.StrEnum):
    """What becomes of a credit, now or when its time has come."""

    SETTLE = "SETTLE"  # the receiver is credited: ACCC
    DEBIT = "DEBIT"  # the fund is debited, the receiver's bank never says more: ACSC
    REJECT = "REJECT"
    RETURN = "RETURN"  # settled before, now given back


class Silence(enum.StrEnum):
    """The answer to the first message that carries the credit never comes."""

    BEFORE = "BEFORE"  # and nothing was processed
    AFTER = "AFTER"  # and everything was


class Payment(NamedTuple):
    """How a credit to an account runs."""

    move: Move = Move.SETTLE
    reason: str | None = None
    late: bool = False
    returned: str | None = None
    silence: Silence | None = None


SETTLES = Payment()
PAYMENTS: dict[str, Payment] = {
    "9901": Payment(Move.REJECT, "AC04"),
    "9902": Payment(Move.REJECT, "AC06"),
    "9903": Payment(Move.REJECT, "BE01"),
    "9910": Payment(late=True),
    "9911": Payment(Move.REJECT, "AC04", late=True),
    "9920": Payment(silence=Silence.BEFORE),
    "9921": Payment(silence=Silence.AFTER),
    "9930": Payment(returned="AC04"),
    "9931": Payment(Move.DEBIT),
    "9940": Payment(Move.REJECT, "AC01"),
    "9943": Payment(Move.REJECT, "AC06"),
}

TEMPORARY = "TEMPORARY"
REFUSALS: dict[str, str] = {
    "9940": "ACC_NOT_FOUND",
    "9941": "NAME_MISMATCH",
    "9942": "ID_MISMATCH",
    "9943": "ACC_INACTIVE",
    "9944": "ACC_TYPE",
    "9945": TEMPORARY,
    "9946": "BIO_MISSING",
    "9947": "EID_LEVEL",
}
NEAR_NAME = "9948"
OTHER_NAME = "9949"
OTHER_HOLDER = "TRẦN QUỐC KHÁNH"

ACCOUNT_STATUS_REASONS: dict[str, str] = {"CLOSED": "AC04", "BLOCKED": "AC06", "DORMANT": "AC06"}


def code_of(account_number: str) -> str:
    """The digits that choose."""
    return account_number[-4:]


def payment(account_number: str) -> Payment:
    """How a credit to this account runs, as far as its number says."""
    return PAYMENTS.get(account_number[-4:], SETTLES)


def is_scenario(account_number: str) -> bool:
    """Whether the number is one of those that need no holder of their own."""
    code = code_of(account_number)
    return code in PAYMENTS or code in REFUSALS or code in (NEAR_NAME, OTHER_NAME)
