"""Lines that contradict each other across chunks, and the table that remembers them: it is nobody's for longer than a check."""

import io

import pytest
from django.db import Error, connection, transaction

from beneficiaries.register_file import list_check
from beneficiaries.register_file.list_check import CheckedList
from beneficiaries.register_file.problems import UnreadableList
from beneficiaries.register_file.seen import Seen
from beneficiaries.register_file.tables import load_tables
from foundation.reference.loading import load_reference
from tests.beneficiaries.register_file.conftest import PERIOD, TODAY
from tests.beneficiaries.register_file.lists import CASH, CHILD, KEYS, line, other, table, text_file

CONTRADICTING = text_file(
    table(
        [
            line(),
            other(2),
            line(**CHILD),
            line(birth="02/05/1948", benefit_book="BT-002"),
            line(account_number="0071000999999"),
            line(**CASH, full_name="Trần Văn Bảy"),
            other(3),
            line(full_name="Lê Văn Ba", national_id="079048000009", sex="Nam", holder_name="LE VAN BA"),
            line(**CASH, national_id="079148009999"),
        ]
    )
)


def remembered() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relname LIKE 'register_seen%' AND relkind = 'r'"
        )
        return int(cursor.fetchone()[0])


def read(content, tables):
    with CheckedList(io.BytesIO(content), tables, period=PERIOD, today=TODAY) as checked:
        numbers = [row.number for chunk in checked.chunks() for row in chunk]
    return numbers, checked.total, checked.findings.kept


class TestAcrossChunks:
    @pytest.mark.parametrize("size", [1, 2, 3, 5])
    def test_contradictions_are_those_of_one_chunk(self, tables, monkeypatch, size):
        at_once = read(CONTRADICTING, tables)
        assert {problem.code for problem in at_once[2]} == {
            "DUPLICATE_LINE",
            "ID_OF_TWO_PEOPLE",
            "PERSON_DIFFERS",
            "PAYEE_TWO_CHANNELS",
            "PAYEE_TWO_ACCOUNTS",
            "ACCOUNT_SHARED",
            "SAME_NAME_AND_BIRTH",
        }
        monkeypatch.setattr(list_check, "CHUNK", size)
        assert read(CONTRADICTING, tables) == at_once

    @pytest.mark.parametrize("size", [1, 2, 5_000])
    def test_a_total_is_compared_with_all_that_stands_above_it(self, tables, monkeypatch, size):
        def total(amount):
            return [{"full_name": "Tổng cộng", "total": amount}.get(key) for key in KEYS]

        monkeypatch.setattr(list_check, "CHUNK", size)
        cells = table([line(), other(2), other(3, full_name="Lê Văn Tư")])
        _numbers, right, problems = read(text_file([*cells, total(1_950_000)]), tables)
        assert (right, problems) == (1_950_000, [])
        _numbers, _total, problems = read(text_file([*cells, total(1_950_000), total(1)]), tables)
        assert [(problem.row, problem.code) for problem in problems] == [(6, "LIST_TOTAL_DIFFERS")]
        _numbers, _total, problems = read(text_file([*cells, total(1_950_000), cells[1], total(1)]), tables)
        assert [problem.code for problem in problems] == ["ROW_AFTER_TOTAL", "DUPLICATE_LINE"]


class TestTheTable:
    def test_is_not_needed_by_a_list_of_one_chunk(self, tables, django_assert_num_queries):
        with django_assert_num_queries(0):
            read(CONTRADICTING, tables)

    def test_costs_two_statements_a_chunk(self, tables, monkeypatch, django_assert_num_queries):
        monkeypatch.setattr(list_check, "CHUNK", 3)
        with django_assert_num_queries(1 + 2 * 2):
            read(CONTRADICTING, tables)

    def test_is_gone_after_the_check(self, committed, monkeypatch):
        load_reference(demo=True)
        tables = load_tables("26743", day=TODAY)
        monkeypatch.setattr(list_check, "CHUNK", 1)
        with CheckedList(io.BytesIO(CONTRADICTING), tables, period=PERIOD, today=TODAY) as checked:
            assert sum(len(chunk) for chunk in checked.chunks())
            assert remembered() == 1
        assert remembered() == 0

    def test_is_gone_after_a_list_that_breaks_off(self, committed, monkeypatch):
        load_reference(demo=True)
        tables = load_tables("26743", day=TODAY)
        monkeypatch.setattr(list_check, "CHUNK", 1)
        with pytest.raises(UnreadableList):
            read(CONTRADICTING + b"\xff\xfe", tables)
        assert remembered() == 0

    def test_is_gone_with_the_transaction_around_it(self, committed, monkeypatch):
        load_reference(demo=True)
        tables = load_tables("26743", day=TODAY)
        monkeypatch.setattr(list_check, "CHUNK", 1)
        with transaction.atomic():
            read(CONTRADICTING, tables)
        assert remembered() == 0

    def test_does_not_hide_what_broke_the_transaction(self, committed):
        seen = Seen()

        def break_off():
            with transaction.atomic(), connection.cursor() as cursor:
                try:
                    seen.first_of([(1, 1, 1)])
                    seen.first_of([(2, 2, 2)])
                    cursor.execute("SELECT 1 / 0")
                finally:
                    seen.close()

        with pytest.raises(Error, match="division by zero"):
            break_off()
        assert remembered() == 0

    def test_holds_no_number_in_clear_and_nothing_that_another_list_could_be_matched_with(self):
        one, another = Seen(), Seen()
        assert one.hashed("079148001234") == one.hashed("079148001234")
        assert one.hashed("079148001234") != another.hashed("079148001234")
