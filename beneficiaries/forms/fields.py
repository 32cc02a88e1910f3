"""What several forms ask for: a month, a unit, a reason."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from beneficiaries.errors import ReasonHoldsNumber
from foundation.audit.reasons import SHORTEST, UnfitReason, fit_reason
from foundation.reference.models import Unit

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


class UnitField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic for the checker only
    """A ward, commune or special zone of those that a right reaches, which must be told before the form is drawn or checked."""

    def __init__(self) -> None:
        super().__init__(
            Unit.objects.none(),
            label=_("Phường, xã"),
            empty_label=None,
            error_messages={
                "required": _("Chọn phường, xã."),
                "invalid_choice": _("Chọn phường, xã trong danh sách."),
            },
        )

    def offer(self, units: set[str] | None, day: date) -> None:
        """Offer the units of a right, None being the whole city; where there is one, nothing is to be chosen."""
        offered = Unit.objects.valid_on(day)
        self.queryset = offered if units is None else offered.filter(code__in=units)
        if units is not None and len(units) == 1:
            self.initial = next(iter(units))
            self.widget = self.hidden_widget()


class ReasonField(forms.CharField):
    """Why somebody decides: kept in the trail for ever, on one line and without a personal number."""

    def __init__(self, *, longest: int, help_text: Any) -> None:
        super().__init__(
            label=_("Lý do"),
            help_text=help_text,
            min_length=SHORTEST,
            max_length=longest,
            widget=forms.Textarea(attrs={"rows": 3}),
            error_messages={
                "required": _("Ghi lý do."),
                "min_length": _("Ghi lý do ít nhất 10 ký tự."),
                "max_length": _("Ghi lý do không quá %(limit_value)s ký tự."),
            },
        )

    def clean(self, value: Any) -> str:
        """The reason as the trail keeps it."""
        given: str = super().clean(value)
        try:
            return fit_reason(given, longest=self.max_length or len(given))
        except UnfitReason as unfit:
            if unfit.holds_number:
                words = f"{ReasonHoldsNumber.message} {ReasonHoldsNumber.remedy}"
                raise forms.ValidationError(words, code="number") from unfit
            raise forms.ValidationError(self.error_messages["min_length"], code="min_length") from unfit
