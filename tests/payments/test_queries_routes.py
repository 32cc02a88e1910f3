"""What people read of the four routes: the citizen where to go and what to bring, officers how far it is, auditors the story."""

from typing import Any

import pytest

from beneficiaries.models import Payee, Person
from beneficiaries.states import Delivery
from foundation.audit import clock
from payments.models import Transfer
from payments.operations import cash, release
from payments.operations.payout_files import make_file
from payments.queries import batch_progress, batch_totals, timeline
from payments.queries.batch_log import batch_log
from payments.queries.citizen import CitizenPayment, next_expected, payments_of_person
from payments.queries.tracing import trace
from payments.states import BatchKind, Route
from payments.views.citizen import told
from tests.factories import Office, build_batch, make_entitled, start
from tests.fake_gateway import FakeGateway
from tests.payments.by_file import NOT_PAID, S, T, answered, given, said, to_service, to_treasury
from tests.payments.helpers import balances, send_all, state_of
from tests.payments.months import child_with_guardian

SERVICE = "Bưu điện Thành phố Hồ Chí Minh"


def person_of(payee: Payee) -> Person:
    assert payee.person is not None
    return payee.person


def only(payee: Payee) -> CitizenPayment:
    (payment,) = payments_of_person(person=person_of(payee)).rows
    return payment


def to_come(payment: CitizenPayment) -> list[str]:
    return [str(step) for step in told(payment).to_come]


class TestWhatACitizenReads:
    def test_of_the_treasury(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        payment = only(first.payee)
        assert (payment.step_label, to_come(payment)) == ("Kho bạc đang chuyển tiền", ["TRANSFERRED"])
        assert payment.advice == "Ông, bà không cần làm gì: Kho bạc đang chuyển tiền vào tài khoản của ông, bà."
        assert "ACB ****" in payment.place
        answered(office, batch, said(first), said(second, NOT_PAID))
        assert only(first.payee).step == "TRANSFERRED"
        refused = only(second.payee)
        assert (refused.step, refused.reason) == ("FAILED", "Tài khoản đã đóng")

    @pytest.mark.parametrize(
        ("delivery", "words"),
        [
            (
                Delivery.PAY_POINT,
                f"Mời ông, bà mang căn cước đến điểm chi trả của {SERVICE} ở phường, xã để nhận tiền.",
            ),
            (Delivery.HOME, f"Nhân viên {SERVICE} mang tiền đến nhà. Ông, bà chuẩn bị căn cước và ký nhận."),
        ],
    )
    def test_of_the_payment_service(self, office: Office, delivery: Delivery, words: str) -> None:
        (payee,) = to_service(office, 1, delivery)
        batch = start(office, build_batch(office))
        assert to_come(only(payee)) == ["WITH_SERVICE", "SERVICE_PAID"]
        make_file(batch_id=batch.pk, route=S, by=office.accountant, at=office.at())
        payment = only(payee)
        assert (payment.step, payment.advice) == ("WITH_SERVICE", words)
        answered(office, batch, said(Transfer.objects.get()), route=S)
        assert only(payee).step_label == "Đã nhận tiền qua tổ chức dịch vụ chi trả"

    def test_of_what_the_service_could_not_hand_out(self, office: Office) -> None:
        batch, _, (first, _) = given(office, S)
        answered(office, batch, said(first, NOT_PAID), route=S)
        payment = only(first.payee)
        assert (payment.step, "đợt chi sau" in payment.advice) == ("NOT_PAID", True)

    def test_of_cash_at_the_ward_as_before(self, office: Office) -> None:
        (payee,) = make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        payment = only(payee)
        assert payment.step == "CASH_READY"
        assert payment.advice == "Mời ông, bà mang căn cước đến điểm chi trả của phường, xã để nhận tiền."

    def test_of_the_next_money(self, office: Office) -> None:
        (account,), (desk,) = make_entitled(1), make_entitled(1, cash=True)
        (service,) = to_service(office, 1)

        def how(payee: Payee) -> list[str]:
            return [one.how for one in next_expected(person=person_of(payee), at=clock.now())]

        assert how(account) == ["Chuyển vào tài khoản"]
        assert how(desk) == ["Nhận tiền mặt tại phường, xã; mang theo căn cước."]
        assert how(service) == [f"Nhận qua {SERVICE}: điểm chi trả"]

    def test_of_money_that_somebody_else_receives_nothing_of_his_way(self, office: Office) -> None:
        (payee,) = to_service(office, 1)
        child = child_with_guardian(payee).person
        assert [one.how for one in next_expected(person=child, at=clock.now())] == [""]


class TestABatchByFourRoutes:
    def test_adds_up_and_runs_dry_together(self, office: Office) -> None:
        make_entitled(2), make_entitled(2, cash=True), to_treasury(2), to_service(office, 2)
        batch = start(office, build_batch(office))
        groups = {str(one.group): one.part.count for one in batch_progress(batch=batch, at=clock.now()).groups}
        assert groups == {"WAITING": 2, "CASH": 2, "TREASURY": 2, "SERVICE": 2}
        told_: dict[str, Any] = {"batch_id": batch.pk, "by": office.accountant, "at": office.at()}
        cash.hand_over(**told_)
        for route in (T, S):
            make_file(route=route, **told_)
            first, second = Transfer.objects.filter(route=route).order_by("id")
            answered(office, batch, said(first), said(second, NOT_PAID), route=route)
        send_all(FakeGateway())
        assert release.drain_batches() == []
        cash.carry_over(**told_)
        assert release.drain_batches() == [batch.pk]
        whole = batch_totals(batch_id=batch.pk)
        parts = [batch_totals(batch_id=batch.pk, route=route) for route in Route]
        assert sum(parts[1:], parts[0]) == whole
        assert (whole.settled.count, whole.rejected.count, whole.cancelled.count, whole.open.count) == (4, 1, 3, 0)
        assert balances(office)["RESERVED"] == 0
        assert state_of(batch) == "DRAINED"
        assert build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions == 4


class TestWhatAnAuditorReads:
    def test_the_list_and_the_result_stand_in_the_story(self, office: Office) -> None:
        batch, file, (first, _) = given(office)
        answered(office, batch, said(first, **{"Số chứng từ": "KB-7"}))
        answered(office, batch, said(first, NOT_PAID))
        entries = timeline(trace(end_to_end_id=first.end_to_end_id))
        by_what = {entry.what: entry for entry in entries}
        listed = by_what["Đưa vào tệp gửi Bảng kê Kho bạc"]
        assert (listed.digest, dict(listed.details)["Tệp"]) == (bytes(file.sha256).hex(), "1.1")
        assert dict(by_what["Ghi kết quả chi"].details)["Số chứng từ"] == "KB-7"
        against = by_what["Kết quả trái với kết quả đã ghi: cần người xem xét"]
        assert (against.tone, dict(against.details)["Kết quả"]) == ("BAD", "Chưa chi")
        assert against.actor == str(office.accountant)

    def test_the_log_of_the_batch_tells_of_files_and_results(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        answered(office, batch, said(first), said(second, NOT_PAID))
        told_ = {entry.what: dict(entry.details) for entry in batch_log(batch=batch).rows}
        assert told_["Lập tệp gửi đi"] | {"Cách chi": "Bảng kê Kho bạc", "Tệp": "1.1"} == told_["Lập tệp gửi đi"]
        assert (told_["Ghi tệp kết quả"]["Đã chi"], told_["Ghi tệp kết quả"]["Không chi được"]) == ("1", "1")
