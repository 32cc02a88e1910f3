"""Alarms as people see and handle them: who sees which, who takes over, closing with a word, and being told."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from foundation.audit.alarms import raise_alarm
from foundation.audit.models import Alarm, AuditEvent
from foundation.audit.watchers import TRAIL_BROKEN
from foundation.gateway.alarms import BANK_DOWN
from foundation.gateway.models import Notice
from foundation.gateway.notices import Reader, read_inbox
from foundation.users.models import User
from foundation.users.roles import Role
from payments.watchers import FUND_TOO_LOW
from tests.factories import WARD, make_staff
from welfare_portal.watching import tell_of_alarms

pytestmark = pytest.mark.django_db
OTHER_WARD = "25747"
NOTE = "Đã khởi động lại tiến trình"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin() -> User:
    return make_staff(Role.ADMINISTRATOR, unit=None, email="quan-tri@tphcm.gov.vn")


@pytest.fixture
def alarm() -> Alarm:
    return Alarm.objects.get(pk=raise_alarm(kind=TRAIL_BROKEN, subject_kind="trail", subject_id="trail"))


@pytest.fixture
def of_ward() -> Alarm:
    told: dict[str, Any] = {"subject_kind": "batch", "subject_id": 7, "unit_code": WARD, "details": {"missing": 1200}}
    return Alarm.objects.get(pk=raise_alarm(kind=FUND_TOO_LOW, **told))


def page(user: User, name: str, *arguments: Any, **query: str) -> str:
    answer = client_of(user).get(reverse(name, args=arguments), query)
    assert answer.status_code == 200
    return answer.content.decode()


class TestSeeing:
    def test_an_administrator_sees_everything_with_its_facts_and_what_to_do(
        self, admin: User, alarm: Alarm, of_ward: Alarm
    ) -> None:
        listed = page(admin, "alarms")
        assert "Nhật ký không còn như lúc niêm phong" in listed
        assert "Nguồn không đủ tiền cho đợt đã duyệt" in listed
        assert f'href="{reverse("batch", args=[7])}"' in listed
        told = page(admin, "alarm", of_ward.pk)
        assert "1200" in told
        assert "Record and confirm a voucher" in told

    def test_an_officer_sees_the_alarms_of_his_ward_and_no_others(self, alarm: Alarm, of_ward: Alarm) -> None:
        mine, stranger = make_staff(Role.APPROVER), make_staff(Role.APPROVER, unit=OTHER_WARD)
        listed = page(mine, "alarms")
        assert "Nguồn không đủ tiền" in listed
        assert "niêm phong" not in listed
        assert "Nguồn không đủ tiền" not in page(stranger, "alarms")
        assert client_of(stranger).get(reverse("alarm", args=[of_ward.pk])).status_code == 404
        assert client_of(mine).get(reverse("alarm", args=[alarm.pk])).status_code == 404

    def test_one_that_ended_by_itself_says_so_among_those_that_are_over(self, admin: User, alarm: Alarm) -> None:
        Alarm.objects.update(closed_at=alarm.raised_at, closing_note="ended")
        assert "Không có cảnh báo nào đang mở." in page(admin, "alarms")
        assert "Tự hết" in page(admin, "alarms", cu="1")

    def test_critical_ones_stand_on_the_first_page(self, admin: User, alarm: Alarm, of_ward: Alarm) -> None:
        first = page(admin, "staff-home")
        assert "Cảnh báo cần xử lý ngay" in first
        assert "Nguồn không đủ tiền" not in first, "it can wait"
        assert "Cảnh báo cần xử lý ngay" not in page(make_staff(Role.APPROVER), "staff-home")

    def test_a_page_costs_the_same_for_two_and_for_forty(self, admin: User) -> None:
        def queries() -> int:
            client = client_of(admin)
            with CaptureQueriesContext(connection) as counted:
                client.get(reverse("alarms"))
            return len(counted)

        for number in range(2):
            raise_alarm(kind=BANK_DOWN, subject_kind="bank", subject_id=f"97{number:04d}")
        few = queries()
        for number in range(2, 40):
            raise_alarm(kind=BANK_DOWN, subject_kind="bank", subject_id=f"97{number:04d}")
        assert queries() == few

    def test_older_ones_are_on_the_next_page(self, admin: User) -> None:
        for number in range(51):
            raise_alarm(kind=BANK_DOWN, subject_kind="bank", subject_id=f"97{number:04d}")
        first = page(admin, "alarms")
        assert first.count("data-row") == 50
        last = Alarm.objects.order_by("id")[1].pk
        assert f"sau={last}" in first
        assert page(admin, "alarms", sau=str(last)).count("data-row") == 1


class TestHandling:
    def test_taking_over_names_an_owner_and_tells_the_trail(self, admin: User, alarm: Alarm) -> None:
        client = client_of(admin)
        answer = client.post(reverse("alarm-take-over", args=[alarm.pk]), follow=True)
        assert "Ông, bà đã nhận xử lý" in answer.content.decode()
        alarm.refresh_from_db()
        assert (alarm.owner_id, alarm.owner_label) == (admin.pk, admin.full_name)
        assert alarm.acknowledged_at is not None
        event = AuditEvent.objects.get(kind="alarm.acknowledged")
        assert (event.actor_id, event.payload["alarm"]) == (admin.pk, alarm.pk)

    def test_closing_needs_a_word_that_can_be_followed(self, admin: User, alarm: Alarm) -> None:
        client, address = client_of(admin), reverse("alarm", args=[alarm.pk])
        for note, words in (("", "Ghi lý do."), ("xong", "ít nhất 10"), ("gọi số 0901234567 rồi", "số")):
            answer = client.post(address, {"reason": note})
            assert answer.status_code == 422
            assert words in answer.content.decode()
        assert Alarm.objects.get().is_open
        assert client.post(address, {"reason": NOTE}).status_code == 302
        alarm.refresh_from_db()
        assert (alarm.closed_by_id, alarm.closing_note, alarm.ended_by_itself) == (admin.pk, NOTE, False)
        assert AuditEvent.objects.get(kind="alarm.closed").payload["note"] == NOTE

    def test_a_second_closing_is_refused_with_words(self, admin: User, alarm: Alarm) -> None:
        client, address = client_of(admin), reverse("alarm", args=[alarm.pk])
        client.post(address, {"reason": NOTE})
        answer = client.post(address, {"reason": "Lần thứ hai, từ thẻ khác"})
        assert answer.status_code == 409
        assert "đã được đóng" in answer.content.decode()
        assert client.post(reverse("alarm-take-over", args=[alarm.pk])).status_code == 409
        assert Alarm.objects.get().closing_note == NOTE

    def test_who_only_sees_it_may_not_handle_it(self, of_ward: Alarm) -> None:
        officer, auditor = make_staff(Role.APPROVER), make_staff(Role.AUDITOR, unit=None)
        for user in (officer, auditor):
            client = client_of(user)
            assert client.post(reverse("alarm-take-over", args=[of_ward.pk])).status_code == 403
            assert client.post(reverse("alarm", args=[of_ward.pk]), {"reason": NOTE}).status_code == 403
            assert "Đóng cảnh báo" not in page(user, "alarm", of_ward.pk)
        assert Alarm.objects.get().is_open


class TestTelling:
    def test_administrators_of_every_alarm_and_a_wards_officers_of_theirs_once(
        self, admin: User, alarm: Alarm, of_ward: Alarm
    ) -> None:
        mine, stranger = make_staff(Role.APPROVER), make_staff(Role.APPROVER, unit=OTHER_WARD)
        assert tell_of_alarms() == 2
        assert tell_of_alarms() == 0
        assert Notice.objects.filter(user_id=admin.pk, channel="EMAIL").count() == 2
        assert list(Notice.objects.filter(user_id=mine.pk).values_list("event", flat=True)) == [f"alarm:{of_ward.pk}"]
        assert not Notice.objects.filter(user_id=stranger.pk).exists()
        (told, *_) = read_inbox(reader=Reader(mine.pk), after=None, limit=5)
        assert told.words.title == "Cần xem sớm: Nguồn không đủ tiền cho đợt đã duyệt"
        assert client_of(mine).get(told.words.path).status_code == 200

    def test_nobody_who_has_left(self, admin: User, alarm: Alarm) -> None:
        User.objects.update(is_active=False)
        assert tell_of_alarms() == 1
        assert not Notice.objects.exists()
