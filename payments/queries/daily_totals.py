"""I-30: on each day and account, what the bank answered, what its statement debited and what we hold as paid are the same sum.

A payment belongs to the day on which the statement debited it; one that no statement shows belongs to the day on which we heard
of it, so a payment that is missing there is missed here.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from payments.models import Statement
from payments.queries.totals import Part

# Payments that no statement shows are looked for in lists that are not reconciled, in chunks whose kept counts miss some.
DAY = """
WITH debited AS (
    SELECT e.amount, e.transfer_id FROM payments_statement s
    JOIN payments_statement_entry e ON e.statement_id = s.id AND e.direction = 'DBIT' AND e.superseded_by_id IS NULL
    WHERE s.account = %(account)s AND s.day = %(day)s
), credited AS (
    SELECT e.amount FROM payments_statement s
    JOIN payments_statement_entry e ON e.statement_id = s.id AND e.direction = 'CRDT' AND e.superseded_by_id IS NULL
    WHERE s.account = %(account)s AND s.day = %(day)s
), ours AS (
    SELECT t.instructed_amount AS amount, t.transaction_status IN ('ACSC', 'ACCC', 'BOOK') AS answered
    FROM debited d JOIN payments_transfer t ON t.id = d.transfer_id WHERE t.state IN ('SETTLED', 'RETURNED')
    UNION ALL
    SELECT t.instructed_amount, t.transaction_status IN ('ACSC', 'ACCC', 'BOOK')
    FROM payments_fund f
    JOIN payments_payout_batch b ON b.fund_id = f.id AND b.state IN ('DISPATCHING', 'HELD', 'CANCELLING', 'DRAINED')
    JOIN payments_dispatch_chunk c ON c.batch_id = b.id AND c.route = 'GATEWAY'
        AND c.settled_count + c.returned_count > c.matched_count
    JOIN payments_transfer t ON t.chunk_id = c.id AND t.state IN ('SETTLED', 'RETURNED')
    JOIN payments_ledger_entry l ON l.transfer_id = t.id AND l.kind = 'POST'
        AND (l.at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = %(day)s
    WHERE f.debtor_account = %(account)s
      AND NOT EXISTS (SELECT 1 FROM payments_statement_entry e
                      WHERE e.transfer_id = t.id AND e.direction = 'DBIT' AND e.superseded_by_id IS NULL)
)
SELECT (SELECT count(*) FROM debited), (SELECT coalesce(sum(amount), 0) FROM debited),
       count(*) FILTER (WHERE answered), coalesce(sum(amount) FILTER (WHERE answered), 0), count(*), coalesce(sum(amount), 0),
       (SELECT count(*) FROM credited), (SELECT coalesce(sum(amount), 0) FROM credited)
FROM ours
"""


@dataclass(frozen=True, slots=True)
class DayTotals:
    """One account and day: debits of the statement, what the bank had answered, what we hold as paid; and what came back."""

    account: str
    day: date
    statement: Part
    answered: Part
    paid: Part
    returned: Part

    @property
    def agrees(self) -> bool:
        """Whether the three are the same, by count and by sum."""
        return self.statement == self.answered == self.paid


def compute_day(cursor: Any, *, account: str, day: date) -> DayTotals:
    """Work one day out from the rows themselves."""
    cursor.execute(DAY, {"account": account, "day": day})
    figures = [int(figure) for figure in cursor.fetchone()]
    return DayTotals(account, day, *(Part(*figures[at : at + 2]) for at in range(0, 8, 2)))


def daily_totals(*, first: date, last: date) -> list[DayTotals]:
    """Every account and day with a statement, worked out anew; those that do not agree break I-30 unless a difference is open.

    One query a statement; `unexplained_days` leaves out what people know of.
    """
    found = Statement.objects.filter(day__gte=first, day__lte=last).order_by("day", "account").distinct()
    days = list(found.values_list("account", "day"))
    with connection.cursor() as cursor:
        return [compute_day(cursor, account=account, day=day) for account, day in days]


UNEXPLAINED = """
SELECT c.account, c.day FROM payments_day_comparison c
WHERE c.day BETWEEN %(first)s AND %(last)s
  AND (c.statement_count, c.statement_sum, c.statement_count, c.statement_sum)
      IS DISTINCT FROM (c.paid_count, c.paid_sum, c.answered_count, c.answered_sum)
  AND NOT EXISTS (SELECT 1 FROM payments_difference d WHERE d.account = c.account AND d.day = c.day)
ORDER BY c.day, c.account
"""


def unexplained_days(*, first: date, last: date) -> list[tuple[str, date]]:
    """Accounts and days whose three sums differ without a difference that somebody has to answer for."""
    with connection.cursor() as cursor:
        cursor.execute(UNEXPLAINED, {"first": first, "last": last})
        return list(cursor.fetchall())
