"""Numbers that name people and accounts: personal ID, account, phone. Always text: a leading zero is part of them.

Digits are ASCII digits: `str.isdigit` also takes Arabic-Indic and other digits, which no bank can read.
"""

import datetime
import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

import phonenumbers
from django.utils.translation import gettext_lazy as _

from foundation.reference.births import BirthDate
from foundation.reference.values import Doubt, InvalidValue

Sex = Literal["M", "F"]

_SEPARATORS = re.compile(r"[ .\-\u00a0]")
_ID = re.compile(r"[0-9]{12}")
_DIGITS = re.compile(r"[0-9]+")
_ACCOUNT = re.compile(r"[0-9A-Z]{1,19}")
SHORTEST_ACCOUNT = 6  # no bank gives out shorter ones; an amount or a row number in the wrong column often is
_MOBILE = re.compile(r"(?:\+?84|0)([35789][0-9]{8})")


# --- Personal ID number, TT 07/2016/TT-BCA ---
@dataclass(frozen=True, slots=True)
class NationalIdParts:
    """What a personal ID says of its owner: prefix of the place of birth registration, sex, birth year."""

    prefix: str
    sex: Sex
    birth_year: int


def parse_national_id(value: object) -> str:
    """The 12 digits of a personal ID as text; spaces, dots and hyphens between them are dropped.

    A spreadsheet's number is refused even with 12 digits: the same column has lost the zero of others, and a lost
    zero is never guessed.

    Raises:
        InvalidValue: ID_MISSING, ID_IS_NUMBER, ID_ZERO_LOST (11 digits), ID_OLD_CMND (9), ID_LENGTH, ID_NOT_DIGITS.
    """
    if isinstance(value, int | float):
        raise InvalidValue(
            "ID_IS_NUMBER",
            _("Số định danh đang ở dạng số, có thể đã mất số 0 ở đầu."),
            _("Định dạng cột là Văn bản (Text) rồi nhập lại đủ 12 chữ số, kể cả số 0 ở đầu."),
        )
    text = value if isinstance(value, str) else ""
    digits = _SEPARATORS.sub("", text[:80].strip())
    if _ID.fullmatch(digits) and len(text) <= 80:
        return digits
    if not digits:
        raise InvalidValue("ID_MISSING", _("Chưa có số định danh."), _("Ghi đủ 12 chữ số trên căn cước."))
    if not _DIGITS.fullmatch(digits):
        raise InvalidValue(
            "ID_NOT_DIGITS", _("Số định danh có ký tự không phải chữ số."), _("Ghi đủ 12 chữ số trên căn cước.")
        )
    if len(digits) == 11:
        raise InvalidValue(
            "ID_ZERO_LOST",
            _("Số định danh chỉ có 11 chữ số."),
            _("Có thể đã mất số 0 ở đầu: đối chiếu căn cước và ghi đủ 12 chữ số dạng Văn bản."),
        )
    if len(digits) == 9:
        raise InvalidValue(
            "ID_OLD_CMND",
            _("Đây là số chứng minh nhân dân cũ, 9 chữ số."),
            _("Ghi số định danh 12 chữ số của người này."),
        )
    raise InvalidValue("ID_LENGTH", _("Số định danh không đủ hoặc thừa chữ số."), _("Ghi đủ 12 chữ số trên căn cước."))


def national_id_parts(national_id: str) -> NationalIdParts:
    """What the digits of a well-formed personal ID say: digit 4 is century and sex, digits 5 and 6 the birth year."""
    century, female = divmod(int(national_id[3]), 2)
    return NationalIdParts(national_id[:3], "F" if female else "M", 1900 + 100 * century + int(national_id[4:6]))


def national_id_doubts(
    national_id: str, *, birth: BirthDate | None, sex: Sex | None, known_prefixes: Container[str]
) -> list[Doubt]:
    """Where the digits disagree with the record: doubts, not errors, since sex or birth may have been corrected.

    `known_prefixes` are the codes of IdentityPrefix; another one may be that of a country.
    """
    parts = national_id_parts(national_id)
    doubts = []
    if parts.prefix not in known_prefixes:
        doubts.append(
            Doubt(
                "ID_PREFIX_UNKNOWN",
                _("Ba số đầu của số định danh không phải mã tỉnh trong nước."),
                _("Đối chiếu căn cước."),
            )
        )
    if birth is not None and birth.date.year != parts.birth_year:
        doubts.append(
            Doubt("ID_BIRTH_DIFFERS", _("Năm sinh không khớp số định danh."), _("Đối chiếu năm sinh và số định danh."))
        )
    if sex is not None and sex != parts.sex:
        doubts.append(
            Doubt("ID_SEX_DIFFERS", _("Giới tính không khớp số định danh."), _("Đối chiếu giới tính và số định danh."))
        )
    return doubts


# --- Account number, VietQR format of NAPAS (9/2021) ---
def parse_account_number(value: object) -> str:
    """An account number: 6 to 19 letters and digits, capitals, leading zeros kept; separators between them are dropped.

    A hyphen in front separates nothing: it is the sign of a number, which no account has.

    Raises:
        InvalidValue: ACCOUNT_MISSING, ACCOUNT_IS_NUMBER, ACCOUNT_IS_CARD (16 or 19 digits that pass Luhn, with the
            first digits of a card scheme), ACCOUNT_FORM, ACCOUNT_SHORT.
    """
    if isinstance(value, int | float):
        raise InvalidValue(
            "ACCOUNT_IS_NUMBER",
            _("Số tài khoản đang ở dạng số, có thể đã mất số 0 ở đầu."),
            _("Định dạng cột là Văn bản (Text) rồi nhập lại số tài khoản."),
        )
    text = value if isinstance(value, str) else ""
    number = _SEPARATORS.sub("", text[:80].strip()).upper()
    if not number:
        raise InvalidValue("ACCOUNT_MISSING", _("Chưa có số tài khoản."), _("Ghi số tài khoản thanh toán."))
    if not _ACCOUNT.fullmatch(number) or len(text) > 80 or text.strip().startswith("-"):
        raise InvalidValue(
            "ACCOUNT_FORM",
            _("Số tài khoản chỉ gồm chữ số và chữ cái không dấu, nhiều nhất 19 ký tự."),
            _("Ghi lại số tài khoản như ngân hàng cấp."),
        )
    if len(number) < SHORTEST_ACCOUNT:
        raise InvalidValue(
            "ACCOUNT_SHORT",
            _("Số tài khoản quá ngắn, phải có ít nhất 6 ký tự."),
            _("Ghi đủ số tài khoản như ngân hàng cấp."),
        )
    if is_card_number(number):
        raise InvalidValue(
            "ACCOUNT_IS_CARD",
            _("Đây là số thẻ, không phải số tài khoản."),
            _("Ghi số tài khoản thanh toán của thẻ này."),
        )
    return number


# Domestic cards begin with 9704, the others with their scheme's digits; without this one account of 16 digits in ten
# would be refused by chance.
_CARD_SCHEMES = ("9704", "4", "51", "52", "53", "54", "55", "35", "62", "34", "37")


def is_card_number(number: str) -> bool:
    """Whether `number` is a payment card: 16 or 19 digits, a scheme's first digits, a right Luhn check digit."""
    if len(number) not in {16, 19} or not _DIGITS.fullmatch(number) or not number.startswith(_CARD_SCHEMES):
        return False
    return luhn_fits(number)


def luhn_fits(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit (ISO/IEC 7812-1) of the others."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


# --- Telephone ---
def parse_phone(value: object) -> str:
    """A number in E.164 form, `+84901234567`, from any Vietnamese way of writing it.

    Raises:
        InvalidValue: PHONE_IS_NUMBER, PHONE_DEAD (11 digits of before 2018), PHONE_INVALID.
    """
    if isinstance(value, int | float):
        raise InvalidValue(
            "PHONE_IS_NUMBER",
            _("Số điện thoại đang ở dạng số, đã mất số 0 ở đầu."),
            _("Định dạng cột là Văn bản (Text) rồi nhập lại số điện thoại."),
        )
    text = value if isinstance(value, str) else ""
    compact = _SEPARATORS.sub("", text.strip()) if len(text) <= 40 else ""
    if mobile := _MOBILE.fullmatch(compact):  # nearly all of them, far faster than the library
        return f"+84{mobile[1]}"
    if compact.isascii():
        try:
            parsed = phonenumbers.parse(compact, "VN")
        except phonenumbers.NumberParseException:
            parsed = None
        if parsed is not None and phonenumbers.is_valid_number(parsed):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if re.fullmatch(r"01[0-9]{9}", compact):
        raise InvalidValue(
            "PHONE_DEAD", _("Đầu số 11 chữ số này đã bỏ từ năm 2018."), _("Hỏi lại số điện thoại 10 chữ số hiện nay.")
        )
    raise InvalidValue("PHONE_INVALID", _("Số điện thoại không đúng."), _("Ghi số 10 chữ số, bắt đầu bằng 0."))


def first_digits_year(day: datetime.date, sex: Sex) -> str:
    """Digits 4 to 6 of the personal ID of somebody born on `day`: the other direction of `national_id_parts`."""
    century = 2 * ((day.year - 1900) // 100) + (1 if sex == "F" else 0)
    return f"{century}{day.year % 100:02d}"
