"""A bank with a credit book of its own and every way of going wrong, for the machine: it pays whatever reaches it, as often as it
reaches it, so that only the portal's own care keeps a double payment away.

It keeps the contract where the contract protects the payer: it begins nothing at or after `not_after`, its inquiries read its own
writes, and what it refuses whole it has not begun.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import cycle
from typing import Any

from foundation.audit import clock
from foundation.gateway.errors import MessageRefused, NotSent, OutcomeUnknown, Problem
from foundation.gateway.port import BulkAnswer, TransferAnswer, TransferInstruction


class Fault(StrEnum):
    """What happens to one message."""

    NONE = "answered"
    NO_CONNECTION = "nobody listens"
    BUSY = "too many requests"
    LOST_BEFORE = "no answer, nothing done"
    LOST_AFTER = "no answer, all done"
    HALF_DONE = "no answer, half done"
    CUT = "half of the answers are missing"
    FOREIGN = "an answer about somebody else's payment"
    DUPLICATE = "done, and called a duplicate"
    REFUSED = "refused whole"
    REFUSED_BY_LINE = "refused whole, the line named"


class Fate(StrEnum):
    """What the bank does with one payment, once it has it; it never changes its mind."""

    CREDITED = "ACCC"
    DEBITED = "ACSC"
    LATER = "ACSP"  # decided when `decide` says so
    NO_MONEY = "AM04"
    STRANGE = "ZZ99"  # rejected for a reason that nobody has classified: people decide


FINAL = ("ACCC", "ACSC", "RJCT")


@dataclass
class Entry:
    """One payment in the bank's book."""

    instruction: TransferInstruction
    said: list[tuple[str, str | None]]  # everything that was ever true of it, in order
    times: int = 0
    returned: bool = False

    @property
    def word(self) -> tuple[str, str | None]:
        return self.said[-1]


@dataclass
class FaultyBank:
    """The port's two money calls, a book, and one fault for the next call."""

    reached: Callable[[str], None]
    fault: Fault = Fault.NONE
    fates: Iterator[Fate] = field(default_factory=lambda: cycle([Fate.CREDITED]))
    book: dict[str, Entry] = field(default_factory=dict)
    poisoned: set[str] = field(default_factory=set)  # codes of lines that were named as unfit

    def submit(
        self,
        *,
        message_id: str,
        debtor_account: str,
        not_after: datetime,
        transfers: Sequence[TransferInstruction],
        deadline_seconds: float,
    ) -> BulkAnswer:
        if clock.now() >= not_after:
            self.reached("a frozen worker was refused by not_after")
            raise NotSent("NOT_AFTER_PASSED")
        fault, self.fault = self.fault, Fault.NONE
        self.reached(f"sent: {fault.value}")
        match fault:
            case Fault.NO_CONNECTION:
                raise NotSent("CONNECT")
            case Fault.BUSY:
                raise NotSent("TOO_MANY_REQUESTS", retry_after=1)
            case Fault.LOST_BEFORE:
                raise OutcomeUnknown("TIMEOUT")
            case Fault.REFUSED:
                if len(transfers) == 1:  # then nobody has to look for the line
                    self.poisoned.add(transfers[0].end_to_end_id)
                raise MessageRefused("INVALID_MESSAGE")
            case Fault.REFUSED_BY_LINE:
                self.poisoned.add(transfers[0].end_to_end_id)
                raise MessageRefused("INVALID_MESSAGE", problems=(Problem(1, "creditor_name", "is not allowed"),))
        done = transfers[: len(transfers) // 2] if fault is Fault.HALF_DONE else transfers
        for transfer in done:
            self._take(transfer, next(self.fates))
        if fault in (Fault.LOST_AFTER, Fault.HALF_DONE):
            raise OutcomeUnknown("HTTP_502")
        return self._answer(message_id, [transfer.end_to_end_id for transfer in transfers], fault)

    def inquire(
        self,
        *,
        message_id: str,
        end_to_end_ids: Sequence[str],
        deadline_seconds: float,
        amounts: Mapping[str, int] | None = None,
    ) -> BulkAnswer:
        fault, self.fault = self.fault, Fault.NONE
        self.reached(f"asked: {fault.value}")
        if fault in (Fault.NO_CONNECTION, Fault.BUSY):
            raise NotSent("CONNECT")
        if fault is not Fault.NONE and fault is not Fault.CUT:
            raise OutcomeUnknown("TIMEOUT")
        return self._answer(message_id, end_to_end_ids, fault)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the faulty bank does not play {name}")

    def decide(self, code: str, fate: Fate) -> None:
        """The last word about what was only accepted."""
        entry = self.book[code]
        if entry.word[0] == "ACSP":
            self._say(entry, Fate.CREDITED if fate is Fate.LATER else fate)

    def credit_at_last(self, code: str) -> None:
        """What was debited reaches the receiver."""
        entry = self.book[code]
        if entry.word[0] == "ACSC":
            entry.said.append(("ACCC", None))

    def _take(self, transfer: TransferInstruction, fate: Fate) -> None:
        entry = self.book.get(transfer.end_to_end_id)
        if entry is None:
            self.book[transfer.end_to_end_id] = entry = Entry(transfer, [])
            self._say(entry, fate)
        elif entry.word[0] in ("ACCC", "ACSC"):
            entry.times += 1  # it pays again: this is what must never happen

    def _say(self, entry: Entry, fate: Fate) -> None:
        if fate in (Fate.NO_MONEY, Fate.STRANGE):
            entry.said.append(("RJCT", fate.value))
        else:
            entry.said.append((fate.value, None))
            entry.times += fate is not Fate.LATER
        self.reached(f"the bank said {fate.name}")

    def _answer(self, message_id: str, ids: Sequence[str], fault: Fault) -> BulkAnswer:
        answered = list(ids)[: (len(ids) + 1) // 2] if fault is Fault.CUT else list(ids)
        return BulkAnswer(
            message_id=message_id,
            answered_at=clock.now(),
            answers=tuple(self._result(code, fault) for code in answered),
            missing=frozenset(ids) - frozenset(answered),
            foreign=frozenset({"f" * 32}) if fault is Fault.FOREIGN else frozenset(),
        )

    def _result(self, code: str, fault: Fault) -> TransferAnswer:
        if code not in self.book:
            self.reached("the bank never saw it")
            return TransferAnswer(code, "NOTFOUND", None, None, None)
        entry = self.book[code]
        status, reason = ("RJCT", "AM05") if fault is Fault.DUPLICATE else entry.word
        reference = f"FT{code[-12:].upper()}" if status in ("ACSC", "ACCC") else None
        return TransferAnswer(
            code, status, reason, entry.instruction.instructed_amount, clock.now(), bank_reference=reference
        )
