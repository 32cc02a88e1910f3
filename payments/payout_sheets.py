"""How a list for the Treasury or the payment service looks: the same rows as .csv for machines and as .xlsx for people.

The Treasury's is Mẫu 09 of its circular (NĐ 11/2020). The same rows give the same bytes: the workbook's date is the day on which
the list was made, not the moment at which it is drawn. Empty columns at the end are for the answer, so that the list itself can
come back filled in.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

import xlsxwriter

from foundation.reference.spreadsheets import as_text
from foundation.users.access import CITY_TIME
from payments.states import Route

Cells = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column: under which key its cells stand, what is above it, how wide it is, and whether it is money."""

    key: str
    heading: str
    width: int
    is_money: bool = False


_NUMBER = SheetColumn("number", "STT", 6)
_NAME = SheetColumn("name", "Họ và tên", 28)
_CODE = SheetColumn("code", "Mã khoản chi", 38)
_ANSWER = (
    SheetColumn("outcome", "Kết quả", 12),
    SheetColumn("reason", "Lý do", 24),
    SheetColumn("paid_date", "Ngày chi", 12),
    SheetColumn("reference", "Số chứng từ", 18),
)
COLUMNS: dict[Route, tuple[SheetColumn, ...]] = {
    Route.TREASURY_FILE: (
        _NUMBER,
        _NAME,
        SheetColumn("account", "Số tài khoản người hưởng", 22),
        SheetColumn("bank", "Tên ngân hàng", 30),
        SheetColumn("amount", "Tổng số", 14, is_money=True),
        SheetColumn("arrears", "Truy lĩnh", 14, is_money=True),
        SheetColumn("allowance", "Phụ cấp và trợ cấp khác", 16, is_money=True),
        SheetColumn("note", "Ghi chú", 20),
        _CODE,
        *_ANSWER,
    ),
    Route.PAYMENT_SERVICE: (
        _NUMBER,
        _NAME,
        SheetColumn("birth", "Năm sinh", 10),
        SheetColumn("national_id", "Số định danh", 18),
        SheetColumn("address", "Địa chỉ", 32),
        SheetColumn("neighbourhood", "Khu phố", 16),
        SheetColumn("delivery", "Hình thức", 18),
        SheetColumn("service_code", "Mã khách hàng", 16),
        SheetColumn("amount", "Số tiền", 14, is_money=True),
        _CODE,
        *_ANSWER,
    ),
}
FIRST_ROW = 8  # below the letterhead; the headings repeat on every page


def write_csv(*, route: Route, rows: Iterable[Cells]) -> bytes:
    """The rows with their headings; a byte order mark tells spreadsheets that it is UTF-8."""
    text = io.StringIO()
    table = csv.writer(text)
    columns = COLUMNS[route]
    table.writerow(column.heading for column in columns)
    for row in rows:
        table.writerow(_plain(row.get(column.key, "")) for column in columns)
    return text.getvalue().encode("utf-8-sig")


def _plain(value: str | int) -> str:
    return str(value) if isinstance(value, int) else as_text(value)


def write_sheet(
    *, route: Route, heading: Mapping[str, Any], rows: Iterable[Cells], made_at: datetime, file: BinaryIO
) -> None:
    """The list as it is printed and signed: letterhead, rows, total in figures and words, signatures."""
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": False, "strings_to_formulas": False})
    book.set_properties({"created": made_at.astimezone(CITY_TIME).replace(tzinfo=None, microsecond=0)})
    sheet = book.add_worksheet("Bảng kê")
    bold = book.add_format({"bold": True})
    columns = COLUMNS[route]
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(FIRST_ROW)
    sheet.set_footer(f"&L{heading['list']}&RTrang &P/&N")
    for index, column in enumerate(columns):
        sheet.set_column(index, index, column.width)
    for row, text in enumerate(heading["left"]):
        sheet.write_string(row, 0, text, bold if row == 0 else None)
        if row < len(heading["motto"]):
            sheet.write_string(row, len(columns) - 6, heading["motto"][row], bold)
    last = _write_rows(book, sheet, columns, rows)
    sheet.write_string(last + 1, 1, f"Tổng cộng: {heading['count']} khoản", bold)
    amount = next(index for index, column in enumerate(columns) if column.key == "amount")
    sheet.write_number(last + 1, amount, heading["sum"], book.add_format({"bold": True, "num_format": "#,##0"}))
    sheet.write_string(last + 2, 1, f"Bằng chữ: {heading['in_words']}")
    for index, text in enumerate(heading["signatures"]):
        sheet.write_string(last + 4, 1 + 3 * index, text, bold)
    book.close()


def _write_rows(book: Any, sheet: Any, columns: tuple[SheetColumn, ...], rows: Iterable[Cells]) -> int:
    """The number of the last row, counted from zero."""
    head = book.add_format({"bold": True, "border": 1, "text_wrap": True, "valign": "vcenter", "align": "center"})
    cell = book.add_format({"border": 1, "valign": "vcenter", "num_format": "@"})
    money = book.add_format({"border": 1, "num_format": "#,##0", "valign": "vcenter"})
    for index, column in enumerate(columns):
        sheet.write_string(FIRST_ROW, index, column.heading, head)
    at = FIRST_ROW
    for row in rows:
        at += 1
        for index, column in enumerate(columns):
            value = row.get(column.key, "")
            if isinstance(value, int):
                sheet.write_number(at, index, value, money if column.is_money else cell)
            else:
                sheet.write_string(at, index, value, cell)
    return at
