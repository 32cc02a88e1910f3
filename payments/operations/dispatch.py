"""Sending and asking, chunk by chunk: claim (transaction), call (no transaction), record (transaction).

The intent is committed before the first byte leaves. The lease bounds how long a worker may take, the fence makes the word of
one that took longer worthless, and an outcome that is not proven is UNKNOWN: it is asked about, never sent again blind.
The protocol is told in docs/architecture.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from beneficiaries.operations.accounts import follow_bank_refusals
from foundation.audit import merkle
from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.codes import NOT_FOUND, Outcome
from foundation.gateway.errors import GatewayError, MessageRefused, NotSent, OutcomeUnknown
from foundation.gateway.exchanges import keep_exchange
from foundation.gateway.port import BulkAnswer, Gateway, TransferInstruction
from foundation.privacy.encryption import DecryptionFailed, decrypt_many
from payments.models import PayoutBatch
from payments.operations.release import hold
from payments.operations.settle import Applied, Word, apply_words, recount
from payments.states import AttemptKind, AttemptOutcome, BatchState, ChunkState

log = structlog.get_logger(__name__)

MAX_SENDS = 5  # a line that was sent so often without a word goes to people
MAX_REFUSALS = 3  # of a whole message


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk that this worker holds: what to send or to ask, under which fence, until when."""

    chunk_id: int
    batch_id: int
    kind: AttemptKind
    fence: int
    attempt_id: int
    message_id: str
    not_after: datetime | None
    debtor_account: str
    instructions: Sequence[TransferInstruction] = field(repr=False)
    amounts: dict[str, int] = field(repr=False)


class ListTampered(Exception):
    """What would be sent is not what was approved."""

    def __init__(self, batch_id: int, chunk_id: int, what: str) -> None:
        super().__init__(f"batch {batch_id}, chunk {chunk_id}: {what}")
        self.batch_id, self.chunk_id, self.what = batch_id, chunk_id, what


PICK = """
SELECT c.id, c.batch_id, c.list_hash, c.hash_path, b.list_hash, f.debtor_account
FROM payments_dispatch_chunk c
JOIN payments_payout_batch b ON b.id = c.batch_id
JOIN payments_fund f ON f.id = b.fund_id
WHERE c.route = 'GATEWAY' AND c.state = %(state)s AND c.due_at <= portal_now() AND b.state = ANY (%(batch_states)s)
ORDER BY c.due_at, c.id
LIMIT 1
FOR NO KEY UPDATE OF c SKIP LOCKED
FOR SHARE OF b SKIP LOCKED
"""

LEASE = """
UPDATE payments_dispatch_chunk
SET state = %(leased)s, fence = fence + 1, attempts = attempts + 1,
    lease_until = portal_now() + %(lease)s * interval '1 second',
    last_send_deadline = CASE WHEN %(kind)s = 'SEND' THEN portal_now() + %(deadline)s * interval '1 second'
                              ELSE last_send_deadline END
WHERE id = %(chunk)s
RETURNING fence, last_send_deadline
"""

INTEND = """
INSERT INTO payments_dispatch_attempt (chunk_id, fence, kind, message_id, number_of_transactions, control_sum, not_after)
VALUES (%(chunk)s, %(fence)s, %(kind)s, %(message)s, %(count)s, %(sum)s, %(not_after)s)
RETURNING id
"""

# The number itself comes from the account's version, and its fingerprint must be the one in the approved list.
SENDING = """
WITH sent AS (
    UPDATE payments_transfer
    SET state = 'SENDING', sent_count = sent_count + 1, first_sent_at = coalesce(first_sent_at, portal_now()),
        due_at = portal_now() + %(lease)s * interval '1 second'
    WHERE chunk_id = %(chunk)s AND state = 'READY'
    RETURNING id, end_to_end_id, instructed_amount, creditor_name, creditor_agent, remittance_information,
              payout_account_id, account_fingerprint
)
SELECT sent.end_to_end_id, sent.instructed_amount, sent.creditor_name, sent.creditor_agent, sent.remittance_information,
       a.id, a.number_encrypted, a.number_index = sent.account_fingerprint AND a.bank_id = sent.creditor_agent
FROM sent JOIN beneficiaries_payout_account a ON a.id = sent.payout_account_id
ORDER BY sent.id
"""

ASKED = """
SELECT end_to_end_id, instructed_amount FROM payments_transfer
WHERE chunk_id = %s AND state IN ('SENDING', 'UNKNOWN', 'ACCEPTED') ORDER BY id
"""


def claim_to_send() -> Claim | None:
    """Take one chunk that is ready and write down the intent to send it; None when there is none.

    When it returns, the intent is committed: this is the only way by which a transfer reaches SENDING.

    Raises:
        ListTampered: The chunk's list is not the approved one. Nothing is claimed; its batch is held.
    """
    try:
        return _claim_to_send()
    except ListTampered as tampered:
        _hold_tampered(tampered)
        raise


@transaction.atomic(durable=True)
def _claim_to_send() -> Claim | None:
    with connection.cursor() as cursor:
        picked = _pick(cursor, ChunkState.READY, [BatchState.DISPATCHING])
        if picked is None:
            return None
        chunk_id, batch_id, list_hash, hash_path, approved, debtor_account = picked
        cursor.execute("SELECT payments_chunk_hash(%s)", [chunk_id])
        recomputed = cursor.fetchone()[0]
        if bytes(recomputed) != bytes(list_hash) or (
            merkle.root_by_path(merkle.leaf(bytes(list_hash)), bytes(hash_path)) != bytes(approved)
        ):
            raise ListTampered(batch_id, chunk_id, "hash of the list")
        fence, deadline = _lease(cursor, chunk_id, AttemptKind.SEND)
        cursor.execute(SENDING, {"chunk": chunk_id, "lease": settings.DISPATCH_LEASE})
        rows = cursor.fetchall()
        if not all(row[7] for row in rows):
            raise ListTampered(batch_id, chunk_id, "account of a transfer")
        try:
            numbers = decrypt_many([(row[5], row[6]) for row in rows], context="payout_account.number")
        except DecryptionFailed as failure:
            # A number that was moved from another row: left to itself, this chunk would stop every worker.
            raise ListTampered(batch_id, chunk_id, "number of an account") from failure
        instructions = [
            TransferInstruction(
                end_to_end_id=row[0],
                instructed_amount=row[1],
                creditor_name=row[2][:70],
                creditor_account=number,
                creditor_agent=row[3],
                remittance_information=row[4],
            )
            for row, number in zip(rows, numbers, strict=True)
        ]
        return _intend(
            cursor,
            chunk_id=chunk_id,
            batch_id=batch_id,
            kind=AttemptKind.SEND,
            fence=fence,
            not_after=deadline,
            debtor_account=debtor_account,
            instructions=instructions,
            amounts={row[0]: row[1] for row in rows},
        )


@transaction.atomic(durable=True)
def claim_to_ask() -> Claim | None:
    """Take one chunk about which the bank is to be asked; None when none is due. Holding a batch does not stop questions."""
    asked_while = [BatchState.DISPATCHING, BatchState.HELD, BatchState.CANCELLING]
    with connection.cursor() as cursor:
        picked = _pick(cursor, ChunkState.INQUIRY, asked_while)
        if picked is None:
            return None
        chunk_id, batch_id = picked[0], picked[1]
        fence, _ = _lease(cursor, chunk_id, AttemptKind.INQUIRE)
        cursor.execute(ASKED, [chunk_id])
        return _intend(
            cursor,
            chunk_id=chunk_id,
            batch_id=batch_id,
            kind=AttemptKind.INQUIRE,
            fence=fence,
            not_after=None,
            debtor_account=picked[5],
            instructions=(),
            amounts=dict(cursor.fetchall()),
        )


def _pick(cursor: Any, state: ChunkState, batch_states: list[BatchState]) -> Any:
    cursor.execute(PICK, {"state": str(state), "batch_states": [str(allowed) for allowed in batch_states]})
    return cursor.fetchone()


def _lease(cursor: Any, chunk_id: int, kind: AttemptKind) -> tuple[int, datetime]:
    leased = ChunkState.LEASED_SEND if kind == AttemptKind.SEND else ChunkState.LEASED_INQUIRY
    cursor.execute(
        LEASE,
        {
            "chunk": chunk_id,
            "leased": str(leased),
            "kind": str(kind),
            "lease": settings.DISPATCH_LEASE,
            "deadline": settings.DISPATCH_REQUEST_DEADLINE,
        },
    )
    fence, deadline = cursor.fetchone()
    return fence, deadline


def _intend(
    cursor: Any, *, chunk_id: int, kind: AttemptKind, fence: int, amounts: dict[str, int], **rest: Any
) -> Claim:
    message_id = f"{chunk_id}-{fence}"
    cursor.execute(
        INTEND,
        {
            "chunk": chunk_id,
            "fence": fence,
            "kind": str(kind),
            "message": message_id,
            "count": len(amounts),
            "sum": sum(amounts.values()),
            "not_after": rest["not_after"],
        },
    )
    attempt_id = cursor.fetchone()[0]
    record_event(
        kind=f"chunk.{kind.lower()}_intended",
        actor=SYSTEM,
        subject_kind="chunk",
        subject_id=chunk_id,
        payload={"message": message_id, "transfers": len(amounts), "sum": sum(amounts.values())},
    )
    return Claim(
        chunk_id=chunk_id,
        kind=kind,
        fence=fence,
        attempt_id=attempt_id,
        message_id=message_id,
        amounts=amounts,
        **rest,
    )


@transaction.atomic(durable=True)
def _hold_tampered(tampered: ListTampered) -> None:
    batch = PayoutBatch.objects.select_for_update(of=("self",), no_key=True).get(pk=tampered.batch_id)
    if batch.state != BatchState.DISPATCHING:
        return
    hold(batch=batch, reason=f"Danh sách khác bản đã duyệt (gói {tampered.chunk_id}): {tampered.what}")
    record_event(
        kind="batch.tampered",
        actor=SYSTEM,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={"chunk": tampered.chunk_id, "what": tampered.what},
    )


def send(*, claim: Claim, gateway: Gateway) -> None:
    """Send a claimed chunk once and record what is proven."""
    try:
        answer = gateway.submit(
            message_id=claim.message_id,
            debtor_account=claim.debtor_account,
            not_after=claim.not_after,  # type: ignore[arg-type]
            transfers=claim.instructions,
            deadline_seconds=settings.DISPATCH_REQUEST_DEADLINE,
        )
    except GatewayError as error:
        record_failure(claim=claim, error=error)
    else:
        record_answer(claim=claim, answer=answer)


def ask(*, claim: Claim, gateway: Gateway) -> None:
    """Ask about a claimed chunk once and record what is proven."""
    if not claim.amounts:  # a callback said the last word while the chunk waited
        _record(claim, outcome=AttemptOutcome.ANSWERED, detail="nothing to ask", words=[])
        return
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
        record_answer(claim=claim, answer=answer)


def record_answer(*, claim: Claim, answer: BulkAnswer) -> None:
    """Apply a definite answer line by line; lines without one are unknown."""
    not_found = [item.end_to_end_id for item in answer.answers if item.transaction_status == NOT_FOUND]
    words = [
        Word(
            item.end_to_end_id,
            item.outcome,
            item.transaction_status,
            item.status_reason or "",
            item.bank_reference or "",
        )
        for item in answer.answers
        if item.transaction_status != NOT_FOUND
    ]
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
    _record(claim, outcome=outcome, detail=detail, words=None, wait_seconds=wait, exchange=error.exchange)


HOLDING = """
SELECT fence FROM payments_dispatch_chunk WHERE id = %s AND fence = %s AND state = %s FOR NO KEY UPDATE
"""

NOT_SENT = """
UPDATE payments_transfer SET state = 'READY', proof_id = %(attempt)s, due_at = portal_now()
WHERE chunk_id = %(chunk)s AND state = 'SENDING'
"""

REFUSED_TOO_OFTEN = """
UPDATE payments_transfer SET state = 'REVIEW', due_at = portal_now() + interval '1 day'
WHERE chunk_id = %(chunk)s AND state = 'READY'
  AND (SELECT count(*) FROM payments_dispatch_attempt WHERE chunk_id = %(chunk)s AND outcome = 'REFUSED') >= %(most)s
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
    exchange: Any = None,
) -> None:
    """Write what an attempt brought, if this worker still holds the chunk; otherwise only that it came too late (I-11)."""
    leased = ChunkState.LEASED_SEND if claim.kind == AttemptKind.SEND else ChunkState.LEASED_INQUIRY
    applied = Applied({}, [], [])
    with connection.cursor() as cursor:
        cursor.execute(HOLDING, [claim.chunk_id, claim.fence, str(leased)])
        stale = cursor.fetchone() is None
        cursor.execute(
            "UPDATE payments_dispatch_attempt SET outcome = %s, detail = %s, answered_at = portal_now() "
            "WHERE id = %s AND outcome = 'PENDING'",
            [str(AttemptOutcome.STALE if stale else outcome), detail[:200], claim.attempt_id],
        )
        if not stale:
            if outcome in (AttemptOutcome.NOT_SENT, AttemptOutcome.REFUSED) and claim.kind == AttemptKind.SEND:
                cursor.execute(NOT_SENT, {"chunk": claim.chunk_id, "attempt": claim.attempt_id})
                cursor.execute(REFUSED_TOO_OFTEN, {"chunk": claim.chunk_id, "most": MAX_REFUSALS})
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
            recount(cursor, chunk_ids=[claim.chunk_id], release=True, wait_seconds=wait_seconds)
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
