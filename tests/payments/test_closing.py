"""The end of a list: it closes when it adds up and the statement agrees; what comes back later is an adjustment beside it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from foundation.audit import clock
from foundation.audit.models import AuditEvent
from foundation.audit.sealing import seal_events
from foundation.audit.watching import Seen, look
from foundation.gateway.port import ReturnNotice
from foundation.users.roles import Role
from payments.errors import DifferenceClosed, NoSuchPayment, NotInAuthority, OwnProposal
from payments.models import BatchAdjustment, DispatchChunk, PayoutBatch, PayoutLine, ReconciliationDifference, Transfer
from payments.operations import cash, proposals, release
from payments.operations.differences import DIFFERENCE_EFFECTS, propose_decision, take_over
from payments.operations.returns import record_returns
from payments.statement_states import DifferenceOutcome
from payments.watchers import DIFFERENCE_OVERDUE, SLOW_WATCHERS
from tests.factories import Office, build_batch, make_entitled, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import balances, entries, read, refused, send_all, state_of
from tests.payments.statements import OPENING, camt, credit, debit, finish, take_in, today
from tests.payments.test_statements import transfers

pytestmark = pytest.mark.django_db
(OVERDUE,) = (watcher for watcher in SLOW_WATCHERS if watcher.kind == DIFFERENCE_OVERDUE)


@pytest.fixture
def batch(office: Office, gateway: FakeGateway) -> PayoutBatch:
    """Four people paid through the gateway; the list has run dry."""
    make_entitled(4)
    batch = start(office, build_batch(office))
    send_all(gateway)
    release.drain_batches()
    assert state_of(batch) == "DRAINED"
    return batch


@pytest.fixture
def closed(office: Office, batch: PayoutBatch) -> PayoutBatch:
    take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
    finish()
    seal_events()
    finish()
    assert state_of(batch) == "CLOSED"
    return batch


def come_back(transfer: Transfer, *, return_id: str = "R-1", amount: int | None = None) -> int:
    """The callback's way: a return of a settled payment."""
    notice = ReturnNotice(
        return_id, transfer.end_to_end_id, amount or transfer.instructed_amount, "AC04", datetime.now(UTC), today()
    )
    with connection.cursor() as cursor:
        return record_returns(cursor, chunk_ids=[transfer.chunk_id], notices=[notice])[0]


def decide(office: Office, found: ReconciliationDifference, outcome: DifferenceOutcome, **details: Any) -> None:
    proposal = propose_decision(
        difference_id=found.pk,
        outcome=outcome,
        reason="Đã đối chiếu với ngân hàng",
        by=office.accountant,
        at=clock.now(),
        **details,
    )
    proposals.confirm(effects=DIFFERENCE_EFFECTS, proposal_id=proposal.pk, by=office.approver, at=clock.now())


class TestAListCloses:
    def test_only_after_its_statement(self, office: Office, batch: PayoutBatch) -> None:
        finish()
        assert state_of(batch) == "DRAINED"
        take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        finish()
        assert state_of(batch) == "RECONCILED"

    def test_only_when_its_figures_are_sealed(self, office: Office, batch: PayoutBatch) -> None:
        take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        finish()
        assert state_of(batch) == "RECONCILED"
        seal_events()
        finish()
        assert state_of(batch) == "CLOSED"
        figures = AuditEvent.objects.get(kind="batch.reconciled").payload
        assert figures["gateway"]["paid"] == [4, batch.control_sum]
        assert figures["transactions"] == 4
        assert len(figures["statements"]) == 1

    def test_not_while_a_difference_of_it_is_open(self, office: Office, batch: PayoutBatch) -> None:
        first, *rest = transfers()
        take_in(camt([debit(first, amount=first.instructed_amount + 1), *map(debit, rest)]), by=office.accountant)
        finish()
        assert state_of(batch) == "DRAINED"
        decide(office, ReconciliationDifference.objects.get(kind="AMOUNT"), DifferenceOutcome.BANK_ERROR)
        finish()
        assert state_of(batch) == "RECONCILED"

    def test_without_a_row_that_two_persons_explained(self, office: Office, batch: PayoutBatch) -> None:
        take_in(camt([debit(transfer) for transfer in transfers()[1:]]), by=office.accountant)
        decide(office, ReconciliationDifference.objects.get(kind="MISSING_IN_STATEMENT"), DifferenceOutcome.BANK_ERROR)
        finish()
        assert state_of(batch) == "RECONCILED"

    def test_with_cash_by_its_signatures(self, office: Office) -> None:
        make_entitled(2, cash=True)
        batch = start(office, build_batch(office))
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=clock.now())
        signed = [cash.Collected(each.pk, each.creditor_name, "", today()) for each in Transfer.objects.all()[:1]]
        cash.mark_collected(batch_id=batch.pk, collected=signed, by=office.accountant, at=clock.now())
        cash.carry_over(batch_id=batch.pk, by=office.accountant, at=clock.now())
        release.drain_batches()
        finish()
        seal_events()
        finish()
        assert state_of(batch) == "CLOSED"
        figures = AuditEvent.objects.get(kind="batch.reconciled").payload["ward_cash"]
        assert (figures["paid"][0], figures["cancelled"][0]) == (1, 1)

    def test_the_database_refuses_what_no_statement_shows(self, batch: PayoutBatch) -> None:
        refused("UPDATE payments_payout_batch SET state = 'RECONCILED'", by="payout_batch_reconciled_by_statement")

    def test_the_database_refuses_to_close_unsealed_figures(self, office: Office, batch: PayoutBatch) -> None:
        take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        finish()
        refused("UPDATE payments_payout_batch SET state = 'CLOSED'", by="payout_batch_closed_adds_up")


class TestMoneyThatComesBack:
    def test_by_statement_is_as_by_callback(self, office: Office, batch: PayoutBatch) -> None:
        first, *rest = transfers()
        take_in(camt([debit(first), *map(debit, rest), credit(first)]), by=office.accountant)
        first.refresh_from_db()
        assert (first.state, first.status_reason) == ("RETURNED", "AC04")
        assert (entries()["RETURN"], entries()["REFUND"]) == (1, 1)
        assert balances(office)["RETURNS"] == 0
        assert PayoutLine.objects.get(transfer=first).live
        finish()
        assert state_of(batch) == "RECONCILED"

    @pytest.mark.parametrize("callback_first", [True, False])
    def test_by_both_is_one(self, office: Office, batch: PayoutBatch, *, callback_first: bool) -> None:
        first, *rest = transfers()
        if callback_first:
            assert come_back(first) == 1
        take_in(camt([debit(first), *map(debit, rest), credit(first)]), by=office.accountant)
        if not callback_first:
            assert come_back(first) == 0
        assert (entries()["RETURN"], entries()["REFUND"]) == (1, 1)
        assert not ReconciliationDifference.objects.exists()

    def test_of_another_sum_is_a_difference_and_moves_nothing(self, office: Office, batch: PayoutBatch) -> None:
        first, *rest = transfers()
        wrong = credit(first, amount=first.instructed_amount - 1)
        take_in(camt([debit(first), *map(debit, rest), wrong]), by=office.accountant)
        first.refresh_from_db()
        assert first.state == "SETTLED"
        assert ReconciliationDifference.objects.get(kind="RETURN").transfer == first

    def test_after_the_list_was_closed_is_an_adjustment(self, office: Office, closed: PayoutBatch) -> None:
        first = transfers()[0]
        tomorrow = today() + timedelta(days=1)
        take_in(camt([credit(first)], day=tomorrow, opening=OPENING - closed.control_sum), by=office.accountant)
        first.refresh_from_db()
        assert first.state == "RETURNED"
        assert state_of(closed) == "CLOSED"
        adjustment = BatchAdjustment.objects.get()
        assert (adjustment.batch, adjustment.transfer, adjustment.amount) == (closed, first, first.instructed_amount)
        assert AuditEvent.objects.filter(kind="batch.adjusted", subject_id=str(closed.pk)).count() == 1
        assert not ReconciliationDifference.objects.exists()


class TestDecidingADifference:
    @pytest.fixture
    def unknown(self, office: Office, batch: PayoutBatch) -> ReconciliationDifference:
        first, second, *rest = transfers()
        loose = [debit(each, end_to_end_id="", account=None) for each in (first, second)]
        take_in(camt([*loose, *map(debit, rest)]), by=office.accountant)
        return ReconciliationDifference.objects.filter(kind="UNKNOWN_TO_US").earliest("id")

    def test_takes_two_humans(self, office: Office, unknown: ReconciliationDifference) -> None:
        proposal = propose_decision(
            difference_id=unknown.pk,
            outcome=DifferenceOutcome.NOT_OURS,
            reason="Khoản phí ngân hàng thu nhầm",
            by=office.accountant,
            at=clock.now(),
        )
        with pytest.raises(NotInAuthority):
            proposals.confirm(
                effects=DIFFERENCE_EFFECTS, proposal_id=proposal.pk, by=office.accountant, at=clock.now()
            )
        twin = make_staff(Role.APPROVER)
        type(twin).objects.filter(pk=twin.pk).update(person_fingerprint=office.accountant.person_fingerprint)
        twin.refresh_from_db()
        with pytest.raises(OwnProposal):
            proposals.confirm(effects=DIFFERENCE_EFFECTS, proposal_id=proposal.pk, by=twin, at=clock.now())
        unknown.refresh_from_db()
        assert unknown.state == "OPEN"

    def test_lets_go_of_the_money_in_suspense(self, office: Office, unknown: ReconciliationDifference) -> None:
        before = balances(office)["SUSPENSE"]
        decide(office, unknown, DifferenceOutcome.NOT_OURS)
        assert balances(office)["SUSPENSE"] == before - (unknown.found_amount or 0)

    def test_may_name_the_payment_that_an_entry_is(self, office: Office, unknown: ReconciliationDifference) -> None:
        first = transfers()[0]
        decide(office, unknown, DifferenceOutcome.MATCHED, end_to_end_id=first.end_to_end_id)
        unknown.refresh_from_db()
        assert unknown.entry is not None
        assert (unknown.entry.transfer, unknown.entry.matched_how) == (first, "PERSON")
        missing = ReconciliationDifference.objects.get(kind="MISSING_IN_STATEMENT", transfer=first)
        assert (missing.state, missing.outcome) == ("CLOSED", "FOUND")
        assert DispatchChunk.objects.get().matched_count == 3

    def test_refuses_a_payment_that_cannot_be_it(self, office: Office, unknown: ReconciliationDifference) -> None:
        matched = transfers()[3]
        with pytest.raises(NoSuchPayment):
            decide(office, unknown, DifferenceOutcome.MATCHED, end_to_end_id=matched.end_to_end_id)

    def test_is_taken_over_by_name(self, office: Office, unknown: ReconciliationDifference) -> None:
        take_over(difference_id=unknown.pk, by=office.accountant, at=clock.now())
        unknown.refresh_from_db()
        assert unknown.owner == office.accountant
        with pytest.raises(NotInAuthority):
            take_over(difference_id=unknown.pk, by=office.preparer, at=clock.now())
        decide(office, unknown, DifferenceOutcome.NOT_OURS)
        with pytest.raises(DifferenceClosed):
            take_over(difference_id=unknown.pk, by=office.accountant, at=clock.now())

    def test_that_is_overdue_is_an_alarm_until_it_is_decided(
        self, clock: Any, office: Office, unknown: ReconciliationDifference
    ) -> None:
        assert look(OVERDUE) == Seen(raised=0, ended=0)
        clock.shift("3 days")
        assert look(OVERDUE) == Seen(raised=1, ended=0)
        assert read("SELECT unit_code FROM audit_alarm WHERE code = 'difference.overdue'") == [("26743",)]
        for one in ReconciliationDifference.objects.filter(state="OPEN"):
            decide(office, one, DifferenceOutcome.NOT_OURS)
        assert look(OVERDUE) == Seen(raised=0, ended=1)
