"""What chunks keep of their transfers, and the state that follows from it: one statement for any number of chunks."""

from typing import Any

from django.conf import settings

# Ends are counted anew from the transfers, so that a count can never drift. A leased chunk keeps its lease unless its holder
# lets go (`release`); a waiting one keeps its due time unless it has just been worked on.
RECOUNT = """
UPDATE payments_dispatch_chunk c
SET settled_count = n.settled, settled_sum = n.settled_sum, rejected_count = n.rejected, rejected_sum = n.rejected_sum,
    returned_count = n.returned, returned_sum = n.returned_sum,
    cancelled_count = n.cancelled, cancelled_sum = n.cancelled_sum, review_count = n.review,
    answered_count = n.answered, answered_sum = n.answered_sum,
    state = CASE
        WHEN c.state = 'PLANNED' AND n.planned > 0 THEN c.state
        WHEN c.state IN ('LEASED_SEND', 'LEASED_INQUIRY') AND NOT %(release)s THEN c.state
        WHEN n.unknown > 0 THEN 'INQUIRY'  -- questions first: they go on while a batch is held, sends do not
        WHEN n.ready > 0 THEN 'READY'
        WHEN n.asked > 0 THEN 'INQUIRY'
        WHEN n.review > 0 THEN 'PARKED'
        ELSE 'DONE' END,
    lease_until = CASE WHEN %(release)s THEN NULL ELSE c.lease_until END,
    due_at = CASE WHEN NOT %(release)s THEN c.due_at
        WHEN n.ready > 0 AND n.unknown = 0 AND %(soon)s THEN portal_now()
        WHEN n.ready > 0 OR n.unknown > 0 THEN portal_now() + greatest(%(wait)s,
            least(%(longest)s, power(2, least(c.attempts, 10))) * (0.5 + random() / 2)) * interval '1 second'
        ELSE portal_now() + least(%(longest)s, %(accepted_sla)s * power(2, least(greatest(c.attempts - 1, 0), 5)))
            * interval '1 second' END
FROM (
    SELECT chunk_id,
        count(*) FILTER (WHERE state = 'SETTLED') AS settled,
        coalesce(sum(instructed_amount) FILTER (WHERE state = 'SETTLED'), 0) AS settled_sum,
        count(*) FILTER (WHERE state = 'REJECTED') AS rejected,
        coalesce(sum(instructed_amount) FILTER (WHERE state = 'REJECTED'), 0) AS rejected_sum,
        count(*) FILTER (WHERE state = 'RETURNED') AS returned,
        coalesce(sum(instructed_amount) FILTER (WHERE state = 'RETURNED'), 0) AS returned_sum,
        count(*) FILTER (WHERE state = 'CANCELLED') AS cancelled,
        coalesce(sum(instructed_amount) FILTER (WHERE state = 'CANCELLED'), 0) AS cancelled_sum,
        count(*) FILTER (WHERE state = 'PLANNED') AS planned,
        count(*) FILTER (WHERE transaction_status IN ('ACSC', 'ACCC')) AS answered,
        coalesce(sum(instructed_amount) FILTER (WHERE transaction_status IN ('ACSC', 'ACCC')), 0) AS answered_sum,
        count(*) FILTER (WHERE state IN ('READY', 'HANDED_OVER')) AS ready,
        count(*) FILTER (WHERE state IN ('SENDING', 'UNKNOWN', 'ACCEPTED')) AS asked,
        count(*) FILTER (WHERE state IN ('SENDING', 'UNKNOWN')) AS unknown,
        count(*) FILTER (WHERE state = 'REVIEW') AS review
    FROM payments_transfer WHERE chunk_id = ANY (%(chunks)s)
    GROUP BY chunk_id
) AS n
WHERE c.id = n.chunk_id
"""


def recount(
    cursor: Any, *, chunk_ids: list[int], release: bool, wait_seconds: float = 0.0, soon: bool = False
) -> None:
    """Count ends anew and give each chunk its next state; with `release` its lease ends and its next look is set.

    `soon`: lines that are left are to go at once, since the bank has just answered.
    """
    cursor.execute(
        RECOUNT,
        {
            "chunks": chunk_ids,
            "release": release,
            "soon": soon,
            "wait": wait_seconds,
            "accepted_sla": settings.DISPATCH_ACCEPTED_SLA,
            "longest": settings.DISPATCH_LONGEST_WAIT,
        },
    )
