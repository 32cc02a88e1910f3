"""A citizen registers an account through the pages: step by step, with every answer that a bank can give."""

from html import unescape
from typing import Any

import pytest
from django.test import Client

from beneficiaries import tasks
from beneficiaries.models import AccountDraft, Consent, PayoutAccount, Person
from foundation.users.models import User
from tests.beneficiaries.registering import AT_BANK, NAME, NUMBER, Bank
from tests.factories import VCB, make_citizen, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch) -> Bank:
    """The bank that the worker asks."""
    bank = Bank()
    monkeypatch.setattr(tasks, "gateway", lambda: bank)
    return bank


@pytest.fixture
def person() -> Person:
    return make_person(NAME)


@pytest.fixture
def user(person: Person) -> User:
    return make_citizen(person)


class Browser:
    """A citizen at the pages, who reads what stands there and sends the forms that he sees."""

    def __init__(self, user: User) -> None:
        self.client = Client(enforce_csrf_checks=False)
        self.client.force_login(user)

    def read(self, path: str, *, status: int = 200, **headers: str) -> str:
        answer = self.client.get(f"/dang-ky/{path}", headers=headers)
        assert answer.status_code == status, (path, answer.status_code, answer.headers.get("Location"))
        return unescape(answer.content.decode())

    def hidden(self, path: str) -> dict[str, str]:
        """The hidden fields of a page's form."""
        answer = self.client.get(f"/dang-ky/{path}")
        assert answer.status_code == 200, (path, answer.headers.get("Location"))
        if "seen" in (answer.context or {}):
            return {"reference": answer.context["draft"].reference, "seen": answer.context["seen"]}
        form = answer.context["form"]
        return {field.html_name: str(field.value()) for field in form.hidden_fields()}

    def send(self, path: str, to: str | None = None, **fields: str) -> Any:
        """Fill in the form of a page and send it."""
        return self.client.post(f"/dang-ky/{to or path}", self.hidden(path) | fields)

    def begin(self) -> None:
        assert self.client.post("/dang-ky/")["Location"] == "/dang-ky/thong-tin"

    def to_answer(self, number: str = NUMBER, *, at: str = VCB) -> str:
        """From the start to what the bank said."""
        self.begin()
        assert self.send("ngan-hang", bank=at)["Location"] == "/dang-ky/so-tai-khoan"
        assert self.send("so-tai-khoan", number=number)["Location"] == "/dang-ky/ten-chu-tai-khoan"
        tasks.drain(budget_seconds=5)
        return self.read("ten-chu-tai-khoan")

    def to_check(self, number: str = NUMBER, *, at: str = VCB) -> str:
        self.to_answer(number, at=at)
        assert self.send("dong-y", agreed="on")["Location"] == "/dang-ky/kiem-tra"
        return self.read("kiem-tra")

    def register(self, number: str = NUMBER, *, at: str = VCB) -> str:
        """All of it; the result page."""
        self.to_check(number, at=at)
        sent = self.send("kiem-tra", to="gui")
        assert sent.status_code == 302, sent.content.decode()
        return self.read(sent["Location"].removeprefix("/dang-ky/"))


@pytest.fixture
def browser(user: User) -> Browser:
    return Browser(user)


class TestWholeWay:
    def test_from_the_start_to_the_receipt(self, browser: Browser, bank: Bank, person: Person) -> None:
        assert "Bắt đầu" in browser.read("")
        assert AT_BANK in browser.to_answer()
        check = browser.to_check()
        assert NUMBER in check
        assert "Tài khoản được dùng ngay" in check
        result = browser.register()
        account = PayoutAccount.objects.get()
        assert str(account.reference) in result
        assert "Đang dùng để nhận tiền" in result
        assert NUMBER not in result
        assert account.state == "ACTIVE"
        assert Consent.objects.get().person == person
        assert not AccountDraft.objects.exists()
