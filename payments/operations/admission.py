"""Whether a bank is to be sent anything now, and what each attempt teaches of it: the banks' channels, as the dispatch uses them.

A channel is one row a bank (`foundation.gateway.channels`), so all workers share circuit, rate and hours, and a bank that is down
or closed leaves the others flowing. The gateway as a whole has a channel too, of which only the circuit is used: its row would
otherwise be a lock that every worker waits for.
"""

from django.db import connection, transaction

from foundation.gateway.channels import (
    NO_ANSWER,
    TOO_MANY_LINES,
    WHOLE_GATEWAY,
    Grant,
    claim_tokens,
    report_failure,
    report_success,
    report_throttled,
)
from foundation.gateway.errors import GatewayError, MessageRefused, NotSent, OutcomeUnknown
from payments.states import AttemptKind

OF_OUR_OWN = {"NOT_AFTER_PASSED", "DEADLINE"}  # we were late: it says nothing of the bank


class _Closed(Exception):
    """Takes back what was granted when the second of two doors is shut."""

    def __init__(self, grant: Grant) -> None:
        super().__init__()
        self.grant = grant


def may_send(*, bank: str, lines: int) -> Grant:
    """How many of `lines` lines may go to the bank now: all, one to try a circuit, or none. Inner step of the claim."""
    try:
        with transaction.atomic():
            granted = _through(claim_tokens(bank=bank, lines=lines))
            if _gateway_is_troubled():
                granted = min(granted, _through(claim_tokens(bank=WHOLE_GATEWAY, lines=granted)))
    except _Closed as closed:
        return closed.grant
    return Grant(granted)


def _through(grant: Grant) -> int:
    if not grant.is_granted:
        raise _Closed(grant)
    return grant.lines


def _gateway_is_troubled() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT state <> 'CLOSED' FROM gateway_bank_channel WHERE bank_bin = %s", [WHOLE_GATEWAY])
        row = cursor.fetchone()
    return bool(row and row[0])


def learn(*, kind: AttemptKind, bank: str, error: GatewayError | None) -> None:
    """Tell the channels what an attempt brought. Inner step of recording it.

    An answer closes circuits. No answer counts against the bank that was sent to; a gateway that cannot be reached, or says
    that it is not there, counts against the gateway. A refused message counts against nobody.
    """
    if error is None:
        report_success(bank=WHOLE_GATEWAY)
        if kind == AttemptKind.SEND:
            report_success(bank=bank)
    elif isinstance(error, NotSent):
        if error.reason == TOO_MANY_LINES:
            report_throttled(bank=bank, retry_after=error.retry_after)
        elif error.reason not in OF_OUR_OWN:
            report_failure(bank=error.bank or WHOLE_GATEWAY, retry_after=error.retry_after, why=error.reason)
    elif not isinstance(error, MessageRefused) and kind == AttemptKind.SEND:
        report_failure(bank=bank, why=error.why if isinstance(error, OutcomeUnknown) else NO_ANSWER)
