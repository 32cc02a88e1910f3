"""Taking up what a statement shows: payments that it proves, money that came back, and everything that does not agree.

The statement is the third voice beside answer and callback; the rank rule of `settle` is the same for all three, so the order in
which they come does not matter (I-25). What contradicts becomes a row for people, never a silent change.
"""

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from beneficiaries.operations.accounts import follow_bank_refusals
from foundation.audit.alarms import raise_alarm
from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.codes import BOOKED, Outcome
from foundation.gateway.port import ReturnNotice
from foundation.users import access
from payments.alarms import STATEMENT_DIFFERS, STATEMENT_REFUSED, STATEMENT_REISSUED
from payments.models import Statement, StatementFile
from payments.operations import suspense
from payments.operations.counting import recount
from payments.operations.match_statements import CITY_TIME, DATE_AGREES
from payments.operations.returns import record_returns
from payments.operations.settle import Word, apply_words
from payments.queries.daily_totals import compute_day

WAITING_AT_ONCE = 5_000

# The next entries of a statement whose effect is not taken up; by the partial index only these are read.
NEXT = """
SELECT id FROM payments_statement_entry
WHERE statement_id = %(statement)s AND applied_at IS NULL AND superseded_by_id IS NULL AND id > %(after)s
ORDER BY id LIMIT %(limit)s
"""
# What waited for its payment: a return that overtook the news of the payment, a debit of one that was being sent.
WAITING = """
SELECT e.id FROM payments_statement_entry e JOIN payments_transfer t ON t.id = e.transfer_id
WHERE e.applied_at IS NULL AND e.superseded_by_id IS NULL
  AND (e.direction = 'DBIT' OR t.state NOT IN ('SENDING', 'ACCEPTED', 'UNKNOWN'))
  AND NOT EXISTS (SELECT 1 FROM audit_job j WHERE j.kind = 'statement.import' AND j.state = 'RUNNING')
ORDER BY e.id LIMIT %(limit)s
"""
LOCK_CHUNKS = """
SELECT c.id FROM payments_dispatch_chunk c
WHERE c.id IN (SELECT t.chunk_id FROM payments_statement_entry e JOIN payments_transfer t ON t.id = e.transfer_id
               WHERE e.id = ANY (%(ids)s))
ORDER BY c.id FOR NO KEY UPDATE
"""
PROVEN = """
SELECT t.end_to_end_id, e.bank_reference FROM payments_statement_entry e JOIN payments_transfer t ON t.id = e.transfer_id
WHERE e.id = ANY (%(ids)s) AND e.direction = 'DBIT' AND t.instructed_amount = e.amount
  AND (e.account_fingerprint IS NULL OR e.account_fingerprint = t.account_fingerprint)
  AND (t.state IN ('SENDING', 'ACCEPTED', 'UNKNOWN', 'REJECTED', 'CANCELLED'))
"""
CAME_BACK = """
SELECT t.end_to_end_id, coalesce(nullif(e.return_id, ''), e.entry_reference), e.amount, coalesce(nullif(e.reason, ''), 'NARR'),
       e.booking_date, e.value_date
FROM payments_statement_entry e JOIN payments_transfer t ON t.id = e.transfer_id
WHERE e.id = ANY (%(ids)s) AND e.direction = 'CRDT' AND t.state = 'SETTLED' AND t.instructed_amount = e.amount
"""
# One row for each way in which an entry does not agree. Amount and account are looked at whatever the state: a payment that is
# still open stays open, and the answer of its bank decides.
DIFFERENCES = f"""
INSERT INTO payments_difference (kind, subject_key, unit_id, fund_id, batch_id, account, day, statement_id, entry_id, transfer_id,
    expected_amount, found_amount, details, due_at)
SELECT k.kind, 'entry:' || e.id, coalesce(b.unit_id, s.unit_id), coalesce(b.fund_id, home.fund_id), t.batch_id, e.account, e.day,
       e.statement_id, e.id, t.id, t.instructed_amount, e.amount,
       jsonb_build_object('reference', e.entry_reference, 'direction', e.direction, 'state', t.state),
       portal_now() + CASE WHEN k.kind IN ('DATE', 'AMOUNT', 'ACCOUNT') THEN interval '2 days' ELSE interval '1 day' END
FROM payments_statement_entry e
JOIN payments_statement s ON s.id = e.statement_id
LEFT JOIN payments_transfer t ON t.id = coalesce(e.transfer_id,
    (SELECT twin.id FROM payments_transfer twin JOIN payments_statement_entry other ON other.transfer_id = twin.id
     WHERE e.end_to_end_id <> '' AND twin.end_to_end_id = e.end_to_end_id AND other.direction = e.direction
       AND other.superseded_by_id IS NULL AND other.account = e.account))
LEFT JOIN payments_payout_batch b ON b.id = t.batch_id
LEFT JOIN LATERAL (SELECT min(f.id) AS fund_id FROM payments_fund f WHERE f.debtor_account = e.account) AS home ON true
LEFT JOIN payments_transfer_return r ON r.transfer_id = t.id
CROSS JOIN LATERAL (
    SELECT 'UNKNOWN_TO_US' AS kind WHERE t.id IS NULL
    UNION ALL SELECT 'DOUBLE_CREDIT' WHERE e.direction = 'DBIT' AND t.id IS NOT NULL AND e.transfer_id IS NULL
    UNION ALL SELECT 'AMOUNT' WHERE e.direction = 'DBIT' AND e.transfer_id IS NOT NULL AND e.amount <> t.instructed_amount
    UNION ALL SELECT 'ACCOUNT' WHERE e.direction = 'DBIT' AND e.transfer_id IS NOT NULL
        AND e.account_fingerprint IS NOT NULL AND e.account_fingerprint <> t.account_fingerprint
    UNION ALL SELECT 'STATE' WHERE e.direction = 'DBIT' AND e.transfer_id IS NOT NULL
        AND t.state IN ('PLANNED', 'READY', 'REVIEW', 'REJECTED', 'CANCELLED', 'EXCLUDED')
    UNION ALL SELECT 'DATE' WHERE e.direction = 'DBIT' AND e.transfer_id IS NOT NULL AND t.state = 'SETTLED'
        AND NOT ({DATE_AGREES.format(entry="e")})
    UNION ALL SELECT 'RETURN' WHERE e.direction = 'CRDT' AND t.id IS NOT NULL AND (
        e.transfer_id IS NULL OR e.amount <> t.instructed_amount
        OR t.state NOT IN ('SENDING', 'ACCEPTED', 'UNKNOWN', 'RETURNED')
        OR (t.state = 'RETURNED' AND e.return_id <> '' AND r.return_id <> e.return_id))
) AS k
WHERE e.id = ANY (%(ids)s)
ON CONFLICT (kind, subject_key) DO NOTHING
RETURNING id, kind
"""
# A return that overtook its payment waits; everything else is told now.
TAKEN_UP = """
UPDATE payments_statement_entry e SET applied_at = portal_now()
WHERE e.id = ANY (%(ids)s) AND e.applied_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM payments_transfer t WHERE t.id = e.transfer_id AND e.direction = 'CRDT'
    AND t.state IN ('SENDING', 'ACCEPTED', 'UNKNOWN') AND t.instructed_amount = e.amount)
"""


def take_up_entries(cursor: Any, *, statement_id: int, after: int, limit: int) -> int | None:
    """Take up the next entries of a statement that do not simply agree; the last one's id, None when there were none left."""
    cursor.execute(NEXT, {"statement": statement_id, "after": after, "limit": limit})
    ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return None
    _take_up(cursor, ids)
    return int(ids[-1])


@transaction.atomic(durable=True)
def take_up_waiting() -> int:
    """Take up entries whose payments have ended since; how many were looked at. A sweep."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"limit": WAITING_AT_ONCE})
        ids = [row[0] for row in cursor.fetchall()]
        if ids:
            _take_up(cursor, ids)
    return len(ids)


def _take_up(cursor: Any, ids: list[int]) -> None:
    given = {"ids": ids}
    cursor.execute(LOCK_CHUNKS, given)
    chunks = [row[0] for row in cursor.fetchall()]
    accounts: list[tuple[int, str]] = []
    if chunks:
        cursor.execute(PROVEN, given)
        words = [Word(key, Outcome.SETTLED_DEBTOR, BOOKED, "", reference) for key, reference in cursor.fetchall()]
        if words:
            applied = apply_words(cursor, chunk_ids=chunks, words=words)
            recount(cursor, chunk_ids=chunks, release=False)
            _tell_chunks(chunks, "chunk.proven", {"moved": applied.moved, "contradicted": applied.contradicted})
        cursor.execute(CAME_BACK, given)
        notices = [
            ReturnNotice(key, end_to_end_id, amount, reason, _noon(booked), valued)
            for end_to_end_id, key, amount, reason, booked, valued in cursor.fetchall()
        ]
        if notices:
            taken, accounts = record_returns(cursor, chunk_ids=chunks, notices=notices)
            _tell_chunks(chunks, "chunk.returned", {"returned": taken, "by": "statement"})
    cursor.execute(DIFFERENCES, given)
    raised = cursor.fetchall()
    suspense.suspend(cursor, difference_ids=[pk for pk, _ in raised])
    cursor.execute(TAKEN_UP, given)
    follow_bank_refusals(refusals=accounts)


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=access.CITY_TIME)


def _tell_chunks(chunks: list[int], kind: str, payload: dict[str, Any]) -> None:
    for chunk_id in chunks:
        record_event(kind=kind, actor=SYSTEM, subject_kind="chunk", subject_id=chunk_id, payload=payload)


# Differences of entries that a later version replaced, and of the statement before it, are over; what changed is told apart.
REPLACED = """
UPDATE payments_difference d SET state = 'CLOSED', outcome = 'REPLACED', closed_at = portal_now()
WHERE d.account = %(account)s AND d.day = %(day)s AND d.state = 'OPEN' AND d.kind NOT IN ('VANISHED', 'CHANGED')
  AND (EXISTS (SELECT 1 FROM payments_statement_entry e WHERE e.id = d.entry_id AND e.superseded_by_id IS NOT NULL)
       OR d.entry_id IS NULL AND d.kind IN ('BALANCE', 'TOTALS') AND d.statement_id <> %(statement)s)
RETURNING d.id
"""
FOUND = """
UPDATE payments_difference d SET state = 'CLOSED', outcome = 'FOUND', closed_at = portal_now()
WHERE d.account = %(account)s AND d.kind IN ('MISSING_IN_STATEMENT', 'RETURN_MISSING') AND d.state = 'OPEN'
  AND EXISTS (SELECT 1 FROM payments_statement_entry e WHERE e.transfer_id = d.transfer_id AND e.superseded_by_id IS NULL
              AND e.direction = CASE d.kind WHEN 'RETURN_MISSING' THEN 'CRDT' ELSE 'DBIT' END)
"""
# Paid by the bank's word on a day whose statement is there, and no statement ever showed it (F29). Only chunks of lists that are
# not reconciled, and whose kept counts say that something is missing, are looked through.
MISSING = f"""
INSERT INTO payments_difference (kind, subject_key, unit_id, fund_id, batch_id, account, day, statement_id, transfer_id,
    expected_amount, details, due_at)
SELECT 'MISSING_IN_STATEMENT', 'transfer:' || t.id, b.unit_id, b.fund_id, b.id, s.account, s.day, s.id, t.id,
       t.instructed_amount, jsonb_build_object('state', t.state, 'answered', t.transaction_status),
       portal_now() + interval '2 days'
FROM payments_statement s
JOIN payments_fund f ON f.debtor_account = s.account
JOIN payments_payout_batch b ON b.fund_id = f.id AND b.state IN ('DISPATCHING', 'HELD', 'CANCELLING', 'DRAINED')
JOIN payments_dispatch_chunk c ON c.batch_id = b.id AND c.route = 'GATEWAY'
    AND c.settled_count + c.returned_count > c.matched_count
JOIN payments_transfer t ON t.chunk_id = c.id AND t.state IN ('SETTLED', 'RETURNED')
JOIN payments_ledger_entry l ON l.transfer_id = t.id AND l.kind = 'POST' AND (l.at {CITY_TIME})::date = s.day
WHERE s.id = %(statement)s
  AND NOT EXISTS (SELECT 1 FROM payments_statement_entry e
                  WHERE e.transfer_id = t.id AND e.direction = 'DBIT' AND e.superseded_by_id IS NULL)
  AND NOT EXISTS (SELECT 1 FROM payments_difference d WHERE d.transfer_id = t.id AND d.kind IN ('VANISHED', 'CHANGED'))
ON CONFLICT (kind, subject_key) DO NOTHING
"""
# Told as come back, and no statement showed the money within the days that banks have for it (F29). Closed lists count too and
# stay closed. By the index only chunks that miss some are looked through.
RETURN_MISSING = f"""
INSERT INTO payments_difference (kind, subject_key, unit_id, fund_id, batch_id, account, day, statement_id, transfer_id,
    expected_amount, details, due_at)
SELECT 'RETURN_MISSING', 'transfer:' || t.id, b.unit_id, b.fund_id, b.id, s.account, s.day, s.id, t.id, r.returned_amount,
       jsonb_build_object('reference', r.return_id, 'told', (r.returned_at {CITY_TIME})::date, 'days', %(return_days)s),
       portal_now() + interval '2 days'
FROM payments_statement s
JOIN payments_fund f ON f.debtor_account = s.account
JOIN payments_payout_batch b ON b.fund_id = f.id
JOIN payments_dispatch_chunk c ON c.batch_id = b.id AND c.route = 'GATEWAY' AND c.returned_count > c.credited_count
JOIN payments_transfer t ON t.chunk_id = c.id AND t.state = 'RETURNED'
JOIN payments_transfer_return r ON r.transfer_id = t.id AND (r.returned_at {CITY_TIME})::date + %(return_days)s <= s.day
WHERE s.id = %(statement)s
  AND NOT EXISTS (SELECT 1 FROM payments_statement_entry e
                  WHERE e.transfer_id = t.id AND e.direction = 'CRDT' AND e.superseded_by_id IS NULL)
ON CONFLICT (kind, subject_key) DO NOTHING
"""
# Neighbours are those whose days or numbers follow each other, or between which the bank had no statement.
BALANCES = """
INSERT INTO payments_difference (kind, subject_key, unit_id, account, day, statement_id, expected_amount, found_amount,
    details, due_at)
SELECT 'BALANCE', 'statement:' || later.id || ':' || earlier.id, later.unit_id, later.account, later.day, later.id,
       earlier.closing_balance, later.opening_balance, jsonb_build_object('before', earlier.day), portal_now() + interval '1 day'
FROM payments_statement s
CROSS JOIN LATERAL (
    (SELECT * FROM payments_statement n WHERE n.account = s.account AND n.day > s.day ORDER BY n.day, n.version DESC LIMIT 1)
    UNION ALL SELECT s.*
) AS later
CROSS JOIN LATERAL (
    SELECT * FROM payments_statement p WHERE p.account = s.account AND p.day < later.day
    ORDER BY p.day DESC, p.version DESC LIMIT 1
) AS earlier
WHERE s.id = %(statement)s AND earlier.closing_balance <> later.opening_balance
  AND (later.day = earlier.day + 1 OR later.sequence_number = earlier.sequence_number + 1
       OR (SELECT count(DISTINCT f.day) FROM payments_statement_file f WHERE f.account = s.account AND f.state = 'ABSENT'
           AND f.day > earlier.day AND f.day < later.day) = later.day - earlier.day - 1)
ON CONFLICT (kind, subject_key) DO NOTHING
"""
TOTALS = """
INSERT INTO payments_difference (kind, subject_key, unit_id, account, day, statement_id, expected_amount, found_amount,
    details, due_at)
SELECT 'TOTALS', 'statement:' || c.statement_id, c.unit_id, c.account, c.day, c.statement_id, c.paid_sum, c.statement_sum,
       jsonb_build_object('answered', c.answered_sum, 'paid_count', c.paid_count, 'statement_count', c.statement_count,
                          'answered_count', c.answered_count),
       portal_now() + interval '2 days'
FROM payments_day_comparison c
WHERE c.account = %(account)s AND c.day = %(day)s
  AND (c.statement_count, c.statement_sum, c.statement_count, c.statement_sum)
      IS DISTINCT FROM (c.paid_count, c.paid_sum, c.answered_count, c.answered_sum)
ON CONFLICT (kind, subject_key) DO NOTHING
"""
KEEP_DAY = """
INSERT INTO payments_day_comparison (unit_id, account, day, statement_id, statement_count, statement_sum, answered_count,
    answered_sum, paid_count, paid_sum, returned_count, returned_sum)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (account, day) DO UPDATE SET statement_id = excluded.statement_id,
    statement_count = excluded.statement_count, statement_sum = excluded.statement_sum,
    answered_count = excluded.answered_count, answered_sum = excluded.answered_sum,
    paid_count = excluded.paid_count, paid_sum = excluded.paid_sum,
    returned_count = excluded.returned_count, returned_sum = excluded.returned_sum, computed_at = portal_now()
"""
# Kept on the chunks, so that a page about a million payments adds up two thousand rows. Locked in the order of their ids.
TOUCHED = """
SELECT c.id FROM payments_dispatch_chunk c WHERE c.id IN (
    SELECT t.chunk_id FROM payments_statement_entry e JOIN payments_transfer t ON t.id = e.transfer_id
    WHERE e.statement_id = %(statement)s OR e.superseded_by_id = %(statement)s)
ORDER BY c.id FOR NO KEY UPDATE
"""
COUNT_MATCHED = """
UPDATE payments_dispatch_chunk c
SET matched_count = n.debits, matched_sum = n.debited, credited_count = n.credits, credited_sum = n.credited
FROM (
    SELECT t.chunk_id,
           count(*) FILTER (WHERE e.direction = 'DBIT') AS debits, count(*) FILTER (WHERE e.direction = 'CRDT') AS credits,
           coalesce(sum(e.amount) FILTER (WHERE e.direction = 'DBIT'), 0) AS debited,
           coalesce(sum(e.amount) FILTER (WHERE e.direction = 'CRDT'), 0) AS credited
    FROM payments_transfer t
    LEFT JOIN payments_statement_entry e ON e.transfer_id = t.id AND e.superseded_by_id IS NULL
    WHERE t.chunk_id = ANY (%(chunks)s)
    GROUP BY t.chunk_id
) AS n
WHERE c.id = n.chunk_id AND (c.matched_count, c.matched_sum, c.credited_count, c.credited_sum)
    IS DISTINCT FROM (n.debits, n.debited, n.credits, n.credited)
"""
SEVERE = """
SELECT count(*), coalesce(sum(found_amount), 0) FROM payments_difference
WHERE statement_id = %(statement)s AND state = 'OPEN'
  AND kind IN ('UNKNOWN_TO_US', 'DOUBLE_CREDIT', 'STATE', 'ACCOUNT', 'BALANCE')
"""


def compare_statement(cursor: Any, *, statement_id: int) -> None:
    """Look at a statement as a whole: what is over, what is missing, balances, kept counts, the day's totals (I-30), alarms."""
    statement = Statement.objects.get(pk=statement_id)
    given = {"statement": statement_id, "account": statement.account, "day": statement.day}
    cursor.execute(REPLACED, given)
    suspense.clear(cursor, difference_ids=[row[0] for row in cursor.fetchall()])
    cursor.execute(FOUND, given)
    cursor.execute(TOUCHED, given)
    count_matched(cursor, chunk_ids=[row[0] for row in cursor.fetchall()])
    cursor.execute(MISSING, given)
    cursor.execute(RETURN_MISSING, given | {"return_days": settings.STATEMENT_RETURN_DAYS})
    cursor.execute(BALANCES, given)
    keep_day(cursor, statement=statement)
    cursor.execute(TOTALS, given)
    _alarm(cursor, statement)


def keep_day(cursor: Any, *, statement: Statement) -> None:
    """Work the day out anew and keep its figures for the pages."""
    day = compute_day(cursor, account=statement.account, day=statement.day)
    parts = (day.statement, day.answered, day.paid, day.returned)
    figures = [figure for part in parts for figure in (part.count, part.amount)]
    cursor.execute(KEEP_DAY, [statement.unit_id, statement.account, statement.day, statement.pk, *figures])


def count_matched(cursor: Any, *, chunk_ids: list[int]) -> None:
    """Count anew which payments of locked chunks a statement shows."""
    cursor.execute(COUNT_MATCHED, {"chunks": chunk_ids})


def _alarm(cursor: Any, statement: Statement) -> None:
    cursor.execute(SEVERE, {"statement": statement.pk})
    count, amount = cursor.fetchone()
    facts = {"account": statement.account[-4:], "day": statement.day.isoformat()}
    if count:
        raise_alarm(
            kind=STATEMENT_DIFFERS,
            subject_kind="statement",
            subject_id=statement.pk,
            unit_code=statement.unit_id,
            details={**facts, "differences": count, "sum": int(amount)},
        )
    if statement.version > 1:
        raise_alarm(
            kind=STATEMENT_REISSUED,
            subject_kind="statement",
            subject_id=statement.pk,
            unit_code=statement.unit_id,
            details={**facts, "version": statement.version},
        )


def alarm_refused(*, file: StatementFile) -> None:
    """Say that a statement could not be read."""
    raise_alarm(
        kind=STATEMENT_REFUSED,
        subject_kind="statement_file",
        subject_id=file.pk,
        unit_code=file.unit_id,
        details={"code": file.refusal, "day": file.day.isoformat() if file.day else ""},
    )
