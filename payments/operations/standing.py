"""Whether a list that was approved may still be paid: its approvers in authority today, its rows the ones that they approved."""

from datetime import datetime

from django.db import connection

from foundation.users import access
from payments.models import PayoutBatch
from payments.queries.integrity import list_integrity

# Of a batch `b`: one row an approval, found by its index, so that every claim can ask (I-18).
STANDING = """
    SELECT count(*) FROM payments_approval a
    JOIN users_role_assignment r ON r.id = a.role_assignment_id
    JOIN users_user u ON u.id = a.decided_by_id
    WHERE a.batch_id = b.id AND a.decision = 'APPROVED' AND a.list_hash = b.list_hash AND u.is_active
      AND {day} BETWEEN r.valid_from AND coalesce(r.valid_to, 'infinity')
"""
STANDING_NOW = STANDING.format(day="(portal_now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date")


def standing_approvals(*, batch: PayoutBatch, at: datetime) -> int:
    """How many of the batch's approvals count on the day of `at`: an officer who was relieved or dismissed does not."""
    query = f"SELECT ({STANDING.format(day='%(day)s::date')}) FROM payments_payout_batch b WHERE b.id = %(batch)s"
    with connection.cursor() as cursor:
        cursor.execute(query, {"batch": batch.pk, "day": at.astimezone(access.CITY_TIME).date()})
        return int(cursor.fetchone()[0])


def has_authority(*, batch: PayoutBatch, at: datetime) -> bool:
    """Whether enough of its approvals still count."""
    return standing_approvals(batch=batch, at=at) >= (batch.approvals_required or 1)


# The hash covers what the list says of an account; that the account's own row still says the same is asked here.
OTHER_ACCOUNT = """
SELECT EXISTS (
    SELECT 1 FROM payments_transfer t JOIN beneficiaries_payout_account a ON a.id = t.payout_account_id
    WHERE t.batch_id = %s AND t.state IN ('PLANNED', 'READY')
      AND (a.number_index <> t.account_fingerprint OR a.bank_id <> t.creditor_agent))
"""


def is_as_approved(*, batch: PayoutBatch) -> bool:
    """Whether the whole list is the one that was approved, worked out anew from its rows (I-20)."""
    if not list_integrity(batch).holds:
        return False
    with connection.cursor() as cursor:
        cursor.execute(OTHER_ACCOUNT, [batch.pk])
        return not cursor.fetchone()[0]
