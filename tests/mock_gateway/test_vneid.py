"""VNeID as an OpenID Connect provider (contract, section 7)."""

import base64
import stat
import time
from collections.abc import Iterator
from typing import Any

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.oauth2.rfc6749 import OAuth2Error
from joserfc.errors import JoseError

from mock_gateway.faults import ID_TOKEN_FAULTS
from tests.mock_gateway.conftest import CLIENT_SECRET, REDIRECT_URI, Gateway
from tests.mock_gateway.relying_party import HOA, Page, RelyingParty, code_of


@pytest.fixture
def portal(gateway: Gateway) -> Iterator[RelyingParty]:
    portal = RelyingParty(gateway)
    yield portal
    portal.close()


class TestSignIn:
    def test_tells_the_portal_who_it_is(self, portal: RelyingParty):
        way_back = portal.way_back()
        assert way_back.startswith(f"{REDIRECT_URI}?")
        assert f"state={portal.state}" in way_back

        token = portal.token(way_back)
        claims = portal.check(token)

        assert (claims["acr"], claims["amr"], claims["nonce"]) == ("2", ["pin"], portal.nonce)
        assert abs(claims["auth_time"] - time.time()) < 30
        assert 290 <= claims["exp"] - claims["iat"] <= 300
        known = {
            "name": "Nguyễn Thị Hoa",
            "birthdate": "1944-03-12",
            "gender": "female",
            "national_id": HOA,
            "eid_level": 2,
        }
        assert {name: claims[name] for name in known} == known
        assert HOA not in claims["sub"]
        assert "address" not in claims
        assert "phone_number" not in claims
        told = portal.userinfo(token["access_token"]).json()
        assert known.items() <= told.items()
        assert told["phone_number"] == "+84903100238"
        assert (told["address"]["ward_code"], told["address"]["province_code"]) == ("26743", "79")
        assert "refresh_token" not in token

    def test_gives_only_what_was_asked_for(self, portal: RelyingParty):
        answer = portal.submit(portal.address(scope="openid citizen and_more"))
        token = portal.exchange(code_of(answer.headers["location"])).json()
        told = portal.userinfo(token["access_token"]).json()
        assert told.keys() == {"sub", "national_id", "eid_level", "acr"}
        assert token["scope"] == "openid citizen"

    def test_level_1_comes_in_as_level_1(self, portal: RelyingParty):
        claims = portal.check(portal.token(portal.way_back(national_id="079079500642", passcode="150979")))
        assert (claims["acr"], claims["eid_level"]) == ("1", 1)

    @pytest.mark.parametrize(
        ("national_id", "passcode", "birthdate"),
        [("079040200517", "194040", "1940"), ("077150600815", "011950", "1950-01")],
    )
    def test_a_birth_date_is_as_much_as_is_known(
        self, portal: RelyingParty, national_id: str, passcode: str, birthdate: str
    ):
        assert (
            portal.check(portal.token(portal.way_back(national_id=national_id, passcode=passcode)))["birthdate"]
            == birthdate
        )

    def test_may_be_refused_by_the_citizen(self, portal: RelyingParty):
        answer = portal.submit(decision="deny", passcode="", consent="")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{REDIRECT_URI}?error=access_denied")
        assert f"state={portal.state}" in answer.headers["location"]

    @pytest.mark.parametrize(
        "mistake",
        [
            {"passcode": "000000"},
            {"passcode": ""},
            {"national_id": "079144100239"},
            {"national_id": ""},
            {"consent": ""},
        ],
        ids=str,
    )
    def test_stays_on_the_screen_after_a_mistake(self, portal: RelyingParty, mistake: dict[str, str]):
        answer = portal.submit(**mistake)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert "code=" not in answer.headers.get("location", "")

    def test_also_with_the_secret_in_the_header(self, portal: RelyingParty):
        code = code_of(portal.way_back())
        basic = base64.b64encode(f"welfare-portal:{_quoted(CLIENT_SECRET)}".encode()).decode()
        answer = portal.browser.post(
            portal.metadata["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": REDIRECT_URI,
                "code_verifier": portal.verifier,
            },
            headers={"authorization": f"Basic {basic}"},
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"

    def test_holds_over_a_restart(self, own_gateway: Any):
        gateway: Gateway = own_gateway()
        portal = RelyingParty(gateway)
        try:
            token = portal.token(portal.way_back())
            code = code_of(portal.way_back())
            gateway.kill()
            gateway.start()
            assert portal.check(token)["national_id"] == HOA
            assert portal.exchange(code).status_code == 200
        finally:
            portal.close()
        key = next(gateway.data.glob("*.pem"))
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


class TestAuthorisationRequest:
    @pytest.mark.parametrize(
        "redirect_uri",
        [
            None,
            "http://127.0.0.1:8000/vneid/callback/",
            "http://127.0.0.1:8000/vneid/callback?x=1",
            "http://127.0.0.1:8000/vneid/callback/../evil",
            "http://127.0.0.1:8001/vneid/callback",
            "http://localhost:8000/vneid/callback",
            "https://evil.example/vneid/callback",
            "HTTP://127.0.0.1:8000/vneid/callback",
        ],
    )
    def test_from_another_address_goes_nowhere(self, portal: RelyingParty, redirect_uri: str | None):
        answer = portal.browser.get(portal.address(redirect_uri=redirect_uri))
        assert answer.status_code == 400
        assert "location" not in answer.headers

    def test_from_another_client_goes_nowhere(self, portal: RelyingParty):
        answer = portal.browser.get(portal.address(client_id="another"))
        assert (answer.status_code, "location" in answer.headers) == (400, False)

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge_method": None}, "invalid_request"),
            ({"code_challenge": "short"}, "invalid_request"),
            ({"nonce": None}, "invalid_request"),
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"response_type": "code id_token"}, "unsupported_response_type"),
            ({"prompt": "none"}, "login_required"),
        ],
        ids=str,
    )
    def test_with_a_fault_is_sent_back(self, portal: RelyingParty, changes: dict[str, str | None], error: str):
        answer = portal.browser.get(portal.address(**changes))
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{REDIRECT_URI}?")
        assert f"error={error}" in answer.headers["location"]
        assert f"state={portal.state}" in answer.headers["location"]

    def test_is_checked_again_when_the_form_comes(self, portal: RelyingParty):
        content = {"national_id": HOA, "passcode": "120344", "consent": "yes", "decision": "allow"}
        answer = portal.browser.post(portal.address(redirect_uri="https://evil.example/"), data=content)
        assert (answer.status_code, "location" in answer.headers) == (400, False)


class TestCode:
    def test_works_once_and_its_second_use_ends_the_token(self, portal: RelyingParty):
        code = code_of(portal.way_back())
        first = portal.exchange(code)
        assert portal.userinfo(first.json()["access_token"]).status_code == 200
        second = portal.exchange(code)
        assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
        assert portal.userinfo(first.json()["access_token"]).status_code == 401

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"code_verifier": None}, 400),
            ({"code_verifier": "a" * 64}, 400),
            ({"redirect_uri": None}, 400),
            ({"redirect_uri": "http://127.0.0.1:8000/other"}, 400),
            ({"client_secret": "wrong"}, 401),
            ({"client_secret": ""}, 401),
            ({"client_secret": None}, 401),
            ({"client_id": "another"}, 400),
            ({"grant_type": "password"}, 400),
            ({"code": "another"}, 400),
        ],
        ids=str,
    )
    def test_is_refused_with_anything_wrong(self, portal: RelyingParty, changes: dict[str, str | None], status: int):
        answer = portal.exchange(code_of(portal.way_back()), **changes)
        assert answer.status_code == status
        assert answer.json()["error"]
        assert "id_token" not in answer.text

    def test_shown_wrongly_is_used_up(self, portal: RelyingParty):
        code = code_of(portal.way_back())
        assert portal.exchange(code, code_verifier="a" * 64).status_code == 400
        assert portal.exchange(code).json()["error"] == "invalid_grant"

    def test_is_gone_after_a_minute(self, own_gateway: Any):
        gateway: Gateway = own_gateway()
        portal = RelyingParty(gateway)
        try:
            code = code_of(portal.way_back())
            gateway.stop()
            _age_codes(gateway, seconds=61)
            gateway.start()
            assert portal.exchange(code).json()["error"] == "invalid_grant"
        finally:
            portal.close()

    def test_without_a_configured_secret_nobody_gets_a_token(self, own_gateway: Any):
        portal = RelyingParty(own_gateway(MOCK_GATEWAY_VNEID_CLIENT_SECRET=""))
        try:
            for given in ("", CLIENT_SECRET, None):
                assert portal.exchange(code_of(portal.way_back()), client_secret=given).status_code == 401
        finally:
            portal.close()


def _age_codes(gateway: Gateway, *, seconds: int) -> None:
    """Sign-in runs by wall clock, which a test cannot shift: what is stored grows older instead."""
    import sqlite3

    connection = sqlite3.connect(gateway.data / "gateway.sqlite3")
    changed = connection.execute("UPDATE vneid_codes SET expires_at = expires_at - ?", (seconds,)).rowcount
    connection.commit()
    connection.close()
    assert changed == 1


class TestUserinfo:
    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic abc"])
    def test_wants_a_token(self, portal: RelyingParty, header: str):
        answer = portal.browser.get(portal.metadata["userinfo_endpoint"], headers={"authorization": header})
        assert (answer.status_code, "www-authenticate" in answer.headers) == (401, True)


class TestHostileProvider:
    """The faults are for the portal's security tests; here each is shown to be what it says, against a careful portal."""

    REASONS = {
        "wrong_nonce": "nonce",
        "missing_nonce": "nonce",
        "wrong_audience": "aud",
        "wrong_issuer": "iss",
        "expired": "expired",
        "alg_none": "alg",
        "hs256_public_key": "alg",
        "unknown_kid": "key",
        "wrong_signature": "signature",
        "other_sub_in_userinfo": "somebody else",
    }

    @pytest.mark.parametrize("fault", ID_TOKEN_FAULTS)
    def test_is_caught_for_the_right_reason(self, portal: RelyingParty, gateway: Gateway, fault: str):
        gateway.control.faults(options={"id_token": fault})
        token = portal.token(portal.way_back())
        with pytest.raises((JoseError, ValueError, PermissionError)) as caught:
            portal.check(token)
        assert self.REASONS[fault] in f"{type(caught.value).__name__} {caught.value}".lower()

    def test_ends_with_the_fault(self, portal: RelyingParty, gateway: Gateway):
        gateway.control.faults(options={"id_token": "expired"})
        gateway.control.faults()
        assert portal.check(portal.token(portal.way_back()))["national_id"] == HOA


class TestEndSession:
    def test_returns_to_a_registered_address(self, portal: RelyingParty):
        token = portal.token(portal.way_back())
        answer = portal.browser.get(
            portal.metadata["end_session_endpoint"],
            params={
                "id_token_hint": token["id_token"],
                "post_logout_redirect_uri": "http://127.0.0.1:8000/",
                "state": "a&b",
            },
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "http://127.0.0.1:8000/?state=a%26b")

    @pytest.mark.parametrize(
        "query",
        [
            {"post_logout_redirect_uri": "http://127.0.0.1:8000/"},
            {"client_id": "welfare-portal", "post_logout_redirect_uri": "https://evil.example/"},
            {"id_token_hint": "a.b.c", "post_logout_redirect_uri": "http://127.0.0.1:8000/"},
            {"client_id": "another", "post_logout_redirect_uri": "http://127.0.0.1:8000/"},
        ],
        ids=str,
    )
    def test_goes_nowhere_else(self, portal: RelyingParty, query: dict[str, str]):
        answer = portal.browser.get(portal.metadata["end_session_endpoint"], params=query)
        assert (answer.status_code, "location" in answer.headers) == (400, False)

    def test_says_so_where_no_way_back_was_named(self, portal: RelyingParty):
        assert portal.browser.get(portal.metadata["end_session_endpoint"]).status_code == 200


class TestScreen:
    def test_works_without_scripts_and_loads_nothing_from_elsewhere(self, portal: RelyingParty):
        answer = portal.browser.get(portal.address())
        page = Page(answer.text)
        assert page.all("script") == []
        assert {tag.get("href") for tag in page.all("link")} == {"style.css", "icon.svg"}
        assert {tag.get("src") for tag in page.all("img")} == {"icon.svg"}
        assert all(not str(tag.get("href")).startswith("http") for tag in page.all("a"))
        assert portal.browser.get(f"{portal.issuer}/style.css").headers["content-type"].startswith("text/css")
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self' http://127.0.0.1:8000" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"

    def test_names_every_field_and_ticks_nothing(self, portal: RelyingParty):
        page = Page(portal.browser.get(portal.address()).text)
        fields = [item for item in page.all("input", "select") if item.get("type") != "hidden"]
        labels = {item["for"] for item in page.all("label")}
        assert {item["id"] for item in fields} <= labels
        assert all("checked" not in item for item in fields)
        assert page.all("html") == [{"lang": "vi"}]

    def test_fills_in_a_citizen_who_was_chosen_and_shows_the_passcode(self, portal: RelyingParty):
        first = portal.browser.get(portal.address()).text
        assert "120344" not in first
        chosen = next(str(item["href"]) for item in Page(first).all("a") if HOA in str(item["href"]))
        text = portal.browser.get(f"{portal.issuer}/{chosen}").text
        assert "120344" in text
        assert f'value="{HOA}"' in text

    def test_shows_what_was_typed_as_text(self, portal: RelyingParty):
        answer = portal.submit(national_id='"><script>alert(1)</script>')
        assert "<script>" not in answer.text


def test_authlibs_client_sees_a_refused_code(portal: RelyingParty):
    way_back = portal.way_back()
    portal.token(way_back)
    with pytest.raises((OAuthError, OAuth2Error), match="invalid_grant"):
        portal.token(way_back)
