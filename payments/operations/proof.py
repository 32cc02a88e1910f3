"""Do our books, our transfers and the gateway's own credit log agree? The log is the oracle: balanced books of ours would not
notice a double payment. Set-based and in bounded memory: the log streams into a temporary table.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from django.db import connection, transaction


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement that must hold, and how many rows break it."""

    name: str
    broken: int
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return self.broken == 0


# name -> rows that break it. `gateway_log` is the temporary table of the oracle's lines.
STATEMENTS: dict[str, str] = {
    "credited at most once": "SELECT end_to_end_id FROM gateway_log WHERE times_credited > 1",
    "every credit is a transfer of ours, same amount": """
        SELECT g.end_to_end_id FROM gateway_log g LEFT JOIN payments_transfer t USING (end_to_end_id)
        WHERE g.times_credited > 0 AND (t.id IS NULL OR t.instructed_amount <> g.amount)""",
    "settled here is credited there": """
        SELECT t.end_to_end_id FROM payments_transfer t LEFT JOIN gateway_log g USING (end_to_end_id)
        WHERE t.route = 'GATEWAY' AND t.state = 'SETTLED' AND coalesce(g.times_credited, 0) <> 1""",
    "rejected here is not credited there": """
        SELECT t.end_to_end_id FROM payments_transfer t JOIN gateway_log g USING (end_to_end_id)
        WHERE t.state IN ('REJECTED', 'CANCELLED', 'EXCLUDED') AND g.times_credited > 0""",
    "credited there is settled or returned here": """
        SELECT g.end_to_end_id FROM gateway_log g JOIN payments_transfer t USING (end_to_end_id)
        WHERE g.times_credited > 0 AND t.state NOT IN ('SETTLED', 'RETURNED')""",
    "never sent is unknown there": """
        SELECT t.end_to_end_id FROM payments_transfer t JOIN gateway_log g USING (end_to_end_id) WHERE t.sent_count = 0""",
    "one posting for each settled transfer, same amount": """
        SELECT t.id FROM payments_transfer t
        LEFT JOIN payments_ledger_entry e ON e.transfer_id = t.id AND e.kind = 'POST'
        WHERE (t.state IN ('SETTLED', 'RETURNED')) <> (e.id IS NOT NULL) OR e.amount <> t.instructed_amount""",
    "one void for each unpaid transfer of a reserved list": """
        SELECT t.id FROM payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id
        LEFT JOIN payments_ledger_entry e ON e.transfer_id = t.id AND e.kind = 'VOID'
        WHERE b.reserved_at IS NOT NULL AND (t.state IN ('REJECTED', 'CANCELLED')) <> (e.id IS NOT NULL)""",
    "balances are the sum of the ledger": """
        SELECT b.id FROM payments_fund_balance b
        LEFT JOIN (
            SELECT fund_id, account, sum(amount) AS amount FROM (
                SELECT fund_id, credit AS account, amount FROM payments_ledger_entry
                UNION ALL SELECT fund_id, debit, -amount FROM payments_ledger_entry) AS sides
            GROUP BY fund_id, account) AS l ON l.fund_id = b.fund_id AND l.account = b.account
        WHERE b.balance <> coalesce(l.amount, 0)""",
    "reserved is what is still open": """
        SELECT f.fund_id FROM payments_fund_balance f WHERE f.account = 'RESERVED' AND f.balance <> (
            SELECT coalesce(sum(c.control_sum - c.settled_sum - c.rejected_sum - c.returned_sum - c.cancelled_sum), 0)
            FROM payments_dispatch_chunk c JOIN payments_payout_batch b ON b.id = c.batch_id
            WHERE b.fund_id = f.fund_id AND b.reserved_at IS NOT NULL)""",
    "a transfer is the sum of its lines": """
        SELECT t.id FROM payments_transfer t
        WHERE t.state NOT IN ('EXCLUDED', 'CANCELLED', 'REJECTED', 'RETURNED') AND t.instructed_amount <> (
            SELECT coalesce(sum(l.amount), 0) FROM payments_payout_line l WHERE l.transfer_id = t.id)""",
    "chunks count their transfers": """
        SELECT c.id FROM payments_dispatch_chunk c LEFT JOIN (
            SELECT chunk_id, count(*) FILTER (WHERE state = 'SETTLED') AS settled,
                   count(*) FILTER (WHERE state = 'REJECTED') AS rejected
            FROM payments_transfer GROUP BY chunk_id) AS t ON t.chunk_id = c.id
        JOIN payments_payout_batch b ON b.id = c.batch_id
        WHERE b.reserved_at IS NOT NULL
          AND (c.settled_count, c.rejected_count) IS DISTINCT FROM (coalesce(t.settled, 0), coalesce(t.rejected, 0))""",
    "a drained batch has nothing open": """
        SELECT b.id FROM payments_payout_batch b JOIN payments_transfer t ON t.batch_id = b.id
        WHERE b.state IN ('DRAINED', 'RECONCILED', 'CLOSED')
          AND t.state NOT IN ('SETTLED', 'REJECTED', 'RETURNED', 'CANCELLED', 'EXCLUDED')""",
    "nothing contradicts itself": "SELECT id FROM payments_transfer WHERE conflicting_status <> ''",
}


@transaction.atomic
def compare_with_log(*, log: Iterable[tuple[str, int, str, int]]) -> list[Finding]:
    """Compare everything that was ever sent with the gateway's credit log, and the books with themselves.

    Args:
        log: Lines of (end_to_end_id, amount, status, times credited), streamed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            "CREATE TEMPORARY TABLE gateway_log (end_to_end_id text, amount bigint, status text, times_credited integer) "
            "ON COMMIT DROP"
        )
        lines = iter(log)
        while portion := "".join(_rows(islice(lines, 20_000))):
            cursor.copy_expert("COPY gateway_log FROM STDIN", io.StringIO(portion))
        cursor.execute("ANALYZE gateway_log")
        findings = []
        for name, breaking in STATEMENTS.items():
            cursor.execute(f"SELECT count(*), min(broken::text) FROM ({breaking}) AS b(broken)")
            broken, example = cursor.fetchone()
            findings.append(Finding(name, broken, f"e.g. {example}" if broken else ""))
    return findings


def _rows(portion: Iterable[tuple[str, int, str, int]]) -> Iterator[str]:
    for end_to_end_id, amount, status, times in portion:
        yield f"{end_to_end_id}\t{amount}\t{status}\t{times}\n"
