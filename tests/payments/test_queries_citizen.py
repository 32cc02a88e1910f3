"""What a citizen reads of his payments: only his own, only what was approved, and what to do when it went wrong."""

from datetime import date
from typing import Any

import pytest

from beneficiaries.models import Entitlement, Payee, Person, ProgrammeLine
from payments.models import Transfer
from payments.operations import cash, decide
from payments.operations.cash import Collected
from payments.queries.citizen import (
    CitizenPayment,
    CitizenStep,
    Tone,
    next_expected,
    payment_of_person,
    payments_of_person,
)
from payments.states import BatchKind
from tests.conftest import Clock
from tests.factories import (
    Office,
    approve,
    build_batch,
    make_account,
    make_entitled,
    make_entitlement,
    make_person,
    start,
)
from tests.fake_gateway import FakeGateway, time_out
from tests.gateway.messages import CALLBACK_ENTRY
from tests.payments.helpers import ask_all, send_all
from tests.payments.months import NOVEMBER, OCTOBER, build_month, child_with_guardian, pay_month, people_since
from tests.payments.test_messages import apply_all, returned, tell_returns

S = CitizenStep


def person_of(payee: Payee) -> Person:
    assert payee.person is not None
    return payee.person


def only(payee: Payee) -> CitizenPayment:
    (payment,) = payments_of_person(person=person_of(payee)).rows
    return payment


def steps(payment: CitizenPayment) -> list[str]:
    return [step.step.value for step in payment.steps]


@pytest.fixture
def payee(office: Office) -> Payee:
    (payee,) = make_entitled(1, numbers=["1000009901"])
    return payee


class TestSteps:
    def test_nothing_is_told_before_the_list_is_approved(self, office: Office, payee: Payee) -> None:
        batch = build_batch(office)
        assert payments_of_person(person=person_of(payee)).rows == ()
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        code = Transfer.objects.get().end_to_end_id
        assert payments_of_person(person=person_of(payee)).rows == ()
        assert payment_of_person(person=person_of(payee), code=code) is None

    def test_nor_of_a_list_that_was_sent_back(self, office: Office, payee: Payee) -> None:
        batch = build_batch(office)
        seen = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        decide.reject_batch(
            batch_id=batch.pk, by=office.approver, seen_hash=seen, reason="Danh sách sai", at=office.at()
        )
        assert payments_of_person(person=person_of(payee)).rows == ()

    def test_approved(self, office: Office, payee: Payee) -> None:
        batch = approve(office, build_batch(office))
        payment = only(payee)
        assert (payment.step, payment.tone, payment.at) == (S.APPROVED, Tone.WAITING, batch.approved_at)
        assert (payment.amount, payment.period, payment.is_own) == (650_000, NOVEMBER, True)
        assert payment.place == f"Vietcombank {payee.accounts.get().number_masked}"
        assert "1000009901" not in repr(payment)

    def test_credited(self, office: Office, payee: Payee) -> None:
        start(office, build_batch(office))
        send_all(FakeGateway())
        payment = only(payee)
        assert steps(payment) == ["APPROVED", "SENT", "CREDITED"]
        assert (payment.step_label, payment.tone, payment.reason, payment.advice) == (
            "Tiền đã vào tài khoản", Tone.GOOD, "", "",
        )  # fmt: skip
        assert payment.at == Transfer.objects.get().ended_at

    def test_sent_on_its_way_and_not_known(self, office: Office, payee: Payee, clock: Clock) -> None:
        start(office, build_batch(office))
        gateway = FakeGateway(status="ACSP")
        gateway.after = time_out
        send_all(gateway)
        assert (only(payee).step, steps(only(payee))) == (S.CHECKING, ["APPROVED", "SENT", "CHECKING"])
        clock.shift("1 minute")
        ask_all(gateway)
        assert (only(payee).step, steps(only(payee))) == (S.SENT, ["APPROVED", "SENT"])

    def test_left_the_fund_but_not_known_to_have_arrived(self, office: Office, payee: Payee) -> None:
        start(office, build_batch(office))
        send_all(FakeGateway(status="ACSC"))
        assert only(payee).step == S.TRANSFERRED
        assert "hai ngày làm việc" in only(payee).advice

    def test_refused_with_the_reason_and_what_to_do(self, office: Office, payee: Payee) -> None:
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason="AC04"))
        payment = only(payee)
        assert (payment.step, payment.tone, payment.reason) == (S.FAILED, Tone.BAD, "Tài khoản đã đóng")
        assert "liên kết một tài khoản khác" in payment.advice

    def test_returned_after_it_had_arrived(self, office: Office, payee: Payee, settings: Any) -> None:
        settings.GATEWAY_CALLBACK_SECRETS = [CALLBACK_ENTRY]
        start(office, build_batch(office))
        send_all(FakeGateway())
        tell_returns("r-1", returned(Transfer.objects.get()))
        apply_all()
        payment = only(payee)
        assert steps(payment) == ["APPROVED", "SENT", "CREDITED", "RETURNED"]
        assert payment.reason == "Tài khoản đã đóng"

    def test_paid_again_by_a_newer_payment(self, office: Office, payee: Payee) -> None:
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason="AC04"))
        make_account(payee)
        again = build_month(office, kind=BatchKind.REPLACEMENT)
        assert only(payee).step == S.FAILED  # the new list is not approved yet
        start(office, again)
        new, old = payments_of_person(person=person_of(payee)).rows
        assert (old.step, old.paid_again_by, old.reason) == (S.PAID_AGAIN, new.code, "Tài khoản đã đóng")
        assert (new.step, new.replaces, new.amount, new.programmes) == (S.APPROVED, old.code, 650_000, old.programmes)
        send_all(FakeGateway())
        new, old = payments_of_person(person=person_of(payee)).rows
        assert (old.step, old.tone, new.step) == (S.REPLACED, Tone.GOOD, S.CREDITED)

    def test_cash(self, office: Office) -> None:
        (payee,) = make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        assert (only(payee).step, only(payee).place) == (S.APPROVED, "Tiền mặt tại phường")
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        assert only(payee).step == S.CASH_READY
        signed = Collected(Transfer.objects.get().pk, "Nguyễn Văn Hai", "", office.at().date())
        cash.mark_collected(batch_id=batch.pk, collected=[signed], by=office.accountant, at=office.at())
        assert (only(payee).step, only(payee).tone) == (S.CASH_PAID, Tone.GOOD)

    def test_cash_that_was_not_fetched(self, office: Office) -> None:
        (payee,) = make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        cash.carry_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        assert (only(payee).step, only(payee).tone) == (S.NOT_PAID, Tone.BAD)

    def test_every_state_has_its_step(self) -> None:
        from payments.queries.citizen import HANDED_OVER, SETTLED, STEPS
        from payments.states import Route, SettlementLevel, TransferState

        told = {*STEPS, TransferState.HANDED_OVER, TransferState.SETTLED, TransferState.EXCLUDED}
        assert told == set(TransferState)
        assert set(HANDED_OVER) == set(Route) - {Route.GATEWAY}
        assert set(SETTLED) == set(SettlementLevel)


class TestWhose:
    def test_a_guardian_sees_for_whom_he_receives(self, office: Office, payee: Payee) -> None:
        child = child_with_guardian(payee).person
        approve(office, build_batch(office))
        payment = only(payee)
        assert payment.amount == 1_300_000
        assert {(part.beneficiary, part.amount) for part in payment.parts} == {
            (person_of(payee).full_name, 650_000), (child.full_name, 650_000),
        }  # fmt: skip

    def test_the_child_sees_his_own_part_and_not_the_account(self, office: Office, payee: Payee) -> None:
        child = child_with_guardian(payee).person
        approve(office, build_batch(office))
        (payment,) = payments_of_person(person=child).rows
        assert (payment.amount, payment.is_own, payment.place) == (650_000, False, "")
        assert payment.received_by == str(payee)
        assert [part.beneficiary for part in payment.parts] == [child.full_name]
        assert payee.accounts.get().number_masked not in repr(payment)

    def test_a_stranger_sees_nothing(self, office: Office, payee: Payee) -> None:
        approve(office, build_batch(office))
        stranger = make_person("Lý Thị Lạ")
        code = Transfer.objects.get().end_to_end_id
        assert payments_of_person(person=stranger).rows == ()
        assert payment_of_person(person=stranger, code=code) is None
        assert payment_of_person(person=person_of(payee), code=code) == only(payee)

    @pytest.mark.parametrize("code", ["", " ", "0" * 32, "x" * 5000, "\x00", "' OR 1=1 --", "%", "é"])
    def test_no_code_that_is_none_finds_anything(self, office: Office, payee: Payee, code: str) -> None:
        approve(office, build_batch(office))
        assert payment_of_person(person=person_of(payee), code=code) is None

    def test_a_scheme_goes_by_its_public_name(self, office: Office, payee: Payee) -> None:
        ProgrammeLine.objects.filter(code="HTXH").update(public_name="Trợ cấp xã hội")
        approve(office, build_batch(office))
        assert only(payee).programmes == ("Trợ cấp xã hội",)


class TestPages:
    def test_come_newest_first_and_repeat_nothing(self, office: Office) -> None:
        (payee,) = people_since(OCTOBER, 1)
        pay_month(office, OCTOBER)
        pay_month(office, NOVEMBER)
        first = payments_of_person(person=person_of(payee), limit=1)
        assert first.next is not None
        second = payments_of_person(person=person_of(payee), limit=1, after=first.next)
        assert [first.rows[0].period, second.rows[0].period] == [NOVEMBER, OCTOBER]
        assert second.next is None

    @pytest.mark.parametrize("others", [1, 60])
    def test_cost_four_queries(self, office: Office, payee: Payee, others: int, django_assert_num_queries) -> None:
        for _ in range(others):
            child_with_guardian(payee)
        approve(office, build_batch(office))
        with django_assert_num_queries(4):
            assert len(only(payee).parts) == others + 1


class TestNext:
    def test_is_the_first_month_that_no_approved_list_has_taken(self, office: Office, payee: Payee) -> None:
        batch = build_batch(office)
        (expected,) = next_expected(person=person_of(payee), at=office.at())
        assert (expected.period, expected.amount, expected.is_own) == (NOVEMBER, 650_000, True)
        approve(office, batch)
        (expected,) = next_expected(person=person_of(payee), at=office.at())
        assert expected.period == date(2026, 12, 1)

    def test_names_who_receives_and_for_whom(self, office: Office, payee: Payee) -> None:
        child = child_with_guardian(payee).person
        for_guardian = next_expected(person=person_of(payee), at=office.at())
        assert [(item.beneficiary, item.is_own) for item in for_guardian] == [
            (person_of(payee).full_name, True), (child.full_name, False),
        ]  # fmt: skip
        (for_child,) = next_expected(person=child, at=office.at())
        assert for_child.received_by == str(payee)

    def test_is_nothing_once_the_right_has_ended(self, office: Office, payee: Payee) -> None:
        Entitlement.objects.update(valid_to=date(2026, 10, 31))
        assert next_expected(person=person_of(payee), at=office.at()) == ()
        Entitlement.objects.update(valid_to=None, state="ENDED")
        assert next_expected(person=person_of(payee), at=office.at()) == ()

    def test_is_a_strangers_business_never(self, office: Office, payee: Payee) -> None:
        child_with_guardian(payee)
        stranger = make_person("Lý Thị Lạ")
        make_entitlement(stranger, fixed_amount=123_000, coefficient=None)
        (expected,) = next_expected(person=stranger, at=office.at())
        assert (expected.amount, expected.received_by) == (123_000, "Lý Thị Lạ")
