"""Comparing a regular list with the last one that was paid: two statements, whatever the length of the lists.

Inner steps of building and submitting. A list that is submitted is compared anew, because lines may have left it, and its
comparison is frozen with it by the database.
"""

from django.db import connection

from payments.models import PayoutBatch
from payments.queries.comparing import BY_PAYEE
from payments.states import BatchKind

# The latest month that began to be paid. A fund is of one budget year, so the first list of a year is compared with the list
# of last year's fund for the same unit and the same programmes.
FORMER = """
SELECT b.id
FROM payments_payout_batch own
JOIN payments_fund mine ON mine.id = own.fund_id
JOIN payments_payout_batch b ON b.kind = 'REGULAR' AND b.period < own.period AND b.started_at IS NOT NULL
    AND b.unit_id IS NOT DISTINCT FROM own.unit_id
JOIN payments_fund theirs ON theirs.id = b.fund_id
WHERE own.id = %(batch)s
  AND (b.fund_id = own.fund_id OR (
      theirs.year = mine.year - 1 AND theirs.unit_id IS NOT DISTINCT FROM mine.unit_id
      AND (SELECT array_agg(programme_id ORDER BY programme_id) FROM payments_fund_programmes WHERE fund_id = theirs.id)
        = (SELECT array_agg(programme_id ORDER BY programme_id) FROM payments_fund_programmes WHERE fund_id = mine.id)))
ORDER BY b.period DESC, b.fund_id = own.fund_id DESC, b.id DESC
LIMIT 1
"""

FIGURES = (
    "before_count", "before_sum", "after_count", "after_sum", "new_count", "new_sum", "gone_count", "gone_sum",
    "amount_count", "amount_before_sum", "amount_after_sum", "account_count", "account_before_sum", "account_after_sum",
    "both_count", "both_before_sum", "both_after_sum", "unchanged_count", "unchanged_sum",
)  # fmt: skip

COMPARE = f"""
WITH compared AS (
    SELECT b.payee_id IS NOT NULL AS had, a.payee_id IS NOT NULL AS has, coalesce(b.amount, 0) AS before,
           coalesce(a.amount, 0) AS after, coalesce(a.amount <> b.amount, false) AS amount,
           coalesce((a.first_place, a.last_place) <> (b.first_place, b.last_place), false) AS account
    FROM ({BY_PAYEE.format(batch="%(former)s", after=0)}) AS b
    FULL JOIN ({BY_PAYEE.format(batch="%(batch)s", after=0)}) AS a ON a.payee_id = b.payee_id
)
INSERT INTO payments_batch_comparison (batch_id, former_id, {", ".join(FIGURES)}, compared_at)
SELECT %(batch)s, %(former)s,
       count(*) FILTER (WHERE had), coalesce(sum(before), 0), count(*) FILTER (WHERE has), coalesce(sum(after), 0),
       count(*) FILTER (WHERE NOT had), coalesce(sum(after) FILTER (WHERE NOT had), 0),
       count(*) FILTER (WHERE NOT has), coalesce(sum(before) FILTER (WHERE NOT has), 0),
       count(*) FILTER (WHERE amount), coalesce(sum(before) FILTER (WHERE amount), 0),
       coalesce(sum(after) FILTER (WHERE amount), 0),
       count(*) FILTER (WHERE account), coalesce(sum(before) FILTER (WHERE account), 0),
       coalesce(sum(after) FILTER (WHERE account), 0),
       count(*) FILTER (WHERE amount AND account), coalesce(sum(before) FILTER (WHERE amount AND account), 0),
       coalesce(sum(after) FILTER (WHERE amount AND account), 0),
       count(*) FILTER (WHERE had AND has AND NOT amount AND NOT account),
       coalesce(sum(after) FILTER (WHERE had AND has AND NOT amount AND NOT account), 0), portal_now()
FROM compared
ON CONFLICT (batch_id) DO UPDATE
SET (former_id, {", ".join(FIGURES)}, compared_at)
    = (EXCLUDED.former_id, {", ".join(f"EXCLUDED.{figure}" for figure in FIGURES)}, EXCLUDED.compared_at)
"""  # noqa: S608  put together from names of its own


def compare_with_last_period(*, batch: PayoutBatch) -> None:
    """Write how the locked regular `batch` differs from the last one that was paid; other kinds are compared with nothing."""
    if batch.kind != BatchKind.REGULAR:
        return
    with connection.cursor() as cursor:
        cursor.execute(FORMER, {"batch": batch.pk})
        former = cursor.fetchone()
        cursor.execute(COMPARE, {"batch": batch.pk, "former": former[0] if former else None})
