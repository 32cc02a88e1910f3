"""Officers sign in: password, second factor, throttle; what must be set up first, and what ends a session."""

import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.test import Client

from foundation.audit.models import AuditEvent
from foundation.users.models import User
from foundation.users.roles import Role
from foundation.users.sessions import BEGAN, SEEN
from tests.factories import make_citizen, make_staff

pytestmark = pytest.mark.django_db
PASSWORD = "Mot-mat-khau-that-dai-2026"
LOGIN = "/can-bo/dang-nhap"


@pytest.fixture
def officer(settings: Any) -> User:
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MFA_REQUIRED = False
    user = make_staff(Role.PREPARER, username="canbo")
    user.set_password(PASSWORD)
    user.save()
    return user


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def sign_in(client: Client, password: str = PASSWORD, name: str = "canbo") -> Any:
    return client.post(LOGIN, {"login": name, "password": password})


def code_of(secret: str) -> str:
    """What the officer's authenticator app shows now."""
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30)))


def set_up_totp(user: User) -> str:
    """A second factor as the page would set it up; returns the secret."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    return secret


class TestPassword:
    def test_lets_an_officer_in_and_writes_it_down(self, client: Client, officer: User) -> None:
        answer = sign_in(client)
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert AuditEvent.objects.filter(kind="staff.signed_in", actor_id=officer.pk).count() == 1

    @pytest.mark.parametrize(("name", "password"), [("canbo", "sai"), ("khong-co", PASSWORD), ("canbo", ""), ("", "")])
    def test_says_the_same_of_a_wrong_name_and_a_wrong_password(
        self, client: Client, officer: User, name: str, password: str
    ) -> None:
        answer = sign_in(client, password, name)
        assert answer.status_code == 200
        assert not signed_in(client)
        if name and password:
            assert (
                "Tên người dùng và/hoặc mật khẩu" in answer.content.decode() or "không đúng" in answer.content.decode()
            )

    def test_is_tried_five_times_in_five_minutes_at_most(self, client: Client, officer: User) -> None:
        for _ in range(5):
            sign_in(client, "sai")
        answer = sign_in(client)
        assert not signed_in(client)
        assert answer.status_code in (200, 429)

    def test_does_not_let_a_citizen_or_one_who_left_in(self, client: Client, officer: User) -> None:
        officer.is_active = False
        officer.save()
        sign_in(client)
        assert not signed_in(client)

    def test_nobody_makes_himself_an_officer(self, client: Client) -> None:
        for path in ("/can-bo/dang-ky", "/accounts/signup/", "/can-bo/signup/"):
            assert client.get(path).status_code == 404


class TestCitizens:
    """VNeID is their only way in: a password or key of the portal's own would outlive a revoked e-ID."""

    @pytest.mark.parametrize(
        "path",
        [
            "/can-bo/dang-nhap",
            "/can-bo/doi-mat-khau",
            "/can-bo/xac-nhan",
            "/can-bo/bao-mat/",
            "/can-bo/bao-mat/totp/activate/",
            "/can-bo/bao-mat/webauthn/",
            "/can-bo/bao-mat/webauthn/add/",
            "/can-bo/bao-mat/recovery-codes/generate/",
        ],
    )
    def test_set_up_no_other_way_in(self, client: Client, path: str) -> None:
        client.force_login(make_citizen())
        assert client.get(path).status_code == 403
        assert client.post(path, {}).status_code == 403
        assert not Authenticator.objects.exists()

    def test_are_not_let_in_by_a_password(self, client: Client, officer: User) -> None:
        citizen = make_citizen()
        citizen.set_password(PASSWORD)
        citizen.save()
        answer = sign_in(client, name=citizen.username)
        assert answer.status_code == 403
        assert not signed_in(client)


class TestOneOffice:
    def test_a_clumsy_colleague_shuts_nobody_out(self, client: Client, officer: User) -> None:
        for _ in range(14):
            sign_in(client, "sai", "totruong")
        sign_in(client)
        assert signed_in(client)


class TestSecondFactor:
    def test_is_asked_for_once_it_is_set_up(self, client: Client, officer: User) -> None:
        secret = set_up_totp(officer)
        answer = sign_in(client)
        assert answer["Location"].startswith("/can-bo/bao-mat/authenticate/")
        assert not signed_in(client)
        assert client.post("/can-bo/bao-mat/authenticate/", {"code": "000000"}).status_code == 200
        assert not signed_in(client)
        client.post("/can-bo/bao-mat/authenticate/", {"code": code_of(secret)})
        assert signed_in(client)

    def test_lies_encrypted(self, officer: User) -> None:
        secret = set_up_totp(officer)
        assert secret not in repr(Authenticator.objects.values())

    def test_must_be_set_up_before_anything_else_outside_the_demonstration(
        self, client: Client, officer: User, settings: Any
    ) -> None:
        settings.MFA_REQUIRED = True
        sign_in(client)
        answer = client.get("/can-bo/dot-chi/")
        assert (answer.status_code, answer["Location"]) == (302, "/can-bo/bao-mat/")
        set_up_totp(officer)
        assert client.get("/can-bo/dot-chi/").status_code == 200


class TestWhatABrowserKeeps:
    @pytest.mark.parametrize(
        "path",
        [
            "/can-bo/bao-mat/",
            "/can-bo/doi-mat-khau",
            "/can-bo/dot-chi/",
            "/api/v1/batches/",
            "/can-bo/bao-mat/webauthn/",
        ],
    )
    def test_is_nothing_that_somebody_saw(self, client: Client, officer: User, path: str) -> None:
        client.force_login(officer)
        answer = client.get(path)
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]


class TestSession:
    def test_ends_after_a_quarter_of_an_hour_without_a_sign_of_life(self, client: Client, officer: User) -> None:
        client.force_login(officer)
        client.get("/con-day")
        session = client.session
        session[SEEN] = int(time.time()) - 16 * 60
        session.save()
        assert client.get("/con-day").status_code == 401

    def test_ends_after_eight_hours_however_busy(self, client: Client, officer: User) -> None:
        client.force_login(officer)
        client.get("/con-day")
        session = client.session
        session[BEGAN] = int(time.time()) - 8 * 3600 - 1
        session.save()
        assert client.get("/con-day").status_code == 401

    def test_is_not_kept_alive_by_a_page_that_asks_by_itself(self, client: Client, officer: User) -> None:
        client.force_login(officer)
        client.get("/con-day")
        session = client.session
        session[SEEN] = long_ago = int(time.time()) - 10 * 60
        session.save()
        client.get("/con-day", headers={"X-Asked-By-Page": "1"})
        assert client.session[SEEN] == long_ago
        client.get("/con-day")
        assert client.session[SEEN] > long_ago

    def test_a_form_sent_after_its_end_gets_words_and_changes_nothing(self, client: Client) -> None:
        answer = client.post("/can-bo/dot-chi/")
        assert answer.status_code in (401, 405)

    def test_ends_everywhere_when_the_password_changes(self, client: Client, officer: User) -> None:
        client.force_login(officer)
        officer.set_password("Mot-mat-khau-khac-2026")
        officer.save()
        assert client.get("/con-day").status_code == 401
