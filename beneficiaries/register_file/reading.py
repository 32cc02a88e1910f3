"""A list's raw rows from .xlsx or .csv: its header is found by words, its rows are streamed, the block above is read.

Nothing is judged here but whether this is a list at all. The file's name counts for nothing; its first bytes
tell what it is.
"""

import codecs
import csv
import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO, TypeAlias

from django.utils.translation import gettext_lazy as _
from python_calamine import CalamineWorkbook

from beneficiaries.register_file.archive import SheetFacts, check_archive, is_xlsx, sheet_facts, visible_sheets
from beneficiaries.register_file.columns import REGISTER, Column, Layout, folded
from beneficiaries.register_file.problems import UnreadableList
from foundation.reference.births import parse_period
from foundation.reference.names import looks_like_old_font
from foundation.reference.values import InvalidValue

Cell: TypeAlias = (
    str | int | float | bool | datetime.date | datetime.datetime | datetime.time | datetime.timedelta | None
)
MAX_ROWS = 1_048_576  # a sheet of Excel has no more
MAX_LINE = 64 * 1024
HEADER_WITHIN = 30
MAX_CELLS = 200

_PERIOD = re.compile(r"thang ([0-9]{1,2}) (?:nam )?([0-9]{4})")
_OFFICE = re.compile(r"\b(?:uy ban nhan dan|ubnd) (phuong|xa|dac khu) [a-z]")
_NUMBERING = re.compile(r"\(?(?:[0-9]{1,2}|[A-Ea-e])\)?")


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row of the file: its number on screen (from 1) and its cells by column key, empty ones left out."""

    number: int
    cells: dict[str, Cell]


@dataclass(slots=True)
class RawList:
    """A list that can be read: what stands above its header, what its columns are, and its rows, to be read once."""

    columns: dict[int, Column]
    unknown_headings: list[str]
    rows: Iterator[RawRow]
    period: datetime.date | None = None
    office: str = ""
    formula_rows: frozenset[int] = frozenset()
    hidden_rows: frozenset[int] = frozenset()
    merged: list[tuple[int, int]] = field(default_factory=list)
    header_row: int = 0

    @property
    def keys(self) -> set[str]:
        """The column keys that the list has."""
        return {column.key for column in self.columns.values()}


def open_list(file: BinaryIO, layout: Layout = REGISTER) -> RawList:
    """Open a list of a kind from a seekable binary file.

    Raises:
        UnreadableList: What `check_archive` and `sheet_facts` refuse; SEVERAL_SHEETS, HIDDEN_COLUMN, MERGED_HEADER.
            For text: NOT_UTF8, UTF16, OLD_FONT, NOT_TEXT, LINE_TOO_LONG. For both: EMPTY, HEADER_NOT_FOUND,
            MISSING_COLUMN, DUPLICATE_COLUMN.
    """
    file.seek(0)
    first_bytes = file.read(4096)
    file.seek(0)
    if not first_bytes:
        raise _empty()
    return _open_xlsx(file, layout) if is_xlsx(first_bytes) else _open_text(file, first_bytes, layout)


def _empty() -> UnreadableList:
    return UnreadableList("EMPTY", _("Danh sách không có dòng nào."), _("Kiểm tra lại tệp rồi tải lên."))


# --- .xlsx ---
def _open_xlsx(file: BinaryIO, layout: Layout) -> RawList:
    archive = check_archive(file)
    sheets = [(name, path, sheet_facts(archive, path)) for name, path in visible_sheets(archive)]
    filled = [(name, facts) for name, _path, facts in sheets if facts.last_row]
    if not filled:
        raise _empty()
    file.seek(0)
    book = CalamineWorkbook.from_filelike(file)
    found: list[tuple[RawList, SheetFacts]] = []
    missing: UnreadableList | None = None
    for name, facts in filled:
        sheet = book.get_sheet_by_name(name)
        # Calamine leaves out the empty rows above the first cell; the officer counts them.
        first = (sheet.start or (0, 0))[0] + 1
        rows = ((first + index, list[Cell](cells)) for index, cells in enumerate(sheet.iter_rows()))
        try:
            found.append((_find_header(rows, layout), facts))
        except UnreadableList as wrong:
            if wrong.code not in {"HEADER_NOT_FOUND", "EMPTY"}:
                raise
            missing = missing or wrong
    if not found:
        raise missing or _empty()
    if len(found) > 1:
        raise UnreadableList(
            "SEVERAL_SHEETS", _("Tệp có nhiều trang tính chứa danh sách."), _("Để mỗi danh sách trong một tệp riêng.")
        )
    raw, facts = found[0]
    _check_layout(raw, facts)
    raw.formula_rows, raw.hidden_rows = frozenset(facts.formula_rows), frozenset(facts.hidden_rows)
    raw.merged = [(top, bottom) for top, bottom in facts.merged if bottom > raw.header_row]
    return raw


def _check_layout(raw: RawList, facts: SheetFacts) -> None:
    if any(top <= raw.header_row <= bottom for top, bottom in facts.merged):
        raise UnreadableList(
            "MERGED_HEADER",
            _("Dòng tiêu đề cột có ô bị gộp."),
            _("Bỏ gộp ô ở dòng tiêu đề và ghi tên riêng cho từng cột."),
        )
    if not facts.hidden_columns.isdisjoint(raw.columns):
        raise UnreadableList(
            "HIDDEN_COLUMN", _("Danh sách có cột đang bị ẩn."), _("Hiện các cột ẩn ra, xem lại rồi lưu.")
        )


# --- Text ---
def _open_text(file: BinaryIO, first_bytes: bytes, layout: Layout) -> RawList:
    if first_bytes.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableList("UTF16", _("Tệp .csv ở dạng UTF-16."), _("Lưu lại dạng “CSV UTF-8”, hoặc gửi tệp .xlsx."))
    if b"\0" in first_bytes:
        raise _not_text()
    lines = _lines(file)
    first_lines = []
    for line in lines:
        first_lines.append(line)
        if len(first_lines) >= HEADER_WITHIN:
            break
    head = "".join(first_lines)
    if looks_like_old_font(re.sub(r"[«»°§±·²³]", "", head)):
        raise UnreadableList(
            "OLD_FONT",
            _("Tệp gõ bằng phông chữ cũ (TCVN3 hoặc VNI)."),
            _("Chuyển cả tệp sang Unicode bằng Unikey rồi tải lên lại."),
        )
    return _find_header(_parse(chain(first_lines, lines), _delimiter(first_lines, layout)), layout)


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines as text, none longer than 64 KB, so that a file without line breaks is never in memory as a whole."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    while raw := file.readline(MAX_LINE + 1):
        if len(raw) > MAX_LINE:
            raise UnreadableList(
                "LINE_TOO_LONG", _("Tệp có dòng quá dài, không phải một danh sách."), _("Gửi danh sách dạng .xlsx.")
            )
        if b"\0" in raw:
            raise _not_text()
        try:
            yield decoder.decode(raw)
        except UnicodeDecodeError:
            raise UnreadableList(
                "NOT_UTF8",
                _("Tệp .csv không ở dạng UTF-8 (có thể là bảng mã cũ TCVN3, VNI hoặc Windows-1258)."),
                _("Lưu lại dạng “CSV UTF-8”, hoặc gửi tệp .xlsx."),
            ) from None


def _not_text() -> UnreadableList:
    return UnreadableList("NOT_TEXT", _("Tệp không phải tệp Excel hay tệp .csv."), _("Gửi danh sách dạng .xlsx."))


def _delimiter(lines: list[str], layout: Layout) -> str:
    """The separator by which some line shows the most headings that we know."""
    return max(",;\t", key=lambda mark: max((_known(line.split(mark), layout) for line in lines), default=0))


def _known(cells: list[str], layout: Layout) -> int:
    return sum(layout.column_of(cell.strip().strip('"')) is not None for cell in cells[:MAX_CELLS])


def _parse(lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[Cell]]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise UnreadableList(
                "NOT_TEXT", _("Tệp .csv có dấu ngoặc kép sai chỗ."), _("Lưu lại từ Excel dạng “CSV UTF-8” hoặc .xlsx.")
            ) from None
        yield reader.line_num, list[Cell](cells)


# --- Both ---
def _find_header(rows: Iterator[tuple[int, list[Cell]]], layout: Layout) -> RawList:
    above: list[str] = []
    looked = 0
    for number, cells in rows:
        texts = [cell if isinstance(cell, str) else "" for cell in cells[:MAX_CELLS]]
        columns = {index: column for index, text in enumerate(texts) if text and (column := layout.column_of(text))}
        # A line of prose may hold one word that is also a heading; a header of a ward's list names the person and the number.
        if len({column.key for column in columns.values()} & layout.telling) >= 2:
            return _header(number, texts, columns, above, rows, layout=layout)
        above.extend(text for text in texts if text.strip())
        looked += any(cell not in {"", None} for cell in cells)
        if number > 10 * HEADER_WITHIN or looked >= HEADER_WITHIN:
            break
    if not looked:
        raise _empty()
    raise UnreadableList(
        "HEADER_NOT_FOUND",
        _("Không tìm thấy dòng tiêu đề cột trong tệp."),
        layout.words,
    )


def _header(
    number: int,
    texts: list[str],
    columns: dict[int, Column],
    above: list[str],
    rows: Iterator[tuple[int, list[Cell]]],
    *,
    layout: Layout,
) -> RawList:
    keys = [column.key for column in columns.values()]
    doubled = [column.heading for column in layout.columns if keys.count(column.key) > 1]
    if doubled:
        raise UnreadableList(
            "DUPLICATE_COLUMN",
            _("Có hai cột cùng là: %(columns)s.") % {"columns": ", ".join(doubled)},
            _("Giữ một cột, xoá hoặc đổi tên cột kia."),
        )
    missing = [column.heading for column in layout.columns if column.required and column.key not in keys]
    if missing:
        raise UnreadableList(
            "MISSING_COLUMN",
            _("Thiếu cột: %(columns)s.") % {"columns": ", ".join(missing)},
            _("Thêm các cột này như trong tệp mẫu."),
        )
    unknown = [text.strip()[:60] for index, text in enumerate(texts) if text.strip() and index not in columns]
    prose = folded(" ".join(above)[:2000]) if len(above) < 100 else ""
    office = next((text for text in above if _OFFICE.search(folded(text))), "")
    return RawList(columns, unknown, _data_rows(rows, columns), _period(prose), office[:200], header_row=number)


def _period(prose: str) -> datetime.date | None:
    found = _PERIOD.search(prose)
    if found is None:
        return None
    try:
        return parse_period(f"{found[1]}/{found[2]}")
    except InvalidValue:
        return None


def _data_rows(rows: Iterator[tuple[int, list[Cell]]], columns: dict[int, Column]) -> Iterator[RawRow]:
    keys = [(index, column.key) for index, column in columns.items()]
    first = True
    read = 0
    for number, cells in rows:
        width = len(cells)
        filled: dict[str, Cell] = {}
        for index, key in keys:
            if index < width:
                value = cells[index]
                if value is None or value == "" or (isinstance(value, str) and not value.strip()):
                    continue
                filled[key] = value
        if not filled:
            continue
        if first and all(_NUMBERING.fullmatch(_as_text(value)) for value in filled.values()):
            first = False
            continue
        first = False
        read += 1
        if read > MAX_ROWS:
            raise UnreadableList("TOO_MANY_ROWS", _("Tệp có quá nhiều dòng."), _("Chia danh sách thành nhiều tệp."))
        yield RawRow(number, filled)


def _as_text(value: Cell) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)[:20].strip()
