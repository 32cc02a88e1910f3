"""What a line of a list comes to: this month by rate and coefficient, unpaid months by the rates of their time."""

import datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from beneficiaries.register_file.cells import Cells
from beneficiaries.register_file.reading import Cell
from beneficiaries.register_file.tables import LineTable, Tables
from foundation.reference.amounts import format_amount, parse_amount
from foundation.reference.rates import months_before
from foundation.reference.values import InvalidValue

MAX_ARREARS_MONTHS = 12


def read_amounts(
    cells: Cells,
    tables: Tables,
    *,
    period: datetime.date,
    line: LineTable | None,
    coefficient: Decimal | None,
    valid_from: datetime.date | None,
) -> tuple[int | None, int, int]:
    """This month's amount, the number of unpaid months and their sum, in đồng; the amount None where unreadable."""
    amount = cells.read("amount", _amount)
    months = cells.read("arrears_months", _months, required=False) or 0
    arrears = cells.read("arrears_amount", _amount, required=False) or 0
    total = cells.read("total", _amount, required=False)
    if line is None or coefficient is None or line.period != "MONTH":
        return amount, months, arrears
    expected = tables.rates.amount(line.standard, coefficient, period)
    if expected is None:
        cells.add(
            "amount", "RATE_MISSING", _("Chưa có mức chuẩn của chế độ này cho tháng đó."), _("Báo quản trị viên.")
        )
    elif amount is not None and amount != expected:
        cells.add(
            "amount",
            "AMOUNT_DIFFERS",
            _("Số tiền không bằng mức chuẩn nhân hệ số."),
            _("Sửa số tiền, hệ số hoặc mã đối tượng cho khớp nhau."),
            expected=format_amount(expected),
        )
    _arrears(
        cells,
        tables,
        period=period,
        line=line,
        coefficient=coefficient,
        valid_from=valid_from,
        months=months,
        arrears=arrears,
    )
    if total is not None and amount is not None and total != amount + arrears:
        cells.add(
            "total",
            "TOTAL_DIFFERS",
            _("Tổng số tiền không bằng tiền tháng này cộng tiền chưa trả."),
            _("Tính lại tổng của dòng này."),
            expected=format_amount(amount + arrears),
        )
    return amount, months, arrears


def _arrears(
    cells: Cells,
    tables: Tables,
    *,
    period: datetime.date,
    line: LineTable,
    coefficient: Decimal,
    valid_from: datetime.date | None,
    months: int,
    arrears: int,
) -> None:
    unpaid = months_before(period, months)
    if unpaid and valid_from is not None and unpaid[-1] < valid_from.replace(day=1):
        cells.add(
            "arrears_months",
            "ARREARS_BEFORE_START",
            _("Số tháng chưa trả nhiều hơn số tháng đã được hưởng."),
            _("Xem lại số tháng chưa trả và ngày hưởng."),
        )
        return
    owed = sum(tables.rates.amount(line.standard, coefficient, month) or 0 for month in unpaid)
    if owed != arrears:
        cells.add(
            "arrears_amount",
            "ARREARS_DIFFER",
            _("Số tiền chưa trả không khớp số tháng chưa trả."),
            _("Tính lại theo mức của từng tháng chưa trả."),
            expected=format_amount(owed),
        )


def _amount(value: Cell) -> int:
    return parse_amount(value if isinstance(value, int | float) else str(value))


def _months(value: Cell) -> int:
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    if not (text.isascii() and text.isdigit() and int(text[:4]) <= MAX_ARREARS_MONTHS):
        raise InvalidValue("MONTHS_UNREADABLE", _("Số tháng chưa trả không đúng."), _("Ghi số từ 0 đến 12."))
    return int(text)
