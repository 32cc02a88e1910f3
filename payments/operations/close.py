"""The end of a list: the statement agrees, its final figures stand in the trail, the trail is sealed, the list is closed.

All of it is the system's: nobody closes a list by hand. The database counts once more at each move and refuses what does not
add up; a list with anything in dispute waits.
"""

from typing import Any

import structlog
from django.db import IntegrityError, connection, transaction

from foundation.audit.operations import SYSTEM, record_event
from payments.models import PayoutBatch
from payments.operations.acting import lock_batch
from payments.queries.totals import batch_totals
from payments.states import BatchState, Route

log = structlog.get_logger(__name__)

# By the counts that chunks keep, so that waiting costs nothing; the trigger looks at every payment, once.
AGREES = """
SELECT b.id FROM payments_payout_batch b
WHERE b.state = 'DRAINED'
  AND NOT EXISTS (SELECT 1 FROM payments_difference d WHERE d.batch_id = b.id AND d.state = 'OPEN')
  AND (SELECT coalesce(sum(c.settled_count + c.returned_count - c.matched_count), 0) FROM payments_dispatch_chunk c
       WHERE c.batch_id = b.id AND c.route = 'GATEWAY')
      <= (SELECT count(*) FROM payments_difference d WHERE d.batch_id = b.id AND d.state = 'CLOSED'
          AND d.kind IN ('MISSING_IN_STATEMENT', 'VANISHED'))
ORDER BY b.id
"""
SEALED = """
SELECT b.id, s.tree_index FROM payments_payout_batch b
JOIN audit_event a ON a.subject_kind = 'batch' AND a.subject_id = b.id::text AND a.kind = 'batch.reconciled'
JOIN audit_sealed_event s ON s.event_id = a.id
WHERE b.state = 'RECONCILED' ORDER BY b.id
"""


def reconcile_batches() -> int:
    """Move the drained lists with which the statements agree to RECONCILED; how many."""
    with connection.cursor() as cursor:
        cursor.execute(AGREES)
        found = [row[0] for row in cursor.fetchall()]
    return sum(_reconcile(batch_id) for batch_id in found)


def close_batches() -> int:
    """Close the reconciled lists whose figures are sealed; how many."""
    with connection.cursor() as cursor:
        cursor.execute(SEALED)
        found = cursor.fetchall()
    return sum(_close(batch_id, tree_index) for batch_id, tree_index in found)


@transaction.atomic(durable=True)
def _reconcile(batch_id: int) -> bool:
    batch = lock_batch(batch_id)
    if batch.state != BatchState.DRAINED:
        return False
    try:
        with transaction.atomic():
            _move(batch, BatchState.RECONCILED, "reconciled_at")
    except IntegrityError as error:
        if "payout_batch_reconciled_by_statement" in str(error):
            log.warning("counts say that a list agrees, its payments do not", batch=batch_id)
            return False
        raise
    record_event(
        kind="batch.reconciled",
        actor=SYSTEM,
        subject_kind="batch",
        subject_id=batch_id,
        payload=final_figures(batch),
    )
    return True


@transaction.atomic(durable=True)
def _close(batch_id: int, tree_index: int) -> bool:
    batch = lock_batch(batch_id)
    if batch.state != BatchState.RECONCILED:
        return False
    _move(batch, BatchState.CLOSED, "closed_at")
    record_event(
        kind="batch.closed",
        actor=SYSTEM,
        subject_kind="batch",
        subject_id=batch_id,
        payload={"sealed_at": tree_index},
    )
    return True


def _move(batch: PayoutBatch, state: BatchState, stamp: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE payments_payout_batch SET state = %s, {stamp} = portal_now() WHERE id = %s",
            [str(state), batch.pk],
        )


OF_STATEMENTS = """
SELECT DISTINCT s.id, encode(s.content_sha256, 'hex') FROM payments_statement s
WHERE s.id IN (SELECT e.statement_id FROM payments_transfer t JOIN payments_statement_entry e ON e.transfer_id = t.id
               AND e.superseded_by_id IS NULL WHERE t.batch_id = %s)
ORDER BY 1
"""


def final_figures(batch: PayoutBatch) -> dict[str, Any]:
    """What is sealed of a list: what was approved, how it ended by route, and by which statements that is known."""
    figures: dict[str, Any] = {
        "list_hash": bytes(batch.list_hash or b"").hex(),
        "transactions": batch.number_of_transactions,
        "sum": batch.control_sum,
    }
    for route in Route:
        totals = batch_totals(batch_id=batch.pk, route=route)
        if totals.planned.count:
            figures[route.lower()] = {
                name: [part.count, part.amount]
                for name, part in (
                    ("paid", totals.settled),
                    ("rejected", totals.rejected),
                    ("returned", totals.returned),
                    ("cancelled", totals.cancelled),
                )
            }
    with connection.cursor() as cursor:
        cursor.execute(OF_STATEMENTS, [batch.pk])
        figures["statements"] = [[statement, content] for statement, content in cursor.fetchall()]
    return figures
