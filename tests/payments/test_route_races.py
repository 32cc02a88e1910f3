"""Nobody is paid by two routes: a payment leaves its route by "not paid" alone, whatever happens at the same moment.

Each race is run from one starting shot on connections of its own; the books and the transfers must tell one story whoever wins.
"""

from collections.abc import Callable
from typing import Any

import pytest

from beneficiaries.models import Payee
from beneficiaries.operations.ways import choose_way
from beneficiaries.states import Way
from payments.models import PayoutBatch, PayoutLine, Transfer
from payments.operations import cash, release
from payments.operations.cash import Collected
from payments.states import BatchKind
from tests.factories import Office, build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway
from tests.payments.by_file import NOT_PAID, S, T, answered, bring, given, said, take_over
from tests.payments.helpers import at_once, balances, broken, kinds, read, refused, send_all

ROUNDS = 5  # of each race: the shot is the same, who comes first is not


def paid_by_route() -> list[tuple[Any, ...]]:
    """How often and by how many routes each right of a month was paid: its postings less what came back."""
    return read(
        "SELECT l.entitlement_id, l.period, count(*), count(DISTINCT t.route) FROM payments_payout_line l "
        "JOIN (SELECT id AS line_id, transfer_id FROM payments_payout_line UNION "
        "      SELECT line_id, from_transfer_id FROM payments_payout_line_move) AS way ON way.line_id = l.id "
        "JOIN payments_transfer t ON t.id = way.transfer_id JOIN payments_ledger_entry e ON e.transfer_id = t.id "
        "WHERE e.kind = 'POST' GROUP BY 1, 2 HAVING count(*) > 1"
    )


def to_cash(office: Office, payee: Payee) -> None:
    """From now on the payee comes to the ward."""
    choose_way(
        payee_id=payee.pk,
        way=Way.WARD_CASH,
        reason="Người nhận đổi ý, muốn nhận tại phường",
        by=office.preparer,
        at=office.at(),
    )


def replacement(office: Office) -> Callable[[], str]:
    """The act of building a list of what was not paid; how many payments it took."""
    return lambda: f"list of {build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions}"


def one_story(office: Office) -> None:
    """Every end has its one entry, nothing is paid twice, and what is open is what is reserved."""
    assert paid_by_route() == []
    assert {line.invariant.code for line in broken(FakeGateway())} <= {"I-25"}  # a contradiction is for people
    assert all(balance >= 0 for account, balance in balances(office).items() if account != "TREASURY")


class TestARouteIsLeftByNotPaidAlone:
    def test_a_payment_with_the_treasury_is_in_no_other_list(self, office: Office) -> None:
        _, _, (first, _) = given(office)
        to_cash(office, first.payee)
        assert build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions == 0
        assert build_batch(office, kind=BatchKind.SUPPLEMENTARY).number_of_transactions == 0

    def test_one_that_was_paid_is_in_no_other_list(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        answered(office, batch, said(first))
        to_cash(office, first.payee)
        assert build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions == 0

    def test_not_paid_lets_it_go_another_way(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        answered(office, batch, said(first, NOT_PAID))
        to_cash(office, first.payee)
        again = build_batch(office, kind=BatchKind.REPLACEMENT)
        new = Transfer.objects.get(batch=again)
        assert (new.route, new.replaces) == ("WARD_CASH", first)

    @pytest.mark.parametrize("route", [T, S])
    def test_the_database_lets_no_line_leave_a_payment_that_is_under_way(self, office: Office, route: Any) -> None:
        given(office, route)
        make_entitled(1, cash=True)
        other = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        target = Transfer.objects.get(batch=other)
        refused(
            "UPDATE payments_payout_line SET transfer_id = %s WHERE batch_id <> %s",
            target.pk,
            other.pk,
            by="payout_line_one_live_transfer",
        )

    @pytest.mark.parametrize("route", [T, S])
    def test_the_database_takes_no_replacement_of_a_payment_that_is_under_way(
        self, office: Office, route: Any
    ) -> None:
        _, _, (first, _) = given(office, route)
        make_entitled(1, cash=True)
        build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        refused(
            "INSERT INTO payments_transfer (batch_id, chunk_id, payee_id, route, creditor_name, instructed_amount, "
            "remittance_information, replaces_id, sent_count) "
            "SELECT batch_id, chunk_id, payee_id, 'WARD_CASH', creditor_name, 1, "
            "'', %s, 0 FROM payments_transfer WHERE state = 'PLANNED'",
            first.pk,
            by="transfer_replaces_an_ended_one",
        )

    def test_nor_by_the_cash_desk(self, office: Office) -> None:
        batch, _, (first, _) = given(office, S)
        signed = Collected(first.pk, "Nguyễn Văn Hai", "", office.at().date())
        told: dict[str, Any] = {"batch_id": batch.pk, "by": office.accountant, "at": office.at()}
        assert cash.mark_collected(collected=[signed], **told) == 0
        assert cash.carry_over(**told) == 0
        first.refresh_from_db()
        assert first.state == "HANDED_OVER"


class TestRaces:
    @pytest.mark.parametrize("_round", range(ROUNDS))
    def test_not_paid_and_the_list_that_would_pay_again(self, committed: None, _round: int) -> None:
        office = make_office()
        batch, _, (first, second) = given(office)
        kept = bring(office, batch, said(first, NOT_PAID), said(second))
        to_cash(office, first.payee)
        results = at_once(lambda: take_over(office, kept), replacement(office))
        assert results[0] == {"PAID": 1, "NOT_PAID": 1}
        assert results[1] in ("list of 0", "list of 1")
        one_story(office)

    @pytest.mark.parametrize("_round", range(ROUNDS))
    def test_paid_and_the_list_that_would_pay_again(self, committed: None, _round: int) -> None:
        office = make_office()
        batch, _, (first, second) = given(office)
        kept = bring(office, batch, said(first), said(second))
        to_cash(office, first.payee)
        results = at_once(lambda: take_over(office, kept), replacement(office))
        assert results == [{"PAID": 2}, "list of 0"]
        one_story(office)

    @pytest.mark.parametrize("_round", range(ROUNDS))
    def test_two_files_that_contradict_each_other(self, committed: None, _round: int) -> None:
        office = make_office()
        batch, _, (first, _) = given(office)
        paid, unpaid = bring(office, batch, said(first)), bring(office, batch, said(first, NOT_PAID))
        results = at_once(lambda: take_over(office, paid), lambda: take_over(office, unpaid), replacement(office))
        assert sorted(map(str, results[:2])) in (
            ["{'CONTRADICTS': 1}", "{'PAID': 1}"],
            ["{'CONTRADICTS': 1}", "{'NOT_PAID': 1}"],
        )
        first.refresh_from_db()
        assert first.conflicting_status in ("ACSC", "RJCT")
        assert build_batch(office, kind=BatchKind.REPLACEMENT).number_of_transactions == 0
        one_story(office)

    @pytest.mark.parametrize("_round", range(ROUNDS))
    def test_the_same_file_taken_over_by_two(self, committed: None, _round: int) -> None:
        office = make_office()
        batch, _, (first, second) = given(office)
        kept = bring(office, batch, said(first), said(second, NOT_PAID))
        results = at_once(*[lambda: take_over(office, kept)] * 2)
        assert kinds(results) == ["InvalidMove", "{'PAID': 1, 'NOT_PAID': 1}"]
        one_story(office)

    @pytest.mark.parametrize("_round", range(ROUNDS))
    def test_results_signatures_closing_of_the_cash_list_and_a_new_list(self, committed: None, _round: int) -> None:
        """Everything that may end or begin a payment of one batch with three routes, at once."""
        office = make_office()
        make_entitled(2, cash=True)
        batch, _, (first, second) = given(office)
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        desk = Transfer.objects.filter(batch=batch, route="WARD_CASH").order_by("id")
        signed = [Collected(one.pk, "Nguyễn Văn Hai", "", office.at().date()) for one in desk]
        kept = bring(office, batch, said(first, NOT_PAID), said(second))
        told: dict[str, Any] = {"batch_id": batch.pk, "by": office.accountant, "at": office.at()}
        results = at_once(
            lambda: take_over(office, kept),
            lambda: cash.mark_collected(collected=signed[:1], **told),
            lambda: cash.carry_over(**told),
            replacement(office),
        )
        assert not [result for result in results if isinstance(result, Exception)]
        one_story(office)
        send_all(FakeGateway())
        assert release.drain_batches() == [batch.pk]
        again = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        left = PayoutLine.objects.filter(live=True, transfer__state__in=["CANCELLED", "REJECTED"]).count()
        assert (left, state(again)) == (0, "DRAFT")
        one_story(office)

    @pytest.mark.parametrize("_round", range(ROUNDS))
    def test_paid_in_cash_after_not_paid_and_a_late_paid(self, committed: None, _round: int) -> None:
        """The worst case: the Treasury says "not paid", the ward pays in cash, and the Treasury says "paid" meanwhile."""
        office = make_office()
        batch, _, (first, _) = given(office, people=2)
        answered(office, batch, said(first, NOT_PAID))
        to_cash(office, first.payee)
        again = start(office, build_batch(office, kind=BatchKind.REPLACEMENT))
        cash.hand_over(batch_id=again.pk, by=office.accountant, at=office.at())
        desk = Transfer.objects.get(batch=again)
        late = bring(office, batch, said(first))
        results = at_once(
            lambda: take_over(office, late),
            lambda: cash.mark_collected(
                batch_id=again.pk,
                collected=[Collected(desk.pk, "Nguyễn Văn Hai", "", office.at().date())],
                by=office.accountant,
                at=office.at(),
            ),
        )
        assert results == [{"CONTRADICTS": 1}, 1]
        first.refresh_from_db()
        assert (first.state, first.conflicting_status) == ("REJECTED", "ACSC")  # told to people; our books paid once
        one_story(office)


def state(batch: PayoutBatch) -> str:
    batch.refresh_from_db()
    return str(batch.state)
