"""Building a list: who is owed what for which months, to whom it is paid, who is left out and why; and resuming it."""

from datetime import date, timedelta
from typing import Any

import pytest

from beneficiaries.models import Payee, Person, Programme, Rate, Representation
from foundation.audit.models import Job
from foundation.reference.models import Unit
from foundation.users.roles import Role
from payments.errors import BatchExists, FundClosed, NotInAuthority, WrongInput
from payments.models import DispatchChunk, Fund, PayoutBatch, PayoutLine, Transfer
from payments.models.batches import FIRST_PERIOD
from payments.operations import build, decide
from payments.states import BatchKind
from tests.factories import (
    ACB,
    PERIOD,
    WARD,
    Office,
    build_batch,
    make_account,
    make_entitled,
    make_entitlement,
    make_office,
    make_person,
    make_staff,
)
from tests.payments.helpers import at_once, kinds, read
from tests.payments.papers import remit

OCTOBER, SEPTEMBER, AUGUST = date(2026, 10, 1), date(2026, 9, 1), date(2026, 8, 1)
OTHER_WARD = "26740"


def lines(person: Person) -> dict[date, tuple[str, int]]:
    """Live lines of somebody: kind and amount by month."""
    live = PayoutLine.objects.filter(entitlement__person=person, live=True)
    return {line.period: (line.kind, line.amount) for line in live}


def reasons() -> set[str]:
    return set(PayoutLine.objects.filter(live=False).values_list("exclusion_reason", flat=True))


def payee_with_account(name: str = "Trần Thị Lan", **fields: Any) -> Payee:
    payee = Payee.objects.create(person=make_person(name, **fields))
    make_account(payee)
    return payee


def represent(beneficiary: Person, payee: Payee, **fields: Any) -> Representation:
    given = {"relation": "GUARDIAN", "valid_from": date(2026, 1, 1)} | fields
    return Representation.objects.create(beneficiary=beneficiary, payee=payee, **given)


class TestMonths:
    def test_unpaid_months_are_arrears_beside_this_month(self, office: Office) -> None:
        person = make_person()
        make_entitlement(person, paid_through=AUGUST)
        batch = build_batch(office)
        assert lines(person) == {
            SEPTEMBER: ("ARREARS", 650_000), OCTOBER: ("ARREARS", 650_000), PERIOD: ("CURRENT", 650_000),
        }  # fmt: skip
        assert (batch.number_of_transactions, batch.number_of_lines, batch.control_sum) == (1, 3, 1_950_000)

    def test_each_month_has_the_rate_of_its_day(self, office: Office) -> None:
        Rate.objects.create(scope="CITY", standard="TEST", amount=100_000, valid_from=date(2026, 1, 1), valid_to=date(2026, 9, 30), legal_basis="x")  # fmt: skip  # noqa: E501
        Rate.objects.create(scope="CITY", standard="TEST", amount=120_000, valid_from=OCTOBER, legal_basis="x")
        person = make_person()
        make_entitlement(person, standard="TEST", coefficient="1.5", paid_through=AUGUST)
        build_batch(office)
        assert lines(person) == {
            SEPTEMBER: ("ARREARS", 150_000), OCTOBER: ("ARREARS", 180_000), PERIOD: ("CURRENT", 180_000),
        }  # fmt: skip

    def test_the_larger_of_the_nations_and_the_citys_rate_is_paid(self, office: Office) -> None:
        for scope, amount in (("NATIONAL", 500_000), ("CITY", 480_000)):
            Rate.objects.create(scope=scope, standard="TEST", amount=amount, valid_from=OCTOBER, legal_basis="x")
        person = make_person()
        make_entitlement(person, standard="TEST")
        build_batch(office)
        assert lines(person) == {PERIOD: ("CURRENT", 500_000)}

    def test_without_a_rate_the_month_is_left_out_with_its_reason(self, office: Office) -> None:
        person = make_person()
        make_entitlement(person, standard="NOWHERE")
        batch = build_batch(office)
        assert (lines(person), reasons(), batch.number_excluded) == ({}, {"NO_RATE"}, 1)

    def test_a_right_is_paid_from_its_first_month_to_its_last(self, office: Office) -> None:
        begins, ended, later = make_person(), make_person(), make_person()
        make_entitlement(begins, valid_from=date(2026, 10, 20), paid_through=None)
        make_entitlement(ended, valid_to=date(2026, 10, 15), paid_through=AUGUST)
        make_entitlement(later, valid_from=date(2026, 12, 1), paid_through=None)
        build_batch(office)
        assert set(lines(begins)) == {OCTOBER, PERIOD}
        assert set(lines(ended)) == {SEPTEMBER, OCTOBER}
        assert lines(later) == {}

    def test_nothing_is_owed_for_the_time_before_the_portal(self, office: Office) -> None:
        person = make_person()
        make_entitlement(person, valid_from=date(2020, 1, 1), paid_through=None)
        build_batch(office)
        assert min(lines(person)) == FIRST_PERIOD

    @pytest.mark.parametrize("state", ["SUSPENDED", "ENDED"])
    def test_a_right_that_does_not_run_is_not_paid(self, office: Office, state: str) -> None:
        person = make_person()
        right = make_entitlement(person)
        right.state = state
        right.save()
        assert build_batch(office).number_of_transactions == 0


class TestWhoReceives:
    def test_one_transfer_pays_all_lines_of_a_payee(self, office: Office) -> None:
        payee = payee_with_account()
        assert payee.person is not None
        make_entitlement(payee.person)
        child = make_person("Trần Minh Khang", birth_date=date(2018, 2, 3))
        represent(child, payee)
        make_entitlement(child, line="TE-A2")
        batch = build_batch(office)
        transfer = Transfer.objects.get(batch=batch)
        assert transfer.lines.count() == 2
        assert transfer.instructed_amount == sum(line.amount for line in transfer.lines.all()) == batch.control_sum
        assert transfer.payee == payee

    def test_a_guardian_receives_for_a_child_from_his_day_on(self, office: Office) -> None:
        payee = payee_with_account()
        child = make_person("Trần Minh Khang", birth_date=date(2018, 2, 3))
        represent(child, payee, valid_from=date(2026, 11, 1))
        make_entitlement(child, line="TE-A2")
        build_batch(office)
        transfer = Transfer.objects.get()
        assert (transfer.payee, transfer.route) == (payee, "GATEWAY")

    def test_a_child_without_a_payee_is_left_out(self, office: Office) -> None:
        child = make_person("Trần Minh Khang", birth_date=date(2018, 2, 3))
        make_entitlement(child, line="TE-A2")
        batch = build_batch(office)
        assert (batch.number_of_transactions, reasons()) == (0, {"CHILD_WITHOUT_PAYEE"})

    def test_an_authority_that_is_over_leaves_the_money_to_the_person(self, office: Office) -> None:
        person = make_person()
        represent(
            person, payee_with_account(), relation="AUTHORISED", document_number="1/GUQ", valid_to=date(2026, 10, 31)
        )
        make_entitlement(person)
        build_batch(office)
        assert Transfer.objects.get().payee.person == person

    def test_a_representation_for_one_line_takes_only_that_line(self, office: Office) -> None:
        person, carer = make_person(), payee_with_account()
        right = make_entitlement(person)
        represent(person, carer, programme_line=right.programme_line)
        make_entitlement(person, line="KT-B+")
        build_batch(office)
        paid = {transfer.payee.person_id: transfer.lines.get().entitlement_id for transfer in Transfer.objects.all()}
        assert paid[carer.person_id] == right.pk
        assert set(paid) == {person.pk, carer.person_id}

    def test_a_dead_payee_is_left_out_until_another_is_named(self, office: Office) -> None:
        payee = payee_with_account(deceased_date=date(2026, 10, 20))
        child = make_person("Trần Minh Khang", birth_date=date(2018, 2, 3))
        represent(child, payee)
        make_entitlement(child, line="TE-A2")
        assert (build_batch(office).number_of_transactions, reasons()) == (0, {"PAYEE_DECEASED"})

    def test_nothing_is_owed_after_the_month_of_death(self, office: Office) -> None:
        person, heir = make_person(deceased_date=date(2026, 10, 3)), payee_with_account()
        represent(person, heir, relation="LEGAL")
        make_entitlement(person, paid_through=AUGUST)
        build_batch(office)
        assert set(lines(person)) == {SEPTEMBER, OCTOBER}

    def test_without_an_account_it_is_cash_at_the_ward(self, office: Office) -> None:
        make_entitled(1, cash=True)
        build_batch(office)
        transfer = Transfer.objects.get()
        assert (transfer.route, transfer.payout_account_id, transfer.creditor_agent) == ("WARD_CASH", None, "")

    def test_the_name_is_the_one_that_the_bank_gave(self, office: Office) -> None:
        make_entitlement(payee_with_account("Nguyễn Thị Hoà").person)  # type: ignore[arg-type]
        build_batch(office)
        assert Transfer.objects.get().creditor_name == "NGUYEN THI HOA"

    @pytest.mark.parametrize(("state", "reason"), [("SUSPENDED", "ACCOUNT_SUSPENDED"), ("COOLING", "ACCOUNT_COOLING")])
    def test_an_account_that_must_rest_is_not_paid_into(self, office: Office, state: str, reason: str) -> None:
        person = make_person()
        payee = Payee.objects.create(person=person)
        account = make_account(payee, state="REQUESTED" if state == "COOLING" else "SUSPENDED")
        if state == "COOLING":
            account.state = "ACCOUNT_CHECKED"
            account.save()
            account.state, account.cooling_until = "COOLING", office.at() + timedelta(hours=72)
            account.save()
        make_entitlement(person)
        batch = build_batch(office)
        assert (batch.number_of_transactions, reasons()) == (0, {reason})

    def test_the_old_account_is_paid_while_the_new_one_cools(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        old = payee.accounts.get()
        new = make_account(payee, state="REQUESTED")
        new.state = "ACCOUNT_CHECKED"
        new.save()
        new.state, new.cooling_until = "COOLING", office.at() + timedelta(hours=72)
        new.save()
        build_batch(office)
        assert Transfer.objects.get().payout_account_id == old.pk

    @pytest.mark.parametrize("state", ["CLOSED", "REVOKED"])
    def test_an_account_that_ended_means_cash(self, office: Office, state: str) -> None:
        person = make_person()
        make_account(Payee.objects.create(person=person), state=state)
        make_entitlement(person)
        build_batch(office)
        assert Transfer.objects.get().route == "WARD_CASH"


class TestWhatTheBankReads:
    @pytest.mark.parametrize("line", ["HIV-A", "KT-A+", "KT-B+"])
    def test_a_sensitive_programme_is_not_told(self, office: Office, line: str) -> None:
        make_entitlement(payee_with_account().person, line=line)  # type: ignore[arg-type]
        build_batch(office)
        told = Transfer.objects.get().remittance_information
        assert told.endswith(" 11/2026")
        for word in ("HIV", "KHUYET TAT", "TAM THAN", line):
            assert word not in told.upper()

    def test_sensitive_and_other_lines_of_one_group_read_the_same(self, office: Office) -> None:
        for line in ("HIV-A", "NCT-C"):
            make_entitlement(payee_with_account().person, line=line)  # type: ignore[arg-type]
        build_batch(office)
        assert len(set(Transfer.objects.values_list("remittance_information", flat=True))) == 1

    def test_several_programmes_in_one_transfer_have_a_neutral_name(self, office: Office) -> None:
        payee = payee_with_account()
        assert payee.person is not None
        make_entitlement(payee.person)
        make_entitlement(payee.person, line="KT-B+")
        build_batch(office)
        assert Transfer.objects.get().remittance_information == "AN SINH XA HOI 11/2026"

    def test_only_letters_that_banks_carry(self, office: Office) -> None:
        make_entitled(2)
        build_batch(office)
        for transfer in Transfer.objects.all():
            assert (transfer.remittance_information + transfer.creditor_name).isascii()


class TestLists:
    def test_a_supplementary_list_takes_only_what_is_left(self, office: Office) -> None:
        make_entitled(2)
        build_batch(office)
        (late,) = make_entitled(1)
        more = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        assert Transfer.objects.get(batch=more).payee == late

    def test_a_replacement_list_takes_nobody_who_was_never_listed(self, office: Office) -> None:
        make_entitled(2)
        assert build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions == 0

    def test_what_was_not_paid_comes_with_its_own_amount_and_month(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = build_batch(office)
        seen = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        decide.reject_batch(
            batch_id=batch.pk, by=office.approver, seen_hash=seen, reason="Danh sách sai", at=office.at()
        )
        again = build_batch(office)
        assert (again.version, again.control_sum) == (2, 650_000)

    def test_the_fund_pays_its_own_programmes_only(self, office: Office) -> None:
        make_entitlement(make_person())
        make_entitlement(make_person(), line="NCT-C")
        office.fund.programmes.set(Programme.objects.filter(code="TGXH"))
        build_batch(office)
        assert {line.entitlement.programme_line.code for line in PayoutLine.objects.all()} == {"NCT-C"}

    def test_the_ward_pays_its_own_decisions_only(self, office: Office) -> None:
        make_entitlement(make_person())
        make_entitlement(make_person(unit_id=OTHER_WARD))
        assert build_batch(office).number_of_transactions == 1

    def test_transfers_of_a_chunk_share_route_and_bank_and_stay_within_its_size(
        self, office: Office, settings: Any
    ) -> None:
        settings.DISPATCH_CHUNK_SIZE = 2
        make_entitled(5)
        make_entitled(3, bank=ACB)
        make_entitled(3, cash=True)
        build_batch(office)
        shapes = sorted(DispatchChunk.objects.values_list("route", "creditor_agent", "number_of_transactions"))
        assert shapes == [
            ("GATEWAY", "970416", 1), ("GATEWAY", "970416", 2),
            ("GATEWAY", "970436", 1), ("GATEWAY", "970436", 2), ("GATEWAY", "970436", 2),
            ("WARD_CASH", "", 1), ("WARD_CASH", "", 2),
        ]  # fmt: skip
        assert (
            read(
                "SELECT c.id FROM payments_dispatch_chunk c JOIN payments_transfer t ON t.chunk_id = c.id "
                "GROUP BY c.id HAVING count(*) <> c.number_of_transactions OR sum(t.instructed_amount) <> c.control_sum "
                "OR bool_or(t.route <> c.route OR t.creditor_agent <> c.creditor_agent)"
            )
            == []
        )

    def test_it_is_for_those_who_prepare_lists_there(self, office: Office) -> None:
        for by in (office.approver, make_staff(Role.PREPARER, unit=OTHER_WARD)):
            with pytest.raises(NotInAuthority):
                self.start(office, by=by)
        with pytest.raises(NotInAuthority):
            self.start(office, unit_code=None)

    @pytest.mark.parametrize(
        "wrong",
        [{"period": date(2026, 11, 2)}, {"period": date(2027, 6, 1)}, {"period": date(2025, 8, 1)}],
        ids=["no month", "far ahead", "before the portal"],
    )
    def test_a_month_that_cannot_be_is_refused(self, office: Office, wrong: dict[str, Any]) -> None:
        with pytest.raises(WrongInput):
            self.start(office, **wrong)

    def test_a_fund_of_another_ward_or_a_closed_one_is_refused(self, office: Office) -> None:
        other = make_office()
        Fund.objects.filter(pk=other.fund.pk).update(unit_id=OTHER_WARD)
        with pytest.raises(WrongInput):
            self.start(office, fund_id=other.fund.pk)
        remit(office, office.fund, 0, outcome="CLOSE")
        with pytest.raises(FundClosed):
            self.start(office)

    @staticmethod
    def start(office: Office, **changes: Any) -> PayoutBatch:
        given: dict[str, Any] = {
            "fund_id": office.fund.pk, "unit_code": WARD, "period": PERIOD, "kind": BatchKind.REGULAR,
            "execution_date": office.at().date(), "by": office.preparer, "at": office.at(),
        }  # fmt: skip
        return build.start_build(**(given | changes))


class TestResuming:
    """A city-wide list is built in steps of some payees; it can be left and taken up between any two of them."""

    def city(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> Job:
        monkeypatch.setattr(build, "STEP_PAYEES", 3)
        Fund.objects.filter(pk=office.fund.pk).update(unit=None)
        make_entitled(4)
        make_entitled(2, cash=True)
        for _ in range(4):
            make_entitlement(make_person(unit_id=OTHER_WARD))
        batch = TestLists.start(office, unit_code=None, by=make_staff(Role.PREPARER, unit=None))
        return Job.objects.get(kind=build.JOB_KIND, subject_id=batch.pk)

    def test_each_step_is_whole_and_the_list_is_complete_at_the_end(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = self.city(office, monkeypatch)
        steps, listed = 1, []
        while build.build_step(job_id=job.pk):
            steps += 1
            listed.append(Transfer.objects.count())
            assert PayoutBatch.objects.get().state == "BUILDING"
            job.refresh_from_db()
            assert 0 < job.done < (job.total or 0)
        assert steps >= 4
        assert listed == sorted(set(listed))
        batch = PayoutBatch.objects.get()
        assert (batch.state, batch.number_of_transactions, batch.control_sum) == ("DRAFT", 10, 6_500_000)
        numbers = list(DispatchChunk.objects.order_by("number").values_list("number", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        job.refresh_from_db()
        assert (job.state, job.done, job.error) == ("DONE", job.total, "")
        assert build.build_step(job_id=job.pk) is False

    def test_a_step_that_breaks_leaves_nothing_and_is_done_again(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = self.city(office, monkeypatch)
        assert build.build_step(job_id=job.pk)
        before = Transfer.objects.count()
        whole = build.BUILD_STEP
        monkeypatch.setattr(build, "BUILD_STEP", whole + " / (SELECT 0)")
        with pytest.raises(Exception, match="division by zero"):
            build.build_step(job_id=job.pk)
        assert Transfer.objects.count() == before
        monkeypatch.setattr(build, "BUILD_STEP", whole)
        while build.build_step(job_id=job.pk):
            pass
        assert PayoutBatch.objects.get().number_of_transactions == 10
        assert PayoutLine.objects.filter(live=True).count() == 10

    def test_a_list_withdrawn_in_the_middle_is_left_and_its_lines_are_free(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = self.city(office, monkeypatch)
        assert build.build_step(job_id=job.pk)
        batch = PayoutBatch.objects.get()
        decide.withdraw_batch(
            batch_id=batch.pk, by=make_staff(Role.PREPARER, unit=None), reason="Danh sách sai", at=office.at()
        )
        assert build.build_step(job_id=job.pk) is False
        job.refresh_from_db()
        assert (job.state, PayoutLine.objects.filter(live=True).count()) == ("FAILED", 0)

    def test_two_workers_at_once_build_each_piece_once(self, committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
        office = make_office()
        job = self.city(office, monkeypatch)

        def work() -> None:
            while not Job.objects.filter(pk=job.pk, state="DONE").exists():
                build.build_step(job_id=job.pk)

        assert at_once(work, work, work) == [None] * 3
        batch = PayoutBatch.objects.get()
        assert (batch.state, batch.number_of_transactions) == ("DRAFT", 10)
        assert PayoutLine.objects.filter(live=True).count() == 10

    def test_the_city_and_a_ward_at_once_list_everybody_once(
        self, committed: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office = make_office()
        job = self.city(office, monkeypatch)
        ward_fund = make_office().fund

        def city() -> None:
            while build.build_step(job_id=job.pk):
                pass

        def ward() -> None:
            batch = TestLists.start(office, fund_id=ward_fund.pk)
            step = Job.objects.get(kind=build.JOB_KIND, subject_id=batch.pk)
            while build.build_step(job_id=step.pk):
                pass

        results = at_once(city, ward)
        assert set(kinds(results)) <= {"None", "IntegrityError"}
        # Who lost the race broke off with nothing written of that step, and finds the rest the next time.
        for open_job in Job.objects.filter(state__in=["WAITING", "RUNNING"]):
            while build.build_step(job_id=open_job.pk):
                pass
        assert PayoutLine.objects.filter(live=True).count() == 10
        assert set(PayoutBatch.objects.values_list("state", flat=True)) == {"DRAFT"}

    def test_a_second_regular_list_of_the_city_is_refused(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.city(office, monkeypatch)
        with pytest.raises(BatchExists):
            TestLists.start(office, unit_code=None, by=make_staff(Role.PREPARER, unit=None))
        assert Unit.objects.filter(code=WARD).exists()
