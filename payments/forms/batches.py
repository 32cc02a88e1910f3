"""What officers type about payout batches: a new list, the filters of a page, reasons, and the total that is released."""

import re
from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.forms.fields import MonthField, ReasonField, UnitField
from foundation.reference.amounts import without_unit
from payments.models import Fund
from payments.operations.acting import REASON_MAX
from payments.states import BatchKind, BatchState, Route, TransferState

BUILT_HERE = (BatchKind.REGULAR, BatchKind.SUPPLEMENTARY, BatchKind.REPLACEMENT)
PAID_WITHIN = timedelta(days=62)  # a list further ahead than two months is a slip of the pen
_TOTAL = re.compile(r"[0-9]{1,15}|[0-9]{1,3}(?:([., \u00a0])[0-9]{3})(?:\1[0-9]{3}){0,4}")


class NewBatchForm(forms.Form):
    """A list to be built."""

    fund = forms.ModelChoiceField(
        Fund.objects.none(),
        label=_("Nguồn kinh phí"),
        empty_label=None,
        error_messages={"required": _("Chọn nguồn kinh phí."), "invalid_choice": _("Chọn nguồn trong danh sách.")},
    )
    unit = UnitField()
    period = MonthField(label=_("Kỳ chi trả"))
    kind = forms.ChoiceField(
        label=_("Loại đợt"),
        choices=[(kind.value, kind.label) for kind in BUILT_HERE],
        initial=BatchKind.REGULAR,
        help_text=_("Bổ sung: người chưa có trong đợt hằng tháng. Chi lại: khoản bị từ chối hoặc bị trả lại."),
        error_messages={"required": _("Chọn loại đợt."), "invalid_choice": _("Chọn loại đợt trong danh sách.")},
    )
    accounts_by = forms.ChoiceField(
        label=_("Chuyển khoản qua"),
        choices=[
            (Route.GATEWAY.value, _("Cổng thanh toán")),
            (Route.TREASURY_FILE.value, _("Bảng kê Kho bạc, cho mọi tài khoản trong đợt")),
        ],
        initial=Route.GATEWAY,
        required=False,
        help_text=_("Ngân hàng mà cổng không tới được luôn đi qua bảng kê Kho bạc."),
        error_messages={"invalid_choice": _("Chọn cách chuyển khoản trong danh sách.")},
    )
    execution_date = forms.DateField(
        label=_("Ngày chi"),
        help_text=_("Tiền được gửi từ ngày này, sau khi duyệt."),
        input_formats=["%Y-%m-%d", "%d/%m/%Y"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"required": _("Chọn ngày chi."), "invalid": _("Ghi ngày chi dạng ngày/tháng/năm.")},
    )

    def __init__(
        self, *arguments: Any, units: set[str] | None, today: date, first_day: date | None = None, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.today = today
        funds = Fund.objects.filter(is_open=True).order_by("-year", "code")
        fund, unit, period = self.fields["fund"], self.fields["unit"], self.fields["period"]
        assert isinstance(fund, forms.ModelChoiceField)
        assert isinstance(unit, UnitField)
        assert isinstance(period, MonthField)
        fund.queryset = funds if units is None else funds.filter(Q(unit=None) | Q(unit__in=units))
        unit.offer(units, today)
        if units is None:
            unit.required, unit.empty_label = False, _("Toàn thành phố")
        period.offer(today)
        self.fields["execution_date"].initial = first_day or today

    def clean_accounts_by(self) -> Route:
        """The gateway, where nothing else was asked for."""
        return Route(self.cleaned_data["accounts_by"] or Route.GATEWAY)

    def clean_execution_date(self) -> date:
        """Neither a day that is over nor one so far ahead that nobody means it."""
        day: date = self.cleaned_data["execution_date"]
        if day < self.today:
            raise forms.ValidationError(_("Ngày chi không được trước hôm nay."), code="past")
        if day - self.today > PAID_WITHIN:
            raise forms.ValidationError(_("Ngày chi không được sau hôm nay quá 62 ngày."), code="far")
        return day

    def clean(self) -> dict[str, Any] | None:
        """A ward's fund pays that ward's lists."""
        told = super().clean() or self.cleaned_data
        fund = told.get("fund")
        if fund is not None and "unit" in told:
            unit = told["unit"]
            if fund.unit_id is not None and fund.unit_id != (unit.pk if unit else None):
                self.add_error("fund", _("Nguồn này của đơn vị khác."))
        return told


class BatchFilter(forms.Form):
    """Which batches a page lists; nothing is needed, and what makes no sense filters nothing."""

    unit = forms.CharField(required=False, max_length=5)
    period = MonthField(label=_("Kỳ"), required=False)
    state = forms.ChoiceField(label=_("Trạng thái"), required=False)

    def __init__(self, *arguments: Any, today: date, **options: Any) -> None:
        super().__init__(*arguments, **options)
        period, state = self.fields["period"], self.fields["state"]
        assert isinstance(period, MonthField)
        assert isinstance(state, forms.ChoiceField)
        period.offer(today, nothing=str(_("Mọi kỳ")))
        state.choices = [("", _("Mọi trạng thái")), *BatchState.choices]


class TransferFilter(forms.Form):
    """Which payments of a list a page shows."""

    name = forms.CharField(
        label=_("Tìm theo tên"),
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"data-search": "", "autocomplete": "off"}),
    )
    route = forms.ChoiceField(label=_("Cách chi"), required=False, choices=[("", _("Mọi cách")), *Route.choices])
    state = forms.ChoiceField(
        label=_("Trạng thái"), required=False, choices=[("", _("Mọi trạng thái")), *TransferState.choices]
    )


class ReasonForm(forms.Form):
    """Why a list is taken back, returned, held or let go on; the reason stays in the trail for ever."""

    reason = ReasonField(
        longest=REASON_MAX, help_text=_("Ít nhất 10 ký tự. Không ghi số căn cước, số tài khoản, số điện thoại.")
    )


class TotalForm(forms.Form):
    """The total that the approver releases, typed by himself."""

    total = forms.CharField(
        label=_("Gõ lại tổng số tiền được chi (đồng)"),
        help_text=_("Có thể dùng dấu chấm, ví dụ 26.650.000"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "welfare-number"}),
        error_messages={"required": _("Gõ lại tổng số tiền.")},
    )

    def __init__(self, *arguments: Any, expected: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.expected = expected

    def clean_total(self) -> int:
        """The sum of the list and no other."""
        text = without_unit(self.cleaned_data["total"].strip())
        if not _TOTAL.fullmatch(text):
            raise forms.ValidationError(_("Không đọc được số tiền. Ghi bằng chữ số."), code="unreadable")
        total = int(re.sub(r"[^0-9]", "", text))
        if total != self.expected:
            raise forms.ValidationError(
                _("Số tiền không đúng với tổng của danh sách. Xem lại rồi gõ lại."), code="wrong"
            )
        return total
