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


# --- Officers ---
def run_officer_journey(city: City, browser: Browser, width: int, script: bool) -> int:
    """A ward's month from its list to the bank's last answer: import, confirm, build, submit, approve, follow.

    Ends with every payment by bank at its end, cash still open; returns the batch's id.
    """
    preparer = Visitor(browser, city.portal, width=width, script=script)
    preparer.sign_in_officer("canbo.lap")
    preparer.look("officer-home-empty")
    bring_list(city, preparer)
    approver = Visitor(browser, city.portal, width=width, script=script)
    approver.sign_in_officer("lanhdao.duyet")
    confirm_accounts(approver)
    batch_id = build_and_submit(preparer)
    approve_batch(approver, batch_id)
    follow_batch(preparer, batch_id)
    preparer.open("/can-bo/")
    preparer.look("officer-home")
    preparer.close()
    approver.close()
    return batch_id


def bring_list(city: City, preparer: Visitor) -> None:
    """The ward's list of the month, checked and written."""
    page = preparer.page
    preparer.open("/can-bo/danh-sach/")
    preparer.look("imports-empty")
    preparer.press("Nhập danh sách")
    preparer.look("import-new")
    preparer.press("Kiểm tra")
    expect(page).to_have_title(re.compile("^Lỗi:"))
    preparer.look("import-new-wrong")
    page.locator("[name=period]").select_option("2026-11")
    page.locator("[name=file]").set_input_files(city.list_path)
    preparer.press("Kiểm tra")
    page.wait_for_url(re.compile(r"/can-bo/danh-sach/\d+/"))
    preparer.look("import-preview")
    preparer.press("Ghi vào sổ")
    expect(page.get_by_text("đã ghi vào sổ lúc")).to_be_visible()
    preparer.look("import-written")
    preparer.open("/can-bo/danh-sach/")
    preparer.look("imports")


def confirm_accounts(approver: Visitor) -> None:
    """What the banks found in order, once they have answered; near matches are looked at."""
    page = approver.page
    approver.open("/can-bo/tai-khoan/")
    approver.look("accounts-waiting")
    if approver.script:
        expect(page.locator("#account-figures[hx-get]")).to_have_count(0, timeout=60_000)
        approver.open("/can-bo/tai-khoan/")
    for _ in range(LOOKS):
        if not page.get_by_text("Ngân hàng đang trả lời").count():
            break
        approver.press("Tải lại danh sách")
        page.wait_for_load_state()
    approver.look("accounts-ready")
    approver.press("^Xác nhận .* tài khoản khớp tên$", exact=False)
    expect(page.get_by_text("Không còn tài khoản nào chờ xác nhận.")).to_be_visible()
    approver.look("accounts-confirmed")


def build_and_submit(preparer: Visitor) -> int:
    """The month's batch, built by the worker, looked through and submitted."""
    page = preparer.page
    preparer.open("/can-bo/dot-chi/")
    preparer.look("batches-empty")
    preparer.press("Lập đợt chi")
    preparer.look("batch-new")
    page.locator("[name=period]").select_option("2026-11")
    preparer.press("Lập danh sách chi")
    page.wait_for_url(re.compile(r"/can-bo/dot-chi/\d+/$"))
    batch_id = int(page.url.rstrip("/").rpartition("/")[2])
    look_again_until(preparer, batch_id, "Trình duyệt")
    preparer.look("batch-draft")
    for part, name in (("danh-sach", "list"), ("khong-chi", "excluded"), ("thay-doi", "changes")):
        preparer.open(f"/can-bo/dot-chi/{batch_id}/{part}")
        preparer.look(f"batch-{name}")
    preparer.press("Trình duyệt")
    page.wait_for_url("**/trinh")
    preparer.look("batch-submit")
    preparer.press("Trình duyệt")
    expect(page.get_by_text("Đã trình phê duyệt.")).to_be_visible()
    preparer.look("batch-submitted")
    return batch_id


def approve_batch(approver: Visitor, batch_id: int) -> None:
    """The total typed, first wrong, and the approver asked who he is."""
    page = approver.page
    approver.open("/can-bo/")
    approver.look("officer-home-to-approve")
    approver.press("Xem và duyệt")
    page.wait_for_url("**/duyet")
    approver.look("batch-approve")
    total = page.locator(".welfare-big").inner_text()
    page.fill("[name=total]", "1.000")
    approver.press("Duyệt chi")
    expect(page.get_by_text("không đúng với tổng").first).to_be_visible()
    approver.look("batch-approve-wrong")
    page.fill("[name=total]", total)
    approver.press("Duyệt chi")
    approver.page.wait_for_url("**/can-bo/xac-nhan**")
    approver.look("batch-approve-who")
    approver.confirm_password()
    page.wait_for_url(f"**/can-bo/dot-chi/{batch_id}/")
    expect(page.get_by_text("Đã duyệt. Tiền được giữ")).to_be_visible()
    approver.look("batch-approved")


def follow_batch(visitor: Visitor, batch_id: int) -> None:
    """Until the bank has answered for every payment that goes through it."""
    visitor.open(f"/can-bo/dot-chi/{batch_id}/")
    look_again_until(visitor, batch_id, "Mọi khoản chuyển khoản đã có kết quả")
    visitor.look("batch-paid")
    for part, name in (("danh-sach", "list-paid"), ("nhat-ky", "log")):
        visitor.open(f"/can-bo/dot-chi/{batch_id}/{part}")
        visitor.look(f"batch-{name}")
    visitor.open("/can-bo/dot-chi/")
    visitor.look("batches")


def look_again_until(visitor: Visitor, batch_id: int, words: str) -> None:
    """The page comes to it by itself; without a script somebody asks again."""
    awaited = visitor.page.locator("main").get_by_text(words).first
    if not visitor.script:
        for _ in range(LOOKS):
            if awaited.count():
                break
            visitor.open(f"/can-bo/dot-chi/{batch_id}/")
    expect(awaited).to_be_visible(timeout=60_000)
