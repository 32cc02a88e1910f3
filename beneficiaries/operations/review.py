"""A second person judges an account whose holder's name only comes near, or whose number people must look at."""

from datetime import datetime

from django.db import transaction

from beneficiaries import errors
from beneficiaries.models import Payee, PayoutAccount
from beneficiaries.operations.placing import end_account, take_into_use
from beneficiaries.refusals import OFFICER
from beneficiaries.states import ACCOUNT_TO_JUDGE, AccountState
from foundation.audit.operations import record_event
from foundation.audit.reasons import UnfitReason, fit_reason
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission

REASON_MAX = 500


@transaction.atomic(durable=True)
def accept_near_match(*, account_id: int, reason: str, by: User, at: datetime) -> PayoutAccount:
    """The officer has seen that the account is the payee's: it is used at once, or after the safe time where it replaces one.

    Raises:
        ReasonMissing, ReasonHoldsNumber: The reason is too short, or tells a personal number.
        NotInAuthority: `by` may not confirm accounts of that unit.
        OwnAccount: It is the officer's own, or he asked for it, counted as a human and not as a login.
        InvalidMove: It is not under review.
        AccountTaken: Somebody else is paid there by now.
    """
    reason = _checked_reason(reason)
    account = _lock_for_judgement(account_id, by, at)
    if account.state != AccountState.REVIEW:
        raise errors.InvalidMove(account.state)
    account.state, account.confirmed_by = AccountState.ACCOUNT_CHECKED, by
    account.save(update_fields=["state", "confirmed_by"])
    take_into_use(account=account, at=at)
    _record("account.near_match_accepted", account, reason, by)
    return account


@transaction.atomic(durable=True)
def refuse_account(*, account_id: int, reason: str, by: User, at: datetime) -> PayoutAccount:
    """The officer refuses an account that waits for a judgement; the citizen is told to ask at the ward.

    Raises:
        ReasonMissing, ReasonHoldsNumber, NotInAuthority, OwnAccount: As for `accept_near_match`.
        InvalidMove: It does not wait for a judgement.
    """
    reason = _checked_reason(reason)
    account = _lock_for_judgement(account_id, by, at)
    if account.state not in ACCOUNT_TO_JUDGE:
        raise errors.InvalidMove(account.state)
    end_account(account=account, state=AccountState.REFUSED, at=at, refusal_code=OFFICER)
    _record("account.refused_by_officer", account, reason, by)
    return account


def _checked_reason(reason: str) -> str:
    try:
        return fit_reason(reason, longest=REASON_MAX)
    except UnfitReason as unfit:
        raise (errors.ReasonHoldsNumber if unfit.holds_number else errors.ReasonMissing) from unfit


def _lock_for_judgement(account_id: int, by: User, at: datetime) -> PayoutAccount:
    """The account under its payee's lock, after all that forbids this officer to judge it."""
    payee = Payee.objects.select_for_update(of=("self",), no_key=True).get(accounts=account_id)
    account = (
        PayoutAccount.objects.select_for_update(of=("self",), no_key=True)
        .select_related("requested_by")
        .get(pk=account_id)
    )
    person = payee.person
    try:
        access.require(
            user=by,
            permission=Permission.CONFIRM_ACCOUNTS,
            unit_code=person.unit_id if person is not None else None,
            at=at,
        )
    except access.NotAllowed as refusal:
        raise errors.NotInAuthority(str(refusal)) from refusal
    involved = [person.national_id_index if person is not None else None]
    if account.requested_by is not None:
        involved.append(account.requested_by.person_fingerprint)
    if any(by.is_human_of(human) for human in involved):
        raise errors.OwnAccount
    return account


def _record(kind: str, account: PayoutAccount, reason: str, by: User) -> None:
    record_event(
        kind=kind,
        actor=by.actor,
        subject_kind="account",
        subject_id=account.pk,
        payload={"reason": reason, "state": account.state, "match": account.match_result, "source": account.source},
    )
