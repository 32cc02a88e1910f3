"""On real commits: what two requests at the same moment come to."""

from typing import Any

from django.db import transaction

from beneficiaries.models import AccountDraft, Consent, PayoutAccount
from beneficiaries.operations import enquiries, registration, review, submission
from beneficiaries.operations.links import record_linked
from foundation.audit import clock
from foundation.users.roles import Role
from tests.beneficiaries.registering import NEAR, OTHER, Bank, Citizen, linked, make_citizen, trail
from tests.factories import make_staff
from tests.payments.helpers import at_once, kinds


def withdraw(citizen: Citizen, account: PayoutAccount) -> PayoutAccount:
    return submission.withdraw_account(account_id=account.pk, **citizen.steps())


def standing(citizen: Citizen) -> list[tuple[int, str]]:
    found = PayoutAccount.objects.filter(payee__person=citizen.person).order_by("version")
    return list(found.values_list("version", "state"))


def test_two_submits_at_once_give_one_account(committed: None) -> None:
    citizen = make_citizen()
    draft = citizen.ready()
    first, second = at_once(lambda: citizen.submit(draft), lambda: citizen.submit(draft))
    assert first.pk == second.pk
    assert (PayoutAccount.objects.count(), Consent.objects.count()) == (1, 1)
    assert trail() == ["account.registered"]


def test_two_people_at_once_and_one_number_give_one_holder(committed: None) -> None:
    one, other = make_citizen(), make_citizen()
    one.ready()
    other.ready()
    results = at_once(one.submit, other.submit)
    assert sorted(type(result).__name__ for result in results) == ["AccountTaken", "PayoutAccount"]
    assert (PayoutAccount.objects.count(), AccountDraft.objects.count()) == (1, 1)


def test_two_tabs_that_start_at_once_share_one_registration(committed: None) -> None:
    citizen = make_citizen()
    first, second = at_once(citizen.start, citizen.start)
    assert first == second


def test_an_answer_and_another_number_at_once_never_mix(committed: None) -> None:
    citizen = make_citizen()
    citizen.asked()
    (enquiry,) = enquiries.take_enquiries(limit=1)
    at_once(
        lambda: enquiries.answer_enquiry(enquiry=enquiry, gateway=Bank()),  # type: ignore[arg-type]
        lambda: citizen.enter(OTHER),
    )
    draft = citizen.draft()
    assert (draft.state, draft.holder_name, draft.enquiry_number) == ("WAITING", "", 2)
    assert registration.number_of(draft) == OTHER


def test_the_last_question_of_a_day_is_asked_once(committed: None) -> None:
    citizen = make_citizen()
    citizen.start()
    citizen.choose()
    for number in range(9):
        citizen.enter(f"10000000{number:02d}")
    results = at_once(lambda: citizen.enter("2000000001"), lambda: citizen.enter("2000000002"))
    assert sorted(type(result).__name__ for result in results) == ["AccountDraft", "TooManyEnquiries"]


def test_submit_and_withdrawal_of_the_old_one_at_once_leave_one_account(committed: None) -> None:
    citizen = make_citizen()
    old = citizen.register()
    draft = citizen.ready(OTHER)
    results = at_once(lambda: citizen.submit(draft), lambda: withdraw(citizen, old))
    assert not [kind for kind in kinds(results) if kind.endswith("Error")]
    assert standing(citizen) in ([(1, "REVOKED"), (2, "ACTIVE")], [(1, "REVOKED"), (2, "COOLING")])


def test_an_account_accepted_and_refused_at_once_is_one_of_the_two(committed: None) -> None:
    account = make_citizen().register(at=NEAR)
    one, other = make_staff(Role.APPROVER), make_staff(Role.APPROVER)
    given: dict[str, Any] = {"account_id": account.pk, "reason": "Đã đối chiếu căn cước", "at": clock.now()}
    results = at_once(
        lambda: review.accept_near_match(by=one, **given), lambda: review.refuse_account(by=other, **given)
    )
    assert sorted(type(result).__name__ for result in results) == ["InvalidMove", "PayoutAccount"]


def test_one_accepted_while_the_citizen_sends_another_leaves_one_on_its_way(committed: None) -> None:
    citizen, officer = make_citizen(), make_staff(Role.APPROVER)
    account = citizen.register(at=NEAR)
    draft = citizen.ready(OTHER)
    given: dict[str, Any] = {
        "account_id": account.pk,
        "reason": "Đã đối chiếu căn cước",
        "at": clock.now(),
        "by": officer,
    }
    results = at_once(lambda: review.accept_near_match(**given), lambda: citizen.submit(draft))
    assert not [kind for kind in kinds(results) if kind.endswith("Error")]
    assert standing(citizen) in ([(1, "ACTIVE"), (2, "COOLING")], [(1, "EXPIRED"), (2, "ACTIVE")])


def test_a_link_in_vneid_and_a_registration_at_once_leave_one_account_in_use(committed: None) -> None:
    citizen = make_citizen()
    draft = citizen.ready()
    event = linked(citizen, OTHER)

    def link() -> None:
        with transaction.atomic():
            record_linked(event=event)

    results = at_once(link, lambda: citizen.submit(draft))
    assert not [result for result in results if isinstance(result, Exception)]
    assert standing(citizen) == [(1, "ACTIVE"), (2, "COOLING")]
