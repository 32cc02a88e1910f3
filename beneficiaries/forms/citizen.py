"""What a citizen fills in to register an account: shapes of input only; what is allowed is for the operations."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from foundation.reference.models import Bank, BankKind

# Where most people of the city hold an account, in the order in which they look for it; the rest stands in the list below.
MOST_USED = ("970436", "970405", "970415", "970418", "970403", "970416", "970422", "971011", "971005")
OTHER = "other"


class BankForm(forms.Form):
    """One bank or wallet: from the most used, or from all."""

    reference = forms.CharField(widget=forms.HiddenInput, max_length=20)
    bank = forms.ChoiceField(label=_("Ngân hàng, ví điện tử"), required=False, widget=forms.RadioSelect)
    other = forms.ChoiceField(label=_("Tất cả ngân hàng, ví điện tử"), required=False)

    def __init__(self, *args: Any, banks: Sequence[Bank], saved: str | None, **kwargs: Any) -> None:
        """`banks` can be chosen; `saved` was chosen before."""
        super().__init__(*args, **kwargs)
        known = {bank.bin: bank for bank in banks}
        self.most_used = [known[code] for code in MOST_USED if code in known]
        self.fields["bank"].choices = [  # type: ignore[attr-defined]
            *((bank.bin, bank.short_name) for bank in self.most_used),
            (OTHER, _("Nơi khác")),
        ]
        self.fields["other"].choices = [  # type: ignore[attr-defined]
            ("", _("Chọn trong danh sách")),
            (_("Ngân hàng"), [(bank.bin, _told(bank)) for bank in _once(banks) if bank.kind != BankKind.WALLET]),
            (_("Ví điện tử"), [(bank.bin, _told(bank)) for bank in _once(banks) if bank.kind == BankKind.WALLET]),
        ]
        listed = saved is not None and saved not in {bank.bin for bank in self.most_used}
        self.initial.update(bank=OTHER if listed else saved, other=saved if listed else "")

    @property
    def pressed(self) -> str:
        """The button that stands pressed on the page."""
        return str(self["bank"].value() or "")

    def clean(self) -> dict[str, Any]:
        """`bank_bin` is what was chosen; of a button and an entry of the list that disagree, the one that was touched."""
        cleaned = super().clean() or {}
        button, entry = cleaned.get("bank", ""), cleaned.get("other", "")
        if self.errors:
            return cleaned
        if button in ("", OTHER) or (entry and button == self.initial["bank"] and entry != self.initial["other"]):
            chosen = entry
        else:
            chosen = button
            if entry not in ("", button, self.initial["other"]):
                self.add_error("bank", _("Ông, bà đã chọn hai nơi. Chỉ chọn một nơi, và để trống danh sách bên dưới."))
        if not chosen:
            self.add_error("bank", _("Chọn một ngân hàng hoặc ví điện tử."))
        return cleaned | {"bank_bin": chosen}


def _once(banks: Sequence[Bank]) -> list[Bank]:
    """Without the second number under which messages reach the same bank."""
    routing = {bank.routing_bin for bank in banks}
    return [bank for bank in banks if bank.bin not in routing]


def _told(bank: Bank) -> str:
    code = "" if bank.code.upper() == bank.short_name.upper() else f" ({bank.code})"
    more = "" if bank.name == bank.short_name else f" – {bank.name}"
    return f"{bank.short_name}{code}{more}"


class NumberForm(forms.Form):
    """The account number as it is typed; `reference` and `bank` are what the page showed."""

    reference = forms.CharField(widget=forms.HiddenInput, max_length=20)
    bank = forms.CharField(widget=forms.HiddenInput, max_length=6)
    number = forms.CharField(
        label=_("Số tài khoản"),
        max_length=80,
        help_text=_("Xem số này trong ứng dụng ngân hàng, hoặc hỏi ngân hàng. Không nhập số in nổi trên thẻ."),
        error_messages={"required": _("Nhập số tài khoản."), "max_length": _("Số này quá dài. Xem lại số tài khoản.")},
        widget=forms.TextInput(
            attrs={
                # Digits first; the few numbers with letters can be typed or pasted all the same.
                "inputmode": "numeric",
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "class": "welfare-number-input",
            }
        ),
    )


class ConsentForm(forms.Form):
    """The box under the words of the consent; nobody ticks it for the citizen."""

    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)
    agreed = forms.BooleanField(
        label=_("Tôi đã đọc và đồng ý"),
        error_messages={
            "required": _("Đánh dấu vào ô đồng ý để tiếp tục. Không đồng ý thì ông, bà vẫn nhận tiền mặt.")
        },
    )


class SendForm(forms.Form):
    """What the page of checking showed; there is nothing to fill in."""

    reference = forms.CharField(max_length=20)
    seen = forms.CharField(max_length=64)
