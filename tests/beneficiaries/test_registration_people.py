"""Who signs in by VNeID finds his place in the register, or is given one."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from beneficiaries import errors
from beneficiaries.models import Person
from beneficiaries.operations.people import ProvenIdentity, ensure_person
from beneficiaries.queries.accounts import person_of
from foundation.audit import clock
from foundation.audit.models import AuditEvent
from foundation.privacy.blind_index import fingerprint
from foundation.privacy.encryption import decrypt
from foundation.users.models import User
from foundation.users.roles import Role
from tests.factories import WARD, make_person, make_staff
from tests.payments.helpers import at_once

HOA = "079144100238"
IDENTITY = ProvenIdentity(
    national_id=HOA,
    full_name="Nguyễn  Thị Hoa",
    birth_date=date(1944, 3, 12),
    birth_precision="DAY",
    sex="F",
    address="12 Lê Lợi, Khu phố 2",
    unit_code=WARD,
    phone="+84901234567",
)


def sign_in(national_id: str = HOA) -> User:
    return User.objects.create_user(
        f"vneid-{national_id}", kind=User.Kind.CITIZEN, person_fingerprint=fingerprint("national-id", national_id)
    )


def ensure(user: User, identity: ProvenIdentity = IDENTITY, **changes: Any) -> Person:
    return ensure_person(identity=replace(identity, **changes), by=user, at=clock.now())


@pytest.mark.django_db
class TestSomebodyNew:
    def test_is_taken_up_with_what_vneid_tells(self) -> None:
        person = ensure(sign_in())
        assert (person.full_name, person.birth_date, person.sex) == ("Nguyễn Thị Hoa", date(1944, 3, 12), "F")
        assert (person.unit_id, person.address) == (WARD, "12 Lê Lợi, Khu phố 2")
        assert decrypt(person.national_id_encrypted, context="person.national_id", row_id=person.pk) == HOA
        assert person.phone_encrypted is not None
        assert decrypt(person.phone_encrypted, context="person.phone", row_id=person.pk) == "+84901234567"

    def test_is_told_to_the_trail_without_a_number(self) -> None:
        person = ensure(sign_in())
        events = {event.kind: event for event in AuditEvent.objects.filter(subject_kind="person")}
        assert events["person.registered"].payload == {"unit": WARD, "source": "VNEID"}
        assert {event.subject_id for event in events.values()} == {str(person.pk)}
        assert not any(HOA in str(event.payload) or "1234567" in str(event.payload) for event in events.values())

    def test_has_the_sex_of_the_id_number_where_vneid_tells_none(self) -> None:
        assert ensure(sign_in(), sex="").sex == "F"

    def test_may_have_no_birth_date_and_no_phone(self) -> None:
        person = ensure(sign_in(), birth_date=None, birth_precision="", phone="")
        assert (person.birth_date, person.phone_index) == (None, None)

    @pytest.mark.parametrize("unit", ["", "00001", "99999"])
    def test_of_another_city_is_refused_with_words(self, unit: str) -> None:
        with pytest.raises(errors.NotOfThisCity) as refusal:
            ensure(sign_in(), unit_code=unit)
        assert str(refusal.value.message)
        assert str(refusal.value.remedy)
        assert not Person.objects.exists()

    def test_is_not_taken_up_by_somebody_else(self) -> None:
        with pytest.raises(errors.NotInAuthority):
            ensure(sign_in("079144100999"))
        with pytest.raises(errors.NotInAuthority):
            ensure(make_staff(Role.PREPARER, person=HOA))
        assert not Person.objects.exists()


@pytest.mark.django_db
class TestSomebodyKnown:
    def test_stays_as_the_register_has_him(self) -> None:
        known = make_person("Nguyễn Thị Hoà", national_id=HOA, address="Ấp 3")
        found = ensure(sign_in(), unit_code="00001")
        assert (found.pk, found.full_name, found.address, found.unit_id) == (known.pk, "Nguyễn Thị Hoà", "Ấp 3", WARD)

    def test_gets_the_phone_that_was_not_known_and_keeps_the_one_that_was(self) -> None:
        make_person(national_id=HOA)
        user = sign_in()
        for told in ("+84901234567", "+84909999999"):
            assert bytes(ensure(user, phone=told).phone_index or b"") == fingerprint("phone", "+84901234567")
        assert AuditEvent.objects.filter(kind="person.phone_filled_in").count() == 1

    def test_is_found_again_by_his_sign_in(self) -> None:
        user = sign_in()
        assert person_of(user) is None
        assert person_of(User(username="nobody")) is None
        person = ensure(user)
        assert person_of(user) == person


def test_two_tabs_at_once_make_one_person(committed: None) -> None:
    user = sign_in()
    first, second = at_once(lambda: ensure(user), lambda: ensure(user))
    assert first.pk == second.pk
    assert Person.objects.count() == 1
    assert AuditEvent.objects.filter(kind="person.registered").count() == 1


def test_numbers_stay_out_of_reprs() -> None:
    assert HOA not in repr(IDENTITY)
    assert "1234567" not in repr(IDENTITY)
