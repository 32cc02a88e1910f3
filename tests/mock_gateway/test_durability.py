"""What was answered is never lost, what was not answered is whole or absent, and the end is prompt and clean."""

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from mock_gateway.store import Store
from tests.mock_gateway.conftest import ROOT, Gateway
from tests.mock_gateway.portal import Receiver, eventually, line, message
from welfare_portal.embedded.launcher import free_port


def send_all(gateway: Gateway, messages: list[dict[str, Any]], answered: set[str], stop: threading.Event) -> None:
    """Send every message until it is answered, whatever happens to the gateway meanwhile."""
    for sent in messages:
        while sent["message_id"] not in answered and not stop.is_set():
            try:
                if gateway.bank.send(sent, timeout=5).status_code == 200:
                    answered.add(sent["message_id"])
            except httpx2.TransportError:
                time.sleep(0.01)


def test_kills_between_and_within_messages_lose_and_double_nothing(own_gateway: Any):
    gateway: Gateway = own_gateway()
    chance = random.Random(11)
    messages = [message(*[line() for _ in range(200)]) for _ in range(120)]
    answered: set[str] = set()
    stop = threading.Event()
    sender = threading.Thread(target=send_all, args=(gateway, messages, answered, stop))
    sender.start()
    kills = 0
    try:
        while sender.is_alive() and kills < 6:
            time.sleep(chance.uniform(0.02, 0.2))
            if not sender.is_alive():
                break
            seen = set(answered)
            gateway.kill()
            kills += 1
            gateway.start()
            known = gateway.control.credits()
            for sent in messages:
                found = sum(item["end_to_end_id"] in known for item in sent["credits"])
                assert found in (0, 200), "a message is on disk whole or not at all"
                assert found == 200 or sent["message_id"] not in seen, "an answered message is on disk"
        sender.join(60)
    finally:
        stop.set()
        sender.join(10)
    assert kills >= 3
    assert len(answered) == len(messages)
    rows = gateway.control.credits().values()
    assert len(rows) == 120 * 200
    assert {row["times_credited"] for row in rows} == {1}
    assert gateway.control.get("/stats")["amount_credited"] == sum(row["amount"] for row in rows)


def test_a_commit_reaches_the_disk_and_not_only_the_kernel(tmp_path: Path):
    """A killed process cannot show the difference, a power cut would."""
    store = Store(tmp_path / "gateway.sqlite3")
    store.open()
    try:
        assert store.submit(lambda c: c.execute("PRAGMA synchronous").fetchone()[0]).result() == 2
        assert store.submit(lambda c: c.execute("PRAGMA journal_mode").fetchone()[0]).result() == "wal"
    finally:
        store.close()


class TestEnd:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_is_prompt_and_leaves_nothing(self, own_gateway: Any, number: signal.Signals):
        gateway: Gateway = own_gateway()
        assert gateway.process is not None
        assert psutil.Process(gateway.process.pid).children(recursive=True) == []
        started = time.monotonic()
        assert gateway.stop(number) == 0
        assert time.monotonic() - started < 3
        gateway.start()  # on the same port and the same data

    def test_does_not_wait_for_a_held_connection(self, own_gateway: Any):
        gateway: Gateway = own_gateway()
        silent = line(account_number="0071000129920")

        def wait_for_nothing() -> None:
            # Ends in a 504 that says nothing, or in a cut connection.
            with contextlib.suppress(httpx2.TransportError):
                assert "processed" not in gateway.bank.send(message(silent), timeout=30).text

        waiting = threading.Thread(target=wait_for_nothing)
        waiting.start()
        eventually(lambda: held(gateway) == 1)
        started = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - started < 2
        waiting.join(10)
        assert not waiting.is_alive()

    def test_keeps_what_was_answered(self, own_gateway: Any):
        gateway: Gateway = own_gateway()
        credit = line()
        gateway.bank.pay(credit)
        gateway.control.shift(days=3)
        gateway.control.faults(e429=0.25, options={"latency_ms": 1})
        gateway.stop()
        gateway.start()
        assert gateway.control.credits()[credit["end_to_end_id"]]["times_credited"] == 1
        assert gateway.control.get("/clock")["offset_seconds"] == 3 * 86_400
        assert gateway.control.get("/faults")["probabilities"] == {"e429": 0.25}


def held(gateway: Gateway) -> int:
    """How many credits have made their message wait."""
    path = f"{(gateway.data / 'gateway.sqlite3').as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(path, uri=True)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM held").fetchone()[0])


class TestSecondGateway:
    @pytest.mark.parametrize("same", ["port", "data"])
    def test_is_refused(self, own_gateway: Any, same: str):
        gateway: Gateway = own_gateway()
        port = gateway.port if same == "port" else free_port()
        data = gateway.data if same == "data" else gateway.data / "other"

        second = run(gateway, port, data)

        assert second.returncode == 3
        assert str(port if same == "port" else data) in second.stderr
        assert httpx2.get(f"{gateway.url}/livez", trust_env=False).text == "ok"


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PORTAL_SECRETS", ""),
            ("PORTAL_SECRETS", "k1:abc"),
            ("PORTAL_SECRETS", "k1:whsec_c2hvcnQ="),
            ("PORTAL_SECRETS", "k1:whsec_not base64"),
            ("CALLBACK_SECRETS", ""),
            ("SETTLEMENT", "maybe"),
            ("LATE_SECONDS", "soon"),
        ],
    )
    def test_that_cannot_be_are_named(self, receiver: Receiver, tmp_path: Path, name: str, value: str):
        gateway = Gateway(tmp_path, receiver, **{f"MOCK_GATEWAY_{name}": value})
        gateway.close()
        ended = run(gateway, gateway.port, tmp_path)
        assert ended.returncode == 2
        assert f"MOCK_GATEWAY_{name}" in ended.stderr
        assert "c2hvcnQ" not in ended.stderr


def run(gateway: Gateway, port: int, data: Path) -> "subprocess.CompletedProcess[str]":
    """Start a gateway that is not expected to stay."""
    command = [sys.executable, "-m", "mock_gateway", "--port", str(port), "--data", str(data)]
    return subprocess.run(
        command, cwd=ROOT, env=gateway.environment, capture_output=True, text=True, timeout=20, check=False
    )
