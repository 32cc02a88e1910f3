"""A whole list, checked as it streams: line by line, and lines against each other; in memory that does not grow with
it.
"""

import datetime
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

from django.utils.translation import gettext_lazy as _

from beneficiaries.register_file.columns import folded
from beneficiaries.register_file.contradictions import Contradictions
from beneficiaries.register_file.problems import Findings, Problem, Severity, UnreadableList
from beneficiaries.register_file.reading import RawList, RawRow, open_list
from beneficiaries.register_file.row_check import RowCheck
from beneficiaries.register_file.rows import RegisterRow
from beneficiaries.register_file.tables import Tables
from foundation.reference.amounts import format_amount, parse_amount
from foundation.reference.names import place_key
from foundation.reference.values import InvalidValue, Text

CHUNK = 5_000
_TOTALS = ("tong cong", "tong so", "cong", "tong")


@dataclass(slots=True)
class _Line:
    """A line that waits for the rest of its chunk; `row` is None where it could not be read."""

    row: RegisterRow | None
    problems: list[Problem]


class CheckedList:
    """A list while it is read: `chunks` yields what is in order, `findings` grows with it, the counts are right at
    the end.

    A context manager, since it may hold a temporary table. The rows can be read once.
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
        self._contradictions = Contradictions()
        self._total_row = 0
        self._judge_head()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._contradictions.close()

    @property
    def knows_payees(self) -> bool:
        """Whether the list has columns for receivers: without them it says nothing about who receives."""
        return not {"payee_name", "payee_national_id"}.isdisjoint(self.raw.keys)

    def chunks(self) -> Iterator[list[RegisterRow]]:
        """The lines in order, at most 5,000 at a time; lines with an ERROR are only in `findings`.

        Raises:
            UnreadableList: EMPTY, at the end of a list without a single line; others when the text breaks off midway.
        """
        waiting: list[_Line] = []
        for raw in self.raw.rows:
            if self._is_total(raw):
                if not self._total_row:
                    # What stands above the first total is judged and summed up before the total is compared.
                    if settled := self._settled(waiting):
                        yield settled
                    waiting = []
                if not waiting:  # lines below a total refuse the list; then no sum is compared any more
                    self._judge_total(raw)
                self._total_row = raw.number
            elif self._is_line(raw):
                self.lines += 1
                waiting.append(self._read(raw))
                if len(waiting) == CHUNK:
                    if settled := self._settled(waiting):
                        yield settled
                    waiting = []
        if not self.lines:
            raise UnreadableList("EMPTY", _("Danh sách không có dòng nào."), _("Kiểm tra lại tệp rồi tải lên."))
        if settled := self._settled(waiting):
            yield settled

    def _settled(self, lines: list[_Line]) -> list[RegisterRow]:
        """The lines in order, and summed up; what is wrong with the others, and with them all, is noted."""
        readable = [line.row for line in lines if line.row is not None]
        against_others = iter(self._contradictions.among(readable))
        settled = []
        for line in lines:
            errors = self.findings.errors
            self.findings.extend(line.problems)
            if line.row is None:
                continue
            self.findings.extend(next(against_others))
            if self.findings.errors == errors:
                self.total += line.row.total
                settled.append(line.row)
        return settled

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
        """Whether this is the row of totals."""
        if "national_id" in raw.cells or "line" in raw.cells:
            return False
        words = [folded(cell) for cell in raw.cells.values() if isinstance(cell, str)]
        return any(word in _TOTALS or word.startswith(("tong cong", "tong so")) for word in words)

    def _judge_total(self, raw: RawRow) -> None:
        """Compare what the row of totals tells with the sum of the lines above it."""
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

    def _is_line(self, raw: RawRow) -> bool:
        """Whether the row speaks of a person; headings of groups, remarks and signatures do not."""
        return bool({"national_id", "line"} & raw.cells.keys()) or {"seq", "full_name", "amount"} <= raw.cells.keys()

    def _read(self, raw: RawRow) -> _Line:
        row, problems = self._check.check(raw)
        if self._total_row:
            problems.append(
                Problem(
                    raw.number,
                    "",
                    "ROW_AFTER_TOTAL",
                    _("Có dòng người hưởng sau dòng tổng cộng."),
                    _("Chuyển dòng này lên trên dòng tổng cộng."),
                )
            )
        problems.extend(self._judge_layout(raw.number))
        return _Line(row, problems)

    def _judge_layout(self, number: int) -> Iterator[Problem]:
        if number in self.raw.formula_rows:
            yield Problem(
                number,
                "",
                "FORMULA",
                _("Dòng có công thức; kết quả nhìn thấy có thể không phải số đã lưu."),
                _("Chép rồi dán dạng Giá trị (Paste Values)."),
            )
        if number in self.raw.hidden_rows:
            yield Problem(number, "", "HIDDEN_ROW", _("Dòng đang bị ẩn."), _("Hiện dòng ẩn ra, xem lại rồi lưu."))
        if any(top <= number <= bottom for top, bottom in self.raw.merged):
            yield Problem(number, "", "MERGED_CELLS", _("Dòng có ô bị gộp."), _("Bỏ gộp ô và ghi đủ từng ô."))
