"""Alarms, channels, the state of the system and the inbox in a browser; running workers seal, watch and send."""

import json
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from foundation.audit.alarms import raise_alarm
from foundation.audit.models import AuditEvent, SealedEvent
from foundation.gateway.alarms import FOREIGN_IDS
from foundation.gateway.channels import FAILURES_TO_OPEN, WHOLE_GATEWAY, add_channels, report_failure
from foundation.gateway.models import Notice
from foundation.gateway.notices import Citizen, Message, Staff, add_notices
from foundation.privacy.blind_index import fingerprint
from foundation.users.models import User
from payments.watchers import FUND_TOO_LOW
from tests.browser.city import City
from tests.browser.journeys import sign_in
from tests.browser.visitor import Visitor
from tests.factories import ACB, VCB
from tests.mock_gateway.portal import eventually

WIDTHS = pytest.mark.parametrize("width", [390, 1280])
HOA = "079144100238"
TEXT = "Khoản 650.000 đ của tháng 11/2026 chuyển cho ông, bà đã bị ngân hàng trả lại ngày 25/11/2026. Tiền không mất."


@pytest.fixture
def troubled(office: City) -> City:
    add_channels([VCB, ACB, WHOLE_GATEWAY])
    for _ in range(FAILURES_TO_OPEN):
        report_failure(bank=ACB, retry_after=600)
    raise_alarm(
        kind=FOREIGN_IDS, subject_kind="gateway", subject_id="answers", details={"ids": 3, "message": "8812-3"}
    )
    told: dict[str, Any] = {
        "subject_kind": "batch",
        "subject_id": 7,
        "unit_code": "26743",
        "details": {"missing": 120_000_000},
    }
    raise_alarm(kind=FUND_TOO_LOW, **told)
    admin = User.objects.get(username="quantri")
    title, text = (
        "Xử lý ngay: Trả lời của cổng có mã giao dịch lạ",
        "Trả lời của cổng có mã giao dịch lạ. Cổng kết nối",
    )
    add_notices([Message("alarm:1", Staff(admin.pk), title, text, "/he-thong/canh-bao/1/")])
    return office


@WIDTHS
@pytest.mark.parametrize("script", [True, False])
def test_an_administrator_sees_takes_over_and_closes(
    browser: Browser, troubled: City, width: int, script: bool
) -> None:
    admin = Visitor(browser, troubled.portal, width=width, script=script)
    admin.sign_in_officer("quantri")
    admin.open("/can-bo/")
    admin.look("staff-home-urgent")
    admin.open("/he-thong/canh-bao/")
    admin.look("alarms")
    admin.press("Trả lời của cổng có mã giao dịch lạ")
    admin.look("alarm")
    admin.press("Tôi nhận xử lý")
    admin.page.get_by_label("Đã làm gì").fill("xong")
    admin.press("Đóng cảnh báo")
    admin.look("alarm-refused")
    admin.page.get_by_label("Đã làm gì").fill("Đã gọi đơn vị vận hành cổng")
    admin.press("Đóng cảnh báo")
    expect(admin.page.locator("main")).to_contain_text("Đã đóng cảnh báo.")
    admin.open("/he-thong/canh-bao/?cu=1")
    admin.look("alarms-over")
    admin.open("/he-thong/ngan-hang/")
    admin.look("channels")
    admin.open(f"/he-thong/ngan-hang/{VCB}/")
    admin.look("channel")
    admin.page.get_by_label("Giờ mở").fill("08:00")
    admin.press("Lưu thay đổi")
    admin.look("channel-refused")
    admin.open("/can-bo/thong-bao/")
    admin.look("staff-notices")
    admin.close()


@WIDTHS
def test_running_processes_seal_watch_and_show_that_they_live(browser: Browser, troubled: City, width: int) -> None:
    """I-29 on running processes: whatever happened gets its place without anybody's doing."""
    last = AuditEvent.objects.order_by("-id").values_list("id", flat=True)[0]
    eventually(lambda: SealedEvent.objects.filter(event_id=last).exists(), seconds=60)
    admin = Visitor(browser, troubled.portal, width=width)
    admin.sign_in_officer("quantri")
    admin.open("/he-thong/")
    admin.look("system-status")
    text = admin.text()
    assert "Bộ hẹn giờ" in text
    assert f"worker city-{troubled.port}@test" in text
    admin.close()


@WIDTHS
def test_a_citizen_reads_on_the_portal_and_in_vneid(browser: Browser, office: City, width: int) -> None:
    citizen = Citizen(fingerprint("national-id", HOA), HOA, ("+84901234567",))
    add_notices([Message("transfer.returned:1", citizen, "Khoản tiền bị ngân hàng trả lại", TEXT, "/cua-toi/")])
    eventually(lambda: Notice.objects.get().state == "SENT", seconds=60)
    lines = httpx2.get(f"{office.gateway}/control/notices").text.splitlines()
    kept: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert [(one["national_id"], one["text"]) for one in kept] == [(HOA, TEXT)]
    visitor = sign_in(office, browser, width, True, HOA)
    visitor.open("/cua-toi/thong-bao/")
    visitor.look("citizen-notices")
    visitor.press("Đánh dấu đã đọc")
    expect(visitor.page.locator("main")).not_to_contain_text("Mới")
    visitor.close()
