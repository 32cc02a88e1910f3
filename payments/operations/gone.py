"""Payments of an approved list that must not go out any more (F48): somebody died, the account was closed or blocked since, or
the payment whose place they take may have been paid.

They are cancelled where they stand, before they leave, and their money goes back to the fund; what is still owed is listed anew,
to whoever receives it then. What has left already runs to its end.
"""

from typing import Any

from payments.models.disputes import disputed
from payments.operations.calling_off import call_off
from payments.operations.following import bring_lines_back

# What takes the place of a payment that may have been paid after all is held back likewise (`following`).
# A month up to the one of death is owed, to somebody else: the payee of an approved list is no longer there to receive it.
GONE = f"""
    SELECT t.id FROM payments_transfer t
    LEFT JOIN beneficiaries_payout_account account ON account.id = t.payout_account_id
    LEFT JOIN beneficiaries_payee payee ON payee.id = t.payee_id
    LEFT JOIN beneficiaries_person receiver ON receiver.id = payee.person_id
    WHERE t.chunk_id = ANY (%(chunks)s) AND t.state = 'READY'
      AND (receiver.deceased_date IS NOT NULL OR account.state IN ('CLOSED', 'SUSPENDED', 'REVOKED')
        OR EXISTS (SELECT 1 FROM payments_payout_line l
                   JOIN beneficiaries_entitlement e ON e.id = l.entitlement_id
                   JOIN beneficiaries_person person ON person.id = e.person_id
                   WHERE l.transfer_id = t.id AND date_trunc('month', person.deceased_date) < l.period)
        OR EXISTS (SELECT 1 FROM payments_payout_line l
                   JOIN payments_payout_line_move m ON m.line_id = l.id
                   JOIN payments_transfer former ON former.id = m.from_transfer_id AND former.id <> t.id
                   WHERE l.transfer_id = t.id AND {disputed("former")}))
"""


def is_anybody_gone(cursor: Any, *, chunk_ids: list[int]) -> bool:
    """Whether something that would leave with these chunks must not."""
    cursor.execute(f"SELECT EXISTS ({GONE})", {"chunks": chunk_ids})
    return bool(cursor.fetchone()[0])


def cancel_gone(cursor: Any, *, chunk_ids: list[int]) -> None:
    """Inner step: cancel them, in locked chunks of a reserved list."""
    call_off(cursor, which=GONE, given={"chunks": chunk_ids}, kind="chunk.lines_cancelled")
    bring_lines_back(cursor, chunk_ids=chunk_ids)
