"""Callbacks: signed, durable, repeated on the contract's schedule, never in the way (contract, section 5)."""

import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_gateway.callbacks import GIVE_UP_MS, _record
from mock_gateway.store import Store
from tests.mock_gateway.conftest import Gateway
from tests.mock_gateway.portal import Received, Receiver, eventually, line
from welfare_portal.embedded.launcher import free_port


def outbox(gateway: Gateway, event_id: str) -> dict[str, Any]:
    return next(row for row in gateway.control.rows("/callbacks") if row["event_id"] == event_id)


class TestDelivery:
    def test_is_signed_and_shaped_as_the_contract_says(self, gateway: Gateway):
        credit = line()
        e2e = credit["end_to_end_id"]
        gateway.bank.pay(credit)
        delivery = eventually(lambda: gateway.receiver.deliveries("payment.status", e2e))[0]
        assert delivery.genuine
        content = delivery.content
        assert content.keys() == {"id", "type", "created_at", "data"}
        assert (content["id"], content["data"].keys()) == (delivery.id, {"statuses"})
        told = content["data"]["statuses"][0]
        assert told.keys() == {"end_to_end_id", "amount", "status", "reason", "at", "bank_reference"}
        assert re.fullmatch(r"FT[0-9A-F]{12}", told["bank_reference"])

    def test_many_statuses_travel_together_and_each_is_told_once(self, own_gateway: Any):
        gateway = own_gateway(MOCK_GATEWAY_CALLBACK_DELAY_MS="1500")
        lines = [line() for _ in range(2_400)]
        for start in range(0, 2_400, 300):
            gateway.bank.pay(*lines[start : start + 300])
        own = {item["end_to_end_id"] for item in lines}

        def told() -> list[str]:
            return [
                status["end_to_end_id"]
                for item in list(gateway.receiver.received)
                for status in item.content["data"].get("statuses", [])
                if status["end_to_end_id"] in own
            ]

        eventually(lambda: len(told()) >= 2_400)
        assert sorted(told()) == sorted(own)
        bodies = [
            item
            for item in gateway.receiver.received
            if any(status["end_to_end_id"] in own for status in item.content["data"].get("statuses", []))
        ]
        assert len(bodies) < 240  # how many ride together depends on the clock, that ten and more do does not
        assert max(len(item.content["data"]["statuses"]) for item in bodies) <= 1_000
        assert max(len(item.body) for item in bodies) <= 256 * 1024


class TestRepetition:
    def test_keeps_id_and_body_and_signs_anew(self, gateway: Gateway):
        credit = line()
        e2e = credit["end_to_end_id"]
        answers = iter([500, 302, 204])
        gateway.receiver.answers = lambda item: next(answers) if e2e.encode() in item.body else 204
        gateway.bank.pay(credit)
        eventually(lambda: len(gateway.receiver.deliveries("payment.status", e2e)) == 2)
        gateway.control.shift(seconds=10)
        eventually(lambda: gateway.receiver.statuses(e2e))

        deliveries = gateway.receiver.deliveries("payment.status", e2e)

        assert [item.answered for item in deliveries] == [500, 302, 204]
        assert len({(item.id, item.body) for item in deliveries}) == 1
        assert all(item.genuine for item in deliveries)
        assert deliveries[1].timestamp > deliveries[0].timestamp
        row = eventually(lambda: [r for r in gateway.control.rows("/callbacks") if r["state"] == "DELIVERED"])[0]
        assert (row["attempts"], row["last_answer"]) == (3, "204")

    def test_ends_at_once_when_told_that_it_is_gone(self, gateway: Gateway):
        credit = line()
        gateway.receiver.answers = lambda _: 410
        gateway.bank.pay(credit)
        item = eventually(lambda: gateway.receiver.deliveries("payment.status", credit["end_to_end_id"]))[0]
        eventually(lambda: outbox(gateway, item.id)["state"] == "PARKED")
        gateway.control.shift(days=1)
        assert len(gateway.receiver.deliveries("payment.status", credit["end_to_end_id"])) == 1

    def test_ends_after_three_days(self, gateway: Gateway):
        credit = line()
        gateway.receiver.answers = lambda _: 503
        gateway.bank.pay(credit)
        item = eventually(lambda: gateway.receiver.deliveries("payment.status", credit["end_to_end_id"]))[0]
        gateway.control.shift(hours=70)
        eventually(lambda: outbox(gateway, item.id)["attempts"] >= 2)
        assert outbox(gateway, item.id)["state"] == "PENDING"
        gateway.control.shift(hours=73)
        eventually(lambda: outbox(gateway, item.id)["state"] == "PARKED")

    def test_does_not_wait_for_days_after_the_clock_steps_back(self, gateway: Gateway):
        credit = line()
        e2e = credit["end_to_end_id"]
        gateway.receiver.answers = lambda _: 500
        gateway.bank.pay(credit)
        eventually(lambda: gateway.receiver.deliveries("payment.status", e2e))
        gateway.control.shift(days=2)
        eventually(lambda: len(gateway.receiver.deliveries("payment.status", e2e)) >= 2)
        gateway.receiver.answers = lambda _: 204
        gateway.control.shift(days=0)
        gateway.control.shift(hours=1, seconds=1)
        eventually(lambda: gateway.receiver.statuses(e2e))


@pytest.fixture
def outbox_of_one(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    store = Store(tmp_path / "gateway.sqlite3")
    store.open()
    store.close()
    connection = sqlite3.connect(tmp_path / "gateway.sqlite3")
    connection.row_factory = sqlite3.Row
    connection.execute(
        "INSERT INTO outbox (event_id, type, body, items, created_at, next_at) VALUES ('e', 'payment.status', x'00', 1, 0, 0)"
    )
    yield connection
    connection.close()


def test_the_schedule_is_the_contracts(outbox_of_one: sqlite3.Connection):
    waits: list[int] = []
    at = 0
    while True:
        _record(outbox_of_one, outbox_of_one.execute("SELECT * FROM outbox").fetchone(), 500, at=at)
        row = outbox_of_one.execute("SELECT * FROM outbox").fetchone()
        if row["state"] != "PENDING":
            break
        waits.append((row["next_at"] - at) // 1000)
        at = row["next_at"]
    assert waits[:9] == [1, 5, 15, 60, 300, 900, 3_600, 3_600, 3_600]
    assert set(waits[6:]) == {3_600}
    assert row["state"] == "PARKED"
    assert GIVE_UP_MS <= at < GIVE_UP_MS + 3_600_000
    assert row["body"] is not None


class TestPortalDown:
    def test_waits_quietly_and_delivers_when_it_is_back(self, own_gateway: Any):
        port = free_port()
        gateway = own_gateway(MOCK_GATEWAY_CALLBACK_URL=f"http://127.0.0.1:{port}/api/v1/gateway/callbacks")
        lines = [line() for _ in range(5)]
        for item in lines:
            gateway.bank.pay(item)  # answers do not wait for callbacks
        eventually(lambda: any(row["last_answer"] == "no answer" for row in gateway.control.rows("/callbacks")))

        back = Receiver(port=port)
        try:
            eventually(lambda: all(back.statuses(item["end_to_end_id"]) for item in lines), seconds=20)
        finally:
            back.close()

    def test_what_was_not_delivered_survives_a_kill(self, own_gateway: Any):
        gateway = own_gateway()
        gateway.receiver.answers = lambda _: 500
        credit = line()
        e2e = credit["end_to_end_id"]
        gateway.bank.pay(credit)
        first = eventually(lambda: gateway.receiver.deliveries("payment.status", e2e))[0]
        gateway.kill()
        gateway.receiver.answers = lambda _: 204
        gateway.start()
        eventually(lambda: gateway.receiver.statuses(e2e))
        assert {item.id for item in gateway.receiver.deliveries("payment.status", e2e)} == {first.id}

    def test_a_portal_that_hangs_does_not_hold_up_answers_or_the_end(self, own_gateway: Any):
        gateway = own_gateway()
        release = threading.Event()

        def hang(_: Received) -> int:
            release.wait(20)
            return 204

        gateway.receiver.answers = hang
        try:
            credit = line()
            gateway.bank.pay(credit)
            eventually(lambda: gateway.control.get("/stats")["reports_waiting"] == 0)
            assert len(gateway.bank.pay(line())) == 1
            assert gateway.stop() == 0
        finally:
            release.set()
            gateway.receiver.answers = lambda _: 204
