"""A bank that said "not paid" and says "paid" later: two humans decide which word is true, and books and lines follow, once."""

import pytest

from beneficiaries.models import Person
from foundation.audit.models import AuditEvent
from foundation.audit.sealing import seal_events
from foundation.users.roles import Role
from payments.errors import FundTooLow, InvalidMove, OwnProposal, ReferenceNeeded
from payments.models import BatchAdjustment, DispatchChunk, LedgerEntry, ReconciliationDifference, Transfer
from payments.operations import release
from payments.operations.cancelling import cancel_chunks
from payments.operations.reviewing import outcomes
from payments.queries.citizen import payments_of_person
from payments.queries.integrity import integrity
from payments.queries.tracing import trace
from payments.states import BatchKind, Route, TransferState
from tests.factories import Office, approve, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.by_file import NOT_PAID, PAID, S, T, answered, given, said
from tests.payments.deciding import cancel, confirm, decide, propose_decision
from tests.payments.helpers import at_once, balances, broken, entries, kinds, refused, send_all, state_of
from tests.payments.late import credited, refused_by_bank, say_paid, show_paid
from tests.payments.papers import give, remit
from tests.payments.statements import finish
from tests.payments.test_closing import come_back

SETTLED, REJECTED, CANCELLED = TransferState.SETTLED, TransferState.REJECTED, TransferState.CANCELLED
PENSION = 650_000
BOOKED_AGAIN = {"FUND": 1, "RESERVE": 1, "VOID": 1, "UNVOID": 1, "POST": 1}


@pytest.fixture
def disputed(office: Office, gateway: FakeGateway) -> Transfer:
    """Refused and booked back; then the bank says that it was paid."""
    (transfer,) = refused_by_bank(office, gateway)
    say_paid(transfer)
    transfer.refresh_from_db()
    assert (transfer.state, transfer.conflicting_status) == ("REJECTED", "ACCC")
    return transfer


class TestThatTheBankDidPay:
    def test_settles_the_payment_and_books_it_again(
        self, office: Office, gateway: FakeGateway, disputed: Transfer
    ) -> None:
        before = balances(office)
        credited(gateway, disputed)
        decide(office, disputed, SETTLED, reference="FT26330000012")
        assert (disputed.state, disputed.settlement_level, disputed.due_at) == ("SETTLED", "CREDITOR", None)
        assert (disputed.transaction_status, disputed.conflicting_status) == ("ACCC", "")
        assert disputed.bank_reference == "FT26330000012"
        assert entries() == BOOKED_AGAIN
        after = balances(office)
        assert (after["FUNDING"], after["PAID"], after["RESERVED"]) == (before["FUNDING"] - PENSION, PENSION, 0)
        chunk = DispatchChunk.objects.get()
        assert (chunk.state, chunk.settled_count, chunk.rejected_count) == ("DONE", 1, 0)
        assert broken(gateway) == []

    def test_keeps_the_line_from_every_new_list(self, office: Office, disputed: Transfer) -> None:
        decide(office, disputed, SETTLED, reference="FT1")
        for kind in (BatchKind.REPLACEMENT, BatchKind.SUPPLEMENTARY):
            assert build_batch(office, kind=kind).number_of_transactions == 0

    def test_is_what_its_receiver_reads(self, office: Office, disputed: Transfer) -> None:
        person = Person.objects.get(payee=disputed.payee)
        decide(office, disputed, SETTLED, reference="FT1")
        (payment,) = payments_of_person(person=person).rows
        assert (payment.step, payment.paid_again_by) == ("CREDITED", "")

    def test_is_what_an_auditor_reads(self, office: Office, disputed: Transfer) -> None:
        decide(office, disputed, SETTLED, reference="FT1")
        (event,) = AuditEvent.objects.filter(kind="transfer.decided")
        assert {name: event.payload[name] for name in ("from", "to", "conflict")} == {
            "from": "REJECTED", "to": "SETTLED", "conflict": "ACCC",
        }  # fmt: skip
        checks = {check.code: check.holds for check in integrity(trace(end_to_end_id=disputed.end_to_end_id)).checks}
        assert checks["booked"] is True

    def test_ends_what_the_statement_had_to_say_against_it(self, office: Office, gateway: FakeGateway) -> None:
        first, _second = refused_by_bank(office, gateway, count=2)
        show_paid(office, first)
        first.refresh_from_db()
        assert first.conflicting_status == "BOOK"
        difference = ReconciliationDifference.objects.get(kind="STATE")
        credited(gateway, first)
        decide(office, first, SETTLED, reference="FT1")
        difference.refresh_from_db()
        assert (difference.state, difference.outcome) == ("CLOSED", "PAID")
        assert (first.settlement_level, first.transaction_status) == ("DEBTOR", "BOOK")
        assert {line.invariant.code for line in broken(gateway)} <= {"I-25"}  # a statement is no answer

    def test_lets_a_later_return_bring_the_money_back_once(self, office: Office, disputed: Transfer) -> None:
        decide(office, disputed, SETTLED, reference="FT1")
        assert (come_back(disputed), come_back(disputed)) == (1, 0)
        assert entries() == BOOKED_AGAIN | {"RETURN": 1, "REFUND": 1}
        assert balances(office)["PAID"] == 0
        assert build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions == 1

    def test_after_the_list_was_closed_is_an_adjustment(self, office: Office, gateway: FakeGateway) -> None:
        first, _second = refused_by_bank(office, gateway, count=2)
        batch = first.batch
        release.drain_batches()
        finish()
        seal_events()
        finish()
        assert state_of(batch) == "CLOSED"
        say_paid(first)
        first.refresh_from_db()
        credited(gateway, first)
        decide(office, first, SETTLED, reference="FT1")
        assert state_of(batch) == "CLOSED"
        adjustment = BatchAdjustment.objects.get()
        assert (adjustment.batch, adjustment.transfer, adjustment.kind) == (batch, first, "PAID")
        assert AuditEvent.objects.filter(kind="batch.paid_after_all", subject_id=str(batch.pk)).count() == 1
        assert come_back(first) == 1
        assert sorted(BatchAdjustment.objects.values_list("kind", flat=True)) == ["PAID", "RETURNED"]

    @pytest.mark.parametrize(("route", "state", "level"), [(T, "REJECTED", "TREASURY"), (S, "CANCELLED", "SERVICE")])
    def test_holds_for_those_who_pay_by_a_list_of_ours(
        self, office: Office, route: Route, state: str, level: str
    ) -> None:
        batch, _, (first, second) = given(office, route)
        answered(office, batch, said(first, NOT_PAID), said(second), route=route)
        answered(office, batch, said(first, PAID), route=route)
        first.refresh_from_db()
        assert (first.state, first.conflicting_status) == (state, "ACSC")
        decide(office, first, SETTLED, reference="UNC-17")
        assert (first.state, first.settlement_level, first.bank_reference) == ("SETTLED", level, "UNC-17")
        assert balances(office)["PAID"] == 2 * PENSION
        assert answered(office, batch, said(first, PAID, **{"Số chứng từ": "UNC-18"}), route=route) == {"BEFORE": 1}
        assert broken(FakeGateway()) == []


class TestThatItDidNot:
    def test_frees_the_line_for_a_new_list(self, office: Office, gateway: FakeGateway, disputed: Transfer) -> None:
        decide(office, disputed, REJECTED)
        assert (disputed.state, disputed.conflicting_status) == ("REJECTED", "")
        assert entries() == {"FUND": 1, "RESERVE": 1, "VOID": 1}
        assert build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions == 1
        assert broken(gateway) == []

    def test_and_a_later_paid_is_for_people_again(self, office: Office, disputed: Transfer) -> None:
        decide(office, disputed, REJECTED)
        say_paid(disputed)
        disputed.refresh_from_db()
        assert disputed.conflicting_status == "ACCC"
        assert outcomes(disputed) == (SETTLED, REJECTED)
        decide(office, disputed, SETTLED, reference="FT1")
        assert entries() == BOOKED_AGAIN


class TestWhatItNeeds:
    def test_the_banks_reference(self, office: Office, disputed: Transfer) -> None:
        with pytest.raises(ReferenceNeeded):
            propose_decision(office, disputed, SETTLED)

    def test_two_humans(self, office: Office, disputed: Transfer) -> None:
        own = propose_decision(office, disputed, SETTLED, reference="FT1", by=office.approver)
        with pytest.raises(OwnProposal):
            confirm(office, own)
        disputed.refresh_from_db()
        assert (disputed.state, entries().get("UNVOID")) == ("REJECTED", None)

    def test_a_bank_that_said_so(self, office: Office, gateway: FakeGateway) -> None:
        (transfer,) = refused_by_bank(office, gateway)
        assert outcomes(transfer) == ()
        with pytest.raises(InvalidMove):
            propose_decision(office, transfer, SETTLED, reference="FT1")

    def test_money_in_the_fund(self, db: None) -> None:
        """What had gone back to the fund went on to the budget since: more must come before it can be booked."""
        office, gateway = make_office(money=PENSION), FakeGateway()
        (transfer,) = refused_by_bank(office, gateway)
        say_paid(transfer)
        remit(office, office.fund, 1)
        proposal = propose_decision(office, transfer, SETTLED, reference="FT1")
        with pytest.raises(FundTooLow):
            confirm(office, proposal)
        transfer.refresh_from_db()
        assert (transfer.state, transfer.conflicting_status) == ("REJECTED", "ACCC")
        assert balances(office)["FUNDING"] == PENSION - 1
        give(office, 1)
        confirm(office, proposal)
        assert balances(office) | {"TREASURY": 0} == balances(office) | {"TREASURY": 0, "FUNDING": 0, "PAID": PENSION}

    def test_a_list_whose_money_was_set_aside(self, office: Office) -> None:
        """A list that was cancelled before it held money has nothing to book: that a bank paid of it is an incident."""
        make_entitled(1)
        batch = approve(office, build_batch(office))
        cancel(office, batch)
        while cancel_chunks():
            pass
        transfer = Transfer.objects.get()
        assert (transfer.state, batch.reserved_at) == ("CANCELLED", None)
        say_paid(transfer)
        transfer.refresh_from_db()
        assert outcomes(transfer) == (CANCELLED,)

    def test_and_the_database_knows_it(self, office: Office, disputed: Transfer) -> None:
        move = (
            "UPDATE payments_transfer SET state = 'SETTLED', conflicting_status = '', settlement_level = 'DEBTOR', "
            "bank_reference = %s, decision_id = %s"
        )
        proposal = propose_decision(office, disputed, SETTLED, reference="FT1")
        refused(move, "FT1", None, by="transfer_decided_by_two")
        refused(move, "FT1", proposal.pk, by="transfer_decided_by_two")  # nobody has confirmed it
        again = (
            "INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id) "
            "SELECT fund_id, 'UNVOID', 'FUNDING', 'RESERVED', amount, transfer_id FROM payments_ledger_entry "
            "WHERE kind = 'VOID'"
        )
        refused(again, by="ledger_entry_unvoids_what_was_paid")  # it is not paid
        confirm(office, proposal)
        refused(again, by="ledger_entry_once_per_transfer")

    def test_and_nothing_unvoids_what_was_never_voided(self, office: Office, gateway: FakeGateway) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        gateway.status = "ACCC"
        send_all(gateway)
        refused(
            "INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id) "
            "SELECT fund_id, 'UNVOID', 'FUNDING', 'RESERVED', amount, transfer_id FROM payments_ledger_entry "
            "WHERE kind = 'POST'",
            by="ledger_entry_unvoids_what_was_paid",
        )


def test_two_who_confirm_at_once_book_once(committed: None) -> None:
    office, gateway = make_office(), FakeGateway()
    (transfer,) = refused_by_bank(office, gateway)
    say_paid(transfer)
    proposal = propose_decision(office, transfer, SETTLED, reference="FT1")
    other = make_staff(Role.APPROVER)
    results = at_once(lambda: confirm(office, proposal).state, lambda: confirm(office, proposal, by=other).state)
    assert kinds(results) == ["CONFIRMED", "InvalidMove"]
    assert entries() == BOOKED_AGAIN
    credited(gateway, transfer)
    assert broken(gateway) == []


def test_a_decision_and_a_remittance_that_needs_the_same_money(committed: None) -> None:
    """Whoever comes second is refused: the fund never falls below zero, and nothing is half booked."""
    office, gateway = make_office(money=PENSION), FakeGateway()
    (transfer,) = refused_by_bank(office, gateway)
    say_paid(transfer)
    proposal = propose_decision(office, transfer, SETTLED, reference="FT1")
    results = at_once(lambda: confirm(office, proposal).state, lambda: remit(office, office.fund, 1).state)
    assert kinds(results) == ["CONFIRMED", "FundTooLow"]
    transfer.refresh_from_db()
    assert (transfer.state == "SETTLED") == LedgerEntry.objects.filter(kind="UNVOID").exists()
    assert balances(office)["FUNDING"] >= 0
