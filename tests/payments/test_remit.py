"""Money that is not paid goes back to the budget by two persons, years are closed, no fund falls below zero whatever races."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction

from beneficiaries.models import Programme
from foundation.audit import clock
from foundation.gateway.port import ReturnNotice
from foundation.users.roles import Role
from payments.errors import AlreadyDecided, FundClosed, FundTooLow, NotInAuthority, OwnProposal, OwnRecord, WrongInput
from payments.models import Fund, FundingVoucher, LedgerEntry
from payments.operations import funding, proposals, release
from payments.operations.money_effects import MONEY_EFFECTS
from payments.operations.remit import CLOSE
from payments.operations.returns import record_returns
from payments.states import BatchKind, LedgerAccount, VoucherKind
from tests.factories import Office, approve, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import at_once, balances, broken, kinds, read, refused, run, send_all
from tests.payments.months import OCTOBER, build_month, pay_month, people_since
from tests.payments.papers import PAPER_DAY, REASON, confirm, give, propose_remit, remit

MONTH = 650_000
FEES = LedgerAccount.FEES


class TestMoneyGoesBackToTheBudget:
    def test_when_a_second_person_says_so(self, office: Office) -> None:
        before = balances(office)
        proposal = propose_remit(office, office.fund, 4_000_000)
        assert balances(office) == before
        confirm(office, proposal)
        assert balances(office)["FUNDING"] == before["FUNDING"] - 4_000_000
        assert balances(office)["TREASURY"] == before["TREASURY"] + 4_000_000
        entry = LedgerEntry.objects.get(kind="REMIT")
        assert (entry.proposal, entry.amount) == (proposal, 4_000_000)

    def test_never_what_a_list_has_reserved(self, db: None) -> None:
        office = make_office(money=3 * MONTH)
        make_entitled(2)
        release.reserve_batch(batch_id=approve(office, build_batch(office)).pk, at=office.at())
        with pytest.raises(FundTooLow):
            propose_remit(office, office.fund, MONTH + 1)
        remit(office, office.fund, MONTH)
        assert balances(office) == balances(office) | {"FUNDING": 0, "RESERVED": 2 * MONTH}

    def test_not_by_one_person_alone(self, office: Office) -> None:
        proposal = propose_remit(office, office.fund, 1)
        for by in (office.accountant, office.preparer, make_staff(Role.APPROVER, unit="25747")):
            with pytest.raises(NotInAuthority):
                proposals.confirm(effects=MONEY_EFFECTS, proposal_id=proposal.pk, by=by, at=office.at())
        type(office.approver).objects.filter(pk=office.approver.pk).update(
            person_fingerprint=office.accountant.person_fingerprint
        )
        office.approver.refresh_from_db()
        with pytest.raises(OwnProposal):
            confirm(office, proposal)

    @pytest.mark.parametrize(
        ("account", "amount", "outcome", "what"),
        [
            (LedgerAccount.FUNDING, 0, "KEEP", "amount"),
            (LedgerAccount.FUNDING, -1, "CLOSE", "amount"),
            (LedgerAccount.RESERVED, 1, "KEEP", "account"),
            (LedgerAccount.FUNDING, 1, "", "outcome"),
        ],
    )
    def test_nonsense_is_refused(
        self, office: Office, account: LedgerAccount, amount: int, outcome: str, what: str
    ) -> None:
        with pytest.raises(WrongInput, match=what):
            propose_remit(office, office.fund, amount, account=account, outcome=outcome)

    def test_the_database_books_only_what_two_persons_signed(self, office: Office) -> None:
        book = (
            "INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, proposal_id) "
            "SELECT %s, %s, %s, 'TREASURY', %s, max(id) FROM payments_proposal"
        )
        propose_remit(office, office.fund, 5)
        refused(book, office.fund.pk, "REMIT", "FUNDING", 5, by="ledger_entry_as_signed")
        confirm(office, propose_again(office))
        refused(book, office.fund.pk, "REMIT", "FUNDING", 6, by="ledger_entry_as_signed")
        refused(book, office.fund.pk, "REMIT_FEES", "FEES", 7, by="ledger_entry_as_signed")
        refused(book, office.fund.pk, "REMIT", "FUNDING", 7, by="ledger_entry_once_per_proposal")
        refused(
            book.replace("proposal_id", "batch_id"),
            office.fund.pk,
            "REMIT",
            "FUNDING",
            7,
            by="ledger_entry_source_of_kind",
        )


def propose_again(office: Office) -> Any:
    """The open proposal is refused, another one of 7 đồng is made."""
    open_one = read("SELECT max(id) FROM payments_proposal")[0][0]
    proposals.refuse(effects=MONEY_EFFECTS, proposal_id=open_one, reason=REASON, by=office.approver, at=office.at())
    return propose_remit(office, office.fund, 7)


class TestAClosedYear:
    @pytest.fixture
    def closed(self, office: Office) -> Office:
        remit(office, office.fund, balances(office)["FUNDING"], outcome=CLOSE)
        office.fund.refresh_from_db()
        assert not office.fund.is_open
        return office

    def test_takes_no_new_list_and_no_new_money(self, closed: Office) -> None:
        make_entitled(1)
        with pytest.raises(FundClosed):
            build_batch(closed)
        for kind in (VoucherKind.FUND, VoucherKind.FUND_FEES):
            with pytest.raises(FundClosed):
                give(closed, 1, kind=kind)
        with pytest.raises(FundClosed):
            propose_remit(closed, closed.fund, 0, outcome=CLOSE)

    def test_not_even_past_the_operations(self, closed: Office) -> None:
        insert = (
            "INSERT INTO payments_payout_batch (fund_id, unit_id, period, kind, sequence, version, state, "
            "requested_execution_date, number_of_transactions, control_sum, number_of_lines, number_excluded, held_from, "
            "held_reason, prepared_by_id) "
            "VALUES (%s, '26743', %s, 'REGULAR', 1, 1, 'BUILDING', '2026-11-25', 0, 0, 0, 0, '', '', %s)"
        )
        refused(insert, closed.fund.pk, PAPER_DAY, closed.preparer.pk, by="payout_batch_fund_is_open")
        refused("UPDATE payments_fund SET is_open = true", by="fund_closed_by_two")

    def test_is_not_closed_by_one_person(self, office: Office) -> None:
        propose_remit(office, office.fund, 1, outcome=CLOSE)
        refused("UPDATE payments_fund SET is_open = false", by="fund_closed_by_two")

    def test_lists_that_were_reserved_are_still_paid_and_what_comes_back_is_handed_on(self, db: None) -> None:
        office, gateway = make_office(money=2 * MONTH), FakeGateway(status="RJCT", reason="AB05")
        make_entitled(1)
        start(office, build_batch(office))
        remit(office, office.fund, MONTH, outcome=CLOSE)
        send_all(gateway)
        assert balances(office)["FUNDING"] == MONTH
        remit(office, office.fund, MONTH)
        assert set(balances(office).values()) == {0}

    def test_pays_no_month_of_a_later_year(self, office: Office) -> None:
        older = Fund.objects.create(
            code="F-2025", name="x", budget_code="1055555", debtor_account="1", unit_id="26743", year=2025
        )
        with pytest.raises(WrongInput, match="fund"):
            build_batch(replace(office, fund=older))


class TestProgrammesAndBudgetCodes:
    def make(self, **fields: Any) -> Fund:
        given = {
            "code": f"N-{Fund.objects.count()}", "name": "x", "budget_code": "1044444", "debtor_account": "1",
            "unit_id": "26743", "year": 2026,
        }  # fmt: skip
        return Fund.objects.create(**(given | fields))

    def test_a_programme_has_one_open_fund_of_a_unit_year_and_budget_code(self, db: None) -> None:
        programme = Programme.objects.order_by("id")[0]
        self.make().programmes.add(programme)
        for other in ({"year": 2027}, {"unit_id": "25747"}, {"unit_id": None}, {"budget_code": "1044445"}):
            self.make(**other).programmes.add(programme)
        with pytest.raises(Exception, match="fund_programme_once"):
            self.make().programmes.add(programme)

    def test_another_fund_takes_it_over_once_the_first_is_closed(self, office: Office) -> None:
        remit(office, office.fund, 0, outcome=CLOSE)
        self.make(budget_code=office.fund.budget_code).programmes.set(Programme.objects.all())

    def test_two_funds_at_once_do_not_both_get_it(self, committed: None) -> None:
        programme = Programme.objects.order_by("id")[0]
        funds = [self.make(), self.make()]
        results = at_once(*[lambda fund=fund: fund.programmes.add(programme) for fund in funds])
        assert sum("fund_programme_once" in str(result) for result in results) == 1

    def test_a_budget_code_is_seven_digits_and_stays(self, office: Office) -> None:
        refused(
            "INSERT INTO payments_fund (code, name, budget_code, debtor_account, year, is_open) "
            "VALUES ('x', 'x', '105', '1', 2026, true)",
            by="fund_budget_code_form",
        )
        for change in ("budget_code = '1000000'", "year = 2027", "code = 'x'"):
            refused(f"UPDATE payments_fund SET {change}", by="fund_frozen")


class TestI16RacesForTheLastMoney:
    """Real connections, one starting shot; the row of the balance decides who was first."""

    def two(self, money: int) -> Office:
        office = make_office(money=money)
        make_entitled(2)
        return office

    def test_a_list_and_a_remittance(self, committed: None) -> None:
        office = self.two(3 * MONTH)
        batch = approve(office, build_batch(office))
        proposal = propose_remit(office, office.fund, 2 * MONTH)
        results = at_once(
            lambda: release.reserve_batch(batch_id=batch.pk, at=office.at()),
            lambda: confirm(office, proposal) and None,
        )
        assert kinds(results) == ["FundTooLow", "None"]
        assert balances(office)["FUNDING"] == MONTH
        proposal.refresh_from_db()
        assert proposal.state == ("CONFIRMED" if results[1] is None else "PROPOSED")

    def test_a_refund_and_a_remittance_that_needs_it(self, committed: None) -> None:
        office, gateway = self.two(2 * MONTH), FakeGateway()
        start(office, build_batch(office))
        send_all(gateway)
        give(office, MONTH)
        proposal = propose_remit(office, office.fund, MONTH)
        give_less(office)  # a list takes the money before the second person comes
        refund = _refund_of_one(gateway)
        results = at_once(refund, lambda: confirm(office, proposal) and None)
        assert results[0] is None
        assert type(results[1]).__name__ in ("FundTooLow", "NoneType")
        assert balances(office)["FUNDING"] == (0 if results[1] is None else MONTH)
        assert min(value for account, value in balances(office).items() if account != "TREASURY") >= 0
        assert broken(gateway) == []

    def test_two_remittances_of_two_accounts_do_not_wait_for_each_other(self, committed: None) -> None:
        office = make_office(money=10)
        give(office, 10, number="P-1", kind=VoucherKind.FUND_FEES)
        confirm(office, propose_remit(office, office.fund, 10))
        fees = propose_remit(office, office.fund, 10, account=FEES)
        results = at_once(*[lambda: confirm(office, fees) and None] * 3)
        assert kinds(results) == ["InvalidMove", "InvalidMove", "None"]
        assert set(balances(office).values()) == {0}

    def test_closing_and_a_new_list(self, committed: None) -> None:
        office = self.two(2 * MONTH)
        proposal = propose_remit(office, office.fund, 0, outcome=CLOSE)
        results = at_once(lambda: build_batch(office) and None, lambda: confirm(office, proposal) and None)
        assert results[1] is None
        assert type(results[0]).__name__ in ("FundClosed", "NoneType")
        assert read("SELECT count(*) FROM payments_payout_batch") == [(1 if results[0] is None else 0,)]

    def test_the_database_refuses_every_account_below_zero(self, office: Office) -> None:
        make_entitled(1)
        approve(office, build_batch(office))
        run("SET CONSTRAINTS ALL IMMEDIATE")
        for kind, debit, credit in (
            ("POST", "RESERVED", "PAID"),
            ("VOID", "RESERVED", "FUNDING"),
            ("RETURN", "PAID", "RETURNS"),
            ("REFUND", "RETURNS", "FUNDING"),
        ):
            refused(
                "INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id) "
                "SELECT %s, %s, %s, %s, 1, min(id) FROM payments_transfer",
                office.fund.pk, kind, debit, credit, by="fund_balance_never_negative",
            )  # fmt: skip


def give_less(office: Office) -> None:
    """Another list takes all that is left in the fund."""
    make_entitled(1)
    release.reserve_batch(
        batch_id=approve(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY)).pk, at=office.at()
    )
    assert balances(office)["FUNDING"] == 0


def _refund_of_one(gateway: FakeGateway) -> Any:
    """A payment that was settled comes back from the bank."""
    (end_to_end_id, chunk_id, amount), *_ = read(
        "SELECT end_to_end_id, chunk_id, instructed_amount FROM payments_transfer WHERE state = 'SETTLED' ORDER BY id"
    )
    notice = ReturnNotice(
        end_to_end_id=end_to_end_id,
        return_id="R1",
        instructed_amount=amount,
        status_reason="AC04",
        at=clock.now(),
        value_date=clock.now().date(),
    )

    gateway.returned.add(end_to_end_id)

    def act() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            record_returns(cursor, chunk_ids=[chunk_id], notices=[notice])

    return act


class TestFeesAreApart:
    """What banks charge is paid from money of its own: a beneficiary gets every đồng of his amount (charge bearer DEBT)."""

    def test_an_invoice_is_paid_from_the_money_for_fees(self, office: Office) -> None:
        before = balances(office)
        give(office, 50_000, number="P-1", kind=VoucherKind.FUND_FEES)
        give(office, 33_000, number="HĐ-9", kind=VoucherKind.FEE)
        assert balances(office) == before | {
            "TREASURY": before["TREASURY"] - 50_000, "FEES": 17_000, "FEES_PAID": 33_000,
        }  # fmt: skip
        remit(office, office.fund, 17_000, account=FEES)
        assert balances(office)["FEES"] == 0

    def test_never_from_the_money_of_beneficiaries(self, office: Office) -> None:
        give(office, 10, number="P-1", kind=VoucherKind.FUND_FEES)
        with pytest.raises(FundTooLow):
            give(office, 11, number="HĐ-9", kind=VoucherKind.FEE)
        assert FundingVoucher.objects.get(number="HĐ-9").state == "RECORDED"
        refused(
            "INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, voucher_id) "
            "SELECT fund_id, 'FEE', 'FUNDING', 'FEES_PAID', amount, id FROM payments_funding_voucher WHERE number = 'HĐ-9'",
            by="ledger_entry_accounts_of_kind|ledger_entry_as_signed",
        )

    def test_a_payment_carries_its_whole_amount_whatever_fees_there_are(self, db: None, gateway: FakeGateway) -> None:
        office = make_office()
        give(office, 10, number="P-1", kind=VoucherKind.FUND_FEES)
        people_since(OCTOBER, 2)
        pay_month(office, OCTOBER, gateway)
        give(office, 10, number="HĐ-9", kind=VoucherKind.FEE)
        build_month(office)
        assert [credit.instructed_amount for credit in gateway.credits.values()] == [MONTH, MONTH]
        assert balances(office)["PAID"] == 2 * MONTH

    def test_an_invoice_that_comes_after_the_year_is_still_paid(self, office: Office) -> None:
        give(office, 10, number="P-1", kind=VoucherKind.FUND_FEES)
        remit(office, office.fund, 0, outcome=CLOSE)
        give(office, 10, number="HĐ-9", kind=VoucherKind.FEE)
        assert balances(office)["FEES_PAID"] == 10


class TestAVoucherIsRefused:
    def record(self, office: Office, number: str = "CT-5") -> FundingVoucher:
        return funding.record_voucher(
            fund_id=office.fund.pk,
            number=number,
            voucher_date=PAPER_DAY,
            amount=5,
            by=office.accountant,
            at=office.at(),
        )

    def test_with_a_reason_and_no_money_moves(self, office: Office) -> None:
        voucher, before = self.record(office), balances(office)
        with pytest.raises(WrongInput):
            funding.refuse_voucher(voucher_id=voucher.pk, reason="sai", by=office.approver, at=office.at())
        funding.refuse_voucher(voucher_id=voucher.pk, reason=REASON, by=office.approver, at=office.at())
        voucher.refresh_from_db()
        assert (voucher.state, voucher.decision_reason) == ("REFUSED", REASON)
        assert balances(office) == before
        with pytest.raises(AlreadyDecided):
            funding.confirm_voucher(voucher_id=voucher.pk, by=office.approver, at=office.at())
        self.record(office)  # the same number, rightly this time

    def test_not_by_whoever_recorded_it(self, office: Office) -> None:
        voucher = self.record(office)
        type(office.approver).objects.filter(pk=office.approver.pk).update(
            person_fingerprint=office.accountant.person_fingerprint
        )
        office.approver.refresh_from_db()
        with pytest.raises(OwnRecord):
            funding.refuse_voucher(voucher_id=voucher.pk, reason=REASON, by=office.approver, at=office.at())

    def test_the_database_wants_the_reason(self, office: Office) -> None:
        voucher = self.record(office)
        refused(
            "UPDATE payments_funding_voucher SET state = 'REFUSED', decided_by_id = %s, decided_at = now(), "
            "decided_by_person = 'other' WHERE id = %s",
            office.approver.pk, voucher.pk, by="funding_voucher_refusal_has_reason",
        )  # fmt: skip

    @pytest.mark.parametrize(
        "wrong",
        [{"amount": 10**12}, {"number": "x" * 61}, {"voucher_date": date(2999, 1, 1)}, {"kind": VoucherKind.RECOVER}],
    )
    def test_nonsense_is_not_even_recorded(self, office: Office, wrong: dict[str, Any]) -> None:
        given: dict[str, Any] = {"number": "CT-5", "voucher_date": PAPER_DAY, "amount": 5} | wrong
        with pytest.raises(WrongInput):
            funding.record_voucher(fund_id=office.fund.pk, by=office.accountant, at=office.at(), **given)

    def test_money_that_nobody_confirmed_cannot_be_booked(self, office: Office) -> None:
        self.record(office)
        refused(
            "INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, voucher_id) "
            "SELECT fund_id, 'FUND', 'TREASURY', 'FUNDING', amount, id FROM payments_funding_voucher WHERE state = 'RECORDED'",
            by="ledger_entry_as_signed",
        )
