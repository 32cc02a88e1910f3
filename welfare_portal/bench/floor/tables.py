"""Copies of the portal's tables, in a schema of their own."""

from psycopg2.extensions import connection, cursor

SCHEMA = "floor"
# What a list of people adds rows to.
OF_REGISTER = (
    "beneficiaries_person",
    "beneficiaries_payee",
    "beneficiaries_payout_account",
    "beneficiaries_payment_way",
    "beneficiaries_representation",
    "beneficiaries_entitlement",
)
TABLES = (
    "payments_payout_line",
    "payments_transfer",
    "payments_dispatch_chunk",
    "payments_ledger_entry",
    "payments_statement_entry",
    *OF_REGISTER,
)


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


def analyse(server: connection) -> None:
    """Let PostgreSQL know the copies, as its own housekeeping lets it know the portal's tables."""
    with server.cursor() as writer:
        for table in TABLES:
            writer.execute(f"ANALYZE {SCHEMA}.{table}")
    server.commit()


def columns(reader: cursor, table: str) -> list[str]:
    """A table's columns, in their order."""
    reader.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [table],
    )
    return [name for (name,) in reader.fetchall()]


def copy_rows(writer: cursor, table: str, condition: str, values: list[object]) -> None:
    """`INSERT ... SELECT` of all columns of the rows that the portal has and that fit a condition, in one statement."""
    names = ", ".join(columns(writer, table))
    writer.execute(
        f"INSERT INTO {SCHEMA}.{table} ({names}) OVERRIDING SYSTEM VALUE "
        f"SELECT {names} FROM public.{table} WHERE {condition} ORDER BY id",
        values,
    )
