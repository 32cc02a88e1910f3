"""What citizens do in the VNeID app, told by the gateway: an account linked, an account removed."""

from django.db import transaction

from beneficiaries.errors import AccountTaken
from beneficiaries.models import Consent, PayoutAccount, Person
from beneficiaries.operations.placing import ChosenAccount, add_version, end_account, lock_payee, settle
from beneficiaries.states import ACCOUNT_ENDED, AccountSource, AccountState, MatchResult
from foundation.audit import clock
from foundation.audit.operations import GATEWAY, record_event
from foundation.gateway.events import AccountLinked, AccountRemoved
from foundation.privacy.blind_index import fingerprint
from foundation.reference.models import Bank
from foundation.reference.names import compare_names

PURPOSE = "account.vneid"
CONSENT_TEXT = "Đồng ý trong ứng dụng VNeID cho dùng tài khoản này để nhận tiền an sinh xã hội."


class UnknownToRegister(Exception):
    """The event is true, but names somebody or something that the portal does not know: it is set aside for people."""


def record_linked(*, event: AccountLinked) -> None:
    """Take up an account that a citizen linked in VNeID. Inner step of applying a message.

    The gateway proved person and account; the name decides: equal takes it into use (after the safe time when it takes the
    place of another number), near goes to an officer, different is refused.

    Raises:
        UnknownToRegister: The person or the bank is not known here.
    """
    person = Person.objects.filter(national_id_index=fingerprint("national-id", event.national_id)).first()
    if person is None:
        raise UnknownToRegister("person")
    if not Bank.objects.filter(pk=event.creditor_agent).exists():
        raise UnknownToRegister("bank")
    payee = lock_payee(person=person)
    if payee.accounts.filter(gateway_link_id=event.link_id).exists():
        return
    consent, _ = Consent.objects.get_or_create(
        token=event.consent_token,
        defaults={
            "person": person,
            "purpose": PURPOSE,
            "text_version": "vneid-1",
            "text": CONSENT_TEXT,
            "channel": Consent.Channel.VNEID,
            "at": event.at,
        },
    )
    at = clock.now()
    match = MatchResult(compare_names(person.full_name, event.holder_name).result)
    account = add_version(
        payee=payee,
        chosen=ChosenAccount(
            source=AccountSource.LINKED,
            creditor_agent=event.creditor_agent,
            creditor_account=event.creditor_account,
            holder_name=event.holder_name,
            match=match,
            consent=consent,
            requested_at=event.at,
            checked_at=event.at,
            gateway_link_id=event.link_id,
        ),
        at=at,
    )
    if match == MatchResult.MISMATCH:
        end_account(account=account, state=AccountState.REFUSED, at=at, refusal_code="NAME_MISMATCH")
    else:
        try:
            settle(account=account, at=at)
        except AccountTaken as taken:
            end_account(account=account, state=AccountState.REFUSED, at=at, refusal_code=taken.code)
    record_event(
        kind="account.linked",
        actor=GATEWAY,
        subject_kind="account",
        subject_id=account.pk,
        payload={"match": str(match), "state": account.state, "source": AccountSource.LINKED},
    )


@transaction.atomic
def record_removed(*, event: AccountRemoved) -> None:
    """The citizen took a link back in VNeID: the version ends, history stays. Inner step of applying a message.

    Raises:
        UnknownToRegister: No such link is known here.
    """
    account = (
        PayoutAccount.objects.select_for_update(of=("self",), no_key=True)
        .filter(gateway_link_id=event.link_id, source=AccountSource.LINKED)
        .order_by("-version")
        .first()
    )
    if account is None:
        raise UnknownToRegister("link")
    if account.state in ACCOUNT_ENDED:
        return
    end_account(account=account, state=AccountState.REVOKED, at=event.at)
    record_event(
        kind="account.removed",
        actor=GATEWAY,
        subject_kind="account",
        subject_id=account.pk,
        payload={"reason": event.reason},
    )
