"""A whole list, checked as it streams: line by line, and lines against each other; in memory that does not grow with
it.

What lines are held against (has this person had this line already, whose account is this) is kept in a private SQLite
file that spills to disk, as salted 61-bit hashes: no number of a person is on the disk in clear.
"""

import datetime
import secrets
import sqlite3
import unicodedata
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Self

from django.utils.translation import gettext_lazy as _

from beneficiaries.register_file.columns import folded
from beneficiaries.register_file.problems import Findings, Problem, Severity, UnreadableList
from beneficiaries.register_file.reading import RawList, RawRow, open_list
from beneficiaries.register_file.row_check import RowCheck
from beneficiaries.register_file.rows import Channel, RegisterRow
from beneficiaries.register_file.tables import Tables
from foundation.reference.amounts import format_amount, parse_amount
from foundation.reference.names import place_key
from foundation.reference.values import InvalidValue, Text

CHUNK = 5_000
_TOTALS = ("tong cong", "tong so", "cong", "tong")


class Seen:
    """What has stood in the list before: the first row and value for each kind and key."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file, gone with the connection
        self._database.execute("PRAGMA cache_size = -32000")
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(
            "CREATE TABLE seen (kind INTEGER, key INTEGER, value INTEGER, row INTEGER, PRIMARY KEY (kind, key))"
            " WITHOUT ROWID"
        )
        self._database.execute("BEGIN")  # one transaction for all: a commit for each line costs more than the line
        self._salt = secrets.token_bytes(16)

    def first(self, kind: int, key: object, value: object, row: int) -> tuple[bool, int] | None:
        """None where the key is new; else whether it stood there with this value, and in which row first."""
        hashed, told = hash((self._salt, key)), hash((self._salt, value))
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", (kind, hashed, told, row))
        if added.rowcount:
            return None
        before, first_row = self._database.execute(
            "SELECT value, row FROM seen WHERE kind = ? AND key = ?", (kind, hashed)
        ).fetchone()
        return before == told, first_row

    def close(self) -> None:
        """Drop the temporary file."""
        self._database.close()


LINE, NAME_OF, PERSON, CHANNEL_OF, NAMED, ACCOUNT_OF, HOLDER_OF = range(7)


class CheckedList:
    """A list while it is read: `chunks` yields what is in order, `findings` grows with it, the counts are right at
    the end.

    A context manager, since it holds a temporary file. The rows can be read once.
    """

    def __init__(self, file: BinaryIO, tables: Tables, *, period: datetime.date, today: datetime.date) -> None:
        """Open the list; `period` is the first day of its month.

        Raises:
            UnreadableList: As `open_list`.
        """
        self.raw: RawList = open_list(file)
        self.tables = tables
        self.period = period
        self.findings = Findings()
        self.lines = 0
        self.total = 0
        self._check = RowCheck(tables, period=period, today=today)
        self._seen = Seen()
        self._total_row = 0
        self._judge_head()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._seen.close()

    @property
    def knows_payees(self) -> bool:
        """Whether the list has columns for receivers: without them it says nothing about who receives."""
        return not {"payee_name", "payee_national_id"}.isdisjoint(self.raw.keys)

    def chunks(self) -> Iterator[list[RegisterRow]]:
        """The lines in order, at most 5,000 at a time; lines with an ERROR are only in `findings`.

        Raises:
            UnreadableList: EMPTY, at the end of a list without a single line; others when the text breaks off midway.
        """
        chunk: list[RegisterRow] = []
        for raw in self.raw.rows:
            if self._is_total(raw) or not self._is_line(raw):
                continue
            self.lines += 1
            row = self._line(raw)
            if row is None:
                continue
            self.total += row.total
            chunk.append(row)
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
        if not self.lines:
            raise UnreadableList("EMPTY", _("Danh sách không có dòng nào."), _("Kiểm tra lại tệp rồi tải lên."))
        if chunk:
            yield chunk

    # --- The list as a whole ---
    def _judge_head(self) -> None:
        if self.raw.period is not None and self.raw.period != self.period:
            self._note(
                0,
                "",
                "PERIOD_OTHER",
                _("Tháng ghi trên danh sách khác tháng đã chọn."),
                _("Chọn đúng tháng, hoặc sửa dòng “Tháng …” ở đầu danh sách."),
                found=f"{self.raw.period:%m/%Y}",
                expected=f"{self.period:%m/%Y}",
            )
        code = self._office_code(self.raw.office)
        if code is not None and code != self.tables.unit_code:
            self._note(
                0,
                "",
                "OFFICE_OTHER",
                _("Danh sách này của phường, xã khác."),
                _("Chọn đúng tệp của phường, xã mình."),
                found=self.raw.office,
                expected=self.tables.unit_name,
            )
        if self.raw.unknown_headings:
            self._note(
                self.raw.header_row,
                "",
                "COLUMN_UNKNOWN",
                _("Có cột không dùng đến."),
                _("Không cần làm gì nếu cột này chỉ để ghi thêm."),
                found=", ".join(self.raw.unknown_headings)[:200],
                severity=Severity.WARNING,
            )

    def _office_code(self, office: str) -> str | None:
        text = unicodedata.normalize("NFC", office).lower()
        for kind in ("phường ", "xã ", "đặc khu "):
            if (place := text.rfind(kind)) >= 0:
                return self.tables.units.get(place_key(text[place : place + 80]))
        return None

    def _note(
        self,
        row: int,
        column: str,
        code: str,
        message: Text,
        repair: Text,
        *,
        found: str = "",
        expected: str = "",
        severity: Severity = Severity.ERROR,
    ) -> None:
        self.findings.add(Problem(row, column, code, message, repair, severity, found, expected))

    # --- Lines ---
    def _is_total(self, raw: RawRow) -> bool:
        """Whether this is the row of totals; what it tells is compared, once all is summed up."""
        if "national_id" in raw.cells or "line" in raw.cells:
            return False
        words = [folded(cell) for cell in raw.cells.values() if isinstance(cell, str)]
        if not any(word in _TOTALS or word.startswith(("tong cong", "tong so")) for word in words):
            return False
        self._total_row = raw.number
        told = raw.cells.get("total")
        if isinstance(told, str | int | float) and not isinstance(told, bool):
            try:
                differs = parse_amount(told) != self.total
            except InvalidValue:
                differs = False  # a word, such as a unit: nothing is told
            if differs and not self.findings.errors:
                self._note(
                    raw.number,
                    "total",
                    "LIST_TOTAL_DIFFERS",
                    _("Dòng tổng cộng không bằng tổng các dòng."),
                    _("Tính lại dòng tổng cộng."),
                    found=str(told)[:40],
                    expected=format_amount(self.total),
                    severity=Severity.WARNING,
                )
        return True

    def _is_line(self, raw: RawRow) -> bool:
        """Whether the row speaks of a person; headings of groups, remarks and signatures do not."""
        return bool({"national_id", "line"} & raw.cells.keys()) or {"seq", "full_name", "amount"} <= raw.cells.keys()

    def _line(self, raw: RawRow) -> RegisterRow | None:
        row, problems = self._check.check(raw)
        self.findings.extend(problems)
        errors = self.findings.errors
        if self._total_row:
            self._note(
                raw.number,
                "",
                "ROW_AFTER_TOTAL",
                _("Có dòng người hưởng sau dòng tổng cộng."),
                _("Chuyển dòng này lên trên dòng tổng cộng."),
            )
        self._judge_layout(raw.number)
        if row is not None:
            self._judge_against_others(row)
        return row if self.findings.errors == errors else None

    def _judge_layout(self, number: int) -> None:
        if number in self.raw.formula_rows:
            self._note(
                number,
                "",
                "FORMULA",
                _("Dòng có công thức; kết quả nhìn thấy có thể không phải số đã lưu."),
                _("Chép rồi dán dạng Giá trị (Paste Values)."),
            )
        if number in self.raw.hidden_rows:
            self._note(number, "", "HIDDEN_ROW", _("Dòng đang bị ẩn."), _("Hiện dòng ẩn ra, xem lại rồi lưu."))
        if any(top <= number <= bottom for top, bottom in self.raw.merged):
            self._note(number, "", "MERGED_CELLS", _("Dòng có ô bị gộp."), _("Bỏ gộp ô và ghi đủ từng ô."))

    def _judge_against_others(self, row: RegisterRow) -> None:
        number = row.number
        if again := self._seen.first(LINE, (row.national_id, row.line_id), None, number):
            self._twice(
                number,
                "national_id",
                "DUPLICATE_LINE",
                _("Người này đã có ở dòng khác với cùng mã đối tượng."),
                _("Xoá một trong hai dòng."),
                first_row=again[1],
            )
        name = place_key(row.full_name)
        self._judge_person(number, "national_id", row.national_id, name)
        # Two lines of one person must tell the same of him, or the last line would win by chance.
        himself = (row.birth, row.sex, row.address, row.neighbourhood_id)
        again = self._seen.first(PERSON, row.national_id, himself, number)
        if again and not again[0]:
            self._twice(
                number,
                "birth",
                "PERSON_DIFFERS",
                _("Ngày sinh, giới tính, địa chỉ hoặc khu phố khác với dòng kia của cùng người này."),
                _("Ghi giống nhau ở mọi dòng của một người."),
                first_row=again[1],
            )
        again = self._seen.first(CHANNEL_OF, row.payee_national_id, row.channel, number)
        if again and not again[0]:
            self._twice(
                number,
                "channel",
                "PAYEE_TWO_CHANNELS",
                _("Người nhận này có hình thức chi trả khác ở dòng khác."),
                _("Ghi một hình thức cho mọi dòng của một người nhận."),
                first_row=again[1],
            )
        if row.payee is not None:
            self._judge_person(number, "payee_national_id", row.payee.national_id, place_key(row.payee.full_name))
        if row.birth.precision == "DAY":
            again = self._seen.first(NAMED, (name, row.birth.date), row.national_id, number)
            if again and not again[0]:
                self._twice(
                    number,
                    "full_name",
                    "SAME_NAME_AND_BIRTH",
                    _("Có người trùng họ tên, ngày sinh nhưng khác số định danh."),
                    _("Kiểm tra có phải một người ghi hai lần không."),
                    first_row=again[1],
                    severity=Severity.WARNING,
                )
        if row.channel is Channel.ACCOUNT:
            self._judge_account(row)

    def _judge_person(self, number: int, column: str, national_id: str, name: str) -> None:
        """A personal ID stands for one name in the whole list, whether its owner is paid for himself or for others."""
        again = self._seen.first(NAME_OF, national_id, name, number)
        if again and not again[0]:
            self._twice(
                number,
                column,
                "ID_OF_TWO_PEOPLE",
                _("Số định danh này đã ghi cho người khác trong danh sách."),
                _("Đối chiếu căn cước của hai người."),
                first_row=again[1],
            )

    def _judge_account(self, row: RegisterRow) -> None:
        account = (row.bank_bin, row.account_number)
        again = self._seen.first(ACCOUNT_OF, row.payee_national_id, account, row.number)
        if again and not again[0]:
            self._twice(
                row.number,
                "account_number",
                "PAYEE_TWO_ACCOUNTS",
                _("Người nhận này có tài khoản khác ở dòng khác."),
                _("Ghi một tài khoản cho mọi dòng của một người nhận."),
                first_row=again[1],
            )
        again = self._seen.first(HOLDER_OF, account, row.payee_national_id, row.number)
        if again and not again[0]:
            self._twice(
                row.number,
                "account_number",
                "ACCOUNT_SHARED",
                _("Tài khoản này đã ghi cho người nhận khác."),
                _("Mỗi người nhận một tài khoản do chính mình đứng tên."),
                first_row=again[1],
            )

    def _twice(
        self,
        number: int,
        column: str,
        code: str,
        message: Text,
        repair: Text,
        *,
        first_row: int,
        severity: Severity = Severity.ERROR,
    ) -> None:
        told = str(_("dòng %(row)s")) % {"row": first_row}
        self._note(number, column, code, message, repair, found=told, severity=severity)
