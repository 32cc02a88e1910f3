"""What officers type when they reconcile: a file, days, a note, how a difference ends."""

from datetime import date
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from beneficiaries.forms.fields import ReasonField
from payments.errors import STATEMENT_REFUSALS
from payments.operations.acting import REASON_MAX
from payments.operations.statement_files import MAX_BYTES, MOST_DAYS
from payments.statement_states import BY_PEOPLE, DifferenceKind, DifferenceOutcome, DifferenceState

NO_NUMBERS = _("Ít nhất 10 ký tự. Không ghi số căn cước, số tài khoản, số điện thoại.")


class StatementForm(forms.Form):
    """A statement's file."""

    file = forms.FileField(
        label=_("Tệp sao kê"),
        help_text=_("Tệp XML theo mẫu camt.053.001.08, tối đa 50 MB."),
        allow_empty_file=True,  # the reader says it in words of its own
        error_messages={"required": _("Chọn tệp sao kê.")},
        widget=forms.FileInput(attrs={"accept": ".xml,application/xml,text/xml"}),
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        """The file, if it is of a size that is read at all."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(STATEMENT_REFUSALS["TOO_LARGE"], code="too_large")
        return file


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        input_formats=["%Y-%m-%d", "%d/%m/%Y"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"required": _("Chọn ngày."), "invalid": _("Ghi ngày dạng ngày/tháng/năm.")},
    )


class FetchForm(forms.Form):
    """The days whose statements are fetched."""

    first = _day(_("Từ ngày"))
    last = _day(_("Đến ngày"))

    def __init__(self, *arguments: Any, today: date, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.today = today

    def clean(self) -> dict[str, Any] | None:
        """Days in order, that have come, and not too many."""
        told = super().clean() or self.cleaned_data
        first, last = told.get("first"), told.get("last")
        if first and last:
            if last > self.today:
                self.add_error("last", _("Không lấy được sao kê của ngày chưa tới."))
            elif first > last:
                self.add_error("last", _("Ngày cuối phải sau ngày đầu."))
            elif (last - first).days >= MOST_DAYS:
                self.add_error("last", _("Mỗi lần lấy nhiều nhất 31 ngày."))
        return told


class DifferencesForm(forms.Form):
    """Which differences a page lists; what makes no sense filters nothing."""

    state = forms.ChoiceField(
        label=_("Trạng thái"), required=False, choices=[*DifferenceState.choices, ("ALL", _("Tất cả"))]
    )
    kind = forms.ChoiceField(label=_("Loại"), required=False, choices=[("", _("Mọi loại")), *DifferenceKind.choices])
    mine = forms.BooleanField(label=_("Của tôi"), required=False)


class CommentForm(forms.Form):
    """What was found out."""

    text = ReasonField(longest=REASON_MAX, help_text=NO_NUMBERS)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["text"].label = _("Ghi chú")


class ProposalForm(forms.Form):
    """How a difference is to end."""

    outcome = forms.ChoiceField(
        label=_("Kết luận"),
        choices=[(outcome.value, outcome.label) for outcome in BY_PEOPLE],
        error_messages={"required": _("Chọn kết luận."), "invalid_choice": _("Chọn kết luận trong danh sách.")},
    )
    end_to_end_id = forms.RegexField(
        r"^[0-9A-Fa-f -]{32,40}$",
        label=_("Mã giao dịch của khoản chi"),
        help_text=_("Chỉ khi bút toán là khoản chi này: mã 32 ký tự ở trang khoản chi."),
        required=False,
        error_messages={"invalid": _("Mã giao dịch gồm 32 ký tự 0–9, a–f.")},
    )
    reason = ReasonField(longest=REASON_MAX, help_text=NO_NUMBERS)

    def __init__(self, *arguments: Any, kind: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if kind != DifferenceKind.UNKNOWN_TO_US:
            del self.fields["end_to_end_id"]
            outcome = self.fields["outcome"]
            assert isinstance(outcome, forms.ChoiceField)
            outcome.choices = [(end.value, end.label) for end in BY_PEOPLE if end != DifferenceOutcome.MATCHED]

    def clean(self) -> dict[str, Any] | None:
        """Whoever says that an entry is a payment names the payment."""
        told = super().clean() or self.cleaned_data
        unnamed = not told.get("end_to_end_id") and "end_to_end_id" not in self.errors
        if told.get("outcome") == DifferenceOutcome.MATCHED and unnamed:
            self.add_error("end_to_end_id", _("Ghi mã giao dịch của khoản chi."))
        return told


class DecisionForm(forms.Form):
    """Yes, or no with the reason."""

    reason = ReasonField(longest=REASON_MAX, help_text=NO_NUMBERS)
