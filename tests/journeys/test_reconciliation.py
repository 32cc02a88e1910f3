"""Officers reconcile: a statement comes in, what differs is taken over, explained and decided by two persons, the list closes."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from foundation.audit.sealing import seal_events
from foundation.users.models import User
from foundation.users.roles import Role
from payments import tasks
from payments.models import (
    DifferenceComment,
    PayoutBatch,
    ReconciliationDifference,
    Statement,
    StatementFile,
)
from payments.operations import release
from payments.operations.import_statements import import_one
from tests.factories import Office, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import balances, send_all, state_of
from tests.payments.statements import Line, camt, credit, debit, finish, take_in, today
from tests.payments.test_statements import transfers

pytestmark = pytest.mark.django_db
PAGE = "/can-bo/doi-soat/"


@pytest.fixture
def office() -> Office:
    return make_office()


@pytest.fixture
def batch(office: Office) -> PayoutBatch:
    make_entitled(3)
    batch = start(office, build_batch(office))
    send_all(FakeGateway())
    release.drain_batches()
    return batch


@pytest.fixture(autouse=True)
def no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "ring", lambda: None)


def desk_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def read(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def send(client: Client, path: str, status: int = 302, told: Any = None, **more: Any) -> str:
    answer = client.post(path, {**(told or {}), **more})
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def upload(client: Client, content: bytes, status: int = 302) -> str:
    return send(client, f"{PAGE}sao-ke/tai-len", status, file=SimpleUploadedFile("sao-ke.xml", content))


def unknown_money(office: Office) -> ReconciliationDifference:
    extra = Line(amount=250_000, end_to_end_id="X1", reference="X1")
    take_in(camt([*map(debit, transfers()), extra]), by=office.accountant)
    return ReconciliationDifference.objects.get(kind="UNKNOWN_TO_US")


class TestBringingAStatement:
    def test_leads_to_its_page_which_follows_the_worker(self, office: Office, batch: PayoutBatch) -> None:
        desk = desk_of(office.accountant)
        upload(desk, camt([debit(transfer) for transfer in transfers()]))
        file = StatementFile.objects.get()
        path = f"{PAGE}sao-ke/tep/{file.pk}/"
        page = read(desk, path)
        assert "Đang chờ nhập" in page or "Đang đọc tệp" in page
        assert 'hx-trigger="every 2s"' in page
        assert import_one()
        assert desk.get(path, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
        page = read(desk, path)
        assert "Đã nhập 3 bút toán" in page
        statement = Statement.objects.get()
        assert f"{PAGE}sao-ke/{statement.pk}/" in page
        assert "Khớp" in read(desk, PAGE)
        assert "Không có chênh lệch nào." in read(desk, f"{PAGE}sao-ke/{statement.pk}/")

    def test_twice_says_that_nothing_changed(self, office: Office, batch: PayoutBatch) -> None:
        desk, content = desk_of(office.accountant), camt([debit(transfer) for transfer in transfers()])
        for _ in range(2):
            upload(desk, content)
            assert import_one()
        again = StatementFile.objects.latest("pk")
        assert "Không có gì thay đổi" in read(desk, f"{PAGE}sao-ke/tep/{again.pk}/")

    def test_that_is_cut_says_what_to_do_and_keeps_nothing(self, office: Office, batch: PayoutBatch) -> None:
        page = upload(desk_of(office.accountant), camt([debit(transfers()[0])])[:-40], status=422)
        assert "Tệp bị cắt" in page
        assert not StatementFile.objects.exists()

    def test_without_a_file_asks_for_one(self, office: Office) -> None:
        assert "Chọn tệp sao kê." in send(desk_of(office.accountant), f"{PAGE}sao-ke/tai-len", 422)

    def test_that_is_too_large_is_refused_before_it_is_read(self, office: Office) -> None:
        answer = desk_of(office.accountant).post(f"{PAGE}sao-ke/tai-len", CONTENT_LENGTH=str(10**9))
        assert answer.status_code == 422
        assert "50 MB" in answer.content.decode()

    def test_is_for_accountants_and_administrators(self, office: Office, batch: PayoutBatch) -> None:
        content = camt([debit(transfer) for transfer in transfers()])
        for user, status in (
            (office.preparer, 403),
            (office.approver, 403),
            (make_staff(Role.ACCOUNTANT, unit="25747"), 403),
            (make_staff(Role.ADMINISTRATOR, unit=None), 302),
        ):
            upload(desk_of(user), content, status)

    def test_from_the_bank_is_ordered_once(self, office: Office) -> None:
        desk, day = desk_of(office.accountant), today().isoformat()
        for _ in range(2):
            send(desk, f"{PAGE}sao-ke/lay", first=day, last=day)
        file = StatementFile.objects.get()
        assert (file.state, file.account) == ("ORDERED", office.fund.debtor_account)
        assert "Chờ lấy từ ngân hàng" in read(desk, f"{PAGE}sao-ke/tep/{file.pk}/")

    @pytest.mark.parametrize(
        ("first", "last", "words"),
        [
            (0, 1, "ngày chưa tới"),
            (0, -1, "Ngày cuối phải sau ngày đầu"),
            (-40, 0, "nhiều nhất 31 ngày"),
        ],
    )
    def test_of_days_that_make_no_sense_is_not_ordered(
        self, office: Office, first: int, last: int, words: str
    ) -> None:
        days = {"first": today() + timedelta(days=first), "last": today() + timedelta(days=last)}
        assert words in send(desk_of(office.accountant), f"{PAGE}sao-ke/lay", 422, told=days)
        assert not StatementFile.objects.exists()


class TestADifference:
    def test_goes_from_hand_to_hand_to_its_end(self, office: Office, batch: PayoutBatch) -> None:
        found = unknown_money(office)
        desk, chief = desk_of(office.accountant), desk_of(office.approver)
        path = f"{PAGE}chenh-lech/{found.pk}/"
        assert "1 chênh lệch" in read(desk, PAGE) or "2 chênh lệch" in read(desk, PAGE)
        assert "Kế toán" in read(desk, path)
        send(desk, f"{path}nhan")
        assert office.accountant.full_name in read(desk, path)
        send(desk, f"{path}ghi-chu", told={"note-text": "Đã gọi ngân hàng, chờ công văn"})
        assert "Đã gọi ngân hàng" in read(desk, path)
        told = {"end-outcome": "NOT_OURS", "end-reason": "Phí ngân hàng thu nhầm, đã hoàn"}
        send(desk, f"{path}de-nghi", told=told)
        assert "Rút đề nghị" in read(desk, path)
        assert "Đồng ý kết luận" not in read(desk, path)
        send(chief, f"{path}quyet", agree="1")
        page = read(desk, path)
        assert "Đã kết luận" in page
        assert office.approver.full_name in page
        assert balances(office)["SUSPENSE"] == 0

    def test_stays_open_when_the_second_person_says_no(self, office: Office, batch: PayoutBatch) -> None:
        found = unknown_money(office)
        path = f"{PAGE}chenh-lech/{found.pk}/"
        told = {"end-outcome": "NOT_OURS", "end-reason": "Phí ngân hàng thu nhầm, đã hoàn"}
        send(desk_of(office.accountant), f"{path}de-nghi", told=told)
        chief = desk_of(office.approver)
        assert "Ghi lý do." in send(chief, f"{path}quyet", 422)
        send(chief, f"{path}quyet", told={"no-reason": "Chưa có công văn của ngân hàng"})
        found.refresh_from_db()
        assert found.state == "OPEN"
        send(desk_of(office.accountant), f"{path}de-nghi", told=told)  # and may be proposed anew

    def test_is_not_the_accountants_to_decide(self, office: Office, batch: PayoutBatch) -> None:
        path = f"{PAGE}chenh-lech/{unknown_money(office).pk}/"
        send(desk_of(office.accountant), f"{path}quyet", 403, agree="1")
        send(desk_of(office.preparer), f"{path}nhan", 403)

    def test_asks_for_a_reason_and_for_the_payment_that_is_named(self, office: Office, batch: PayoutBatch) -> None:
        path = f"{PAGE}chenh-lech/{unknown_money(office).pk}/"
        desk = desk_of(office.accountant)
        assert "Ghi lý do." in send(desk, f"{path}de-nghi", 422, told={"end-outcome": "NOT_OURS"})
        told = {"end-outcome": "MATCHED", "end-reason": "Ngân hàng xác nhận là khoản này"}
        assert "Ghi mã giao dịch" in send(desk, f"{path}de-nghi", 422, told=told)
        wrong = told | {"end-end_to_end_id": transfers()[0].end_to_end_id}
        assert "Không có khoản chi nào mang mã này" in send(desk, f"{path}de-nghi", 422, told=wrong)

    def test_takes_no_personal_number_into_its_notes(self, office: Office, batch: PayoutBatch) -> None:
        path = f"{PAGE}chenh-lech/{unknown_money(office).pk}/"
        send(desk_of(office.accountant), f"{path}ghi-chu", 422, told={"note-text": "Gọi ông Ba 0901234567 rồi"})
        assert not DifferenceComment.objects.exists()

    def test_is_nobody_elses_to_see(self, office: Office, batch: PayoutBatch) -> None:
        found = unknown_money(office)
        stranger = desk_of(make_staff(Role.ACCOUNTANT, unit="25747"))
        read(stranger, f"{PAGE}chenh-lech/{found.pk}/", 404)
        read(stranger, f"{PAGE}sao-ke/{found.statement_id}/", 404)
        assert "data-row" not in read(stranger, f"{PAGE}chenh-lech/")

    def test_lists_filter_by_kind_owner_and_state(self, office: Office, batch: PayoutBatch) -> None:
        unknown_money(office)
        desk = desk_of(office.accountant)
        assert read(desk, f"{PAGE}chenh-lech/?loai=UNKNOWN_TO_US").count("data-row") == 1
        assert read(desk, f"{PAGE}chenh-lech/?loai=AMOUNT").count("data-row") == 0
        assert read(desk, f"{PAGE}chenh-lech/?cua-toi=1").count("data-row") == 0
        assert read(desk, f"{PAGE}chenh-lech/?trang-thai=CLOSED").count("data-row") == 0
        assert read(desk, f"{PAGE}chenh-lech/?trang-thai=nonsense&sau=x").count("data-row") == 2


class TestAList:
    def test_shows_the_three_voices_and_closes(self, office: Office, batch: PayoutBatch) -> None:
        desk, path = desk_of(office.preparer), f"/can-bo/dot-chi/{batch.pk}/doi-soat"
        assert "Chưa khớp" in read(desk, path)
        take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        finish()
        seal_events()
        finish()
        page = read(desk, path)
        assert "Chưa khớp" not in page
        assert "đợt chi đóng lúc" in page
        assert "Đợt chi đã đóng ngày" in read(desk, f"/can-bo/dot-chi/{batch.pk}/")
        assert "Đóng đợt chi" in read(desk, f"/can-bo/dot-chi/{batch.pk}/nhat-ky")
        assert state_of(batch) == "CLOSED"

    def test_shows_what_came_back_after_it_was_closed(self, office: Office, batch: PayoutBatch) -> None:
        first, *_ = transfers()
        take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        finish()
        tomorrow = today() + timedelta(days=1)
        take_in(camt([credit(first)], day=tomorrow), by=office.accountant)
        page = read(desk_of(office.preparer), f"/can-bo/dot-chi/{batch.pk}/doi-soat")
        assert "Điều chỉnh sau khi đóng" in page
        assert first.public_reference in page

    def test_tells_the_auditor_what_the_statement_says(self, office: Office, batch: PayoutBatch) -> None:
        first, *_ = transfers()
        take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
        auditor = desk_of(make_staff(Role.AUDITOR, unit=None))
        page = read(auditor, f"/kiem-toan/khoan-chi/{first.end_to_end_id}/")
        assert "Sao kê ghi nợ khoản này" in page
        assert "Theo mã giao dịch" in page


class TestVersions:
    def test_show_what_changed(self, office: Office, batch: PayoutBatch) -> None:
        first, second, third = map(debit, transfers())
        take_in(camt([first, second]), by=office.accountant)
        take_in(camt([first.but(amount=first.amount + 500), third]), by=office.accountant)
        newest = Statement.objects.latest("pk")
        page = read(desk_of(office.accountant), f"{PAGE}sao-ke/{newest.pk}/")
        changes = page.partition("So với bản trước")[2]
        assert changes.count("data-row") == 3
        assert {word for word in ("Sửa", "Bỏ", "Thêm") if f">{word}<" in changes} == {"Sửa", "Bỏ", "Thêm"}
        former = Statement.objects.earliest("pk")
        assert "Bản cũ" in read(desk_of(office.accountant), f"{PAGE}sao-ke/{former.pk}/")


@pytest.mark.parametrize("path", ["", "sao-ke/", "chenh-lech/", "statement", "batch"])
def test_pages_ask_as_many_questions_for_few_rows_as_for_many(office: Office, batch: PayoutBatch, path: str) -> None:
    desk = desk_of(office.accountant)

    def questions() -> int:
        address = {
            "statement": f"{PAGE}sao-ke/{Statement.objects.latest('pk').pk}/",
            "batch": f"/can-bo/dot-chi/{batch.pk}/doi-soat",
        }.get(path, PAGE + path)
        with CaptureQueriesContext(connection) as asked:
            read(desk, address)
        return len(asked)

    def day(number: int, extras: int) -> bytes:
        lines = [
            Line(amount=1_000 + i, end_to_end_id=f"X{number}-{i}", reference=f"X{number}-{i}") for i in range(extras)
        ]
        return camt(lines, day=today() - timedelta(days=number))

    take_in(day(2, 1), by=office.accountant)
    questions()  # what a process looks up once
    first = questions()
    for number in (3, 4, 5):
        take_in(day(number, 7), by=office.accountant)
    assert questions() == first
