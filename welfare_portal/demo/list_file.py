"""An invented list as a file: what a ward would send, with its block of headings, its totals and its signatures.

Written row by row in constant memory; texts are written as texts, so that no cell becomes a formula and no leading
zero is lost. The columns are those that the reader knows (`beneficiaries.register_file.columns`).
"""

import csv
import datetime
from collections.abc import Callable, Iterable
from pathlib import Path

import xlsxwriter

from beneficiaries.register_file.columns import BY_KEY
from foundation.reference import files
from welfare_portal.demo.people import PERIOD, ListedPerson

Cell = str | int | float | None

_SEX = {"M": "Nam", "F": "Nữ"}
_KIND = {"WARD": "PHƯỜNG", "COMMUNE": "XÃ", "SPECIAL_ZONE": "ĐẶC KHU"}
_BANKS = {row["bin"]: row["short_name"] for row in files.rows(files.NATIONAL / "banks.csv")}

_WRITTEN: tuple[tuple[str, Callable[[ListedPerson], Cell]], ...] = (
    ("seq", lambda person: person.seq),
    ("full_name", lambda person: person.full_name),
    ("birth", lambda person: str(person.birth)),
    ("sex", lambda person: _SEX[person.sex]),
    ("national_id", lambda person: person.national_id),
    ("address", lambda person: person.address),
    ("neighbourhood", lambda person: person.neighbourhood),
    ("line", lambda person: person.line),
    ("coefficient", lambda person: float(person.coefficient)),
    ("decision_number", lambda person: person.decision_number),
    ("decision_date", lambda person: _day(person.decision_date)),
    ("valid_from", lambda person: _day(person.valid_from)),
    ("benefit_book", lambda person: person.benefit_book),
    ("amount", lambda person: person.amount),
    ("arrears_months", lambda person: person.arrears_months or None),
    ("arrears_amount", lambda person: person.arrears_amount or None),
    ("total", lambda person: person.total),
    ("channel", lambda person: "Chuyển khoản" if person.account else "Tiền mặt"),
    ("bank", lambda person: _BANKS[person.account.bank_bin] if person.account else None),
    ("account_number", lambda person: person.account.number if person.account else None),
    ("holder_name", lambda person: person.holder_name or None),
    ("payee_name", lambda person: person.payee.full_name if person.payee else None),
    ("payee_national_id", lambda person: person.payee.national_id if person.payee else None),
    ("relation", lambda person: person.payee.relation if person.payee else None),
    ("phone", lambda person: person.phone or None),
    ("note", lambda person: person.note or None),
)
HEADINGS = [BY_KEY[key].heading for key, _ in _WRITTEN]


def write_xlsx(
    path: Path, people: Iterable[ListedPerson], *, ward_code: str = "26743", period: datetime.date = PERIOD
) -> int:
    """Write the list of a ward for the month of `period`; returns the lines, at most 1,048,560 (a sheet is full)."""
    ward = _ward(ward_code)
    texts = files.city_texts()
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0"})
        heading = book.add_format({"bold": True, "text_wrap": True, "border": 1, "valign": "vcenter"})
        sheet = book.add_worksheet("Danh sách")
        sheet.set_column(0, len(HEADINGS) - 1, 16)
        office = texts["paper"]["office"].format(unit_kind=_KIND[ward["kind"]], unit=ward["name"].upper())
        for row, (left, right) in enumerate(
            (
                (office, texts["paper"]["motto"][0]),
                ("", texts["paper"]["motto"][1]),
                (texts["titles"]["register_list"], ""),
                (f"Tháng {period:%m} năm {period:%Y}", ""),
            )
        ):
            sheet.write_string(row, 0, left, bold)
            sheet.write_string(row, 12, right, bold)
        for column, text in enumerate(HEADINGS):
            sheet.write_string(5, column, text, heading)
        row = 6
        total = 0
        for person in people:
            total += person.total
            for column, (_, of) in enumerate(_WRITTEN):
                value = of(person)
                if isinstance(value, str):
                    sheet.write_string(row, column, value)
                elif value is not None:
                    sheet.write_number(row, column, value, money if value >= 1000 else None)
            row += 1
        lines = row - 6
        sheet.write_string(row, 1, "Tổng cộng", bold)
        sheet.write_number(row, [key for key, _ in _WRITTEN].index("total"), total, money)
        sheet.write_string(row + 2, 1, texts["signatures"]["prepared_by"], bold)
        sheet.write_string(row + 2, 12, texts["signatures"]["chairman"], bold)
    return lines


def write_csv(path: Path, people: Iterable[ListedPerson]) -> int:
    """Write the same columns as UTF-8 with a byte-order mark, which Excel needs; the number of lines."""
    lines = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for person in people:
            writer.writerow([of(person) for _, of in _WRITTEN])
            lines += 1
    return lines


def _day(day: datetime.date) -> str:
    return day.strftime("%d/%m/%Y")


def _ward(code: str) -> dict[str, str]:
    for row in files.rows(files.CITY / "units.csv"):
        if row["code"] == code:
            return row
    raise LookupError(f"No unit {code} in units.csv.")
