"""An empty list to begin from: every heading that is known, and one worked line that the check refuses until it is replaced."""

import io

import xlsxwriter

from beneficiaries.register_file.columns import COLUMNS

# The ID is words, so that a line that was forgotten is found by the check and can never be written.
EXAMPLE: dict[str, str | int] = {
    "seq": 1,
    "full_name": "Nguyễn Thị Ví Dụ",
    "birth": "01/05/1948",
    "sex": "Nữ",
    "national_id": "Ghi đủ 12 chữ số",
    "address": "12 Lê Lợi",
    "neighbourhood": "Khu phố 3",
    "line": "HTXH",
    "coefficient": 1,
    "decision_number": "15/QĐ-UBND",
    "decision_date": "10/08/2025",
    "valid_from": "01/08/2025",
    "benefit_book": "BT-001",
    "amount": 650_000,
    "total": 650_000,
    "channel": "Chuyển khoản",
    "bank": "Vietcombank",
    "account_number": "0071000123456",
    "holder_name": "NGUYEN THI VI DU",
    "phone": "0901234567",
    "note": "Dòng ví dụ: xoá trước khi gửi",
}
AS_TEXT = {"national_id", "account_number", "payee_national_id", "phone", "decision_number", "birth"}


def blank_xlsx() -> bytes:
    """A workbook with our headings, the needed ones marked, and the worked line; numbers of people are text columns."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        text = book.add_format({"num_format": "@"})
        heading = {"bold": True, "text_wrap": True, "border": 1, "valign": "vcenter"}
        plain, needed = book.add_format(heading), book.add_format(heading | {"bg_color": "#F5C542"})
        sheet = book.add_worksheet("Danh sách")
        sheet.freeze_panes(1, 2)
        sheet.set_row(0, 48)
        for number, column in enumerate(COLUMNS):
            sheet.set_column(number, number, 18, text if column.key in AS_TEXT else None)
            sheet.write_string(0, number, column.heading, needed if column.required else plain)
            value = EXAMPLE.get(column.key)
            if isinstance(value, str):
                sheet.write_string(1, number, value, text)
            elif value is not None:
                sheet.write_number(1, number, value)
    return target.getvalue()
