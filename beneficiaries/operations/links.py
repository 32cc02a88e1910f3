"""What citizens do in the VNeID app, told by the gateway: an account linked, an account removed."""

from django.db import connection, transaction

from beneficiaries.models import Consent, Payee, PayoutAccount, Person
from beneficiaries.operations.accounts import COOLING_HOURS
from beneficiaries.states import ACCOUNT_WAITING, AccountSource, AccountState, MatchResult
from foundation.audit.operations import GATEWAY, record_event
from foundation.gateway.events import AccountLinked, AccountRemoved
from foundation.privacy.blind_index import account_fingerprint, fingerprint
from foundation.privacy.encryption import encrypt
from foundation.privacy.masking import mask_account
from foundation.privacy.row_ids import allocate
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
    payee, _ = Payee.objects.get_or_create(person=person)
    Payee.objects.select_for_update(of=("self",), no_key=True).get(pk=payee.pk)
    if PayoutAccount.objects.filter(payee=payee, gateway_link_id=event.link_id).exists():
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
    number_index = account_fingerprint(creditor_agent=event.creditor_agent, creditor_account=event.creditor_account)
    match = MatchResult(compare_names(person.full_name, event.holder_name).result)
    _give_way(payee)
    current = PayoutAccount.objects.filter(payee=payee, state=AccountState.ACTIVE).first()
    last = PayoutAccount.objects.filter(payee=payee).order_by("-version").first()
    account_id = allocate(PayoutAccount)[0]
    account = PayoutAccount(
        pk=account_id,
        payee=payee,
        version=last.version + 1 if last else 1,
        source=AccountSource.LINKED,
        bank_id=event.creditor_agent,
        number_encrypted=encrypt(event.creditor_account, context="payout_account.number", row_id=account_id),
        number_index=number_index,
        number_masked=mask_account(event.creditor_account),
        holder_name=event.holder_name,
        match_result=match,
        consent=consent,
        gateway_link_id=event.link_id,
        requested_at=event.at,
        checked_at=event.at,
    )
    account.save(force_insert=True)
    _settle_state(account, current, match)
    record_event(
        kind="account.linked",
        actor=GATEWAY,
        subject_kind="account",
        subject_id=account.pk,
        payload={"match": str(match), "state": account.state, "source": AccountSource.LINKED},
    )


def _give_way(payee: Payee) -> None:
    """A newer choice of the citizen ends one that was still on its way."""
    PayoutAccount.objects.filter(payee=payee, state=AccountState.COOLING).update(
        state=AccountState.SUPERSEDED, due_at=None
    )
    PayoutAccount.objects.filter(payee=payee, state__in=ACCOUNT_WAITING).update(
        state=AccountState.EXPIRED, due_at=None
    )


def _settle_state(account: PayoutAccount, current: PayoutAccount | None, match: MatchResult) -> None:
    """Give a freshly linked version the state that its name and the account before it allow."""
    holder = (
        PayoutAccount.objects.filter(
            number_index=account.number_index,
            state__in=(AccountState.COOLING, AccountState.ACTIVE, AccountState.SUSPENDED),
        )
        .exclude(payee=account.payee)
        .exists()
    )
    if match == MatchResult.MISMATCH or holder:
        account.state = AccountState.REFUSED
        account.refusal_code = "NAME_MISMATCH" if match == MatchResult.MISMATCH else "ACCOUNT_TAKEN"
        account.due_at = None
        account.save()
        return
    account.state = AccountState.REVIEW if match == MatchResult.REVIEW else AccountState.ACCOUNT_CHECKED
    account.save()
    if account.state == AccountState.REVIEW:
        return
    same_number = current is not None and bytes(current.number_index) == bytes(account.number_index)
    with connection.cursor() as cursor:
        if current is not None and same_number:
            cursor.execute(
                "UPDATE beneficiaries_payout_account SET state = 'SUPERSEDED', ended_at = portal_now() WHERE id = %s",
                [current.pk],
            )
        if current is None or same_number:
            cursor.execute(
                "UPDATE beneficiaries_payout_account SET state = 'ACTIVE', activated_at = portal_now(), due_at = NULL, "
                "replaces_id = %s WHERE id = %s",
                [current.pk if current else None, account.pk],
            )
        else:
            cursor.execute(
                "UPDATE beneficiaries_payout_account SET state = 'COOLING', replaces_id = %s, "
                "cooling_until = portal_now() + %s * interval '1 hour', due_at = portal_now() + %s * interval '1 hour' "
                "WHERE id = %s",
                [current.pk, COOLING_HOURS, COOLING_HOURS, account.pk],
            )
    account.refresh_from_db()


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
    ended = (
        AccountState.SUPERSEDED,
        AccountState.CLOSED,
        AccountState.REVOKED,
        AccountState.REFUSED,
        AccountState.EXPIRED,
    )
    if account.state in ended:
        return
    account.state, account.ended_at, account.due_at = AccountState.REVOKED, event.at, None
    account.save()
    record_event(
        kind="account.removed",
        actor=GATEWAY,
        subject_kind="account",
        subject_id=account.pk,
        payload={"reason": event.reason},
    )
