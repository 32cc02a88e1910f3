"""Lines against each other, the list as a whole, and lists that are long."""

import datetime
import io
import tracemalloc

import pytest

from beneficiaries.register_file import list_check
from beneficiaries.register_file.list_check import CHUNK, CheckedList
from beneficiaries.register_file.problems import KEPT_PROBLEMS, Severity, UnreadableList
from tests.beneficiaries.register_file.conftest import PERIOD, TODAY
from tests.beneficiaries.register_file.lists import CASH, CHILD, KEYS, line, list_xlsx, other, table, text_file, xlsx
from welfare_portal.demo.list_file import write_csv, write_xlsx
from welfare_portal.demo.people import generate_people

SECOND_CHILD = CHILD | {"full_name": "Trần Minh An", "national_id": "079219000778", "birth": "03/02/2019"}


def codes(checked, severity=Severity.ERROR):
    return [(problem.row, problem.code) for problem in checked.findings.kept if problem.severity is severity]


class TestLinesAgainstEachOther:
    @pytest.mark.parametrize(
        ("second", "code"),
        [
            (line(), "DUPLICATE_LINE"),
            (line(national_id="079 148 001 234"), "DUPLICATE_LINE"),  # other spacing, the same person
            (line(full_name="Trần Văn Bảy"), "ID_OF_TWO_PEOPLE"),
            (line(birth="02/05/1948"), "PERSON_DIFFERS"),
            (line(address="Nơi khác"), "PERSON_DIFFERS"),
            (line(account_number="0071000999999"), "PAYEE_TWO_ACCOUNTS"),
            (line(**CASH), "PAYEE_TWO_CHANNELS"),
            (line(full_name="Lê Văn Ba", national_id="079048000009", sex="Nam"), "ACCOUNT_SHARED"),
        ],
    )
    def test_that_cannot_both_be_right_are_refused(self, check, second, code):
        checked, _ = check(list_xlsx(line(), second))
        assert (3, code) in codes(checked)
        told = next(problem for problem in checked.findings.kept if problem.code == code)
        assert told.found == "dòng 2"

    def test_of_one_person_on_two_schemes_are_right(self, check):
        carer = {"payee_name": "Trần Thị Lan", "payee_national_id": "077155000111", "relation": "Người chăm sóc"}
        disabled = line(**CASH, **carer, line="KT-A+", coefficient=2.5, amount=1_625_000, total=1_625_000)
        care = line(**CASH, **carer, line="CS-KT1")
        checked, rows = check(list_xlsx(disabled, care))
        assert not checked.findings.errors
        assert len(rows) == 2

    def test_of_siblings_with_one_guardian_and_account_are_right(self, check):
        checked, rows = check(list_xlsx(line(**CHILD), line(**SECOND_CHILD)))
        assert not checked.findings.errors
        assert {row.payee_national_id for row in rows} == {"077155000111"}

    def test_may_not_name_a_payee_differently(self, check):
        checked, _ = check(list_xlsx(line(**CHILD), line(**SECOND_CHILD | {"payee_name": "Lê Thị Lan"})))
        assert (3, "ID_OF_TWO_PEOPLE") in codes(checked)

    def test_tell_of_one_name_and_birth_under_two_numbers(self, check):
        checked, rows = check(list_xlsx(line(), line(**CASH, national_id="079148009999")))
        assert (3, "SAME_NAME_AND_BIRTH") in codes(checked, Severity.WARNING)
        assert len(rows) == 2


class TestTheWholeList:
    def test_without_a_line_is_refused(self, check):
        with pytest.raises(UnreadableList) as refused:
            check(list_xlsx())
        assert refused.value.code == "EMPTY"

    @pytest.mark.parametrize(
        ("above", "code"),
        [
            ("Tháng 10 năm 2026", "PERIOD_OTHER"),
            ("THÁNG 10/2026", "PERIOD_OTHER"),
            ("ỦY BAN NHÂN DÂN PHƯỜNG SÀI GÒN", "OFFICE_OTHER"),
            ("UBND XÃ THẠNH AN", "OFFICE_OTHER"),
        ],
    )
    def test_of_another_month_or_ward_is_refused(self, check, above, code):
        checked, _ = check(xlsx([[above], *table([line()])]))
        assert codes(checked) == [(0, code)]

    def test_of_this_month_and_ward_is_taken(self, check):
        checked, rows = check(xlsx([["UBND Phường Bến Thành", "tháng 11/2026"], *table([line()])]))
        assert not checked.findings.kept
        assert len(rows) == 1

    def test_leaves_out_headings_of_groups_totals_and_signatures(self, check):
        def row(**cells):
            return [cells.get(key) for key in KEYS]

        header, first = table([line()])
        cells = [
            header,
            row(full_name="I. NGƯỜI CAO TUỔI"),
            first,
            [],
            row(full_name="Tổng cộng", total=650_000),
            row(full_name="NGƯỜI LẬP BIỂU"),
        ]
        checked, rows = check(xlsx(cells))
        assert (checked.lines, len(rows)) == (1, 1)
        assert not checked.findings.kept

    def test_tells_of_a_total_that_is_not_the_sum(self, check):
        header, first = table([line()])
        checked, _ = check(xlsx([header, first, [None, "Tổng cộng", *[None] * (KEYS.index("total") - 2), 1]]))
        assert codes(checked, Severity.WARNING) == [(3, "LIST_TOTAL_DIFFERS")]

    def test_refuses_a_line_below_the_total(self, check):
        header, first = table([line()])
        checked, _ = check(xlsx([header, [None, "Tổng cộng"], first]))
        assert codes(checked) == [(3, "ROW_AFTER_TOTAL")]

    def test_refuses_a_line_that_hides_something(self, check):
        def formula(_book, sheet):
            sheet.write_formula(1, KEYS.index("amount"), "=500000+150000", None, 650_000)

        def hidden(_book, sheet):
            sheet.set_row(1, None, None, {"hidden": True})

        def merged(_book, sheet):
            sheet.merge_range(1, KEYS.index("address"), 2, KEYS.index("address"), "12 Lê Lợi")

        for arrange, code in ((formula, "FORMULA"), (hidden, "HIDDEN_ROW"), (merged, "MERGED_CELLS")):
            checked, _ = check(list_xlsx(line(), other(2), arrange=arrange))
            assert (2, code) in codes(checked)

    def test_takes_a_formula_in_the_row_of_totals(self, check):
        header, first = table([line()])

        def add(_book, sheet):
            sheet.write_string(2, 1, "Tổng cộng")
            sheet.write_formula(2, KEYS.index("total"), "=SUM(A2)", None, 650_000)

        checked, rows = check(xlsx([header, first], arrange=add))
        assert not checked.findings.kept
        assert len(rows) == 1

    def test_groups_what_is_mended_alike(self, check):
        checked, rows = check(
            list_xlsx(*(other(number, national_id=f"7904800{number:04d}") for number in range(30)), line())
        )
        (group,) = checked.findings.groups()
        assert (group.code, group.count, group.severity) == ("ID_ZERO_LOST", 30, Severity.ERROR)
        assert group.rows == tuple(range(2, 22))
        assert len(rows) == 1

    def test_stores_nothing_that_stood_in_a_cell(self, check):
        checked, _ = check(list_xlsx(line(national_id="79148001234", account_number="4111111111111111")))
        stored = str(checked.findings.stored())
        assert "79148001234" not in stored
        assert "4111" not in stored
        assert "ID_ZERO_LOST" in stored

    def test_of_nonsense_keeps_only_the_first_problems(self, check):
        nonsense = table([other(number, national_id="1", sex="?") for number in range(1500)])
        checked, rows = check(text_file(nonsense))
        assert rows == []
        assert checked.findings.errors == 3000
        assert len(checked.findings.kept) == KEPT_PROBLEMS


class TestInventedLists:
    def test_of_a_ward_have_nothing_against_them(self, check, tmp_path):
        write_xlsx(tmp_path / "list.xlsx", generate_people(1, 2_450, "26743"))
        write_csv(tmp_path / "list.csv", generate_people(1, 2_450, "26743"))
        checked, rows = check((tmp_path / "list.xlsx").read_bytes())
        assert not checked.findings.errors
        assert checked.findings.warnings < 25
        assert len(rows) == checked.lines == 2_450
        again, from_text = check((tmp_path / "list.csv").read_bytes())
        assert again.total == checked.total
        strip = {"number": 0}
        assert [row_as(row, strip) for row in from_text] == [row_as(row, strip) for row in rows]

    def test_come_in_chunks(self, tables):
        content = text_file(table([other(number) for number in range(CHUNK + 1)]))
        with CheckedList(io.BytesIO(content), tables, period=PERIOD, today=TODAY) as checked:
            assert [len(chunk) for chunk in checked.chunks()] == [CHUNK, 1]

    def test_take_no_more_memory_when_they_are_longer(self, tables, tmp_path, monkeypatch):
        monkeypatch.setattr(list_check, "CHUNK", 250)

        def peak(lines):
            path = tmp_path / f"{lines}.csv"
            write_csv(path, generate_people(1, lines, "26743"))
            tracemalloc.start()
            with path.open("rb") as file, CheckedList(file, tables, period=PERIOD, today=TODAY) as checked:
                assert sum(len(chunk) for chunk in checked.chunks()) == lines
            used = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return used

        peak(4_000)  # caches of words fill once
        assert peak(6_000) < peak(2_000) + 300_000


def row_as(row, changes):
    import dataclasses

    return dataclasses.replace(row, **changes)


class TestGeneratedPeople:
    def test_are_the_same_for_the_same_seed_and_others_for_another(self):
        assert list(generate_people(7, 200, "26743")) == list(generate_people(7, 200, "26743"))
        assert list(generate_people(7, 200, "26743")) != list(generate_people(8, 200, "26743"))

    def test_come_one_by_one(self):
        people = generate_people(1, 10**12, "26743")
        assert next(people).seq == 1

    def test_have_the_shares_of_the_city(self):
        people = list(generate_people(1, 10_000, "26743"))
        pensions = sum(person.line == "HTXH" for person in people) / 10_000
        accounts = sum(person.account is not None for person in people) / 10_000
        assert 0.53 < pensions < 0.60
        assert 0.42 < accounts < 0.48
        assert any(person.line.startswith("HIV") for person in people)
        assert any(person.birth.precision == "YEAR" for person in people)
        assert 0.01 < sum(person.arrears_months > 0 for person in people) / 10_000 < 0.06

    def test_share_no_number(self):
        owners: dict[str, set[str]] = {}
        holders: dict[object, set[str]] = {}
        for person in generate_people(3, 30_000, "26743"):
            owners.setdefault(person.national_id, set()).add(person.full_name)
            if person.payee:
                owners.setdefault(person.payee.national_id, set()).add(person.payee.full_name)
            if person.account:
                receiver = person.payee.national_id if person.payee else person.national_id
                holders.setdefault(person.account, set()).add(receiver)
        assert all(len(names) == 1 for names in owners.values())
        assert all(len(receivers) == 1 for receivers in holders.values())

    def test_bring_the_scenes_of_the_mocked_bank(self):
        endings = [person.account.number[-4:] for person in generate_people(1, 2_450, "26743") if person.account]
        distinct = {ending for ending in endings if ending >= "9900"}
        assert distinct == {"9901", "9902", "9903", "9910", "9920", "9921"}
        rejects = sum(ending in {"9901", "9902", "9903"} for ending in endings)
        assert 0.01 < rejects / len(endings) < 0.025

    def test_draw_only_what_their_age_allows(self):
        for person in generate_people(5, 3_000, "26743"):
            age = person.birth.age_on(datetime.date(2026, 11, 1))
            if person.line == "HTXH":
                assert age >= 70
            if age < 14:
                assert person.payee is not None
