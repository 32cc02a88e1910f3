"""Small lists for tests: one right line to start from, files made of such lines, and workbooks tampered with."""

import csv
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xlsxwriter

from beneficiaries.register_file.columns import BY_KEY

Row = dict[str, Any]
KEYS = [
    "seq", "full_name", "birth", "sex", "national_id", "address", "neighbourhood", "line", "coefficient",
    "decision_number", "decision_date", "valid_from", "benefit_book", "amount", "arrears_months", "arrears_amount",
    "total", "channel", "bank", "account_number", "holder_name", "payee_name", "payee_national_id", "relation",
    "authority", "authority_to", "phone", "note",
]  # fmt: skip
HEADINGS = [BY_KEY[key].heading for key in KEYS]
RIGHT: Row = {
    "seq": 1,
    "full_name": "Nguyễn Thị Hoà",
    "birth": "01/05/1948",
    "sex": "Nữ",
    "national_id": "079148001234",
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
    "holder_name": "NGUYEN THI HOA",
    "phone": "0903123456",
}
CASH: Row = {"channel": "Tiền mặt", "bank": None, "account_number": None, "holder_name": None}
CHILD: Row = {
    "full_name": "Trần Minh Khang",
    "birth": "03/02/2017",
    "sex": "Nam",
    "national_id": "079217000777",
    "line": "TE-A2",
    "coefficient": 1.5,
    "amount": 975_000,
    "total": 975_000,
    "account_number": "0071000456789",
    "holder_name": "TRAN THI LAN",
    "payee_name": "Trần Thị Lan",
    "payee_national_id": "077155000111",
    "relation": "Bà ngoại",
}


def line(**changes: Any) -> Row:
    """The right line with some cells changed; None empties a cell."""
    return {key: value for key, value in (RIGHT | changes).items() if value is not None}


def other(number: int, **changes: Any) -> Row:
    """Another person's right line, paid in cash."""
    return line(
        **CASH
        | {"seq": number, "full_name": "Lê Văn Ba", "national_id": f"0790480{number:05d}", "sex": "Nam"}
        | changes
    )


def table(rows: Sequence[Row], headings: Sequence[str] = HEADINGS) -> list[list[Any]]:
    """Header and rows as cells, in the order of KEYS."""
    return [list(headings), *([row.get(key) for key in KEYS] for row in rows)]


def xlsx(cells: Sequence[Sequence[Any]], *, arrange: Callable[[Any, Any], None] | None = None) -> bytes:
    """A workbook with one sheet of these cells; `arrange` gets workbook and sheet before it is closed."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Danh sách")
        for number, row in enumerate(cells):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, column, value)
                elif value is not None:
                    sheet.write(number, column, value)
        if arrange is not None:
            arrange(book, sheet)
    return target.getvalue()


def list_xlsx(*rows: Row, **options: Any) -> bytes:
    """A workbook with the usual header and these lines."""
    return xlsx(table(rows), **options)


def text_file(cells: Sequence[Sequence[Any]], *, encoding: str = "utf-8-sig", delimiter: str = ",") -> bytes:
    """The cells as a text file."""
    target = io.StringIO()
    csv.writer(target, delimiter=delimiter).writerows(cells)
    return target.getvalue().encode(encoding)


def tampered(content: bytes, changes: Mapping[str, Callable[[bytes], bytes]], **added: bytes) -> bytes:
    """The workbook with members changed by name, and members added (`xl__x.bin` stands for `xl/x.bin`)."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            data = old.read(member.filename)
            new.writestr(member.filename, changes.get(member.filename, bytes)(data))
        for name, data in added.items():
            new.writestr(name.replace("__", "/"), data)
    return target.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def replacing(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """A change for `tampered`; it fails when there is nothing to change, so that an attack is never an empty one."""

    def change(data: bytes) -> bytes:
        if old not in data:
            raise AssertionError(f"{old!r} is not there")
        return data.replace(old, new, 1)

    return change
