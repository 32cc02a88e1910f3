"""Recomputing all that must never be false, on live data: I-1 to I-30 of docs/architecture.md, and the guards that hold them."""

from payments.operations.verification.gateway_book import GATEWAY, Credit, GatewayBook, NotALog, read_log
from payments.operations.verification.guards import GUARDS
from payments.operations.verification.invariants import Check, Invariant, Look, Proof, Remedy
from payments.operations.verification.lists import LISTS
from payments.operations.verification.money import MONEY
from payments.operations.verification.sending import SENDING
from payments.operations.verification.statement_book import statement_book

INVARIANTS: tuple[Invariant, ...] = (
    *sorted((*GATEWAY, *LISTS, *MONEY, *SENDING), key=lambda invariant: int(invariant.code.removeprefix("I-"))),
    GUARDS,
)

__all__ = [
    "INVARIANTS",
    "Check",
    "Credit",
    "GatewayBook",
    "Invariant",
    "Look",
    "NotALog",
    "Proof",
    "Remedy",
    "read_log",
    "statement_book",
]
