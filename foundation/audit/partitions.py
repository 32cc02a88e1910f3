"""Tables partitioned by month: the SQL that makes them, shared by migrations.

The application may not create tables, so a function of the owner makes the months ahead; a default partition catches what
comes when nobody called it.
"""

from django.db import connection
from django.db.migrations.operations import RunSQL

ENSURE_MONTHS = """
CREATE FUNCTION portal_ensure_months(parent regclass, months_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', portal_now() AT TIME ZONE 'UTC')::date;
    month date;
    child text;
    made integer := 0;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_partitioned_table WHERE partrelid = parent) THEN
        RAISE EXCEPTION '% is not a partitioned table', parent;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('portal_ensure_months'));
    FOR i IN 0..least(greatest(months_ahead, 0), 24) LOOP
        month := (first + make_interval(months => i))::date;
        child := format('%s_%s', parent::text, to_char(month, 'YYYY_MM'));
        IF to_regclass(child) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
                child, parent, month::text || ' 00:00+00', (month + interval '1 month')::date::text || ' 00:00+00'
            );
            EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM welfare_app', child);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION portal_ensure_months(regclass, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION portal_ensure_months(regclass, integer) TO welfare_app;
"""


def default_partition(table: str) -> RunSQL:
    """A migration step: the catch-all partition of `table`, append-only like its parent, and the coming months."""
    return RunSQL(
        f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT;"
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {table}_default FROM welfare_app;"
        f"SELECT portal_ensure_months('{table}', 3);",
        RunSQL.noop,
    )


def ensure_months(table: str, *, ahead: int = 3) -> int:
    """Make the coming months' partitions of `table`; how many were new. The application may do this and nothing more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT portal_ensure_months(%s::regclass, %s)", [table, ahead])
        made: int = cursor.fetchone()[0]
    return made
