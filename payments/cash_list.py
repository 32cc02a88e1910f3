"""The list that lies on the ward's cash desk: who is paid what, and where to sign. Streamed, printable on A4 across.

It names neither a sensitive scheme nor a whole ID number: the list is seen by everybody in the queue.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import xlsxwriter
from django.db import connection

from foundation.privacy.encryption import decrypt
from foundation.privacy.masking import mask_national_id
from foundation.reference.files import city_texts
from payments.models import PayoutBatch

HEADINGS = ("STT", "Họ và tên người nhận", "Số định danh", "Khu phố", "Khoản chi", "Số tiền (đồng)", "Ký nhận")
WIDTHS = (6, 30, 18, 16, 30, 16, 24)


@dataclass(frozen=True, slots=True)
class CashLine:
    """One payment on the cash list; `national_id` is masked."""

    number: int
    transfer_id: int
    receiver: str
    national_id: str
    neighbourhood: str
    reason: str
    amount: int


LINES = """
SELECT t.id, t.creditor_name, m.id, m.national_id_encrypted, coalesce(n.name, ''), t.instructed_amount,
       (SELECT string_agg(DISTINCT pl.public_name, ', ') FROM payments_payout_line l
        JOIN beneficiaries_entitlement e ON e.id = l.entitlement_id
        JOIN beneficiaries_programme_line pl ON pl.id = e.programme_line_id WHERE l.transfer_id = t.id)
FROM payments_transfer t
JOIN beneficiaries_payee p ON p.id = t.payee_id
LEFT JOIN beneficiaries_person m ON m.id = p.person_id
LEFT JOIN reference_neighbourhood n ON n.id = m.neighbourhood_id
WHERE t.batch_id = %s AND t.route = 'WARD_CASH' AND t.state <> 'EXCLUDED'
ORDER BY n.sort_key NULLS LAST, m.name_sort_key, t.id
"""


def cash_lines(*, batch_id: int) -> Iterator[CashLine]:
    """The cash payments of a batch by khu phố and name, a thousand at a time."""
    with connection.cursor() as cursor:
        cursor.execute(LINES, [batch_id])
        number = 0
        while rows := cursor.fetchmany(1_000):
            for transfer_id, name, person_id, secret, neighbourhood, amount, reason in rows:
                number += 1
                plain = decrypt(secret, context="person.national_id", row_id=person_id) if secret else None
                yield CashLine(number, transfer_id, name, mask_national_id(plain), neighbourhood, reason or "", amount)


def write_cash_list(*, batch: PayoutBatch, file: BinaryIO) -> int:
    """Write the signing list of a batch as .xlsx; how many payments stand on it."""
    texts = city_texts()
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": False})
    bold = book.add_format({"bold": True})
    heading = book.add_format({"bold": True, "border": 1, "text_wrap": True, "valign": "vcenter", "align": "center"})
    cell = book.add_format({"border": 1, "valign": "vcenter"})
    money = book.add_format({"border": 1, "num_format": "#,##0", "valign": "vcenter"})
    sheet = book.add_worksheet("Danh sách ký nhận")
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(5)
    sheet.set_footer(f"&LĐợt {batch.pk}, bản {batch.version}, mã danh sách {_short_hash(batch)}&RTrang &P/&N")
    for column, width in enumerate(WIDTHS):
        sheet.set_column(column, column, width)
    unit = batch.unit.full_name if batch.unit else texts["city"]["name"]
    sheet.write_string(0, 0, f"ỦY BAN NHÂN DÂN {unit.upper()}", bold)
    sheet.write_string(0, 4, texts["paper"]["motto"][0], bold)
    sheet.write_string(1, 4, texts["paper"]["motto"][1], bold)
    sheet.write_string(2, 0, texts["titles"]["payout_list"], bold)
    sheet.write_string(3, 0, f"Tháng {batch.period:%m} năm {batch.period:%Y} – nhận tiền mặt")
    for column, text in enumerate(HEADINGS):
        sheet.write_string(5, column, text, heading)
    row, total = 5, 0
    for line in cash_lines(batch_id=batch.pk):
        row += 1
        total += line.amount
        sheet.set_row(row, 24)
        sheet.write_number(row, 0, line.number, cell)
        for column, text in ((1, line.receiver), (2, line.national_id), (3, line.neighbourhood), (4, line.reason)):
            sheet.write_string(row, column, text, cell)
        sheet.write_number(row, 5, line.amount, money)
        sheet.write_string(row, 6, "", cell)
    sheet.write_string(row + 1, 1, "Tổng cộng", bold)
    sheet.write_number(row + 1, 5, total, money)
    for column, key in ((0, "prepared_by"), (3, "accountant"), (5, "chairman")):
        sheet.write_string(row + 3, column, texts["signatures"][key].replace("\n", " – "), bold)
    book.close()
    return row - 5


def _short_hash(batch: PayoutBatch) -> str:
    return bytes(batch.list_hash).hex()[:16] if batch.list_hash is not None else "chưa trình"
