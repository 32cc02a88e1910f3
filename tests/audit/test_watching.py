"""A watcher opens an alarm for what it finds, keeps one alarm for trouble that goes on, and ends it when the trouble is gone."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from foundation.audit import alarms, watchers
from foundation.audit.alarms import AlarmKind, Severity, raise_alarm
from foundation.audit.models import Alarm, AuditEvent, Job, SignOfLife
from foundation.audit.operations import SYSTEM, record_event
from foundation.audit.sealing import seal_events
from foundation.audit.signs import Kind, forget_old_signs, give_sign
from foundation.audit.watching import Seen, Watcher, fade, look, look_at_all
from tests.conftest import Clock
from tests.payments.helpers import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def leak() -> Iterator[AlarmKind]:
    yield alarms.declare("test.leak", Severity.WARNING, "Rò rỉ", page="operations.md")
    del alarms.KINDS["test.leak"]


def leaks(kind: AlarmKind, *pipes: str) -> Watcher:
    trouble = "SELECT 'pipe', pipe, '26743', jsonb_build_object('litres', 5) FROM unnest(%(pipes)s::text[]) AS p(pipe)"
    return Watcher(kind, trouble, lambda: {"pipes": list(pipes)})


def open_codes() -> list[str]:
    return sorted(Alarm.objects.filter(closed_at=None).values_list("code", flat=True))


def found(watcher: Watcher) -> dict[str, Any] | None:
    """What one watcher's alarm says now, or nothing."""
    look(watcher)
    alarm = Alarm.objects.filter(code=watcher.kind.code, closed_at=None).first()
    return None if alarm is None else alarm.details


class TestLooking:
    def test_raises_each_trouble_once_and_tells_the_trail(self, leak: AlarmKind) -> None:
        assert look(leaks(leak, "a", "b")) == Seen(raised=2, ended=0)
        assert look(leaks(leak, "a", "b")) == Seen(raised=0, ended=0)
        alarm = Alarm.objects.get(subject_id="a")
        assert (alarm.severity, alarm.unit_code, alarm.details, alarm.times) == ("WARNING", "26743", {"litres": 5}, 1)
        told = AuditEvent.objects.filter(kind="alarm.raised", subject_kind="pipe")
        assert told.count() == 2
        assert told.get(subject_id="a").payload == {"alarm": alarm.pk, "code": "test.leak", "litres": 5}

    def test_ends_what_is_over_and_leaves_the_rest(self, leak: AlarmKind) -> None:
        look(leaks(leak, "a", "b"))
        assert look(leaks(leak, "b")) == Seen(raised=0, ended=1)
        ended = Alarm.objects.get(subject_id="a")
        assert (ended.ended_by_itself, ended.closing_note) == (True, "ended")
        assert Alarm.objects.get(subject_id="b").is_open
        assert AuditEvent.objects.get(kind="alarm.ended").payload["alarm"] == ended.pk

    def test_begins_a_new_alarm_when_the_trouble_comes_back(self, leak: AlarmKind) -> None:
        for pipes in (["a"], [], ["a"]):
            look(leaks(leak, *pipes))
        assert Alarm.objects.filter(subject_id="a").count() == 2

    def test_leaves_alarms_of_other_kinds_alone(self, leak: AlarmKind) -> None:
        raise_alarm(kind=watchers.TRAIL_BROKEN, subject_kind="trail", subject_id="trail")
        look(leaks(leak))
        assert open_codes() == ["trail.broken"]

    def test_ends_nothing_while_there_is_more_than_it_can_hold(
        self, leak: AlarmKind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("foundation.audit.watching.MOST", 2)
        look(leaks(leak, "a", "b"))
        assert look(leaks(leak, "c", "d", "e")).ended == 0

    def test_is_said_again_by_a_look_that_keeps_it_fresh(self, leak: AlarmKind, clock: Clock) -> None:
        look(leaks(leak, "a"))
        before = Alarm.objects.get()
        clock.shift("10 minutes")
        look(leaks(leak, "a"))
        after = Alarm.objects.get()
        assert after.last_seen_at > before.last_seen_at
        assert after.raised_at == before.raised_at

    def test_one_that_cannot_look_hinders_no_other_and_is_an_alarm(self, leak: AlarmKind) -> None:
        broken = Watcher(watchers.JOB_STUCK, "SELECT 'job', no_such_column, '', '{}' FROM audit_job")
        assert look_at_all([broken, leaks(leak, "a")]) == ["jobs.stuck"]
        assert open_codes() == ["test.leak", "watchers.blind"]
        look_at_all([leaks(leak)])
        assert open_codes() == ["watchers.blind"], "it did not take part, so it is as blind as it was"
        assert look_at_all(watchers.WATCHERS) == []
        assert open_codes() == []

    def test_what_is_raised_by_those_who_meet_it_ends_when_nobody_meets_it_any_more(
        self, leak: AlarmKind, clock: Clock
    ) -> None:
        raise_alarm(kind=leak, subject_kind="pipe", subject_id="a")
        assert fade(leak, minutes=30) == 0
        clock.shift("31 minutes")
        assert fade(leak, minutes=30) == 1
        assert Alarm.objects.get().ended_by_itself


class TestSealingBehind:
    watcher = watchers.WATCHERS[0]

    def test_is_raised_when_events_wait_for_minutes_and_ends_with_the_seal(self, clock: Clock) -> None:
        record_event(kind="test.happened", actor=SYSTEM, subject_kind="test", subject_id=1)
        assert found(self.watcher) is None
        clock.shift("6 minutes")
        told = found(self.watcher)
        assert told is not None
        assert told["events"] == 1
        seal_events()
        assert found(self.watcher) is None


class TestMonths:
    watcher = watchers.WATCHERS[1]

    def test_are_there_from_the_start(self) -> None:
        assert found(self.watcher) is None

    def test_are_missed_before_they_are_needed(self, clock: Clock) -> None:
        clock.shift("150 days")
        look(self.watcher)
        missing = set(Alarm.objects.filter(code="tables.months_missing").values_list("subject_id", flat=True))
        assert {"audit_event", "gateway_message_body"} <= missing


class TestProcesses:
    @pytest.mark.parametrize(("kind", "watcher"), [(Kind.BEAT, 2), (Kind.WORKER, 3)])
    def test_are_missed_when_they_have_been_silent_for_minutes(self, kind: Any, watcher: int, clock: Clock) -> None:
        silent = watchers.WATCHERS[watcher]
        assert found(silent) is None, "a portal that has just been set up has had none"
        give_sign(name=str(kind), kind=kind)
        assert found(silent) is None
        clock.shift("4 minutes")
        assert found(silent) is not None
        give_sign(name=str(kind), kind=kind)
        assert found(silent) is None

    def test_leave_word_at_most_every_ten_seconds(self, clock: Clock) -> None:
        give_sign(name="worker a", kind=Kind.WORKER)
        first = SignOfLife.objects.get().at
        give_sign(name="worker a", kind=Kind.WORKER)
        assert SignOfLife.objects.get().at == first
        clock.shift("11 seconds")
        give_sign(name="worker a", kind=Kind.WORKER)
        assert SignOfLife.objects.get().at > first

    def test_are_forgotten_after_a_week(self, clock: Clock) -> None:
        give_sign(name="worker a", kind=Kind.WORKER)
        give_sign(name="beat", kind=Kind.BEAT)
        clock.shift("8 days")
        assert forget_old_signs() == 1
        assert SignOfLife.objects.get().name == "beat"


class TestJobs:
    watcher = watchers.WATCHERS[4]

    def test_are_missed_when_nobody_goes_on_with_them(self, clock: Clock) -> None:
        job = Job.objects.create(kind="build", subject_kind="batch", subject_id=1)
        assert found(self.watcher) is None
        clock.shift("31 minutes")
        assert found(self.watcher) == {"job": "build", "state": "WAITING", "about": "batch 1"}
        run("UPDATE audit_job SET state = 'DONE', finished_at = portal_now() WHERE id = %s", job.pk)
        assert found(self.watcher) is None

    def test_are_told_of_for_a_day_when_they_failed(self, clock: Clock) -> None:
        Job.objects.create(
            kind="build", subject_kind="batch", subject_id=1, state="FAILED", finished_at="2026-01-01T00:00Z"
        )
        assert found(self.watcher) is None
        run("UPDATE audit_job SET finished_at = portal_now()")
        assert found(self.watcher) is not None


class TestTheCommandForCron:
    def test_says_what_is_open_and_ends_in_one_while_something_critical_is(
        self, clock: Clock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("watch")
        give_sign(name="beat", kind=Kind.BEAT)
        clock.shift("4 minutes")
        with pytest.raises(SystemExit, match="1"):
            call_command("watch")
        assert "CRITICAL processes.beat_silent process beat" in capsys.readouterr().out
