"""A citizen signs in with VNeID, against the mocked provider's real process; and everything that must not let him in."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from foundation.audit.models import AuditEvent
from foundation.privacy.blind_index import fingerprint
from foundation.users import operations, vneid
from foundation.users.models import User, VneidIdentity
from mock_gateway.faults import ID_TOKEN_FAULTS
from tests.mock_gateway.conftest import Gateway
from tests.mock_gateway.relying_party import HOA
from tests.users.conftest import Citizen

pytestmark = [pytest.mark.servers, pytest.mark.django_db]
LEVEL_1 = ("079079500642", "150979")


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def nobody_came_in(client: Client) -> bool:
    return not signed_in(client) and not User.objects.exists() and not VneidIdentity.objects.exists()


class TestSignIn:
    def test_takes_the_citizen_up_as_vneid_tells(self, citizen: Citizen) -> None:
        answer = citizen.sign_in()
        assert (answer.status_code, answer["Location"]) == (302, "/")
        identity = VneidIdentity.objects.select_related("user").get()
        assert identity.user.kind == "CITIZEN"
        assert bytes(identity.user.person_fingerprint or b"") == fingerprint("national-id", HOA)
        assert (identity.full_name, identity.level, identity.sex, identity.unit_code) == (
            "Nguyễn Thị Hoa",
            2,
            "F",
            "26743",
        )
        assert (str(identity.birth_date), identity.birth_precision) == ("1944-03-12", "DAY")
        assert operations.national_id_of(identity) == HOA
        assert operations.phone_of(identity) == "+84903100238"
        assert signed_in(citizen.client)

    def test_keeps_no_number_of_the_citizen_in_clear(self, citizen: Citizen) -> None:
        citizen.sign_in()
        told = repr(list(AuditEvent.objects.values())) + repr(list(User.objects.values()))
        told += repr(list(Session.objects.values())) + repr(list(VneidIdentity.objects.values("subject", "address")))
        assert HOA not in told
        assert "903100238" not in told

    def test_knows_the_same_citizen_again(self, make_citizen: Callable[[], Citizen]) -> None:
        for _ in range(2):
            make_citizen().sign_in()
        assert User.objects.count() == 1
        assert AuditEvent.objects.filter(kind="citizen.signed_in").count() == 2

    def test_uses_pkce_a_nonce_and_a_state(self, client: Client, provider: Gateway) -> None:
        asked = parse_qs(urlsplit(client.get("/vneid/dang-nhap")["Location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert {"code_challenge", "nonce", "state"} <= asked.keys()
        assert asked["response_type"] == ["code"]

    def test_writes_neither_code_nor_state_into_the_log(
        self, citizen: Citizen, caplog: pytest.LogCaptureFixture
    ) -> None:
        way_back = citizen.way_back()
        citizen.follow(way_back)
        code = parse_qs(urlsplit(way_back).query)["code"][0]
        assert "/vneid/callback" in caplog.text
        assert code not in caplog.text
        assert "state=" not in caplog.text

    def test_gives_the_session_a_new_name(self, citizen: Citizen) -> None:
        way_back = citizen.way_back()
        before = citizen.client.session.session_key
        citizen.follow(way_back)
        assert citizen.client.session.session_key != before
        assert not Session.objects.filter(pk=before).exists()

    def test_leads_to_the_page_that_was_wanted(self, citizen: Citizen) -> None:
        assert citizen.sign_in(wanted="/cua-toi/khoan-chi/")["Location"] == "/cua-toi/khoan-chi/"

    @pytest.mark.parametrize(
        "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    )
    def test_leads_to_no_other_site(self, citizen: Citizen, wanted: str) -> None:
        assert citizen.sign_in(wanted=wanted)["Location"] == "/"


class TestLevel:
    def test_a_level_1_citizen_reads_what_to_do(self, citizen: Citizen) -> None:
        answer = citizen.sign_in(*LEVEL_1)
        assert answer.status_code == 403
        page = answer.content.decode()
        assert "mức độ 2" in page
        assert "Công an phường, xã" in page
        assert nobody_came_in(citizen.client)


class TestRefuses:
    @pytest.mark.parametrize("fault", sorted(ID_TOKEN_FAULTS))
    def test_every_bad_id_token(self, citizen: Citizen, provider: Gateway, fault: str) -> None:
        provider.control.http.put("/faults", json={"options": {"id_token": fault}})
        answer = citizen.sign_in()
        assert answer.status_code == 400
        assert "Vì an toàn, cổng không cho vào" in answer.content.decode()
        assert nobody_came_in(citizen.client)

    def test_a_code_that_comes_to_another_browser(self, make_citizen: Callable[[], Citizen]) -> None:
        stolen, thief = make_citizen().way_back(), make_citizen()
        assert thief.follow(stolen).status_code == 400
        assert nobody_came_in(thief.client)

    def test_a_way_back_that_is_used_twice(self, citizen: Citizen) -> None:
        way_back = citizen.way_back()
        assert citizen.follow(way_back).status_code == 302
        assert citizen.follow(way_back).status_code == 400

    @pytest.mark.parametrize(
        "query", ["", "?code=x", "?state=x", "?code=x&state=y", "?error=server_error", "?code=%00&state=%00"]
    )
    def test_a_way_back_that_nobody_began(self, client: Client, provider: Gateway, query: str) -> None:
        assert client.get(f"/vneid/callback{query}").status_code == 400
        assert nobody_came_in(client)

    def test_the_citizen_who_refuses(self, citizen: Citizen) -> None:
        answer = citizen.follow(citizen.way_back(decision="deny"))
        assert answer.status_code == 403
        assert "Ông, bà đã chọn không đăng nhập" in answer.content.decode()
        assert nobody_came_in(citizen.client)

    def test_a_subject_that_names_another_human(self, citizen: Citizen, make_citizen: Callable[[], Citizen]) -> None:
        citizen.sign_in()
        User.objects.update(person_fingerprint=fingerprint("national-id", "079144999999"))
        again = make_citizen()
        assert again.sign_in().status_code == 400
        assert not signed_in(again.client)

    def test_a_human_under_another_subject(self, citizen: Citizen, make_citizen: Callable[[], Citizen]) -> None:
        citizen.sign_in()
        VneidIdentity.objects.update(subject="somebody-else")
        again = make_citizen()
        assert again.sign_in().status_code == 400
        assert not signed_in(again.client)

    def test_says_so_when_vneid_does_not_answer(self, client: Client, settings: Any, db: None) -> None:
        settings.VNEID_ISSUER = "http://127.0.0.1:9/vneid"
        vneid.forget_client()
        answer = client.get("/vneid/dang-nhap")
        vneid.forget_client()
        assert answer.status_code == 503
        assert "VNeID chưa trả lời" in answer.content.decode()


class TestSignOut:
    def test_ends_the_session_and_offers_to_end_vneids(self, citizen: Citizen) -> None:
        citizen.sign_in()
        answer = citizen.client.post("/dang-xuat", follow=True)
        assert not signed_in(citizen.client)
        assert "/vneid/end-session?" in answer.content.decode()
        assert citizen.client.get("/cua-toi/").status_code == 302

    def test_is_no_link_that_a_foreign_page_could_open(self, citizen: Citizen) -> None:
        citizen.sign_in()
        assert citizen.client.get("/dang-xuat").status_code == 405
        assert signed_in(citizen.client)
