"""Cash of a batch that nobody has fetched yet."""

from dataclasses import dataclass

from django.db import connection

from payments.models import PayoutBatch
from payments.queries.totals import Part

# Chunks that are done hold nothing that waits.
WAITING = """
SELECT t.state, count(*), sum(t.instructed_amount)
FROM payments_dispatch_chunk c JOIN payments_transfer t ON t.chunk_id = c.id
WHERE c.batch_id = %s AND c.route = 'WARD_CASH' AND c.state <> 'DONE' AND t.state IN ('READY', 'HANDED_OVER')
GROUP BY t.state
"""


@dataclass(frozen=True, slots=True)
class CashWaiting:
    """What waits for the list to be handed over, and what waits for a signature."""

    ready: Part
    handed_over: Part

    @property
    def all(self) -> Part:
        """What a closing of the list would carry over."""
        return self.ready + self.handed_over


def cash_waiting(*, batch: PayoutBatch) -> CashWaiting:
    """The open cash of a batch; one query."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [batch.pk])
        found = {state: Part(count, int(amount)) for state, count, amount in cursor.fetchall()}
    return CashWaiting(found.get("READY", Part(0, 0)), found.get("HANDED_OVER", Part(0, 0)))
