"""I-1, I-30 and what else only the gateway's own book can show; and the guards, which a superuser can take away."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payments.models import Transfer
from payments.operations.verification import Credit, GatewayBook, NotALog, read_log
from payments.operations.verification.running import examine
from tests.payments.verify.conftest import Ward


def bent(ward: Ward, bend: Callable[[Credit], Credit], *more: Credit) -> GatewayBook:
    """The gateway's book with the credit of one settled payment bent, and lines more."""
    code = Transfer.objects.get(pk=3).end_to_end_id
    return replace(
        ward.book, lines=[*(bend(line) if line.end_to_end_id == code else line for line in ward.book.lines), *more]
    )


def foreign(**given: object) -> Credit:
    return Credit(**{"end_to_end_id": "0" * 32, "amount": 1, "times_credited": 1} | given)  # type: ignore[arg-type]


class TestI01:
    def test_finds_a_payment_that_was_made_twice(self, ward: Ward) -> None:
        assert ward.red(bent(ward, lambda line: replace(line, times_credited=2))) == {"I-1", "I-30"}

    def test_finds_it_also_as_two_entries_of_a_statement(self, ward: Ward) -> None:
        code = Transfer.objects.get(pk=3)
        again = Credit(end_to_end_id=code.end_to_end_id, amount=code.instructed_amount, times_credited=1)
        assert ward.red(bent(ward, lambda line: line, again)) == {"I-1", "I-30"}

    def test_is_not_said_to_hold_without_the_gateways_book(self, ward: Ward) -> None:
        ward_lines = {line.invariant.code: line.outcome for line in examine(book=None)}
        assert {code for code, outcome in ward_lines.items() if outcome == "NOT_COMPARED"} == {
            "I-1",
            "I-8",
            "I-20",
            "I-30",
        }
        assert "BROKEN" not in ward_lines.values()


class TestI08ByTheGateway:
    def test_finds_a_message_that_we_never_meant_to_send(self, ward: Ward) -> None:
        assert ward.red(bent(ward, lambda line: replace(line, message_id="another-1"))) == {"I-8"}


class TestI20ByTheGateway:
    @pytest.mark.parametrize("change", [{"account_number": "999"}, {"bank_bin": "970416"}, {"account_number": "?"}])
    def test_finds_money_that_went_to_another_account(self, ward: Ward, change: dict[str, str]) -> None:
        assert ward.red(bent(ward, lambda line: replace(line, **change))) == {"I-20"}  # type: ignore[arg-type]


class TestI30:
    @pytest.mark.parametrize(
        "bend",
        [
            lambda line: replace(line, times_credited=0),
            lambda line: replace(line, amount=line.amount + 1),
        ],
        ids=["settled here and not credited there", "credited with another sum"],
    )
    def test_finds(self, ward: Ward, bend: Callable[[Credit], Credit]) -> None:
        assert ward.red(bent(ward, bend)) == {"I-30"}

    def test_finds_a_credit_that_is_nobodys(self, ward: Ward) -> None:
        assert ward.red(bent(ward, lambda line: line, foreign())) == {"I-30"}

    def test_finds_a_line_that_is_missing(self, ward: Ward) -> None:
        assert ward.red(bent(ward, lambda line: foreign(times_credited=0))) == {"I-30"}

    @pytest.mark.parametrize("state", ["REJECTED", "HANDED_OVER"])
    def test_finds_that_something_unpaid_was_credited(self, ward: Ward, state: str) -> None:
        unpaid = Transfer.objects.filter(state=state).earliest("id")
        lines = [line for line in ward.book.lines if line.end_to_end_id != unpaid.end_to_end_id]
        credit = foreign(end_to_end_id=unpaid.end_to_end_id, amount=unpaid.instructed_amount)
        assert ward.red(replace(ward.book, lines=[*lines, credit])) >= {"I-30"}

    def test_finds_a_return_that_the_gateway_does_not_know(self, ward: Ward) -> None:
        book = replace(ward.book, lines=[replace(line, returned=False) for line in ward.book.lines])
        assert ward.red(book) == {"I-30"}

    def test_asks_no_book_about_what_was_settled_after_it_was_taken(self, ward: Ward) -> None:
        earliest = Transfer.objects.earliest("ended_at").ended_at
        assert earliest is not None
        assert ward.red(GatewayBook(source="LOG", taken_at=earliest, lines=[])) == set()

    def test_asks_no_statement_about_what_was_sent_before_it_begins(self, ward: Ward) -> None:
        book = GatewayBook(source="STATEMENT", taken_at=ward.book.taken_at, since=ward.book.taken_at, lines=[])
        assert ward.red(book) == set()


class TestGuards:
    """`G`: what holds the rules is itself looked at, since a superuser may have taken it away for a moment or for good."""

    @pytest.mark.parametrize(
        ("do", "undo", "red"),
        [
            (
                "ALTER TABLE payments_transfer DISABLE TRIGGER USER",
                "ALTER TABLE payments_transfer ENABLE TRIGGER USER",
                {"G", "I-1", "I-2", "I-3", "I-4", "I-6", "I-7", "I-10", "I-26"},
            ),
            (
                "ALTER TABLE payments_payout_line DISABLE TRIGGER ALL",
                "ALTER TABLE payments_payout_line ENABLE TRIGGER ALL",
                {"G", "I-2", "I-3"},
            ),
            (
                "GRANT UPDATE ON payments_ledger_entry TO welfare_app",
                "REVOKE UPDATE ON payments_ledger_entry FROM welfare_app",
                {"G"},
            ),
        ],
        ids=["triggers switched off", "foreign keys switched off", "a right too many"],
    )
    def test_finds(self, ward: Ward, do: str, undo: str, red: set[str]) -> None:
        with ward.changed(do, undo=undo):
            assert ward.red() == red

    def test_finds_a_trigger_that_does_nothing_any_more(self, ward: Ward) -> None:
        with ward.criminal.cursor() as cursor:
            cursor.execute(
                "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname ~ 'transfer_ready_again_with_proof'"
            )
            (definition,) = cursor.fetchone()
        head = definition.partition("AS $function$")[0]
        with ward.changed(f"{head} AS $function$ BEGIN RETURN NEW; END $function$", undo=definition):
            lines = ward.lines()
        assert {code for code, line in lines.items() if not line.holds} == {"I-1", "I-10", "G"}
        assert "transfer_ready_again_with_proof" in lines["I-10"].finding

    def test_finds_a_constraint_that_is_gone(self, ward: Ward) -> None:
        with ward.changed(
            "ALTER TABLE payments_transfer DROP CONSTRAINT transfer_at_bank_was_sent",
            undo="ALTER TABLE payments_transfer ADD CONSTRAINT transfer_at_bank_was_sent CHECK (true)",
        ):
            assert ward.red() == {"I-8", "G"}


class TestALog:
    def test_is_read_line_by_line(self) -> None:
        told = b'{"end_to_end_id": "a", "amount": 5, "times_credited": 1, "account": "007", "bank_bin": "970436", "at": "x"}'
        (credit,) = read_log([told, b"\n"])
        assert (credit.end_to_end_id, credit.amount, credit.times_credited, credit.account_number) == (
            "a",
            5,
            1,
            "007",
        )
        assert "007" not in repr(credit)

    @pytest.mark.parametrize(
        "line", [b"{", b"[]", b"{}", b'{"end_to_end_id": "a", "amount": "much", "times_credited": 1}']
    )
    def test_that_cannot_be_read_is_refused_with_the_number_of_its_line(self, line: bytes) -> None:
        good = b'{"end_to_end_id": "a", "amount": 5, "times_credited": 1}'
        with pytest.raises(NotALog, match="line 2"):
            list(read_log([good, line]))


def test_everything_was_put_back(ward: Ward) -> None:
    assert ward.red() == set()
