"""What has to be read to verify: the gateway's log brought in, each table read and joined once with what it is compared with, and
every list hashed once. Every figure is worked out and thrown away.
"""

from pathlib import Path

from psycopg2.extensions import connection

STAGE = """
DROP TABLE IF EXISTS pg_temp.floor_credit;
CREATE TEMPORARY TABLE floor_credit (end_to_end_id text, amount bigint, times_credited integer)
"""
LOOKS = (
    # Each payment beside what the gateway credited, and its ledger rows, and its lines.
    """
    SELECT count(*), sum(t.instructed_amount - c.amount), max(c.times_credited), sum(t.sent_count),
           count(*) FILTER (WHERE t.state = 'SETTLED' AND t.ended_at IS NULL)
    FROM payments_transfer t FULL JOIN floor_credit c USING (end_to_end_id)
    """,
    """
    SELECT count(*), sum(t.instructed_amount - e.amount)
    FROM payments_transfer t
    JOIN (SELECT transfer_id, sum(amount) AS amount FROM payments_ledger_entry WHERE kind = 'POST' GROUP BY 1) AS e
        ON e.transfer_id = t.id
    """,
    """
    SELECT count(*), sum(t.instructed_amount - l.amount)
    FROM payments_transfer t JOIN (SELECT transfer_id, sum(amount) AS amount FROM payments_payout_line GROUP BY 1) AS l
        ON l.transfer_id = t.id
    """,
    # Nothing twice.
    """
    SELECT max(times) FROM (SELECT count(*) AS times FROM payments_payout_line WHERE live
                            GROUP BY entitlement_id, period, kind) AS l
    """,
    """
    SELECT max(times) FROM (SELECT count(*) AS times FROM payments_statement_entry WHERE superseded_by_id IS NULL
                            GROUP BY transfer_id, direction) AS s
    """,
    # The books and the counts.
    "SELECT fund_id, debit, credit, sum(amount) FROM payments_ledger_entry GROUP BY 1, 2, 3",
    "SELECT chunk_id, state, count(*), sum(instructed_amount) FROM payments_transfer GROUP BY 1, 2",
    """
    SELECT c.id, count(*), max(a.fence) FROM payments_dispatch_chunk c JOIN payments_dispatch_attempt a ON a.chunk_id = c.id
    GROUP BY 1
    """,
    "SELECT kind, count(*), max(at), sum(length(payload::text)) FROM audit_event GROUP BY 1",
    # The lists as they were approved.
    "SELECT count(payments_chunk_hash(id)) FROM payments_dispatch_chunk",
)


def verify(server: connection, log: Path) -> None:
    """Bring the log in, a file of tab-separated code, amount and times, and look at everything once."""
    with server.cursor() as reader, log.open() as lines:
        reader.execute(STAGE)
        reader.copy_expert("COPY floor_credit FROM STDIN", lines)
        reader.execute("ANALYZE floor_credit")
        for look in LOOKS:
            reader.execute(look)
            reader.fetchall()
    server.commit()
