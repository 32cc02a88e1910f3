"""A citizen's own page and his payments: what stands there in each situation, in his words."""

import pytest

from beneficiaries.models import Entitlement, Payee, PayoutAccount
from payments.models import Transfer
from payments.operations import cash
from payments.operations.cash import Collected
from payments.states import BatchKind
from tests.beneficiaries.registering import NUMBER, OTHER, Bank
from tests.conftest import Clock
from tests.factories import (
    Office,
    approve,
    build_batch,
    make_account,
    make_citizen,
    make_entitled,
    make_office,
    start,
)
from tests.fake_gateway import FakeGateway, time_out
from tests.journeys.citizens import Phone
from tests.payments.helpers import send_all
from tests.payments.months import NOVEMBER, OCTOBER, build_month, child_with_guardian, pay_month, people_since

pytestmark = pytest.mark.django_db

HOME, LIST = "/cua-toi/", "/cua-toi/khoan-chi/"


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


@pytest.fixture
def payee(office: Office) -> Payee:
    (payee,) = make_entitled(1, numbers=["1000009999"])
    return payee


def phone_of(payee: Payee) -> Phone:
    return Phone(make_citizen(payee.person))


def detail(phone: Phone, transfer: Transfer | None = None) -> str:
    return phone.read(f"{LIST}{(transfer or Transfer.objects.get()).end_to_end_id}/")


class TestHome:
    def test_of_somebody_whom_nobody_knows(self, db: None) -> None:
        page = Phone(make_citizen(full_name="Lê Thị Mới")).read(HOME)
        assert "Chào ông, bà Lê Thị Mới" in page
        assert "chưa có trong danh sách" in page
        assert "vẫn đăng ký tài khoản trước được" in page
        assert 'href="/dang-ky/"' in page

    def test_of_somebody_who_is_paid_in_cash(self, office: Office) -> None:
        (payee,) = make_entitled(1, cash=True)
        page = phone_of(payee).read(HOME)
        assert "đang nhận tiền mặt tại phường, xã" in page
        assert "chưa có trong danh sách" not in page
        assert "Kỳ tới" in page
        assert "Tháng 11/2026" in page
        assert "650.000\u00a0đ" in page

    def test_with_an_account_masked(self, payee: Payee) -> None:
        page = phone_of(payee).read(HOME)
        assert "Đang dùng để nhận tiền" in page
        assert "**** 9999" in page
        assert "1000009999" not in page
        assert "Đổi tài khoản nhận tiền" in page

    def test_with_one_that_cools_beside_the_present_one(self, phone: Phone, bank: Bank, clock: Clock) -> None:
        phone.register()
        phone.register(OTHER)
        page = phone.read(HOME)
        assert "Chờ hết thời gian an toàn" in page
        assert "Tài khoản được dùng từ" in page
        assert "Đang dùng để nhận tiền" in page

    def test_with_one_that_an_officer_looks_at(self, phone: Phone, bank: Bank) -> None:
        bank.holder = "HOA NGUYEN THI"
        phone.register()
        assert "Chờ cán bộ xem lại" in phone.read(HOME)

    def test_with_one_that_the_bank_has_blocked(self, payee: Payee) -> None:
        payee.accounts.update(state="SUSPENDED")
        page = phone_of(payee).read(HOME)
        assert "Tạm khoá" in page
        assert "Hỏi ngân hàng, hoặc đăng ký tài khoản khác." in page

    def test_after_the_bank_has_closed_the_account(self, payee: Payee) -> None:
        payee.accounts.update(state="CLOSED")
        page = phone_of(payee).read(HOME)
        assert "**** 9999</span>: ngân hàng báo tài khoản này đã đóng." in page
        assert "Đăng ký tài khoản nhận tiền" in page

    def test_after_an_officer_has_refused_it(self, phone: Phone, bank: Bank) -> None:
        bank.holder = "HOA NGUYEN THI"
        phone.register()
        PayoutAccount.objects.update(state="REFUSED", refusal_code="OFFICER", due_at=None)
        for path in (HOME, "lich-su"):
            page = phone.read(path)
            assert "Cán bộ không chấp nhận tài khoản này sau khi xem lại." in page
            assert "để biết lý do, hoặc đăng ký tài khoản khác" in page

    def test_with_a_registration_half_done(self, phone: Phone, bank: Bank) -> None:
        phone.ask()
        page = phone.read(HOME)
        assert "Đang hỏi ngân hàng" in page
        assert "/dang-ky/tiep-tuc" in page
        assert NUMBER not in page

    def test_with_a_right_that_rests(self, payee: Payee) -> None:
        Entitlement.objects.update(state="SUSPENDED")
        assert "đang tạm dừng" in phone_of(payee).read(HOME)

    def test_tells_who_receives_for_whom(self, payee: Payee) -> None:
        child = child_with_guardian(payee).person
        page = phone_of(payee).read(HOME)
        assert "Ông, bà nhận tiền thay <strong>Nguyễn Minh Khôi</strong>" in page
        assert "nhận thay cho Nguyễn Minh Khôi" in page
        page = Phone(make_citizen(child)).read(HOME)
        assert f"<strong>{payee}</strong> (Người giám hộ) nhận tiền thay ông, bà" in page

    def test_shows_the_last_three_payments(self, office: Office, payee: Payee) -> None:
        start(office, build_batch(office))
        send_all(FakeGateway())
        page = phone_of(payee).read(HOME)
        assert "Tiền đã vào tài khoản" in page
        assert "Xem tất cả các khoản tiền" in page
        assert "Tháng 12/2026" in page  # what comes next


class TestPayments:
    def test_none_yet(self, payee: Payee) -> None:
        assert "Chưa có khoản nào được duyệt chi" in phone_of(payee).read(LIST)
        assert "Chưa có khoản nào được duyệt chi" in Phone(make_citizen()).read(LIST)

    def test_newest_first_page_by_page(self, office: Office) -> None:
        (payee,) = people_since(OCTOBER, 1)
        pay_month(office, OCTOBER)
        pay_month(office, NOVEMBER)
        phone = phone_of(payee)
        page = phone.read(LIST)
        assert page.index("Tháng 11/2026") < page.index("Tháng 10/2026")
        newest = Transfer.objects.order_by("-end_to_end_id")[0].end_to_end_id
        older = phone.read(f"{LIST}?sau={newest}")
        assert "Tháng 11/2026" not in older
        assert "Tháng 10/2026" in older
        assert "Về khoản mới nhất" in older
        oldest = Transfer.objects.order_by("end_to_end_id")[0].end_to_end_id
        assert "Không còn khoản nào cũ hơn." in phone.read(f"{LIST}?sau={oldest}")

    @pytest.mark.parametrize("after", ["x", "%00", "é", "%27%20OR%201", "0" * 5000])
    def test_after_what_is_no_code(self, office: Office, payee: Payee, after: str) -> None:
        approve(office, build_batch(office))
        assert phone_of(payee).get(f"{LIST}?sau={after}").status_code == 200

    def test_a_payment_and_its_way(self, office: Office, payee: Payee) -> None:
        approve(office, build_batch(office))
        phone = phone_of(payee)
        page = detail(phone)
        assert "Đã được duyệt, chờ chi" in page
        to_come = page.partition("Đã được duyệt, chờ chi</span>")[2]
        assert to_come.count("chưa tới bước này") == 2
        assert "Tiền đã vào tài khoản" in to_come
        assert Transfer.objects.get().public_reference in page
        assert "Vietcombank **** 9999" in page
        assert "1000009999" not in page

    def test_one_that_arrived_has_nothing_to_come(self, office: Office, payee: Payee) -> None:
        start(office, build_batch(office))
        send_all(FakeGateway())
        page = detail(phone_of(payee))
        assert "chưa tới bước này" not in page
        assert 'aria-current="step"' in page

    def test_one_whose_outcome_nobody_knows_says_to_wait(self, office: Office, payee: Payee) -> None:
        start(office, build_batch(office))
        gateway = FakeGateway(status="ACSP")
        gateway.after = time_out
        send_all(gateway)
        page = detail(phone_of(payee))
        assert "Đang kiểm tra với ngân hàng" in page
        assert "Ông, bà không cần làm gì" in page
        assert page.count("chưa tới bước này") == 1

    def test_one_that_failed_says_why_and_what_to_do(self, office: Office, payee: Payee) -> None:
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason="AC04"))
        phone = phone_of(payee)
        page = detail(phone)
        assert "Ngân hàng cho biết: Tài khoản đã đóng." in page
        assert "Đăng ký tài khoản khác" in page
        assert "chưa tới bước này" not in page
        make_account(payee)
        start(office, build_month(office, kind=BatchKind.REPLACEMENT))
        old = Transfer.objects.order_by("end_to_end_id")[0]
        page = detail(phone, old)
        assert "Đang được chi lại" in page
        assert "Xem khoản chi lại" in page
        assert "Đăng ký tài khoản khác" not in page
        assert "chi lại cho khoản trước" in detail(phone, Transfer.objects.order_by("-end_to_end_id")[0])

    def test_cash(self, office: Office) -> None:
        (payee,) = make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        phone = phone_of(payee)
        page = detail(phone)
        assert "mang căn cước đến điểm chi trả" in page
        assert page.count("chưa tới bước này") == 1
        signed = Collected(Transfer.objects.get().pk, "Nguyễn Văn Hai", "", office.at().date())
        cash.mark_collected(batch_id=batch.pk, collected=[signed], by=office.accountant, at=office.at())
        page = detail(phone)
        assert "Đã nhận tiền mặt" in page
        assert "chưa tới bước này" not in page

    def test_where_another_receives_the_account_is_not_told(self, office: Office, payee: Payee) -> None:
        child = child_with_guardian(payee).person
        approve(office, build_batch(office))
        page = detail(Phone(make_citizen(child)))
        assert "Người nhận thay" in page
        assert "**** 9999" not in page
        assert "650.000\u00a0đ" in page
        assert "của Nguyễn Minh Khôi" in detail(phone_of(payee))

    def test_of_somebody_else_is_not_found(self, office: Office, payee: Payee, phone: Phone) -> None:
        approve(office, build_batch(office))
        code = Transfer.objects.get().end_to_end_id
        assert phone.get(f"{LIST}{code}/").status_code == 404
        assert Phone(make_citizen()).get(f"{LIST}{code}/").status_code == 404
        assert phone.get(f"{LIST}{'0' * 32}/").status_code == 404

    def test_pages_cost_the_same_for_one_payment_and_for_many(self, office: Office) -> None:
        (payee,) = people_since(OCTOBER, 1)
        phone = phone_of(payee)
        child_with_guardian(payee)
        pay_month(office, OCTOBER)
        few = [phone.cost(path) for path in (HOME, LIST)]
        for number in range(12):
            child_with_guardian(payee, name=f"Nguyễn Minh {number}")
        pay_month(office, NOVEMBER)
        assert [phone.cost(path) for path in (HOME, LIST)] == few
        assert max(few) <= 20
