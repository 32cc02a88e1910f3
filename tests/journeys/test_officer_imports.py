"""An officer brings a list through the pages: checked, shown, written once, given up; and all that pages refuse."""

import io
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from python_calamine import CalamineWorkbook

from beneficiaries.models import PayoutAccount, RegisterImport, RegisterImportFile
from beneficiaries.operations.import_register import MAX_BYTES
from beneficiaries.register_file.blank import blank_xlsx
from foundation.audit.models import AuditEvent
from foundation.reference.loading import load_reference
from foundation.users.models import User
from foundation.users.roles import Role
from tests.beneficiaries.importing import check, codes, register, write
from tests.beneficiaries.register_file.lists import CHILD, line, list_xlsx, other
from tests.factories import WARD, make_staff

pytestmark = pytest.mark.django_db
NEW = "/can-bo/danh-sach/nhap"
SAI_GON = "26740"


@pytest.fixture
def officer() -> User:
    load_reference(demo=True)
    return make_staff(Role.PREPARER)


@pytest.fixture
def desk(client: Client, officer: User) -> Client:
    client.force_login(officer)
    return client


def send(client: Client, content: bytes, *, name: str = "danh-sach.xlsx", **fields: str) -> Any:
    told = {"period": "2026-11", "unit": WARD, "file": SimpleUploadedFile(name, content)} | fields
    return client.post(NEW, told)


def kept() -> list[tuple[int, str]]:
    return list(RegisterImport.objects.order_by("pk").values_list("pk", "state"))


class TestAListInOrder:
    def test_is_kept_shown_and_written(self, desk: Client) -> None:
        answer = send(desk, list_xlsx(line(), line(**CHILD)))
        [(pk, state)] = kept()
        assert (answer.status_code, answer["Location"], state) == (302, f"/can-bo/danh-sach/{pk}/", "CHECKED")
        before = register()
        shown = desk.get(answer["Location"]).content.decode()
        for words in ("Ghi vào sổ", "1.625.000", "Huỷ", "Danh sách tháng 11/2026"):
            assert words in shown
        assert register() == before

        answer = desk.post(f"/can-bo/danh-sach/{pk}/ghi")
        assert (answer.status_code, kept()) == (302, [(pk, "COMMITTED")])
        shown = desk.get(answer["Location"]).content.decode()
        assert "đã ghi vào sổ" in shown
        assert "của 2 tài khoản" in shown
        assert "Ghi danh sách này vào sổ?" not in shown
        assert "Đã ghi" in desk.get("/can-bo/danh-sach/").content.decode()

    def test_shows_what_would_change_as_old_and_new(self, desk: Client, officer: User) -> None:
        write(officer, check(officer, list_xlsx(line(), other(7))))
        answer = send(desk, list_xlsx(line(address="99 Đồng Khởi")))
        shown = desk.get(answer["Location"]).content.decode()
        assert '<del class="welfare-was">12 Lê Lợi</del>' in shown
        assert '<ins class="welfare-now">99 Đồng Khởi</ins>' in shown
        assert "Có trong sổ, thiếu trong danh sách" in shown
        assert "Lê Văn Ba" in shown
        assert "0071000123456" not in shown

    def test_is_written_once_by_a_double_click(self, desk: Client) -> None:
        send(desk, list_xlsx(line()))
        [(pk, _)] = kept()
        assert desk.post(f"/can-bo/danh-sach/{pk}/ghi").status_code == 302
        once = register()
        answer = desk.post(f"/can-bo/danh-sach/{pk}/ghi")
        assert answer.status_code == 409
        assert "đã được ghi hoặc đã huỷ" in answer.content.decode()
        assert register() == once
        assert AuditEvent.objects.filter(kind="register.committed").count() == 1

    def test_can_be_given_up_and_is_then_never_written(self, desk: Client) -> None:
        send(desk, list_xlsx(line()))
        [(pk, _)] = kept()
        before = register()
        assert desk.post(f"/can-bo/danh-sach/{pk}/huy").status_code == 302
        assert kept() == [(pk, "CANCELLED")]
        assert desk.post(f"/can-bo/danh-sach/{pk}/ghi").status_code == 409
        assert desk.post(f"/can-bo/danh-sach/{pk}/huy").status_code == 409
        assert register() == before
        assert "đã huỷ" in desk.get(f"/can-bo/danh-sach/{pk}/").content.decode()
        assert AuditEvent.objects.filter(kind="register.cancelled").count() == 1

    def test_that_went_wrong_meanwhile_is_not_written(self, desk: Client, officer: User) -> None:
        send(desk, list_xlsx(line(decision_number="77/QĐ-UBND", coefficient=1, valid_from="01/09/2025")))
        [(pk, _)] = kept()
        write(officer, check(officer, list_xlsx(line(decision_number="77/QĐ-UBND"))))
        before = register()
        shown = desk.get(f"/can-bo/danh-sach/{pk}/").content.decode()
        assert "không ghi được nữa" in shown
        assert f'action="/can-bo/danh-sach/{pk}/ghi"' not in shown
        answer = desk.post(f"/can-bo/danh-sach/{pk}/ghi")
        assert answer.status_code == 409
        assert "Phải sửa" in answer.content.decode()
        assert register() == before


class TestAListWithErrors:
    def test_is_answered_with_rows_and_repairs_and_not_kept(self, desk: Client) -> None:
        before = register()
        answer = send(desk, list_xlsx(line(), other(2, national_id="07904800002"), other(3, sex="?")))
        shown = answer.content.decode()
        assert answer.status_code == 422
        assert "<title>Lỗi:" in " ".join(shown.split())
        assert "Số định danh chỉ có 11 chữ số." in shown
        assert "1 dòng: 3" in " ".join(shown.split())
        assert kept() == []
        assert RegisterImportFile.objects.count() == 0
        assert register() == before

    def test_is_taken_away_as_a_workbook_by_the_other_button(self, desk: Client) -> None:
        answer = send(desk, list_xlsx(other(2, national_id="07904800002")), take_problems="1")
        assert answer.status_code == 200
        assert answer["Content-Disposition"] == 'attachment; filename="loi-danh-sach.xlsx"'
        assert "no-store" in answer["Cache-Control"]
        rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
        assert rows[1][0] == "2"
        assert "07904800002" in rows[1]
        assert kept() == []

    def test_that_is_no_list_at_all_says_what_to_do(self, desk: Client) -> None:
        for content, words in ((b"", "không có dòng nào"), (b"GIF89a\x00\x00", "."), (b"a,b\n1,2\n", ".")):
            answer = send(desk, content)
            assert answer.status_code == 422
            assert words in answer.content.decode()
        assert kept() == []


class TestTheForm:
    def test_asks_for_month_unit_and_file(self, desk: Client) -> None:
        answer = desk.post(NEW, {})
        assert answer.status_code == 422
        for words in ("Chọn tháng.", "Chọn phường, xã.", "Chọn tệp danh sách."):
            assert words in answer.content.decode()

    def test_hides_the_unit_where_there_is_one_and_takes_no_other(self, desk: Client) -> None:
        assert 'type="hidden" name="unit" value="26743"' in desk.get(NEW).content.decode()
        answer = send(desk, list_xlsx(line()), unit=SAI_GON)
        assert answer.status_code == 422
        assert kept() == []

    @pytest.mark.parametrize("period", ["2025-08", "2031-01", "2026-13", "x", "2026-11-02", ""])
    def test_takes_no_other_month(self, desk: Client, period: str) -> None:
        assert send(desk, list_xlsx(line()), period=period).status_code == 422
        assert kept() == []

    def test_refuses_what_is_too_large_before_reading_it(self, desk: Client) -> None:
        answer = desk.post(NEW, {}, CONTENT_LENGTH=str(MAX_BYTES + 100_000))
        assert answer.status_code == 413
        assert "lớn hơn 50 MB" in answer.content.decode()

    def test_believes_no_other_page(self, officer: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(officer)
        assert send(client, list_xlsx(line())).status_code == 403
        assert kept() == []

    def test_hands_out_a_workbook_that_the_check_reads_and_refuses_until_it_is_filled_in(self, desk: Client) -> None:
        answer = desk.get("/can-bo/danh-sach/mau")
        assert answer.status_code == 200
        assert send(desk, answer.content).status_code == 422
        assert kept() == []

    def test_names_the_id_alone_as_what_is_wrong_with_its_worked_line(self, officer: User) -> None:
        found = check(officer, blank_xlsx(), period=date(2026, 11, 1))
        assert codes(found) == {"ID_NOT_DIGITS"}


class TestOthers:
    def test_see_lists_of_their_units_only(self, desk: Client, client: Client) -> None:
        send(desk, list_xlsx(line()))
        [(pk, _)] = kept()
        for role, unit, seen in (
            (Role.PREPARER, SAI_GON, False),
            (Role.APPROVER, WARD, True),
            (Role.AUDITOR, None, True),
        ):
            stranger = Client()
            stranger.force_login(make_staff(role, unit=unit))
            assert stranger.get(f"/can-bo/danh-sach/{pk}/").status_code == (200 if seen else 404)
            assert ("danh-sach.xlsx" in stranger.get("/can-bo/danh-sach/").content.decode()) is seen
            assert stranger.post(f"/can-bo/danh-sach/{pk}/ghi").status_code == (404 if role == Role.PREPARER else 403)
        assert kept() == [(pk, "CHECKED")]

    def test_who_may_not_import_find_no_button_and_no_form(self, officer: User) -> None:
        client = Client()
        client.force_login(make_staff(Role.APPROVER))
        assert "Nhập danh sách" not in client.get("/can-bo/danh-sach/").content.decode()
        assert client.get(NEW).status_code == 403
        assert send(client, list_xlsx(line())).status_code == 403

    def test_whose_session_has_ended_are_told_and_write_nothing(self, desk: Client) -> None:
        send(desk, list_xlsx(line()))
        [(pk, _)] = kept()
        desk.logout()
        assert desk.post(f"/can-bo/danh-sach/{pk}/ghi").status_code == 401
        assert send(desk, list_xlsx(line())).status_code == 401
        assert kept() == [(pk, "CHECKED")]
        assert PayoutAccount.objects.count() == 0


class TestTheListOfLists:
    def test_is_empty_with_words(self, desk: Client) -> None:
        assert "Chưa có danh sách nào được nhập." in desk.get("/can-bo/danh-sach/").content.decode()

    def test_costs_the_same_for_many(self, desk: Client) -> None:
        bring(2)
        few = queries_of(desk)
        bring(35)
        assert queries_of(desk) == few

    @pytest.mark.parametrize("text", ["9" * 5000, "9" * 30, "-1", "x"])
    def test_takes_nonsense_in_its_address_for_nothing(self, desk: Client, text: str) -> None:
        assert desk.get("/can-bo/danh-sach/", {"sau": text}).status_code == 200

    def test_goes_on_page_by_page(self, desk: Client) -> None:
        bring(35)
        first = desk.get("/can-bo/danh-sach/").content.decode()
        assert "tep-34.xlsx" in first
        assert "tep-4.xlsx" not in first
        after = first.partition("?sau=")[2].partition('"')[0]
        assert "tep-4.xlsx" in desk.get(f"/can-bo/danh-sach/?sau={after}").content.decode()
        for nonsense in ("abc", "9" * 30, "-1", "%00"):
            assert desk.get(f"/can-bo/danh-sach/?sau={nonsense}").status_code == 200
        assert desk.get(f"/can-bo/danh-sach/{'9' * 30}/").status_code == 404


def bring(count: int) -> None:
    for number in range(count):
        RegisterImport.objects.create(
            unit_id=WARD,
            file_name=f"tep-{number}.xlsx",
            file_sha256=b"0" * 32,
            period="2026-11-01",
            summary={"lines": number, "total": number},
            uploaded_by=make_staff(Role.PREPARER),
        )


def queries_of(client: Client) -> int:
    client.get("/can-bo/danh-sach/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/can-bo/danh-sach/")
    return len(queries)
