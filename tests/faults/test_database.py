"""F11 to F14: a COMMIT whose answer is lost, two that wait for each other, a lock that does not come, a session that sleeps."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from payments.operations import conflicts, dispatch
from payments.operations.conflicts import again_on_conflict
from tests.conftest import Clock
from tests.factories import build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway
from tests.faults.cut import CuttingProxy
from tests.payments.helpers import ask_all, broken, entries, read, run, send_all, states


@pytest.fixture
def proxy(committed: None) -> Iterator[CuttingProxy]:
    """From now on this process reaches the database through a door that can be cut."""
    connection.close()
    host = connection.settings_dict["HOST"]
    door = CuttingProxy(Path(host))
    connection.settings_dict["HOST"] = str(door.directory)
    yield door
    connection.close()
    connection.settings_dict["HOST"] = host
    door.close()


@pytest.fixture
def other(committed: None, superuser: Any) -> Iterator[Any]:
    """Another session, whose transactions stay open."""
    server = psycopg2.connect(superuser.dsn)
    yield server
    server.close()


def listed(people: int = 2) -> None:
    office = make_office()
    make_entitled(people)
    start(office, build_batch(office))


def is_cut(act: Callable[[], Any]) -> None:
    """The act ends in a lost connection; the next one begins with a fresh one, as Celery and requests do."""
    with pytest.raises((DatabaseError, InterfaceError)):
        act()
    connection.close()


def until(clock: Clock, gateway: FakeGateway, minutes: int) -> None:
    clock.shift(f"{minutes} minutes")
    gateway.clock = lambda: datetime.now(UTC) + timedelta(minutes=minutes)


class TestF11TheConnectionIsLostDuringCommit:
    def test_of_an_intent_that_was_written_it_is_asked_about(self, proxy: CuttingProxy, clock: Clock) -> None:
        listed()
        gateway = FakeGateway()
        proxy.arm(arrives=True)
        is_cut(dispatch.claim_to_send)
        assert states() == {"SENDING": 2}
        assert dispatch.claim_to_send() is None
        until(clock, gateway, 10)
        dispatch.sweep_leases()
        ask_all(gateway)
        assert states() == {"READY": 2}
        until(clock, gateway, 20)
        send_all(gateway)
        assert (states(), set(gateway.times.values()), proxy.cuts) == ({"SETTLED": 2}, {1}, 1)

    def test_of_an_intent_that_was_not_written_it_is_simply_claimed(self, proxy: CuttingProxy) -> None:
        listed()
        gateway = FakeGateway()
        proxy.arm(arrives=False)
        is_cut(dispatch.claim_to_send)
        assert states() == {"READY": 2}
        send_all(gateway)
        assert (states(), set(gateway.times.values()), proxy.cuts) == ({"SETTLED": 2}, {1}, 1)

    @pytest.mark.parametrize("arrives", [True, False])
    def test_of_an_answer_it_is_booked_once(self, proxy: CuttingProxy, clock: Clock, arrives: bool) -> None:
        listed()
        gateway = FakeGateway()
        claim = dispatch.claim_to_send()
        assert claim is not None
        proxy.arm(arrives=arrives)
        is_cut(lambda: dispatch.send(claim=claim, gateway=gateway))
        assert states() == {"SETTLED" if arrives else "SENDING": 2}
        until(clock, gateway, 10)
        dispatch.sweep_leases()
        ask_all(gateway)
        assert (states(), entries()["POST"]) == ({"SETTLED": 2}, 2)
        assert (set(gateway.times.values()), len(gateway.messages)) == ({1}, 1 if arrives else 2)
        assert broken(gateway) == []


class TestF12TwoStandInEachOthersWay:
    def test_a_deadlock_costs_a_second_and_no_answer(
        self, committed: None, other: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listed(1)
        claim = dispatch.claim_to_send()
        assert claim is not None
        taken_back: list[int] = []
        monkeypatch.setattr("payments.operations.conflicts.time.sleep", lambda _: taken_back.append(1))
        cursor = other.cursor()
        cursor.execute("SET deadlock_timeout = '20s'")  # ours is found first
        cursor.execute("SELECT id FROM payments_transfer FOR UPDATE")
        ours = read("SELECT pg_backend_pid()")[0][0]

        def turn_on_the_first() -> None:
            watch = psycopg2.connect(other.dsn)
            watch.autocommit = True
            with watch.cursor() as look:
                waits = False
                while not waits:
                    look.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [ours])
                    waits = look.fetchall()[0][0]
            watch.close()
            cursor.execute("SELECT id FROM payments_dispatch_chunk FOR UPDATE")
            other.rollback()

        turning = threading.Thread(target=turn_on_the_first)
        turning.start()
        dispatch.send(claim=claim, gateway=FakeGateway())
        turning.join()
        assert (states(), taken_back) == ({"SETTLED": 1}, [1])

    def test_a_lock_that_does_not_come_is_tried_for_again(
        self, committed: None, other: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listed(1)
        claim = dispatch.claim_to_send()
        assert claim is not None
        other.cursor().execute("SELECT id FROM payments_transfer FOR UPDATE")
        monkeypatch.setattr("payments.operations.conflicts.time.sleep", lambda _: other.rollback())
        run("SET lock_timeout = '50ms'")
        dispatch.send(claim=claim, gateway=FakeGateway())
        assert (states(), entries()["POST"]) == ({"SETTLED": 1}, 1)

    def test_one_that_never_comes_leaves_the_answer_to_be_asked_for(
        self, committed: None, other: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listed(1)
        gateway = FakeGateway()
        claim = dispatch.claim_to_send()
        assert claim is not None
        tried: list[int] = []
        monkeypatch.setattr("payments.operations.conflicts.time.sleep", lambda _: tried.append(1))
        other.cursor().execute("SELECT id FROM payments_transfer FOR UPDATE")
        run("SET lock_timeout = '20ms'")
        with pytest.raises(OperationalError):
            dispatch.send(claim=claim, gateway=gateway)
        assert len(tried) == conflicts.MOST_TRIES - 1
        other.rollback()
        until(clock, gateway, 10)
        dispatch.sweep_leases()
        ask_all(gateway)
        assert (states(), set(gateway.times.values())) == ({"SETTLED": 1}, {1})


class TestF13WhatTheDatabaseTookBack:
    @pytest.mark.parametrize("code", sorted(conflicts.TAKEN_BACK))
    @pytest.mark.django_db
    def test_is_done_again(self, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("payments.operations.conflicts.time.sleep", lambda _: None)
        tried: list[int] = []

        @again_on_conflict
        @transaction.atomic
        def act() -> str:
            tried.append(1)
            if len(tried) < conflicts.MOST_TRIES:
                run(f"DO $$ BEGIN RAISE EXCEPTION 'taken back' USING ERRCODE = '{code}'; END $$")
            return "done"

        assert (act(), len(tried)) == ("done", conflicts.MOST_TRIES)

    @pytest.mark.parametrize("code", ["23505", "57P01", "08006"])
    @pytest.mark.django_db
    def test_is_nothing_else(self, code: str) -> None:
        tried: list[int] = []

        @again_on_conflict
        @transaction.atomic
        def act() -> None:
            tried.append(1)
            run(f"DO $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$")

        with pytest.raises(DatabaseError):
            act()
        assert len(tried) == 1


class TestF14ASessionThatSleepsInATransaction:
    def test_loses_its_locks_and_another_goes_on(self, committed: None, other: Any) -> None:
        listed()
        cursor = other.cursor()
        cursor.execute("SET idle_in_transaction_session_timeout = '100ms'")
        cursor.execute("SELECT pg_backend_pid() FROM payments_dispatch_chunk FOR UPDATE")
        sleeper = cursor.fetchone()[0]
        assert dispatch.claim_to_send() is None
        while read("SELECT 1 FROM pg_stat_activity WHERE pid = %s", sleeper):
            run("SELECT pg_sleep(0.02)")
        send_all(FakeGateway())
        assert states() == {"SETTLED": 2}
        with pytest.raises(psycopg2.Error):
            cursor.execute("SELECT 1")

    @pytest.mark.django_db
    def test_is_given_five_seconds_by_the_role_that_the_portal_works_as(self) -> None:
        settings = read("SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = 'welfare_app'::regrole")
        assert ("idle_in_transaction_session_timeout=5s",) in settings
