"""The port over the real client and the mocked gateway's real process; and the fake of the other tests beside it."""

import base64
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from foundation.gateway.client import HttpGateway
from foundation.gateway.port import Gateway, TransferInstruction
from foundation.gateway.signatures import Secret
from tests.fake_gateway import FakeGateway
from tests.mock_gateway.conftest import Gateway as Process
from tests.mock_gateway.portal import CALLBACK_KEY, PORTAL_KEY, Receiver

CALLBACK_SECRETS = [f"c1:whsec_{base64.b64encode(CALLBACK_KEY).decode()}"]


class Door(Receiver):
    """The portal's address for callbacks, which keeps raw headers and bodies for the inbox."""

    def __init__(self) -> None:
        self.raw: list[tuple[dict[str, str], bytes]] = []
        super().__init__()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        self.raw.append((headers, body))
        return super().take(headers, body)


@dataclass
class World:
    """A gateway, and what it really credited by its own book: times by end_to_end_id."""

    gateway: Gateway
    credited: Callable[[], dict[str, int]]


@pytest.fixture(scope="session")
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


@pytest.fixture(scope="session")
def process(door: Door, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One gateway process for all of these tests, which says the final status in its answer."""
    process = Process(tmp_path_factory.mktemp("contract"), door, MOCK_GATEWAY_SETTLEMENT="sync").start()
    yield process
    process.close()


@pytest.fixture
def own_process(door: Door, tmp_path: Path) -> Iterator[Process]:
    """A gateway that a test may kill or freeze; ended however the test ends."""
    process = Process(tmp_path, door, MOCK_GATEWAY_SETTLEMENT="sync").start()
    yield process
    process.close()


@pytest.fixture
def mock(process: Process, door: Door) -> Process:
    """The gateway process, emptied, without faults, its clock right."""
    assert process.control.http.post("/reset", json={"accounts": True}).status_code == 204
    door.raw.clear()
    return process


def client(process: Process, *, key: bytes = PORTAL_KEY) -> HttpGateway:
    return HttpGateway(base_url=process.url, secret=Secret("k1", key))


@pytest.fixture
def http(mock: Process) -> Iterator[HttpGateway]:
    gateway = client(mock)
    yield gateway
    gateway.close()


def booked(process: Process) -> dict[str, int]:
    return {e2e: row["times_credited"] for e2e, row in process.control.credits().items() if row["times_credited"]}


@pytest.fixture(params=["fake", "http"])
def world(request: pytest.FixtureRequest) -> World:
    """Both: what the other tests believe of the fake has to be true of the real way as well."""
    if request.param == "fake":
        fake = FakeGateway(statuses={"0000009901": ("RJCT", "AC04")})
        return World(fake, lambda: dict(Counter(fake.times)))
    process: Process = request.getfixturevalue("mock")
    return World(request.getfixturevalue("http"), lambda: booked(process))


def transfer(**changes: Any) -> TransferInstruction:
    given: dict[str, Any] = {
        "end_to_end_id": uuid4().hex,
        "instructed_amount": 650_000,
        "creditor_name": "NGUYEN THI HOA",
        "creditor_account": "0071000123456",
        "creditor_agent": "970436",
        "remittance_information": "Tro cap thang 11/2026",
    }
    return TransferInstruction(**(given | changes))
