"""What officers type about a fund's money: papers, what goes back to the budget, recoveries."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from beneficiaries.forms.fields import MonthField, ReasonField
from foundation.reference.amounts import format_amount, parse_amount
from foundation.reference.values import InvalidValue
from payments.operations.acting import REASON_MAX
from payments.operations.funding import NUMBER_MAX
from payments.operations.remit import CLOSE, KEEP
from payments.queries.recovering import RightPaid
from payments.states import EntryKind, LedgerAccount, RecoveryBasis, RecoveryState, VoucherKind, VoucherState

NO_PERSONAL_NUMBER = _("Ít nhất 10 ký tự. Không ghi số căn cước, số tài khoản, số điện thoại.")


class AmountField(forms.CharField):
    """Whole đồng as people write them."""

    def __init__(self, *, label: Any, help_text: Any = "", least: int = 1) -> None:
        super().__init__(
            label=label,
            help_text=help_text or _("Ghi bằng chữ số, ví dụ 26.650.000"),
            max_length=40,
            widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "welfare-number"}),
            error_messages={"required": _("Ghi số tiền.")},
        )
        self.least = least

    def clean(self, value: Any) -> int:
        """The number of đồng."""
        text = super().clean(value)
        try:
            amount = parse_amount(text)
        except InvalidValue as unfit:
            raise forms.ValidationError(str(unfit), code="unreadable") from unfit
        if amount < self.least:
            raise forms.ValidationError(_("Số tiền phải lớn hơn 0."), code="least")
        return amount


class PaperDateField(forms.DateField):
    """The day of a paper, which is not ahead."""

    def __init__(self, *, label: Any) -> None:
        super().__init__(
            label=label,
            input_formats=["%Y-%m-%d", "%d/%m/%Y"],
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            error_messages={"required": _("Chọn ngày."), "invalid": _("Ghi ngày dạng ngày/tháng/năm.")},
        )
        self.today: date | None = None

    def clean(self, value: Any) -> date:
        """A day up to today."""
        day: date = super().clean(value)
        if self.today is not None and day > self.today:
            raise forms.ValidationError(_("Ngày không được sau hôm nay."), code="ahead")
        return day


def _number_field(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=NUMBER_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Ghi số."), "max_length": _("Ghi không quá %(limit_value)s ký tự.")},
    )


class VoucherForm(forms.Form):
    """A paper to be recorded; of money paid back there is one kind only."""

    kind = forms.ChoiceField(
        label=_("Loại chứng từ"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Chọn loại chứng từ."), "invalid_choice": _("Chọn loại chứng từ.")},
    )
    number = _number_field(_("Số chứng từ"))
    voucher_date = PaperDateField(label=_("Ngày chứng từ"))
    amount = AmountField(label=_("Số tiền (đồng)"))

    def __init__(self, *arguments: Any, today: date, paid_back: bool, **options: Any) -> None:
        super().__init__(*arguments, **options)
        kind, day = self.fields["kind"], self.fields["voucher_date"]
        assert isinstance(kind, forms.ChoiceField)
        assert isinstance(day, PaperDateField)
        day.today = today
        kinds = [kind for kind in VoucherKind if (kind == VoucherKind.RECOVER) == paid_back]
        kind.choices = [(kind.value, kind.label) for kind in kinds]
        kind.initial = kinds[0].value


class RemitForm(forms.Form):
    """What goes back to the budget, and whether the year ends with it."""

    account = forms.ChoiceField(
        label=_("Nộp trả từ"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Chọn tài khoản."), "invalid_choice": _("Chọn tài khoản.")},
    )
    amount = AmountField(label=_("Số tiền nộp trả (đồng)"), least=0)
    outcome = forms.ChoiceField(
        label=_("Sau khi nộp trả"),
        widget=forms.RadioSelect,
        choices=[
            (KEEP, _("Nguồn vẫn mở: còn lập đợt chi và nhận kinh phí được")),
            (CLOSE, _("Khoá sổ năm: không lập đợt chi mới, không nhận kinh phí")),
        ],
        initial=KEEP,
        error_messages={"required": _("Chọn một."), "invalid_choice": _("Chọn một.")},
    )
    reason = ReasonField(longest=REASON_MAX, help_text=NO_PERSONAL_NUMBER)

    def __init__(self, *arguments: Any, funding: int, fees: int, is_open: bool, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.held: dict[str, int] = {LedgerAccount.FUNDING: funding, LedgerAccount.FEES: fees}
        account, outcome = self.fields["account"], self.fields["outcome"]
        assert isinstance(account, forms.ChoiceField)
        assert isinstance(outcome, forms.ChoiceField)
        account.choices = [
            (held.value, f"{held.label}: {format_amount(self.held[held])}")
            for held in (LedgerAccount.FUNDING, LedgerAccount.FEES)
        ]
        account.initial = LedgerAccount.FUNDING.value
        if not is_open:
            outcome.choices = [(KEEP, _("Nguồn đã khoá sổ"))]

    def clean(self) -> dict[str, Any] | None:
        """Not more than there is; nothing only where a year is closed with it."""
        told = super().clean() or self.cleaned_data
        amount, account = told.get("amount"), told.get("account")
        if amount is not None and account and amount > self.held[account]:
            self.add_error("amount", _("Tài khoản này chỉ còn %(sum)s.") % {"sum": format_amount(self.held[account])})
        if amount == 0 and told.get("outcome") == KEEP:
            self.add_error("amount", _("Số tiền phải lớn hơn 0."))
        return told


class RecoveryForm(forms.Form):
    """A decision or a consent to take money back from one of the rights that a payment was made for."""

    entitlement = forms.TypedChoiceField(
        label=_("Thu hồi từ khoản hưởng"),
        widget=forms.RadioSelect,
        coerce=int,
        error_messages={"required": _("Chọn khoản hưởng."), "invalid_choice": _("Chọn khoản hưởng trong danh sách.")},
    )
    basis = forms.ChoiceField(
        label=_("Căn cứ"),
        widget=forms.RadioSelect,
        choices=RecoveryBasis.choices,
        error_messages={"required": _("Chọn căn cứ."), "invalid_choice": _("Chọn căn cứ.")},
    )
    number = _number_field(_("Số văn bản"))
    paper_date = PaperDateField(label=_("Ngày văn bản"))
    total_amount = AmountField(label=_("Tổng số tiền phải thu hồi (đồng)"))
    monthly_amount = AmountField(
        label=_("Mỗi tháng trừ nhiều nhất (đồng)"),
        help_text=_("Mỗi kỳ cổng không bao giờ trừ quá nửa số tiền của khoản hưởng này."),
    )
    first_period = MonthField(label=_("Trừ từ kỳ"))

    def __init__(self, *arguments: Any, rights: Iterable[RightPaid], today: date, **options: Any) -> None:
        super().__init__(*arguments, **options)
        entitlement, day, period = self.fields["entitlement"], self.fields["paper_date"], self.fields["first_period"]
        assert isinstance(entitlement, forms.TypedChoiceField)
        assert isinstance(day, PaperDateField)
        assert isinstance(period, MonthField)
        entitlement.choices = [
            (right.entitlement.pk, f"{right.person} · {right.programme} · {format_amount(right.amount)}")
            for right in rights
        ]
        if len(entitlement.choices) == 1:
            entitlement.initial = entitlement.choices[0][0]
        day.today = today
        period.offer(today)

    def clean(self) -> dict[str, Any] | None:
        """A month's part is a part of the whole."""
        told = super().clean() or self.cleaned_data
        total, monthly = told.get("total_amount"), told.get("monthly_amount")
        if total is not None and monthly is not None and monthly > total:
            self.add_error("monthly_amount", _("Mỗi tháng không trừ nhiều hơn tổng số tiền phải thu."))
        return told


class LedgerFilter(forms.Form):
    """Which bookings of a fund a page shows; what makes no sense filters nothing."""

    kind = forms.ChoiceField(
        label=_("Loại bút toán"), required=False, choices=[("", _("Mọi loại")), *EntryKind.choices]
    )
    month = MonthField(label=_("Tháng ghi sổ"), required=False)
    batch = forms.IntegerField(required=False, min_value=1, max_value=2**53)

    def __init__(self, *arguments: Any, today: date, **options: Any) -> None:
        super().__init__(*arguments, **options)
        month = self.fields["month"]
        assert isinstance(month, MonthField)
        month.offer(today, nothing=str(_("Mọi tháng")))


class VoucherFilter(forms.Form):
    """Which papers of a fund a page shows."""

    state = forms.ChoiceField(
        label=_("Trạng thái"), required=False, choices=[("", _("Mọi trạng thái")), *VoucherState.choices]
    )


class RecoveryFilter(forms.Form):
    """Which recoveries a page shows."""

    state = forms.ChoiceField(
        label=_("Trạng thái"), required=False, choices=[("", _("Mọi trạng thái")), *RecoveryState.choices]
    )
