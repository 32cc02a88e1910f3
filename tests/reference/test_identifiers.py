import datetime
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.reference.births import BirthDate
from foundation.reference.identifiers import (
    first_digits_year,
    is_card_number,
    luhn_fits,
    national_id_doubts,
    national_id_parts,
    parse_account_number,
    parse_national_id,
    parse_phone,
)
from foundation.reference.values import InvalidValue
from tests.reference.timing import slowest

ROOT = Path(__file__).resolve().parents[2]
digits = st.text(alphabet="0123456789", min_size=1, max_size=19)


def refusal(function, value):
    with pytest.raises(InvalidValue) as refused:
        function(value)
    assert str(refused.value.message)
    assert str(refused.value.repair)
    return refused.value.code


class TestNationalId:
    @given(st.text(alphabet="0123456789", min_size=12, max_size=12))
    def test_takes_twelve_digits_and_keeps_every_zero(self, number):
        assert parse_national_id(number) == number
        assert parse_national_id(f" {number[:3]} {number[3:6]}.{number[6:]}\u00a0") == number

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("", "ID_MISSING"),
            (None, "ID_MISSING"),
            (79148001234.0, "ID_IS_NUMBER"),
            (179148001234, "ID_IS_NUMBER"),  # twelve digits, but the column lost the zeros of others
            ("79148001234", "ID_ZERO_LOST"),
            ("022334455", "ID_OLD_CMND"),
            ("0791480012345", "ID_LENGTH"),
            ("07914800123A", "ID_NOT_DIGITS"),
            ("٠٧٩١٤٨٠٠١٢٣٤", "ID_NOT_DIGITS"),
            ("０７９１４８００１２３４", "ID_NOT_DIGITS"),
            ("-79148001234", "ID_ZERO_LOST"),
            ("079148001234; DROP TABLE", "ID_NOT_DIGITS"),
        ],
    )
    def test_refuses_and_never_guesses(self, value, code):
        assert refusal(parse_national_id, value) == code

    @given(st.dates(datetime.date(1900, 1, 1), datetime.date(2199, 12, 31)), st.sampled_from(["M", "F"]))
    def test_reads_sex_and_year_as_they_were_written(self, birth, sex):
        parts = national_id_parts(f"079{first_digits_year(birth, sex)}000001")
        assert (parts.sex, parts.birth_year) == (sex, birth.year)

    def test_doubts_what_disagrees_with_the_record_and_refuses_nothing(self):
        doubts = national_id_doubts(
            "079148001234",
            birth=BirthDate(datetime.date(1950, 1, 1), "YEAR"),
            sex="M",
            known_prefixes={"001"},
        )
        assert [doubt.code for doubt in doubts] == ["ID_PREFIX_UNKNOWN", "ID_BIRTH_DIFFERS", "ID_SEX_DIFFERS"]

    def test_has_no_doubt_where_all_agrees(self):
        birth = BirthDate(datetime.date(1948, 1, 1), "YEAR")
        assert not national_id_doubts("079148001234", birth=birth, sex="F", known_prefixes={"079"})
        assert not national_id_doubts("079148001234", birth=None, sex=None, known_prefixes={"079"})


class TestAccountNumber:
    @pytest.mark.parametrize(
        ("value", "number"),
        [
            ("0071000123456", "0071000123456"),
            (" 0071 000-123.456 ", "0071000123456"),
            ("abc123", "ABC123"),
            ("24681357", "24681357"),
            ("1" * 19, "1" * 19),
            ("4111111111111112", "4111111111111112"),  # sixteen digits, no right check digit
            ("1234567890123452", "1234567890123452"),  # right by Luhn, but of no card scheme
        ],
    )
    def test_takes_what_banks_give_out(self, value, number):
        assert parse_account_number(value) == number

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("", "ACCOUNT_MISSING"),
            (71000123456.0, "ACCOUNT_IS_NUMBER"),
            ("4111111111111111", "ACCOUNT_IS_CARD"),
            ("9704 0000 0000 0018", "ACCOUNT_IS_CARD"),
            ("1" * 20, "ACCOUNT_FORM"),
            ("١٢٣٤٥٦٧٨", "ACCOUNT_FORM"),
            ("ĐÀO123", "ACCOUNT_FORM"),
            ("123'--", "ACCOUNT_FORM"),
            ("1e10+", "ACCOUNT_FORM"),
            ("-1", "ACCOUNT_FORM"),
            (" -0071000123456", "ACCOUNT_FORM"),
            ("12 34", "ACCOUNT_SHORT"),
            ("1 2-3.4 5", "ACCOUNT_SHORT"),
            ("-", "ACCOUNT_MISSING"),
        ],
    )
    def test_refuses(self, value, code):
        assert refusal(parse_account_number, value) == code

    def test_takes_every_account_of_the_mocked_bank(self):
        people = json.loads((ROOT / "mock_gateway" / "data" / "citizens.json").read_text(encoding="utf-8"))
        numbers = [account["account_number"] for person in people for account in person["accounts"]]
        assert "24681357" in numbers
        assert [parse_account_number(number) for number in numbers] == numbers

    @given(digits)
    def test_knows_a_check_digit_from_nine_wrong_ones(self, number):
        assert sum(luhn_fits(number + str(digit)) for digit in range(10)) == 1

    @given(st.text(alphabet="0123456789", min_size=11, max_size=11))
    def test_finds_every_domestic_card(self, middle):
        body = "9704" + middle
        card = next(body + str(digit) for digit in range(10) if luhn_fits(body + str(digit)))
        assert is_card_number(card)
        assert refusal(parse_account_number, card) == "ACCOUNT_IS_CARD"


class TestPhone:
    @pytest.mark.parametrize(
        ("value", "number"),
        [
            ("0903 123 456", "+84903123456"),
            ("+84 903.123.456", "+84903123456"),
            ("84903123456", "+84903123456"),
            ("028 3829 1234", "+842838291234"),
        ],
    )
    def test_takes_every_way_to_write_a_number(self, value, number):
        assert parse_phone(value) == number

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("", "PHONE_INVALID"),
            (903123456.0, "PHONE_IS_NUMBER"),
            ("01631234567", "PHONE_DEAD"),
            ("12345", "PHONE_INVALID"),
            ("٠٩٠٣١٢٣٤٥٦", "PHONE_INVALID"),
            ("0903123456\nBcc: x", "PHONE_INVALID"),
            ("không có", "PHONE_INVALID"),
        ],
    )
    def test_refuses(self, value, code):
        assert refusal(parse_phone, value) == code


@pytest.mark.parametrize("parse", [parse_national_id, parse_account_number, parse_phone])
def test_is_fast_on_anything(parse):
    assert slowest(parse) < 0.5
