"""Whether an .xlsx may be opened at all, told from its zip directory before anything is inflated; and what it hides.

Limits: a list of 50,000 lines inflates to about 25 MB at a ratio near 10; a bomb of 775 KB that inflates to 299 MB
has a ratio of 395 (measured). What a reader of values never shows (formulas, hidden rows, merged cells, a forged
size) is found by one pass over the sheet's XML.
"""

import posixpath
import re
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _
from lxml import etree

from beneficiaries.register_file.problems import UnreadableList
from foundation.reference.values import Text

MAX_UNPACKED = 50 * 1024 * 1024
MAX_RATIO = 100
MAX_MEMBERS = 200
MAX_NOTED = 1_000

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
# One look into a row each, whatever the number of its cells.
_has_cells, _has_content, _has_formula = (
    etree.XPath(f"boolean({path})", namespaces={"m": _MAIN[1:-1]}) for path in ("m:c", "m:c/*", "m:c/m:f")
)
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
# What zipfile raises for bytes that are no archive, or a damaged one: cut short, a method that it does not know
# (NotImplementedError), encrypted (RuntimeError), places beyond the end of the file (ValueError, OSError).
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def _refuse(code: str, message: Text, repair: Text | None = None) -> UnreadableList:
    return UnreadableList(
        code, message, repair or _("Mở tệp bằng Excel, chép các ô sang một tệp mới rồi lưu dạng .xlsx.")
    )


def is_xlsx(first_bytes: bytes) -> bool:
    """Whether the content is a zip, whatever the file is called.

    Raises:
        UnreadableList: OLD_EXCEL for .xls and for workbooks locked by a password, which look alike.
    """
    if first_bytes.startswith(_OLE):
        raise _refuse(
            "OLD_EXCEL", _("Tệp là Excel đời cũ (.xls) hoặc có mật khẩu."), _("Bỏ mật khẩu và lưu lại dạng .xlsx.")
        )
    return first_bytes.startswith(_ZIP)


def check_archive(file: BinaryIO) -> zipfile.ZipFile:
    """The archive, once it is known to be a small, plain workbook without macros; it stays open on `file`.

    Raises:
        UnreadableList: NOT_XLSX, ZIP_BOMB, ZIP_UNSAFE, MACROS, EMBEDDED.
    """
    try:
        archive = zipfile.ZipFile(file)
    except BROKEN:
        raise _refuse("NOT_XLSX", _("Tệp mang đuôi .xlsx nhưng không phải tệp Excel, hoặc đã hỏng.")) from None
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(packed, 1):
        raise _refuse(
            "ZIP_BOMB",
            _("Tệp giãn ra quá lớn so với một danh sách."),
            _("Chia danh sách thành nhiều tệp, hoặc gửi dạng .csv (UTF-8)."),
        )
    names = [member.filename for member in members]
    if len(set(names)) != len(names) or any(map(_is_unsafe, members)):
        raise _refuse("ZIP_UNSAFE", _("Bên trong tệp có thành phần không an toàn."))
    if any(name.lower().endswith((".bin", ".vba")) and "printersettings" not in name.lower() for name in names):
        raise _refuse("MACROS", _("Tệp có macro hoặc mã chạy."), _("Lưu lại dạng .xlsx không có macro."))
    if any(name.startswith(("xl/embeddings/", "xl/externalLinks/", "xl/activeX/")) for name in names):
        raise _refuse("EMBEDDED", _("Tệp có đối tượng nhúng hoặc liên kết sang tệp khác."))
    if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
        raise _refuse("NOT_XLSX", _("Tệp mang đuôi .xlsx nhưng không phải tệp Excel, hoặc đã hỏng."))
    _inflate(archive, members)
    return archive


def _is_unsafe(member: zipfile.ZipInfo) -> bool:
    name = member.filename
    parts = name.split("/")
    return (
        name.startswith("/")
        or "\\" in name
        or ":" in name
        or ".." in parts
        or bool(member.flag_bits & 0x1)
        or stat.S_ISLNK(member.external_attr >> 16)
        or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
    )


def _inflate(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    """Read every member once: the directory may lie about sizes, and a document type is never part of a workbook.

    Python's zipfile stops at the size that the directory tells and then compares the checksum, so a longer stream
    fails.
    """
    try:
        for member in members:
            with archive.open(member) as stream:
                head = stream.read(4096)
                if member.filename.endswith((".xml", ".rels")) and (
                    b"<!DOCTYPE" in head
                    or b"<!ENTITY" in head
                    or head[:2] in {b"\xff\xfe", b"\xfe\xff"}
                    or b"\0" in head
                ):
                    raise _refuse("ZIP_UNSAFE", _("Bên trong tệp có thành phần không an toàn."))
                while stream.read(1 << 20):
                    pass
    except UnreadableList:
        raise
    except BROKEN:
        raise _refuse("NOT_XLSX", _("Tệp Excel đã hỏng hoặc kích thước bên trong không đúng.")) from None


@dataclass(slots=True)
class SheetFacts:
    """What one pass over a sheet found; rows count from 1 as on screen. Sets are cut at 1,000 rows."""

    last_row: int = 0
    formula_rows: set[int] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[tuple[int, int]] = field(default_factory=list)


def visible_sheets(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Name and archive path of the visible sheets, in their order.

    Raises:
        UnreadableList: HIDDEN_SHEET when a hidden one holds cells; NOT_XLSX for a broken workbook.
    """
    targets = {
        node.get("Id"): posixpath.normpath(posixpath.join("xl", node.get("Target", "")))
        if not node.get("Target", "").startswith("/")
        else node.get("Target", "")[1:]
        for node in _tree(archive, "xl/_rels/workbook.xml.rels")
    }
    sheets = []
    for node in _tree(archive, "xl/workbook.xml").iter(f"{_MAIN}sheet"):
        name, path = node.get("name", ""), targets.get(node.get(_RELATION), "")
        if path not in archive.NameToInfo:
            raise _refuse("NOT_XLSX", _("Tệp Excel đã hỏng hoặc kích thước bên trong không đúng."))
        if node.get("state", "visible") == "visible":
            sheets.append((name, path))
        elif sheet_facts(archive, path).last_row:
            raise _refuse(
                "HIDDEN_SHEET", _("Tệp có trang tính ẩn chứa dữ liệu."), _("Hiện trang ẩn ra, xoá đi rồi lưu lại.")
            )
    return sheets


def sheet_facts(archive: zipfile.ZipFile, path: str) -> SheetFacts:
    """What a sheet hides, in one streamed pass.

    Raises:
        UnreadableList: FORGED_SIZE when the size that the sheet tells of itself is not the one it has; NOT_XLSX.
    """
    facts, told = SheetFacts(), ""
    handlers: dict[str, Callable[[etree._Element], None]] = {
        f"{_MAIN}row": lambda node: _note_row(facts, node),
        f"{_MAIN}col": lambda node: _note_column(facts, node),
        f"{_MAIN}mergeCell": lambda node: _note_merge(facts, node),
    }
    try:
        with archive.open(path) as stream:
            tags = (*handlers, f"{_MAIN}dimension")
            for _event, node in etree.iterparse(
                stream, tag=tags, resolve_entities=False, no_network=True, load_dtd=False
            ):
                if node.tag in handlers:
                    handlers[node.tag](node)
                else:
                    told = node.get("ref", "")
                node.clear()
                while node.getprevious() is not None:
                    del node.getparent()[0]
    except (etree.XMLSyntaxError, zipfile.BadZipFile, ValueError) as wrong:
        if isinstance(wrong, UnreadableList):
            raise
        raise _refuse("NOT_XLSX", _("Tệp Excel đã hỏng hoặc kích thước bên trong không đúng.")) from None
    # Some writers leave "A1" or nothing; any other size must be the true one: readers allocate by it, or stop at it.
    if ":" in told and _last_row(told) != facts.last_row:
        raise _refuse("FORGED_SIZE", _("Kích thước bảng ghi trong tệp không đúng với số dòng thật."))
    return facts


def _note_row(facts: SheetFacts, node: "etree._Element") -> None:
    number = int(node.get("r") or facts.last_row + 1)
    if number <= facts.last_row:
        raise _refuse("FORGED_SIZE", _("Thứ tự dòng ghi trong tệp không đúng."))
    if not _has_cells(node):
        return
    facts.last_row = number
    if not _has_content(node):
        return
    if node.get("hidden") in {"1", "true"} and len(facts.hidden_rows) < MAX_NOTED:
        facts.hidden_rows.add(number)
    if len(facts.formula_rows) < MAX_NOTED and _has_formula(node):
        facts.formula_rows.add(number)


def _note_column(facts: SheetFacts, node: "etree._Element") -> None:
    if node.get("hidden") in {"1", "true"}:
        first, last = int(node.get("min", "1")), int(node.get("max", "1"))
        facts.hidden_columns.update(range(first - 1, min(last, first + 200)))


def _note_merge(facts: SheetFacts, node: "etree._Element") -> None:
    first, _colon, last = node.get("ref", "").partition(":")
    top, bottom = _CELL.fullmatch(first), _CELL.fullmatch(last)
    if top and bottom and len(facts.merged) < MAX_NOTED:
        facts.merged.append((int(top[2]), int(bottom[2])))


def _last_row(reference: str) -> int:
    found = _CELL.fullmatch(reference.partition(":")[2])
    return int(found[2]) if found else 0


def _tree(archive: zipfile.ZipFile, name: str) -> "etree._Element":
    try:
        return etree.fromstring(
            archive.read(name), etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        )
    except (KeyError, etree.XMLSyntaxError):
        raise _refuse("NOT_XLSX", _("Tệp mang đuôi .xlsx nhưng không phải tệp Excel, hoặc đã hỏng.")) from None
