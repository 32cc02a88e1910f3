"""A late "paid" for what a replacement is on its way: what has not left never leaves, what has left is told, on every route."""

import pytest
from django.test import Client

from beneficiaries.models import Payee, PayoutAccount, Person
from beneficiaries.operations.ways import choose_way
from beneficiaries.states import Delivery, Way
from foundation.audit.models import Alarm, AuditEvent
from foundation.reference.models import Bank
from payments.errors import NothingToGive
from payments.models import DispatchChunk, PayoutBatch, PayoutLine, Transfer
from payments.operations import cash, dispatch
from payments.operations import decide as deciding_lists
from payments.operations.conflicts import again_on_conflict
from payments.operations.payout_files import make_file
from payments.queries.citizen import payments_of_person
from payments.states import BatchKind, Route, TransferState
from tests.factories import ACB, VCB, Office, build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway
from tests.payments.by_file import NOT_PAID, T, answered, given, said
from tests.payments.deciding import decide
from tests.payments.helpers import at_once, balances, broken, entries, read, refused, run, send_all, states
from tests.payments.late import credited, refused_by_bank, say_paid, show_paid

REPLACEMENT = BatchKind.REPLACEMENT
SETTLED, REJECTED = TransferState.SETTLED, TransferState.REJECTED
ROUNDS = 5


def by_gateway(_office: Office, _payee: Payee) -> None:
    """As before."""


def by_treasury(_office: Office, _payee: Payee) -> None:
    """The gateway does not reach the bank any more."""
    Bank.objects.filter(bin=VCB).update(by_gateway=False)


def by_service(office: Office, payee: Payee) -> None:
    choose_way(
        payee_id=payee.pk, way=Way.PAYMENT_SERVICE, delivery=Delivery.PAY_POINT,
        reason="Người nhận đề nghị tại quầy một cửa", by=office.preparer, at=office.at(),
    )  # fmt: skip


def by_cash(office: Office, payee: Payee) -> None:
    choose_way(
        payee_id=payee.pk,
        way=Way.WARD_CASH,
        reason="Người nhận muốn nhận tại phường",
        by=office.preparer,
        at=office.at(),
    )


WAYS = {
    Route.GATEWAY: by_gateway,
    Route.TREASURY_FILE: by_treasury,
    Route.PAYMENT_SERVICE: by_service,
    Route.WARD_CASH: by_cash,
}


def replaced(office: Office, former: Transfer, route: Route = Route.GATEWAY) -> Transfer:
    """What takes the place of a refused payment, ready in a list that is being paid."""
    WAYS[route](office, former.payee)
    batch = start(office, build_batch(office, kind=REPLACEMENT))
    new = Transfer.objects.get(batch=batch, payee=former.payee)
    assert (new.route, new.state, new.replaces) == (route, "READY", former)
    return new


def taken_out_at_submission(office: Office, former: Transfer) -> tuple[PayoutBatch, Transfer]:
    """A replacement whose account was suspended between build and submission, in a list with somebody else's payment."""
    make_entitled(1)
    batch = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
    PayoutAccount.objects.filter(payee=former.payee).update(state="SUSPENDED")
    deciding_lists.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
    batch.refresh_from_db()
    new = Transfer.objects.get(batch=batch, payee=former.payee)
    return batch, new


def activate(payee: Payee) -> None:
    PayoutAccount.objects.filter(payee=payee).update(state="ACTIVE")


def now(transfer: Transfer) -> tuple[str, str]:
    transfer.refresh_from_db()
    return transfer.state, transfer.conflicting_status


def lines_of(transfer: Transfer) -> int:
    return PayoutLine.objects.filter(transfer=transfer, live=True).count()


@pytest.fixture
def former(office: Office, gateway: FakeGateway) -> Transfer:
    (transfer,) = refused_by_bank(office, gateway)
    return transfer


class TestWhatHasNotLeft:
    @pytest.mark.parametrize("route", WAYS)
    def test_is_cancelled_as_soon_as_the_bank_says_paid(self, office: Office, former: Transfer, route: Route) -> None:
        new = replaced(office, former, route)
        say_paid(former)
        assert (now(former), now(new)) == (("REJECTED", "ACCC"), ("CANCELLED", ""))
        assert (lines_of(former), lines_of(new)) == (1, 0)
        assert entries() == {"FUND": 1, "RESERVE": 2, "VOID": 2}
        assert balances(office)["RESERVED"] == 0
        assert DispatchChunk.objects.get(pk=new.chunk_id).state == "DONE"
        assert AuditEvent.objects.filter(kind="chunk.replacements_stopped", subject_id=str(new.chunk_id)).count() == 1
        assert build_batch(office, kind=BatchKind.SUPPLEMENTARY).number_of_transactions == 0
        assert not Alarm.objects.filter(code="payments.paid_twice").exists()
        assert {line.invariant.code for line in broken(FakeGateway())} == {"I-25"}  # the contradiction itself

    def test_that_was_taken_out_at_submission_is_owed_by_the_first_payment_again(
        self, office: Office, former: Transfer
    ) -> None:
        """Else the month would be listed anew with nothing that ties it to the payment which the bank did make."""
        draft, new = taken_out_at_submission(office, former)
        assert (new.state, lines_of(former), lines_of(new)) == ("EXCLUDED", 1, 0)
        assert (draft.number_of_lines, draft.number_excluded) == (1, 1)
        say_paid(former)
        activate(former.payee)
        for kind in (REPLACEMENT, BatchKind.SUPPLEMENTARY):
            assert build_batch(office, kind=kind).number_of_transactions == 0
        assert {line.invariant.code for line in broken(FakeGateway())} == {"I-25"}

    def test_that_was_taken_out_at_submission_is_listed_anew_when_nobody_says_paid(
        self, office: Office, former: Transfer
    ) -> None:
        taken_out_at_submission(office, former)
        activate(former.payee)
        again = start(office, build_batch(office, kind=REPLACEMENT))
        assert Transfer.objects.get(batch=again).payee == former.payee
        say_paid(former)
        assert states() == {"CANCELLED": 1, "EXCLUDED": 1, "PLANNED": 1, "REJECTED": 1}
        assert lines_of(former) == 1
        assert {line.invariant.code for line in broken(FakeGateway())} == {"I-25"}

    def test_is_cancelled_when_two_payments_before_it_are_said_to_be_paid_at_once(
        self, office: Office, gateway: FakeGateway, former: Transfer
    ) -> None:
        """Nobody can say to which of the two the line belongs: it stays, and no list takes it."""
        second = replaced(office, former)
        send_all(gateway)
        assert now(second) == ("REJECTED", "")
        third = replaced(office, second)
        show_paid(office, former, second)
        assert [now(payment) for payment in (former, second, third)] == [
            ("REJECTED", "BOOK"), ("REJECTED", "BOOK"), ("CANCELLED", ""),
        ]  # fmt: skip
        assert (lines_of(former), lines_of(second), lines_of(third)) == (0, 0, 1)
        for kind in (REPLACEMENT, BatchKind.SUPPLEMENTARY):
            assert build_batch(office, kind=kind).number_of_transactions == 0

    def test_is_cancelled_by_a_statement_as_well(self, office: Office, former: Transfer) -> None:
        new = replaced(office, former)
        show_paid(office, former)
        assert (now(former), now(new)) == (("REJECTED", "BOOK"), ("CANCELLED", ""))

    def test_is_cancelled_by_a_result_file_as_well(self, office: Office) -> None:
        batch, _, (first, second) = given(office, T)
        answered(office, batch, said(first, NOT_PAID), said(second))
        new = replaced(office, first, Route.WARD_CASH)
        answered(office, batch, said(first))
        assert (now(first), now(new)) == (("REJECTED", "ACSC"), ("CANCELLED", ""))

    def test_does_not_keep_its_neighbours(self, office: Office, gateway: FakeGateway) -> None:
        first, second = refused_by_bank(office, gateway, count=2)
        batch = start(office, build_batch(office, kind=REPLACEMENT))
        say_paid(first)
        send_all(bank := FakeGateway())
        new = {each.payee_id: each for each in Transfer.objects.filter(batch=batch)}
        assert (new[first.payee_id].state, new[second.payee_id].state) == ("CANCELLED", "SETTLED")
        assert list(bank.credits) == [new[second.payee_id].end_to_end_id]

    def test_is_listed_anew_when_two_find_that_the_bank_did_not_pay(self, office: Office, former: Transfer) -> None:
        replaced(office, former)
        say_paid(former)
        decide(office, former, REJECTED)
        again = start(office, build_batch(office, kind=REPLACEMENT))
        send_all(bank := FakeGateway())
        assert Transfer.objects.get(batch=again).state == "SETTLED"
        assert broken(bank) == []

    def test_is_never_listed_again_when_two_find_that_it_did(
        self, office: Office, gateway: FakeGateway, former: Transfer
    ) -> None:
        replaced(office, former)
        say_paid(former)
        credited(gateway, former)
        decide(office, former, SETTLED, reference="FT1")
        assert (former.state, lines_of(former)) == ("SETTLED", 1)
        assert build_batch(office, kind=REPLACEMENT).number_of_transactions == 0
        assert broken(gateway) == []

    def test_is_no_payment_that_its_receiver_waits_for(self, office: Office, former: Transfer) -> None:
        new = replaced(office, former)
        say_paid(former)
        decide(office, former, SETTLED, reference="FT1")
        person = Person.objects.get(payee=former.payee)
        told = {payment.code: payment for payment in payments_of_person(person=person).rows}
        first, second = told[former.end_to_end_id], told[new.end_to_end_id]
        assert (first.step, first.paid_again_by) == ("CREDITED", "")
        assert (second.step, second.replaces) == ("NOT_PAID", "")


class TestInAListThatHoldsNoMoneyYet:
    @pytest.fixture
    def planned(self, office: Office, former: Transfer) -> PayoutBatch:
        return build_batch(office, kind=REPLACEMENT)

    def test_is_cancelled_on_its_way_out(self, office: Office, former: Transfer, planned: PayoutBatch) -> None:
        say_paid(former)
        assert states() == {"REJECTED": 1, "PLANNED": 1}
        start(office, planned)
        send_all(bank := FakeGateway())
        assert bank.credits == {}
        assert (states(), lines_of(former)) == ({"REJECTED": 1, "CANCELLED": 1}, 1)
        assert balances(office)["RESERVED"] == 0

    @pytest.mark.parametrize("route", [Route.TREASURY_FILE, Route.PAYMENT_SERVICE, Route.WARD_CASH])
    def test_is_given_to_nobody_else(self, office: Office, former: Transfer, route: Route) -> None:
        WAYS[route](office, former.payee)
        planned = build_batch(office, kind=REPLACEMENT)
        say_paid(former)
        start(office, planned)
        if route == Route.WARD_CASH:
            assert cash.hand_over(batch_id=planned.pk, by=office.accountant, at=office.at()) == 0
            assert states() == {"REJECTED": 1, "CANCELLED": 1}
        else:
            with pytest.raises(NothingToGive):
                make_file(batch_id=planned.pk, route=route, by=office.accountant, at=office.at())

    def test_goes_on_when_two_have_found_meanwhile_that_nothing_was_paid(
        self, office: Office, former: Transfer, planned: PayoutBatch
    ) -> None:
        say_paid(former)
        decide(office, former, REJECTED)
        start(office, planned)
        send_all(FakeGateway())
        assert states() == {"REJECTED": 1, "SETTLED": 1}

    def test_passes_on_to_no_other_list_when_its_own_is_withdrawn(
        self, office: Office, former: Transfer, planned: PayoutBatch
    ) -> None:
        say_paid(former)
        deciding_lists.withdraw_batch(
            batch_id=planned.pk, by=office.preparer, reason="Chờ ngân hàng trả lời bằng văn bản", at=office.at()
        )
        assert build_batch(office, kind=REPLACEMENT).number_of_transactions == 0
        decide(office, former, REJECTED)
        assert build_batch(office, kind=BatchKind.SUPPLEMENTARY).number_of_transactions == 1


class TestTheDatabase:
    @pytest.fixture
    def unseen(self, office: Office, former: Transfer) -> Transfer:
        """A replacement of which whoever wrote the bank's word knew nothing."""
        new = replaced(office, former)
        run("UPDATE payments_transfer SET conflicting_status = 'ACCC' WHERE id = %s", former.pk)
        return new

    def test_lets_none_leave(self, unseen: Transfer) -> None:
        sending = "UPDATE payments_transfer SET state = 'SENDING', sent_count = 1, first_sent_at = now() WHERE id = %s"
        refused(sending, unseen.pk, by="transfer_not_sent_while_former_disputed")

    def test_lets_no_line_move_on(self, office: Office, former: Transfer, unseen: Transfer) -> None:
        make_entitled(1, bank=ACB)
        other = Transfer.objects.get(batch=build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        run("UPDATE payments_transfer SET state = 'CANCELLED', due_at = NULL WHERE id = %s", unseen.pk)
        move = "UPDATE payments_payout_line SET transfer_id = %s WHERE transfer_id = %s"
        refused(move, other.pk, unseen.pk, by="payout_line_one_live_transfer")
        assert run(move, former.pk, unseen.pk) == 1  # but home
        refused(move, other.pk, former.pk, by="payout_line_one_live_transfer")

    def test_is_what_the_next_claim_looks_at(self, former: Transfer, unseen: Transfer) -> None:
        assert dispatch.claim_to_send() is None
        assert (now(unseen)[0], lines_of(former)) == ("CANCELLED", 1)


class TestWhatHasLeft:
    @pytest.fixture
    def sent(self, office: Office, former: Transfer) -> Transfer:
        new = replaced(office, former)
        send_all(FakeGateway())
        assert now(new)[0] == "SETTLED"
        return new

    def test_is_told_with_its_former_by_an_alarm(self, former: Transfer, sent: Transfer) -> None:
        say_paid(former)
        alarm = Alarm.objects.get(code="payments.paid_twice")
        assert (alarm.severity, alarm.subject_kind, alarm.subject_id) == ("CRITICAL", "transfer", str(former.pk))
        assert (alarm.unit_code, alarm.details) == (
            former.batch.unit_id,
            {"former": former.end_to_end_id, "replacement": sent.end_to_end_id, "state": "SETTLED", "sum": 650_000},
        )
        assert (now(former), now(sent)) == (("REJECTED", "ACCC"), ("SETTLED", ""))

    def test_is_told_at_the_desk_as_well(self, office: Office, former: Transfer) -> None:
        new = replaced(office, former, Route.WARD_CASH)
        cash.hand_over(batch_id=new.batch_id, by=office.accountant, at=office.at())
        say_paid(former)
        assert Alarm.objects.get(code="payments.paid_twice").details["state"] == "HANDED_OVER"
        assert now(new)[0] == "HANDED_OVER"

    def test_is_shown_to_officers_with_the_way_to_recover(
        self, office: Office, former: Transfer, sent: Transfer
    ) -> None:
        say_paid(former)
        client = Client()
        client.force_login(office.accountant)
        page = client.get(f"/can-bo/nguoi-thu-hai/cho-xem-xet/{former.end_to_end_id}/ket-luan").content.decode()
        assert sent.end_to_end_id in page
        assert f'href="/can-bo/nguon/thu-hoi/ghi?ma={former.end_to_end_id}"' in page

    def test_stays_paid_when_two_find_that_both_were(self, office: Office, former: Transfer, sent: Transfer) -> None:
        """What was paid was paid: the line stays with the second, the first is booked, and the money is recovered."""
        say_paid(former)
        decide(office, former, SETTLED, reference="FT1")
        assert (now(former)[0], now(sent)[0]) == ("SETTLED", "SETTLED")
        assert (lines_of(former), lines_of(sent)) == (0, 1)
        assert balances(office)["PAID"] == 2 * 650_000
        assert build_batch(office, kind=REPLACEMENT).number_of_transactions == 0


class TestRaces:
    @pytest.mark.parametrize("_round", range(ROUNDS))
    def test_the_banks_word_and_the_claim(self, committed: None, _round: int) -> None:
        """Either the word comes first and nothing is sent, or the claim does and people are told; nothing between."""
        office = make_office()
        (former,) = refused_by_bank(office, FakeGateway())
        new = replaced(office, former)
        bank = FakeGateway()
        results = at_once(lambda: again_on_conflict(say_paid)(former), lambda: again_on_conflict(send_all)(bank))
        assert not [result for result in results if isinstance(result, Exception)]
        told = Alarm.objects.filter(code="payments.paid_twice").exists()
        assert (now(new)[0], told, len(bank.credits)) in (("CANCELLED", False, 0), ("SETTLED", True, 1))
        assert lines_of(former if now(new)[0] == "CANCELLED" else new) == 1

    @pytest.mark.parametrize("_round", range(ROUNDS))
    def test_the_banks_word_and_the_list_that_would_pay_again(self, committed: None, _round: int) -> None:
        office = make_office()
        (former,) = refused_by_bank(office, FakeGateway())
        results = at_once(
            lambda: again_on_conflict(say_paid)(former),
            lambda: build_batch(office, kind=REPLACEMENT).number_of_transactions,
        )
        assert results[0] is None
        assert results[1] in (0, 1)
        if results[1]:
            start(office, PayoutBatch.objects.get(kind=REPLACEMENT))
        send_all(bank := FakeGateway())
        assert bank.credits == {}
        assert lines_of(former) == 1

    @pytest.mark.parametrize("_round", range(ROUNDS))
    def test_two_persons_and_the_claim_of_what_nobody_saw(self, committed: None, _round: int) -> None:
        office = make_office()
        (former,) = refused_by_bank(office, FakeGateway())
        new = replaced(office, former)
        run("UPDATE payments_transfer SET conflicting_status = 'ACCC' WHERE id = %s", former.pk)
        bank = FakeGateway()
        results = at_once(lambda: decide(office, former, SETTLED, reference="FT1"), lambda: send_all(bank))
        assert not [result for result in results if isinstance(result, Exception)]
        assert (now(former)[0], now(new)[0], bank.credits) == ("SETTLED", "CANCELLED", {})
        assert read("SELECT count(*) FROM payments_ledger_entry WHERE kind = 'POST'") == [(1,)]
