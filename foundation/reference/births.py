"""Days as people write them, and birth dates of which only the year or the month is known."""

import datetime
import re
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext_lazy as _

from foundation.reference.values import InvalidValue

Precision = Literal["DAY", "MONTH", "YEAR"]

_DAY = re.compile(r"([0-9]{1,2})\s?[/.\-]\s?([0-9]{1,2})\s?[/.\-]\s?([0-9]{4})")
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]00:00:00)?")
_MONTH = re.compile(r"([0-9]{1,2})\s?[/.\-]\s?([0-9]{4})")
_ISO_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_YEAR = re.compile(r"[0-9]{4}")
_PERIOD_WORD = re.compile(r"tháng\s?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BirthDate:
    """`date` is the first day that fits: 1 January where only the year is known."""

    date: datetime.date
    precision: Precision

    def age_on(self, day: datetime.date) -> int:
        """Full years on `day`; where only a year is known, the birthday is 31 December: nobody is aged early."""
        month, day_of_month = self.date.month, self.date.day
        if self.precision == "YEAR":
            month, day_of_month = 12, 31
        elif self.precision == "MONTH":
            day_of_month = 31
        return day.year - self.date.year - ((day.month, day.day) < (month, day_of_month))

    def __str__(self) -> str:
        return self.date.strftime({"DAY": "%d/%m/%Y", "MONTH": "%m/%Y", "YEAR": "%Y"}[self.precision])


def parse_date(value: object) -> datetime.date:
    """A day from `05/03/2026`, `5-3-2026`, ISO, or a spreadsheet's date; years 1900 to 2199.

    Raises:
        InvalidValue: DATE_UNREADABLE, or DATE_IMPOSSIBLE (30/02, 13th month).
    """
    if isinstance(value, datetime.datetime):
        return _within(value.date())
    if isinstance(value, datetime.date):
        return _within(value)
    text = _short(value)
    if found := _DAY.fullmatch(text):
        return _day(int(found[3]), int(found[2]), int(found[1]))
    if found := _ISO_DAY.fullmatch(text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    raise InvalidValue(
        "DATE_UNREADABLE", _("Không đọc được ngày."), _("Ghi ngày theo dạng ngày/tháng/năm, ví dụ 05/03/2026.")
    )


def parse_birth(value: object) -> BirthDate:
    """A birth date from `12/03/1942`, `03/1942`, `1942` (also typed as a number), or a spreadsheet's date.

    Raises:
        InvalidValue: BIRTH_UNREADABLE or DATE_IMPOSSIBLE.
    """
    if isinstance(value, bool):
        raise _birth_unreadable()
    if isinstance(value, float) and value.is_integer() and abs(value) < 10_000:
        value = int(value)
    text = value.isoformat() if isinstance(value, datetime.date) else _short(value)
    if _YEAR.fullmatch(text):
        return BirthDate(_day(int(text), 1, 1), "YEAR")
    if found := _MONTH.fullmatch(text):
        return BirthDate(_day(int(found[2]), int(found[1]), 1), "MONTH")
    if found := _ISO_MONTH.fullmatch(text):
        return BirthDate(_day(int(found[1]), int(found[2]), 1), "MONTH")
    try:
        return BirthDate(parse_date(value), "DAY")
    except InvalidValue as wrong:
        if wrong.code == "DATE_UNREADABLE":
            raise _birth_unreadable() from None
        raise


def parse_period(value: object) -> datetime.date:
    """The first day of a month from `11/2026`, `tháng 11/2026`, `2026-11`, or any day of it.

    Raises:
        InvalidValue: PERIOD_UNREADABLE or DATE_IMPOSSIBLE.
    """
    if isinstance(value, datetime.date):
        return _within(datetime.date(value.year, value.month, 1))
    text = _PERIOD_WORD.sub("", _short(value), count=1)
    if found := _MONTH.fullmatch(text):
        return _day(int(found[2]), int(found[1]), 1)
    if found := _ISO_MONTH.fullmatch(text):
        return _day(int(found[1]), int(found[2]), 1)
    try:
        return parse_date(text).replace(day=1)
    except InvalidValue as wrong:
        if wrong.code == "DATE_UNREADABLE":
            raise InvalidValue(
                "PERIOD_UNREADABLE", _("Không đọc được tháng."), _("Ghi tháng theo dạng tháng/năm, ví dụ 11/2026.")
            ) from None
        raise


def _short(value: object) -> str:
    """The text of a cell, cut where no date can be that long: nothing below may be slow on 100 KB."""
    return (value if isinstance(value, str) else str(value))[:60].strip()


def _day(year: int, month: int, day: int) -> datetime.date:
    try:
        return _within(datetime.date(year, month, day))
    except ValueError as wrong:
        if isinstance(wrong, InvalidValue):
            raise
        raise InvalidValue("DATE_IMPOSSIBLE", _("Ngày này không có trong lịch."), _("Xem lại ngày, tháng.")) from None


def _within(day: datetime.date) -> datetime.date:
    if not 1900 <= day.year < 2200:
        raise InvalidValue("DATE_IMPOSSIBLE", _("Năm nằm ngoài khoảng 1900–2199."), _("Ghi năm đủ bốn chữ số."))
    return day


def _birth_unreadable() -> InvalidValue:
    return InvalidValue(
        "BIRTH_UNREADABLE",
        _("Không đọc được ngày sinh."),
        _("Ghi ngày/tháng/năm, tháng/năm hoặc chỉ năm, ví dụ 1942."),
    )
