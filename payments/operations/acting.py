"""What every act of a person on a batch begins with: the lock, the right, and a reason that may stay in the trail for ever."""

from datetime import datetime

from foundation.audit.reasons import UnfitReason, fit_reason
from foundation.users import access
from foundation.users.models import RoleAssignment, User
from foundation.users.roles import Permission
from payments.errors import NotInAuthority, WrongInput
from payments.models import PayoutBatch

REASON_MAX = 300


def lock_batch(batch_id: int) -> PayoutBatch:
    """The batch, locked against every other act until the transaction ends."""
    return PayoutBatch.objects.select_for_update(of=("self",), no_key=True).get(pk=batch_id)


def require(*, by: User, permission: Permission, unit_code: str | None, at: datetime) -> RoleAssignment:
    """The assignment under which `by` acts in the unit; None: a matter of the whole city.

    Raises:
        NotInAuthority: There is none.
    """
    try:
        return access.require(user=by, permission=permission, unit_code=unit_code, at=at)
    except access.NotAllowed as refusal:
        raise NotInAuthority(str(refusal)) from refusal


def checked_reason(reason: str) -> str:
    """The reason as the trail keeps it.

    Raises:
        WrongInput: It is shorter than ten characters, longer than 300, or holds a personal number.
    """
    try:
        return fit_reason(reason, longest=REASON_MAX)
    except UnfitReason as unfit:
        raise WrongInput("reason") from unfit
