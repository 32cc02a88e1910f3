"""Money that was paid in error comes back: by a decision of two persons, a part each month, never the whole of a payment."""

from datetime import date
from typing import Any

import pytest

from beneficiaries.models import Entitlement, Payee
from foundation.users.roles import Role
from payments.errors import AlreadyDecided, NotInAuthority, OwnRecord, RecoveryExceeded, WrongInput
from payments.models import PayoutBatch, PayoutLine, Recovery, Transfer
from payments.operations import build, decide, funding, proposals, recover
from payments.operations.money_effects import MONEY_EFFECTS, propose_stop
from payments.states import BatchKind, RecoveryBasis, VoucherKind
from tests.factories import (
    Office,
    build_batch,
    make_entitled,
    make_entitlement,
    make_office,
    make_person,
    make_staff,
    start,
)
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import at_once, balances, broken, kinds, read, refused, send_all
from tests.payments.months import NOVEMBER, OCTOBER, SEPTEMBER, build_month, pay_month, people_since
from tests.payments.papers import PAPER_DAY, REASON, entitlement_of, record, recovering

MONTH = 650_000


@pytest.fixture
def payee(office: Office) -> Payee:
    return make_entitled(1)[0]


@pytest.fixture
def right(payee: Payee) -> Entitlement:
    return entitlement_of(payee)


def recovered(recovery: Recovery) -> int:
    recovery.refresh_from_db()
    return recovery.recovered_amount


def lines(batch: PayoutBatch) -> dict[str, int]:
    return dict(PayoutLine.objects.filter(batch=batch).values_list("kind", "amount"))


def let_go(office: Office, recovery: Recovery) -> None:
    """What is left is not taken any more, by the word of two persons."""
    proposal = propose_stop(recovery_id=recovery.pk, reason=REASON, by=office.accountant, at=office.at())
    proposals.confirm(effects=MONEY_EFFECTS, proposal_id=proposal.pk, by=office.approver, at=office.at())


def paid_back(office: Office, recovery: Recovery, amount: int, number: str = "PT-1") -> int:
    """A receipt of money that the person paid back, recorded and not yet confirmed: its id."""
    return funding.record_voucher(
        fund_id=office.fund.pk,
        kind=VoucherKind.RECOVER,
        recovery_id=recovery.pk,
        number=number,
        voucher_date=PAPER_DAY,
        amount=amount,
        by=office.accountant,
        at=office.at(),
    ).pk


class TestAList:
    def test_takes_what_the_decision_says_for_a_month_as_a_line_of_its_own(
        self, office: Office, right: Entitlement
    ) -> None:
        recovery = recovering(office, right)
        batch = build_batch(office)
        assert lines(batch) == {"CURRENT": MONTH, "RECOVERY": -200_000}
        assert Transfer.objects.get().instructed_amount == MONTH - 200_000 == batch.control_sum
        assert batch.number_of_lines == 2
        assert recovered(recovery) == 200_000

    def test_pays_the_sum_of_its_lines_and_leaves_the_rest_in_the_fund(
        self, office: Office, right: Entitlement, gateway: FakeGateway
    ) -> None:
        recovering(office, right)
        before = balances(office)["FUNDING"]
        start(office, build_batch(office))
        send_all(gateway)
        assert balances(office)["PAID"] == MONTH - 200_000
        assert balances(office)["FUNDING"] == before - (MONTH - 200_000)
        assert [credit.instructed_amount for credit in gateway.credits.values()] == [MONTH - 200_000]
        assert broken(gateway) == []

    def test_goes_on_month_by_month_until_the_whole_has_come_back_and_then_stops(self, office: Office) -> None:
        payee = people_since(SEPTEMBER, 1)[0]
        recovery = recovering(office, entitlement_of(payee), first_period=SEPTEMBER, total_amount=450_000)
        for month, left in ((SEPTEMBER, 250_000), (OCTOBER, 50_000), (NOVEMBER, 0)):
            pay_month(office, month)
            recovery.refresh_from_db()
            assert recovery.remaining_amount == left
        assert list(Transfer.objects.order_by("id").values_list("instructed_amount", flat=True)) == [
            450_000,
            450_000,
            600_000,
        ]

    def test_never_takes_more_than_half_of_what_the_right_pays(self, office: Office, right: Entitlement) -> None:
        recovery = recovering(office, right, total_amount=5_000_000, monthly_amount=5_000_000)
        build_batch(office)
        assert Transfer.objects.get().instructed_amount == MONTH // 2
        assert recovered(recovery) == MONTH // 2

    def test_takes_nothing_before_its_month_or_before_it_is_confirmed(self, office: Office) -> None:
        later, unconfirmed, other = (entitlement_of(payee) for payee in make_entitled(3))
        recovering(office, later, first_period=date(2026, 12, 1))
        record(office, unconfirmed)
        recovering(office, other, first_period=OCTOBER)
        batch = build_batch(office)
        assert sorted(Transfer.objects.values_list("instructed_amount", flat=True)) == [450_000, MONTH, MONTH]
        assert PayoutLine.objects.filter(batch=batch, kind="RECOVERY").get().entitlement == other

    def test_cuts_only_the_right_that_was_overpaid(self, office: Office, payee: Payee) -> None:
        assert payee.person is not None
        child = make_entitlement(payee.person, line="TE-A1")
        recovering(office, entitlement_of_line(payee, "HTXH"), monthly_amount=500_000)
        build_batch(office)
        whole = sum(PayoutLine.objects.filter(amount__gt=0).values_list("amount", flat=True))
        assert Transfer.objects.get().instructed_amount == whole - MONTH // 2
        assert not PayoutLine.objects.filter(entitlement=child, kind="RECOVERY").exists()

    def test_takes_once_a_month_for_a_right_whatever_lists_and_decisions_there_are(self, office: Office) -> None:
        payee = people_since(OCTOBER, 1)[0]
        right = entitlement_of(payee)
        first = recovering(office, right, first_period=OCTOBER, total_amount=300_000)
        second = recovering(office, right, first_period=OCTOBER, number="QĐ-78")
        start(office, build_month(office, OCTOBER))
        send_all(FakeGateway(status="RJCT", reason="AB05"))
        batch = build_month(office, NOVEMBER)  # two months at once: October's that failed, and November's
        assert Transfer.objects.get(batch=batch).instructed_amount == 2 * MONTH - 200_000
        assert (recovered(first), recovered(second)) == (200_000, 0)


def entitlement_of_line(payee: Payee, line: str) -> Entitlement:
    return Entitlement.objects.get(person=payee.person, programme_line__code=line)


class TestALineThatTookNothing:
    """Nobody repays out of money that he has not received."""

    def test_of_a_list_taken_back_stops_counting(self, office: Office, right: Entitlement) -> None:
        recovery = recovering(office, right)
        batch = build_batch(office)
        assert recovered(recovery) == 200_000
        decide.withdraw_batch(batch_id=batch.pk, by=office.preparer, reason="Danh sách lập nhầm", at=office.at())
        assert recovered(recovery) == 0
        build_batch(office)
        assert recovered(recovery) == 200_000

    @pytest.mark.parametrize("kind", [BatchKind.REPLACEMENT, BatchKind.SUPPLEMENTARY])
    def test_of_a_rejected_payment_is_taken_anew_from_the_next_one(
        self, office: Office, right: Entitlement, kind: BatchKind
    ) -> None:
        recovery = recovering(office, right)
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason="AB05"))
        again = build_batch(office, kind=kind)
        assert Transfer.objects.get(batch=again).instructed_amount == MONTH - 200_000
        assert recovered(recovery) == 200_000
        gateway = FakeGateway()
        start(office, again)
        send_all(gateway)
        assert recovered(recovery) == 200_000
        assert broken(gateway) == []

    def test_stops_counting_even_when_the_rest_was_let_go_meanwhile(self, office: Office, right: Entitlement) -> None:
        recovery = recovering(office, right)
        start(office, build_batch(office))
        let_go(office, recovery)
        send_all(FakeGateway(status="RJCT", reason="AB05"))
        again = build_batch(office, kind=BatchKind.REPLACEMENT)
        assert again.control_sum == MONTH
        assert recovered(recovery) == 0

    def test_of_somebody_whose_account_changed_before_the_list_was_submitted(
        self, office: Office, payee: Payee, right: Entitlement
    ) -> None:
        make_entitled(1)
        recovery = recovering(office, right)
        batch = build_batch(office)
        payee.accounts.update(state="SUSPENDED")
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        assert recovered(recovery) == 0
        batch.refresh_from_db()
        assert (batch.number_of_lines, batch.control_sum) == (1, MONTH)


class TestPayingBackByOneself:
    def test_brings_the_money_into_the_fund_and_counts_against_the_decision(
        self, office: Office, right: Entitlement
    ) -> None:
        recovery, before = recovering(office, right), balances(office)
        voucher = paid_back(office, recovery, 300_000)
        assert balances(office) == before
        funding.confirm_voucher(voucher_id=voucher, by=office.approver, at=office.at())
        assert balances(office)["FUNDING"] == before["FUNDING"] + 300_000
        assert recovered(recovery) == 300_000

    def test_more_than_is_left_is_refused(self, office: Office, right: Entitlement) -> None:
        recovery = recovering(office, right)
        with pytest.raises(RecoveryExceeded):
            paid_back(office, recovery, 500_001)
        first, second = paid_back(office, recovery, 300_000), paid_back(office, recovery, 300_000, "PT-2")
        funding.confirm_voucher(voucher_id=first, by=office.approver, at=office.at())
        with pytest.raises(RecoveryExceeded):
            funding.confirm_voucher(voucher_id=second, by=office.approver, at=office.at())
        assert recovered(recovery) == 300_000
        assert read("SELECT state FROM payments_funding_voucher WHERE id = %s", second) == [("RECORDED",)]

    def test_is_of_a_recovery_that_this_fund_may_take(self, office: Office, right: Entitlement) -> None:
        elsewhere = make_entitlement(make_person(unit_id="25747"))
        accountant, approver = (make_staff(role, unit="25747") for role in (Role.ACCOUNTANT, Role.APPROVER))
        there = recover.record_recovery(
            entitlement_id=elsewhere.pk, basis=RecoveryBasis.CONSENT, number="1", paper_date=PAPER_DAY,
            total_amount=5, monthly_amount=5, first_period=NOVEMBER, by=accountant, at=office.at(),
        )  # fmt: skip
        recover.confirm_recovery(recovery_id=there.pk, by=approver, at=office.at())
        for unfit in (there, record(office, right)):
            with pytest.raises(WrongInput, match="recovery"):
                paid_back(office, unfit, 1)

    def test_and_a_list_at_the_same_moment_never_take_more_than_is_owed(self, committed: None) -> None:
        office = make_office()
        recovery = recovering(office, entitlement_of(make_entitled(1)[0]), total_amount=250_000)
        voucher = paid_back(office, recovery, 250_000)
        results = at_once(
            lambda: build_batch(office).control_sum,
            lambda: funding.confirm_voucher(voucher_id=voucher, by=office.approver, at=office.at()),
        )
        assert kinds(results) in (["650000", "None"], ["450000", "RecoveryExceeded"])
        assert recovered(recovery) == (250_000 if results[0] == MONTH else 200_000)


class TestTwoPersons:
    def test_decide_and_the_second_is_another_human(self, office: Office, right: Entitlement) -> None:
        recorder = make_staff(Role.ACCOUNTANT, person="079185000777")
        recovery = record(office, right)
        with pytest.raises(NotInAuthority):
            recover.confirm_recovery(recovery_id=recovery.pk, by=recorder, at=office.at())
        type(office.approver).objects.filter(pk=office.approver.pk).update(
            person_fingerprint=office.accountant.person_fingerprint
        )
        office.approver.refresh_from_db()
        with pytest.raises(OwnRecord):
            recover.confirm_recovery(recovery_id=recovery.pk, by=office.approver, at=office.at())

    def test_a_refusal_says_why_and_takes_nothing(self, office: Office, right: Entitlement) -> None:
        recovery = record(office, right)
        with pytest.raises(WrongInput):
            recover.refuse_recovery(recovery_id=recovery.pk, reason="  ", by=office.approver, at=office.at())
        recover.refuse_recovery(recovery_id=recovery.pk, reason=REASON, by=office.approver, at=office.at())
        with pytest.raises(AlreadyDecided):
            recover.confirm_recovery(recovery_id=recovery.pk, by=office.approver, at=office.at())
        assert build_batch(office).control_sum == MONTH
        record(office, right)  # the same paper, rightly this time

    def test_let_the_rest_of_a_debt_go(self, office: Office, right: Entitlement) -> None:
        recovery = recovering(office, right)
        refused("UPDATE payments_recovery SET state = 'STOPPED'", by="recovery_stopped_by_two")
        let_go(office, recovery)
        assert build_batch(office).control_sum == MONTH
        with pytest.raises(AlreadyDecided):
            let_go(office, recovery)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"total_amount": 0},
            {"monthly_amount": 0},
            {"monthly_amount": 500_001},
            {"number": " "},
            {"number": "x" * 61},
            {"first_period": date(2026, 11, 2)},
            {"first_period": date(2025, 8, 1)},
            {"paper_date": date(2999, 1, 1)},
        ],
    )
    def test_nonsense_is_refused(self, office: Office, right: Entitlement, wrong: dict[str, Any]) -> None:
        with pytest.raises(WrongInput, match=next(iter(wrong))):
            record(office, right, **wrong)
        assert not Recovery.objects.exists()

    def test_a_paper_is_recorded_once(self, office: Office, right: Entitlement) -> None:
        record(office, right)
        with pytest.raises(WrongInput, match="number"):
            record(office, right)


class TestTheDatabaseItself:
    def test_counts_nothing_that_somebody_writes(self, office: Office, right: Entitlement) -> None:
        recovering(office, right)
        refused("UPDATE payments_recovery SET recovered_amount = 7", by="recovery_counted_by_lines_and_papers")

    def test_keeps_what_was_decided(self, office: Office, right: Entitlement) -> None:
        recovering(office, right)
        for change in ("total_amount = 1", "monthly_amount = 1", "number = 'x'", "first_period = '2026-10-01'"):
            refused(f"UPDATE payments_recovery SET {change}", by="recovery_frozen")
        refused("DELETE FROM payments_recovery", by="Cannot delete")


class TestLinesOfTheDatabase:
    """Straight into a list that is being built, past the build."""

    @pytest.mark.parametrize(
        ("amount", "change", "rule"),
        [
            (-200_001, "", "payout_line_recovery_as_decided"),  # more than a month's part
            (-1, "first_period", "payout_line_recovery_as_decided"),  # before its month
            (-1, "unconfirmed", "payout_line_recovery_as_decided"),
            (-1, "other", "payout_line_recovery_as_decided"),  # of somebody else's right
            (-1, "none", "payout_line_recovers_by_decision"),
            (1, "", "payout_line_sign_of_kind"),
        ],
    )
    def test_are_what_the_decision_allows(self, office: Office, amount: int, change: str, rule: str) -> None:
        one, other = (entitlement_of(payee) for payee in make_entitled(2))
        options = {"first_period": date(2026, 12, 1)} if change == "first_period" else {}
        recovery = record(office, one, **options) if change == "unconfirmed" else recovering(office, one, **options)
        make_entitled(1)
        batch = build.start_build(
            fund_id=office.fund.pk, unit_code="26743", period=NOVEMBER, kind=BatchKind.REGULAR,
            execution_date=office.at().date(), by=office.preparer, at=office.at(),
        )  # fmt: skip
        insert = (
            "WITH c AS (INSERT INTO payments_dispatch_chunk (batch_id, number, route, creditor_agent, number_of_transactions, "
            "control_sum) VALUES (%s, 1, 'WARD_CASH', '', 1, 1) RETURNING id), "
            "t AS (INSERT INTO payments_transfer (batch_id, chunk_id, payee_id, route, creditor_name, creditor_agent, "
            "instructed_amount, remittance_information) SELECT %s, c.id, (SELECT min(id) FROM beneficiaries_payee), 'WARD_CASH', "
            "'X', '', 1, 'X' FROM c RETURNING id) "
            "INSERT INTO payments_payout_line (batch_id, entitlement_id, period, kind, amount, transfer_id, recovery_id) "
            "SELECT %s, %s, '2026-11-01', 'RECOVERY', %s, t.id, %s FROM t"
        )
        refused(
            insert,
            batch.pk,
            batch.pk,
            batch.pk,
            (other if change == "other" else one).pk,
            amount,
            None if change == "none" else recovery.pk,
            by=rule,
        )
