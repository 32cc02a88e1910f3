"""What a restored copy believes unsent is in doubt: inner steps that acts on lists share. Told in docs/operations.md."""

from typing import Any

from payments.models import Restore

# As if it had been sent by somebody who never came back: asked about, and ready again only with the bank's word. It cannot
# have been sent before the copy was made, so the gateway's memory is counted from there.
DOUBT = """
WITH doubted AS (
    SELECT id FROM payments_dispatch_chunk
    WHERE id = ANY (%(chunks)s) AND route = 'GATEWAY' AND doubted_at IS NOT NULL AND state NOT IN ('PLANNED', 'DONE')
), lines AS (
    UPDATE payments_transfer t
    SET state = 'UNKNOWN', sent_count = greatest(sent_count, 1), due_at = portal_now(),
        first_sent_at = coalesce(first_sent_at, (SELECT known_until FROM payments_restore ORDER BY id DESC LIMIT 1))
    FROM doubted WHERE t.chunk_id = doubted.id AND t.state = 'READY'
    RETURNING t.chunk_id
), counted AS (
    SELECT chunk_id, count(*) AS lines FROM lines GROUP BY chunk_id
), asked AS (
    UPDATE payments_dispatch_chunk c SET state = 'INQUIRY', due_at = portal_now()
    FROM counted WHERE c.id = counted.chunk_id AND c.state IN ('READY', 'PARKED')
)
SELECT coalesce(sum(lines), 0) FROM counted
"""


def doubt(cursor: Any, *, chunk_ids: list[int]) -> int:
    """Inner step: have the bank asked about the ready transfers of locked, doubted chunks before any is sent; how many."""
    if not chunk_ids:
        return 0
    cursor.execute(DOUBT, {"chunks": chunk_ids})
    lines: int = cursor.fetchone()[0]
    return lines


OPEN = """
WITH opened AS (
    UPDATE payments_dispatch_chunk c SET state = 'READY'
    FROM payments_payout_batch b
    WHERE b.id = c.batch_id AND b.reserved_at IS NOT NULL AND c.id = ANY (%s) AND c.state = 'PLANNED'
      AND c.route = 'GATEWAY' AND c.doubted_at IS NOT NULL AND c.number_of_transactions > 0
    RETURNING c.id
), lines AS (
    UPDATE payments_transfer t SET state = 'READY', due_at = portal_now()
    FROM opened WHERE t.chunk_id = opened.id AND t.state = 'PLANNED'
)
SELECT id FROM opened
"""


def doubt_unopened(cursor: Any, *, chunk_ids: list[int]) -> set[int]:
    """Inner step: open those of locked chunks that were doubted before they were ever opened, to be asked about; which.

    A list whose money was never set aside is left out: what the bank would say could not be booked. `end_restore` names it.
    """
    cursor.execute(OPEN, [chunk_ids])
    opened = [row[0] for row in cursor.fetchall()]
    doubt(cursor, chunk_ids=opened)
    return set(opened)


def restore_is_open() -> bool:
    """Whether the database is an older copy and it is not known yet what the banks did since."""
    return Restore.objects.filter(ended_at=None).exists()
