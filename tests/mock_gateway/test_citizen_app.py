"""The VNeID app: a citizen chooses or removes the account, step by step, without scripts."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.mock_gateway.conftest import Gateway
from tests.mock_gateway.portal import eventually, new_id
from tests.mock_gateway.relying_party import HOA, PASSCODE, Page


class Phone:
    """A citizen with a browser."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.browser = httpx2.Client(base_url=gateway.url, timeout=10, trust_env=False, follow_redirects=True)

    def sign_in(self, national_id: str = HOA, passcode: str = PASSCODE) -> httpx2.Response:
        content = {"action": "sign-in", "national_id": national_id, "passcode": passcode}
        return self.browser.post("/vneid/app", data=content)

    def act(self, action: str, **content: str) -> httpx2.Response:
        token = Page(self.browser.get("/vneid/app").text).hidden("form_token")
        return self.browser.post("/vneid/app", data={"action": action, "form_token": token, **content})

    def link(self, **changes: str) -> httpx2.Response:
        content = {"bank_bin": "970436", "account_number": "0071 0001 23456", "consent": "yes"} | changes
        return self.act("link", **content)


@pytest.fixture
def phone(gateway: Gateway) -> Iterator[Phone]:
    phone = Phone(gateway)
    yield phone
    phone.browser.close()


def live(gateway: Gateway) -> list[str]:
    return [row["account_number"] for row in gateway.control.rows("/links") if row["status"] == "LINKED"]


def test_links_changes_and_removes(phone: Phone, gateway: Gateway):
    page = phone.sign_in()
    assert "Nguyễn Thị Hoa" in page.text
    assert "Chưa có tài khoản nào" in page.text

    assert "Đã liên kết" in phone.link().text
    assert live(gateway) == ["0071000123456"]
    assert "Đã liên kết" in phone.link(account_number="0071000129910").text
    assert live(gateway) == ["0071000129910"]
    assert "Đã hủy liên kết" in phone.act("remove").text
    assert live(gateway) == []

    told = eventually(lambda: gateway.receiver.deliveries("account.removed", HOA))
    assert told[0].content["data"]["account_number"] == "0071000129910"
    history = phone.browser.get("/vneid/app").text
    assert history.count("Thành công") == 2


def test_tells_the_reason_of_a_refusal_and_keeps_what_was_typed(phone: Phone, gateway: Gateway):
    phone.sign_in()
    answer = phone.link(account_number="0071000129943")
    assert answer.status_code == 422
    assert "Tài khoản đã đóng" in answer.text
    assert 'value="0071000129943"' in answer.text
    assert live(gateway) == []


@pytest.mark.parametrize("missing", [{"consent": ""}, {"bank_bin": ""}, {"account_number": " "}], ids=str)
def test_asks_for_what_is_missing(phone: Phone, gateway: Gateway, missing: dict[str, str]):
    phone.sign_in()
    answer = phone.link(**missing)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert live(gateway) == []


def test_level_1_is_sent_to_the_ward_police(phone: Phone):
    phone.sign_in("079079500642", "150979")
    answer = phone.link(bank_bin="970416", account_number="24681357")
    assert "công an phường" in answer.text


def test_removing_nothing_says_so(phone: Phone):
    phone.sign_in()
    assert phone.act("remove").status_code == 422


class TestSession:
    def test_needs_the_passcode(self, phone: Phone):
        answer = phone.sign_in(passcode="000000")
        assert answer.status_code == 422
        assert "Thông tin của tôi" not in answer.text

    def test_a_form_from_elsewhere_does_nothing(self, phone: Phone, gateway: Gateway):
        phone.sign_in()
        content = {"action": "link", "bank_bin": "970436", "account_number": "0071000123456", "consent": "yes"}
        assert phone.browser.post("/vneid/app", data=content).status_code == 403
        assert phone.browser.post("/vneid/app", data={**content, "form_token": "guess"}).status_code == 403
        assert live(gateway) == []

    def test_a_made_up_cookie_is_nobody(self, phone: Phone):
        for cookie in ("", "x", f"{HOA}.99999999999.{'0' * 64}", f"{HOA}..", "...."):
            text = phone.browser.get("/vneid/app", headers={"cookie": f"vneid_app={cookie}"}).text
            assert "Thông tin của tôi" not in text

    def test_the_cookie_is_closed_to_scripts_and_other_sites(self, phone: Phone):
        phone.browser.follow_redirects = False
        cookie = phone.sign_in().headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/vneid/app" in cookie

    def test_ends_with_signing_out(self, phone: Phone):
        phone.sign_in()
        assert "Đăng nhập" in phone.act("sign-out").text
        assert "Thông tin của tôi" not in phone.browser.get("/vneid/app").text


def test_every_field_is_named_and_nothing_is_ticked(phone: Phone):
    page = Page(phone.sign_in().text)
    fields = [item for item in page.all("input", "select") if item.get("type") != "hidden"]
    assert {item["id"] for item in fields} <= {item["for"] for item in page.all("label")}
    assert all("checked" not in item for item in fields)
    assert page.all("script") == []


def test_shows_what_the_portal_told_and_to_nobody_else(phone: Phone, gateway: Gateway):
    message_id = new_id()
    told = {
        "notice_id": f"n-{message_id}",
        "national_id": HOA,
        "phone_numbers": [],
        "title": "Tài khoản nhận tiền sắp được đổi",
        "text": "Từ 09:00 <b>ngày</b> 28/11/2026 & sau đó.",
    }
    content = {"message_id": message_id, "notices": [told]}
    assert gateway.bank.call("POST", "/notices", content, webhook_id=message_id).status_code == 200
    page = phone.sign_in().text
    assert "Tài khoản nhận tiền sắp được đổi" in page
    assert "&lt;b&gt;ngày&lt;/b&gt; 28/11/2026 &amp; sau đó." in page
    assert "sắp được đổi" not in phone.sign_in("079040200517", "194040").text
