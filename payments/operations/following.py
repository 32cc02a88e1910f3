"""A late "paid", and what has taken the payment's place since: what has not left is stopped, what has left is for people.

A replacement carries lines that have moved on from a payment that ended unpaid. Whoever learns that the former may have been
paid stops it in the same transaction: cancelled where it stands ready, its money back in the fund, its lines back at the payment
that is in dispute, so that no list takes them. One in a list that holds no money yet is cancelled on its way out (`gone`); the
database lets none leave. Where it has left, an alarm tells of both: money may have gone twice, and is asked back or recovered.
"""

from collections.abc import Sequence
from typing import Any

from foundation.audit.alarms import raise_alarm
from payments.alarms import PAID_TWICE
from payments.models.disputes import disputed
from payments.operations.calling_off import call_off
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
# Of the payments in which a line has been, the one in dispute is its home, else the last before. Where two are in dispute nobody
# can say which of them it belongs to: it stays, and no list takes it. A statement of its own: a line's trigger looks at where it
# stands now.
GO_HOME = f"""
UPDATE payments_payout_line l SET transfer_id = home.former_id
FROM (
    SELECT DISTINCT ON (line_id) line_id, former_id
    FROM (
        SELECT *, count(*) FILTER (WHERE is_disputed) OVER (PARTITION BY line_id) AS disputes
        FROM (
            SELECT line.id AS line_id, former.id AS former_id, {disputed("former")} AS is_disputed,
                   max(m.id) AS last_move
            FROM payments_payout_line line
            JOIN payments_transfer t ON t.id = line.transfer_id AND t.state IN ({_FREED}) AND NOT {disputed("t")}
            JOIN payments_payout_line_move m ON m.line_id = line.id
            JOIN payments_transfer former ON former.id = m.from_transfer_id AND former.id <> t.id
            WHERE line.live AND {{scope}}
            GROUP BY line.id, former.id) AS been
    ) AS judged
    WHERE disputes {{disputes}}
    ORDER BY line_id, is_disputed DESC, last_move DESC
) AS home
WHERE l.id = home.line_id
"""
OF_FORMERS = GO_HOME.format(
    disputes="= 1",
    scope="line.id IN (SELECT gone.line_id FROM payments_payout_line_move gone JOIN payments_transfer said "
    "ON said.id = gone.from_transfer_id WHERE said.end_to_end_id = ANY (%(ids)s))",
)
OF_TRANSFERS = GO_HOME.format(disputes="<= 1", scope="line.transfer_id = ANY (%(transfers)s)")
OF_CHUNKS = GO_HOME.format(disputes="= 1", scope="t.chunk_id = ANY (%(chunks)s)")
HAVE_LEFT = f"""
SELECT follower.former_id, follower.former_code, t.end_to_end_id, t.state, t.instructed_amount, b.unit_id
FROM ({FOLLOWERS}) AS follower
JOIN payments_transfer t ON t.id = follower.id AND t.state IN ({_LEFT})
JOIN payments_payout_batch b ON b.id = t.batch_id
ORDER BY follower.former_id, t.id
"""


def lines_go_home(cursor: Any, *, transfer_ids: Sequence[int]) -> int:
    """Inner step, once these were taken out of their list: lines that came from other payments go back to them; how many.

    They are owed still, and stay tied to the payments that were to pay them first: if one of those was paid after all, no list
    takes them again.
    """
    cursor.execute(OF_TRANSFERS, {"transfers": list(transfer_ids)})
    return int(cursor.rowcount)


def lock_followers(cursor: Any, *, end_to_end_ids: Sequence[str]) -> None:
    """Inner step, before a "paid" is written: until the transaction ends nobody sends what took the place of these payments."""
    cursor.execute(LOCK, {"ids": list(end_to_end_ids)})


def stop_followers(cursor: Any, *, end_to_end_ids: Sequence[str]) -> int:
    """Inner step, once these are said to be paid: stop what would pay them again, tell of what has left; how many stopped."""
    given = {"ids": list(end_to_end_ids)}
    if not given["ids"]:
        return 0
    stopped = call_off(
        cursor,
        which=f"SELECT id FROM ({FOLLOWERS}) AS follower",
        given=given,
        kind="chunk.replacements_stopped",
    )
    cursor.execute(OF_FORMERS, given)
    cursor.execute(HAVE_LEFT, given)
    for former_id, former, replacement, state, amount, unit in cursor.fetchall():
        raise_alarm(
            kind=PAID_TWICE,
            subject_kind="transfer",
            subject_id=former_id,
            unit_code=unit,
            details={"former": former, "replacement": replacement, "state": state, "sum": amount},
        )
    return stopped


def bring_lines_back(cursor: Any, *, chunk_ids: Sequence[int]) -> None:
    """Inner step, once followers in these chunks were called off: their lines go back to the payment that is in dispute."""
    cursor.execute(OF_CHUNKS, {"chunks": list(chunk_ids)})
