"""What machines cannot decide is decided by two humans with a paper; books, counts and the citizen's words follow at once."""

from typing import Any

import pytest
from django.db import connection

from beneficiaries.models import Person
from foundation.audit.models import AuditEvent
from foundation.gateway.codes import Outcome
from foundation.users.models import User
from foundation.users.roles import Role
from payments.errors import (
    EvidenceNeeded,
    InvalidMove,
    NotInAuthority,
    OwnPayment,
    OwnProposal,
    ProposalOpen,
    ReferenceNeeded,
)
from payments.models import DispatchChunk, EvidenceFile, PayoutBatch, Transfer
from payments.operations import dispatch, effects, release
from payments.operations.reviewing import outcomes
from payments.operations.settle import Word, apply_words
from payments.queries.citizen import payments_of_person
from payments.queries.deciding import review_rows, waiting_counts
from payments.states import BatchKind, TransferState
from tests.factories import Office, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.deciding import GO, confirm, decide, propose_decision
from tests.payments.helpers import ask_all, at_once, balances, broken, entries, kinds, refused, run, send_all, states

SETTLED, REJECTED, UNKNOWN, CANCELLED = (
    TransferState.SETTLED, TransferState.REJECTED, TransferState.UNKNOWN, TransferState.CANCELLED,
)  # fmt: skip
PENSION = 650_000


def put_in_review(office: Office, *, count: int = 1) -> Transfer:
    """A list all of whose payments the bank answered with a code that is for people; the first of them."""
    make_entitled(count)
    start(office, build_batch(office))
    send_all(FakeGateway(status="RJCT", reason="FRAD"))
    assert states() == {"REVIEW": count}
    return Transfer.objects.order_by("id")[0]


@pytest.fixture
def transfer(office: Office) -> Transfer:
    return put_in_review(office)


def words_for(transfer: Transfer) -> tuple[str, str]:
    person = Person.objects.get(payee=transfer.payee)
    (payment,) = payments_of_person(person=person).rows
    return payment.step, payment.advice


class TestADecision:
    def test_that_it_was_paid_posts_it_under_the_banks_reference(self, office: Office, transfer: Transfer) -> None:
        assert words_for(transfer)[0] == "CHECKING"
        decide(office, transfer, SETTLED, reference="FT26330000012")
        assert (transfer.state, transfer.settlement_level) == ("SETTLED", "DEBTOR")
        assert (transfer.bank_reference, transfer.due_at) == ("FT26330000012", None)
        assert transfer.ended_at is not None
        assert entries() == {"FUND": 1, "RESERVE": 1, "POST": 1}
        assert balances(office)["PAID"] == PENSION
        chunk = DispatchChunk.objects.get()
        assert (chunk.state, chunk.settled_count, chunk.review_count) == ("DONE", 1, 0)
        assert release.drain_batches() == [transfer.batch_id]
        assert words_for(transfer)[0] == "TRANSFERRED"

    @pytest.mark.parametrize(("outcome", "told"), [(REJECTED, "FAILED"), (CANCELLED, "NOT_PAID")])
    def test_that_it_was_not_paid_gives_the_money_back_and_frees_the_line(
        self, office: Office, transfer: Transfer, outcome: TransferState, told: str
    ) -> None:
        decide(office, transfer, outcome)
        assert transfer.state == outcome
        assert entries() == {"FUND": 1, "RESERVE": 1, "VOID": 1}
        assert balances(office)["RESERVED"] == 0
        assert release.drain_batches() == [transfer.batch_id]
        assert words_for(transfer)[0] == told
        again = build_batch(office, kind=BatchKind.REPLACEMENT)
        assert Transfer.objects.get(batch=again).replaces_id == transfer.pk

    def test_to_ask_again_asks_the_bank_at_once(self, office: Office, transfer: Transfer) -> None:
        decide(office, transfer, UNKNOWN)
        assert transfer.state == "UNKNOWN"
        assert entries() == {"FUND": 1, "RESERVE": 1}
        assert DispatchChunk.objects.get().state == "INQUIRY"
        claim = dispatch.claim_to_ask()
        assert claim is not None
        assert list(claim.amounts) == [transfer.end_to_end_id]

    def test_leaves_the_other_payments_of_the_chunk_alone(self, office: Office) -> None:
        transfer = put_in_review(office, count=3)
        decide(office, transfer, REJECTED)
        assert states() == {"REVIEW": 2, "REJECTED": 1}
        chunk = DispatchChunk.objects.get()
        assert (chunk.state, chunk.rejected_count, chunk.review_count) == ("PARKED", 1, 2)
        assert release.drain_batches() == []

    def test_is_written_in_the_trail_with_its_paper(self, office: Office, transfer: Transfer) -> None:
        decide(office, transfer, REJECTED)
        (event,) = AuditEvent.objects.filter(kind="transfer.decided")
        assert event.payload["from"] == "REVIEW"
        assert event.payload["to"] == "REJECTED"
        (proposed,) = AuditEvent.objects.filter(kind="proposal.proposed")
        assert proposed.payload["evidence"] == bytes(EvidenceFile.objects.get().sha256).hex()

    def test_is_possible_while_the_list_is_held(self, office: Office, transfer: Transfer) -> None:
        release.hold_batch(batch_id=transfer.batch_id, by=office.accountant, reason=GO, at=office.at())
        decide(office, transfer, REJECTED)
        assert release.drain_batches() == [transfer.batch_id]
        batch = PayoutBatch.objects.get()
        assert (batch.state, batch.held_from, batch.held_at) == ("DRAINED", "", None)


class TestWhatADecisionNeeds:
    def test_a_paper(self, office: Office, transfer: Transfer) -> None:
        with pytest.raises(EvidenceNeeded):
            effects.propose_decision(
                transfer_id=transfer.pk, outcome=REJECTED, bank_reference="", paper=None, reason=GO,
                by=office.accountant, at=office.at(),
            )  # fmt: skip

    @pytest.mark.parametrize("reference", ["", "   "])
    def test_the_banks_reference_when_it_was_paid(self, office: Office, transfer: Transfer, reference: str) -> None:
        with pytest.raises(ReferenceNeeded):
            propose_decision(office, transfer, SETTLED, reference=reference)
        assert EvidenceFile.objects.count() == 0

    def test_two_humans_of_the_ward_one_of_them_an_approver(self, office: Office, transfer: Transfer) -> None:
        for stranger in (
            make_staff(Role.AUDITOR),
            make_staff(Role.ADMINISTRATOR),
            make_staff(Role.APPROVER, unit="26740"),
        ):
            with pytest.raises(NotInAuthority):
                propose_decision(office, transfer, REJECTED, by=stranger)
        own = propose_decision(office, transfer, REJECTED, by=office.approver)
        with pytest.raises(OwnProposal):
            confirm(office, own)
        with pytest.raises(NotInAuthority):
            confirm(office, own, by=office.accountant)
        with pytest.raises(ProposalOpen):
            propose_decision(office, transfer, SETTLED, reference="X1")

    def test_nobody_who_is_paid_by_it(self, office: Office, transfer: Transfer) -> None:
        person = Person.objects.get(payee=transfer.payee)
        User.objects.filter(pk=office.approver.pk).update(person_fingerprint=person.national_id_index)
        office.approver.refresh_from_db()
        proposal = propose_decision(office, transfer, SETTLED, reference="FT1")
        with pytest.raises(OwnPayment):
            confirm(office, proposal)
        transfer.refresh_from_db()
        assert transfer.state == "REVIEW"

    def test_a_payment_that_is_for_people(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        with pytest.raises(InvalidMove):
            propose_decision(office, Transfer.objects.get(), CANCELLED)

    def test_an_order_that_was_sent_to_ask_about_it(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        run("UPDATE payments_transfer SET state = 'REVIEW'")
        assert UNKNOWN not in outcomes(Transfer.objects.get())
        with pytest.raises(InvalidMove):
            propose_decision(office, Transfer.objects.get(), UNKNOWN)

    def test_and_the_database_knows_it(self, office: Office, transfer: Transfer) -> None:
        proposal = propose_decision(office, transfer, REJECTED)
        move = (
            "UPDATE payments_transfer SET state = %s, due_at = now(), bank_reference = 'X', settlement_level = 'DEBTOR', "
            "decision_id = %s"
        )
        for outcome in (SETTLED, REJECTED, UNKNOWN, CANCELLED):
            refused(move, outcome, None, by="transfer_decided_by_two")
            refused(move, outcome, proposal.pk, by="transfer_decided_by_two")  # nobody has confirmed it
        refused(
            "UPDATE payments_proposal SET state = 'CONFIRMED', decided_by_id = proposed_by_id, decided_at = now(), "
            "decided_by_person = proposed_by_person",
            by="proposal_decided_by_second_person",
        )
        confirm(office, proposal)
        refused(move, UNKNOWN, proposal.pk, by="transfer_moves")
        refused(move, SETTLED, proposal.pk, by="transfer_decided_by_two")  # the bank never said so

    def test_a_new_decision_each_time_it_comes_back(self, office: Office, transfer: Transfer) -> None:
        decide(office, transfer, UNKNOWN)
        first = transfer.decision_id
        run("UPDATE payments_transfer SET state = 'REVIEW'")
        refused(
            "UPDATE payments_transfer SET state = 'UNKNOWN', decision_id = %s", first, by="transfer_decided_by_two"
        )
        decide(office, transfer, UNKNOWN)
        assert transfer.decision_id != first

    def test_a_paper_in_the_database_too(self, office: Office, transfer: Transfer) -> None:
        proposal = propose_decision(office, transfer, REJECTED)
        refused(
            "INSERT INTO payments_proposal SELECT (jsonb_populate_record(p, jsonb_build_object('id', -1, 'subject_id', -1, "
            "'evidence_id', NULL))).* FROM payments_proposal p WHERE id = %s",
            proposal.pk,
            by="proposal_decision_has_evidence",
        )


class TestTheBankContradictsItself:
    @pytest.fixture
    def contradicted(self, office: Office) -> Transfer:
        """Rejected and booked back; then the bank says that it was paid."""
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason="AC04"))
        transfer = Transfer.objects.get()
        with connection.cursor() as cursor:
            word = Word(transfer.end_to_end_id, Outcome.SETTLED_CREDITOR, "ACCC", "")
            apply_words(cursor, chunk_ids=[transfer.chunk_id], words=[word])
        transfer.refresh_from_db()
        assert (transfer.state, transfer.conflicting_status) == ("REJECTED", "ACCC")
        return transfer

    def test_the_line_is_kept_from_every_new_list_until_people_have_decided(
        self, office: Office, contradicted: Transfer
    ) -> None:
        assert build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions == 0
        decide(office, contradicted, REJECTED)
        assert (contradicted.state, contradicted.conflicting_status) == ("REJECTED", "")
        assert entries()["VOID"] == 1  # the books stood already
        assert build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions == 1

    def test_only_one_of_its_two_words_can_be_confirmed(self, office: Office, contradicted: Transfer) -> None:
        assert outcomes(contradicted) == (SETTLED, REJECTED)
        with pytest.raises(InvalidMove):
            propose_decision(office, contradicted, CANCELLED)

    def test_no_single_hand_clears_it(self, office: Office, contradicted: Transfer) -> None:
        refused("UPDATE payments_transfer SET conflicting_status = ''", by="transfer_decided_by_two")
        refused("UPDATE payments_transfer SET conflicting_status = 'RJCT'", by="transfer_decided_by_two")

    def test_it_is_shown_among_what_waits_for_people(self, office: Office, contradicted: Transfer) -> None:
        (row,) = review_rows(user=office.accountant, at=office.at()).rows
        assert row.transfer == contradicted
        assert row.is_contradicted


class TestTheList:
    def test_names_what_waits_in_the_readers_ward_by_pages(
        self, office: Office, django_assert_num_queries: Any
    ) -> None:
        put_in_review(office, count=5)
        first = review_rows(user=office.accountant, at=office.at(), limit=3)
        second = review_rows(user=office.accountant, at=office.at(), limit=3, after=first.next)
        assert [len(first.rows), len(second.rows), second.next] == [3, 2, None]
        assert review_rows(user=make_staff(Role.APPROVER, unit="26740"), at=office.at()).rows == ()
        at = office.at()
        for limit in (2, 5):
            with django_assert_num_queries(3):
                review_rows(user=office.accountant, at=at, limit=limit)

    def test_counts_cost_one_query(self, office: Office, django_assert_num_queries: Any) -> None:
        transfer = put_in_review(office, count=2)
        proposal = propose_decision(office, transfer, REJECTED)
        units = {transfer.batch.unit_id or ""}
        with django_assert_num_queries(1):
            seen = waiting_counts(user=office.approver, units=units)
        assert (seen.proposals, seen.review, seen.contradicted) == (1, 2, 0)
        assert waiting_counts(user=office.accountant, units=units).proposals == 0  # his own waits for another
        confirm(office, proposal)
        assert waiting_counts(user=office.approver, units=None).review == 1


def test_two_who_decide_at_once_decide_once(committed: None) -> None:
    office = make_office()
    transfer = put_in_review(office)
    proposal = propose_decision(office, transfer, SETTLED, reference="FT1")
    other = make_staff(Role.APPROVER)
    results = at_once(lambda: confirm(office, proposal).state, lambda: confirm(office, proposal, by=other).state)
    assert kinds(results) == ["CONFIRMED", "InvalidMove"]
    assert entries()["POST"] == 1


def test_a_decision_and_the_banks_own_answer_at_once_book_once(committed: None) -> None:
    """The bank is asked again about a neighbour in the chunk while people decide."""
    office = make_office()
    transfer = put_in_review(office, count=2)
    other = Transfer.objects.exclude(pk=transfer.pk).get()
    decide(office, other, UNKNOWN)
    proposal = propose_decision(office, transfer, REJECTED)
    gateway = FakeGateway()
    at_once(lambda: confirm(office, proposal), lambda: ask_all(gateway))
    transfer.refresh_from_db()
    assert transfer.state == "REJECTED"
    assert entries()["VOID"] == 1
    chunk = DispatchChunk.objects.get()
    assert (chunk.rejected_count, chunk.review_count) == (1, states().get("REVIEW", 0))
    assert broken(gateway) == []
