"""A citizen registers an account in a real browser: old phone, wide screen, and without a script."""

import pytest
from playwright.sync_api import Browser

from beneficiaries.models import AccountDraft, Payee, PayoutAccount
from tests.browser.city import City
from tests.browser.journeys import agree_and_send, enter_account, register_account, sign_in
from tests.browser.visitor import Visitor
from tests.factories import approve, build_batch, make_account, make_entitlement, make_office, make_person
from tests.payments.months import child_with_guardian

HOA, QUY, LINH = "079144100238", "079048800733", "079301013364"


@pytest.mark.parametrize(("width", "script"), [(390, True), (1280, True), (390, False)])
def test_registers_an_account_and_takes_it_back(browser: Browser, office: City, width: int, script: bool) -> None:
    hoa = register_account(office, browser, width, script, HOA, "Vietcombank", "0071 0001 23456")
    account = PayoutAccount.objects.get()
    assert (account.state, account.holder_name) == ("ACTIVE", "NGUYEN THI HOA")
    assert str(account.reference) in hoa.text()
    assert "0071000123456" not in hoa.page.content()
    receipt = hoa.page.url
    hoa.open("/cua-toi/")
    hoa.look("home-active")
    assert "Đang dùng để nhận tiền" in hoa.text()
    hoa.press("Lịch sử đăng ký")
    hoa.look("history")
    hoa.press("Huỷ tài khoản này Vietcombank")
    hoa.look("withdraw")
    hoa.press("Huỷ tài khoản này")
    hoa.page.wait_for_url("**/cua-toi/")
    hoa.look("home-withdrawn")
    account.refresh_from_db()
    assert account.state == "REVOKED"
    hoa.page.goto(receipt)
    assert "Ông, bà đã huỷ" in hoa.text()
    hoa.open("/cua-toi/khoan-chi/")
    hoa.look("payments-none")
    hoa.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_follows_payments_to_the_account(browser: Browser, office: City, width: int) -> None:
    paid, refused = make_person("Nguyễn Thị Hoa", national_id=HOA), make_person("Lý Mỹ Linh", national_id=LINH)
    for person, number in ((paid, "0071000123456"), (refused, "0071000009901")):
        make_account(Payee.objects.create(person=person), number=number)
        make_entitlement(person)
    child_with_guardian(Payee.objects.get(person=paid))
    ward = make_office()
    approve(ward, build_batch(ward))
    hoa = sign_in(office, browser, width, True, HOA)
    open_until(hoa, "/cua-toi/", "Tiền đã vào tài khoản")
    hoa.look("home-paid")
    hoa.press("Xem tất cả các khoản tiền")
    hoa.look("payments")
    hoa.page.locator(".welfare-payments__one a").first.click()
    hoa.page.wait_for_url("**/khoan-chi/*/")
    hoa.look("payment")
    assert "1.300.000\u00a0đ" in hoa.text()
    hoa.page.emulate_media(media="print")
    assert not hoa.page.get_by_role("button", name="In trang này").is_visible()
    hoa.close()
    linh = sign_in(office, browser, width, True, LINH)
    open_until(linh, "/cua-toi/", "Ngân hàng không chuyển được")
    linh.look("home-failed")
    linh.page.locator(".welfare-payments__one a").first.click()
    linh.page.wait_for_url("**/khoan-chi/*/")
    linh.look("payment-failed")
    assert "Tài khoản đã đóng" in linh.text()
    linh.close()


def open_until(visitor: Visitor, path: str, words: str) -> None:
    """Open a page again and again, as people do, until it tells what the worker has done."""
    for _ in range(300):
        visitor.open(path)
        if words in visitor.text():
            return
    raise AssertionError(f"{path} never says {words}")


def test_a_near_name_goes_to_an_officer(browser: Browser, office: City) -> None:
    quy = sign_in(office, browser, 390, True, QUY)
    quy.look("home-empty")
    enter_account(quy, "Sacombank", "060200109948")
    assert "HUYNH NGOC QUI" in quy.text()
    assert "Cán bộ phường, xã sẽ xem lại" in quy.text()
    agree_and_send(quy)
    assert "Chờ cán bộ xem lại" in quy.text()
    assert PayoutAccount.objects.get().state == "REVIEW"
    quy.open("/cua-toi/")
    quy.look("home-review")
    quy.close()


def test_a_name_that_differs_is_told_with_what_to_do(browser: Browser, office: City) -> None:
    linh = sign_in(office, browser, 390, True, LINH)
    enter_account(linh, "Techcombank", "19037654329941")
    linh.look("register-refused")
    assert "Tên chủ tài khoản khác với tên trên căn cước" in linh.text()
    assert not PayoutAccount.objects.exists()
    linh.press("Lưu lại, làm tiếp sau")
    linh.page.wait_for_url("**/cua-toi/")
    linh.look("home-refused")
    linh.press("Tiếp tục đăng ký.*", exact=False)
    linh.page.wait_for_url("**/dang-ky/ten-chu-tai-khoan")
    linh.press("Dùng tài khoản khác")
    linh.page.wait_for_url("**/dang-ky/ngan-hang")
    linh.press("Tiếp tục")
    linh.page.get_by_label("Số tài khoản").fill("4111 1111 1111 1111")
    linh.press("Tiếp tục")
    assert linh.page.title().startswith("Lỗi:")
    linh.look("register-number-wrong")
    assert AccountDraft.objects.get().state == "REFUSED"
    linh.close()
