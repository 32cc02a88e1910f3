"""An alarm is a row: one while it is open, counted when the trouble comes again, and kept for good."""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, transaction

from foundation.audit import alarms
from foundation.audit.alarms import AlarmKind, Severity, raise_alarm
from foundation.audit.models import Alarm, AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def leak() -> Iterator[AlarmKind]:
    yield alarms.declare("test.leak", Severity.WARNING, "Rò rỉ", page="operations.md")
    del alarms.KINDS["test.leak"]


class TestRaising:
    def test_says_it_once_to_the_trail_and_counts_what_comes_again(self, leak: AlarmKind) -> None:
        first = raise_alarm(kind=leak, subject_kind="bank", subject_id="970436", details={"failures": 5})
        again = raise_alarm(kind=leak, subject_kind="bank", subject_id="970436", details={"failures": 9})
        alarm = Alarm.objects.get()
        assert (first, again) == (alarm.pk, alarm.pk)
        assert (alarm.times, alarm.details, alarm.severity) == (2, {"failures": 9}, "WARNING")
        assert AuditEvent.objects.filter(kind="alarm.raised").count() == 1

    def test_keeps_subjects_apart(self, leak: AlarmKind) -> None:
        raise_alarm(kind=leak, subject_kind="bank", subject_id="970436")
        raise_alarm(kind=leak, subject_kind="bank", subject_id="970416")
        assert Alarm.objects.count() == 2

    def test_begins_anew_after_the_last_one_was_closed(self, leak: AlarmKind) -> None:
        first = raise_alarm(kind=leak, subject_kind="bank", subject_id="970436")
        Alarm.objects.filter(pk=first).update(
            closed_at="2026-11-01T00:00Z", closed_by_id=1, closing_note="Đã sửa xong"
        )
        assert raise_alarm(kind=leak, subject_kind="bank", subject_id="970436") != first


class TestTheDatabase:
    @pytest.fixture
    def alarm(self, leak: AlarmKind) -> Alarm:
        return Alarm.objects.get(pk=raise_alarm(kind=leak, subject_kind="bank", subject_id="970436"))

    def test_refuses_a_second_open_one(self, alarm: Alarm) -> None:
        with pytest.raises(IntegrityError, match="alarm_one_open_per_subject"), transaction.atomic():
            Alarm.objects.create(code=alarm.code, severity="NOTICE", subject_kind="bank", subject_id="970436")

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ({"severity": "NOTICE"}, "alarm_frozen"),
            ({"owner_id": 7}, "alarm_acknowledged_by_somebody"),
            ({"closed_at": "2026-11-01T00:00Z"}, "alarm_closed_with_a_word"),
        ],
    )
    def test_refuses_to_play_it_down(self, alarm: Alarm, change: dict[str, object], rule: str) -> None:
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            Alarm.objects.filter(pk=alarm.pk).update(**change)

    def test_refuses_to_open_or_change_a_closed_one(self, alarm: Alarm) -> None:
        Alarm.objects.update(closed_at="2026-11-01T00:00Z", closed_by_id=1, closing_note="Đã sửa xong")
        with pytest.raises(IntegrityError, match="alarm_closed_for_good"), transaction.atomic():
            Alarm.objects.update(closed_at=None, closed_by_id=None, closing_note="")

    def test_refuses_to_forget_it(self, alarm: Alarm) -> None:
        with pytest.raises(Exception, match="alarm_kept"), transaction.atomic():
            alarm.delete()
