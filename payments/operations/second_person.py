"""The second person's word on what one person wrote down or proposed: an inner step of the acts on papers and proposals."""

from datetime import datetime

from django.db import IntegrityError, transaction

from foundation.users.models import User
from payments.errors import AlreadyDecided, FourEyesViolation, OwnRecord
from payments.models import FundingVoucher, Proposal, Recovery


def refuse_unless_open_to(row: FundingVoucher | Recovery, by: User) -> None:
    """Say so where there is nothing for `by` to decide.

    Raises:
        AlreadyDecided: Somebody has decided.
        OwnRecord: The same human recorded it.
    """
    if row.state != "RECORDED":
        raise AlreadyDecided(row.state)
    if by.is_human_of(row.recorded_by_person):
        raise OwnRecord


def decide(
    row: FundingVoucher | Recovery | Proposal,
    *,
    state: str,
    by: User,
    at: datetime,
    reason: str = "",
    own: type[FourEyesViolation] = OwnRecord,
) -> None:
    """Write who decided what, and why; the row is locked and still open.

    Raises:
        FourEyesViolation: As `own` says: the same human wrote it down; the database counts humans, not logins.
    """
    row.state, row.decided_by, row.decided_at = state, by, at
    row.decided_by_person, row.decision_reason = by.person_fingerprint, reason
    try:
        with transaction.atomic():
            row.save(update_fields=["state", "decided_by", "decided_at", "decided_by_person", "decision_reason"])
    except IntegrityError as error:
        if "decided_by_second_person" in str(error):
            raise own from error
        raise
