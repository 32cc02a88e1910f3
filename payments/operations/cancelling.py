"""A list that is given up on the word of two persons: what has not left is cancelled in steps, the rest runs to its end."""

from datetime import datetime

from django.db import connection, transaction

from foundation.audit.operations import SYSTEM, record_event
from foundation.users.models import User
from payments.errors import InvalidMove, RestoreNotEnded
from payments.models import PayoutBatch, Proposal
from payments.operations.acting import lock_batch
from payments.operations.counting import recount
from payments.operations.doubt import doubt_unopened, restore_is_open
from payments.states import BATCH_CANCELLABLE, BatchState

CHUNKS_AT_ONCE = 20


def check_cancel(proposal: Proposal, _by: User, _at: datetime) -> None:
    """Whether the list could be cancelled now.

    Raises:
        InvalidMove: It was never approved, or has ended.
        RestoreNotEnded: It may have been paid by the database that was lost.
    """
    _cancellable(proposal)


def apply_cancel(proposal: Proposal, by: User, _at: datetime) -> None:
    """From now on nothing of the list is sent; `cancel_chunks` ends what has not left."""
    batch = _cancellable(proposal)
    former = batch.held_from or batch.state
    batch.state, batch.held_from, batch.held_reason, batch.held_by = BatchState.CANCELLING, "", "", None
    batch.save(update_fields=["state", "held_from", "held_reason", "held_by"])
    record_event(
        kind="batch.cancelling",
        actor=by.actor,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={"reason": proposal.reason, "state": former, "proposal": proposal.pk},
    )


def _cancellable(proposal: Proposal) -> PayoutBatch:
    batch = lock_batch(proposal.subject_id)
    if batch.state not in BATCH_CANCELLABLE:
        raise InvalidMove(batch.state)
    if restore_is_open():
        raise RestoreNotEnded
    return batch


# A chunk that a worker holds is left until he lets go. Money that was never set aside needs no way back.
PICK_CHUNKS = """
SELECT c.id, c.batch_id FROM payments_dispatch_chunk c
JOIN payments_payout_batch b ON b.id = c.batch_id
WHERE b.state = 'CANCELLING' AND c.state NOT IN ('DONE', 'LEASED_SEND', 'LEASED_INQUIRY')
  AND (c.state = 'PLANNED'
    OR EXISTS (SELECT 1 FROM payments_transfer t WHERE t.chunk_id = c.id AND t.state = 'READY'))
ORDER BY c.id
LIMIT %s FOR NO KEY UPDATE OF c SKIP LOCKED
"""
CANCEL_LINES = """
WITH cancelled AS (
    UPDATE payments_transfer SET state = 'CANCELLED', due_at = NULL, ended_at = portal_now()
    WHERE chunk_id = ANY (%s) AND state IN ('PLANNED', 'READY')
    RETURNING id, batch_id, instructed_amount
), booked AS (
    INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
    SELECT b.fund_id, 'VOID', 'RESERVED', 'FUNDING', cancelled.instructed_amount, cancelled.id, portal_now()
    FROM cancelled JOIN payments_payout_batch b ON b.id = cancelled.batch_id
    WHERE b.reserved_at IS NOT NULL
)
SELECT batch_id, count(*), sum(instructed_amount)::bigint FROM cancelled GROUP BY batch_id ORDER BY batch_id
"""


@transaction.atomic(durable=True)
def cancel_chunks() -> int:
    """End what has not left of some chunks of cancelled lists; how many chunks. Workers may do this side by side.

    After a restore, what was never opened may have been paid by the database that was lost: the bank is asked first.
    The lines are free at once for another list; cash that is at the desk already is signed for or carried over there.
    """
    with connection.cursor() as cursor:
        cursor.execute(PICK_CHUNKS, [CHUNKS_AT_ONCE])
        picked = [row[0] for row in cursor.fetchall()]
        if not picked:
            return 0
        asked = doubt_unopened(cursor, chunk_ids=picked)
        chunks = [chunk for chunk in picked if chunk not in asked]
        cursor.execute(CANCEL_LINES, [chunks])
        cancelled = cursor.fetchall()
        recount(cursor, chunk_ids=chunks, release=False)
    for batch_id, count, amount in cancelled:
        record_event(
            kind="batch.lines_cancelled",
            actor=SYSTEM,
            subject_kind="batch",
            subject_id=batch_id,
            payload={"transfers": count, "sum": amount},
        )
    return len(picked)
