"""Officers pay a ward's month in a real browser, from the list to the bank's last answer, and see it in pictures."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from beneficiaries.models import PayoutAccount
from beneficiaries.operations.import_register import MAX_BYTES
from payments.models import Approval, PayoutBatch, Transfer
from payments.states import BatchState, Route, TransferState
from tests.beneficiaries.importing import check, write
from tests.beneficiaries.register_file.lists import line, list_xlsx, other
from tests.browser.city import LINES, City
from tests.browser.journeys import run_officer_journey
from tests.browser.visitor import Visitor
from tests.factories import make_entitled, make_office
from tests.payments.months import build_month, two_months

EVERYBODY = [(1280, True), (390, True), (390, False)]


@pytest.mark.parametrize(("width", "script"), EVERYBODY)
def test_a_wards_month_is_paid(browser: Browser, office: City, width: int, script: bool) -> None:
    batch_id = run_officer_journey(office, browser, width, script)

    batch = PayoutBatch.objects.get(pk=batch_id)
    assert batch.state == BatchState.DISPATCHING  # cash waits for people
    assert 0 < batch.number_of_transactions <= LINES
    assert Approval.objects.filter(batch=batch, decision="APPROVED").count() == 1
    by_bank = Transfer.objects.filter(batch=batch, route=Route.GATEWAY)
    ended = {TransferState.SETTLED, TransferState.REJECTED, TransferState.RETURNED}
    assert set(by_bank.values_list("state", flat=True)) <= ended
    assert by_bank.filter(state=TransferState.SETTLED).count() > LINES // 5  # most of the list is still paid in cash


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_not_in_order_is_shown(browser: Browser, office: City, width: int, tmp_path: Path) -> None:
    """Errors of a list, changes of a month, somebody who cannot be paid, a near match, and an act with its reason."""
    changed = write_trouble()
    preparer = Visitor(browser, office.portal, width=width)
    preparer.sign_in_officer("canbo.lap")
    wrong = tmp_path / "sai.xlsx"
    wrong.write_bytes(list_xlsx(line(), other(2, national_id="07904800002"), other(3, sex="?"), other(3)))
    send_list(preparer, wrong)
    expect(preparer.page).to_have_title(re.compile("^Lỗi:"))
    preparer.look("import-errors")
    with preparer.page.expect_download() as taken:
        preparer.page.locator("[name=file]").set_input_files(wrong)
        preparer.press("Kiểm tra và tải tệp lỗi")
    assert taken.value.suggested_filename == "loi-danh-sach.xlsx"
    right = tmp_path / "doi.xlsx"
    right.write_bytes(list_xlsx(line(address="99 Đồng Khởi", benefit_book="BT-9")))
    send_list(preparer, right)
    preparer.page.wait_for_url(re.compile(r"/can-bo/danh-sach/\d+/"))
    preparer.look("import-changes")
    for part in ("", "thay-doi", "thay-doi?loai=ACCOUNT", "khong-chi", "rut-lai"):
        preparer.open(f"/can-bo/dot-chi/{changed}/{part}")
        preparer.look(f"changed-{part.replace('?loai=', '-') or 'summary'}")
    preparer.close()

    approver = Visitor(browser, office.portal, width=width)
    approver.sign_in_officer("lanhdao.duyet")
    approver.open("/can-bo/tai-khoan/")
    approver.look("accounts-near")
    approver.press("Nguyễn Thị Hoà")
    approver.press("Chấp nhận tài khoản")
    expect(approver.page).to_have_title(re.compile("^Lỗi:"))
    approver.look("account-judge-wrong")
    approver.page.fill("[name=reason]", "Đã đối chiếu căn cước và sổ ngân hàng")
    approver.press("Chấp nhận tài khoản")
    expect(approver.page.get_by_text("Đã chấp nhận tài khoản.")).to_be_visible()
    approver.close()


def send_list(preparer: Visitor, path: Path) -> None:
    preparer.open("/can-bo/danh-sach/nhap")
    preparer.page.locator("[name=period]").select_option("2026-11")
    preparer.page.locator("[name=file]").set_input_files(path)
    preparer.press("Kiểm tra")


def write_trouble() -> int:
    """A person whose account is only a near match, two months that differ, and somebody whose account is blocked."""
    desk = make_office()
    write(desk.preparer, check(desk.preparer, list_xlsx(line())))
    PayoutAccount.objects.filter(source="FILE").update(
        state="REVIEW", holder_name="HOA NGUYEN THI", match_result="REVIEW", checked_at=desk.at()
    )
    two_months(desk)
    [blocked] = make_entitled(1)
    blocked.accounts.update(state="SUSPENDED")
    return build_month(desk).pk


def test_a_file_that_is_too_large_is_refused_with_words(browser: Browser, office: City, tmp_path: Path) -> None:
    heavy = tmp_path / "nang.xlsx"
    heavy.write_bytes(b"PK" + bytes(MAX_BYTES + 1_000_000))
    preparer = Visitor(browser, office.portal, width=1280)
    preparer.sign_in_officer("canbo.lap")
    preparer.open("/can-bo/danh-sach/nhap")
    preparer.page.locator("[name=file]").set_input_files(heavy)
    preparer.press("Kiểm tra")
    expect(preparer.page.get_by_text("Tệp lớn hơn 50 MB.")).to_be_visible(timeout=30_000)
    preparer.look("import-too-large")
    preparer.close()
