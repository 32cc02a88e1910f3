"""Choosing a month: since the portal pays, up to the next one."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

FIRST = date(2025, 9, 1)


def months_through(day: date) -> list[date]:
    """First days of months, the one after `day` first."""
    newest = day.year * 12 + day.month
    oldest = FIRST.year * 12 + FIRST.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(newest, oldest - 1, -1)]


class MonthField(forms.TypedChoiceField):
    """A month as `2026-11`; its value is the first day. `today` must be told before the form is drawn or checked."""

    def __init__(self, *, label: Any, required: bool = True) -> None:
        super().__init__(
            label=label,
            required=required,
            coerce=read_month,
            empty_value=None,
            error_messages={"required": _("Chọn tháng."), "invalid_choice": _("Chọn tháng trong danh sách.")},
        )

    def offer(self, today: date, *, nothing: str = "") -> None:
        """Offer the months that may be chosen on `today`; `nothing` is the word for not choosing any."""
        months = [(f"{month:%Y-%m}", f"{month:%m/%Y}") for month in months_through(today)]
        self.choices = [("", nothing), *months] if nothing else months
        if not nothing:
            self.initial = f"{today:%Y-%m}"


def read_month(value: str) -> date:
    """The first day of `2026-11`."""
    year, month = value.split("-")
    return date(int(year), int(month), 1)
