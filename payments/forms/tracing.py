"""What an auditor types: a code of any kind, and the reason for which he opens a message."""

from django import forms
from django.utils.translation import gettext_lazy as _

LONGEST_CODE = 200


class CodeForm(forms.Form):
    """One box for any code. What it may hold is for the search to say; here only what cannot be a code at all."""

    code = forms.CharField(
        label=_("Tra cứu bằng bất kỳ mã nào"),
        help_text=_("Mã giao dịch, mã tra cứu, mã ngân hàng, số định danh, số tài khoản, mã đợt chi hoặc mã hồ sơ"),
        max_length=LONGEST_CODE,
        error_messages={
            "required": _("Nhập một mã để tra cứu."),
            "max_length": _("Mã dài quá 200 ký tự. Kiểm tra lại phần đã dán vào."),
            "null_characters_not_allowed": _("Mã có ký tự không đọc được. Gõ lại mã."),
        },
    )


class PurposeForm(forms.Form):
    """Why a message is opened in full."""

    purpose = forms.CharField(
        label=_("Lý do xem đầy đủ"),
        help_text=_("Ví dụ: Kiểm toán đợt chi tháng 11 theo kế hoạch số 12/KH. Lý do và tên ông, bà được ghi lại."),
        min_length=10,
        max_length=200,
        error_messages={
            "required": _("Nhập lý do xem đầy đủ."),
            "min_length": _("Lý do ngắn quá. Ghi rõ xem để làm gì, ít nhất 10 ký tự."),
            "max_length": _("Lý do dài quá 200 ký tự. Viết ngắn lại."),
        },
    )
