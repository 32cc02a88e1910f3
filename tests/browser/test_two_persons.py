"""Acts of two persons in a real browser: a held list goes on, a payment in review is decided, the city stops and resumes."""

import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from playwright.sync_api import Browser, expect

from payments.errors import InvalidMove
from payments.models import PaymentsStop, PayoutBatch, Proposal, Transfer
from payments.operations import decide, release
from payments.states import BatchState, TransferState
from tests.browser.city import City
from tests.browser.visitor import Visitor
from tests.factories import Office, approve, build_batch, make_entitled, make_office
from tests.payments.deciding import PDF
from tests.payments.helpers import run

EVERYBODY = [(1280, True), (390, True), (390, False)]


def sign_in(browser: Browser, office: City, name: str, width: int, script: bool) -> Visitor:
    visitor = Visitor(browser, office.portal, width=width, script=script)
    visitor.sign_in_officer(name)
    return visitor


def later(desk: Office) -> PayoutBatch:
    """A list whose day lies ahead, so that no worker moves it while people look at it."""
    make_entitled(1)
    return build_batch(desk, execution_date=desk.at().date() + timedelta(days=9))


@pytest.mark.parametrize(("width", "script"), EVERYBODY)
def test_a_list_is_held_and_goes_on_by_another_hand(browser: Browser, office: City, width: int, script: bool) -> None:
    desk = make_office()
    batch = later(desk)
    seen = decide.submit_batch(batch_id=batch.pk, by=desk.preparer, at=desk.at())
    approver = sign_in(browser, office, "lanhdao.duyet", width, script)
    approver.open(f"/can-bo/dot-chi/{batch.pk}/tra-lai")
    approver.look("batch-reject")
    decide.approve_batch(batch_id=batch.pk, by=desk.approver, seen_hash=seen, at=desk.at())

    keeper = sign_in(browser, office, "ketoan", width, script)
    keeper.open(f"/can-bo/dot-chi/{batch.pk}/tam-dung")
    keeper.page.fill("[name=reason]", "Căn cước 079 148 000 123 bị trùng")
    keeper.press("Tạm dừng")
    expect(keeper.page).to_have_title(re.compile("^Lỗi:"))
    keeper.look("batch-hold-wrong")
    keeper.page.fill("[name=reason]", "Nghi có người nhận hai lần")
    keeper.press("Tạm dừng")
    expect(keeper.page.get_by_text("Đã tạm dừng đợt chi.")).to_be_visible()
    keeper.look("batch-held")
    keeper.press("Đề nghị chi tiếp")
    keeper.page.wait_for_url("**/chi-tiep")
    keeper.look("batch-release")
    keeper.page.fill("[name=reason]", "Đã đối chiếu, không ai nhận hai lần")
    keeper.press("Đề nghị chi tiếp")
    expect(keeper.page.get_by_text("Đã gửi đề nghị.")).to_be_visible()
    keeper.look("proposal-own")
    assert keeper.page.get_by_role("button", name="Đồng ý và thực hiện").count() == 0
    keeper.close()

    approver.open("/can-bo/")
    approver.look("overview-second")
    approver.open("/can-bo/nguoi-thu-hai/")
    approver.look("proposals")
    approver.press("Cho chi tiếp")
    approver.look("proposal-release")
    approver.press("Đồng ý và thực hiện")
    expect(approver.page.get_by_text("Đã đồng ý. Việc này đã được thực hiện.")).to_be_visible()
    approver.look("proposal-confirmed")
    approver.close()
    batch.refresh_from_db()
    assert batch.state in {BatchState.APPROVED, BatchState.RESERVED}


@pytest.mark.parametrize(("width", "script"), EVERYBODY)
def test_a_payment_in_review_is_decided_with_a_paper(
    browser: Browser, office: City, width: int, script: bool, tmp_path: Path
) -> None:
    desk = make_office()
    transfer = in_review(desk)
    paper = tmp_path / "tra-loi-ngan-hang.pdf"
    paper.write_bytes(PDF)
    keeper = sign_in(browser, office, "ketoan", width, script)
    keeper.open("/can-bo/nguoi-thu-hai/cho-xem-xet/")
    keeper.look("review")
    keeper.press("Đề nghị kết luận")
    keeper.look("review-decide")
    keeper.page.get_by_label("Đã chi: ngân hàng xác nhận tiền đã đi").check()
    keeper.page.fill("[name=reason]", "Ngân hàng trả lời bằng công văn 12")
    keeper.page.locator("[name=file]").set_input_files(paper)
    keeper.press("Gửi đề nghị")
    expect(keeper.page.locator(".govuk-error-summary")).to_contain_text("mã tham chiếu")
    keeper.look("review-decide-wrong")
    keeper.page.fill("[name=bank_reference]", "FT26330000012")
    keeper.page.locator("[name=file]").set_input_files(paper)
    keeper.press("Gửi đề nghị")
    expect(keeper.page.get_by_text("Đã gửi đề nghị.")).to_be_visible()
    keeper.close()

    approver = sign_in(browser, office, "lanhdao.duyet", width, script)
    approver.open(f"/can-bo/nguoi-thu-hai/{Proposal.objects.get().pk}/")
    approver.look("proposal-decision")
    with approver.page.expect_download() as taken:
        approver.press("tra-loi-ngan-hang.pdf")
    assert taken.value.suggested_filename == "tra-loi-ngan-hang.pdf"
    approver.press("Đồng ý và thực hiện")
    expect(approver.page.get_by_text("Đã đồng ý.")).to_be_visible()
    approver.close()
    transfer.refresh_from_db()
    assert transfer.state == TransferState.SETTLED


@pytest.mark.parametrize(("width", "script"), EVERYBODY)
def test_the_city_stops_and_two_of_the_city_resume(browser: Browser, office: City, width: int, script: bool) -> None:
    desk = make_office()
    batch = later(desk)
    keeper = sign_in(browser, office, "ketoan", width, script)
    keeper.open("/can-bo/nguoi-thu-hai/dung-chi-tra")
    keeper.look("stop")
    keeper.page.fill("[name=reason]", "Ngân hàng báo nhận lệnh hai lần")
    keeper.press("Dừng chi trả toàn thành phố")
    expect(keeper.page.get_by_text("Chi trả toàn thành phố đang bị dừng.")).to_be_visible()
    keeper.look("stopped")
    keeper.open(f"/can-bo/dot-chi/{batch.pk}/")
    keeper.look("stopped-batch")
    keeper.close()

    one = sign_in(browser, office, "lanhdao.so", width, script)
    one.open("/can-bo/nguoi-thu-hai/dung-chi-tra")
    one.press("Đề nghị mở lại")
    one.look("resume")
    one.page.fill("[name=reason]", "Đã đối chiếu, ngân hàng báo nhầm")
    one.press("Đề nghị mở lại")
    expect(one.page.get_by_text("Đã gửi đề nghị.")).to_be_visible()
    one.close()

    other = sign_in(browser, office, "quantri", width, script)
    other.open(f"/can-bo/nguoi-thu-hai/{Proposal.objects.get().pk}/")
    other.look("proposal-resume")
    other.press("Đồng ý và thực hiện")
    expect(other.page.get_by_text("Chi trả toàn thành phố đang bị dừng.")).to_have_count(0)
    other.open("/can-bo/nguoi-thu-hai/dung-chi-tra")
    other.look("stop-former")
    other.close()
    assert PaymentsStop.objects.get().resumed_at is not None


def test_a_cancellation_says_what_it_does(browser: Browser, office: City) -> None:
    desk = make_office()
    batch = approve(desk, later(desk))
    for width in (1280, 390):
        keeper = sign_in(browser, office, "ketoan", width, True)
        keeper.open(f"/can-bo/dot-chi/{batch.pk}/huy")
        keeper.look("batch-cancel")
        keeper.close()


def in_review(desk: Office) -> Transfer:
    """A payment that waits for people, put there in one go, so that no worker sees it on the way."""
    batch = approve(desk, later(desk))
    with suppress(InvalidMove):  # the city's own worker may have been faster
        release.reserve_batch(batch_id=batch.pk, at=desk.at())
    transfer = batch.transfers.get()
    with transaction.atomic():
        run("UPDATE payments_payout_batch SET state = 'DISPATCHING', started_at = now() WHERE id = %s", batch.pk)
        for state in ("READY", "REVIEW"):
            run(
                "UPDATE payments_transfer SET state = %s, status_reason = 'NARR', sent_count = 1, first_sent_at = now() "
                "WHERE id = %s",
                state,
                transfer.pk,
            )
        run("UPDATE payments_dispatch_chunk SET state = 'READY' WHERE id = %s", transfer.chunk_id)
        run("UPDATE payments_dispatch_chunk SET state = 'PARKED', review_count = 1 WHERE id = %s", transfer.chunk_id)
    return transfer
