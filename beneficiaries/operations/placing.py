"""The one rule for an account that its holder chose, in VNeID or here: when it is used at once, when it cools, when people
look at it, and what becomes of the ones before it. Inner steps: the caller has the transaction and the payee's lock.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from beneficiaries.errors import AccountTaken
from beneficiaries.models import Consent, Payee, PayoutAccount, Person
from beneficiaries.operations.telling import tell_of_change
from beneficiaries.states import (
    ACCOUNT_HOLDS_NUMBER,
    ACCOUNT_WAITING,
    AccountSource,
    AccountState,
    MatchResult,
)
from foundation.privacy.blind_index import account_fingerprint
from foundation.privacy.encryption import encrypt
from foundation.privacy.masking import mask_account
from foundation.privacy.row_ids import allocate
from foundation.users.models import User

COOLING_HOURS = 72


@dataclass(frozen=True, slots=True)
class ChosenAccount:
    """An account whose bank has told the holder's name, as the payee chose it."""

    source: AccountSource
    creditor_agent: str
    creditor_account: str = field(repr=False)
    holder_name: str = field(repr=False)
    match: MatchResult
    consent: Consent
    requested_at: datetime
    checked_at: datetime
    requested_by: User | None = None
    reference: str | None = None
    gateway_link_id: str = ""


def lock_payee(*, person: Person) -> Payee:
    """The person as a payee, locked: whatever places, judges or ends an account of his waits for the other."""
    payee, _ = Payee.objects.get_or_create(person=person)
    return Payee.objects.select_for_update(of=("self",), no_key=True).get(pk=payee.pk)


def add_version(*, payee: Payee, chosen: ChosenAccount, at: datetime) -> PayoutAccount:
    """Write the next version of the payee's account, its holder proven; what was still on its way gives place."""
    give_way(payee=payee, at=at)
    last = payee.accounts.order_by("-version").first()
    account_id = allocate(PayoutAccount)[0]
    account = PayoutAccount(
        pk=account_id,
        payee=payee,
        version=last.version + 1 if last else 1,
        reference=chosen.reference,
        source=chosen.source,
        bank_id=chosen.creditor_agent,
        number_encrypted=encrypt(chosen.creditor_account, context="payout_account.number", row_id=account_id),
        number_index=account_fingerprint(
            creditor_agent=chosen.creditor_agent, creditor_account=chosen.creditor_account
        ),
        number_masked=mask_account(chosen.creditor_account),
        holder_name=chosen.holder_name,
        match_result=chosen.match,
        consent=chosen.consent,
        gateway_link_id=chosen.gateway_link_id,
        requested_by=chosen.requested_by,
        requested_at=chosen.requested_at,
        checked_at=chosen.checked_at,
    )
    account.save(force_insert=True)
    _move(account, AccountState.ID_PROVEN)
    return account


def give_way(*, payee: Payee, at: datetime) -> None:
    """A newer choice ends one that was still on its way; one that only cooled has replaced nothing."""
    payee.accounts.filter(state=AccountState.COOLING).update(
        state=AccountState.SUPERSEDED, replaces=None, due_at=None, ended_at=at
    )
    payee.accounts.filter(state__in=ACCOUNT_WAITING).update(state=AccountState.EXPIRED, due_at=None, ended_at=at)


def settle(*, account: PayoutAccount, at: datetime) -> None:
    """Give a proven version the state that its holder's name and the payee's present account allow.

    A near name goes to people, and so does the number of an account that is suspended: nobody lifts that by asking again.

    Raises:
        AccountTaken: The number is somebody else's; the version stands before its use.
    """
    current = _current(account)
    suspended = current is not None and current.state == AccountState.SUSPENDED and _same_number(current, account)
    if account.match_result == MatchResult.REVIEW or suspended:
        if _is_taken(account):
            raise AccountTaken
        _move(account, AccountState.REVIEW)
        return
    _move(account, AccountState.ACCOUNT_CHECKED)
    take_into_use(account=account, at=at)


def take_into_use(*, account: PayoutAccount, at: datetime) -> None:
    """From ACCOUNT_CHECKED: in use where it is the first, or the same number; after the safe time where it replaces one.

    Raises:
        AccountTaken: The number is somebody else's; the version stands as it was.
    """
    if _is_taken(account):
        raise AccountTaken
    current = _current(account)
    try:
        with transaction.atomic():
            if current is not None and not _same_number(current, account):
                until = at + timedelta(hours=COOLING_HOURS)
                _move(account, AccountState.COOLING, replaces=current, cooling_until=until, due_at=until)
                tell_of_change(account_ids=[account.pk])
                return
            if current is not None:
                _move(current, AccountState.SUPERSEDED, ended_at=at)
            _move(account, AccountState.ACTIVE, replaces=current, activated_at=at, due_at=None)
    except IntegrityError as error:
        # Two people at the same moment: the unique index has decided.
        if "payout_account_one_holder" in str(error):
            account.refresh_from_db()
            raise AccountTaken from error
        raise


def end_account(*, account: PayoutAccount, state: AccountState, at: datetime, refusal_code: str = "") -> None:
    """End a version for good; one that only cooled has replaced nothing, so another may."""
    if account.state == AccountState.COOLING:
        account.replaces = None
    _move(account, state, replaces=account.replaces, refusal_code=refusal_code, due_at=None, ended_at=at)


def _current(account: PayoutAccount) -> PayoutAccount | None:
    """What the payee is paid into now; a suspended account is still the one that another would replace."""
    return (
        PayoutAccount.objects.select_for_update(of=("self",), no_key=True)
        .filter(payee=account.payee_id, state__in=(AccountState.ACTIVE, AccountState.SUSPENDED))
        .exclude(pk=account.pk)
        .order_by("state", "-version")  # ACTIVE comes before SUSPENDED
        .first()
    )


def _is_taken(account: PayoutAccount) -> bool:
    return (
        PayoutAccount.objects.filter(number_index=account.number_index, state__in=ACCOUNT_HOLDS_NUMBER)
        .exclude(payee=account.payee_id)
        .exists()
    )


def _same_number(one: PayoutAccount, other: PayoutAccount) -> bool:
    return bytes(one.number_index) == bytes(other.number_index)


def _move(account: PayoutAccount, state: AccountState, **changes: Any) -> None:
    account.state = state
    for name, value in changes.items():
        setattr(account, name, value)
    account.save(update_fields=["state", *changes])
