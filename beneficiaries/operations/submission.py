"""A saved registration becomes an account, under a consent that is kept word for word; and the citizen takes one back."""

import hmac
import secrets
from datetime import datetime

from django.db import transaction

from beneficiaries import errors
from beneficiaries.models import AccountDraft, Consent, PayoutAccount, Person
from beneficiaries.operations.people import is_own
from beneficiaries.operations.placing import ChosenAccount, add_version, end_account, lock_payee, settle
from beneficiaries.operations.registration import (
    CONSENT_TEXT,
    CONSENT_VERSION,
    PURPOSE,
    accepted_bank,
    is_too_old,
    lock_draft,
    number_of,
    require_another_account,
    require_own,
    seen_token,
)
from beneficiaries.states import ACCOUNT_ENDED, AccountSource, AccountState, EnquiryState, MatchResult
from foundation.audit.operations import record_event
from foundation.users.models import User


@transaction.atomic(durable=True)
def submit_registration(*, person_id: int, reference: str, seen: str, by: User, at: datetime) -> PayoutAccount:
    """Make the saved registration an account: in use at once, after the safe time where it replaces another, or for review.

    Sent twice (double click, second tab), it gives the same account and writes nothing.

    Raises:
        NotInAuthority, RecordedAsDeceased: As for the other steps.
        NoDraft: There is neither a saved registration nor an account under this reference.
        DraftChanged: What the citizen saw is not what stands there now.
        NoAnswerYet, EnquiryTooOld: The bank has not confirmed the number, or more than a day ago.
        ConsentMissing: There is no consent to today's text.
        BankNotAccepted: The bank cannot be paid into any more.
        SameAccount: The person is paid there already, or will be.
        AccountTaken: Somebody else is paid there.
    """
    person = Person.objects.get(pk=person_id)
    require_own(person=person, by=by)
    draft = lock_draft(person_id=person_id, reference=reference)
    if draft is None:
        account = PayoutAccount.objects.filter(payee__person=person, reference=reference).first()
        if account is None:
            raise errors.NoDraft
        return account
    _require_sendable(draft, seen, at)
    accepted_bank(draft=draft, at=at)
    payee = lock_payee(person=person)
    require_another_account(person_id=person_id, number_index=bytes(draft.number_index or b""))
    match = MatchResult(draft.match_result)
    consent = _write_consent(person, draft.consented_at or at)
    account = add_version(
        payee=payee,
        chosen=ChosenAccount(
            source=AccountSource.SELF,
            creditor_agent=draft.bank_id or "",
            creditor_account=number_of(draft),
            holder_name=draft.holder_name,
            match=match,
            consent=consent,
            requested_at=at,
            checked_at=draft.answered_at or at,
            requested_by=by,
            reference=draft.reference,
        ),
        at=at,
    )
    settle(account=account, at=at)
    record_event(
        kind="account.registered",
        actor=by.actor,
        subject_kind="account",
        subject_id=account.pk,
        payload={
            "reference": draft.reference,
            "match": str(match),
            "state": account.state,
            "source": AccountSource.SELF,
            "consent": consent.text_version,
        },
    )
    draft.delete()
    return account


@transaction.atomic(durable=True)
def withdraw_account(*, person_id: int, account_id: int, by: User, at: datetime) -> PayoutAccount:
    """The citizen takes an account of his own back; it is paid into no more, and the consent to share it is withdrawn.

    Withdrawing it twice changes nothing.

    Raises:
        NotInAuthority: It is not the person of `by`.
        InvalidMove: It is none of the person's accounts, or has ended in another way.
    """
    person = Person.objects.get(pk=person_id)
    if not is_own(user=by, national_id_index=person.national_id_index):
        raise errors.NotInAuthority
    payee = lock_payee(person=person)
    account = (
        PayoutAccount.objects.select_for_update(of=("self",), no_key=True).filter(pk=account_id, payee=payee).first()
    )
    if account is None:
        raise errors.InvalidMove
    if account.state == AccountState.REVOKED:
        return account
    if account.state in ACCOUNT_ENDED:
        raise errors.InvalidMove(account.state)
    end_account(account=account, state=AccountState.REVOKED, at=at)
    if account.consent is not None:
        Consent.objects.create(
            person=person,
            kind=Consent.Kind.WITHDRAWN,
            purpose=account.consent.purpose,
            text_version=account.consent.text_version,
            text=account.consent.text,
            channel=Consent.Channel.WEB,
            at=at,
            token=secrets.token_urlsafe(32),
        )
    record_event(
        kind="account.withdrawn",
        actor=by.actor,
        subject_kind="account",
        subject_id=account.pk,
        payload={"source": account.source},
    )
    return account


def _require_sendable(draft: AccountDraft, seen: str, at: datetime) -> None:
    if not hmac.compare_digest(seen_token(draft).encode(), seen.encode()):
        raise errors.DraftChanged
    if draft.state != EnquiryState.ANSWERED:
        raise errors.NoAnswerYet(draft.state)
    if is_too_old(draft, at):
        raise errors.EnquiryTooOld
    if draft.consent_version != CONSENT_VERSION:
        raise errors.ConsentMissing


def _write_consent(person: Person, at: datetime) -> Consent:
    return Consent.objects.create(
        person=person,
        purpose=PURPOSE,
        text_version=CONSENT_VERSION,
        text=CONSENT_TEXT,
        channel=Consent.Channel.WEB,
        at=at,
        token=secrets.token_urlsafe(32),
    )
