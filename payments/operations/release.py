"""From approved to being paid: reserve the money, open the chunks, hold, let go on, and notice that a batch has run dry.

But for holding and letting go on these are the system's acts. Each is found again by a sweep, so nothing depends on who was told.
"""

from datetime import datetime

from django.db import IntegrityError, connection, transaction

from foundation.audit.operations import SYSTEM, record_event
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import FundTooLow, HeldBySystem, InvalidMove, OwnHold, PaymentRefused
from payments.models import LedgerEntry, PayoutBatch
from payments.operations.acting import REASON_MAX, checked_reason, lock_batch, require
from payments.states import BATCH_HOLDABLE, ENTRY_ACCOUNTS, BatchState, EntryKind

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


STILL_IN_AUTHORITY = """
SELECT count(*) FROM payments_approval a
JOIN users_role_assignment r ON r.id = a.role_assignment_id
JOIN users_user u ON u.id = a.decided_by_id
JOIN payments_payout_batch b ON b.id = a.batch_id
WHERE a.batch_id = %(batch)s AND a.decision = 'APPROVED' AND a.list_hash = b.list_hash AND u.is_active
  AND %(day)s BETWEEN r.valid_from AND coalesce(r.valid_to, 'infinity')
"""


@transaction.atomic(durable=True)
def start_batch(*, batch_id: int, at: datetime) -> None:
    """Begin to pay a reserved batch whose execution date has come.

    The approvers' authority is looked at once more (I-18): one who was relieved since does not count, and a list that has too
    few approvers left is held for people to decide.

    Raises:
        InvalidMove: The batch is not reserved, or its date lies ahead.
    """
    batch = lock_batch(batch_id)
    if batch.state != BatchState.RESERVED or batch.requested_execution_date > at.astimezone(access.CITY_TIME).date():
        raise InvalidMove(batch.state)
    with connection.cursor() as cursor:
        cursor.execute(STILL_IN_AUTHORITY, {"batch": batch.pk, "day": at.astimezone(access.CITY_TIME).date()})
        standing = cursor.fetchone()[0]
    if standing < (batch.approvals_required or 1):
        hold(batch=batch, reason="Người phê duyệt không còn thẩm quyền: cần phê duyệt lại")
        record_event(
            kind="batch.authority_lost",
            actor=SYSTEM,
            subject_kind="batch",
            subject_id=batch.pk,
            payload={"approvals": standing, "required": batch.approvals_required},
        )
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
    UPDATE payments_transfer t SET state = 'READY', due_at = portal_now()
    FROM picked WHERE t.chunk_id = picked.id AND t.state = 'PLANNED'
)
UPDATE payments_dispatch_chunk c
SET state = CASE WHEN c.number_of_transactions = 0 THEN 'DONE' ELSE 'READY' END, due_at = portal_now()
FROM picked WHERE c.id = picked.id
"""


@transaction.atomic(durable=True)
def open_chunks() -> int:
    """Make some planned chunks of batches that are being paid ready to go; how many. Workers may do this side by side."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN_CHUNKS, {"limit": OPEN_CHUNKS_AT_ONCE})
        return cursor.rowcount


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
def release_held_batch(*, batch_id: int, by: User, reason: str, at: datetime) -> None:
    """Let a list that a person held go on from where it was, on the word of another person.

    Raises:
        InvalidMove: The batch is not held.
        NotInAuthority: `by` may not approve lists of this unit.
        WrongInput: As `checked_reason` says.
        HeldBySystem, OwnHold: As `release_refusal` says.
    """
    reason = checked_reason(reason)
    batch = lock_batch(batch_id)
    require(by=by, permission=Permission.APPROVE_BATCH, unit_code=batch.unit_id, at=at)
    if batch.state != BatchState.HELD:
        raise InvalidMove(batch.state)
    refused = release_refusal(batch=batch, by=by)
    if refused is not None:
        raise refused
    batch.state, batch.held_from, batch.held_reason, batch.held_by = batch.held_from, "", "", None
    batch.save(update_fields=["state", "held_from", "held_reason", "held_by"])
    record_event(
        kind="batch.released",
        actor=by.actor,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={"reason": reason, "state": batch.state},
    )


def release_refusal(*, batch: PayoutBatch, by: User) -> PaymentRefused | None:
    """Why this person may not let a held list go on: the system held it, or the same human held, prepared or submitted it."""
    if batch.held_by is None:
        return HeldBySystem()
    if batch.is_list_of(by) or by.is_human_of(batch.held_by.person_fingerprint):
        return OwnHold()
    return None


DRAIN = """
UPDATE payments_payout_batch b SET state = 'DRAINED', drained_at = portal_now()
WHERE b.id IN (
    SELECT id FROM payments_payout_batch candidate
    WHERE state IN ('DISPATCHING', 'CANCELLING')
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
