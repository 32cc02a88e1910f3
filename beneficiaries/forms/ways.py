"""What an officer writes down of how a payee wants to be paid."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from beneficiaries.forms.fields import ReasonField
from beneficiaries.models import PaymentWay
from beneficiaries.operations.ways import REASON_MAX
from beneficiaries.states import Delivery, Way

# One question instead of two: with the payment service, how it brings the money is the answer.
CHOICES = [
    (Way.USUAL.value, Way.USUAL.label),
    (Way.WARD_CASH.value, _("Tiền mặt tại phường, kể cả khi có tài khoản")),
    (Delivery.PAY_POINT.value, _("Tổ chức dịch vụ chi trả: nhận tại điểm chi trả")),
    (Delivery.HOME.value, _("Tổ chức dịch vụ chi trả: chi trả tại nhà")),
    (Delivery.CARD.value, _("Tổ chức dịch vụ chi trả: nạp vào thẻ chi trả")),
]


class WayForm(forms.Form):
    """Another way of being paid, from today on."""

    way = forms.ChoiceField(
        label=_("Người nhận muốn nhận tiền"),
        choices=CHOICES,
        widget=forms.RadioSelect,
        error_messages={"required": _("Chọn cách nhận tiền."), "invalid_choice": _("Chọn cách nhận tiền.")},
    )
    service_code = forms.RegexField(
        r"^[A-Za-z]{0,6}[0-9]{1,10}$",
        label=_("Mã khách hàng ghi trên hợp đồng thẻ"),
        help_text=_("Chỉ khi nhận bằng thẻ. Không ghi số thẻ."),
        required=False,
        max_length=16,
        error_messages={"invalid": _("Mã khách hàng có tối đa 6 chữ cái rồi đến 10 chữ số.")},
    )
    reason = ReasonField(
        longest=REASON_MAX,
        help_text=_("Ít nhất 10 ký tự: ai đề nghị, giấy tờ nào. Không ghi số căn cước, số tài khoản, số điện thoại."),
    )

    @staticmethod
    def value_of(held: PaymentWay | None) -> str:
        """What is chosen while a way holds."""
        return (held.delivery or held.way) if held else Way.USUAL.value

    def clean(self) -> dict[str, Any] | None:
        """A code belongs to a card, and a card has one."""
        told = super().clean() or self.cleaned_data
        chosen = told.get("way", "")
        code = (told.get("service_code") or "").upper()
        by_service = chosen in Delivery.values
        if chosen == Delivery.CARD and not code and "service_code" not in self.errors:
            self.add_error("service_code", _("Ghi mã khách hàng của thẻ."))
        return told | {
            "chosen": Way.PAYMENT_SERVICE if by_service else Way(chosen or Way.USUAL),
            "delivery": chosen if by_service else "",
            "service_code": code if chosen == Delivery.CARD else "",
        }
