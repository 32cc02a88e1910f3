"""An officer's first page: what waits for him and nothing else, each with the page where it is done."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from foundation.reference.loading import load_reference
from foundation.users.models import User
from foundation.users.roles import Role
from payments.models import PayoutBatch
from payments.operations import decide, funding
from payments.operations.release import hold_batch
from tests.beneficiaries.importing import check
from tests.beneficiaries.register_file.lists import line, list_xlsx
from tests.factories import PERIOD, Office, approve, build_batch, make_entitled, make_office, make_staff
from tests.factories import start as start_batch
from tests.payments.months import OCTOBER, pay_month, people_since
from tests.payments.papers import entitlement_of, record

pytestmark = pytest.mark.django_db
REASON = "Chờ kiểm tra lại khu phố 3"


@pytest.fixture
def office() -> Office:
    return make_office()


def first_page(user: User) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get("/can-bo/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_says_that_nothing_waits(office: Office) -> None:
    for user in (office.preparer, office.approver, office.accountant, make_staff(Role.AUDITOR, unit=None)):
        assert "Không có việc nào đang chờ ông, bà." in first_page(user)


class TestABatch:
    @pytest.fixture
    def batch(self, office: Office) -> PayoutBatch:
        make_entitled(2)
        return build_batch(office)

    def submit(self, office: Office, batch: PayoutBatch) -> bytes:
        return decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())

    def test_waits_for_its_preparer_then_for_the_approver(self, office: Office, batch: PayoutBatch) -> None:
        assert f'href="/can-bo/dot-chi/{batch.pk}/">Xem và trình' in first_page(office.preparer)
        assert "Không có việc nào" in first_page(office.approver)
        self.submit(office, batch)
        assert f'href="/can-bo/dot-chi/{batch.pk}/duyet">Xem và duyệt' in first_page(office.approver)
        assert "Không có việc nào" in first_page(office.preparer)

    def test_that_was_returned_waits_for_its_preparer(self, office: Office, batch: PayoutBatch) -> None:
        seen = self.submit(office, batch)
        decide.reject_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, reason=REASON, at=office.at())
        assert "Bị trả lại" in first_page(office.preparer)

    def test_on_its_way_is_seen_by_all(self, office: Office, batch: PayoutBatch) -> None:
        start_batch(office, batch)
        for user in (office.preparer, office.approver, office.accountant):
            assert "Theo dõi" in first_page(user)
        hold_batch(batch_id=batch.pk, by=office.accountant, reason=REASON, at=office.at())
        for user in (office.preparer, office.approver, office.accountant):
            assert "Đang tạm dừng" in first_page(user)

    def test_without_money_says_how_much_is_missing(self) -> None:
        office = make_office(money=1_000_000)
        make_entitled(2)
        approve(office, build_batch(office))
        assert "thiếu 300.000" in first_page(office.accountant)


def test_a_checked_list_waits_to_be_written(office: Office) -> None:
    load_reference(demo=True)
    kept = check(office.preparer, list_xlsx(line()))
    assert f'href="/can-bo/danh-sach/{kept.import_id}/">Xem và ghi vào sổ' in first_page(office.preparer)
    assert "Không có việc nào" in first_page(office.approver)


def test_papers_wait_for_the_second_person_only(office: Office) -> None:
    paper = funding.record_voucher(
        fund_id=office.fund.pk,
        number="CT-7",
        voucher_date=PERIOD,
        amount=5_000_000,
        by=office.accountant,
        at=office.at(),
    )
    recovery = record(office, entitlement_of(make_entitled(1)[0]))
    page = first_page(office.approver)
    assert f'href="/can-bo/nguon/chung-tu/{paper.pk}/">Xem và xác nhận' in page
    assert f'href="/can-bo/nguon/thu-hoi/{recovery.pk}/">Xem và xác nhận' in page
    for user in (office.accountant, office.preparer, make_staff(Role.APPROVER, unit="25747")):
        assert "Không có việc nào đang chờ ông, bà." in first_page(user)


def test_draws_the_last_months(office: Office) -> None:
    people_since(OCTOBER, 3)
    pay_month(office, OCTOBER)
    page = first_page(office.accountant)
    assert "Đã duyệt và đã chi, sáu tháng gần đây" in page
    assert "1.950.000" in page


def test_costs_the_same_for_many(office: Office) -> None:
    def queries() -> int:
        client = Client()
        client.force_login(office.preparer)
        client.get("/can-bo/")
        with CaptureQueriesContext(connection) as captured:
            client.get("/can-bo/")
        return len(captured)

    load_reference(demo=True)
    check(office.preparer, list_xlsx(line()))
    few = queries()
    for _ in range(4):
        check(office.preparer, list_xlsx(line()))
    assert queries() == few
