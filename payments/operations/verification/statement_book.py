"""The bank's statements as the gateway's side: what a portal has when nobody hands it the gateway's log.

A statement is taken for a day once the day is over and the import is at its end, and a day counts when every account out of which
money was sent has told it. What lies after the last such day, and between on days that somebody has not told, is not compared
yet. The entries never leave the database.
"""

from datetime import timedelta
from typing import Any

from django.db import connection

from payments.models import VerificationRun
from payments.operations.match_statements import CITY_TIME
from payments.operations.statement_files import LATER_SECONDS, TOLD_FOR_GOOD
from payments.operations.verification.gateway_book import GatewayBook, Stored
from payments.statement_states import BY_PEOPLE, DifferenceOutcome

CLOCKS_APART = timedelta(minutes=15)  # what we heard just before midnight may stand in the next day's statement
RETURNS_TAKE = timedelta(days=10)  # a return is told of before its value date, which waits for the holidays

# Imports are done one after the other, and one that was left half-way goes on first: what stands before the first statement of an
# unfinished one is whole. Accounts of closed funds are asked about until the last of their lists had run dry.
REACH = f"""
WITH through AS (
    SELECT coalesce(min(s.id) FILTER (WHERE f.state <> 'IMPORTED') - 1, max(s.id), 0) AS id
    FROM payments_statement s JOIN payments_statement_file f ON f.id = s.file_id
), account AS (
    SELECT f.debtor_account AS account, min(b.started_at {CITY_TIME})::date AS first,
           CASE WHEN bool_or(f.is_open) THEN 'infinity'
                ELSE max(coalesce(b.drained_at, portal_now()) {CITY_TIME})::date END AS last
    FROM payments_payout_batch b JOIN payments_fund f ON f.id = b.fund_id
    WHERE b.started_at IS NOT NULL
      AND EXISTS (SELECT 1 FROM payments_dispatch_chunk c WHERE c.batch_id = b.id AND c.route = 'GATEWAY')
    GROUP BY f.debtor_account
), told AS (
    SELECT n.day::date AS day, bool_and(
        {TOLD_FOR_GOOD.format(account="a.account", day="n.day::date")}
        AND NOT EXISTS (SELECT 1 FROM payments_statement s
                        WHERE s.account = a.account AND s.day = n.day::date AND s.id > (SELECT id FROM through))
        OR EXISTS (SELECT 1 FROM payments_statement_file f
                   WHERE f.account = a.account AND f.day = n.day::date AND f.state = 'ABSENT'
                     AND ((f.due_at - interval '{LATER_SECONDS} seconds') {CITY_TIME})::date > f.day)) AS is_told
    FROM account a
    CROSS JOIN generate_series(a.first, least(a.last, (portal_now() {CITY_TIME})::date - 1), interval '1 day') AS n(day)
    GROUP BY n.day
), reach AS (
    SELECT (SELECT id FROM through) AS through, min(day) AS first, max(day) FILTER (WHERE is_told) AS until FROM told
)
SELECT through, until, first::timestamp {CITY_TIME}, (until + 1)::timestamp {CITY_TIME},
       ARRAY (SELECT day FROM told WHERE NOT is_told AND day < until ORDER BY day)
FROM reach WHERE until IS NOT NULL
"""

_ENDED = ", ".join(f"'{outcome}'" for outcome in BY_PEOPLE if outcome != DifferenceOutcome.MATCHED)

# A debit of our account is a credit of somebody's. What does not agree is red until two persons have decided it: then the line
# says what they found, since a line that stays red for ever is read by nobody. A code that the bank itself names stands above
# what people took the entry for.
LINES = f"""
WITH decided AS (
    SELECT entry_id, bool_or(kind IN ('UNKNOWN_TO_US', 'DOUBLE_CREDIT', 'STATE')) AS is_explained,
           max(expected_amount) FILTER (WHERE kind = 'AMOUNT') AS amount, bool_or(kind = 'ACCOUNT') AS is_elsewhere
    FROM payments_difference
    WHERE state = 'CLOSED' AND outcome IN ({_ENDED}) AND entry_id IS NOT NULL GROUP BY entry_id
)
SELECT CASE WHEN t.id IS NULL OR EXISTS (SELECT 1 FROM payments_transfer named WHERE named.end_to_end_id = e.end_to_end_id)
            THEN coalesce(nullif(e.end_to_end_id, ''), 'entry:' || e.id) ELSE t.end_to_end_id END,
       CASE e.direction WHEN 'DBIT' THEN coalesce(d.amount, e.amount) END, CASE e.direction WHEN 'DBIT' THEN 1 ELSE 0 END,
       e.direction = 'CRDT', NULL,
       CASE WHEN e.direction = 'DBIT' AND d.is_elsewhere IS NOT TRUE THEN e.account_fingerprint END
FROM payments_statement_entry e
LEFT JOIN payments_transfer t ON t.id = e.transfer_id AND e.matched_how <> 'END_TO_END'
LEFT JOIN decided d ON d.entry_id = e.id
WHERE e.statement_id <= %(through)s AND (e.superseded_by_id IS NULL OR e.superseded_by_id > %(through)s)
  AND (e.direction = 'DBIT' OR e.transfer_id IS NOT NULL) AND d.is_explained IS NOT TRUE
UNION ALL
SELECT DISTINCT t.end_to_end_id, t.instructed_amount, 1, false, NULL, NULL::bytea
FROM payments_difference d JOIN payments_transfer t ON t.id = d.transfer_id
WHERE d.kind IN ('MISSING_IN_STATEMENT', 'VANISHED') AND d.state = 'CLOSED' AND d.outcome IN ({_ENDED})
  AND NOT EXISTS (SELECT 1 FROM payments_statement_entry e WHERE e.transfer_id = t.id AND e.direction = 'DBIT'
                  AND e.superseded_by_id IS NULL)
"""


def statement_book() -> GatewayBook | None:
    """The statements that are told for good; None when no day is."""
    with connection.cursor() as cursor:
        cursor.execute(REACH)
        found: tuple[Any, ...] | None = cursor.fetchone()
    if found is None:
        return None
    through, until, since, over, gaps = found
    return GatewayBook(
        source=VerificationRun.Source.STATEMENT,
        taken_at=over - CLOCKS_APART,
        stored=Stored(LINES, {"through": through}),
        since=since,
        until=until,
        gaps=tuple(gaps),
        returns_until=over - RETURNS_TAKE,
    )
