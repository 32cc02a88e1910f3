"""The state of the system and the banks' channels, as administrators see and change them; and everybody's inbox."""

from datetime import time
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from foundation.audit.models import AuditEvent
from foundation.audit.operations import SYSTEM, record_event
from foundation.audit.sealing import seal_events
from foundation.audit.signs import Kind, give_sign
from foundation.gateway.channels import (
    FAILURES_TO_OPEN,
    WHOLE_GATEWAY,
    add_channels,
    claim_tokens,
    report_failure,
    report_success,
)
from foundation.gateway.models import BankChannel, Notice
from foundation.gateway.notices import Citizen, Message, Staff, add_notices
from foundation.users.models import User
from foundation.users.roles import Role
from tests.conftest import Clock
from tests.factories import ACB, VCB, Office, build_batch, make_citizen, make_entitled, make_person, make_staff, start
from tests.journeys.test_verification_page import a_run
from welfare_portal.watching import check_trail

pytestmark = pytest.mark.django_db
CHANGE = {
    "rate_limit": "50",
    "opens_at": "08:00",
    "closes_at": "17:00",
    "cut_off": "16:30",
    "reason": "Ngân hàng báo giờ mới",
}


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin() -> User:
    return make_staff(Role.ADMINISTRATOR, unit=None)


@pytest.fixture
def office(db: None) -> Office:
    from tests.factories import make_office

    return make_office()


def text(user: User, name: str, *arguments: Any, **query: str) -> str:
    answer = client_of(user).get(reverse(name, args=arguments), query)
    assert answer.status_code == 200
    return answer.content.decode()


class TestStatus:
    def test_shows_processes_queues_the_seal_and_the_check(self, admin: User, office: Office, clock: Clock) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        give_sign(name="beat", kind=Kind.BEAT)
        give_sign(name="worker celery@a", kind=Kind.WORKER)
        seal_events()
        clock.shift("20 minutes")
        page = text(admin, "system-status")
        for words in (
            "Bộ hẹn giờ",
            "worker celery@a",
            "Gói chi đến lượt gửi",
            "Chậm",
            "Niêm phong gần nhất",
            "sự kiện",
        ):
            assert words in page, words
        assert "Kiểm tra gần nhất" in page

    def test_shows_the_last_verification_its_outcome_and_its_age(self, admin: User, clock: Clock) -> None:
        assert "0 sai trên 31 dòng" not in text(admin, "system-status")
        a_run()
        clock.shift("3 hours")
        page = text(admin, "system-status")
        assert "0 sai trên 31 dòng" in page
        assert "nhật ký ghi có của cổng" in page
        assert "cách đây 3" in page
        a_run("I-1", "I-30")
        page = text(admin, "system-status")
        assert "2 sai trên 31 dòng" in page
        assert "Có sai" in page

    def test_costs_the_same_however_much_there_is(self, admin: User, office: Office) -> None:
        def queries() -> int:
            client = client_of(admin)
            with CaptureQueriesContext(connection) as counted:
                client.get(reverse("system-status"))
            return len(counted)

        few = queries()
        make_entitled(3, bank=VCB)
        make_entitled(3, bank=ACB)
        start(office, build_batch(office))
        for number in range(30):
            give_sign(name=f"worker {number}", kind=Kind.WORKER)
        assert queries() == few


class TestChannels:
    @pytest.fixture(autouse=True)
    def channels(self) -> None:
        add_channels([VCB, ACB, WHOLE_GATEWAY])

    def test_show_how_each_bank_stands_and_one_that_is_down(self, admin: User) -> None:
        for _ in range(FAILURES_TO_OPEN):
            report_failure(bank=ACB)
        page = text(admin, "channels")
        assert "Vietcombank" in page
        assert "Tạm ngắt" in page
        assert "Thông suốt" in page
        assert reverse("channel-change", args=[VCB]) in page

    def test_show_the_last_answer_of_each(self, admin: User) -> None:
        assert "Đã trả lời" not in text(admin, "channels")
        report_success(bank=VCB)
        report_failure(bank=ACB, why="TIMEOUT")
        page = text(admin, "channels")
        rows = page.split("data-row")
        assert [("Đã trả lời" in row, "Không trả lời kịp" in row) for row in rows[2:]] == [
            (False, True),
            (True, False),
        ]
        assert "Không trả lời kịp" in rows[1], "what came last through the gateway"

    def test_write_an_answer_once_in_ten_seconds_and_each_silence(self, clock: Clock) -> None:
        def heard() -> Any:
            return BankChannel.objects.get(pk=VCB).last_answer_at

        report_success(bank=VCB)
        first = heard()
        report_success(bank=VCB)
        assert heard() == first
        clock.shift("11 seconds")
        report_success(bank=VCB)
        assert heard() > first

    def test_are_changed_with_a_reason_for_all_workers_and_told_to_the_trail(self, admin: User) -> None:
        answer = client_of(admin).post(reverse("channel-change", args=[VCB]), CHANGE, follow=True)
        assert "Đã đổi kênh ngân hàng" in answer.content.decode()
        channel = BankChannel.objects.get(pk=VCB)
        assert (channel.rate_limit, channel.rate, channel.burst) == (50, 50, 250)
        assert (channel.opens_at, channel.closes_at, channel.cut_off) == (time(8), time(17), time(16, 30))
        event = AuditEvent.objects.get(kind="channel.changed")
        assert (event.subject_id, event.actor_id, event.payload["reason"]) == (VCB, admin.pk, CHANGE["reason"])
        assert event.payload["after"]["cut_off"] == "16:30"
        assert claim_tokens(bank=ACB, lines=1).is_granted, "no other bank is touched"

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"rate_limit": "0"}, "Ít nhất là một khoản"),
            ({"rate_limit": "nhiều"}, "bằng chữ số"),
            ({"closes_at": ""}, "cả giờ mở và giờ đóng"),
            ({"closes_at": "07:00"}, "sau giờ mở"),
            ({"cut_off": "07:59"}, "Giờ chốt phải sau giờ mở"),
            ({"opens_at": "25:00"}, "ví dụ 16:30"),
            ({"reason": ""}, "Ghi lý do."),
        ],
    )
    def test_refuse_what_makes_no_sense(self, admin: User, change: dict[str, str], words: str) -> None:
        before = BankChannel.objects.values().get(pk=VCB)
        answer = client_of(admin).post(reverse("channel-change", args=[VCB]), CHANGE | change)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert BankChannel.objects.values().get(pk=VCB) == before
        assert not AuditEvent.objects.filter(kind="channel.changed").exists()

    def test_are_changed_by_nobody_else(self) -> None:
        for role in (Role.AUDITOR, Role.APPROVER):
            answer = client_of(make_staff(role, unit=None)).post(reverse("channel-change", args=[VCB]), CHANGE)
            assert answer.status_code == 403
        ward = make_staff(Role.ADMINISTRATOR)
        assert client_of(ward).post(reverse("channel-change", args=[VCB]), CHANGE).status_code == 403

    def test_the_gateway_itself_has_nothing_to_change(self, admin: User) -> None:
        assert client_of(admin).get(reverse("channel-change", args=[WHOLE_GATEWAY])).status_code == 404


class TestTheInbox:
    def told(self, *to: Staff | Citizen, event: str = "e:1") -> None:
        add_notices([Message(event, one, "Tiền bị trả lại", "Khoản <b>650.000 đ</b>", "/cua-toi/") for one in to])

    def test_of_a_citizen_holds_what_was_told_before_the_first_sign_in(self) -> None:
        person = make_person()
        self.told(Citizen(bytes(person.national_id_index), "079148000001"))
        citizen, other = make_citizen(person), make_citizen()
        page = text(citizen, "my-notices")
        assert "Khoản &lt;b&gt;650.000 đ&lt;/b&gt;" in page
        assert "chưa đọc" in page
        assert "Chưa có thông báo nào." in text(other, "my-notices")

    def test_is_marked_read_by_its_reader_only_and_reading_changes_nothing(self, admin: User) -> None:
        other = make_staff(Role.AUDITOR, unit=None)
        self.told(Staff(admin.pk))
        notice = Notice.objects.get()
        text(admin, "notices")
        client_of(other).post(reverse("notices"), {"id": notice.pk})
        assert Notice.objects.get().read_at is None
        client_of(admin).post(reverse("notices"), {"id": [notice.pk, "x", "9" * 30]})
        assert Notice.objects.get().read_at is not None
        assert "chưa đọc" not in text(admin, "notices")

    def test_costs_the_same_for_two_and_for_twenty(self, admin: User) -> None:
        def queries() -> int:
            client = client_of(admin)
            with CaptureQueriesContext(connection) as counted:
                client.get(reverse("notices"))
            return len(counted)

        for number in range(2):
            self.told(Staff(admin.pk), event=f"e:{number}")
        few = queries()
        for number in range(2, 25):
            self.told(Staff(admin.pk), event=f"e:{number}")
        assert queries() == few
        first = text(admin, "notices")
        assert f"sau={Notice.objects.order_by('-id')[19].pk}" in first


class TestTheNightlyCheck:
    def test_gives_auditors_the_head_to_be_noted_once_a_day(self) -> None:
        auditor = make_staff(Role.AUDITOR, unit=None)
        record_event(kind="test.happened", actor=SYSTEM, subject_kind="test", subject_id=1)
        seal_events()
        check = check_trail()
        check_trail()
        assert check.holds
        assert Notice.objects.filter(user_id=auditor.pk).count() == 1
        assert f"{check.size}:{check.root.hex()}" in text(auditor, "notices")
