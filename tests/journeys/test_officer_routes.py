"""An accountant's pages for cash and for lists to others: print, hand over, mark, make, send, read results; and every refusal."""

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from python_calamine import CalamineWorkbook

from beneficiaries.models import PaymentWay
from foundation.privacy.models import DataAccess
from foundation.users.access import CITY_TIME
from foundation.users.roles import Role
from payments.models import CashCollection, PayoutBatch, PayoutFile, ResultFile, Transfer
from payments.operations import cash
from payments.states import BatchKind
from tests.factories import Office, build_batch, make_entitled, make_office, make_staff, start
from tests.payments.by_file import NOT_PAID, T, answer, bring, given, said, table, to_service, to_treasury
from tests.payments.helpers import states

pytestmark = pytest.mark.django_db
PAGE = "/can-bo/dot-chi/"


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def desk(client: Client, office: Office) -> Client:
    client.force_login(office.accountant)
    return client


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(answer_: Any) -> str:
    return answer_.content.decode()


def with_cash(office: Office, people: int = 3, *, handed: bool = True) -> tuple[PayoutBatch, list[Transfer]]:
    make_entitled(people, cash=True)
    batch = start(office, build_batch(office))
    if handed:
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
    return batch, list(Transfer.objects.filter(route="WARD_CASH").order_by("id"))


def sign(desk: Client, batch: PayoutBatch, *ticked: Transfer, **told: str) -> Any:
    form = {"chon": [str(one.pk) for one in ticked], "collected_date": "2026-11-02"} | told
    return desk.post(f"{PAGE}{batch.pk}/tien-mat/ky-nhan", form)


class TestCash:
    def test_has_its_tab_only_where_there_is_cash(self, desk: Client, office: Office) -> None:
        to_treasury(1)
        batch = start(office, build_batch(office))
        page = text(desk.get(f"{PAGE}{batch.pk}/"))
        assert ("Chi tiền mặt" in page, "Kho bạc, dịch vụ chi trả" in page) == (False, True)

    def test_is_printed_and_that_is_written_down(self, desk: Client, office: Office) -> None:
        batch, transfers = with_cash(office, handed=False)
        got = desk.post(f"{PAGE}{batch.pk}/tien-mat/in")
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(got.content)).get_sheet_by_index(0)
        names = [cell for row in sheet.to_python() for cell in row]
        assert all(one.creditor_name in names for one in transfers)
        assert DataAccess.objects.get(subject_kind="batch").subject_id == str(batch.pk)

    def test_is_handed_over_then_signed_for(self, desk: Client, office: Office) -> None:
        batch, (first, second, _) = with_cash(office, handed=False)
        page = text(desk.get(f"{PAGE}{batch.pk}/tien-mat"))
        assert "Ghi đã giao điểm chi" in page
        assert "Ghi những người đã ký nhận" not in page
        desk.post(f"{PAGE}{batch.pk}/tien-mat/giao")
        got = sign(desk, batch, first, second)
        assert got["Location"] == f"{PAGE}{batch.pk}/tien-mat?"
        assert states() == {"SETTLED": 2, "HANDED_OVER": 1}
        assert "Đã ghi 2 người ký nhận." in text(desk.get(got["Location"]))

    def test_somebody_else_signs_with_his_relation(self, desk: Client, office: Office) -> None:
        batch, (first, *_) = with_cash(office)
        sign(desk, batch, first, **{f"nguoi-nhan-{first.pk}": "Trần Thị Lan", f"quan-he-{first.pk}": "Con gái"})
        signed = CashCollection.objects.get()
        assert (signed.receiver_name, signed.relation) == ("Trần Thị Lan", "Con gái")

    @pytest.mark.parametrize(
        ("ticked", "told", "words"),
        [
            (0, {}, "Đánh dấu ít nhất một người đã ký nhận."),
            (1, {"collected_date": "2999-01-01"}, "Ngày nhận không được sau hôm nay."),
            (1, {"collected_date": "hôm qua"}, "Ghi ngày nhận dạng ngày/tháng/năm."),
            (1, {"other": "Trần Thị Lan"}, "Ghi quan hệ của người ký nhận thay."),
        ],
    )
    def test_a_slip_is_told_and_nothing_written(
        self, desk: Client, office: Office, ticked: int, told: dict[str, str], words: str
    ) -> None:
        batch, transfers = with_cash(office)
        words_typed = set(told)
        if "other" in told:
            told = {f"nguoi-nhan-{transfers[0].pk}": told["other"]}
        got = sign(desk, batch, *transfers[:ticked], **told)
        assert got.status_code == 422
        assert words in text(got)
        assert text(got).count(" checked") == ticked
        assert ('value="Trần Thị Lan"' in text(got)) == ("other" in words_typed)
        assert not CashCollection.objects.exists()

    def test_is_found_by_name_with_and_without_marks(self, desk: Client, office: Office) -> None:
        batch, _ = with_cash(office, 9)
        page = text(desk.get(f"{PAGE}{batch.pk}/tien-mat?ten=nguyen+van+muoi"))
        assert page.count('name="chon"') == 1
        assert "Nguyễn Văn Mười" in page

    def test_is_closed_on_a_page_that_says_what_it_does(self, desk: Client, office: Office) -> None:
        batch, (first, *_) = with_cash(office)
        sign(desk, batch, first)
        assert "2 khoản, 1.300.000" in text(desk.get(f"{PAGE}{batch.pk}/tien-mat/chuyen-ky"))
        desk.post(f"{PAGE}{batch.pk}/tien-mat/chuyen-ky")
        assert states() == {"SETTLED": 1, "CANCELLED": 2}

    def test_others_see_and_change_nothing(self, office: Office) -> None:
        batch, (first, *_) = with_cash(office)
        approver = signed_in(office.approver)
        page = text(approver.get(f"{PAGE}{batch.pk}/tien-mat"))
        assert first.creditor_name in page
        assert 'name="chon"' not in page
        assert sign(approver, batch, first).status_code == 403
        assert sign(signed_in(make_staff(Role.ACCOUNTANT, unit="26740")), batch, first).status_code == 404

    def test_costs_the_same_for_three_and_for_thirty(self, desk: Client, office: Office) -> None:
        batch, _ = with_cash(office)
        counts = []
        for _ in range(2):
            desk.get(f"{PAGE}{batch.pk}/tien-mat")
            with CaptureQueriesContext(connection) as queries:
                desk.get(f"{PAGE}{batch.pk}/tien-mat")
            counts.append(len(queries))
            batch, _rows = with_more_cash(office)
        assert counts[0] == counts[1]


def with_more_cash(office: Office) -> tuple[PayoutBatch, int]:
    make_entitled(30, cash=True)
    batch = start(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
    return batch, cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())


class TestLists:
    def test_are_made_and_taken_along(self, desk: Client, office: Office) -> None:
        to_treasury(2)
        batch = start(office, build_batch(office))
        assert "2 khoản, 1.300.000" in text(desk.get(f"{PAGE}{batch.pk}/tep"))
        assert desk.post(f"{PAGE}{batch.pk}/tep/lap/TREASURY_FILE")["Location"] == f"{PAGE}{batch.pk}/tep"
        file = PayoutFile.objects.get()
        page = text(desk.get(f"{PAGE}{batch.pk}/tep"))
        assert "Đã lập tệp số 1: 2 khoản." in page
        assert "Lập tệp</button>" not in page
        got = desk.post(f"{PAGE}{batch.pk}/tep/{file.pk}/tai/csv")
        assert [row["STT"] for row in table(got.content)] == ["1", "2"]
        assert got["Content-Disposition"] == f'attachment; filename="kho-bac-dot-{batch.pk}-so-1-ban-1.csv"'
        assert desk.post(f"{PAGE}{batch.pk}/tep/{file.pk}/tai/xlsx").content[:2] == b"PK"
        assert desk.post(f"{PAGE}{batch.pk}/tep/{file.pk}/tai/exe").status_code == 404

    def test_of_another_route_are_no_page(self, desk: Client, office: Office) -> None:
        batch, _, _ = given(office)
        assert desk.post(f"{PAGE}{batch.pk}/tep/lap/GATEWAY").status_code == 404
        assert desk.get(f"{PAGE}{batch.pk}/ket-qua/nhan/x").status_code == 404

    def test_of_another_batch_are_not_found(self, desk: Client, office: Office) -> None:
        batch, file, _ = given(office)
        other = PayoutBatch.objects.exclude(pk=batch.pk).first() or with_more_cash(office)[0]
        assert desk.post(f"{PAGE}{other.pk}/tep/{file.pk}/tai/csv").status_code == 404

    def test_are_given_out_anew_by_another_person(self, desk: Client, office: Office) -> None:
        batch, file, _ = given(office)
        address = f"{PAGE}{batch.pk}/tep/{file.pk}/lap-lai"
        assert "Cần một người khác." in text(desk.get(address))
        told = {"reason": "Kho bạc báo bằng văn bản chưa nhận được bảng kê"}
        assert desk.post(address, told).status_code == 403
        other = signed_in(make_staff(Role.ACCOUNTANT))
        assert other.post(address, {"reason": "ngắn"}).status_code == 422
        assert other.post(address, told).status_code == 302
        page = text(other.get(f"{PAGE}{batch.pk}/tep"))
        assert ("Đã thay" in page, "Số 1, bản 2" in page) == (True, True)
        assert other.get(address).status_code == 409


class TestResults:
    def upload(self, desk: Client, batch: PayoutBatch, content: bytes, route: str = "TREASURY_FILE") -> Any:
        file = SimpleUploadedFile("ket-qua.csv", content)
        return desk.post(f"{PAGE}{batch.pk}/ket-qua/nhan/{route}", {"file": file})

    def test_are_shown_before_they_count(self, desk: Client, office: Office) -> None:
        batch, _, (first, second) = given(office)
        got = self.upload(desk, batch, answer([said(first), said(second, NOT_PAID)]))
        kept = ResultFile.objects.get()
        assert got["Location"] == f"{PAGE}{batch.pk}/ket-qua/{kept.pk}/"
        page = text(desk.get(got["Location"]))
        for words in ("Đã chi", "Không chi được", "Tài khoản đã đóng", "Ghi kết quả"):
            assert words in page
        assert states() == {"HANDED_OVER": 2}
        seen = page.partition('name="seen" value="')[2].partition('"')[0]
        desk.post(f"{got['Location']}ghi", {"seen": seen})
        assert states() == {"SETTLED": 1, "REJECTED": 1}
        assert "Ghi kết quả</button>" not in text(desk.get(got["Location"]))

    def test_that_would_do_something_else_by_now_are_shown_again(self, desk: Client, office: Office) -> None:
        batch, _, (first, second) = given(office)
        kept = bring(office, batch, said(first), said(second))
        address = f"{PAGE}{batch.pk}/ket-qua/{kept.pk}/"
        seen = text(desk.get(address)).partition('name="seen" value="')[2].partition('"')[0]
        other = bring(office, batch, said(first))
        desk.post(f"{PAGE}{batch.pk}/ket-qua/{other.pk}/ghi", {"seen": "PAID1"})
        got = desk.post(f"{address}ghi", {"seen": seen})
        assert "Có khoản đã đổi trạng thái." in text(desk.get(got["Location"]))
        assert states() == {"SETTLED": 1, "HANDED_OVER": 1}

    def test_with_mistakes_are_told_row_by_row(self, desk: Client, office: Office) -> None:
        batch, _, (first, _) = given(office)
        got = self.upload(desk, batch, answer([said(first, "có lẽ")]))
        assert got.status_code == 422
        assert "Không rõ kết quả. Ghi “Đã chi” hoặc “Chưa chi”. Dòng 2." in text(got)

    @pytest.mark.parametrize(
        ("content", "words"), [(b"", "Danh sách không có dòng nào."), (b"PK\x03\x04xx", "không phải tệp Excel")]
    )
    def test_that_are_no_results_are_refused(self, desk: Client, office: Office, content: bytes, words: str) -> None:
        batch, _, _ = given(office)
        got = self.upload(desk, batch, content)
        assert (got.status_code, words in text(got)) == (422, True)

    def test_twice_the_same_file_is_told(self, desk: Client, office: Office) -> None:
        batch, _, (first, _) = given(office)
        self.upload(desk, batch, answer([said(first)]))
        assert "Tệp này đã được tải lên rồi." in text(self.upload(desk, batch, answer([said(first)])))

    def test_larger_than_they_may_be_are_not_read(self, desk: Client, office: Office) -> None:
        batch, _, _ = given(office)
        got = self.upload(desk, batch, bytes(20 * 1024 * 1024 + 70_000))
        assert (got.status_code, ResultFile.objects.count()) == (413, 0)

    def test_may_be_given_up(self, desk: Client, office: Office) -> None:
        batch, _, (first, _) = given(office)
        kept = bring(office, batch, said(first))
        desk.post(f"{PAGE}{batch.pk}/ket-qua/{kept.pk}/bo")
        assert "Đã bỏ" in text(desk.get(f"{PAGE}{batch.pk}/tep"))

    def test_that_contradict_what_was_written_stand_on_the_page(self, desk: Client, office: Office) -> None:
        batch, _, (first, _) = given(office)
        for outcome in (NOT_PAID, "Đã chi"):
            kept = bring(office, batch, said(first, outcome))
            page = text(desk.get(f"{PAGE}{batch.pk}/ket-qua/{kept.pk}/"))
            seen = page.partition('name="seen" value="')[2].partition('"')[0]
            desk.post(f"{PAGE}{batch.pk}/ket-qua/{kept.pk}/ghi", {"seen": seen})
        assert "đã ghi “Ngân hàng từ chối”, tệp sau báo “Đã chi”" in text(desk.get(f"{PAGE}{batch.pk}/tep"))

    def test_of_a_few_rows_and_of_many_cost_the_same(self, desk: Client, office: Office) -> None:
        batch, _, transfers = given(office, people=30)
        counts = []
        for rows in (transfers[:1], transfers[1:]):
            kept = bring(office, batch, *map(said, rows))
            desk.get(f"{PAGE}{batch.pk}/ket-qua/{kept.pk}/")
            with CaptureQueriesContext(connection) as queries:
                desk.get(f"{PAGE}{batch.pk}/ket-qua/{kept.pk}/")
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_are_for_the_wards_own_accountant(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        assert self.upload(signed_in(office.approver), batch, answer([said(first)])).status_code == 403
        stranger = signed_in(make_staff(Role.ACCOUNTANT, unit="26740"))
        assert self.upload(stranger, batch, answer([said(first)])).status_code == 404


class TestThePayeesWay:
    def test_is_reached_from_the_list_and_written_down(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        batch = build_batch(office)
        desk = signed_in(office.preparer)
        address = f"/can-bo/nguoi-nhan/{payee.pk}/cach-nhan"
        assert address in text(desk.get(f"{PAGE}{batch.pk}/danh-sach"))
        assert "Vietcombank" in text(desk.get(address))
        told = {"way": "CARD", "service_code": "kh000123", "reason": "Người nhận đề nghị tại quầy một cửa"}
        assert desk.post(address, told)["Location"] == address
        way = PaymentWay.objects.get()
        assert (way.way, way.delivery, way.service_code) == ("PAYMENT_SERVICE", "CARD", "KH000123")
        page = text(desk.get(address))
        assert "Qua tổ chức dịch vụ chi trả: Thẻ chi trả (KH000123)" in page

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"way": ""}, "Chọn cách nhận tiền."),
            ({"way": "DRONE"}, "Chọn cách nhận tiền."),
            ({"way": "CARD"}, "Ghi mã khách hàng của thẻ."),
            ({"way": "CARD", "service_code": "9704366612345678"}, "Mã khách hàng có tối đa"),
            ({"reason": "đổi"}, "Ghi lý do ít nhất 10 ký tự."),
            ({"reason": "Căn cước 079148000123 đã xem"}, "Lý do có số định danh"),
        ],
    )
    def test_a_slip_is_told_and_nothing_written(self, office: Office, change: dict[str, str], words: str) -> None:
        (payee,) = make_entitled(1)
        told = {"way": "HOME", "reason": "Người nhận đề nghị tại quầy một cửa"} | change
        got = signed_in(office.preparer).post(f"/can-bo/nguoi-nhan/{payee.pk}/cach-nhan", told)
        assert (got.status_code, words in text(got)) == (422, True)
        assert not PaymentWay.objects.exists()

    def test_is_seen_by_others_of_the_ward_and_by_no_stranger(self, office: Office) -> None:
        (payee,) = to_service(office, 1)
        address = f"/can-bo/nguoi-nhan/{payee.pk}/cach-nhan"
        page = text(signed_in(office.approver).get(address))
        assert "Điểm chi trả" in page
        assert "Ghi cách nhận khác" not in page
        assert signed_in(make_staff(Role.PREPARER, unit="26740")).get(address).status_code == 404
        told = {"way": "HOME", "reason": "Người nhận đề nghị tại quầy một cửa"}
        assert signed_in(office.approver).post(address, told).status_code == 403


def test_a_list_past_the_gateway_is_asked_for_when_it_is_built(office: Office) -> None:
    make_entitled(1)
    told = {
        "fund": str(office.fund.pk),
        "unit": "26743",
        "period": "2026-11",
        "kind": "REGULAR",
        "accounts_by": "TREASURY_FILE",
        "execution_date": f"{office.at().astimezone(CITY_TIME):%Y-%m-%d}",
    }
    desk = signed_in(office.preparer)
    assert desk.post(f"{PAGE}lap", told | {"accounts_by": "WARD_CASH"}).status_code == 422
    desk.post(f"{PAGE}lap", told)
    assert PayoutBatch.objects.get().accounts_by == T
