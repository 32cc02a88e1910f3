"""A real gateway process on a free port, and a portal that receives its callbacks. No Django, no database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.mock_gateway.portal import CALLBACK_KEY, OLD_PORTAL_KEY, PORTAL_KEY, Bank, Control, Receiver, secret
from welfare_portal.embedded.launcher import free_port

REDIRECT_URI = "http://127.0.0.1:8000/vneid/callback"
CLIENT_SECRET = "a secret of the portal, with : and % in it"
ROOT = Path(__file__).parents[2]


class Gateway:
    """One gateway: its process, which can be killed and started again on the same data, and the ways to talk to it."""

    def __init__(self, data: Path, receiver: Receiver, **environment: str) -> None:
        self.data = data
        self.receiver = receiver
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "MOCK_GATEWAY_PORTAL_SECRETS": f"{secret('k1', PORTAL_KEY)},{secret('k0', OLD_PORTAL_KEY)}",
            "MOCK_GATEWAY_CALLBACK_SECRETS": secret("c1", CALLBACK_KEY),
            "MOCK_GATEWAY_CALLBACK_URL": receiver.url,
            "MOCK_GATEWAY_CALLBACK_DELAY_MS": "20",
            "MOCK_GATEWAY_VNEID_CLIENT_SECRET": CLIENT_SECRET,
            "MOCK_GATEWAY_VNEID_REDIRECT_URIS": REDIRECT_URI,
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.bank = Bank(self.url)
        self.control = Control(self.url)

    def start(self) -> "Gateway":
        command = [sys.executable, "-m", "mock_gateway", "--port", str(self.port), "--data", str(self.data)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            assert self.process.poll() is None, f"the gateway ended with {self.process.returncode}"
            try:
                assert httpx2.get(f"{self.url}/livez", timeout=1, trust_env=False).text == "ok"
            except httpx2.TransportError:
                assert time.monotonic() < deadline, "the gateway does not come up"
                time.sleep(0.02)
            else:
                return self

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the process and return how it ended."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(10)
        self.process = None
        return code

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def close(self) -> None:
        """End the process, whatever became of it, and the connections."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.bank.http.close()
        self.control.http.close()


def pytest_configure(config: pytest.Config) -> None:
    # Also known when these tests run on their own, without the project's settings and Django.
    config.addinivalue_line("markers", "servers: starts real workers and the gateway as processes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts a gateway: `make test-fast` leaves it out."""
    for item in items:
        if {"gateway", "own_gateway"} & set(getattr(item, "fixturenames", ())) and Path(
            __file__
        ).parent in item.path.parents:
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="session")
def _running(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), receiver).start()
    yield gateway
    gateway.close()


@pytest.fixture
def gateway(_running: Gateway) -> Iterator[Gateway]:
    """The shared gateway, emptied."""
    _running.receiver.answers = lambda _: 204
    answer = _running.control.http.post("/reset", json={"accounts": True})
    assert answer.status_code == 204, answer.text
    yield _running
    _running.receiver.answers = lambda _: 204


@pytest.fixture
def own_gateway(receiver: Receiver, tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Make a gateway with a process and data of its own: `own_gateway(MOCK_GATEWAY_SETTLEMENT="sync")`."""
    made: list[Gateway] = []

    def make(**environment: str) -> Gateway:
        made.append(Gateway(tmp_path / f"gateway-{len(made)}", receiver, **environment).start())
        return made[-1]

    yield make
    for gateway in made:
        gateway.close()
