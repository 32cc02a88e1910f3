"""The floor: the same rows, the same changes of state, the same ledger rows, on copies of the same tables and indexes, without
triggers, by few statements on one connection; no Python objects, no HTTP.

What PostgreSQL itself needs on this machine. No portal can be faster; the benchmark says how near it comes.
"""

from psycopg2.extensions import connection, cursor

SCHEMA = "floor"
TABLES = ("payments_payout_line", "payments_transfer", "payments_dispatch_chunk", "payments_ledger_entry")
PORTION = 5_000  # transfers a statement, ten times what one message of the portal carries


def make_tables(server: connection) -> None:
    """Copies of the tables, with their indexes, constraints and free room, without their triggers."""
    with server.cursor() as writer:
        writer.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        for table in TABLES:
            writer.execute(f"CREATE TABLE {SCHEMA}.{table} (LIKE public.{table} INCLUDING ALL)")
            writer.execute("SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = %s::regclass", [table])
            found = writer.fetchone()
            if found and found[0]:
                writer.execute(f"ALTER TABLE {SCHEMA}.{table} SET ({found[0]})")
        # The plain way works on them as the portal's own role.
        writer.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO welfare_app")
        writer.execute(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA {SCHEMA} TO welfare_app")
    server.commit()


def build(server: connection, batch_id: int) -> None:
    """The rows of a list that stands: `INSERT ... SELECT` of the same columns, one statement a table."""
    with server.cursor() as writer:
        for table in ("payments_dispatch_chunk", "payments_transfer", "payments_payout_line"):
            columns = ", ".join(_columns(writer, table))
            writer.execute(
                f"INSERT INTO {SCHEMA}.{table} ({columns}) OVERRIDING SYSTEM VALUE "
                f"SELECT {columns} FROM public.{table} WHERE batch_id = %s ORDER BY id",
                [batch_id],
            )
    server.commit()


def analyse(server: connection) -> None:
    """Let PostgreSQL know the copies, as its own housekeeping lets it know the portal's tables."""
    with server.cursor() as writer:
        for table in TABLES:
            writer.execute(f"ANALYZE {SCHEMA}.{table}")
    server.commit()


def copy_again(server: connection, batch_id: int, lines: int) -> None:
    """The first lines of a list as they were approved, under new ids, for the plain way; not counted."""
    with server.cursor() as writer:
        columns = _columns(writer, "payments_transfer")
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
            f"INSERT INTO {SCHEMA}.payments_transfer ({', '.join(columns)}) OVERRIDING SYSTEM VALUE "
            f"SELECT {', '.join(fresh.get(column, column) for column in columns)} FROM public.payments_transfer "
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


def _columns(reader: cursor, table: str) -> list[str]:
    reader.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [table],
    )
    return [name for (name,) in reader.fetchall()]
