"""Money in the browser: what a fund holds, papers by two persons, money handed back, money taken back."""

import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from foundation.users.models import User
from foundation.users.roles import Role
from payments.models import Fund, FundingVoucher, LedgerEntry, Proposal, Recovery, Transfer
from payments.operations import funding, release
from payments.states import BatchKind
from tests.factories import Office, approve, build_batch, make_citizen, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import balances, send_all
from tests.payments.papers import entitlement_of, give, propose_remit, record, recovering

pytestmark = pytest.mark.django_db
MONTH = 650_000
REASON = "Theo thông báo của Kho bạc Nhà nước"


@pytest.fixture
def office() -> Office:
    return make_office(money=3 * MONTH)


def desk(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def read(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return re.sub(r"\s+", " ", answer.content.decode().replace("\u00a0", " "))


def follow(client: Client, path: str, **form: object) -> str:
    """Send a form that is taken; the page to which it leads."""
    answer = client.post(path, form)
    assert answer.status_code == 302, answer.content.decode()
    return read(client, answer["Location"])


def page_of(name: str, *arguments: object, **query: str) -> str:
    return reverse(name, args=arguments, query=query or None)


class TestFunds:
    def test_each_has_a_row_with_its_figure_and_what_is_to_be_done(self, office: Office) -> None:
        make_entitled(4)
        approve(office, build_batch(office))
        give_waiting(office)
        page = read(desk(office.preparer), "/can-bo/nguon/")
        assert office.fund.name in page
        assert office.fund.budget_code in page
        assert "Thiếu 650.000 đ" in page
        assert "1 chứng từ chờ xác nhận" in page
        assert page.count('<svg class="welfare-bar"') == 1

    def test_of_other_units_are_not_there(self, office: Office) -> None:
        stranger = desk(make_staff(Role.ACCOUNTANT, unit="25747"))
        assert "chưa có nguồn kinh phí nào" in read(stranger, "/can-bo/nguon/")
        read(stranger, page_of("fund", office.fund.pk), status=404)

    def test_cost_the_same_queries_for_two_and_for_twenty(self, office: Office) -> None:
        client = desk(make_staff(Role.AUDITOR, unit=None))

        def queries() -> int:
            with CaptureQueriesContext(connection) as asked:
                read(client, "/can-bo/nguon/")
            return len(asked)

        queries()
        few = queries()
        for number in range(20):
            Fund.objects.create(
                code=f"N{number}", name=f"Nguồn {number}", budget_code=f"{1100000 + number}", debtor_account="1",
                unit_id="26743", year=2026,
            )  # fmt: skip
        assert queries() == few

    def test_by_pages_show_each_once(self, office: Office) -> None:
        for number in range(60):
            Fund.objects.create(
                code=f"N{number}", name=f"Nguồn số {number:02} ", budget_code=f"{1100000 + number}", debtor_account="1",
                unit_id="26743", year=2025 + number % 2,
            )  # fmt: skip
        client, path, seen = desk(office.accountant), "/can-bo/nguon/", []
        while path:
            page = read(client, path)
            seen += re.findall(r'href="/can-bo/nguon/(\d+)/"', page)
            found = re.search(r'rel="next" href="([^"]+)"', page)
            path = f"/can-bo/nguon/{found[1]}" if found else ""
        assert len(seen) == len(set(seen)) == Fund.objects.count()

    def test_filter_by_year_and_nonsense_filters_nothing(self, office: Office) -> None:
        client = desk(office.accountant)
        assert "Không có nguồn nào như vậy." in read(client, "/can-bo/nguon/?nam=1999")
        for nonsense in ("nam=x", "nam=٢٠٢٦", "sau=x", "don-vi="):
            assert office.fund.name in read(client, f"/can-bo/nguon/?{nonsense}")


def give_waiting(office: Office, number: str = "CT-7") -> FundingVoucher:
    return funding.record_voucher(
        fund_id=office.fund.pk, number=number, voucher_date=date(2026, 11, 1), amount=5_000_000, by=office.accountant,
        at=office.at(),
    )  # fmt: skip


class TestAFund:
    def test_tells_what_is_reserved_and_by_which_lists(self, office: Office) -> None:
        make_entitled(2)
        batch = start(office, build_batch(office))
        page = read(desk(office.approver), page_of("fund", office.fund.pk))
        assert "Đang giữ cho đợt nào" in page
        assert f'href="/can-bo/dot-chi/{batch.pk}/"' in page
        assert "1.300.000" in page
        send_all(FakeGateway())
        assert "Không đợt nào đang giữ tiền" in read(desk(office.approver), page_of("fund", office.fund.pk))

    def test_tells_how_much_is_missing_here_and_on_the_lists_own_page(self, office: Office) -> None:
        make_entitled(4)
        batch = approve(office, build_batch(office))
        page = read(desk(office.accountant), page_of("fund", office.fund.pk))
        assert "Nguồn kinh phí không đủ: thiếu 650.000 đ" in page
        page = read(desk(office.preparer), page_of("batch", batch.pk))
        assert "Nguồn kinh phí không đủ: còn thiếu 650.000 đ" in page
        assert f'href="{page_of("fund", office.fund.pk)}"' in page
        give(office, MONTH)
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        assert "không đủ" not in read(desk(office.accountant), page_of("fund", office.fund.pk))

    def test_offers_acts_to_the_accountant_only(self, office: Office) -> None:
        for user, offered in ((office.accountant, True), (office.approver, False), (office.preparer, False)):
            page = read(desk(user), page_of("fund", office.fund.pk))
            assert ("Nộp trả ngân sách" in page) == offered

    def test_costs_the_same_queries_whatever_it_has_paid(self, office: Office) -> None:
        client, path = desk(office.accountant), page_of("fund", office.fund.pk)

        def queries() -> int:
            with CaptureQueriesContext(connection) as asked:
                read(client, path)
            return len(asked)

        make_entitled(1)
        start(office, build_batch(office))
        queries()
        few = queries()
        give(office, 100 * MONTH)
        for _ in range(3):
            make_entitled(2)
            start(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        assert queries() == few


class TestTheLedger:
    @pytest.fixture
    def paid(self, office: Office) -> Office:
        make_entitled(2)
        start(office, build_batch(office))
        send_all(FakeGateway())
        return office

    def test_shows_every_booking_with_what_it_was_booked_by(self, paid: Office) -> None:
        page = read(desk(paid.accountant), page_of("fund-ledger", paid.fund.pk))
        assert page.count("data-row") == LedgerEntry.objects.count() == 4
        assert page_of("voucher", FundingVoucher.objects.get().pk) in page
        for transfer in Transfer.objects.all():
            assert transfer.public_reference in page
            assert page_of("trace-transfer", transfer.end_to_end_id) not in page
            assert page_of("trace-transfer", transfer.end_to_end_id) in read(
                desk(make_staff(Role.AUDITOR)), page_of("fund-ledger", paid.fund.pk)
            )

    def test_filters_by_kind_list_and_month(self, paid: Office) -> None:
        client, path = desk(paid.accountant), page_of("fund-ledger", paid.fund.pk)
        batch = Transfer.objects.all()[0].batch_id
        month = f"{paid.at():%Y-%m}"
        for query, rows in {
            "loai=POST": 2, "loai=FUND": 1, "loai=FEE": 0, f"dot={batch}": 3, f"dot={batch}&loai=RESERVE": 1, "dot=999999": 0,
            f"thang={month}": 4, "thang=2026-01": 0, "loai=x": 4, "thang=x": 4, "dot=x": 4, "sau=x": 4, "sau=999999": 0,
        }.items():  # fmt: skip
            assert read(client, f"{path}?{query}").count("data-row") == rows, query

    def test_by_pages_shows_each_once_at_the_same_cost(self, paid: Office) -> None:
        for number in range(60):
            give(paid, 1, number=f"N-{number}")
        client, path = desk(paid.accountant), page_of("fund-ledger", paid.fund.pk)
        first = read(client, path)
        found = re.search(r'rel="next" href="([^"]+)"', first)
        assert found is not None
        with CaptureQueriesContext(connection) as of_last:
            last = read(client, path + found[1])
        with CaptureQueriesContext(connection) as of_first:
            read(client, path)
        assert len(of_last) <= len(of_first) + 1  # where to go on is looked up
        assert first.count("data-row") + last.count("data-row") == 64


class TestAPaper:
    FORM = {"kind": "FUND", "number": " CT  9 ", "voucher_date": "2026-11-01", "amount": "26.650.000 đ"}

    def test_is_recorded_by_one_and_confirmed_by_another_who_sees_what_will_be(self, office: Office) -> None:
        page = follow(desk(office.accountant), page_of("voucher-new", office.fund.pk), **self.FORM)
        assert "Chứng từ CT 9" in page
        assert "không tự xác nhận được" in page
        assert "Xác nhận chứng từ" not in page
        voucher = FundingVoucher.objects.get(number="CT 9")
        second = desk(office.approver)
        page = read(second, page_of("voucher", voucher.pk))
        assert "28.600.000" in page  # 3 × 650.000 and 26.650.000
        assert "Đã xác nhận chứng từ" in follow(second, page_of("voucher-confirm", voucher.pk))
        assert balances(office)["FUNDING"] == 28_600_000
        assert second.post(page_of("voucher-confirm", voucher.pk)).status_code == 409

    def test_is_refused_with_a_reason(self, office: Office) -> None:
        voucher, second = give_waiting(office), desk(office.approver)
        path = page_of("voucher-refuse", voucher.pk)
        assert second.post(path, {"reason": "sai"}).status_code == 422
        assert second.post(path, {"reason": "Số căn cước 079144100238 sai"}).status_code == 422
        page = follow(second, path, reason=REASON)
        assert REASON in page
        assert balances(office)["FUNDING"] == 3 * MONTH
        assert second.get(path).status_code == 409

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"amount": "0"}, "Số tiền phải lớn hơn 0."),
            ({"amount": "1e5"}, "Không đọc được số tiền."),
            ({"amount": "-5"}, "Không đọc được số tiền."),
            ({"amount": ""}, "Ghi số tiền."),
            ({"number": " "}, "Ghi số."),
            ({"number": "x" * 61}, "Ghi không quá 60 ký tự."),
            ({"number": "CT-1"}, "Số chứng từ này đã được ghi cho nguồn này."),
            ({"voucher_date": "2999-01-01"}, "Ngày không được sau hôm nay."),
            ({"voucher_date": "x"}, "Ghi ngày dạng ngày/tháng/năm."),
            ({"kind": "RECOVER"}, "Chọn loại chứng từ."),
        ],
    )
    def test_that_cannot_be_right_is_answered_in_words(
        self, office: Office, wrong: dict[str, str], words: str
    ) -> None:
        answer = desk(office.accountant).post(page_of("voucher-new", office.fund.pk), self.FORM | wrong)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert FundingVoucher.objects.count() == 1

    def test_of_fees_larger_than_the_money_for_fees_cannot_be_confirmed(self, office: Office) -> None:
        follow(desk(office.accountant), page_of("voucher-new", office.fund.pk), **self.FORM | {"kind": "FEE"})
        voucher, second = FundingVoucher.objects.get(kind="FEE"), desk(office.approver)
        page = read(second, page_of("voucher", voucher.pk))
        assert "Tài khoản không đủ tiền" in page
        assert "Xác nhận chứng từ" not in page
        assert second.post(page_of("voucher-confirm", voucher.pk)).status_code == 409
        assert balances(office)["FEES_PAID"] == 0


class TestMoneyHandedBack:
    FORM = {"account": "FUNDING", "amount": "650.000", "outcome": "KEEP", "reason": REASON}

    def test_goes_by_two_persons(self, office: Office) -> None:
        first, second = desk(office.accountant), desk(office.approver)
        page = follow(first, page_of("fund-remit", office.fund.pk), **self.FORM)
        assert "Cần một người khác quyết định." in page
        assert "đang chờ người thứ hai" in read(second, page_of("fund", office.fund.pk))
        proposal = Proposal.objects.get()
        assert "1.300.000" in read(second, page_of("proposal", proposal.pk))
        assert "Đã đồng ý" in follow(second, page_of("proposal-agree", proposal.pk))
        assert balances(office)["FUNDING"] == 2 * MONTH
        assert page_of("proposal", proposal.pk) in read(second, page_of("fund-ledger", office.fund.pk))

    def test_may_close_the_year(self, office: Office) -> None:
        follow(desk(office.accountant), page_of("fund-remit", office.fund.pk), **self.FORM | {"outcome": "CLOSE"})
        follow(desk(office.approver), page_of("proposal-agree", Proposal.objects.get().pk))
        assert "Đã khoá sổ" in read(desk(office.preparer), page_of("fund", office.fund.pk))
        answer = desk(office.accountant).post(page_of("voucher-new", office.fund.pk), TestAPaper.FORM)
        assert answer.status_code == 409
        assert "đã khoá sổ" in answer.content.decode()

    def test_is_refused_or_taken_back(self, office: Office) -> None:
        first, second = desk(office.accountant), desk(office.approver)
        proposal = propose_remit(office, office.fund, 1)
        path = page_of("proposal-disagree", proposal.pk)
        assert second.post(path, {"reason": ""}).status_code == 422
        assert REASON in follow(second, path, reason=REASON)
        again = propose_remit(office, office.fund, 1)
        assert second.post(page_of("proposal-take-back", again.pk)).status_code == 409
        assert "Đã rút lại đề nghị" in follow(first, page_of("proposal-take-back", again.pk))
        assert balances(office)["FUNDING"] == 3 * MONTH

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"amount": "1.950.001"}, "Tài khoản này chỉ còn 1.950.000 đ."),
            ({"amount": "0"}, "Số tiền phải lớn hơn 0."),
            ({"account": "FEES"}, "Tài khoản này chỉ còn 0 đ."),
            ({"account": "RESERVED"}, "Chọn tài khoản."),
            ({"outcome": "BURN"}, "Chọn một."),
            ({"reason": ""}, "Ghi lý do."),
        ],
    )
    def test_in_words_where_it_cannot_be(self, office: Office, wrong: dict[str, str], words: str) -> None:
        answer = desk(office.accountant).post(page_of("fund-remit", office.fund.pk), self.FORM | wrong)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert not Proposal.objects.exists()


class TestMoneyTakenBack:
    def form(self, recovery_of: int) -> dict[str, object]:
        return {
            "entitlement": recovery_of, "basis": "DECISION", "number": "QĐ-77", "paper_date": "2026-11-01",
            "total_amount": "500.000", "monthly_amount": "200.000", "first_period": "2026-11",
        }  # fmt: skip

    @pytest.fixture
    def paid(self, office: Office) -> Transfer:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway())
        return Transfer.objects.get()

    def test_is_found_by_the_code_of_a_payment_and_decided_by_two(self, office: Office, paid: Transfer) -> None:
        first, second = desk(office.accountant), desk(office.approver)
        right = paid.lines.get().entitlement_id
        for code in (paid.public_reference, paid.public_reference.lower().replace("-", " "), paid.end_to_end_id):
            assert "650.000 đ" in read(first, page_of("recovery-new", ma=code))
        page = follow(first, page_of("recovery-new", ma=paid.public_reference), **self.form(right))
        assert "không tự xác nhận được" in page
        recovery = Recovery.objects.get()
        assert "Đã xác nhận" in follow(second, page_of("recovery-confirm", recovery.pk))
        assert "QĐ-77" in read(second, "/can-bo/nguon/thu-hoi/")
        assert "QĐ-77" not in read(second, "/can-bo/nguon/thu-hoi/?trang-thai=REFUSED")

    @pytest.mark.parametrize("code", ["", "x", "000000000000", "0" * 32, "%00", "1A2B-3C4D-5E6F"])
    def test_of_no_payment_that_one_may_see_asks_for_another_code(
        self, office: Office, paid: Transfer, code: str
    ) -> None:
        page = read(desk(office.accountant), page_of("recovery-new", ma=code))
        assert ("Không tìm thấy" in page) == bool(code)
        stranger = desk(make_staff(Role.ACCOUNTANT, unit="25747"))
        path = page_of("recovery-new", ma=paid.end_to_end_id)
        assert "Không tìm thấy" in read(stranger, path)
        assert stranger.post(path, self.form(paid.lines.get().entitlement_id)).status_code == 422
        assert not Recovery.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"entitlement": "0"}, "Chọn khoản hưởng trong danh sách."),
            ({"monthly_amount": "500.001"}, "Mỗi tháng không trừ nhiều hơn tổng số tiền phải thu."),
            ({"basis": "WISH"}, "Chọn căn cứ."),
            ({"first_period": "1999-01"}, "Chọn tháng trong danh sách."),
            ({"number": "QĐ-1"}, "Văn bản này đã được ghi cho khoản hưởng này."),
        ],
    )
    def test_in_words_where_it_cannot_be(
        self, office: Office, paid: Transfer, wrong: dict[str, str], words: str
    ) -> None:
        right = paid.lines.get().entitlement
        record(office, right, number="QĐ-1")
        path = page_of("recovery-new", ma=paid.end_to_end_id)
        answer = desk(office.accountant).post(path, self.form(right.pk) | wrong)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert Recovery.objects.count() == 1

    def test_shows_how_it_came_back_and_what_did_not_count(self, office: Office) -> None:
        recovery = recovering(office, entitlement_of(make_entitled(1)[0]))
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason="AB05"))
        build_batch(office, kind=BatchKind.REPLACEMENT)
        first, second = desk(office.accountant), desk(office.approver)
        path = page_of("voucher-new", office.fund.pk) + f"?thu-hoi={recovery.pk}"
        follow(first, path, kind="RECOVER", number="PT-1", voucher_date="2026-11-01", amount="100.000")
        follow(second, page_of("voucher-confirm", FundingVoucher.objects.get(kind="RECOVER").pk))
        page = read(second, page_of("recovery", recovery.pk))
        assert "không: khoản chi đó không đến người nhận" in page
        assert page.count("trừ vào đợt 11/2026") == 2
        assert "chứng từ PT-1" in page
        recovery.refresh_from_db()
        assert recovery.recovered_amount == 300_000
        assert first.post(path, {
            "kind": "RECOVER", "number": "PT-2", "voucher_date": "2026-11-01", "amount": "200.001",
        }).status_code == 409  # fmt: skip

    def test_is_refused_with_a_reason_or_let_go_by_two(self, office: Office) -> None:
        first, second = desk(office.accountant), desk(office.approver)
        one, other = (entitlement_of(payee) for payee in make_entitled(2))
        unfit = record(office, one)
        assert REASON in follow(second, page_of("recovery-refuse", unfit.pk), reason=REASON)
        recovery = recovering(office, other)
        page = follow(first, page_of("recovery-stop", recovery.pk), reason=REASON)
        assert "500.000 đ" in page
        assert "đang chờ người thứ hai" in read(second, page_of("recovery", recovery.pk))
        follow(second, page_of("proposal-agree", Proposal.objects.get().pk))
        assert "Đã thôi thu" in read(second, page_of("recovery", recovery.pk))

    def test_is_told_to_the_citizen_on_his_payment(self, office: Office) -> None:
        payee = make_entitled(1)[0]
        assert payee.person is not None
        recovering(office, entitlement_of(payee))
        start(office, build_batch(office))
        send_all(FakeGateway())
        page = read(desk(make_citizen(payee.person)), page_of("my-payment", Transfer.objects.get().end_to_end_id))
        assert "450.000 đ" in page
        assert "trừ tiền đã nhận thừa" in page
        assert "-200.000 đ" in page
