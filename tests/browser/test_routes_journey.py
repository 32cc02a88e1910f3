"""An accountant in a real browser: cash of a ward, and lists for the Treasury and the post office, from making to the result."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from payments.models import CashCollection, PayoutFile, Transfer
from tests.browser.city import City
from tests.browser.visitor import Visitor
from tests.factories import Office, build_batch, make_entitled, make_office, start
from tests.payments.by_file import NOT_PAID, answer, answered, said, to_service, to_treasury

EVERYBODY = [(1280, True), (390, True), (390, False)]
PAGE = "/can-bo/dot-chi/"


@pytest.fixture
def ward(office: City) -> Office:
    return make_office()


@pytest.mark.parametrize(("width", "script"), EVERYBODY)
def test_cash_is_handed_over_signed_for_and_carried_over(
    browser: Browser, office: City, ward: Office, width: int, script: bool
) -> None:
    make_entitled(4, cash=True)
    batch = start(ward, build_batch(ward))
    accountant = Visitor(browser, office.portal, width=width, script=script)
    accountant.sign_in_officer("ketoan")
    accountant.open(f"{PAGE}{batch.pk}/tien-mat")
    accountant.look("cash-ready")
    with accountant.page.expect_download() as taken:
        accountant.press("Tải danh sách ký nhận (.xlsx)")
    assert taken.value.suggested_filename == f"ky-nhan-dot-{batch.pk}.xlsx"
    accountant.press("Ghi đã giao điểm chi")
    expect(accountant.page.get_by_text("Đã giao 4 khoản cho điểm chi.")).to_be_visible()
    accountant.press("Ghi những người đã ký nhận")
    expect(accountant.page).to_have_title(re.compile("^Lỗi:"))
    accountant.look("cash-nobody-ticked")
    boxes = accountant.page.locator("input[name=chon]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    details = accountant.page.locator("tbody details").nth(1)
    details.locator("summary").click()
    details.locator("input").nth(0).fill("Trần Thị Lan")
    details.locator("input").nth(1).fill("Con gái")
    accountant.look("cash-ticked")
    accountant.press("Ghi những người đã ký nhận")
    expect(accountant.page.get_by_text("Đã ghi 2 người ký nhận.")).to_be_visible()
    accountant.press("Khoá danh sách, chuyển kỳ sau")
    accountant.look("cash-carry-over")
    accountant.press("Khoá và chuyển kỳ sau")
    expect(accountant.page.get_by_text("Đã chuyển kỳ sau 2 khoản.")).to_be_visible()
    accountant.look("cash-closed")
    assert set(CashCollection.objects.values_list("relation", flat=True)) == {"", "Con gái"}
    accountant.close()


@pytest.mark.parametrize(("width", "script"), EVERYBODY)
def test_lists_go_out_and_results_come_back(
    browser: Browser, office: City, ward: Office, width: int, script: bool, tmp_path: Path
) -> None:
    to_treasury(3)
    to_service(ward, 2)
    batch = start(ward, build_batch(ward))
    accountant = Visitor(browser, office.portal, width=width, script=script)
    accountant.sign_in_officer("ketoan")
    accountant.open(f"{PAGE}{batch.pk}/tep")
    accountant.look("files-to-make")
    accountant.press("Lập tệp")
    expect(accountant.page.get_by_text("Đã lập tệp số 1: 3 khoản.")).to_be_visible()
    with accountant.page.expect_download() as taken:
        accountant.page.get_by_role("button", name=".xlsx").first.click()
    assert taken.value.suggested_filename == f"kho-bac-dot-{batch.pk}-so-1-ban-1.xlsx"
    first, second, third = Transfer.objects.filter(route="TREASURY_FILE").order_by("id")
    answered(ward, batch, said(third, NOT_PAID))

    accountant.press("Tải tệp kết quả lên Bảng kê Kho bạc")
    wrong = tmp_path / "ket-qua-sai.csv"
    wrong.write_bytes(answer([said(first, "có lẽ"), said(second, NOT_PAID, **{"Lý do": ""})]))
    accountant.page.locator("[name=file]").set_input_files(wrong)
    accountant.press("Đọc tệp")
    expect(accountant.page).to_have_title(re.compile("^Lỗi:"))
    accountant.look("result-mistakes")
    right = tmp_path / "ket-qua.csv"
    right.write_bytes(answer([said(first), said(second) | {"Số tiền": 1}, said(third)]))
    accountant.page.locator("[name=file]").set_input_files(right)
    accountant.press("Đọc tệp")
    accountant.page.wait_for_url(re.compile(r"/ket-qua/\d+/$"))
    accountant.look("result-shown")
    accountant.press("Ghi kết quả")
    expect(accountant.page.get_by_text("Đã ghi kết quả.")).to_be_visible()
    accountant.look("result-taken-over")
    accountant.open(f"{PAGE}{batch.pk}/tep")
    expect(accountant.page.get_by_text("Có kết quả trái với kết quả đã ghi.")).to_be_visible()
    accountant.look("files-contradiction")
    accountant.open(f"{PAGE}{batch.pk}/tep/{PayoutFile.objects.get().pk}/lap-lai")
    accountant.look("file-replace")
    accountant.open(f"{PAGE}{batch.pk}/")
    accountant.look("batch-by-four-routes")
    accountant.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_how_a_payee_is_paid_is_written_down(browser: Browser, office: City, ward: Office, width: int) -> None:
    (payee,) = make_entitled(1)
    batch = build_batch(ward)
    preparer = Visitor(browser, office.portal, width=width)
    preparer.sign_in_officer("canbo.lap")
    preparer.open(f"{PAGE}{batch.pk}/danh-sach")
    preparer.press("Nguyễn Văn Hai")
    preparer.page.get_by_label("Tổ chức dịch vụ chi trả: chi trả tại nhà").check()
    preparer.page.fill("[name=reason]", "Người nhận không đi lại được, con trai đề nghị")
    preparer.look("payee-way")
    preparer.press("Ghi cách nhận tiền")
    expect(preparer.page.get_by_text("Đã ghi cách nhận tiền.")).to_be_visible()
    preparer.look("payee-way-written")
    assert payee.payment_ways.get().delivery == "HOME"
    preparer.close()
