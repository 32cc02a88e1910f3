"""`verify` against the bank's statements: what a portal compares with when nobody hands it the gateway's log."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from foundation.audit.operations import SYSTEM
from foundation.audit.sealing import seal_events
from payments.models import ReconciliationDifference, StatementFile, Transfer, VerificationRun
from payments.operations import import_statements, proposals
from payments.operations.differences import DIFFERENCE_EFFECTS, propose_decision
from payments.operations.import_statements import import_one
from payments.operations.statement_files import order_missing_statements, upload_statement
from payments.operations.verification import GatewayBook, statement_book
from payments.operations.verification.running import examine, verify_books
from payments.statement_states import DifferenceOutcome
from payments.states import BatchKind
from tests.conftest import Clock
from tests.factories import VCB, Office, approve, build_batch, make_entitled, start
from tests.fake_gateway import FakeGateway
from tests.gateway.messages import CALLBACK_ENTRY
from tests.payments.helpers import run, send_all
from tests.payments.statements import ACCOUNT, OPENING, Line, camt, credit, debit, take_in, today
from tests.payments.test_messages import apply_all, returned, tell_returns
from tests.payments.test_statements import transfers
from tests.payments.verify.conftest import ABOUT_THE_BOOK, marked
from tests.payments.verify.test_verify_runs import verify
from welfare_portal.tasks import verify as daily

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(office: Office, gateway: FakeGateway, clock: Clock) -> list[Transfer]:
    """Five payments, made two days ago."""
    make_entitled(5)
    start(office, build_batch(office))
    send_all(gateway)
    clock.shift("2 days")
    return transfers()


Telling = Callable[..., date]


@pytest.fixture
def told(office: Office) -> Telling:
    """The statements of that day with these entries, and of the next one without any; the day that is told last."""

    def take(lines: Sequence[Line]) -> date:
        day = today() - timedelta(days=2)
        take_in(camt(lines, day=day), by=office.accountant)
        closing = OPENING - sum(line.amount * (1 if line.direction == "DBIT" else -1) for line in lines)
        after = day + timedelta(days=1)
        take_in(camt([], day=after, opening=closing), by=office.accountant)
        return after

    return take


def book() -> GatewayBook:
    found = statement_book()
    assert found is not None
    return found


def red(against: GatewayBook | None = None) -> set[str]:
    seal()
    return {line.invariant.code for line in examine(book=against or book()) if not line.holds}


def seal() -> None:
    """What beat does by itself."""
    while seal_events():
        pass


def code_of_nobody(amount: int = 1) -> Line:
    return Line(amount=amount, end_to_end_id="X20261125", reference="X1")


class TestStatementsThatAgree:
    def test_are_compared_and_named_with_their_last_day(self, paid: list[Transfer], told: Telling) -> None:
        last = told([debit(each) for each in paid])
        lines = {line.invariant.code: line for line in examine(book=book())}
        assert red() == set()
        said = f"sao kê của cổng đến hết ngày {last:%d/%m/%Y}"
        assert {code for code, line in lines.items() if said in line.words} == {"I-1", "I-8", "I-20", "I-30"}
        assert lines["I-30"].checked >= 2 * len(paid)

    def test_may_name_the_payment_by_amount_and_day_only(self, paid: list[Transfer], told: Telling) -> None:
        first, *rest = paid
        told([debit(first, end_to_end_id=""), *map(debit, rest)])
        assert red() == set()

    def test_show_what_came_back(self, paid: list[Transfer], told: Telling) -> None:
        told([*map(debit, paid), credit(paid[0])])
        paid[0].refresh_from_db()
        assert paid[0].state == "RETURNED"
        assert red() == set()

    def test_are_proof_enough_of_what_the_bank_never_answered(
        self, office: Office, clock: Clock, told: Telling
    ) -> None:
        """I-25, I-26: settled by the statement alone."""
        make_entitled(2)
        start(office, build_batch(office))
        send_all(FakeGateway(status="ACSP"))
        clock.shift("2 days")
        told([debit(each) for each in transfers()])
        assert {(each.state, each.transaction_status) for each in transfers()} == {("SETTLED", "BOOK")}
        assert red() == set()

    def test_count_in_the_version_that_came_last(self, office: Office, paid: list[Transfer], told: Telling) -> None:
        told([*map(debit, paid), code_of_nobody()])
        assert red() == {"I-30"}
        take_in(camt([debit(each) for each in paid], day=today() - timedelta(days=2)), by=office.accountant)
        assert red() == set()


class TestAStatementFindsRed:
    def test_i1_a_payment_that_was_made_twice(self, paid: list[Transfer], told: Telling) -> None:
        told([*map(debit, paid), debit(paid[0])])
        assert red() == {"I-1", "I-30"}

    def test_i8_a_payment_that_never_left_here(
        self, office: Office, paid: list[Transfer], gateway: FakeGateway, told: Telling
    ) -> None:
        make_entitled(1)
        approve(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        told([*map(debit, paid), debit(Transfer.objects.get(state="PLANNED"))])
        assert red() == {"I-8", "I-30"}

    def test_i20_money_that_went_to_another_account(self, paid: list[Transfer], told: Telling) -> None:
        first, *rest = paid
        told([debit(first, account=(VCB, "0071009999999")), *map(debit, rest)])
        assert red() == {"I-20"}

    def test_i30_a_credit_that_is_nobodys(self, paid: list[Transfer], told: Telling) -> None:
        told([*map(debit, paid), code_of_nobody()])
        assert red() == {"I-30"}

    def test_i30_one_that_names_nothing_at_all(self, paid: list[Transfer], told: Telling) -> None:
        told([*map(debit, paid), Line(amount=5, reference="X2")])
        assert red() == {"I-30"}

    def test_i30_a_payment_that_it_does_not_show(self, paid: list[Transfer], told: Telling) -> None:
        told([debit(each) for each in paid[1:]])
        assert red() == {"I-30"}

    @pytest.mark.parametrize("more", [1, -1])
    def test_i30_another_amount(self, paid: list[Transfer], told: Telling, more: int) -> None:
        first, *rest = paid
        told([debit(first, amount=first.instructed_amount + more), *map(debit, rest)])
        assert red() == {"I-30"}

    def test_i30_a_return_that_it_does_not_show(
        self, office: Office, paid: list[Transfer], told: Telling, settings: Any
    ) -> None:
        """Only once its value date must have come: a bank tells of a return before it books it."""
        settings.GATEWAY_CALLBACK_SECRETS = [CALLBACK_ENTRY]
        told([debit(each) for each in paid])
        tell_returns("m-1", returned(paid[0]))
        apply_all()
        paid[0].refresh_from_db()
        assert paid[0].state == "RETURNED"
        assert red() == set()
        assert red(replace(book(), returns_until=office.at())) == {"I-30"}


class TestWhatNobodyHasTold:
    def test_is_not_compared_before_there_is_a_statement(self, paid: list[Transfer]) -> None:
        assert statement_book() is None
        seal()
        code, said = verify()
        assert code == 0
        assert marked(said, "–") == ABOUT_THE_BOOK

    def test_lies_after_the_last_day_that_is_told(
        self, office: Office, paid: list[Transfer], gateway: FakeGateway, told: Telling
    ) -> None:
        last = told([debit(each) for each in paid])
        make_entitled(2)
        start(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        send_all(gateway)
        assert book().until == last
        assert red() == set()

    def test_is_a_day_whose_statement_came_while_it_went_on(
        self, office: Office, gateway: FakeGateway, clock: Clock
    ) -> None:
        """It may say more by the evening, so the morning's round orders it once more."""
        make_entitled(2)
        start(office, build_batch(office))
        send_all(gateway)
        take_in(camt([debit(transfers()[0])]), by=office.accountant)
        clock.shift("1 day")
        assert statement_book() is None
        order_missing_statements(at=office.at())
        assert StatementFile.objects.filter(source="FETCHED", day=today() - timedelta(days=1)).count() == 1

    def test_is_a_statement_whose_import_is_not_at_its_end(
        self, office: Office, paid: list[Transfer], told: Telling, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told([debit(each) for each in paid])
        again = camt([*map(debit, paid), code_of_nobody()], day=today() - timedelta(days=2))
        upload_statement(content=lambda: [again], name="a.xml", by=office.accountant, at=office.at())
        with monkeypatch.context() as killed:
            killed.setattr(import_statements, "_finish", _killed)
            with pytest.raises(KeyboardInterrupt):
                import_one()
        assert red() == set()
        run("UPDATE audit_job SET lease_until = portal_now() - interval '1 second' WHERE state = 'RUNNING'")
        assert import_one()
        assert red() == {"I-30"}

    def test_is_a_day_between_that_is_missing(self, office: Office, paid: list[Transfer]) -> None:
        """Nothing is asked of it, and the words say so."""
        after = today() - timedelta(days=1)
        take_in(camt([], day=after), by=office.accountant)
        assert red() == set()
        assert book().gaps == (after - timedelta(days=1),)
        assert "1 ngày thiếu sao kê chưa so" in book().words

    def test_is_a_day_that_one_of_the_accounts_has_not_told(
        self, office: Office, paid: list[Transfer], told: Telling
    ) -> None:
        run("UPDATE payments_fund SET debtor_account = '3713.0.2' WHERE id = %s", office.fund.pk)
        assert statement_book() is None
        run("UPDATE payments_fund SET debtor_account = %s WHERE id = %s", ACCOUNT, office.fund.pk)
        told([debit(each) for each in paid])
        assert red() == set()

    def test_is_nothing_where_the_bank_has_booked_nothing(self, office: Office, paid: list[Transfer]) -> None:
        """ "No statement" of a day that is over is an answer too."""
        order_missing_statements(at=office.at())
        run("UPDATE payments_statement_file SET state = 'RECEIVING'")
        run("UPDATE payments_statement_file SET state = 'ABSENT', due_at = portal_now() + interval '1 day'")
        assert red() == {"I-30"}


def _killed(_run: object) -> None:
    raise KeyboardInterrupt


class TestWhatTwoPersonsDecided:
    def decide(self, office: Office, outcome: DifferenceOutcome) -> None:
        for found in ReconciliationDifference.objects.filter(state="OPEN"):
            proposal = propose_decision(
                difference_id=found.pk,
                outcome=outcome,
                reason="Ngân hàng xác nhận bằng công văn",
                by=office.accountant,
                at=office.at(),
            )
            proposals.confirm(effects=DIFFERENCE_EFFECTS, proposal_id=proposal.pk, by=office.approver, at=office.at())

    @pytest.mark.parametrize("what", ["twice", "unknown", "amount", "account", "missing"])
    def test_is_red_until_then_and_not_for_ever(
        self, office: Office, paid: list[Transfer], told: Telling, what: str
    ) -> None:
        first, *rest = paid
        told(
            {
                "twice": [*map(debit, paid), debit(first)],
                "unknown": [*map(debit, paid), code_of_nobody()],
                "amount": [debit(first, amount=1), *map(debit, rest)],
                "account": [debit(first, account=(VCB, "0071009999999")), *map(debit, rest)],
                "missing": [debit(each) for each in rest],
            }[what]
        )
        assert red() != set()
        self.decide(office, DifferenceOutcome.BANK_ERROR)
        assert red() == set()


class TestWhereItIsUsed:
    def test_the_command_takes_statements_when_it_is_given_no_log(self, paid: list[Transfer], told: Telling) -> None:
        last = told([*map(debit, paid), debit(paid[0])])
        seal()
        code, said = verify()
        assert code == 1
        assert marked(said, "✗") == {"I-1", "I-30"}
        assert f"so với sao kê của cổng đến hết ngày {last:%d/%m/%Y}" in said

    def test_the_daily_run_takes_them(self, paid: list[Transfer], told: Telling, settings: Any) -> None:
        settings.DEMO = False
        last = told([debit(each) for each in paid])
        daily()
        kept = VerificationRun.objects.get()
        assert (kept.source, kept.compared_until, kept.days_missing) == ("STATEMENT", last, 0)
        assert not kept.results.filter(outcome="NOT_COMPARED").exists()

    def test_a_run_says_until_when(self, paid: list[Transfer], told: Telling) -> None:
        last = told([debit(each) for each in paid])
        kept, _ = verify_books(book=statement_book(), by=SYSTEM)
        assert kept.against == f"sao kê của cổng đến hết ngày {last:%d/%m/%Y}"
