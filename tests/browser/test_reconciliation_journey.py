"""Officers reconcile in a real browser: a statement with faults comes in, two persons decide, and every page is looked at."""

import pytest
from playwright.sync_api import Browser, expect

from payments.models import PayoutBatch, ReconciliationDifference, Statement
from payments.operations import release
from tests.browser.city import City
from tests.browser.visitor import Visitor
from tests.factories import build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import send_all
from tests.payments.statements import Line, camt, debit, take_in
from tests.payments.test_statements import transfers

PAGE = "/can-bo/doi-soat/"


def a_day_with_faults() -> PayoutBatch:
    """Four payments: one of another sum, one missing, one that nobody knows; then the statement is issued again."""
    ward = make_office()
    make_entitled(4)
    batch = start(ward, build_batch(ward))
    send_all(FakeGateway())
    release.drain_batches()
    first, second, third, fourth = map(debit, transfers())
    extra = Line(amount=250_000, end_to_end_id="KHONG-RO-1", reference="X000000000000001")
    take_in(camt([first.but(amount=first.amount + 1_000), second, third, extra]), by=ward.accountant)
    take_in(camt([first.but(amount=first.amount + 1_000), second, fourth, extra]), by=ward.accountant)
    return batch


@pytest.mark.parametrize(("width", "script"), [(1280, True), (390, True), (390, False)])
def test_a_difference_is_found_and_decided(browser: Browser, office: City, width: int, script: bool) -> None:
    batch = a_day_with_faults()
    found = ReconciliationDifference.objects.get(kind="UNKNOWN_TO_US")
    desk = Visitor(browser, office.portal, width=width, script=script)
    desk.sign_in_officer("ketoan")
    for name, path in {
        "reconciliation": "",
        "statement-files": "sao-ke/",
        "statement-upload": "sao-ke/tai-len",
        "statement-fetch": "sao-ke/lay",
        "statement-file": f"sao-ke/tep/{Statement.objects.latest('pk').file_id}/",
        "statement": f"sao-ke/{Statement.objects.latest('pk').pk}/",
        "differences": "chenh-lech/",
    }.items():
        desk.open(PAGE + path)
        desk.look(name)
    desk.open(f"/can-bo/dot-chi/{batch.pk}/doi-soat")
    desk.look("batch-reconciliation")
    desk.open(f"{PAGE}chenh-lech/{found.pk}/")
    desk.press("Nhận xử lý")
    desk.page.locator("[name=note-text]").fill("Đã gọi ngân hàng, chờ công văn trả lời")
    desk.press("Thêm ghi chú")
    desk.page.locator("[name=end-outcome]").select_option("NOT_OURS")
    desk.page.locator("[name=end-reason]").fill("Phí ngân hàng thu nhầm, đã hoàn")
    desk.look("difference")
    desk.press("Đề nghị kết luận")
    expect(desk.page.get_by_text("Rút đề nghị")).to_be_visible()
    desk.look("difference-proposed")
    chief = Visitor(browser, office.portal, width=width, script=script)
    chief.sign_in_officer("lanhdao.duyet")
    chief.open(f"{PAGE}chenh-lech/{found.pk}/")
    chief.look("difference-to-decide")
    chief.press("Đồng ý kết luận")
    expect(chief.page.locator("h1 + .govuk-tag")).to_have_text("Đã kết luận")
    chief.look("difference-decided")
