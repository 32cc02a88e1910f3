"""Where the payments of a batch stand, from the counts that its chunks keep."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# Ends are kept on the chunks, so a page about a million transfers adds up two thousand rows.
TOTALS = """
SELECT batch_id, sum(number_of_transactions), sum(control_sum), sum(settled_count), sum(settled_sum),
       sum(rejected_count), sum(rejected_sum), sum(returned_count), sum(returned_sum), sum(cancelled_count), sum(cancelled_sum)
FROM payments_dispatch_chunk WHERE batch_id = ANY (%s) AND (%s = '' OR route = %s)
GROUP BY batch_id
"""


@dataclass(frozen=True, slots=True)
class Part:
    """How many payments, and how many đồng."""

    count: int
    amount: int

    def __sub__(self, other: "Part") -> "Part":
        return Part(self.count - other.count, self.amount - other.amount)

    def __add__(self, other: "Part") -> "Part":
        return Part(self.count + other.count, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class BatchTotals:
    """Where the payments of a batch stand; `open` is what has not ended yet."""

    planned: Part
    settled: Part
    rejected: Part
    returned: Part
    cancelled: Part

    def __add__(self, other: "BatchTotals") -> "BatchTotals":
        return BatchTotals(
            self.planned + other.planned,
            self.settled + other.settled,
            self.rejected + other.rejected,
            self.returned + other.returned,
            self.cancelled + other.cancelled,
        )

    @property
    def ended(self) -> Part:
        """All that will change no more, save by a return."""
        return self.settled + self.rejected + self.returned + self.cancelled

    @property
    def open(self) -> Part:
        """All that still waits for its end."""
        return self.planned - self.ended


NOTHING = BatchTotals(*[Part(0, 0)] * 5)


def batch_totals(*, batch_id: int, route: str = "") -> BatchTotals:
    """Counts and sums of a batch, of one route or of all, from one query over its chunks."""
    return totals_of_batches(batch_ids=[batch_id], route=route)[batch_id]


def totals_of_batches(*, batch_ids: Iterable[int], route: str = "") -> dict[int, BatchTotals]:
    """The totals of many batches by id, from one query; a batch without a chunk has nothing."""
    ids = list(batch_ids)
    totals = dict.fromkeys(ids, NOTHING)
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, [ids, route, route])
        for batch_id, *figures in cursor.fetchall():
            numbers = [int(figure) for figure in figures]
            totals[batch_id] = BatchTotals(*(Part(*numbers[at : at + 2]) for at in range(0, len(numbers), 2)))
    return totals


def oldest_claim_wait(*, at: datetime) -> float:
    """Seconds that the longest-waiting due chunk has waited: whether workers are alive, read from the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM %s - min(c.due_at)), 0) FROM payments_dispatch_chunk c "
            "JOIN payments_payout_batch b ON b.id = c.batch_id "
            "WHERE c.route = 'GATEWAY' AND c.state IN ('READY', 'INQUIRY') AND c.due_at <= %s AND b.state = 'DISPATCHING'",
            [at, at],
        )
        waited: float = float(cursor.fetchone()[0])
    return waited
