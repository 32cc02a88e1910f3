"""I-12, I-15, I-16 over any sequence of acts: after each the books add up, every balance is the sum of its entries, no account is
below zero, and what stands as paid and as reserved is what the transfers say.
"""

from collections import Counter

import pytest
from django.db import connection, transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from foundation.audit import clock
from foundation.gateway.port import ReturnNotice
from payments.errors import FundTooLow, RecoveryExceeded
from payments.models import LedgerEntry, PayoutBatch, PayoutLine, Recovery, Transfer
from payments.operations import funding, release
from payments.operations.returns import record_returns
from payments.states import BatchKind, EntryKind, LedgerAccount, VoucherKind
from tests.factories import Office, approve, build_batch, make_entitled, make_office
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import balances, broken, run, send_all
from tests.payments.papers import PAPER_DAY, entitlement_of, give, recovering, remit

MONTH = 650_000
some_money = st.integers(1, 6).map(lambda months: months * MONTH // 2)


class Books(RuleBasedStateMachine):
    """A ward's money in the hands of people who do everything in any order; what is refused changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        run("SAVEPOINT books")
        self.office: Office = make_office(money=3 * MONTH)
        self.gateway = FakeGateway()
        self.papers = self.returns = 0

    def teardown(self) -> None:
        run("ROLLBACK TO SAVEPOINT books")

    def number(self) -> str:
        self.papers += 1
        return f"P-{self.papers}"

    def try_to_give(self, amount: int, kind: VoucherKind) -> None:
        try:
            give(self.office, amount, number=self.number(), kind=kind)
        except FundTooLow:
            assert kind == VoucherKind.FEE

    @rule(amount=some_money)
    def money_comes(self, amount: int) -> None:
        self.try_to_give(amount, VoucherKind.FUND)

    @rule(amount=some_money, kind=st.sampled_from([VoucherKind.FUND_FEES, VoucherKind.FEE]))
    def fees(self, amount: int, kind: VoucherKind) -> None:
        self.try_to_give(amount, kind)

    @rule(amount=some_money, account=st.sampled_from([LedgerAccount.FUNDING, LedgerAccount.FEES]))
    def money_goes_back(self, amount: int, account: LedgerAccount) -> None:
        enough = balances(self.office)[account] >= amount
        try:
            remit(self.office, self.office.fund, amount, account=account)
        except FundTooLow:
            assert not enough
        else:
            assert enough

    @rule(people=st.integers(1, 2), recover=st.booleans())
    def a_list_is_approved(self, people: int, recover: bool) -> None:
        payees = make_entitled(people)
        if recover:
            recovering(self.office, entitlement_of(payees[0]), number=self.number())
        approve(self.office, build_batch(self.office, kind=BatchKind.SUPPLEMENTARY))

    @precondition(lambda self: PayoutBatch.objects.filter(state="APPROVED").exists())
    @rule()
    def the_oldest_list_gets_its_money(self) -> None:
        batch = PayoutBatch.objects.filter(state="APPROVED").order_by("id")[0]
        enough = balances(self.office)["FUNDING"] >= batch.control_sum
        try:
            release.reserve_batch(batch_id=batch.pk, at=self.office.at())
        except FundTooLow:
            assert not enough
            return
        assert enough
        release.start_batch(batch_id=batch.pk, at=self.office.at())
        while release.open_chunks():
            pass

    @rule(status=st.sampled_from([("ACCC", None), ("RJCT", "AB05")]))
    def the_bank_answers(self, status: tuple[str, str | None]) -> None:
        self.gateway.status, self.gateway.reason = status
        send_all(self.gateway)

    @precondition(lambda self: Transfer.objects.filter(state="SETTLED").exists())
    @rule()
    def the_oldest_payment_comes_back(self) -> None:
        self.returns += 1
        transfer = Transfer.objects.filter(state="SETTLED").order_by("id")[0]
        notice = ReturnNotice(
            return_id=f"R{self.returns}",
            end_to_end_id=transfer.end_to_end_id,
            instructed_amount=transfer.instructed_amount,
            status_reason="AC04",
            at=clock.now(),
            value_date=PAPER_DAY,
        )
        with transaction.atomic(), connection.cursor() as cursor:
            assert record_returns(cursor, chunk_ids=[transfer.chunk_id], notices=[notice])[0] == 1

    @precondition(lambda self: Recovery.objects.exists())
    @rule(amount=st.integers(1, 300_000))
    def somebody_pays_back(self, amount: int) -> None:
        recovery = Recovery.objects.order_by("id")[0]
        try:
            voucher = funding.record_voucher(
                fund_id=self.office.fund.pk,
                kind=VoucherKind.RECOVER,
                recovery_id=recovery.pk,
                number=self.number(),
                voucher_date=PAPER_DAY,
                amount=amount,
                by=self.office.accountant,
                at=self.office.at(),
            )
            funding.confirm_voucher(voucher_id=voucher.pk, by=self.office.approver, at=self.office.at())
        except RecoveryExceeded:
            assert amount > recovery.remaining_amount

    @invariant()
    def the_books_add_up(self) -> None:
        kept = balances(self.office)
        assert sum(kept.values()) == 0
        assert min(value for account, value in kept.items() if account != LedgerAccount.TREASURY) >= 0
        sums: Counter[str] = Counter(dict.fromkeys(kept, 0))
        for debit, credit, amount in LedgerEntry.objects.values_list("debit", "credit", "amount"):
            sums[debit] -= amount
            sums[credit] += amount
        assert dict(sums) == kept

    @invariant()
    def accounts_say_what_transfers_say(self) -> None:
        kept, by_state = balances(self.office), Counter[str]()
        for state, amount in Transfer.objects.filter(batch__reserved_at__isnull=False).values_list(
            "state", "instructed_amount"
        ):
            by_state[state] += amount
        assert kept["PAID"] == by_state["SETTLED"]
        assert kept["RETURNS"] == 0
        assert kept["RESERVED"] == sum(by_state.values()) - sum(
            by_state[ended] for ended in ("SETTLED", "REJECTED", "RETURNED")
        )
        booked = LedgerEntry.objects.filter(kind=EntryKind.RECOVER).values_list("amount", flat=True)
        taken = PayoutLine.objects.filter(kind="RECOVERY", live=True).values_list("amount", flat=True)
        assert sum(Recovery.objects.values_list("recovered_amount", flat=True)) == sum(booked) - sum(taken)

    @invariant()
    def the_gateway_credited_what_is_paid(self) -> None:
        assert broken(self.gateway) == []


@pytest.mark.django_db
def test_whatever_is_done_in_whatever_order_the_books_add_up() -> None:
    run_state_machine_as_test(Books, settings=settings(max_examples=8, stateful_step_count=14, deadline=None))
