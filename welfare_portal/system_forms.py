"""Forms of the pages about the system."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from beneficiaries.forms.fields import ReasonField
from welfare_portal.alarm_acts import LONGEST_NOTE

NO_NUMBERS = _("Ít nhất 10 ký tự. Không ghi số căn cước, số tài khoản, số điện thoại.")
FASTEST = 100_000


class NoteForm(forms.Form):
    """What was done about an alarm."""

    reason = ReasonField(longest=LONGEST_NOTE, help_text=NO_NUMBERS)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["reason"].label = _("Đã làm gì")


class HourField(forms.TimeField):
    """`08:00`, in the city's time."""

    def __init__(self, *, label: Any, help_text: Any = "") -> None:
        super().__init__(
            label=label,
            help_text=help_text,
            required=False,
            input_formats=["%H:%M", "%Hh%M", "%H:%M:%S"],
            widget=forms.TimeInput(
                format="%H:%M", attrs={"autocomplete": "off", "class": "welfare-number govuk-input--width-5"}
            ),
            error_messages={"invalid": _("Ghi giờ và phút, ví dụ 16:30.")},
        )


class ChannelForm(forms.Form):
    """How fast a bank is sent payments, and when."""

    rate_limit = forms.IntegerField(
        label=_("Số khoản mỗi giây, nhiều nhất"),
        min_value=1,
        max_value=FASTEST,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "off", "class": "welfare-number govuk-input--width-5"}
        ),
        error_messages={
            "required": _("Ghi số khoản mỗi giây."),
            "invalid": _("Ghi số khoản mỗi giây bằng chữ số."),
            "min_value": _("Ít nhất là một khoản mỗi giây."),
            "max_value": _("Nhiều nhất là 100.000 khoản mỗi giây."),
        },
    )
    opens_at = HourField(label=_("Giờ mở"), help_text=_("Giờ Việt Nam, ví dụ 08:00. Để trống nếu nhận cả ngày."))
    closes_at = HourField(label=_("Giờ đóng"))
    cut_off = HourField(
        label=_("Giờ chốt"), help_text=_("Sau giờ này ngân hàng ghi sổ sang ngày sau, nên không gửi thêm.")
    )
    reason = ReasonField(longest=LONGEST_NOTE, help_text=NO_NUMBERS)

    def clean(self) -> dict[str, Any]:
        """Hours make sense together."""
        told: dict[str, Any] = super().clean() or {}
        opens, closes, cut_off = told.get("opens_at"), told.get("closes_at"), told.get("cut_off")
        if "opens_at" not in self.errors and "closes_at" not in self.errors:
            if (opens is None) != (closes is None):
                self.add_error(
                    "closes_at" if closes is None else "opens_at",
                    _("Ghi cả giờ mở và giờ đóng, hoặc bỏ trống cả hai."),
                )
            elif opens is not None and closes is not None and opens >= closes:
                self.add_error("closes_at", _("Giờ đóng phải sau giờ mở."))
        if cut_off is not None and opens is not None and cut_off <= opens:
            self.add_error("cut_off", _("Giờ chốt phải sau giờ mở."))
        return told
