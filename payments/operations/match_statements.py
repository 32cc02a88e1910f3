"""Which payment an entry of a statement is: by the end-to-end id, else by amount and date where both sides have only one.

Everything here is one statement over a portion or over the whole; entries are matched in the very statement that writes them.
"""

from typing import Any

from payments.errors import BadStatement

# Imports change what belongs to a fund: fund, batch, chunk, transfer is the order in which everybody locks.
LOCK_FUNDS = "SELECT id FROM payments_fund WHERE debtor_account = %s ORDER BY id FOR NO KEY UPDATE"


def lock_funds(cursor: Any, *, account: str) -> None:
    """Let nobody else write what a statement of this account says."""
    cursor.execute(LOCK_FUNDS, [account])


# A reference names one entry of an account for ever: twice in a file, or again on another day, and none of it can be believed.
USED_REFERENCE = """
SELECT 1 FROM payments_statement_draft_line WHERE file_id = %(file)s AND statement_number = %(number)s
GROUP BY entry_reference, detail_number HAVING count(*) > 1
UNION ALL
SELECT 1 FROM payments_statement_draft_line d
JOIN payments_statement_entry e ON e.account = %(account)s AND e.entry_reference = d.entry_reference
    AND e.detail_number = d.detail_number AND e.superseded_by_id IS NULL AND e.day <> %(day)s::date
WHERE d.file_id = %(file)s AND d.statement_number = %(number)s
LIMIT 1
"""


def refuse_used_references(cursor: Any, *, file_id: int, number: int, head: dict[str, Any]) -> None:
    """Refuse a file whose references are not its own.

    Raises:
        BadStatement: `REFERENCE`.
    """
    cursor.execute(USED_REFERENCE, {"file": file_id, "number": number, "account": head["account"], "day": head["day"]})
    if cursor.fetchone() is not None:
        raise BadStatement("REFERENCE")


CONTENT = (
    "direction",
    "amount",
    "booking_date",
    "value_date",
    "end_to_end_id",
    "bank_reference",
    "return_id",
    "reason",
    "account_fingerprint",
)
# Entries of the versions before that the new one says otherwise, or no longer.
SUPERSEDE = f"""
UPDATE payments_statement_entry e SET superseded_by_id = s.id
FROM payments_statement s
WHERE s.id = %(statement)s AND e.superseded_by_id IS NULL
  AND e.statement_id IN (SELECT o.id FROM payments_statement o WHERE o.account = s.account AND o.day = s.day AND o.id <> s.id)
  AND NOT EXISTS (
      SELECT 1 FROM payments_statement_draft_line d
      WHERE d.file_id = %(file)s AND d.statement_number = %(number)s
        AND d.entry_reference = e.entry_reference AND d.detail_number = e.detail_number
        AND ({", ".join(f"d.{name}" for name in CONTENT)}) IS NOT DISTINCT FROM ({", ".join(f"e.{name}" for name in CONTENT)}))
"""


def supersede(cursor: Any, *, statement_id: int, file_id: int, number: int) -> int:
    """Mark what a later version of a statement no longer says; how many entries."""
    cursor.execute(SUPERSEDE, {"statement": statement_id, "file": file_id, "number": number})
    return int(cursor.rowcount)


CITY_TIME = "AT TIME ZONE 'Asia/Ho_Chi_Minh'"
# A date agrees when the bank booked between our sending and our hearing of it, with a day for each clock.
DATE_AGREES = f"""
    {{entry}}.booking_date BETWEEN coalesce((t.first_sent_at {CITY_TIME})::date - 1, '-infinity')
                               AND coalesce((t.ended_at {CITY_TIME})::date + 1, 'infinity')
"""
# A debit that says just what we hold needs no second look: its effect is taken up as it is written.
WRITE_ENTRIES = f"""
INSERT INTO payments_statement_entry (statement_id, account, day, entry_reference, detail_number, direction, amount,
    booking_date, value_date, end_to_end_id, bank_reference, return_id, reason, bank_code, account_fingerprint,
    transfer_id, matched_how, applied_at)
SELECT s.id, s.account, s.day, d.entry_reference, d.detail_number, d.direction, d.amount, d.booking_date,
       d.value_date, d.end_to_end_id, d.bank_reference, d.return_id, d.reason, d.bank_code, d.account_fingerprint,
       t.id, CASE WHEN t.id IS NULL THEN '' ELSE 'END_TO_END' END,
       CASE WHEN d.direction = 'DBIT' AND t.state IN ('SETTLED', 'RETURNED') AND t.instructed_amount = d.amount
                 AND (d.account_fingerprint IS NULL OR d.account_fingerprint = t.account_fingerprint)
                 AND {DATE_AGREES.format(entry="d")}
            THEN portal_now() END
FROM (
    SELECT *, row_number() OVER (PARTITION BY direction, end_to_end_id ORDER BY ordinal) AS nth
    FROM payments_statement_draft_line
    WHERE file_id = %(file)s AND statement_number = %(number)s AND ordinal > %(after)s AND ordinal <= %(through)s
) AS d
JOIN payments_statement s ON s.id = %(statement)s
LEFT JOIN (payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id JOIN payments_fund f ON f.id = b.fund_id)
    ON t.end_to_end_id = d.end_to_end_id AND d.nth = 1 AND t.route = 'GATEWAY' AND f.debtor_account = s.account
    AND NOT EXISTS (SELECT 1 FROM payments_statement_entry e
                    WHERE e.transfer_id = t.id AND e.direction = d.direction AND e.superseded_by_id IS NULL)
WHERE %(is_first)s OR NOT EXISTS (
    SELECT 1 FROM payments_statement_entry e WHERE e.account = s.account AND e.entry_reference = d.entry_reference
    AND e.detail_number = d.detail_number AND e.superseded_by_id IS NULL)
ORDER BY d.ordinal
"""


def write_entries(
    cursor: Any, *, statement_id: int, file_id: int, number: int, after: int, through: int, is_first: bool
) -> int:
    """Write a portion of a statement's lines as entries, each with the payment that its end-to-end id names; how many."""
    cursor.execute(
        WRITE_ENTRIES,
        {
            "statement": statement_id,
            "file": file_id,
            "number": number,
            "after": after,
            "through": through,
            "is_first": is_first,
        },
    )
    return int(cursor.rowcount)


# Only a debit that names no payment, and only one that has ended: it proves what we hold, it decides nothing. Where several
# entries or several payments have the amount and the day, a person decides.
AMOUNT_AND_DATE = f"""
WITH loose AS (
    SELECT e.id, e.amount, e.booking_date, e.account_fingerprint, e.account FROM payments_statement_entry e
    WHERE e.statement_id = %(statement)s AND e.transfer_id IS NULL AND e.direction = 'DBIT' AND e.end_to_end_id = ''
      AND e.superseded_by_id IS NULL AND e.applied_at IS NULL
), candidate AS (
    SELECT loose.id AS entry_id, t.id AS transfer_id,
           count(*) OVER (PARTITION BY loose.id) AS transfers, count(*) OVER (PARTITION BY t.id) AS entries
    FROM loose
    JOIN payments_fund f ON f.debtor_account = loose.account
    JOIN payments_payout_batch b ON b.fund_id = f.id
        AND b.state IN ('DISPATCHING', 'HELD', 'CANCELLING', 'DRAINED')
    JOIN payments_transfer t ON t.batch_id = b.id AND t.route = 'GATEWAY' AND t.state IN ('SETTLED', 'RETURNED')
        AND t.instructed_amount = loose.amount AND {DATE_AGREES.format(entry="loose")}
        AND (loose.account_fingerprint IS NULL OR loose.account_fingerprint = t.account_fingerprint)
        AND NOT EXISTS (SELECT 1 FROM payments_statement_entry m WHERE m.transfer_id = t.id AND m.direction = 'DBIT'
                        AND m.superseded_by_id IS NULL)
)
UPDATE payments_statement_entry e
SET transfer_id = candidate.transfer_id, matched_how = 'AMOUNT_DATE', applied_at = portal_now()
FROM candidate WHERE e.id = candidate.entry_id AND candidate.transfers = 1 AND candidate.entries = 1
"""
HAS_LOOSE = """
SELECT EXISTS (SELECT 1 FROM payments_statement_entry e WHERE e.statement_id = %(statement)s AND e.applied_at IS NULL
               AND e.superseded_by_id IS NULL AND e.transfer_id IS NULL AND e.direction = 'DBIT' AND e.end_to_end_id = '')
"""


def match_by_amount_and_date(cursor: Any, *, statement_id: int) -> int:
    """Match debits that name no payment, where amount and date leave one choice on both sides; how many."""
    cursor.execute(HAS_LOOSE, {"statement": statement_id})
    if not cursor.fetchone()[0]:
        return 0
    cursor.execute(AMOUNT_AND_DATE, {"statement": statement_id})
    return int(cursor.rowcount)


# What a later version changed or left out is for people, whatever else it means.
CHANGES = """
INSERT INTO payments_difference (kind, subject_key, unit_id, fund_id, batch_id, account, day, statement_id, entry_id, transfer_id,
    expected_amount, found_amount, details, due_at)
SELECT CASE WHEN now_.id IS NULL THEN 'VANISHED' ELSE 'CHANGED' END, 'entry:' || was.id,
       coalesce(b.unit_id, s.unit_id), b.fund_id, t.batch_id, s.account, s.day, s.id, coalesce(now_.id, was.id), was.transfer_id,
       was.amount, now_.amount,
       jsonb_build_object('reference', was.entry_reference, 'version', s.version), portal_now() + interval '2 days'
FROM payments_statement s
JOIN payments_statement_entry was ON was.superseded_by_id = s.id
LEFT JOIN payments_statement_entry now_ ON now_.account = was.account AND now_.entry_reference = was.entry_reference
    AND now_.detail_number = was.detail_number AND now_.superseded_by_id IS NULL
LEFT JOIN payments_transfer t ON t.id = was.transfer_id
LEFT JOIN payments_payout_batch b ON b.id = t.batch_id
WHERE s.id = %(statement)s
ON CONFLICT (kind, subject_key) DO NOTHING
"""


def tell_changes(cursor: Any, *, statement_id: int) -> int:
    """Raise a difference for each entry that a later version changed or left out; how many."""
    cursor.execute(CHANGES, {"statement": statement_id})
    return int(cursor.rowcount)
