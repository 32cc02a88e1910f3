"""F7, F9, F34, F35, F40: a worker's memory ends, the bell hangs, bells ring twice, and old and new releases run side by side."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from beneficiaries import tasks as account_tasks
from payments import failpoints, tasks
from payments.failpoints import failpoint
from payments.operations import dispatch
from tests.conftest import Clock
from tests.factories import Office, build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import at_once, states
from welfare_portal import tasks as own_tasks
from welfare_portal.celery import SteadyTask, app


def out_of_memory(*_: Any, **__: Any) -> Any:
    raise MemoryError


class TestF7AWorkerOutlivesItsMemory:
    @pytest.mark.django_db  # a worker gives a sign of life
    def test_the_task_lets_go_and_does_not_raise(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tasks, "drain", out_of_memory)
        assert tasks.work() is None

    def test_every_task_of_the_portal_does(self) -> None:
        ours = [task for name, task in app.tasks.items() if not name.startswith("celery.")]
        assert {tasks.work.name, account_tasks.look_up.name, own_tasks.seal.name} <= {task.name for task in ours}
        assert all(isinstance(task, SteadyTask) for task in ours)

    def test_what_it_was_sending_is_asked_about(self, office: Office, clock: Clock) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        gateway = FakeGateway(before=out_of_memory)
        claim = dispatch.claim_to_send()
        assert claim is not None
        with pytest.raises(MemoryError):
            dispatch.send(claim=claim, gateway=gateway)
        assert states() == {"SENDING": 1}
        clock.shift("10 minutes")
        dispatch.sweep_leases()
        assert states() == {"UNKNOWN": 1}


class TestF9ABellThatNobodyHears:
    def test_costs_one_page_its_patience_and_no_other(self) -> None:
        rung: list[int] = []

        def hangs() -> None:
            rung.append(1)
            raise OperationalError("timed out")

        bell = tasks.Bell()
        assert [bell.ring(hangs) for _ in range(100)] == [False] * 100
        assert len(rung) == 1

    def test_is_rung_again_after_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        moment = [1_000.0]
        monkeypatch.setattr("payments.tasks.time.monotonic", lambda: moment[0])

        def hangs() -> None:
            raise OperationalError("timed out")

        bell = tasks.Bell()
        bell.ring(hangs)
        moment[0] += tasks.Bell.DEAF_SECONDS + 1
        assert bell.ring(lambda: None)

    def test_waits_two_seconds_for_redis_and_not_for_ever(self) -> None:
        options = app.conf.broker_transport_options
        assert (options["socket_timeout"], options["socket_connect_timeout"]) == (2, 2)


class TestF34BellsThatRingTwice:
    def test_two_workers_that_find_the_same_work_do_it_once(
        self, committed: None, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.DISPATCH_CHUNK_SIZE = 2
        office, gateway = make_office(), FakeGateway()
        make_entitled(8)
        start(office, build_batch(office))
        monkeypatch.setattr(tasks, "gateway", lambda: gateway)
        at_once(*[lambda: tasks.drain(budget_seconds=20)] * 4)
        assert (states(), set(gateway.times.values()), len(gateway.messages)) == ({"SETTLED": 8}, {1}, 4)

    def test_a_bell_is_answered_before_it_is_followed(self) -> None:
        """F35: what is acknowledged at once is never delivered again, however short Redis's patience."""
        assert app.conf.task_acks_late is False
        assert all(not task.acks_late for name, task in app.tasks.items() if not name.startswith("celery."))


class TestF40OldAndNewReleasesSideBySide:
    @pytest.mark.django_db  # each gives a sign of life
    @pytest.mark.parametrize("task", [tasks.tick, account_tasks.sweep, own_tasks.seal], ids=lambda task: task.name)
    def test_a_bell_of_a_newer_release_is_understood(self, task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tasks, "ring", lambda: None)
        monkeypatch.setattr(account_tasks, "ring", lambda: None)
        monkeypatch.setattr(own_tasks, "seal_events", lambda: 0)
        task(priority="HIGH", of="a release that is not written yet")


class TestFailpoints:
    """What the runs under faults rely on: a place strikes once, where it was told to, and never unless it was."""

    @pytest.fixture
    def folder(self, settings: Any, tmp_path: Path) -> Path:
        (tmp_path / failpoints.STRUCK).mkdir()
        settings.FAILPOINTS = str(tmp_path)
        return tmp_path

    def test_do_nothing_unless_a_folder_is_named(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        assert settings.FAILPOINTS == ""
        monkeypatch.setattr(failpoints, "_strike", out_of_memory)
        failpoint("after_intent")

    def test_strike_once_where_they_were_told_to(self, folder: Path) -> None:
        (folder / "after_intent.memory.7").touch()
        failpoint("after_answer")
        with pytest.raises(MemoryError):
            failpoint("after_intent")
        failpoint("after_intent")
        assert [path.name for path in (folder / failpoints.STRUCK).iterdir()] == [
            f"after_intent.memory.7.{os.getpid()}"
        ]

    def test_kill_the_process_that_comes_by(self, folder: Path) -> None:
        (folder / "after_intent.kill").touch()
        told = subprocess.run(
            [
                sys.executable,
                "-c",
                "from payments.failpoints import failpoint; failpoint('after_intent'); print('lives')",
            ],
            env=os.environ | {"FAILPOINTS": str(folder), "DJANGO_SETTINGS_MODULE": "welfare_portal.settings"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=False,
        )
        assert (told.returncode, told.stdout) == (-signal.SIGKILL, b"")
