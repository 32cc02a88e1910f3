"""Money that came back after it had been settled: a row that never changes, and one move of the transfer (I-7)."""

from collections.abc import Sequence
from typing import Any

from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.port import ReturnNotice
from payments.operations.counting import recount
from payments.operations.telling import tell_of_returns

# A list that was reconciled stays as it was sealed: what comes back later is an adjustment beside it.
# A return is taken when it is for the whole amount of a settled transfer and the first for it; the money goes back through
# RETURNS to the fund in the same statement, so that no đồng rests between two books.
RECORD_RETURNS = """
WITH notice AS (
    SELECT * FROM unnest(%(ids)s::text[], %(returns)s::text[], %(amounts)s::bigint[], %(reasons)s::text[], %(ats)s::timestamptz[])
        AS n(end_to_end_id, return_id, amount, reason, at)
), taken AS (
    INSERT INTO payments_transfer_return (transfer_id, return_id, returned_amount, return_reason, returned_at)
    SELECT t.id, n.return_id, n.amount, n.reason, n.at
    FROM notice n JOIN payments_transfer t USING (end_to_end_id)
    WHERE t.state = 'SETTLED' AND t.chunk_id = ANY (%(chunks)s) AND t.instructed_amount = n.amount
    ON CONFLICT DO NOTHING
    RETURNING transfer_id, return_reason
)
SELECT transfer_id, return_reason FROM taken
"""

MOVE_RETURNED = """
WITH moved AS (
    UPDATE payments_transfer t
    SET state = 'RETURNED', status_reason = r.reason, ended_at = portal_now()
    FROM unnest(%(ids)s::bigint[], %(reasons)s::text[]) AS r(id, reason)
    WHERE t.id = r.id AND t.state = 'SETTLED'
    RETURNING t.id, t.batch_id, t.instructed_amount, t.payout_account_id, t.status_reason
), booked AS (
    INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
    SELECT b.fund_id, leg.kind, leg.debit, leg.credit, moved.instructed_amount, moved.id, portal_now()
    FROM moved JOIN payments_payout_batch b ON b.id = moved.batch_id
    CROSS JOIN (VALUES ('RETURN', 'PAID', 'RETURNS'), ('REFUND', 'RETURNS', 'FUNDING')) AS leg(kind, debit, credit)
), adjusted AS (
    INSERT INTO payments_batch_adjustment (batch_id, transfer_id, amount)
    SELECT b.id, moved.id, moved.instructed_amount
    FROM moved JOIN payments_payout_batch b ON b.id = moved.batch_id WHERE b.state IN ('RECONCILED', 'CLOSED')
    RETURNING batch_id
)
SELECT (SELECT array_agg(payout_account_id || ':' || status_reason) FROM moved WHERE payout_account_id IS NOT NULL),
       (SELECT array_agg(DISTINCT batch_id) FROM adjusted)
"""


def record_returns(
    cursor: Any, *, chunk_ids: list[int], notices: Sequence[ReturnNotice]
) -> tuple[int, list[tuple[int, str]]]:
    """Take the returns of transfers in locked chunks: how many were new, and the accounts that sent money back with why.

    The payees are told of what was taken, whichever way the news came.
    A notice that repeats one, or comes before its transfer was settled, takes nothing; the caller keeps it for later.
    """
    cursor.execute(
        RECORD_RETURNS,
        {
            "ids": [notice.end_to_end_id for notice in notices],
            "returns": [notice.return_id for notice in notices],
            "amounts": [notice.instructed_amount for notice in notices],
            "reasons": [notice.status_reason for notice in notices],
            "ats": [notice.at for notice in notices],
            "chunks": chunk_ids,
        },
    )
    taken = cursor.fetchall()
    if not taken:
        return 0, []
    # A statement of its own: the trigger on the transfer looks for the row of the return.
    cursor.execute(MOVE_RETURNED, {"ids": [row[0] for row in taken], "reasons": [row[1] for row in taken]})
    refused, adjusted = cursor.fetchone()
    recount(cursor, chunk_ids=chunk_ids, release=False)
    tell_of_returns(transfer_ids=[row[0] for row in taken])
    for batch_id in adjusted or []:
        record_event(kind="batch.adjusted", actor=SYSTEM, subject_kind="batch", subject_id=batch_id)
    accounts = [item.split(":", 1) for item in refused or []]
    return len(taken), [(int(account), reason) for account, reason in accounts]
