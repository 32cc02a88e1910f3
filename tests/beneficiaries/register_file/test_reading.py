"""Files that are no list, or hide something: each is refused with a word of its own, before anything is taken from it."""

import io
import struct
import tracemalloc
import zipfile

import pytest

from beneficiaries.register_file.problems import UnreadableList
from beneficiaries.register_file.reading import Cell, open_list
from tests.beneficiaries.register_file import lists
from tests.beneficiaries.register_file.lists import HEADINGS, SHEET, line, list_xlsx, replacing, table, tampered, xlsx


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableList) as refused:
        list(open_list(io.BytesIO(content)).rows)
    assert str(refused.value.message)
    assert str(refused.value.repair)
    return refused.value.code


def rows_of(content: bytes) -> list[dict[str, Cell]]:
    return [row.cells for row in open_list(io.BytesIO(content)).rows]


class TestWhatIsNoList:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "EMPTY"),
            (b"\n\n\n", "EMPTY"),
            (b"PK\x03\x04 this only begins like one", "NOT_XLSX"),
            ("Đây là tệp văn bản đổi tên thành .xlsx".encode(), "HEADER_NOT_FOUND"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "OLD_EXCEL"),
            (b"%PDF-1.7\n\x00\x01\x02", "NOT_TEXT"),
            (b"\x89PNG\r\n\x1a\n" + bytes(100), "NOT_TEXT"),
            (b'"' + b"a,b\n" * 10, "NOT_TEXT"),
            (",".join(HEADINGS).encode("utf-16"), "UTF16"),
            (b"x" * 200_000, "LINE_TOO_LONG"),
        ],
    )
    def test_is_refused_with_a_word_of_its_own(self, content, code):
        assert refusal(content) == code

    @pytest.mark.parametrize("encoding", ["cp1258", "latin-1"])
    def test_in_an_old_encoding_is_refused(self, encoding):
        text = (
            "STT,Họ và tên,Số định danh".encode("cp1258", "ignore")
            if encoding == "cp1258"
            else "Hä vµ tªn".encode(encoding)
        )
        assert refusal(text) == "NOT_UTF8"

    @pytest.mark.parametrize(
        "heading", ["Hä vµ tªn,Sè ®Þnh danh,M· ®èi t­îng", "Hoï vaø teân,Soá ñònh danh,Maõ ñoái töôïng"]
    )
    def test_in_an_old_font_is_refused(self, heading):
        assert refusal(heading.encode()) == "OLD_FONT"

    def test_of_a_gigabyte_without_a_line_break_is_never_in_memory(self):
        class Endless(io.RawIOBase):
            given = 0

            def readable(self):
                return True

            def seekable(self):
                return True

            def seek(self, *_):
                self.given = 0
                return 0

            def readinto(self, buffer):
                if self.given > 1 << 30:
                    return 0
                self.given += len(buffer)
                buffer[:] = b"x" * len(buffer)
                return len(buffer)

        tracemalloc.start()
        with pytest.raises(UnreadableList):
            open_list(io.BufferedReader(Endless()))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 5 * 1024 * 1024

    def test_with_a_header_and_no_line_is_opened_and_has_no_row(self):
        assert rows_of(list_xlsx()) == []


class TestHeader:
    def test_is_found_below_a_block_of_headings(self):
        above = [["ỦY BAN NHÂN DÂN PHƯỜNG BẾN THÀNH"], [], ["DANH SÁCH"], ["Tháng 11 năm 2026"], []]
        raw = open_list(io.BytesIO(xlsx([*above, *table([line()])])))
        assert raw.header_row == 6
        assert str(raw.period) == "2026-11-01"
        assert raw.office == "ỦY BAN NHÂN DÂN PHƯỜNG BẾN THÀNH"
        (row,) = raw.rows
        assert row.number == 7
        assert row.cells["national_id"] == "079148001234"

    def test_is_known_by_its_words_in_any_order_and_dress(self):
        names = {
            "Họ và tên": "HỌ  TÊN",
            "Số định danh": "so cccd",
            "Số quyết định": "Số QĐ.",
            "Tổng số tiền": "Tổng tiền (đồng)",
        }
        headings = [names.get(heading, heading) for heading in HEADINGS]
        cells = [list(reversed(row)) for row in table([line()], headings)]
        assert rows_of(xlsx(cells)) == rows_of(list_xlsx(line()))

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_is_found_in_a_text_file_with_any_separator(self, delimiter):
        (row,) = rows_of(lists.text_file(table([line()]), delimiter=delimiter))
        assert row["national_id"] == "079148001234"
        assert row["amount"] == "650000"

    def test_may_be_followed_by_a_row_of_numbers(self):
        numbering = [f"({number})" for number in range(1, len(HEADINGS) + 1)]
        header, row = table([line()])
        assert len(rows_of(xlsx([header, numbering, row]))) == 1

    @pytest.mark.parametrize(
        ("headings", "code"),
        [
            ([*HEADINGS, "CCCD"], "DUPLICATE_COLUMN"),
            ([heading for heading in HEADINGS if heading != "Giới tính"], "MISSING_COLUMN"),
            (["Tên hàng", "Đơn giá"], "HEADER_NOT_FOUND"),
        ],
    )
    def test_that_cannot_be_understood_is_refused(self, headings, code):
        assert refusal(xlsx([headings, ["x"] * len(headings)])) == code

    def test_with_merged_cells_is_refused(self):
        merged = list_xlsx(line(), arrange=lambda _book, sheet: sheet.merge_range(0, 14, 0, 15, "Chưa trả"))
        assert refusal(merged) == "MERGED_HEADER"

    def test_tells_of_columns_that_nobody_knows(self):
        raw = open_list(io.BytesIO(xlsx([[*HEADINGS, "Tôn giáo"], [line().get(key) for key in lists.KEYS]])))
        assert raw.unknown_headings == ["Tôn giáo"]


class TestWorkbooks:
    def test_that_inflate_beyond_reason_are_refused_before_they_are_inflated(self):
        bomb = tampered(list_xlsx(line()), {}, xl__bomb=bytes(300 * 1024 * 1024))
        assert len(bomb) < 1024 * 1024
        tracemalloc.start()
        code = refusal(bomb)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert code == "ZIP_BOMB"
        assert peak < 5 * 1024 * 1024

    def test_with_a_ratio_that_no_list_has_are_refused(self):
        assert refusal(tampered(list_xlsx(line()), {}, xl__padding=bytes(4 * 1024 * 1024))) == "ZIP_BOMB"

    def test_with_hundreds_of_members_are_refused(self):
        members = {f"xl__m{number}": b"x" for number in range(201)}
        assert refusal(tampered(list_xlsx(line()), {}, **members)) == "ZIP_BOMB"

    def test_that_lie_about_the_size_of_a_member_are_refused(self):
        content = bytearray(list_xlsx(line()))
        # The size of the first sheet as the directory tells it: 24 bytes into its entry.
        entry = content.rfind(SHEET.encode()) - 46
        assert content[entry : entry + 4] == b"PK\x01\x02"
        content[entry + 24 : entry + 28] = struct.pack("<I", 100)
        assert refusal(bytes(content)) == "NOT_XLSX"

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("../../etc/passwd", "ZIP_UNSAFE"),
            ("/absolute.xml", "ZIP_UNSAFE"),
            ("xl\\evil.xml", "ZIP_UNSAFE"),
            ("C:evil.xml", "ZIP_UNSAFE"),
            ("xl/vbaProject.bin", "MACROS"),
            ("xl/embeddings/oleObject1.xls", "EMBEDDED"),
            ("xl/externalLinks/externalLink1.xml", "EMBEDDED"),
            ("xl/workbook.xml", "ZIP_UNSAFE"),  # twice: readers differ in which one they take
        ],
    )
    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_with_members_that_no_list_needs_are_refused(self, name, code):
        target = io.BytesIO(list_xlsx(line()))
        with zipfile.ZipFile(target, "a") as archive:
            archive.writestr(zipfile.ZipInfo(name), b"x")
            if "\\" in name:  # the class writes the other slash by itself
                archive.filelist[-1].filename = name
        assert refusal(target.getvalue()) == code

    def test_with_a_symbolic_link_are_refused(self):
        target = io.BytesIO(list_xlsx(line()))
        with zipfile.ZipFile(target, "a") as archive:
            link = zipfile.ZipInfo("xl/link")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
        assert refusal(target.getvalue()) == "ZIP_UNSAFE"

    @pytest.mark.parametrize(
        "doctype",
        [
            b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
            b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        ],
    )
    @pytest.mark.parametrize("member", [SHEET, "xl/workbook.xml", "xl/sharedStrings.xml"])
    def test_with_a_document_type_are_refused(self, doctype, member):
        declaration = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        attack = tampered(list_xlsx(line()), {member: replacing(declaration, declaration + doctype)})
        assert refusal(attack) == "ZIP_UNSAFE"

    @pytest.mark.parametrize("told", [b'ref="A1:AB1048576"', b'ref="A1:AB1"'])
    def test_that_lie_about_the_size_of_a_sheet_are_refused(self, told):
        attack = tampered(list_xlsx(line(), line()), {SHEET: replacing(b'ref="A1:AB3"', told)})
        assert refusal(attack) == "FORGED_SIZE"

    def test_with_rows_out_of_order_are_refused(self):
        attack = tampered(list_xlsx(line(), line()), {SHEET: replacing(b'<row r="3"', b'<row r="2"')})
        assert refusal(attack) == "FORGED_SIZE"

    def test_with_broken_xml_are_refused(self):
        assert refusal(tampered(list_xlsx(line()), {SHEET: replacing(b"</sheetData>", b"")})) == "NOT_XLSX"

    def test_without_sheets_worth_reading_are_refused(self):
        assert refusal(xlsx([])) == "EMPTY"

    @pytest.mark.parametrize("state", ["hide", "very_hidden"])
    def test_with_a_hidden_sheet_that_holds_something_are_refused(self, state):
        def hide(book, _sheet):
            hidden = book.add_worksheet("Ẩn")
            hidden.write(0, 0, "x")
            getattr(hidden, state)()

        assert refusal(list_xlsx(line(), arrange=hide)) == "HIDDEN_SHEET"

    def test_with_an_empty_hidden_sheet_are_read(self):
        content = list_xlsx(line(), arrange=lambda book, _sheet: book.add_worksheet("Ẩn").hide())
        assert len(rows_of(content)) == 1

    def test_with_a_hidden_column_are_refused(self):
        content = list_xlsx(line(), arrange=lambda _book, sheet: sheet.set_column(4, 4, None, None, {"hidden": True}))
        assert refusal(content) == "HIDDEN_COLUMN"

    def test_with_two_lists_are_refused(self):
        def again(book, _sheet):
            second = book.add_worksheet("Danh sách 2")
            for number, row in enumerate(table([line()])):
                second.write_row(number, 0, row)

        assert refusal(list_xlsx(line(), arrange=again)) == "SEVERAL_SHEETS"

    def test_with_a_page_of_remarks_beside_the_list_are_read(self):
        content = list_xlsx(line(), arrange=lambda book, _sheet: book.add_worksheet("Ghi chú").write(0, 0, "Lưu ý"))
        assert len(rows_of(content)) == 1
