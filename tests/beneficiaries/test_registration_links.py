"""Accounts linked in VNeID follow the same rule as those registered here."""

from dataclasses import fields
from typing import Any

import pytest

from beneficiaries.models import Payee, PayoutAccount
from beneficiaries.operations.accounts import end_cooling
from beneficiaries.operations.links import UnknownToRegister, record_linked, record_removed
from foundation.gateway.events import AccountRemoved
from tests.beneficiaries.registering import AT_BANK, NUMBER, OTHER, THIRD, Citizen, linked, make_citizen
from tests.conftest import Clock
from tests.factories import make_account, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def citizen() -> Citizen:
    return make_citizen()


def link(citizen: Citizen, number: str = NUMBER, **changes: Any) -> PayoutAccount:
    event = linked(citizen, number, **changes)
    record_linked(event=event)
    return PayoutAccount.objects.get(gateway_link_id=event.link_id)


def states(citizen: Citizen) -> list[str]:
    found = PayoutAccount.objects.filter(payee__person=citizen.person).order_by("version")
    return list(found.values_list("state", flat=True))


def test_the_first_is_in_use_at_once(citizen: Citizen) -> None:
    account = link(citizen)
    assert (account.state, account.source, account.reference) == ("ACTIVE", "LINKED", None)


def test_the_same_number_again_takes_the_place_at_once(citizen: Citizen) -> None:
    citizen.register()
    link(citizen)
    assert states(citizen) == ["SUPERSEDED", "ACTIVE"]


def test_another_number_cools_and_a_third_takes_its_turn(citizen: Citizen, clock: Clock) -> None:
    link(citizen)
    link(citizen, OTHER)
    third = link(citizen, THIRD)
    assert states(citizen) == ["ACTIVE", "SUPERSEDED", "COOLING"]
    assert third.replaces is not None
    clock.shift("73 hours")
    end_cooling()
    assert states(citizen) == ["SUPERSEDED", "SUPERSEDED", "ACTIVE"]


def test_another_number_beside_a_suspended_one_cools(citizen: Citizen) -> None:
    PayoutAccount.objects.filter(pk=link(citizen).pk).update(state="SUSPENDED")
    assert link(citizen, OTHER).state == "COOLING"


def test_the_number_of_a_suspended_one_goes_to_people(citizen: Citizen) -> None:
    PayoutAccount.objects.filter(pk=link(citizen).pk).update(state="SUSPENDED")
    link(citizen)
    assert states(citizen) == ["SUSPENDED", "REVIEW"]


@pytest.mark.parametrize(
    ("holder", "state", "code"),
    [("HOA NGUYEN THI", "REVIEW", ""), ("TRAN QUOC KHANH", "REFUSED", "NAME_MISMATCH"), (AT_BANK, "ACTIVE", "")],
)
def test_the_name_decides(citizen: Citizen, holder: str, state: str, code: str) -> None:
    account = link(citizen, holder_name=holder)
    assert (account.state, account.refusal_code) == (state, code)


def test_a_number_that_somebody_holds_is_refused(citizen: Citizen) -> None:
    make_account(Payee.objects.create(person=make_person()), number=NUMBER)
    account = link(citizen)
    assert (account.state, account.refusal_code, account.due_at) == ("REFUSED", "ACCOUNT_TAKEN", None)
    assert account.ended_at is not None


def test_one_taken_back_while_it_cooled_leaves_room_for_the_next(citizen: Citizen) -> None:
    link(citizen)
    event = linked(citizen, OTHER)
    record_linked(event=event)
    told = {field.name: getattr(event, field.name) for field in fields(event) if field.name != "replaced_link_id"}
    record_removed(event=AccountRemoved(**told, reason="CONSENT_WITHDRAWN"))
    link(citizen, THIRD)
    assert states(citizen) == ["ACTIVE", "REVOKED", "COOLING"]


def test_told_twice_counts_once(citizen: Citizen) -> None:
    event = linked(citizen, NUMBER)
    for _ in range(2):
        record_linked(event=event)
    assert states(citizen) == ["ACTIVE"]


def test_of_somebody_unknown_is_set_aside(citizen: Citizen) -> None:
    with pytest.raises(UnknownToRegister):
        link(citizen, national_id="079144999999")
    with pytest.raises(UnknownToRegister):
        link(citizen, creditor_agent="000000")
