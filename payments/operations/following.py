"""A late "paid", and what has taken the payment's place since: what has not left is stopped, what has left is for people.

A replacement carries lines that have moved on from a payment that ended unpaid. Whoever learns that the former may have been
paid stops it in the same transaction: cancelled where it stands ready, its money back in the fund, its lines back at the payment
that is in dispute, so that no list takes them. One in a list that holds no money yet is cancelled on its way out (`gone`); the
database lets none leave. Where it has left, an alarm tells of both: money may have gone twice, and is asked back or recovered.
"""

from collections.abc import Sequence
from typing import Any

from foundation.audit.alarms import raise_alarm
from foundation.audit.operations import SYSTEM, record_event
from payments.alarms import PAID_TWICE
from payments.models.disputes import disputed
from payments.operations.counting import recount
from payments.states import TRANSFER_FREES_LINES, TRANSFER_LEFT

_FREED = ", ".join(f"'{state}'" for state in TRANSFER_FREES_LINES)
_LEFT = ", ".join(f"'{state}'" for state in TRANSFER_LEFT)

# Chunks of what took the place of these payments, in the order of their ids: they are younger than the chunks of the payments
# themselves, which the caller holds.
LOCK = """
SELECT c.id FROM payments_dispatch_chunk c
WHERE c.id IN (
    SELECT t.chunk_id FROM payments_transfer former
    JOIN payments_payout_line_move m ON m.from_transfer_id = former.id
    JOIN payments_payout_line l ON l.id = m.line_id
    JOIN payments_transfer t ON t.id = l.transfer_id
    WHERE former.end_to_end_id = ANY (%(ids)s) AND former.state IN ('REJECTED', 'CANCELLED') AND t.id <> former.id)
ORDER BY c.id FOR NO KEY UPDATE
"""
FOLLOWERS = f"""
    SELECT DISTINCT former.id AS former_id, former.end_to_end_id AS former_code, l.transfer_id AS id
    FROM payments_transfer former
    JOIN payments_payout_line_move m ON m.from_transfer_id = former.id
    JOIN payments_payout_line l ON l.id = m.line_id
    WHERE former.end_to_end_id = ANY (%(ids)s) AND l.transfer_id <> former.id AND {disputed("former")}
"""
STOP = f"""
WITH cancelled AS (
    UPDATE payments_transfer t SET state = 'CANCELLED', due_at = NULL, ended_at = portal_now()
    WHERE t.id IN (SELECT id FROM ({FOLLOWERS}) AS follower) AND t.state = 'READY'
    RETURNING t.id, t.batch_id, t.chunk_id, t.instructed_amount
), booked AS (
    INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
    SELECT b.fund_id, 'VOID', 'RESERVED', 'FUNDING', cancelled.instructed_amount, cancelled.id, portal_now()
    FROM cancelled JOIN payments_payout_batch b ON b.id = cancelled.batch_id
)
SELECT chunk_id, count(*), sum(instructed_amount)::bigint FROM cancelled GROUP BY chunk_id ORDER BY chunk_id
"""
# A statement of its own: the trigger of a line looks at where it stands now.
BRING_BACK = f"""
UPDATE payments_payout_line l SET transfer_id = home.former_id
FROM (
    SELECT DISTINCT ON (line.id) line.id AS line_id, former.id AS former_id
    FROM payments_payout_line line
    JOIN payments_transfer t ON t.id = line.transfer_id AND t.state IN ({_FREED})
    JOIN payments_payout_line_move m ON m.line_id = line.id
    JOIN payments_transfer former ON former.id = m.from_transfer_id AND former.id <> t.id
    WHERE {{scope}} AND line.live AND NOT {disputed("t")} AND {disputed("former")}
    ORDER BY line.id, m.id DESC
) AS home
WHERE l.id = home.line_id
"""
OF_FORMERS = BRING_BACK.format(scope="former.end_to_end_id = ANY (%(ids)s)")
OF_FOLLOWERS = BRING_BACK.format(scope="t.chunk_id = ANY (%(chunks)s)")
HAVE_LEFT = f"""
SELECT follower.former_id, follower.former_code, t.end_to_end_id, t.state, t.instructed_amount, b.unit_id
FROM ({FOLLOWERS}) AS follower
JOIN payments_transfer t ON t.id = follower.id AND t.state IN ({_LEFT})
JOIN payments_payout_batch b ON b.id = t.batch_id
ORDER BY follower.former_id, t.id
"""


# Of the payments in which a line has been, the one in dispute is its home, else the last before. Where two are in dispute nobody
# can say which of them it belongs to: it stays, and no list takes it.
GO_HOME = f"""
UPDATE payments_payout_line l SET transfer_id = home.former_id
FROM (
    SELECT DISTINCT ON (been.line_id) been.line_id, been.former_id
    FROM (
        SELECT *, count(*) FILTER (WHERE is_disputed) OVER (PARTITION BY line_id) AS disputes
        FROM (
            SELECT line.id AS line_id, former.id AS former_id, {disputed("former")} AS is_disputed, max(m.id) AS last_move
            FROM payments_payout_line line
            JOIN payments_payout_line_move m ON m.line_id = line.id
            JOIN payments_transfer former ON former.id = m.from_transfer_id AND former.id <> line.transfer_id
            WHERE line.transfer_id = ANY (%(transfers)s) AND line.live
            GROUP BY line.id, former.id) AS each
    ) AS been
    WHERE disputes <= 1
    ORDER BY been.line_id, is_disputed DESC, last_move DESC
) AS home
WHERE l.id = home.line_id
"""


def lines_go_home(cursor: Any, *, transfer_ids: Sequence[int]) -> int:
    """Inner step, once these were taken out of their list: lines that came from other payments go back to them; how many.

    They are owed still, and stay tied to the payments that were to pay them first: if one of those was paid after all, no list
    takes them again.
    """
    cursor.execute(GO_HOME, {"transfers": list(transfer_ids)})
    return int(cursor.rowcount)


def lock_followers(cursor: Any, *, end_to_end_ids: Sequence[str]) -> None:
    """Inner step, before a "paid" is written: until the transaction ends nobody sends what took the place of these payments."""
    cursor.execute(LOCK, {"ids": list(end_to_end_ids)})


def stop_followers(cursor: Any, *, end_to_end_ids: Sequence[str]) -> int:
    """Inner step, once these are said to be paid: stop what would pay them again, tell of what has left; how many stopped."""
    given = {"ids": list(end_to_end_ids)}
    if not given["ids"]:
        return 0
    cursor.execute(STOP, given)
    stopped = cursor.fetchall()
    cursor.execute(OF_FORMERS, given)
    if stopped:
        recount(cursor, chunk_ids=[row[0] for row in stopped], release=False)
    for chunk_id, count, amount in stopped:
        record_event(
            kind="chunk.replacements_stopped",
            actor=SYSTEM,
            subject_kind="chunk",
            subject_id=chunk_id,
            payload={"transfers": count, "sum": amount},
        )
    cursor.execute(HAVE_LEFT, given)
    for former_id, former, replacement, state, amount, unit in cursor.fetchall():
        raise_alarm(
            kind=PAID_TWICE,
            subject_kind="transfer",
            subject_id=former_id,
            unit_code=unit,
            details={"former": former, "replacement": replacement, "state": state, "sum": amount},
        )
    return sum(row[1] for row in stopped)


def bring_lines_back(cursor: Any, *, chunk_ids: Sequence[int]) -> None:
    """Inner step, once followers in these chunks were cancelled: their lines go back to the payment that is in dispute."""
    cursor.execute(OF_FOLLOWERS, {"chunks": list(chunk_ids)})
