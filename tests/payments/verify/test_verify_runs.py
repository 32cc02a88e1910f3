"""A run of `verify`: that it looks at everything, keeps what it found, ends in 1 when something is wrong, and costs no memory."""

import io
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from foundation.audit.models import Alarm, AuditEvent
from foundation.audit.operations import SYSTEM
from payments.models import Transfer, VerificationResult, VerificationRun
from payments.operations.verification import INVARIANTS, Check, Credit, GatewayBook, running
from payments.operations.verification.gateway_book import load
from payments.operations.verification.invariants import Look
from payments.operations.verification.running import COUNTED, look, verify_books
from tests.payments.helpers import refused
from tests.payments.verify.conftest import ABOUT_THE_BOOK, Ward, marked


def verify(*arguments: str) -> tuple[int, str]:
    """What the command said, and how it ended."""
    out = io.StringIO()
    try:
        call_command("verify", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


class TestEveryCheck:
    def test_has_something_to_look_at_where_everything_has_happened(self, ward: Ward) -> None:
        idle = []
        with connection.cursor() as cursor:
            load(cursor, ward.book)
            for invariant in INVARIANTS:
                idle += [str(check.name) for check in invariant.checks if not look(cursor, check, ward.book).checked]
        assert idle == []

    def test_belongs_to_one_of_the_thirty_invariants_or_to_the_guards(self) -> None:
        assert [invariant.code for invariant in INVARIANTS] == [*(f"I-{number}" for number in range(1, 31)), "G"]
        assert all(invariant.checks for invariant in INVARIANTS)

    def test_counts_what_it_cannot_compare_as_broken(self, ward: Ward) -> None:
        with connection.cursor() as cursor:
            seen = look(cursor, Check("", "VALUES (1, NULL::boolean), (2, false)"), None)
        assert (seen.checked, seen.broken, seen.example) == (2, 1, "1")

    def test_works_out_each_judgement_once(self, ward: Ward) -> None:
        """Some of them hash a whole chunk: written into two counts they would do it twice."""
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY SEQUENCE looks")
            rows = "SELECT n, nextval('looks') < 0 FROM generate_series(1, 7) AS n"
            assert look(cursor, Check("", rows), None) == Look(7, 0)
            cursor.execute("SELECT last_value FROM looks")
            assert cursor.fetchone() == (7,)
            cursor.execute("DROP SEQUENCE looks")

    @pytest.mark.parametrize(
        "check",
        [check for invariant in INVARIANTS for check in invariant.checks if isinstance(check.rows, str)],
        ids=lambda check: str(check.name),
    )
    def test_reads_no_large_table_once_for_each_row_of_another(self, ward: Ward, check: Check) -> None:
        """What is looked up row by row has an index for it: a check that has none takes hours at a million payments."""
        assert read_again_and_again(ward, check) == []

    def test_would_find_one(self, ward: Ward) -> None:
        """No index leads from a payment to the larger entries, and no hash either."""
        slow = """SELECT t.id, EXISTS (SELECT 1 FROM payments_statement_entry s WHERE s.amount > t.instructed_amount)
            FROM payments_transfer t"""
        assert read_again_and_again(ward, Check("", slow)) == ["payments_statement_entry"]


LARGE = {
    "payments_transfer",
    "payments_payout_line",
    "payments_ledger_entry",
    "payments_statement_entry",
    "payments_result_line",
    "payments_transfer_result",
    "payments_payout_file_line",
    "beneficiaries_payout_account",
    "audit_event",
    "gateway_credit",
}


def read_again_and_again(ward: Ward, check: Check) -> list[str]:
    """Large tables that the best plan of a check reads from end to end below a step that is done for each row."""
    with ward.criminal.cursor() as statistician:
        # The ward is small, where any way is as good as another: let PostgreSQL believe that each of its pages holds a million.
        statistician.execute(
            "SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', relname::text, 'relpages', 1, "
            "'reltuples', 1000000::real) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY (%s)",
            [list(LARGE)],
        )
    with connection.cursor() as cursor:
        load(cursor, ward.book)
        cursor.execute("SET enable_seqscan = off; SET enable_nestloop = off")
        try:
            cursor.execute(
                f"EXPLAIN (VERBOSE, FORMAT JSON) {COUNTED.format(rows=check.rows)}", running.times_of(ward.book)
            )
            (plan,) = cursor.fetchone()
        finally:
            cursor.execute("RESET enable_seqscan; RESET enable_nestloop")
    return list(_below(plan[0]["Plan"], again=False, hashed=set(re.findall(r"hashed (SubPlan \d+)", str(plan)))))


def _below(node: dict[str, Any], *, again: bool, hashed: set[str]) -> Iterator[str]:
    looked_up = not {"Index Cond", "Recheck Cond"}.isdisjoint(node)
    if again and node.get("Relation Name") in LARGE and not looked_up:
        yield node["Relation Name"]
    for below in node.get("Plans", []):
        each_row = (below["Parent Relationship"] == "SubPlan" and below["Subplan Name"] not in hashed) or (
            node["Node Type"] == "Nested Loop" and below["Parent Relationship"] == "Inner"
        )
        yield from _below(below, again=again or each_row, hashed=hashed)


class TestARun:
    def test_is_kept_line_by_line_with_an_event(self, ward: Ward) -> None:
        run, lines = verify_books(book=ward.book, by=SYSTEM)
        everything = Transfer.objects.count()
        assert (run.broken, run.source, run.transfers) == (0, "LOG", everything)
        kept = dict(VerificationResult.objects.filter(run=run).values_list("code", "outcome"))
        assert kept == dict.fromkeys((line.invariant.code for line in lines), "HOLDS")
        event = AuditEvent.objects.filter(kind="verification.run").latest("id")
        assert (event.subject_id, event.payload) == (
            str(run.pk),
            {"source": "LOG", "until": "", "broken": [], "transfers": everything},
        )

    def test_that_finds_something_is_kept_with_what_it_found(self, ward: Ward) -> None:
        book = GatewayBook(source="LOG", taken_at=ward.book.taken_at, lines=[])
        run, _ = verify_books(book=book, by=SYSTEM)
        (result,) = VerificationResult.objects.filter(run=run, outcome="BROKEN")
        assert (result.code, run.broken, result.broken) == ("I-30", 1, 10)
        assert "Đã chi ở đây thì đã ghi có ở đó" in result.finding
        alarm = Alarm.objects.get(code="verify.broken", details__run=run.pk)
        assert (alarm.subject_id, alarm.severity, alarm.details["run"]) == ("I-30", "CRITICAL", run.pk)

    def test_is_never_changed_nor_removed(self, ward: Ward) -> None:
        verify_books(book=None, by=SYSTEM)
        for table in ("payments_verification_run", "payments_verification_result"):
            for act in (f"UPDATE {table} SET broken = 0", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
                refused(act, by="permission denied")

    def test_leaves_the_session_as_it_was(self, ward: Ward) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '7s'")
            verify_books(book=ward.book, by=SYSTEM)
            cursor.execute("SELECT current_setting('statement_timeout'), to_regclass('pg_temp.gateway_credit')")
            assert cursor.fetchone() == ("7s", None)
            cursor.execute("RESET statement_timeout")

    def test_reads_the_book_in_portions_and_holds_none_of_it(self, ward: Ward) -> None:
        """A book of a quarter of a million lines is not in memory: the iterator is asked for as many as fit in a portion."""
        alive = most = 0

        class Line(Credit):
            def __init__(self, number: int) -> None:
                nonlocal alive, most
                super().__init__(end_to_end_id=f"{number:032x}", amount=1, times_credited=0)
                alive += 1
                most = max(most, alive)

            def __del__(self) -> None:
                nonlocal alive
                alive -= 1

        def lines() -> Iterator[Credit]:
            for number in range(100_000):
                yield Line(number)

        with connection.cursor() as cursor:
            assert load(cursor, GatewayBook(source="LOG", taken_at=ward.book.taken_at, lines=lines())) == 100_000
        assert most < 100


class TestTheCommand:
    def test_ends_in_0_when_every_line_holds(self, ward: Ward, tmp_path: Any) -> None:
        path = tmp_path / "log.ndjson"
        path.write_bytes(log_of(ward))
        code, said = verify("--log", str(path))
        assert code == 0
        assert said.count("✓") == 31
        assert "mọi dòng đúng" in said

    def test_ends_in_1_and_names_what_is_wrong(self, ward: Ward, tmp_path: Any) -> None:
        path = tmp_path / "log.ndjson"
        path.write_bytes(log_of(ward).replace(b'"times_credited":1', b'"times_credited":2', 1))
        code, said = verify("--log", str(path))
        assert code == 1
        assert marked(said, "✗") == {"I-1", "I-30"}
        assert "2 dòng sai" in said

    def test_says_what_it_did_not_compare(self, ward: Ward) -> None:
        code, said = verify()
        assert code == 0
        assert marked(said, "–") == ABOUT_THE_BOOK

    def test_refuses_a_log_that_it_cannot_read_and_keeps_nothing(self, ward: Ward, tmp_path: Any) -> None:
        path = tmp_path / "log.ndjson"
        path.write_bytes(log_of(ward) + b"<html>")
        before = VerificationRun.objects.count()
        with pytest.raises(CommandError, match="line 14"):
            verify("--log", str(path))
        assert VerificationRun.objects.count() == before

    def test_asks_the_mocked_gateway_only_in_the_demonstration(self, ward: Ward) -> None:
        with pytest.raises(CommandError, match="DEMO is off"):
            verify("--control")


def log_of(ward: Ward) -> bytes:
    return b"".join(
        orjson.dumps(
            {
                "end_to_end_id": line.end_to_end_id,
                "amount": line.amount,
                "times_credited": line.times_credited,
                "returned": line.returned,
                "message_id": line.message_id,
                "bank_bin": line.bank_bin,
                "account": line.account_number,
            }
        )
        + b"\n"
        for line in ward.book.lines
    )
