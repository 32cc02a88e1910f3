"""What officers type when an act needs two persons: reasons, what becomes of a payment, and the paper that speaks for it."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payments.errors import PaperTooLarge, PaperUnreadable, ReferenceNeeded
from payments.forms.batches import ReasonForm
from payments.operations.papers import MAX_BYTES, take_paper
from payments.operations.proposals import Paper
from payments.operations.reviewing import REFERENCE_MAX
from payments.states import TransferState

T = TransferState
IN_REVIEW: dict[TransferState, str | Promise] = {
    T.SETTLED: _("Đã chi: ngân hàng xác nhận tiền đã đi"),
    T.REJECTED: _("Không chi được: ngân hàng xác nhận đã từ chối"),
    T.UNKNOWN: _("Hỏi lại ngân hàng: chưa đủ căn cứ kết luận"),
    T.CANCELLED: _("Huỷ: ngân hàng xác nhận chưa nhận lệnh, không chi trong đợt này"),
}
CONTRADICTED: dict[TransferState, str | Promise] = {
    T.SETTLED: _("Đã chi: ngân hàng xác nhận tiền đã đi"),
    T.RETURNED: _("Giữ kết quả: tiền bị trả lại"),
    T.REJECTED: _("Giữ kết quả: không chi được"),
    T.CANCELLED: _("Giữ kết quả: đã huỷ"),
}
PAID_STANDS = _("Giữ kết quả: đã chi")


class DecisionForm(ReasonForm):
    """What becomes of a payment that waits for people."""

    outcome = forms.ChoiceField(
        label=_("Kết luận"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Chọn kết luận."), "invalid_choice": _("Chọn kết luận trong danh sách.")},
    )
    bank_reference = forms.CharField(
        label=_("Mã tham chiếu của ngân hàng"),
        help_text=_("Phải ghi khi kết luận đã chi: mã trên báo có, sao kê hoặc văn bản của ngân hàng."),
        required=False,
        max_length=REFERENCE_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"max_length": _("Mã tham chiếu không quá 35 ký tự.")},
    )
    file = forms.FileField(
        label=_("Tài liệu chứng minh"),
        help_text=_(
            "Văn bản trả lời của ngân hàng: PDF, PNG, JPEG hoặc thư có chữ ký số (.eml), tối đa 5 MB. Tệp được mã hoá; "
            "chỉ người quyết định và người tra cứu xem được."
        ),
        allow_empty_file=True,  # the check says it in words of its own
        widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg,.eml"}),
        error_messages={"required": _("Chọn tài liệu chứng minh.")},
    )
    field_order = ("outcome", "bank_reference", "reason", "file")

    def __init__(
        self, *arguments: Any, outcomes: Sequence[TransferState], state: TransferState, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        outcome = self.fields["outcome"]
        assert isinstance(outcome, forms.ChoiceField)
        words = IN_REVIEW if state == T.REVIEW else CONTRADICTED
        if state == T.SETTLED:
            words = {T.SETTLED: PAID_STANDS}
        outcome.choices = [(str(way), words[way]) for way in outcomes]
        self.becomes_paid = T.SETTLED in outcomes and state != T.SETTLED
        if not self.becomes_paid:
            del self.fields["bank_reference"]

    def clean_file(self) -> Paper:
        """The paper, if it is of a kind and size that is taken in."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(PaperTooLarge.message, code="too_large")
        try:
            return take_paper(name=file.name or "", content=file.read())
        except PaperUnreadable as unreadable:
            raise forms.ValidationError(unreadable.message, code="unreadable") from unreadable

    def clean(self) -> dict[str, Any] | None:
        """Who says that the bank has paid says under which reference."""
        told = super().clean() or self.cleaned_data
        if self.becomes_paid and told.get("outcome") == T.SETTLED and not told.get("bank_reference", "").strip():
            self.add_error("bank_reference", ReferenceNeeded.message)
        return told
