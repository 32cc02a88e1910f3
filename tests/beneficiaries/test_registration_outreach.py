"""Whom the community digital teams visit: by neighbourhood, and one by one."""

from datetime import date

import pytest

from beneficiaries.models import Payee, Person, Representation
from beneficiaries.queries.outreach import count_people_without_account, people_without_account
from foundation.reference.models import Neighbourhood
from tests.beneficiaries.importing import SAI_GON
from tests.beneficiaries.registering import Citizen, make_citizen
from tests.factories import PERIOD, WARD, make_account, make_entitlement, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def places() -> list[Neighbourhood]:
    return [
        Neighbourhood.objects.create(unit_id=WARD, name=name, kind="KHU_PHO", sort_key=name)
        for name in ("Khu phố 1", "Khu phố 2")
    ]


def entitled(name: str = "Nguyễn Thị Hoà", *, account: str = "", **fields: object) -> Person:
    person = make_person(name, **fields)
    make_entitlement(person)
    payee = Payee.objects.create(person=person)
    if account:
        make_account(payee, state=account)
    return person


def names(**asked: object) -> list[str]:
    return [person.full_name for person in people_without_account(unit_code=WARD, day=PERIOD, **asked).rows]  # type: ignore[arg-type]


def test_counts_receivers_and_those_without_account(places: list[Neighbourhood]) -> None:
    first, second = places
    entitled(neighbourhood=first)
    entitled(neighbourhood=first, account="ACTIVE")
    entitled(neighbourhood=second, account="SUSPENDED")
    entitled()
    counts = count_people_without_account(unit_code=WARD, day=PERIOD)
    assert [(count.id, count.name, count.receivers, count.without_account) for count in counts] == [
        (first.pk, "Khu phố 1", 2, 1),
        (second.pk, "Khu phố 2", 1, 1),
        (None, "", 1, 1),
    ]


def test_leaves_out_who_has_died_has_no_right_now_or_lives_elsewhere() -> None:
    entitled("Đã mất", deceased_date=date(2026, 9, 1))
    entitled("Nơi khác", unit_id=SAI_GON)
    make_person("Không hưởng")
    ended = make_person("Đã thôi hưởng")
    Payee.objects.create(person=ended)
    make_entitlement(ended, valid_to=date(2026, 3, 31))
    entitled("Còn hưởng")
    assert names() == ["Còn hưởng"]


def test_visits_whoever_receives_not_whoever_is_entitled() -> None:
    child = entitled("Nguyễn Bé", birth_date=date(2020, 1, 1))
    assert names() == []  # a child holds no account
    mother = Payee.objects.create(person=make_person("Trần Thị Mẹ"))
    Representation.objects.create(beneficiary=child, payee=mother, relation="PARENT", valid_from=date(2026, 1, 1))
    assert names() == ["Trần Thị Mẹ"]
    other = entitled("Nguyễn Bé Hai", birth_date=date(2021, 1, 1))
    Representation.objects.create(beneficiary=other, payee=mother, relation="PARENT", valid_from=date(2026, 1, 1))
    assert names() == ["Trần Thị Mẹ"]  # once, for both


def test_reads_by_name_page_by_page_and_by_neighbourhood(places: list[Neighbourhood]) -> None:
    for name in ("Lê Văn Tư", "Lê Văn An", "Lê Văn Bảy", "Lê Văn An", "Lê Văn Hai"):
        entitled(name, neighbourhood=places[0])
    entitled("Lê Văn Năm")
    seen: list[str] = []
    after = ("", 0)
    while True:
        page = people_without_account(unit_code=WARD, day=PERIOD, after=after, limit=2)
        seen += [person.full_name for person in page.rows]
        if page.next is None:
            break
        after = page.next
    assert [name.split()[-1] for name in seen] == ["An", "An", "Bảy", "Hai", "Năm", "Tư"]
    assert len(names(neighbourhood_id=places[0].pk)) == 5
    assert names(neighbourhood_id=0) == ["Lê Văn Năm"]
    assert names(neighbourhood_id=places[1].pk) == []


def test_tells_who_has_begun_to_register() -> None:
    citizen: Citizen = make_citizen("Lê Văn An")
    make_entitlement(citizen.person)
    Payee.objects.create(person=citizen.person)
    citizen.start()
    (person,) = people_without_account(unit_code=WARD, day=PERIOD).rows
    assert (person.started, person.has_phone, person.neighbourhood_id) == (True, False, None)
