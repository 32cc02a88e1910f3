"""Ways through the portal that more than one test goes: each begins at the first page and ends where the next one starts."""

import re

from playwright.sync_api import Browser, expect

from tests.browser.city import City
from tests.browser.visitor import Visitor

# What the page of the bank's answer says once it is there.
ANSWERED = re.compile("Tài khoản này có phải của ông, bà không|Chưa dùng được tài khoản này")
LOOKS = 400  # how often somebody without a script looks for the answer: the worker is woken at once


def sign_in(city: City, browser: Browser, width: int, script: bool, national_id: str) -> Visitor:
    """A citizen of the demonstration at his own page."""
    visitor = Visitor(browser, city.portal, width=width, script=script)
    visitor.sign_in_citizen(national_id)
    visitor.page.wait_for_url("**/cua-toi/")
    return visitor


def enter_account(visitor: Visitor, bank_name: str, number: str) -> None:
    """From the citizen's own page to the bank's answer."""
    visitor.press("Đăng ký tài khoản nhận tiền")
    visitor.look("register-start")
    visitor.press("Bắt đầu")
    visitor.page.wait_for_url("**/dang-ky/thong-tin")
    visitor.look("register-details")
    visitor.press("Đúng, tiếp tục")
    choose_bank(visitor, bank_name)
    visitor.look("register-number")
    type_number(visitor, number)


def choose_bank(visitor: Visitor, bank_name: str) -> None:
    """One of the most used, or from the list of all."""
    page = visitor.page
    page.wait_for_url("**/dang-ky/ngan-hang*")
    visitor.look("register-bank")
    most_used = page.get_by_label(bank_name, exact=True)
    if most_used.count():
        most_used.check()
    else:
        page.get_by_label("Ngân hàng hoặc ví khác").check()
        listed = page.locator("#id_other option", has_text=re.compile(rf"^{re.escape(bank_name)}( |$)"))
        page.locator("#id_other").select_option(listed.first.get_attribute("value"))
        visitor.look("register-bank-other")
    visitor.press("Tiếp tục")
    page.wait_for_url("**/dang-ky/so-tai-khoan*")


def type_number(visitor: Visitor, number: str) -> None:
    """The number, and what the bank says of it."""
    visitor.page.get_by_label("Số tài khoản").fill(number)
    visitor.press("Tiếp tục")
    visitor.page.wait_for_url("**/dang-ky/ten-chu-tai-khoan")
    wait_for_answer(visitor)


def wait_for_answer(visitor: Visitor) -> None:
    """The page asks by itself; without a script, somebody presses the link."""
    heading = visitor.page.locator("h1")
    if visitor.script:
        expect(heading).to_have_text(ANSWERED, timeout=30_000)
        return
    for _ in range(LOOKS):
        if ANSWERED.search(heading.inner_text()):
            return
        visitor.press("Xem kết quả")
    raise AssertionError("the bank does not answer")


def agree_and_send(visitor: Visitor) -> None:
    """From the bank's answer to the receipt."""
    visitor.look("register-holder")
    visitor.press("Đúng, tiếp tục")
    visitor.page.wait_for_url("**/dang-ky/dong-y")
    box = visitor.page.get_by_label("Tôi đã đọc và đồng ý")
    assert not box.is_checked()
    visitor.look("register-consent")
    box.check()
    visitor.press("Tiếp tục")
    visitor.page.wait_for_url("**/dang-ky/kiem-tra")
    visitor.look("register-check")
    visitor.press("Gửi đăng ký")
    visitor.page.wait_for_url("**/dang-ky/ket-qua/*")
    visitor.look("register-result")


def register_account(
    city: City, browser: Browser, width: int, script: bool, national_id: str, bank_name: str, number: str
) -> Visitor:
    """A citizen of the demonstration signs in and registers an account; he stands at his receipt."""
    visitor = sign_in(city, browser, width, script, national_id)
    enter_account(visitor, bank_name, number)
    agree_and_send(visitor)
    return visitor
