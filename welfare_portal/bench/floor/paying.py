"""A list built and paid: the rows of lines, transfers and chunks, then every transfer's moves with its ledger row."""

from psycopg2.extensions import connection

from welfare_portal.bench.floor.tables import SCHEMA, columns, copy_rows

PORTION = 5_000  # transfers a statement, ten times what one message of the portal carries


def build(server: connection, batch_id: int) -> None:
    """The rows of a list that stands: `INSERT ... SELECT` of the same columns, one statement a table."""
    with server.cursor() as writer:
        for table in ("payments_dispatch_chunk", "payments_transfer", "payments_payout_line"):
            copy_rows(writer, table, "batch_id = %s", [batch_id])
    server.commit()


def copy_again(server: connection, batch_id: int, lines: int) -> None:
    """The first lines of a list as they were approved, under new ids, for the plain way; not counted."""
    with server.cursor() as writer:
        names = columns(writer, "payments_transfer")
        fresh = {
            "id": "id + 1000000000",
            "end_to_end_id": "replace(uuidv7()::text, '-', '')",
            "state": "'PLANNED'",
            "sent_count": "0",
            "first_sent_at": "NULL",
            "ended_at": "NULL",
            "due_at": "now()",
            "proof_id": "NULL",
            "settlement_level": "''",
            "transaction_status": "''",
            "status_reason": "''",
            "bank_reference": "''",
            "replaces_id": "NULL",
        }
        writer.execute(
            f"INSERT INTO {SCHEMA}.payments_transfer ({', '.join(names)}) OVERRIDING SYSTEM VALUE "
            f"SELECT {', '.join(fresh.get(name, name) for name in names)} FROM public.payments_transfer "
            "WHERE batch_id = %s ORDER BY id LIMIT %s",
            [batch_id, lines],
        )
        writer.execute(f"ANALYZE {SCHEMA}.payments_transfer")
    server.commit()


READY = f"UPDATE {SCHEMA}.payments_transfer SET state = 'READY', due_at = now() WHERE id = ANY (%s)"
SENDING = f"""
UPDATE {SCHEMA}.payments_transfer
SET state = 'SENDING', sent_count = sent_count + 1, first_sent_at = now(), due_at = now() WHERE id = ANY (%s)
"""
SETTLED = f"""
WITH moved AS (
    UPDATE {SCHEMA}.payments_transfer
    SET state = 'SETTLED', settlement_level = 'CREDITOR', transaction_status = 'ACCC', bank_reference = 'FT' || id,
        ended_at = now(), due_at = NULL
    WHERE id = ANY (%s) RETURNING id, instructed_amount
)
INSERT INTO {SCHEMA}.payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
SELECT %s, 'POST', 'RESERVED', 'PAID', instructed_amount, id, now() FROM moved
"""


def pay(server: connection, batch_id: int, fund_id: int) -> None:
    """Every transfer of a list from PLANNED to SETTLED, each with its ledger row, each portion committed at each step."""
    with server.cursor() as writer:
        writer.execute(f"SELECT min(id), max(id) FROM {SCHEMA}.payments_transfer WHERE batch_id = %s", [batch_id])
        found = writer.fetchone()
        assert found is not None
        first, last = found
        for start in range(first, last + 1, PORTION):
            ids = list(range(start, min(start + PORTION, last + 1)))
            for statement, values in ((READY, [ids]), (SENDING, [ids]), (SETTLED, [ids, fund_id])):
                writer.execute(statement, values)
                server.commit()
