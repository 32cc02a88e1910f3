"""An officer's batches: a new one, its page that follows the workers, its parts, and the acts on it with all that they refuse."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from foundation.audit.models import AuditEvent
from foundation.audit.operations import record_event
from foundation.users.access import CITY_TIME
from foundation.users.roles import Role
from payments import tasks
from payments.models import PayoutBatch
from payments.operations import decide
from payments.queries import batch_progress
from payments.states import BatchState
from tests.factories import WARD, Office, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import send_all, state_of
from tests.payments.months import build_month, two_months

pytestmark = pytest.mark.django_db
PAGE = "/can-bo/dot-chi/"
SAI_GON = "26740"
REASON = "Danh sách còn thiếu khu phố 3"
TABS = ("", "danh-sach", "khong-chi", "thay-doi", "nhat-ky")


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def desk(client: Client, office: Office) -> Client:
    client.force_login(office.preparer)
    return client


@pytest.fixture
def draft(office: Office) -> PayoutBatch:
    make_entitled(3)
    make_entitled(1, cash=True)
    return build_batch(office)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def seen(page: str) -> str:
    return page.partition('name="seen" value="')[2].partition('"')[0]


def act(client: Client, batch: PayoutBatch, name: str, **told: str) -> Any:
    """Open the page of an act and send its form."""
    page = client.get(f"{PAGE}{batch.pk}/{name}")
    return client.post(f"{PAGE}{batch.pk}/{name}", {"seen": seen(page.content.decode())} | told)


class TestANewBatch:
    def told(self, office: Office, **changes: str) -> dict[str, str]:
        return {
            "fund": str(office.fund.pk),
            "unit": WARD,
            "period": "2026-11",
            "kind": "REGULAR",
            "execution_date": f"{office.at().astimezone(CITY_TIME):%Y-%m-%d}",
        } | changes

    def test_is_built_by_workers_and_followed(self, desk: Client, office: Office) -> None:
        make_entitled(2)
        office_today = self.told(office, execution_date=f"{office.at() + timedelta(days=1):%d/%m/%Y}")
        answer = desk.post(f"{PAGE}lap", office_today)
        batch = PayoutBatch.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}{batch.pk}/")
        page = desk.get(answer["Location"]).content.decode()
        assert "Đang lập danh sách" in page
        assert 'hx-trigger="every 2s"' in page
        same = desk.get(f"{PAGE}{batch.pk}/?tu=BUILDING", headers={"HX-Request": "true"})
        assert "HX-Refresh" not in same
        assert same.content.decode().lstrip().startswith("<section")
        tasks.drain(budget_seconds=5)
        moved = desk.get(f"{PAGE}{batch.pk}/?tu=BUILDING", headers={"HX-Request": "true"})
        assert moved["HX-Refresh"] == "true"
        page = desk.get(f"{PAGE}{batch.pk}/").content.decode()
        assert "1.300.000" in page
        assert "Trình duyệt" in page
        assert "hx-trigger" not in page

    def test_offers_a_working_day_and_hides_what_is_not_to_be_chosen(self, desk: Client) -> None:
        page = desk.get(f"{PAGE}lap").content.decode()
        assert f'type="hidden" name="unit" value="{WARD}"' in page
        assert 'type="date"' in page

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"fund": "999999"}, "Chọn nguồn trong danh sách."),
            ({"unit": SAI_GON}, "Chọn phường, xã trong danh sách."),
            ({"period": "2025-08"}, "Chọn tháng trong danh sách."),
            ({"kind": "FUNERAL"}, "Chọn loại đợt trong danh sách."),
            ({"execution_date": "2020-01-01"}, "Ngày chi không được trước hôm nay."),
            ({"execution_date": "9999-12-31"}, "Ngày chi không được sau hôm nay quá 62 ngày."),
            ({"execution_date": "hôm qua"}, "Ghi ngày chi dạng ngày/tháng/năm."),
            ({"fund": "", "period": "", "execution_date": ""}, "Chọn nguồn kinh phí."),
        ],
    )
    def test_refuses_what_cannot_be(self, desk: Client, office: Office, changes: dict[str, str], words: str) -> None:
        answer = desk.post(f"{PAGE}lap", self.told(office, **changes))
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert PayoutBatch.objects.count() == 0

    def test_stands_once_a_month_however_often_the_button_is_pressed(self, desk: Client, office: Office) -> None:
        assert desk.post(f"{PAGE}lap", self.told(office)).status_code == 302
        answer = desk.post(f"{PAGE}lap", self.told(office))
        assert answer.status_code == 409
        assert "đã có đợt chi trả" in answer.content.decode()
        assert PayoutBatch.objects.count() == 1

    def test_is_for_preparers(self, office: Office) -> None:
        for role in (Role.APPROVER, Role.ACCOUNTANT, Role.AUDITOR, Role.ADMINISTRATOR):
            client = signed_in(make_staff(role))
            assert client.get(f"{PAGE}lap").status_code == 403
            assert client.post(f"{PAGE}lap", self.told(office)).status_code == 403
        assert Client().post(f"{PAGE}lap", self.told(office)).status_code == 401
        assert PayoutBatch.objects.count() == 0


class TestTheListOfBatches:
    def test_is_empty_with_words_and_finds_nothing_with_words(self, desk: Client) -> None:
        assert "Chưa có đợt chi nào." in desk.get(PAGE).content.decode()
        assert "Không có đợt chi nào như vậy." in desk.get(f"{PAGE}?trang-thai=DRAFT").content.decode()

    def test_filters_by_what_stands_in_the_address(self, desk: Client, draft: PayoutBatch) -> None:
        link = f'href="{PAGE}{draft.pk}/"'
        for query, found in (
            ("", True), ("?ky=2026-11", True), ("?ky=2026-10", False), ("?trang-thai=DRAFT", True),
            ("?trang-thai=CLOSED", False), (f"?don-vi={WARD}", True), (f"?don-vi={SAI_GON}", False),
            ("?ky=x&trang-thai=y&sau=z", True),
        ):  # fmt: skip
            assert (link in desk.get(f"{PAGE}{query}").content.decode()) is found, query

    def test_shows_the_officers_units_only(self, draft: PayoutBatch) -> None:
        client = signed_in(make_staff(Role.PREPARER, unit=SAI_GON))
        assert f'href="{PAGE}{draft.pk}/"' not in client.get(PAGE).content.decode()
        for tab in TABS:
            assert client.get(f"{PAGE}{draft.pk}/{tab}").status_code == 404
        for name in ("trinh", "rut-lai", "tam-dung"):
            assert client.post(f"{PAGE}{draft.pk}/{name}", {"reason": REASON}).status_code == 404
        assert state_of(draft) == BatchState.DRAFT

    def test_costs_the_same_for_many(self, desk: Client, office: Office) -> None:
        def queries() -> int:
            desk.get(PAGE)
            with CaptureQueriesContext(connection) as captured:
                desk.get(PAGE)
            return len(captured)

        make_entitled(1)
        first = build_batch(office)
        few = queries()
        for _ in range(4):
            decide.withdraw_batch(batch_id=first.pk, by=office.preparer, reason=REASON, at=office.at())
            first = build_batch(office)
        assert queries() == few


class TestThePartsOfABatch:
    def test_name_everybody_who_is_paid(self, desk: Client, draft: PayoutBatch) -> None:
        page = desk.get(f"{PAGE}{draft.pk}/danh-sach").content.decode()
        assert "Nguyễn Văn Hai" in page
        assert "Vietcombank" in page
        assert "Tiền mặt tại phường" in page
        for query, found in (
            ("?ten=nguyen+van+ba", True), ("?ten=le", False), ("?cach=WARD_CASH", False), ("?cach=GATEWAY", True),
            ("?trang-thai=SETTLED", False), ("?cach=x&trang-thai=y&sau=z", True),
        ):  # fmt: skip
            assert ("Nguyễn Văn Ba" in desk.get(f"{PAGE}{draft.pk}/danh-sach{query}").content.decode()) is found, query

    def test_say_why_somebody_is_not_paid(self, desk: Client, office: Office) -> None:
        payee, *_ = make_entitled(3)
        payee.accounts.update(state="SUSPENDED")
        batch = build_batch(office)
        page = desk.get(f"{PAGE}{batch.pk}/khong-chi").content.decode()
        assert "Tài khoản đang tạm khoá: xem lại tài khoản" in page
        assert str(payee) in page
        assert str(payee) in desk.get(f"{PAGE}{batch.pk}/khong-chi?ly-do=ACCOUNT_SUSPENDED").content.decode()
        assert "Không có khoản nào như vậy." in desk.get(f"{PAGE}{batch.pk}/khong-chi?ly-do=NO_RATE").content.decode()

    def test_compare_with_the_month_before(self, desk: Client, office: Office) -> None:
        months = two_months(office)
        batch = build_month(office)
        page = desk.get(f"{PAGE}{batch.pk}/").content.decode()
        assert "tháng trước 6" in page
        for kind, payee in (
            ("NEW", months.new),
            ("GONE", months.gone),
            ("AMOUNT", months.amount),
            ("ACCOUNT", months.account),
        ):
            page = desk.get(f"{PAGE}{batch.pk}/thay-doi?loai={kind}").content.decode()
            assert str(payee) in page, kind
        assert "650.000</del>" in desk.get(f"{PAGE}{batch.pk}/thay-doi?loai=AMOUNT").content.decode()

    def test_of_a_first_list_have_nothing_to_compare(self, desk: Client, draft: PayoutBatch) -> None:
        page = desk.get(f"{PAGE}{draft.pk}/thay-doi").content.decode()
        assert "Chưa có đợt chi trước" in page

    def test_tell_what_happened(self, desk: Client, draft: PayoutBatch) -> None:
        act(desk, draft, "trinh")
        page = desk.get(f"{PAGE}{draft.pk}/nhat-ky").content.decode()
        for words in ("Trình phê duyệt", "Lập xong danh sách", "Bắt đầu lập đợt chi", bytes(_hash(draft)).hex()):
            assert words in page

    def test_tell_numbers_with_dots(self, desk: Client, office: Office, draft: PayoutBatch) -> None:
        payload = {"transactions": 2318, "excluded": 1035, "version": 1, "sum": 1_506_700_000}
        record_event(
            kind="batch.built",
            actor=office.preparer.actor,
            subject_kind="batch",
            subject_id=draft.pk,
            payload=payload,
        )
        page = desk.get(f"{PAGE}{draft.pk}/nhat-ky").content.decode()
        for words in ("Số khoản: 2.318", "Không chi: 1.035", "1.506.700.000 đ"):
            assert words in page

    def test_open_to_whoever_may_see_the_batch(self, draft: PayoutBatch) -> None:
        for role in (Role.APPROVER, Role.ACCOUNTANT, Role.AUDITOR, Role.ADMINISTRATOR):
            client = signed_in(make_staff(role))
            for tab in TABS:
                answer = client.get(f"{PAGE}{draft.pk}/{tab}")
                assert answer.status_code == 200, (role, tab)
                assert "Trình duyệt</a>" not in answer.content.decode()

    def test_cost_the_same_for_many(self, desk: Client, office: Office) -> None:
        def queries(batch: PayoutBatch) -> list[int]:
            counts = []
            for tab in TABS:
                with CaptureQueriesContext(connection) as captured:
                    assert desk.get(f"{PAGE}{batch.pk}/{tab}").status_code == 200
                counts.append(len(captured))
            return counts

        make_entitled(2)
        small = build_batch(office)
        queries(small)
        few = queries(small)
        decide.withdraw_batch(batch_id=small.pk, by=office.preparer, reason=REASON, at=office.at())
        make_entitled(40)
        assert queries(build_batch(office)) == few

    def test_follow_the_money_until_only_cash_is_open(self, desk: Client, office: Office, draft: PayoutBatch) -> None:
        start(office, draft)
        page = desk.get(f"{PAGE}{draft.pk}/").content.decode()
        assert 'hx-trigger="every 2s"' in page
        send_all(FakeGateway())
        page = desk.get(f"{PAGE}{draft.pk}/").content.decode()
        assert "hx-trigger" not in page
        assert "tiền mặt còn chờ người nhận" in page
        assert "mỗi phút" not in page
        assert batch_progress(batch=draft, at=office.at()).per_minute is None
        assert "Đã chi" in page

    def test_say_how_much_money_is_missing(self, client: Client) -> None:
        office = make_office(money=1_000_000)
        make_entitled(3)
        batch = build_batch(office)
        decided = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=decided, at=office.at())
        client.force_login(office.preparer)
        page = client.get(f"{PAGE}{batch.pk}/").content.decode()
        assert "Nguồn kinh phí không đủ: còn thiếu 950.000" in page


def _hash(batch: PayoutBatch) -> bytes:
    batch.refresh_from_db()
    assert batch.list_hash is not None
    return bytes(batch.list_hash)


@pytest.mark.parametrize("text", ["\x00", "9" * 30, "9" * 5000, "-1", "'; --", "%", "á" * 200])
def test_nonsense_in_an_address_is_no_error(desk: Client, draft: PayoutBatch, text: str) -> None:
    asked = dict.fromkeys(("don-vi", "ky", "trang-thai", "sau", "ten", "cach", "ly-do", "loai", "tu"), text)
    assert desk.get(PAGE, asked).status_code == 200
    for tab in TABS:
        assert desk.get(f"{PAGE}{draft.pk}/{tab}", asked).status_code == 200
    assert desk.get(f"{PAGE}{'9' * 30}/").status_code == 404


class TestActs:
    def test_submit_says_what_freezes_and_freezes_it_once(self, desk: Client, draft: PayoutBatch) -> None:
        page = desk.get(f"{PAGE}{draft.pk}/trinh").content.decode()
        assert "không ai sửa được" in page
        told = {"seen": seen(page)}
        assert desk.post(f"{PAGE}{draft.pk}/trinh", told).status_code == 302
        answer = desk.post(f"{PAGE}{draft.pk}/trinh", told)
        assert answer.status_code == 409
        assert state_of(draft) == BatchState.SUBMITTED
        assert AuditEvent.objects.filter(kind="batch.submitted").count() == 1

    def test_an_old_page_submits_nothing(self, desk: Client, draft: PayoutBatch) -> None:
        for told in ({"seen": "DRAFT-1-1-0"}, {}):
            assert desk.post(f"{PAGE}{draft.pk}/trinh", told).status_code == 409
        assert state_of(draft) == BatchState.DRAFT

    def test_withdraw_and_return_and_hold_need_a_reason(
        self, desk: Client, office: Office, draft: PayoutBatch
    ) -> None:
        for reason, words in (
            ("", "Ghi lý do."),
            ("ngắn", "ít nhất 10 ký tự"),
            ("Sai số 0071 0001 2345 67", "số tài khoản"),
        ):
            answer = act(desk, draft, "rut-lai", reason=reason)
            assert answer.status_code == 422
            assert words in answer.content.decode()
        assert state_of(draft) == BatchState.DRAFT
        assert act(desk, draft, "rut-lai", reason=REASON).status_code == 302
        assert state_of(draft) == BatchState.WITHDRAWN
        assert desk.get(f"{PAGE}{draft.pk}/rut-lai").status_code == 409

    def test_an_approver_returns_the_list_that_he_saw(self, desk: Client, office: Office, draft: PayoutBatch) -> None:
        act(desk, draft, "trinh")
        boss = signed_in(office.approver)
        assert boss.post(f"{PAGE}{draft.pk}/tra-lai", {"seen": "old", "reason": REASON}).status_code == 409
        assert act(boss, draft, "tra-lai", reason=REASON).status_code == 302
        assert state_of(draft) == BatchState.REJECTED
        assert REASON in desk.get(f"{PAGE}{draft.pk}/").content.decode()

    def test_somebody_holds_a_list_that_is_being_paid(self, office: Office, draft: PayoutBatch) -> None:
        start(office, draft)
        keeper = signed_in(office.accountant)
        assert "Tạm dừng" in keeper.get(f"{PAGE}{draft.pk}/").content.decode()
        assert act(keeper, draft, "tam-dung", reason=REASON).status_code == 302
        assert state_of(draft) == BatchState.HELD
        assert "Đang tạm dừng" in keeper.get(f"{PAGE}{draft.pk}/").content.decode()
        assert keeper.post(f"{PAGE}{draft.pk}/tam-dung", {"reason": REASON}).status_code == 409

    def test_are_refused_to_whoever_lacks_the_right(self, office: Office, draft: PayoutBatch) -> None:
        boss, auditor = signed_in(office.approver), signed_in(make_staff(Role.AUDITOR))
        for client, name in ((boss, "trinh"), (boss, "rut-lai"), (auditor, "tam-dung"), (auditor, "tra-lai")):
            assert client.get(f"{PAGE}{draft.pk}/{name}").status_code == 403
            assert client.post(f"{PAGE}{draft.pk}/{name}", {"reason": REASON}).status_code == 403
        assert Client().post(f"{PAGE}{draft.pk}/trinh").status_code == 401
        assert state_of(draft) == BatchState.DRAFT
