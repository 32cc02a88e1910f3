"""What officers type: a list with its month and unit, and the judgement of an account."""

from datetime import date
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from beneficiaries.errors import FileTooLarge
from beneficiaries.forms.months import MonthField
from beneficiaries.operations.import_register import MAX_BYTES
from beneficiaries.operations.review import REASON_MAX, REASON_MIN
from foundation.reference.models import Unit


class ListForm(forms.Form):
    """A ward's list for a month."""

    period = MonthField(label=_("Danh sách của tháng"))
    unit = forms.ModelChoiceField(
        Unit.objects.none(),
        label=_("Phường, xã"),
        empty_label=None,
        error_messages={"required": _("Chọn phường, xã."), "invalid_choice": _("Chọn phường, xã trong danh sách.")},
    )
    file = forms.FileField(
        label=_("Tệp danh sách"),
        help_text=_("Tệp .xlsx hoặc .csv (UTF-8), tối đa 50 MB."),
        allow_empty_file=True,  # the check says it in words of its own
        error_messages={"required": _("Chọn tệp danh sách.")},
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )

    def __init__(self, *arguments: Any, units: set[str] | None, today: date, **options: Any) -> None:
        super().__init__(*arguments, **options)
        offer_units(self.fields["unit"], units, today)
        period = self.fields["period"]
        assert isinstance(period, MonthField)
        period.offer(today)

    def clean_file(self) -> "UploadedFile[bytes]":
        """The file, if it is of a size that is read at all."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(FileTooLarge.message, code="too_large")
        return file


def offer_units(field: forms.Field, units: set[str] | None, day: date) -> None:
    """Offer the units of a right, None being the whole city; where there is one, nothing is to be chosen."""
    assert isinstance(field, forms.ModelChoiceField)
    offered = Unit.objects.valid_on(day)
    field.queryset = offered if units is None else offered.filter(code__in=units)
    if units is not None and len(units) == 1:
        field.initial = next(iter(units))
        field.widget = field.hidden_widget()


class JudgementForm(forms.Form):
    """Yes or no to one account, with a reason that somebody else can follow."""

    reason = forms.CharField(
        label=_("Lý do"),
        help_text=_(
            "Ít nhất 10 ký tự: đã đối chiếu giấy tờ nào, ai xác nhận. Không ghi số căn cước, số tài khoản, số điện thoại."
        ),
        min_length=REASON_MIN,
        max_length=REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "required": _("Ghi lý do."),
            "min_length": _("Ghi lý do ít nhất 10 ký tự."),
            "max_length": _("Ghi lý do không quá 500 ký tự."),
        },
    )
