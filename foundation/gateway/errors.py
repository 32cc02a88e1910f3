"""What can go wrong at the gateway, by what it proves: that is all that decides the next step.

`Unavailable` means "not now": `OutcomeUnknown` (money may have moved, so ask, never send again blind) or `NotSent`
(the contract or the socket proves that nothing of this request was done). `Refused` means "never like this". Nothing
else comes out of the port, except `CalledInTransaction`, which is a mistake of ours.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Exchange:
    """What travelled in one call, kept as evidence by `exchanges.keep_exchange`; bodies hold personal data."""

    message_id: str
    target: str
    request: bytes = field(repr=False)
    http_status: int | None = None
    answer: bytes | None = field(default=None, repr=False)  # as far as it came
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """What the contract forbids in a message: the line (from 1; 0 is the message itself), the field, why."""

    line: int
    field: str
    problem: str


class CalledInTransaction(RuntimeError):
    """A call was about to leave while a database transaction was open: a lock would be held over HTTP (I-8, I-9)."""


class GatewayError(Exception):
    """Anything the port can raise; `exchange` is what travelled, if a request was built."""

    def __init__(self, text: str, *, exchange: Exchange | None = None) -> None:
        super().__init__(text)
        self.exchange = exchange


class Unavailable(GatewayError):
    """No usable answer; nothing is wrong with the request."""


class OutcomeUnknown(Unavailable):
    """The request may have been processed, in whole or in part; only an inquiry, callback or statement tells.

    `why` is a short code for logs and counters, such as `TIMEOUT`, `CUT`, `HTTP_502`, `NOT_JSON`.
    """

    def __init__(self, why: str, *, exchange: Exchange | None = None) -> None:
        super().__init__(f"outcome unknown: {why}", exchange=exchange)
        self.why = why


class NotSent(Unavailable):
    """Nothing of **this** request was done, by proof; earlier requests with the same ids stand as they were.

    `reason` is the gateway's code (`TOO_MANY_REQUESTS`, `NOT_AFTER_PASSED`, …) or ours (`CONNECT`, `DEADLINE`);
    `retry_after` is in seconds, `bank` a BIN when only that bank is closed.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after: float | None = None,
        bank: str | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        super().__init__(f"not sent: {reason}", exchange=exchange)
        self.reason = reason
        self.retry_after = retry_after
        self.bank = bank


class Refused(GatewayError):
    """Final: the same request never works. Nothing of it was done."""

    def __init__(self, code: str, *, problems: tuple[Problem, ...] = (), exchange: Exchange | None = None) -> None:
        super().__init__(f"refused: {code}, {len(problems)} problem(s)", exchange=exchange)
        self.code = code
        self.problems = problems


class MessageRefused(Refused):
    """A whole message broke the contract; `lines` names the transfers that are to blame, where that is known."""

    @property
    def lines(self) -> frozenset[int]:
        """Numbers of the lines to blame, from 1, in the order that they were given to `submit`."""
        return frozenset(problem.line for problem in self.problems if problem.line > 0)
