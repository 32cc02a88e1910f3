"""Sending and asking, chunk by chunk: claim (transaction), call (no transaction), record (transaction).

The intent is committed before the first byte leaves. The lease bounds how long a worker may take, the fence makes the word of
one that took longer worthless, and an outcome that is not proven is UNKNOWN: it is asked about, never sent again blind.
The protocol is told in docs/architecture.md.
"""

from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from beneficiaries.operations.accounts import follow_bank_refusals
from foundation.audit.alarms import raise_alarm
from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.alarms import CLOCK_SKEW, FOREIGN_IDS
from foundation.gateway.codes import NOT_FOUND, Outcome
from foundation.gateway.errors import GatewayError, MessageRefused, NotSent, OutcomeUnknown
from foundation.gateway.exchanges import keep_exchange
from foundation.gateway.port import BulkAnswer, Gateway
from payments.failpoints import failpoint
from payments.operations import admission
from payments.operations.claiming import Claim, ListTampered, claim_to_ask, claim_to_send
from payments.operations.conflicts import again_on_conflict
from payments.operations.counting import recount
from payments.operations.settle import Applied, Word, apply_words
from payments.states import AttemptKind, AttemptOutcome, ChunkState

__all__ = [
    "Claim",
    "ListTampered",
    "ask",
    "claim_to_ask",
    "claim_to_send",
    "record_answer",
    "record_failure",
    "send",
    "sweep_leases",
]

log = structlog.get_logger(__name__)

MAX_SENDS = 5  # a line that was sent so often without a word goes to people
MOST_SKEW = 60  # seconds between the gateway's clock and ours; the order of things never rests on either
MAX_REFUSALS = 40  # of a chunk's messages: looking for one bad line in 500 takes ten, this is no single line's fault


def send(*, claim: Claim, gateway: Gateway) -> None:
    """Send a claimed chunk once and record what is proven."""
    failpoint("after_intent")
    try:
        answer = gateway.submit(
            message_id=claim.message_id,
            debtor_account=claim.debtor_account,
            not_after=claim.not_after,  # type: ignore[arg-type]
            transfers=claim.instructions,
            deadline_seconds=settings.DISPATCH_REQUEST_DEADLINE,
        )
    except GatewayError as error:
        failpoint("after_answer")
        record_failure(claim=claim, error=error)
    else:
        failpoint("after_answer")
        record_answer(claim=claim, answer=answer)
    failpoint("after_record")


def ask(*, claim: Claim, gateway: Gateway) -> None:
    """Ask about a claimed chunk once and record what is proven."""
    if not claim.amounts:  # a callback said the last word while the chunk waited
        _record(claim, outcome=AttemptOutcome.ANSWERED, detail="nothing to ask", words=[])
        return
    failpoint("after_question")
    try:
        answer = gateway.inquire(
            message_id=claim.message_id,
            end_to_end_ids=list(claim.amounts),
            amounts=claim.amounts,
            deadline_seconds=settings.DISPATCH_REQUEST_DEADLINE,
        )
    except GatewayError as error:
        record_failure(claim=claim, error=error)
    else:
        failpoint("after_reply")
        record_answer(claim=claim, answer=answer)


def record_answer(*, claim: Claim, answer: BulkAnswer) -> None:
    """Apply a definite answer line by line; lines without one are unknown."""
    not_found = [item.end_to_end_id for item in answer.answers if item.transaction_status == NOT_FOUND]
    words = [Word.of(item) for item in answer.answers if item.transaction_status != NOT_FOUND]
    words += [Word(end_to_end_id, Outcome.UNKNOWN, "", "") for end_to_end_id in answer.unknown]
    detail = "" if answer.is_clean else f"unknown {len(answer.unknown)}, foreign {len(answer.foreign)}"
    _record(
        claim,
        outcome=AttemptOutcome.ANSWERED,
        detail=detail,
        words=words,
        not_found=not_found,
        answered_at=answer.answered_at,
        exchange=answer.exchange,
        foreign=len(answer.foreign),
    )


def record_failure(*, claim: Claim, error: GatewayError) -> None:
    """Record that there was no answer: proven not sent, refused whole, or unknown, which is the default."""
    if isinstance(error, NotSent):
        outcome, detail, wait = AttemptOutcome.NOT_SENT, error.reason, error.retry_after or 0.0
    elif isinstance(error, MessageRefused):
        outcome, detail, wait = AttemptOutcome.REFUSED, str(error), 0.0
    else:
        why = error.why if isinstance(error, OutcomeUnknown) else type(error).__name__
        outcome, detail, wait = AttemptOutcome.UNKNOWN, why, 0.0
    _record(claim, outcome=outcome, detail=detail, words=None, wait_seconds=wait, error=error, exchange=error.exchange)


HOLDING = """
SELECT fence FROM payments_dispatch_chunk WHERE id = %s AND fence = %s AND state = %s FOR NO KEY UPDATE
"""

# What was proven not sent does not count as sent: neither towards the limit, nor as something that a bank may speak of.
NOT_SENT = """
UPDATE payments_transfer
SET state = 'READY', proof_id = %(attempt)s, due_at = portal_now(), sent_count = sent_count - 1,
    first_sent_at = CASE WHEN sent_count > 1 THEN first_sent_at END
WHERE chunk_id = %(chunk)s AND state = 'SENDING'
"""

# A message that the gateway will never take as it is: the lines to blame go to people, the rest goes on. Where the gateway does
# not say which, ever smaller messages find the line; after too many refusals it is no line's fault and all go to people.
TO_PEOPLE = """
UPDATE payments_transfer
SET state = 'REVIEW', due_at = portal_now() + interval '1 day',
    sent_count = greatest(sent_count, 1), first_sent_at = coalesce(first_sent_at, portal_now())  -- people may have it asked about
WHERE chunk_id = %(chunk)s AND state = 'READY'
  AND (end_to_end_id = ANY (%(blamed)s)
    OR (SELECT count(*) FROM payments_dispatch_attempt WHERE chunk_id = %(chunk)s AND outcome = 'REFUSED') >= %(most)s)
"""
NARROW = "UPDATE payments_dispatch_chunk SET send_limit = %s WHERE id = %s"
# An answer widens the next message again.
WIDEN = """
UPDATE payments_dispatch_chunk SET send_limit = nullif(least(send_limit * 2, %(size)s), %(size)s)
WHERE id = %(chunk)s AND send_limit IS NOT NULL
"""

NOW_UNKNOWN = """
UPDATE payments_transfer SET state = 'UNKNOWN', due_at = portal_now() WHERE chunk_id = %s AND state = 'SENDING'
"""

# "Never processed" is proof only after the last moment at which any earlier message could have begun to be processed, only
# inside the gateway's memory, and only for lines that it had not accepted; anything else is for people.
NOT_FOUND_LINES = """
UPDATE payments_transfer t
SET state = CASE WHEN t.state = 'UNKNOWN' AND t.sent_count < %(most)s
                      AND t.first_sent_at > portal_now() - %(window)s * interval '1 second'
                 THEN 'READY' ELSE 'REVIEW' END,
    proof_id = %(attempt)s, due_at = portal_now() + CASE WHEN t.state = 'UNKNOWN' THEN interval '0' ELSE interval '1 day' END
FROM payments_dispatch_chunk c
WHERE c.id = t.chunk_id AND t.chunk_id = %(chunk)s AND t.end_to_end_id = ANY (%(ids)s)
  AND t.state IN ('UNKNOWN', 'ACCEPTED')
  AND %(answered_at)s > c.last_send_deadline + %(margin)s * interval '1 second'
"""


@again_on_conflict
@transaction.atomic(durable=True)
def _record(
    claim: Claim,
    *,
    outcome: AttemptOutcome,
    detail: str,
    words: list[Word] | None,
    not_found: list[str] | None = None,
    answered_at: datetime | None = None,
    wait_seconds: float = 0.0,
    error: GatewayError | None = None,
    exchange: Any = None,
    foreign: int = 0,
) -> None:
    """Write what an attempt brought, if this worker still holds the chunk; otherwise only that it came too late (I-11)."""
    leased = ChunkState.LEASED_SEND if claim.kind == AttemptKind.SEND else ChunkState.LEASED_INQUIRY
    applied = Applied({}, [], [])
    with connection.cursor() as cursor:
        cursor.execute(HOLDING, [claim.chunk_id, claim.fence, str(leased)])
        stale = cursor.fetchone() is None
        cursor.execute(
            "UPDATE payments_dispatch_attempt SET outcome = %s, detail = %s, answered_at = portal_now() "
            "WHERE id = %s AND outcome = 'PENDING' RETURNING extract(epoch FROM %s::timestamptz - portal_now())",
            [str(AttemptOutcome.STALE if stale else outcome), detail[:200], claim.attempt_id, answered_at],
        )
        _judge_answer(claim, ahead=cursor.fetchone(), foreign=foreign)
        if not stale:
            if outcome in (AttemptOutcome.NOT_SENT, AttemptOutcome.REFUSED) and claim.kind == AttemptKind.SEND:
                cursor.execute(NOT_SENT, {"chunk": claim.chunk_id, "attempt": claim.attempt_id})
                if isinstance(error, MessageRefused):
                    _isolate(cursor, claim, error)
            elif claim.kind == AttemptKind.SEND and outcome == AttemptOutcome.ANSWERED:
                cursor.execute(WIDEN, {"chunk": claim.chunk_id, "size": settings.DISPATCH_CHUNK_SIZE})
            admission.learn(kind=claim.kind, bank=claim.bank, error=error)
            if words:
                applied = apply_words(cursor, chunk_ids=[claim.chunk_id], words=words)
            cursor.execute(NOW_UNKNOWN, [claim.chunk_id])
            if not_found:
                cursor.execute(
                    NOT_FOUND_LINES,
                    {
                        "chunk": claim.chunk_id,
                        "attempt": claim.attempt_id,
                        "ids": not_found,
                        "answered_at": answered_at,
                        "most": MAX_SENDS,
                        "window": settings.DISPATCH_GATEWAY_WINDOW,
                        "margin": settings.DISPATCH_SKEW_MARGIN,
                    },
                )
            soon = claim.kind == AttemptKind.SEND and outcome in (AttemptOutcome.REFUSED, AttemptOutcome.ANSWERED)
            recount(cursor, chunk_ids=[claim.chunk_id], release=True, wait_seconds=wait_seconds, soon=soon)
    follow_bank_refusals(refusals=applied.refused_accounts)
    if exchange is not None:
        keep_exchange(exchange)
    record_event(
        kind="chunk.stale_answer" if stale else f"chunk.{outcome.lower()}",
        actor=SYSTEM,
        subject_kind="chunk",
        subject_id=claim.chunk_id,
        payload={
            "message": claim.message_id,
            "detail": detail,
            "moved": applied.moved,
            "contradicted": applied.contradicted,
            "not_found": len(not_found or []),
        },
    )
    log.info("chunk recorded", message_id=claim.message_id, outcome=str(outcome), stale=stale, moved=applied.moved)


def _judge_answer(claim: Claim, *, ahead: tuple[Any, ...] | None, foreign: int) -> None:
    """Raise what an answer tells of the gateway itself: ids that are not ours (F21), a clock that is not ours (F33)."""
    if foreign:
        raise_alarm(
            kind=FOREIGN_IDS,
            subject_kind="gateway",
            subject_id="answers",
            details={"message": claim.message_id, "ids": foreign},
        )
    seconds = round(ahead[0]) if ahead and ahead[0] is not None else 0
    if abs(seconds) > MOST_SKEW:
        raise_alarm(
            kind=CLOCK_SKEW,
            subject_kind="gateway",
            subject_id="clock",
            details={"gateway_ahead_seconds": seconds},
        )


def _isolate(cursor: Any, claim: Claim, error: MessageRefused) -> None:
    """Send the line that spoils a message to people, or come closer to it."""
    sent = [instruction.end_to_end_id for instruction in claim.instructions]
    blamed = [sent[line - 1] for line in error.lines if line <= len(sent)] or (sent if len(sent) == 1 else [])
    cursor.execute(TO_PEOPLE, {"chunk": claim.chunk_id, "blamed": blamed, "most": MAX_REFUSALS})
    if not blamed:
        cursor.execute(NARROW, [max(1, len(sent) // 2), claim.chunk_id])


SWEEP_LEASES = """
WITH expired AS (
    SELECT id, state FROM payments_dispatch_chunk
    WHERE state IN ('LEASED_SEND', 'LEASED_INQUIRY') AND route = 'GATEWAY'
      AND lease_until < portal_now() - %(margin)s * interval '1 second'
    ORDER BY id LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
), unknown AS (
    UPDATE payments_transfer t SET state = 'UNKNOWN', due_at = portal_now()
    FROM expired WHERE t.chunk_id = expired.id AND t.state = 'SENDING'
), lost AS (
    UPDATE payments_dispatch_attempt a SET outcome = 'UNKNOWN', detail = 'lease expired', answered_at = portal_now()
    FROM expired WHERE a.chunk_id = expired.id AND a.outcome = 'PENDING'
)
UPDATE payments_dispatch_chunk c SET state = 'INQUIRY', lease_until = NULL, due_at = portal_now()
FROM expired WHERE c.id = expired.id
RETURNING c.id
"""


@transaction.atomic(durable=True)
def sweep_leases() -> list[int]:
    """Chunks whose worker never came back are asked about, never made ready: their ids."""
    with connection.cursor() as cursor:
        cursor.execute(SWEEP_LEASES, {"margin": settings.DISPATCH_SKEW_MARGIN})
        swept = [row[0] for row in cursor.fetchall()]
    for chunk_id in swept:
        record_event(kind="chunk.lease_expired", actor=SYSTEM, subject_kind="chunk", subject_id=chunk_id)
    return swept
