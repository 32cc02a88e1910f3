"""Every rule of one line: what is refused, what is only told, and what is taken for what it means."""

import datetime
from decimal import Decimal

import pytest

from beneficiaries.register_file.problems import Severity
from beneficiaries.register_file.rows import Channel
from tests.beneficiaries.register_file.lists import CASH, CHILD, line, list_xlsx

ERROR, WARNING = Severity.ERROR, Severity.WARNING


class TestARightLine:
    def test_is_taken_as_it_stands(self, check):
        checked, (row,) = check(list_xlsx(line()))
        assert not checked.findings.kept
        assert (row.full_name, row.national_id, row.sex) == ("Nguyễn Thị Hoà", "079148001234", "F")
        assert str(row.birth) == "01/05/1948"
        assert (row.line, row.coefficient, row.amount, row.total) == ("HTXH", Decimal(1), 650_000, 650_000)
        assert row.valid_from == datetime.date(2025, 8, 1)
        assert (row.channel, row.bank_bin, row.account_number) == (Channel.ACCOUNT, "970436", "0071000123456")
        assert row.phone == "+84903123456"
        assert row.payee is None
        assert row.neighbourhood_id is not None

    def test_of_a_child_names_its_payee(self, check):
        checked, (row,) = check(list_xlsx(line(**CHILD)))
        assert not checked.findings.kept
        assert (row.payee.full_name, row.payee.national_id, row.payee.relation) == (
            "Trần Thị Lan",
            "077155000111",
            "GUARDIAN",
        )
        assert row.payee_national_id == "077155000111"

    def test_is_the_same_from_text_and_from_a_workbook(self, check):
        from tests.beneficiaries.register_file.lists import table, text_file

        rows = [line(), line(**CHILD)]
        assert check(text_file(table(rows)))[1] == check(list_xlsx(*rows))[1]

    @pytest.mark.parametrize(
        ("cells", "field", "value"),
        [
            ({"birth": 1948.0}, "birth", "1948"),
            ({"birth": "05/1948"}, "birth", "05/1948"),
            ({"national_id": "079 148 001 234"}, "national_id", "079148001234"),
            ({"neighbourhood": "KP 3"}, "neighbourhood_id", None),
            ({"neighbourhood": "3"}, "neighbourhood_id", None),
            ({"bank": "970436"}, "bank_bin", "970436"),
            ({"bank": "Ngân hàng TMCP Ngoại thương Việt Nam"}, "bank_bin", "970436"),
            ({"bank": "NH VIETCOMBANK"}, "bank_bin", "970436"),
            ({"bank": "LienVietPostBank"}, "bank_bin", "970449"),
            ({"bank": "422589"}, "bank_bin", "970459"),  # one bank, two BINs: always the one that it was issued
            ({"coefficient": "1,0"}, "coefficient", "1.0"),
            ({"coefficient": None}, "coefficient", "1.00"),
            ({"amount": "650.000 đ", "total": None}, "amount", "650000"),
            ({"valid_from": "08/2025"}, "valid_from", "2025-08-01"),
            ({"line": " htxh "}, "line", "HTXH"),
            ({"channel": None}, "channel", "ACCOUNT"),
            (CASH | {"channel": None}, "channel", "CASH"),
            (CASH | {"channel": "Tại nhà"}, "channel", "HOME"),
        ],
    )
    def test_may_be_written_in_many_ways(self, check, cells, field, value):
        usual = check(list_xlsx(line()))[1][0]
        checked, (row,) = check(list_xlsx(line(**cells)))
        assert not checked.findings.errors
        assert str(getattr(row, field)) == (value if value is not None else str(getattr(usual, field)))

    def test_counts_the_children_of_a_single_parent(self, check):
        cells = {"birth": "01/05/1990", "national_id": "079190001234", "line": "DT", "coefficient": 3}
        checked, (row,) = check(list_xlsx(line(**cells, amount=1_950_000, total=1_950_000)))
        assert not checked.findings.errors
        assert row.coefficient == 3

    def test_adds_unpaid_months_at_the_rates_of_their_time(self, check):
        cells = {"arrears_months": 2, "arrears_amount": 1_300_000, "total": 1_950_000}
        checked, (row,) = check(list_xlsx(line(**CASH, **cells)))
        assert not checked.findings.errors
        assert (row.arrears_months, row.arrears_amount, row.total) == (2, 1_300_000, 1_950_000)


@pytest.mark.parametrize(
    ("cells", "code", "column"),
    [
        ({"national_id": "79148001234"}, "ID_ZERO_LOST", "national_id"),
        ({"national_id": 79148001234}, "ID_IS_NUMBER", "national_id"),
        ({"national_id": None}, "ID_MISSING", "national_id"),
        ({"full_name": None}, "NAME_MISSING", "full_name"),
        ({"full_name": "=HYPERLINK(1)"}, "NAME_NOT_LETTERS", "full_name"),
        ({"full_name": "Nguyễn\u200b Thị Hoà"}, "INVISIBLE_CHARACTER", "full_name"),
        ({"birth": "không rõ"}, "BIRTH_UNREADABLE", "birth"),
        ({"birth": "24/11/2026"}, "BIRTH_IN_FUTURE", "birth"),
        ({"sex": "X"}, "SEX_UNKNOWN", "sex"),
        ({"line": None}, "LINE_MISSING", "line"),
        ({"line": "ABC"}, "LINE_UNKNOWN", "line"),
        ({"line": "NCT-C"}, "LINE_CLOSED", "line"),
        ({"line": "MT-XH", "coefficient": 20}, "LINE_NOT_MONTHLY", "line"),
        ({"coefficient": 1.5}, "COEFFICIENT_DIFFERS", "coefficient"),
        ({"coefficient": "1e1"}, "COEFFICIENT_UNREADABLE", "coefficient"),
        ({"coefficient": -1}, "COEFFICIENT_UNREADABLE", "coefficient"),
        ({"line": "DT", "coefficient": 1.5}, "CHILDREN_NOT_WHOLE", "coefficient"),
        ({"amount": 500_000, "total": 500_000}, "AMOUNT_DIFFERS", "amount"),
        ({"amount": "1e5"}, "AMOUNT_UNREADABLE", "amount"),
        ({"amount": "٦٥٠٠٠٠"}, "AMOUNT_UNREADABLE", "amount"),
        ({"amount": 650_000.5}, "AMOUNT_NOT_WHOLE", "amount"),
        ({"total": 650_001}, "TOTAL_DIFFERS", "total"),
        ({"arrears_months": 1}, "ARREARS_DIFFER", "arrears_amount"),
        ({"arrears_amount": 650_000, "total": 1_300_000}, "ARREARS_DIFFER", "arrears_amount"),
        ({"arrears_months": 13}, "MONTHS_UNREADABLE", "arrears_months"),
        (
            {"arrears_months": 2, "arrears_amount": 1_300_000, "total": 1_950_000, "valid_from": "01/10/2026"},
            "ARREARS_BEFORE_START",
            "arrears_months",
        ),
        ({"decision_number": None}, "DECISION_MISSING", "decision_number"),
        ({"decision_date": "24/11/2026"}, "DECISION_IN_FUTURE", "decision_date"),
        ({"valid_from": "01/12/2026"}, "NOT_YET_DUE", "valid_from"),
        ({"valid_from": None}, "DATE_UNREADABLE", "valid_from"),
        ({"neighbourhood": "Khu phố 99"}, "NEIGHBOURHOOD_UNKNOWN", "neighbourhood"),
        ({"bank": "Ngân hàng Không Có"}, "BANK_UNKNOWN", "bank"),
        ({"bank": None}, "BANK_UNKNOWN", "bank"),
        ({"bank": "Mcredit"}, "BANK_NOT_PAYABLE", "bank"),
        ({"account_number": "4111111111111111"}, "ACCOUNT_IS_CARD", "account_number"),
        ({"account_number": 71000123456}, "ACCOUNT_IS_NUMBER", "account_number"),
        ({"account_number": None}, "ACCOUNT_MISSING", "account_number"),
        ({"channel": "Bồ câu"}, "CHANNEL_UNKNOWN", "channel"),
        (CHILD | {"payee_name": None, "payee_national_id": None, "relation": None}, "CHILD_WITHOUT_PAYEE", "payee_name"),
        (
            {"line": "CS-KT1", "birth": "01/05/1990", "national_id": "079190001234"},
            "PAYEE_MISSING",
            "payee_name",
        ),
        (CHILD | {"relation": None}, "RELATION_MISSING", "relation"),
        (CHILD | {"relation": "Hàng xóm"}, "RELATION_UNKNOWN", "relation"),
        (CHILD | {"payee_national_id": "77155000111"}, "ID_ZERO_LOST", "payee_national_id"),
        (CHILD | {"relation": "Con ruột"}, "AUTHORITY_MISSING", "authority"),
        (CHILD | {"relation": "Uỷ quyền", "authority": "12/UQ", "authority_to": "31/10/2026"}, "AUTHORITY_OVER", "authority_to"),
    ],
)  # fmt: skip
def test_refuses(check, cells, code, column):
    """The line is refused for this reason, told with its row and column, and with what to do."""
    checked, rows = check(list_xlsx(line(**cells)))
    assert rows == []
    found = [problem for problem in checked.findings.kept if problem.severity is ERROR]
    assert (code, column) in [(problem.code, problem.column) for problem in found]
    for problem in found:
        assert problem.row == 2
        assert str(problem.message)
        assert str(problem.repair)


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"sex": "Nam"}, "ID_SEX_DIFFERS"),
        ({"birth": "01/05/1949"}, "ID_BIRTH_DIFFERS"),
        ({"national_id": "999148001234"}, "ID_PREFIX_UNKNOWN"),
        ({"holder_name": "TRAN VAN AI"}, "HOLDER_DIFFERS"),
        ({"phone": "0163123456"}, "PHONE_INVALID"),
        ({"channel": "Tiền mặt"}, "CASH_WITH_ACCOUNT"),
        ({"birth": "01/05/1980", "national_id": "079180001234"}, "AGE_OUT_OF_BAND"),
        ({"valid_from": "01/06/2025"}, "BEFORE_THE_LAW"),
    ],
)
def test_tells_and_takes(check, cells, code):
    """What may be right all the same is a warning: the line is taken."""
    checked, rows = check(list_xlsx(line(**cells)))
    assert len(rows) == 1
    assert [(problem.code, problem.severity) for problem in checked.findings.kept] == [(code, WARNING)]


def test_says_which_amount_is_right(check):
    checked, _ = check(list_xlsx(line(amount=500_000, total=500_000)))
    (problem,) = checked.findings.kept
    assert (problem.found, problem.expected) == ("500000", "650.000 đ")


def test_tells_everything_that_is_wrong_at_once(check):
    checked, _ = check(list_xlsx(line(national_id="123", birth="x", amount="y", bank="z")))
    codes = {problem.code for problem in checked.findings.kept}
    assert {"ID_LENGTH", "BIRTH_UNREADABLE", "AMOUNT_UNREADABLE", "BANK_UNKNOWN"} <= codes


class TestAgeBand:
    @pytest.mark.parametrize(
        ("birth", "national_id", "told"),
        [
            ("15/11/2022", "079222000001", False),  # turns four this month: the decision may follow next month
            ("31/10/2022", "079222000002", True),  # was four before the month began
            ("2022", "079222000003", False),  # may be either
            ("2021", "079221000004", True),
        ],
    )
    def test_is_told_only_when_it_is_sure(self, check, birth, national_id, told):
        cells = CHILD | {
            "line": "TE-A1",
            "coefficient": 2.5,
            "amount": 1_625_000,
            "total": 1_625_000,
            "valid_from": "01/10/2026",
        }
        checked, _ = check(list_xlsx(line(**cells | {"birth": birth, "national_id": national_id})))
        assert ("AGE_OUT_OF_BAND" in {problem.code for problem in checked.findings.kept}) is told


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Bến Thành", None),
        ("Phường Bến Thành", None),
        ("26743", None),
        ("Phạm Ngũ Lão", None),  # a former unit that went into this one as a whole
        ("Phường 99", "UNIT_UNKNOWN"),
        ("Sài Gòn", "UNIT_OTHER"),
        ("Ben Thanh", "UNIT_UNKNOWN"),  # without marks a name may mean two communes
    ],
)
def test_takes_only_lines_of_its_own_unit(check, text, code):
    from beneficiaries.register_file.columns import BY_KEY
    from tests.beneficiaries.register_file.lists import table, xlsx

    header, cells = table([line()])
    checked, _ = check(xlsx([[*header, BY_KEY["unit"].heading], [*cells, text]]))
    assert [problem.code for problem in checked.findings.kept] == ([code] if code else [])
