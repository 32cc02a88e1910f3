"""Officers pay a ward's month in a real browser, from the list to the bank's last answer, and see it in pictures."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from beneficiaries.operations.import_register import MAX_BYTES
from payments.models import Approval, PayoutBatch, Transfer
from payments.states import BatchState, Route, TransferState
from tests.browser.city import LINES, City
from tests.browser.journeys import run_officer_journey
from tests.browser.visitor import Visitor

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
