import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.reference.amounts import AMOUNT_MAX, format_amount, parse_amount
from foundation.reference.births import BirthDate, parse_birth, parse_date, parse_period
from foundation.reference.values import InvalidValue
from tests.reference.timing import slowest

days = st.dates(datetime.date(1900, 1, 1), datetime.date(2199, 12, 31))


class TestParseAmount:
    @given(st.integers(0, AMOUNT_MAX))
    def test_reads_back_what_is_shown(self, amount):
        assert parse_amount(format_amount(amount)) == amount
        assert parse_amount(f"{amount:,}") == amount
        assert parse_amount(str(amount)) == amount
        assert parse_amount(float(amount)) == amount

    @pytest.mark.parametrize(
        ("value", "amount"),
        [
            ("1.625.000", 1_625_000),
            ("1 625 000 đồng", 1_625_000),
            ("650000", 650_000),
            ("650.000 VND", 650_000),
            (0, 0),
        ],
    )
    def test_reads_what_people_write(self, value, amount):
        assert parse_amount(value) == amount

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("1e5", "AMOUNT_UNREADABLE"),
            ("٣٠٠", "AMOUNT_UNREADABLE"),
            ("１２", "AMOUNT_UNREADABLE"),
            ("-0", "AMOUNT_UNREADABLE"),
            ("-650000", "AMOUNT_UNREADABLE"),
            ("650.00", "AMOUNT_UNREADABLE"),
            ("650,5", "AMOUNT_UNREADABLE"),
            ("1.625,000", "AMOUNT_UNREADABLE"),
            ("", "AMOUNT_UNREADABLE"),
            ("9223372036854775808", "AMOUNT_UNREADABLE"),
            (float("nan"), "AMOUNT_UNREADABLE"),
            (float("inf"), "AMOUNT_UNREADABLE"),
            (1e18, "AMOUNT_UNREADABLE"),
            (-1.0, "AMOUNT_UNREADABLE"),
            (True, "AMOUNT_UNREADABLE"),
            (650000.5, "AMOUNT_NOT_WHOLE"),
        ],
    )
    def test_refuses(self, value, code):
        with pytest.raises(InvalidValue) as refused:
            parse_amount(value)
        assert refused.value.code == code

    def test_is_fast_on_anything(self):
        assert slowest(parse_amount) < 0.5


class TestDates:
    @given(days)
    def test_reads_back_every_day(self, day):
        assert parse_date(f"{day:%d/%m/%Y}") == day
        assert parse_date(f"{day.day}-{day.month}-{day.year}") == day
        assert parse_date(day.isoformat()) == day
        assert parse_date(datetime.datetime.combine(day, datetime.time())) == day

    @given(days, st.sampled_from(["DAY", "MONTH", "YEAR"]))
    def test_reads_back_a_birth_with_what_is_known_of_it(self, day, precision):
        known = {"DAY": day, "MONTH": day.replace(day=1), "YEAR": day.replace(month=1, day=1)}[precision]
        birth = BirthDate(known, precision)
        assert parse_birth(str(birth)) == birth

    def test_reads_a_year_that_a_spreadsheet_holds_as_a_number(self):
        assert parse_birth(1942.0) == BirthDate(datetime.date(1942, 1, 1), "YEAR")

    @pytest.mark.parametrize("text", ["11/2026", "tháng 11/2026", "Tháng 11/2026", "2026-11", "23/11/2026"])
    def test_reads_a_month(self, text):
        assert parse_period(text) == datetime.date(2026, 11, 1)

    @pytest.mark.parametrize(
        ("parse", "value", "code"),
        [
            (parse_date, "30/02/2026", "DATE_IMPOSSIBLE"),
            (parse_date, "01/13/2026", "DATE_IMPOSSIBLE"),
            (parse_date, "01/01/1026", "DATE_IMPOSSIBLE"),
            (parse_date, "1/1/26", "DATE_UNREADABLE"),
            (parse_date, "٠١/٠١/٢٠٢٦", "DATE_UNREADABLE"),
            (parse_date, 45000.0, "DATE_UNREADABLE"),
            (parse_birth, "khoảng 1942", "BIRTH_UNREADABLE"),
            (parse_birth, "", "BIRTH_UNREADABLE"),
            (parse_birth, True, "BIRTH_UNREADABLE"),
            (parse_period, "quý 4", "PERIOD_UNREADABLE"),
        ],
    )
    def test_refuses(self, parse, value, code):
        with pytest.raises(InvalidValue) as refused:
            parse(value)
        assert refused.value.code == code

    def test_makes_nobody_older_than_is_known(self):
        birth = BirthDate(datetime.date(1951, 1, 1), "YEAR")
        assert birth.age_on(datetime.date(2026, 12, 30)) == 74
        assert birth.age_on(datetime.date(2026, 12, 31)) == 75

    @given(days, days)
    def test_counts_full_years(self, born, day):
        age = BirthDate(born, "DAY").age_on(day)
        birthdays = day.year - born.year
        assert age == birthdays or age == birthdays - 1
        assert (age == birthdays) == ((day.month, day.day) >= (born.month, born.day))

    @pytest.mark.parametrize("parse", [parse_date, parse_birth, parse_period])
    def test_is_fast_on_anything(self, parse):
        assert slowest(parse) < 0.5
