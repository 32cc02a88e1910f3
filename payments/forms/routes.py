"""What officers type about cash and about lists for others: signatures, and files of results."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from payments.errors import ResultsTooLarge
from payments.operations.cash import Collected
from payments.operations.result_files import MAX_BYTES

_ID = re.compile(r"[0-9]{1,18}")
MOST_SIGNATURES = 200  # of one form; a page shows fewer


class ResultForm(forms.Form):
    """A file that the Treasury or the payment service sent back."""

    file = forms.FileField(
        label=_("Tệp kết quả"),
        help_text=_("Tệp .xlsx hoặc .csv (UTF-8), tối đa 20 MB: chính tệp đã gửi, có điền cột “Kết quả”."),
        allow_empty_file=True,  # the reader says it in words of its own
        error_messages={"required": _("Chọn tệp kết quả.")},
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        """The file, if it is of a size that is read at all."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(ResultsTooLarge.message, code="too_large")
        return file


class SignaturesForm(forms.Form):
    """Who signed on one page of the cash list, on which day; `rows` are (transfer id, payee's name) of the ticked ones."""

    collected_date = forms.DateField(
        label=_("Ngày nhận"),
        input_formats=["%Y-%m-%d", "%d/%m/%Y"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"required": _("Chọn ngày nhận."), "invalid": _("Ghi ngày nhận dạng ngày/tháng/năm.")},
    )

    def __init__(self, *arguments: Any, today: date, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.today = today
        self.fields["collected_date"].initial = today

    @staticmethod
    def ticked(told: QueryDict) -> list[int]:
        """The payments that were ticked; nonsense is none."""
        return [int(text) for text in told.getlist("chon")[:MOST_SIGNATURES] if _ID.fullmatch(text)]

    def clean_collected_date(self) -> date:
        """Nobody has signed on a day that has not come."""
        day: date = self.cleaned_data["collected_date"]
        if day > self.today:
            raise forms.ValidationError(_("Ngày nhận không được sau hôm nay."), code="ahead")
        return day

    def clean(self) -> dict[str, Any] | None:
        """Somebody was ticked, and whoever signed for another says who he is to him."""
        told = super().clean() or self.cleaned_data
        assert isinstance(self.data, QueryDict)
        ids = self.ticked(self.data)
        if not ids:
            self.add_error(None, _("Đánh dấu ít nhất một người đã ký nhận."))
        if any(self.other(pk) and not self.relation(pk) for pk in ids):
            self.add_error(None, _("Ghi quan hệ của người ký nhận thay."))
        return told

    def signatures(self, names: Iterable[tuple[int, str]]) -> list[Collected]:
        """The signatures as the operation takes them; who is not named otherwise signed himself."""
        return [
            Collected(pk, self.other(pk) or name, self.relation(pk), self.cleaned_data["collected_date"])
            for pk, name in names
        ]

    def other(self, pk: int) -> str:
        """Who signed in the payee's place, as it was typed."""
        return self._typed(f"nguoi-nhan-{pk}", 120)

    def relation(self, pk: int) -> str:
        """Who that is to the payee, as it was typed."""
        return self._typed(f"quan-he-{pk}", 60)

    def _typed(self, name: str, longest: int) -> str:
        return " ".join(str(self.data.get(name, "")).replace("\x00", " ").split())[:longest]
