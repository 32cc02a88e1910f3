"""Whom a community digital team visits: by khu phố, by name, on paper; and the sheet for the wall."""

import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from beneficiaries.models import Payee, Person
from beneficiaries.views.assistants import code_to_scan
from foundation.audit.models import AuditEvent
from foundation.reference.models import Neighbourhood
from foundation.users.models import User
from foundation.users.roles import Role
from tests.factories import WARD, make_account, make_entitlement, make_person, make_staff

pytestmark = pytest.mark.django_db

START, OTHER_WARD = "/can-bo/chua-dang-ky/", "26740"


@pytest.fixture
def places() -> list[Neighbourhood]:
    return [
        Neighbourhood.objects.create(unit_id=WARD, name=name, kind="KHU_PHO", sort_key=name)
        for name in ("Khu phố 1", "Khu phố 2")
    ]


@pytest.fixture
def assistant(client: Client) -> User:
    user = make_staff(Role.ASSISTANT)
    client.force_login(user)
    return user


def receiver(name: str = "Nguyễn Thị Hoà", *, account: bool = False, **fields: object) -> Person:
    person = make_person(name, **fields)
    make_entitlement(person)
    payee = Payee.objects.create(person=person)
    if account:
        make_account(payee)
    return person


def visit(place: Neighbourhood | int) -> str:
    return f"{START}khu-pho/{place if isinstance(place, int) else place.pk}/?don-vi={WARD}"


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def cells(text: str) -> list[str]:
    """The rows of the table as words."""
    rows = re.findall(r"<tr[^>]*data-row>(.*?)</tr>", text, re.DOTALL)
    return [" ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", row, flags=re.DOTALL).split()) for row in rows]


class TestNeighbourhoods:
    def test_count_receivers_and_those_without_account(
        self, client: Client, assistant: User, places: list[Neighbourhood]
    ) -> None:
        receiver(neighbourhood=places[0])
        receiver(neighbourhood=places[0], account=True)
        receiver(neighbourhood=places[1], account=True)
        receiver()
        text = text_of(client, START)
        assert cells(text) == ["Khu phố 1 1 2 50,0 %", "Khu phố 2 0 1 0,0 %", "Chưa rõ khu phố 1 1 100,0 %"]
        assert "còn <strong>2</strong> trong 4 người nhận" in text
        assert f'href="{START}khu-pho/{places[0].pk}/?don-vi={WARD}"' in text
        assert f"khu-pho/{places[1].pk}/" not in text  # nobody to visit there
        assert text.count('class="welfare-bar"') == 4

    def test_are_told_in_words_where_there_is_nobody(self, client: Client, assistant: User) -> None:
        assert "chưa có ai hưởng trợ cấp hằng tháng" in text_of(client, START)
        receiver(account=True)
        assert "Mọi người nhận đều đã có tài khoản." in text_of(client, START)

    def test_cost_the_same_for_two_and_for_twenty(self, client: Client, assistant: User) -> None:
        counts = []
        text_of(client, START)
        for number in (2, 20):
            for index in range(number):
                place = Neighbourhood.objects.create(
                    unit_id=WARD, name=f"Ấp {number}-{index}", kind="AP", sort_key=f"{number}-{index:02d}"
                )
                receiver(neighbourhood=place)
            with CaptureQueriesContext(connection) as queries:
                text_of(client, START)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_of_the_whole_city_are_chosen_by_unit(self, client: Client) -> None:
        client.force_login(make_staff(Role.ASSISTANT, unit=None))
        receiver()
        text = text_of(client, START)
        assert "Chọn phường, xã" in text
        assert cells(text) == []
        assert cells(text_of(client, f"{START}?don-vi={WARD}")) == ["Chưa rõ khu phố 1 1 100,0 %"]


class TestVisits:
    def test_name_whom_to_visit_and_where(self, client: Client, assistant: User, places: list[Neighbourhood]) -> None:
        number = "079148765432"
        receiver("Lê Thị Bảy", neighbourhood=places[0], address="12 Lê Lợi", national_id=number)
        receiver("Trần Văn Có", neighbourhood=places[0], account=True)
        receiver("Phạm Khu Hai", neighbourhood=places[1])
        text = text_of(client, visit(places[0]))
        for words in ("Lê Thị Bảy", "1948", "12 Lê Lợi", "Khu phố 1"):
            assert words in text
        for hidden in ("Trần Văn Có", "Phạm Khu Hai", number, "01/05/1948"):
            assert hidden not in text
        assert not AuditEvent.objects.exists()

    def test_of_an_unknown_neighbourhood_are_a_list_too(self, client: Client, assistant: User) -> None:
        receiver("Lê Thị Bảy")
        assert "Lê Thị Bảy" in text_of(client, visit(0))

    def test_go_on_page_by_page_without_a_name_in_the_address(
        self, client: Client, assistant: User, places: list[Neighbourhood], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("beneficiaries.views.assistants.ROWS", 2)
        for name in ("Lê An", "Lê Bình", "Lê An", "Lê Cúc", "Lê Dung"):
            receiver(name, neighbourhood=places[0])
        seen: list[str] = []
        path = visit(places[0])
        while True:
            text = text_of(client, path)
            seen += re.findall(r'scope="row"[^>]*>(Lê [^<]+)<', text)
            following = re.search(r'rel="next" href="([^"]+)"', text)
            if following is None:
                break
            assert re.fullmatch(rf"\?don-vi={WARD}&amp;sau=[0-9]+", following[1])
            path = f"{START}khu-pho/{places[0].pk}/{following[1].replace('&amp;', '&')}"
        assert seen == ["Lê An", "Lê An", "Lê Bình", "Lê Cúc", "Lê Dung"]

    def test_begin_again_at_a_key_that_is_none(
        self, client: Client, assistant: User, places: list[Neighbourhood]
    ) -> None:
        receiver("Lê An", neighbourhood=places[0])
        stranger = receiver("Lê Bình", unit_id=OTHER_WARD)
        for key in ("x", "-1", "9" * 40, "٣", "%00", "' OR 1=1", str(stranger.pk)):
            assert "Lê An" in text_of(client, f"{visit(places[0])}&sau={key}")

    def test_say_when_nobody_is_left(self, client: Client, assistant: User, places: list[Neighbourhood]) -> None:
        assert "Mọi người nhận ở đây đều đã có tài khoản." in text_of(client, visit(places[0]))


class TestPoster:
    def test_has_the_portals_address_as_a_code_and_three_steps(
        self, client: Client, assistant: User, settings: object
    ) -> None:
        text = text_of(client, f"{START}to-dan/")
        assert "http://localhost:8000" in text
        assert text.count("<li>Mở máy ảnh") == 1
        assert f'd="{code_to_scan("http://localhost:8000").path}"' in text
        assert "style=" not in text

    def test_its_code_is_square_and_quiet_at_the_rim(self) -> None:
        code = code_to_scan("https://ansinh.tphcm.gov.vn")
        places = [(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", code.path)]
        assert min(map(min, places)) == 4
        assert max(map(max, places)) == code.size - 5


class TestStrangers:
    def test_of_another_ward_find_nothing(self, client: Client, places: list[Neighbourhood]) -> None:
        receiver("Lê Thị Bảy", neighbourhood=places[0])
        client.force_login(make_staff(Role.ASSISTANT, unit=OTHER_WARD))
        assert cells(text_of(client, START)) == []
        for path in (f"{START}?don-vi={WARD}", visit(places[0]), visit(0), f"{START}to-dan/?don-vi={WARD}"):
            assert client.get(path).status_code == 404
        assert client.get(f"{START}khu-pho/{places[0].pk}/").status_code == 404  # of another unit than his own

    @pytest.mark.parametrize("unit", ["x", "%00", "'", "99999", "٣", "9" * 400])
    def test_units_that_are_none_are_not_found(self, client: Client, assistant: User, unit: str) -> None:
        assert client.get(f"{START}?don-vi={unit}").status_code == 404

    @pytest.mark.parametrize("place", ["999999", "9" * 30, "-1", "x"])
    def test_neighbourhoods_that_are_none_are_not_found(self, client: Client, assistant: User, place: str) -> None:
        assert client.get(f"{START}khu-pho/{place}/").status_code == 404

    def test_without_the_right_are_refused(self, client: Client, places: list[Neighbourhood]) -> None:
        assert client.get(START).status_code == 302
        for role in (Role.PREPARER, Role.ACCOUNTANT, Role.APPROVER, Role.AUDITOR, Role.ADMINISTRATOR):
            client.force_login(make_staff(role))
            for path in (START, visit(places[0]), f"{START}to-dan/"):
                assert client.get(path).status_code == 403

    def test_whose_time_is_over_are_refused(self, client: Client, assistant: User) -> None:
        assistant.role_assignments.update(valid_to=date(2026, 1, 2))
        assert client.get(START).status_code == 403

    def test_send_no_form(self, client: Client, assistant: User, places: list[Neighbourhood]) -> None:
        for path in (START, visit(places[0]), f"{START}to-dan/"):
            assert client.post(path).status_code == 405
