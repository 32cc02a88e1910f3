"""From approved to being paid: reserve the money, open the chunks, hold, and notice that a batch has run dry.

But for an officer's hold these are the system's acts. Each is found again by a sweep, so nothing depends on who was told.
How a held list goes on is told in `letting_go_on`.
"""

from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, IntegrityError, connection, transaction

from foundation.audit.alarms import AlarmKind, raise_alarm
from foundation.audit.operations import SYSTEM, record_event
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.alarms import AUTHORITY_LOST, BATCH_TAMPERED
from payments.errors import FundTooLow, InvalidMove, RestoreNotEnded
from payments.models import LedgerEntry, PayoutBatch
from payments.operations.acting import REASON_MAX, checked_reason, lock_batch, require
from payments.operations.doubt import doubt, restore_is_open
from payments.operations.standing import STANDING_NOW, standing_approvals
from payments.operations.stopping import refuse_while_stopped
from payments.states import BATCH_HOLDABLE, ENTRY_ACCOUNTS, BatchState, EntryKind

log = structlog.get_logger(__name__)

OPEN_CHUNKS_AT_ONCE = 20


@transaction.atomic(durable=True)
def reserve_batch(*, batch_id: int, at: datetime) -> None:
    """Set the whole sum of an approved batch aside in its fund: one ledger row, refused by the database when too little.

    Raises:
        InvalidMove: The batch is not approved.
        FundTooLow: The fund holds less than the sum; the batch stays approved.
    """
    batch = lock_batch(batch_id)
    if batch.state != BatchState.APPROVED:
        raise InvalidMove(batch.state)
    debit, credit = ENTRY_ACCOUNTS[EntryKind.RESERVE]
    try:
        with transaction.atomic():
            LedgerEntry.objects.create(
                fund_id=batch.fund_id,
                kind=EntryKind.RESERVE,
                debit=debit,
                credit=credit,
                amount=batch.control_sum,
                batch=batch,
            )
    except IntegrityError as error:
        if "fund_balance_never_negative" in str(error):
            raise FundTooLow from error
        raise
    batch.state, batch.reserved_at = BatchState.RESERVED, at
    batch.save(update_fields=["state", "reserved_at"])
    record_event(
        kind="batch.reserved",
        actor=SYSTEM,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={"sum": batch.control_sum},
    )


@transaction.atomic(durable=True)
def start_batch(*, batch_id: int, at: datetime) -> None:
    """Begin to pay a reserved batch whose execution date has come.

    The approvers' authority is looked at once more (I-18): one who was relieved since does not count, and a list that has too
    few approvers left is held for people to decide.

    Raises:
        InvalidMove: The batch is not reserved, or its date lies ahead.
        PaymentsStopped: The city's payments are stopped.
        RestoreNotEnded: What was paid since the copy was made is not known yet.
    """
    batch = lock_batch(batch_id)
    if restore_is_open():
        raise RestoreNotEnded
    if batch.state != BatchState.RESERVED or batch.requested_execution_date > at.astimezone(access.CITY_TIME).date():
        raise InvalidMove(batch.state)
    refuse_while_stopped()
    if _hold_without_authority(batch, at):
        return
    batch.state, batch.started_at = BatchState.DISPATCHING, at
    batch.save(update_fields=["state", "started_at"])
    record_event(kind="batch.dispatching", actor=SYSTEM, subject_kind="batch", subject_id=batch.pk)


OPEN_CHUNKS = """
WITH picked AS (
    SELECT c.id FROM payments_dispatch_chunk c
    JOIN payments_payout_batch b ON b.id = c.batch_id
    WHERE c.state = 'PLANNED' AND b.state = 'DISPATCHING'
    ORDER BY c.batch_id, c.number
    LIMIT %(limit)s FOR UPDATE OF c SKIP LOCKED
), opened AS (
    UPDATE payments_transfer t SET state = 'READY', due_at = (SELECT portal_now())
    FROM picked WHERE t.chunk_id = picked.id AND t.state = 'PLANNED'
)
UPDATE payments_dispatch_chunk c
SET state = CASE WHEN c.number_of_transactions = 0 THEN 'DONE' ELSE 'READY' END, due_at = (SELECT portal_now())
FROM picked WHERE c.id = picked.id
RETURNING c.id, c.doubted_at IS NOT NULL
"""


@transaction.atomic(durable=True)
def open_chunks() -> int:
    """Make some planned chunks of batches that are being paid ready to go; how many. Workers may do this side by side."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN_CHUNKS, {"limit": OPEN_CHUNKS_AT_ONCE})
        opened = cursor.fetchall()
        doubt(cursor, chunk_ids=[chunk for chunk, is_doubted in opened if is_doubted])
        return len(opened)


@transaction.atomic(durable=True)
def hold_batch(*, batch_id: int, by: User, reason: str, at: datetime) -> None:
    """Stop new sends of a batch at once. What is with the bank already is still asked about and settled.

    Raises:
        InvalidMove: The batch is not on its way.
        NotInAuthority: `by` is no officer of this unit.
        WrongInput: As `checked_reason` says.
    """
    reason = checked_reason(reason)
    batch = lock_batch(batch_id)
    require(by=by, permission=Permission.HOLD_BATCH, unit_code=batch.unit_id, at=at)
    if batch.state not in BATCH_HOLDABLE:
        raise InvalidMove(batch.state)
    hold(batch=batch, reason=reason, by=by)
    record_event(
        kind="batch.held", actor=by.actor, subject_kind="batch", subject_id=batch.pk, payload={"reason": reason}
    )


def hold(*, batch: PayoutBatch, reason: str, by: User | None = None) -> None:
    """Inner step: move a locked batch to HELD, remembering where it was and who did it; nobody: the system."""
    batch.held_from, batch.held_reason, batch.state = batch.state, reason[:REASON_MAX], BatchState.HELD
    batch.held_by = by
    batch.save(update_fields=["state", "held_from", "held_reason", "held_by"])


@transaction.atomic(durable=True)
def hold_without_authority(*, batch_id: int, at: datetime) -> bool:
    """Hold a batch on its way too few of whose approvals count today (I-18); whether it was held."""
    batch = lock_batch(batch_id)
    return batch.state in BATCH_HOLDABLE and _hold_without_authority(batch, at)


# What the gateway pays is looked at by every claim. A list that others pay, or that is paid in cash, no claim asks about: it
# would wait for the officer who is refused when he wants to hand it over. What is with the payer already goes on.
NOBODY_ASKS_ABOUT = f"""
SELECT b.id FROM payments_payout_batch b
WHERE b.state = 'DISPATCHING' AND ({STANDING_NOW}) < coalesce(b.approvals_required, 1)
  AND EXISTS (SELECT 1 FROM payments_dispatch_chunk c JOIN payments_transfer t ON t.chunk_id = c.id
              WHERE c.batch_id = b.id AND c.route <> 'GATEWAY' AND c.state IN ('PLANNED', 'READY')
                AND t.state IN ('PLANNED', 'READY'))
ORDER BY b.id
"""  # noqa: S608  a fragment of ours


def hold_lists_without_authority(*, at: datetime) -> list[int]:
    """Hold the lists on their way past the gateway too few of whose approvals count today (I-18); their ids. A sweep."""
    with connection.cursor() as cursor:
        cursor.execute(NOBODY_ASKS_ABOUT)
        found = [row[0] for row in cursor.fetchall()]
    return [batch_id for batch_id in found if _held_by_the_sweep(batch_id, at)]


def _held_by_the_sweep(batch_id: int, at: datetime) -> bool:
    """One list that somebody keeps locked keeps no other from being held; the next round finds it again."""
    try:
        return hold_without_authority(batch_id=batch_id, at=at)
    except DatabaseError:
        log.exception("list not held for want of authority", batch=batch_id)
        return False


def _hold_without_authority(batch: PayoutBatch, at: datetime) -> bool:
    approvals = standing_approvals(batch=batch, at=at)
    if approvals >= (batch.approvals_required or 1):
        return False
    _hold_by_system(
        batch,
        AUTHORITY_LOST,
        reason="Người phê duyệt không còn thẩm quyền: cần phê duyệt lại",
        details={"approvals": approvals, "required": batch.approvals_required},
    )
    return True


@transaction.atomic(durable=True)
def hold_tampered(*, batch_id: int, chunk_id: int, what: str) -> None:
    """Hold a batch of which something would have been sent that is not what was approved (I-20)."""
    batch = lock_batch(batch_id)
    if batch.state == BatchState.DISPATCHING:
        _hold_by_system(
            batch,
            BATCH_TAMPERED,
            reason=f"Danh sách khác bản đã duyệt (gói {chunk_id}): {what}",
            details={"chunk": chunk_id, "what": what},
        )


def _hold_by_system(batch: PayoutBatch, why: AlarmKind, *, reason: str, details: dict[str, Any]) -> None:
    hold(batch=batch, reason=reason)
    record_event(kind=why.code, actor=SYSTEM, subject_kind="batch", subject_id=batch.pk, payload=details)
    raise_alarm(kind=why, subject_kind="batch", subject_id=batch.pk, unit_code=batch.unit_id, details=details)


DRAIN = """
UPDATE payments_payout_batch b
SET state = 'DRAINED', drained_at = portal_now(), held_from = '', held_reason = '', held_by_id = NULL
WHERE b.id IN (
    SELECT id FROM payments_payout_batch candidate
    WHERE state IN ('DISPATCHING', 'HELD', 'CANCELLING')
      AND NOT EXISTS (SELECT 1 FROM payments_dispatch_chunk c WHERE c.batch_id = candidate.id AND c.state <> 'DONE')
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id
"""


@transaction.atomic(durable=True)
def drain_batches() -> list[int]:
    """Mark the batches all of whose transfers have ended; the database checks that they add up. Their ids."""
    with connection.cursor() as cursor:
        cursor.execute(DRAIN)
        drained = [row[0] for row in cursor.fetchall()]
    for batch_id in drained:
        record_event(kind="batch.drained", actor=SYSTEM, subject_kind="batch", subject_id=batch_id)
    return drained
