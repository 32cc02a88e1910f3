"""Auditor and administrator trace a payment that was really made: by its code, by an ID number, by an account number."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, expect

from foundation.privacy.blind_index import fingerprint
from foundation.privacy.models import DataAccess
from payments.models import Transfer
from payments.states import TransferState
from tests.browser.city import LINES, City
from tests.browser.visitor import Visitor
from welfare_portal.demo import seed
from welfare_portal.demo.main_job import MainJob, Result
from welfare_portal.demo.processes import Processes

EVERYBODY = [("kiemtoan", 1280, True), ("quantri", 390, True), ("kiemtoan", 390, False)]


class CityProcesses(Processes):
    """The city's own worker and gateway do the work; nothing is started here."""

    def __init__(self) -> None:
        pass

    @property
    def restarts(self) -> int:
        return 0

    def keep_running(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Paid:
    """Somebody of the list, paid into an account of his own."""

    transfer: Transfer
    national_id: str
    account: str


@pytest.fixture
def paid(office: City) -> Iterator[Paid]:
    """The month's list of the demonstration ward, paid by the city's worker through its gateway."""
    with override_settings(DEMO=True, GATEWAY_URL=office.gateway):
        result = pay(office)
    assert result.run.broken == 0
    people = {fingerprint("national-id", person.national_id): person for person in seed.listed_people(LINES)}
    settled = Transfer.objects.filter(route="GATEWAY", state=TransferState.SETTLED).select_related("payee__person")
    for transfer in settled.order_by("id"):
        person = people.get(bytes(transfer.payee.person.national_id_index or b"")) if transfer.payee.person else None
        if person is not None and person.account is not None:
            yield Paid(transfer, person.national_id, person.account.number)
            return
    raise AssertionError("nobody of the list was paid")


def pay(city: City) -> Result:
    """The main job of the demonstration, as officers do it one after another."""
    return MainJob(
        office=seed.seed_office(),
        processes=CityProcesses(),
        directory=city.folder,
        lines=LINES,
        report=lambda *_: None,
    ).run()


def search(visitor: Visitor, code: str) -> None:
    visitor.page.get_by_label("Tra cứu bằng bất kỳ mã nào").fill(code)
    visitor.press("Tra cứu")


def test_a_payment_is_traced_by_any_code(browser: Browser, office: City, paid: Paid) -> None:
    for name, width, script in EVERYBODY:
        trace(Visitor(browser, office.portal, width=width, script=script), name, paid)


def trace(visitor: Visitor, name: str, paid: Paid) -> None:
    page, transfer = visitor.page, paid.transfer
    visitor.sign_in_officer(name)
    visitor.look("trace-search")

    # Nothing, and what cannot be a code
    search(visitor, "0" * 32)
    expect(page.locator("h2").first).to_have_text("Không tìm thấy khoản chi nào")
    visitor.look("trace-nothing")
    search(visitor, "")
    expect(page.locator(".govuk-error-summary")).to_contain_text("Nhập một mã để tra cứu.")
    assert page.title().startswith("Lỗi:")
    visitor.look("trace-empty")

    # By a citizen's numbers: a list, and the number in no address
    for number in (paid.national_id, paid.account):
        search(visitor, number)
        expect(page.get_by_role("heading", name="Kết quả")).to_be_visible()
        assert page.url == f"{visitor.portal}/kiem-toan/"
        assert number not in page.content()
        visitor.look("trace-results")
    assert DataAccess.objects.filter(subject_kind__in=["person", "account"]).exists()
    visitor.press(transfer.public_reference)
    page.wait_for_url(f"**/khoan-chi/{transfer.end_to_end_id}/")

    # By the payment's own code: straight to its story
    visitor.open("/kiem-toan/")
    search(visitor, transfer.end_to_end_id)
    page.wait_for_url(f"**/khoan-chi/{transfer.end_to_end_id}/")
    assert visitor.heading == f"Khoản chi {transfer.public_reference}"
    integrity = page.get_by_role("region", name="Danh sách đã duyệt khớp với lệnh đã gửi")
    expect(integrity).to_be_visible()
    expect(integrity.get_by_text("✗")).to_have_count(0)
    assert "Lê Thu Hà" in visitor.text()
    visitor.look("trace-transfer")
    visitor.press("Xem cũ nhất trước")
    page.wait_for_url(re.compile("thu-tu=cu-truoc"))
    expect(page.locator(".moj-timeline__title").first).to_have_text(re.compile("Bắt đầu lập đợt chi|tài khoản"))

    # The message as it travelled: masked, then in full for a reason
    page.get_by_role("link", name=re.compile("^Xem thông điệp gốc")).first.click()
    page.wait_for_url(re.compile("/thong-diep/"))
    assert paid.account not in page.content()
    visitor.look("trace-message")
    visitor.press("Hiện đầy đủ")
    expect(page.locator(".govuk-error-summary")).to_contain_text("Nhập lý do xem đầy đủ.")
    visitor.look("trace-message-no-reason")
    page.get_by_label("Lý do xem đầy đủ").fill("Kiểm toán đợt chi tháng 11 theo kế hoạch")
    visitor.press("Hiện đầy đủ")
    expect(page.locator(".welfare-note").first).to_contain_text("Đã ghi lại")
    assert paid.account in page.content()
    visitor.look("trace-message-full")

    # The list, worked out anew, and files to take along
    visitor.open(f"/kiem-toan/dot-chi/{transfer.batch_id}/")
    visitor.look("trace-batch")
    visitor.press("Tính lại mã băm của cả danh sách")
    expect(page.get_by_text("✓ Mọi khoản trong danh sách đúng như khi trình.")).to_be_visible()
    visitor.open(f"/kiem-toan/khoan-chi/{transfer.end_to_end_id}/")
    for button, ending in (("Bảng CSV các sự kiện", "csv"), ("Tệp chứng cứ JSON", "json")):
        with page.expect_download() as download:
            visitor.press(button)
        assert download.value.suggested_filename == f"khoan-chi-{transfer.public_reference}.{ending}"
    visitor.close()


def test_a_community_team_sees_whom_to_visit(browser: Browser, office: City) -> None:
    with override_settings(DEMO=True, GATEWAY_URL=office.gateway):
        bring_list(office)
    for width, script in ((1280, True), (390, True), (390, False)):
        visitor = Visitor(browser, office.portal, width=width, script=script)
        visitor.sign_in_officer("totruong.so")
        assert visitor.heading == "Chưa đăng ký tài khoản"
        visitor.look("not-registered")
        visitor.page.locator("[data-row] a").first.click()
        visitor.page.wait_for_url(re.compile("/khu-pho/[0-9]+/"))
        visitor.look("people-to-visit")
        visitor.open("/can-bo/chua-dang-ky/")
        visitor.press("In tờ dán hướng dẫn có mã QR")
        visitor.page.wait_for_url(re.compile("/to-dan/"))
        expect(visitor.page.get_by_role("img", name=re.compile("Mã QR"))).to_be_visible()
        visitor.look("outreach-poster")
        visitor.close()


def bring_list(city: City) -> None:
    """The ward's list, in the register."""
    from beneficiaries.operations import import_register
    from foundation.audit import clock
    from foundation.users.roles import Role
    from welfare_portal.demo.people import PERIOD

    by = seed.seed_office().staff[Role.PREPARER]
    checked = import_register.check_register(
        content=city.list_path.read_bytes(), file_name="danh-sach.xlsx", unit_code=seed.WARD, period=PERIOD, by=by,
        at=clock.now(),
    )  # fmt: skip
    assert checked.import_id is not None
    import_register.commit_register(import_id=checked.import_id, by=by, at=clock.now())
