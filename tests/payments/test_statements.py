"""Statements: each entry finds its payment, what a bank proves is settled, nothing that differs is silent (I-30, F29 to F32)."""

from datetime import timedelta
from typing import Any

import pytest

from foundation.audit.models import Alarm, AuditEvent
from foundation.users.roles import Role
from payments.errors import BadStatement, NotInAuthority
from payments.models import (
    LedgerEntry,
    PayoutBatch,
    ReconciliationDifference,
    Statement,
    StatementEntry,
    StatementFile,
    Transfer,
)
from payments.queries.daily_totals import daily_totals, unexplained_days
from tests.factories import Office, build_batch, make_entitled, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import balances, entries, refused, send_all, states
from tests.payments.statements import OPENING, Line, camt, credit, debit, document, statement, take_in, today

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(office: Office, gateway: FakeGateway) -> PayoutBatch:
    """Five people paid through the gateway, every answer in."""
    return paid(office, gateway, 5)


def paid(office: Office, gateway: FakeGateway, count: int) -> PayoutBatch:
    make_entitled(count)
    batch = start(office, build_batch(office))
    send_all(gateway)
    return batch


def transfers() -> list[Transfer]:
    return list(Transfer.objects.select_related("payout_account").order_by("id"))


def differences() -> dict[str, int]:
    found: dict[str, int] = {}
    for kind in ReconciliationDifference.objects.filter(state="OPEN").values_list("kind", flat=True):
        found[kind] = found.get(kind, 0) + 1
    return found


class TestMatching:
    def test_by_end_to_end_id_leaves_nothing_to_do(self, office: Office, batch: PayoutBatch) -> None:
        file = take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        assert (file.state, file.lines) == ("IMPORTED", 5)
        assert set(StatementEntry.objects.values_list("matched_how", flat=True)) == {"END_TO_END"}
        assert not StatementEntry.objects.filter(applied_at=None).exists()
        assert differences() == {}
        assert batch.chunks.get().matched_count == 5

    def test_by_amount_and_date_where_both_sides_have_one(self, office: Office, batch: PayoutBatch) -> None:
        first, *rest = transfers()
        loose = debit(first, end_to_end_id="")
        take_in(camt([loose, *map(debit, rest)]), by=office.accountant)
        entry = StatementEntry.objects.get(end_to_end_id="")
        assert (entry.transfer, entry.matched_how) == (first, "AMOUNT_DATE")
        assert differences() == {}

    def test_leaves_two_of_one_amount_to_a_person(self, office: Office, batch: PayoutBatch) -> None:
        first, second, *rest = transfers()
        loose = [debit(each, end_to_end_id="", account=None) for each in (first, second)]
        take_in(camt([*loose, *map(debit, rest)]), by=office.accountant)
        assert differences()["UNKNOWN_TO_US"] == 2
        assert differences()["MISSING_IN_STATEMENT"] == 2

    def test_resolves_an_entry_that_books_many_at_once(self, office: Office, batch: PayoutBatch) -> None:
        parts = tuple(debit(transfer) for transfer in transfers())
        booked = Line(amount=sum(part.amount for part in parts), reference="N-BATCH", parts=parts)
        take_in(camt([booked]), by=office.accountant)
        assert StatementEntry.objects.filter(entry_reference="N-BATCH", transfer__isnull=False).count() == 5
        assert sorted(StatementEntry.objects.values_list("detail_number", flat=True)) == [1, 2, 3, 4, 5]
        assert differences() == {}


class TestWhatAStatementProves:
    @pytest.fixture
    def accepted(self, office: Office) -> list[Transfer]:
        paid(office, FakeGateway(status="ACSP"), 3)
        assert states() == {"ACCEPTED": 3}
        return transfers()

    def test_settles_what_was_only_accepted(self, office: Office, accepted: list[Transfer]) -> None:
        take_in(camt([debit(transfer) for transfer in accepted]), by=office.accountant)
        assert states() == {"SETTLED": 3}
        assert {(each.settlement_level, each.transaction_status) for each in transfers()} == {("DEBTOR", "BOOK")}
        assert entries()["POST"] == 3
        assert balances(office)["RESERVED"] == 0

    def test_settles_nothing_where_the_sum_is_another(self, office: Office, accepted: list[Transfer]) -> None:
        take_in(camt([debit(each, amount=each.instructed_amount + 1) for each in accepted]), by=office.accountant)
        assert states() == {"ACCEPTED": 3}
        assert differences()["AMOUNT"] == 3

    def test_takes_a_return_that_came_before_the_debit(self, office: Office, accepted: list[Transfer]) -> None:
        first = accepted[0]
        tomorrow = today() + timedelta(days=1)
        take_in(camt([credit(first, day=tomorrow)], day=tomorrow), by=office.accountant)
        assert states() == {"ACCEPTED": 3}
        take_in(camt([debit(each) for each in accepted]), by=office.accountant)
        assert states() == {"RETURNED": 1, "SETTLED": 2}
        assert (entries()["RETURN"], entries()["REFUND"]) == (1, 1)


class TestF29ARowIsMissing:
    def test_is_a_difference_of_the_payment_and_sends_nothing(
        self, office: Office, batch: PayoutBatch, gateway: FakeGateway
    ) -> None:
        sent = len(gateway.messages)
        first, *rest = transfers()
        take_in(camt([debit(transfer) for transfer in rest]), by=office.accountant)
        found = ReconciliationDifference.objects.get(kind="MISSING_IN_STATEMENT")
        assert (found.transfer, found.batch, found.expected_amount) == (first, batch, first.instructed_amount)
        assert found.unit_id == batch.unit_id
        assert found.due_at > found.raised_at
        assert len(gateway.messages) == sent
        assert differences() == {"MISSING_IN_STATEMENT": 1, "TOTALS": 1}

    def test_is_over_when_a_later_statement_shows_it(self, office: Office, batch: PayoutBatch) -> None:
        first, *rest = transfers()
        take_in(camt([debit(transfer) for transfer in rest]), by=office.accountant)
        closing = OPENING - sum(each.instructed_amount for each in rest)
        tomorrow = today() + timedelta(days=1)
        take_in(camt([debit(first)], day=tomorrow, opening=closing), by=office.accountant)
        found = ReconciliationDifference.objects.get(kind="MISSING_IN_STATEMENT")
        assert (found.state, found.outcome) == ("CLOSED", "FOUND")


class TestF30ARowThatWeDoNotKnow:
    def test_rests_in_suspense_with_an_alarm(self, office: Office, batch: PayoutBatch) -> None:
        extra = Line(amount=250_000, end_to_end_id="X20261125", reference="X1")
        take_in(camt([*map(debit, transfers()), extra]), by=office.accountant)
        found = ReconciliationDifference.objects.get(kind="UNKNOWN_TO_US")
        assert LedgerEntry.objects.get(kind="SUSPEND").difference == found
        assert balances(office)["SUSPENSE"] == 250_000
        assert Alarm.objects.filter(code="statement.differs").count() == 1

    def test_a_second_entry_for_one_payment_is_a_double_credit(self, office: Office, batch: PayoutBatch) -> None:
        """Books that balance do not notice it; the statement does."""
        first, *rest = transfers()
        take_in(camt([debit(first), debit(first), *map(debit, rest)]), by=office.accountant)
        found = ReconciliationDifference.objects.get(kind="DOUBLE_CREDIT")
        assert (found.transfer, found.found_amount) == (first, first.instructed_amount)
        assert balances(office)["SUSPENSE"] == first.instructed_amount

    def test_the_database_lets_no_second_entry_be_one_payments(self, office: Office, batch: PayoutBatch) -> None:
        first, *rest = transfers()
        take_in(camt([debit(first), debit(first), *map(debit, rest)]), by=office.accountant)
        refused(
            "UPDATE payments_statement_entry SET transfer_id = %s, matched_how = 'PERSON' WHERE transfer_id IS NULL",
            first.pk,
            by="statement_entry_one_per_transfer",
        )


class TestF31AmountAccountStateAndDate:
    @pytest.mark.parametrize(
        ("changed", "kind"), [({"amount": 650_001}, "AMOUNT"), ({"account": ("970436", "0071000999999")}, "ACCOUNT")]
    )
    def test_is_a_difference_of_its_own(
        self, office: Office, batch: PayoutBatch, changed: dict[str, Any], kind: str
    ) -> None:
        first, *rest = transfers()
        take_in(camt([debit(first, **changed), *map(debit, rest)]), by=office.accountant)
        assert ReconciliationDifference.objects.get(transfer=first).kind == kind
        assert StatementEntry.objects.get(transfer=first).matched_how == "END_TO_END"

    def test_a_booking_long_before_the_order(self, office: Office, batch: PayoutBatch) -> None:
        first, *rest = transfers()
        take_in(camt([debit(first, day=today() - timedelta(days=9)), *map(debit, rest)]), by=office.accountant)
        assert differences() == {"DATE": 1}

    def test_a_debit_of_what_the_bank_had_refused(self, office: Office) -> None:
        paid(office, FakeGateway(status="RJCT", reason="AC04"), 2)
        assert states() == {"REJECTED": 2}
        take_in(camt([debit(each) for each in transfers()]), by=office.accountant)
        assert states() == {"REJECTED": 2}
        assert differences() == {"STATE": 2, "TOTALS": 1}
        assert {each.conflicting_status for each in transfers()} == {"BOOK"}


class TestF32TheSameFileTwice:
    def test_changes_nothing_and_says_so(self, office: Office, batch: PayoutBatch) -> None:
        content = camt([*map(debit, transfers()[1:]), Line(amount=7_000, end_to_end_id="X", reference="X1")])
        take_in(content, by=office.accountant)
        before = (differences(), entries(), StatementEntry.objects.count(), Statement.objects.count())
        again = take_in(content, by=office.accountant)
        assert again.state == "UNCHANGED"
        assert AuditEvent.objects.filter(kind="statement.unchanged").count() == 1
        assert (differences(), entries(), StatementEntry.objects.count(), Statement.objects.count()) == before

    def test_in_another_file_is_the_same_statement(self, office: Office, batch: PayoutBatch) -> None:
        content = camt([debit(transfer) for transfer in transfers()])
        take_in(content, by=office.accountant)
        assert take_in(content.replace(b"stm_1", b"stm_2"), by=office.accountant).state == "UNCHANGED"

    def test_issued_again_with_other_content_is_a_new_version(self, office: Office, batch: PayoutBatch) -> None:
        lines = [debit(transfer) for transfer in transfers()]
        take_in(camt(lines), by=office.accountant)
        changed, _vanished, *same = lines
        extra = Line(amount=99_000, end_to_end_id="NEW", reference="N-NEW")
        take_in(camt([changed.but(amount=changed.amount + 500), *same, extra]), by=office.accountant)
        assert sorted(Statement.objects.values_list("version", flat=True)) == [1, 2]
        first, second = transfers()[:2]
        by_kind = {each.kind: each for each in ReconciliationDifference.objects.all()}
        assert (by_kind["CHANGED"].expected_amount, by_kind["CHANGED"].found_amount) == (
            first.instructed_amount,
            first.instructed_amount + 500,
        )
        assert by_kind["VANISHED"].transfer == second
        assert by_kind["AMOUNT"].transfer == first
        assert by_kind["UNKNOWN_TO_US"].found_amount == 99_000
        assert "MISSING_IN_STATEMENT" not in by_kind
        assert StatementEntry.objects.filter(superseded_by=None).count() == 5
        assert Alarm.objects.filter(code="statement.reissued").count() == 1
        assert batch.chunks.get().matched_count == 4

    def test_issued_again_rightly_ends_what_was_wrong(self, office: Office, batch: PayoutBatch) -> None:
        first, *rest = [debit(transfer) for transfer in transfers()]
        extra = Line(amount=99_000, end_to_end_id="NEW", reference="N-NEW")
        take_in(camt([first.but(amount=first.amount + 500), *rest, extra]), by=office.accountant)
        assert balances(office)["SUSPENSE"] == 99_000
        take_in(camt([first, *rest]), by=office.accountant)
        open_ = ReconciliationDifference.objects.filter(state="OPEN")
        assert sorted(open_.values_list("kind", flat=True)) == ["CHANGED", "VANISHED"]
        assert balances(office)["SUSPENSE"] == 0


class TestBalances:
    def test_a_gap_to_the_day_before_is_a_difference(self, office: Office, batch: PayoutBatch) -> None:
        yesterday = today() - timedelta(days=1)
        take_in(camt([], day=yesterday, opening=OPENING - 1), by=office.accountant)
        take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        found = ReconciliationDifference.objects.get(kind="BALANCE")
        assert (found.expected_amount, found.found_amount) == (OPENING - 1, OPENING)

    def test_is_found_whichever_day_comes_first(self, office: Office, batch: PayoutBatch) -> None:
        take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        take_in(camt([], day=today() - timedelta(days=1), opening=OPENING - 1), by=office.accountant)
        assert differences() == {"BALANCE": 1}


class TestI30TheDay:
    def test_agrees_when_all_three_say_the_same(self, office: Office, batch: PayoutBatch) -> None:
        take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        (day,) = daily_totals(first=today(), last=today())
        assert day.agrees
        assert day.statement.count == 5

    @pytest.mark.parametrize("fault", ["missing", "extra", "amount"])
    def test_has_a_difference_with_a_time_for_every_fault(
        self, office: Office, batch: PayoutBatch, fault: str
    ) -> None:
        lines = [debit(transfer) for transfer in transfers()]
        faulty = {
            "missing": lines[1:],
            "extra": [*lines, Line(amount=250_000, end_to_end_id="X1", reference="X1")],
            "amount": [lines[0].but(amount=lines[0].amount + 1_000), *lines[1:]],
        }[fault]
        take_in(camt(faulty), by=office.accountant)
        (day,) = daily_totals(first=today(), last=today())
        assert not day.agrees
        assert differences()["TOTALS"] == 1
        assert unexplained_days(first=today(), last=today()) == []


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (lambda content: content[: len(content) // 2], "CUT"),
            (lambda content: b"PK\x03\x04" + content, "NOT_XML"),
            (lambda content: b"", "NOT_XML"),
            (
                lambda content: content.replace(b"<Document", b'<!DOCTYPE Document [<!ENTITY x "y">]><Document', 1),
                "DTD",
            ),
            (lambda content: content.replace(b"camt.053", b"camt.054"), "NOT_CAMT053"),
            (lambda content: content.replace(b'Ccy="VND"', b'Ccy="USD"'), "CURRENCY"),
            (lambda content: content.replace(b"<Cd>BOOK", b"<Cd>PDNG"), "NOT_BOOKED"),
            (lambda content: content.replace(b"<MsgId>", b"<MsgId>&lol;", 1), "NOT_XML"),
            (lambda content: content.replace(b"3713.0.1055555", b"9999.0.1055555"), "ACCOUNT"),
            (lambda content: content.replace(b"<NbOfNtries>5", b"<NbOfNtries>6"), "SUMS"),
            (lambda content: content.replace(b'<Amt Ccy="VND">650000', b'<Amt Ccy="VND">0'), "FIELD"),
            (lambda content: content.replace(b"<NtryRef>N", "<NtryRef>٣".encode()), "FIELD"),
            (lambda content: content.replace(b"<BkTxCd>", b"<BkTxCd>" + b"<x/>" * 400_000, 1), "TOO_MUCH"),
        ],
    )
    def test_are_refused_in_words_and_leave_nothing(
        self, office: Office, batch: PayoutBatch, spoil: Any, code: str
    ) -> None:
        content = spoil(camt([debit(transfer) for transfer in transfers()]))
        with pytest.raises(BadStatement) as caught:
            take_in(content, by=office.accountant)
        assert caught.value.code == code
        assert str(caught.value.message)
        assert not StatementFile.objects.exists()
        assert not Statement.objects.exists()

    def test_with_balances_that_do_not_add_up_are_refused(self, office: Office, batch: PayoutBatch) -> None:
        with pytest.raises(BadStatement, match="BALANCES"):
            take_in(camt([debit(transfer) for transfer in transfers()], closing=1), by=office.accountant)

    def test_with_a_batch_that_is_not_the_sum_of_its_lines_are_refused(
        self, office: Office, batch: PayoutBatch
    ) -> None:
        parts = tuple(debit(transfer) for transfer in transfers())
        booked = Line(amount=sum(part.amount for part in parts) + 1, reference="N-BATCH", parts=parts)
        with pytest.raises(BadStatement, match="BATCH_SUM"):
            take_in(camt([booked]), by=office.accountant)

    def test_that_use_a_reference_twice_leave_no_entry(self, office: Office, batch: PayoutBatch) -> None:
        lines = [debit(transfer, reference="N-SAME") for transfer in transfers()]
        file = take_in(camt(lines), by=office.accountant)
        assert (file.state, file.refusal) == ("REFUSED", "REFERENCE")
        assert not Statement.objects.exists()
        assert Alarm.objects.filter(code="statement.refused").exists()

    def test_that_tell_one_day_twice_are_refused(self, office: Office, batch: PayoutBatch) -> None:
        file = take_in(document([statement([]), statement([])]), by=office.accountant)
        assert (file.state, file.refusal) == ("REFUSED", "TWICE")

    def test_are_for_who_may_bring_them(self, office: Office, batch: PayoutBatch) -> None:
        with pytest.raises(NotInAuthority):
            take_in(camt([]), by=office.preparer)
        with pytest.raises(NotInAuthority):
            take_in(camt([]), by=make_staff(Role.ACCOUNTANT, unit="25747"))


class TestTheDatabase:
    def test_keeps_what_the_bank_said(self, office: Office, batch: PayoutBatch) -> None:
        take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        refused("UPDATE payments_statement_entry SET amount = 1", by="permission denied")
        refused("DELETE FROM payments_statement_entry", by="permission denied")
        refused(
            "UPDATE payments_statement_entry SET transfer_id = NULL, matched_how = ''",
            by="statement_entry_match_frozen",
        )

    def test_closes_no_difference_without_proof(self, office: Office, batch: PayoutBatch) -> None:
        take_in(camt([debit(transfer) for transfer in transfers()[1:]]), by=office.accountant)
        for outcome in ("FOUND", "REPLACED", "BANK_ERROR"):
            refused(
                "UPDATE payments_difference SET state = 'CLOSED', outcome = %s, closed_at = portal_now()",
                outcome,
                by="difference_closed_with_proof",
            )
