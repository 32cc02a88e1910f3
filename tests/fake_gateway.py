"""A gateway in memory that keeps the contract and its own credit log; `tests/contract` holds it to the real one's tests."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from foundation.gateway.errors import NotSent, OutcomeUnknown
from foundation.gateway.port import BulkAnswer, TransferAnswer, TransferInstruction


@dataclass
class FakeGateway:
    """Credits at once (`status`), or does what `before` and `after` say: raise what the port may raise."""

    status: str = "ACCC"
    reason: str | None = None
    statuses: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # by creditor account
    credits: dict[str, TransferInstruction] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)
    returned: set[str] = field(default_factory=set)
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def submit(
        self,
        *,
        message_id: str,
        debtor_account: str,
        not_after: datetime,
        transfers: Sequence[TransferInstruction],
        deadline_seconds: float,
    ) -> BulkAnswer:
        self.messages.append(message_id)
        self.before()
        for transfer in transfers:
            if transfer.end_to_end_id not in self.credits:
                self.credits[transfer.end_to_end_id] = transfer
                if self._status(transfer.end_to_end_id)[0] != "RJCT":
                    self.times[transfer.end_to_end_id] += 1
        self.after()
        return self._answer(message_id, [transfer.end_to_end_id for transfer in transfers])

    def inquire(
        self,
        *,
        message_id: str,
        end_to_end_ids: Sequence[str],
        deadline_seconds: float,
        amounts: Mapping[str, int] | None = None,
    ) -> BulkAnswer:
        self.messages.append(message_id)
        return self._answer(message_id, end_to_end_ids)

    def _status(self, end_to_end_id: str) -> tuple[str, str | None]:
        account = self.credits[end_to_end_id].creditor_account
        return self.statuses.get(account, (self.status, self.reason))

    def _answer(self, message_id: str, ids: Sequence[str]) -> BulkAnswer:
        answers = []
        for end_to_end_id in ids:
            if end_to_end_id not in self.credits:
                answers.append(TransferAnswer(end_to_end_id, "NOTFOUND", None, None, None))
            else:
                status, reason = self._status(end_to_end_id)
                amount = self.credits[end_to_end_id].instructed_amount
                reference = f"FT{end_to_end_id[-12:].upper()}" if status in ("ACSC", "ACCC") else None
                answers.append(
                    TransferAnswer(end_to_end_id, status, reason, amount, self.clock(), bank_reference=reference)
                )
        return BulkAnswer(message_id=message_id, answered_at=self.clock(), answers=tuple(answers))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the fake gateway does not play {name}")


@dataclass
class ForgetfulGateway(FakeGateway):
    """One that pays whatever it is sent, as often as it is sent: only the portal's own care keeps a double payment away.

    It begins nothing at or after `not_after`, and decides about each transfer when it is told to (`decide`).
    """

    decided: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # by end_to_end_id

    def submit(self, *, not_after: datetime, transfers: Sequence[TransferInstruction], **message: Any) -> BulkAnswer:
        self.messages.append(message["message_id"])
        if self.clock() >= not_after:
            raise NotSent("NOT_AFTER_PASSED")
        self.before()
        for transfer in transfers:
            self.credits.setdefault(transfer.end_to_end_id, transfer)
            if self._status(transfer.end_to_end_id)[0] in ("ACSC", "ACCC"):
                self.times[transfer.end_to_end_id] += 1
        self.after()
        return self._answer(message["message_id"], [transfer.end_to_end_id for transfer in transfers])

    def decide(self, end_to_end_id: str, status: str, reason: str | None = None) -> None:
        """The bank's last word about a transfer that it had only accepted."""
        if self._status(end_to_end_id)[0] == "ACSP":
            self.decided[end_to_end_id] = status, reason
            if status in ("ACSC", "ACCC"):
                self.times[end_to_end_id] += 1

    def _status(self, end_to_end_id: str) -> tuple[str, str | None]:
        """As it was when the transfer came first, or as was decided since."""
        return self.decided.setdefault(end_to_end_id, (self.status, self.reason))


def time_out() -> None:
    """No answer came: what the client raises then."""
    raise OutcomeUnknown("TIMEOUT")
