import datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from foundation.reference import files
from foundation.reference.calendar import WorkingCalendar, working_calendar
from foundation.reference.loading import load_reference
from foundation.reference.models import Bank, Holiday, IdentityPrefix, Neighbourhood, Unit, UnitAlias, UnitKind
from foundation.reference.names import place_key
from foundation.reference.rates import RateTable, months_before

NOVEMBER = datetime.date(2026, 11, 1)


@pytest.mark.django_db
class TestTables:
    def test_hold_the_168_units_of_the_city(self):
        kinds = {kind: Unit.objects.filter(kind=kind, province_code="79").count() for kind in UnitKind.values}
        assert kinds == {"WARD": 113, "COMMUNE": 54, "SPECIAL_ZONE": 1}
        assert Unit.objects.get(code="26732").full_name == "Đặc khu Côn Đảo"

    def test_hold_no_two_units_of_one_name(self):
        names = list(Unit.objects.values_list("name", flat=True))
        assert len({place_key(name) for name in names}) == len(names)

    def test_hold_banks_and_prefixes(self):
        assert Bank.objects.count() == 69
        assert IdentityPrefix.objects.count() == 63
        assert not Bank.objects.filter(kind="FINANCE", payable=True).exists()
        assert Bank.objects.get(bin="970436").in_vneid_list(NOVEMBER)
        assert not Bank.objects.get(bin="970436").in_vneid_list(datetime.date(2025, 8, 27))

    def test_load_again_without_a_change(self):
        def everything():
            return [
                list(model.objects.order_by("pk").values_list())
                for model in (Unit, Bank, IdentityPrefix, Holiday, UnitAlias, Neighbourhood)
            ]

        first = load_reference(demo=True)
        before = everything()
        assert load_reference(demo=True) == first
        assert everything() == before

    def test_load_in_the_same_number_of_queries_for_any_number_of_rows(self, django_assert_max_num_queries):
        with django_assert_max_num_queries(10):
            load_reference(demo=True)

    def test_mend_a_row_that_was_changed_by_hand(self):
        Unit.objects.filter(code="26743").update(name="Sai")
        load_reference()
        assert Unit.objects.get(code="26743").name == "Bến Thành"

    def test_keep_a_unit_that_left_the_file(self):
        Unit.objects.create(code="99999", name="Cũ", kind="WARD", province_code="79", sort_key="x")
        load_reference()
        assert Unit.objects.filter(code="99999").exists()

    @pytest.mark.parametrize(
        "sql",
        [
            f"INSERT INTO reference_unit (code, name, kind, province_code, sort_key) VALUES ({values}, '')"
            for values in ("'1234', 'x', 'WARD', '79'", "'١٢٣٤٥', 'x', 'WARD', '79'", "'12345', 'x', 'DISTRICT', '79'")
        ]
        + [
            "UPDATE reference_bank SET payable = true WHERE kind = 'FINANCE'",
            "UPDATE reference_bank SET bin = '97043' WHERE bin = '970436'",
            "UPDATE reference_bank SET valid_from = '2026-01-02', valid_to = '2026-01-01' WHERE bin = '970436'",
        ],
    )
    def test_refuse_what_must_never_be(self, sql):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)

    def test_are_read_for_a_day(self):
        Unit.objects.filter(code="26743").update(valid_to=datetime.date(2026, 6, 30))
        assert Unit.objects.valid_on(datetime.date(2026, 6, 30)).filter(code="26743").exists()
        assert not Unit.objects.valid_on(datetime.date(2026, 7, 1)).filter(code="26743").exists()
        assert not Unit.objects.valid_on(datetime.date(2025, 6, 30)).filter(code="26740").exists()

    def test_show_khu_pho_in_their_order_on_every_server(self):
        load_reference(demo=True)
        names = list(Neighbourhood.objects.filter(unit="26743").values_list("name", flat=True))
        assert names == [f"Khu phố {number}" for number in range(1, 33)]


class TestFiles:
    def test_give_every_monthly_line_a_rate(self):
        rates = RateTable(files.rates())
        for line in files.programme_lines():
            if line.period == "MONTH" and line.valid_to is None:
                assert rates.amount(line.standard, line.coefficient, NOVEMBER), line.code

    @pytest.mark.parametrize(
        ("code", "amount"),
        # domain facts: amounts at the city's 650,000 and the merit tables of NĐ 77/2024
        [
            ("TE-A1", 1_625_000),
            ("KT-A", 1_300_000),
            ("HTXH", 650_000),
            ("CS-KT1", 650_000),
            ("NCT-D", 1_950_000),
            ("MT-XH", 13_000_000),
            ("MT-KC", 32_500_000),
            ("NCC-TB-21", 1_878_000),
            ("NCC-TB-100", 8_941_000),
            ("NCC-TBB-55", 4_102_000),
            ("NCC-BMVNAH", 8_367_000),
        ],
    )
    def test_come_to_the_amounts_of_the_law(self, code, amount):
        line = {row.code: row for row in files.programme_lines()}[code]
        assert RateTable(files.rates()).amount(line.standard, line.coefficient, NOVEMBER) == amount

    def test_tell_nothing_of_health_or_violence_in_public_names(self):
        for line in files.programme_lines():
            told = line.public_name.lower()
            assert not any(word in told for word in ("hiv", "khuyết tật", "bạo lực", "chất độc", "bệnh")), line.code

    def test_mark_every_line_that_tells_of_health_or_violence(self):
        for line in files.programme_lines():
            if any(
                word in line.name for word in ("HIV", "khuyết tật", "NKT", "chất độc", "Bệnh binh", "bảo vệ khẩn cấp")
            ):
                assert line.sensitive, line.code

    def test_name_programmes_that_exist(self):
        assert {line.programme for line in files.programme_lines()} == {row.code for row in files.programmes()}

    def test_have_what_papers_need(self):
        texts = files.city_texts()
        assert texts["contact"]["help_line"] == "1022"
        assert (
            texts["paper"]["office"].format(unit_kind="PHƯỜNG", unit="BẾN THÀNH") == "ỦY BAN NHÂN DÂN PHƯỜNG BẾN THÀNH"
        )

    def test_refuse_a_row_with_a_cell_too_many(self, tmp_path):
        (tmp_path / "x.csv").write_text("a,b\n1,2,3\n", encoding="utf-8")
        with pytest.raises(ValueError, match=r"x\.csv, line 2"):
            list(files.rows(tmp_path / "x.csv"))


class TestRateTable:
    @pytest.mark.parametrize(
        ("month", "amount"),
        [
            (datetime.date(2021, 6, 1), None),
            (datetime.date(2021, 7, 1), 360_000),
            (datetime.date(2024, 7, 1), 500_000),
            (datetime.date(2025, 8, 31), 500_000),
            (datetime.date(2025, 9, 1), 650_000),  # the city's, above the nation's 500,000
            (datetime.date(2026, 7, 15), 650_000),  # still above the nation's 540,000
        ],
    )
    def test_pays_the_larger_of_city_and_nation(self, month, amount):
        assert RateTable(files.rates()).standard_amount("MUC_CHUAN_TGXH", month) == amount

    def test_rounds_halves_up_to_whole_dong(self):
        rate = files.RateRow("CITY", "X", 3, datetime.date(2026, 1, 1), None, "", "V")
        assert RateTable([rate]).amount("X", Decimal("1.5"), NOVEMBER) == 5

    def test_counts_months_back_over_a_new_year(self):
        assert months_before(datetime.date(2026, 2, 1), 3) == [
            datetime.date(2026, 1, 1),
            datetime.date(2025, 12, 1),
            datetime.date(2025, 11, 1),
        ]


@pytest.mark.django_db
class TestWorkingCalendar:
    @pytest.mark.parametrize(
        ("start", "count", "end"),
        [
            ((2026, 11, 23), 1, (2026, 11, 25)),  # 24/11 is a holiday since NQ 28/2026/QH16
            ((2026, 2, 13), 1, (2026, 2, 23)),  # Friday before the Tết of 2026
            ((2026, 8, 21), 1, (2026, 8, 22)),  # a Saturday that is worked for Monday 31/8
            ((2026, 8, 28), 1, (2026, 9, 3)),
            ((2026, 11, 14), 0, (2026, 11, 16)),  # a Saturday moves to Monday
            ((2026, 10, 1), 10, (2026, 10, 15)),
        ],
    )
    def test_counts_as_offices_work(self, start, count, end):
        assert working_calendar().add_working_days(datetime.date(*start), count) == datetime.date(*end)

    def test_refuses_to_count_backwards(self):
        with pytest.raises(ValueError, match="ahead"):
            WorkingCalendar({}).add_working_days(NOVEMBER, -1)
