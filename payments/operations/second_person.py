"""The second person's word on a row that one person wrote down: an inner step of the acts on vouchers and recoveries."""

from datetime import datetime

from django.db import IntegrityError, transaction

from foundation.users.models import User
from payments.errors import OwnRecord
from payments.models import FundingVoucher, Recovery


def decide(row: FundingVoucher | Recovery, *, state: str, by: User, at: datetime, reason: str = "") -> None:
    """Write who decided what, and why; the row is locked and still RECORDED.

    Raises:
        OwnRecord: The same human recorded it; the database counts humans, not logins.
    """
    row.state, row.decided_by, row.decided_at = state, by, at
    row.decided_by_person, row.decision_reason = by.person_fingerprint, reason
    try:
        with transaction.atomic():
            row.save(update_fields=["state", "decided_by", "decided_at", "decided_by_person", "decision_reason"])
    except IntegrityError as error:
        if "decided_by_second_person" in str(error):
            raise OwnRecord from error
        raise
