"""What officers type: a list with its month and unit, and the judgement of an account."""

from datetime import date
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from beneficiaries.errors import FileTooLarge
from beneficiaries.forms.fields import MonthField, ReasonField, UnitField
from beneficiaries.operations.import_register import MAX_BYTES
from beneficiaries.operations.review import REASON_MAX


class ListForm(forms.Form):
    """A ward's list for a month."""

    period = MonthField(label=_("Danh sách của tháng"))
    unit = UnitField()
    file = forms.FileField(
        label=_("Tệp danh sách"),
        help_text=_("Tệp .xlsx hoặc .csv (UTF-8), tối đa 50 MB."),
        allow_empty_file=True,  # the check says it in words of its own
        error_messages={"required": _("Chọn tệp danh sách.")},
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )

    def __init__(self, *arguments: Any, units: set[str] | None, today: date, **options: Any) -> None:
        super().__init__(*arguments, **options)
        unit, period = self.fields["unit"], self.fields["period"]
        assert isinstance(unit, UnitField)
        assert isinstance(period, MonthField)
        unit.offer(units, today)
        period.offer(today)

    def clean_file(self) -> "UploadedFile[bytes]":
        """The file, if it is of a size that is read at all."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(FileTooLarge.message, code="too_large")
        return file


class JudgementForm(forms.Form):
    """Yes or no to one account, with a reason that somebody else can follow."""

    reason = ReasonField(
        longest=REASON_MAX,
        help_text=_(
            "Ít nhất 10 ký tự: đã đối chiếu giấy tờ nào, ai xác nhận. Không ghi số căn cước, số tài khoản, số điện thoại."
        ),
    )
