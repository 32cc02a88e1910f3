"""Calling off payments that stand ready: cancelled where they stand, their money back in the fund, their chunks counted anew."""

from typing import Any

from foundation.audit.operations import SYSTEM, record_event
from payments.operations.counting import recount

CALL_OFF = """
WITH cancelled AS (
    UPDATE payments_transfer t SET state = 'CANCELLED', due_at = NULL, ended_at = portal_now()
    WHERE t.id IN ({which}) AND t.state = 'READY'
    RETURNING t.id, t.batch_id, t.chunk_id, t.instructed_amount
), booked AS (
    INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
    SELECT b.fund_id, 'VOID', 'RESERVED', 'FUNDING', cancelled.instructed_amount, cancelled.id, portal_now()
    FROM cancelled JOIN payments_payout_batch b ON b.id = cancelled.batch_id
)
SELECT chunk_id, count(*), sum(instructed_amount)::bigint FROM cancelled GROUP BY chunk_id ORDER BY chunk_id
"""


def call_off(cursor: Any, *, which: str, given: dict[str, Any], kind: str) -> int:
    """Inner step: call off those that a query of ids finds, in locked chunks of reserved lists; how many.

    Args:
        cursor: Of the transaction that holds the chunks.
        which: SELECT of ids of transfers.
        given: Its values.
        kind: Of the event that tells each chunk's story.
    """
    cursor.execute(CALL_OFF.format(which=which), given)
    called_off = cursor.fetchall()
    if called_off:
        recount(cursor, chunk_ids=[chunk_id for chunk_id, _, _ in called_off], release=False)
    for chunk_id, count, amount in called_off:
        record_event(
            kind=kind,
            actor=SYSTEM,
            subject_kind="chunk",
            subject_id=chunk_id,
            payload={"transfers": count, "sum": amount},
        )
    return sum(count for _, count, _ in called_off)
