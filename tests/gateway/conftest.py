"""A client with a secret of its own, its transfers, and answers of the contract to change at will."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from foundation.gateway.client import HttpGateway
from foundation.gateway.port import BulkAnswer, TransferInstruction
from foundation.gateway.signatures import Secret

SECRET = Secret("k1", bytes(range(32)))
DEBTOR = "3713.0.1055555"
NAME, ACCOUNT = "NGUYEN THI HOA", "0071000123456"


def transfer(number: int, **changes: Any) -> TransferInstruction:
    given: dict[str, Any] = {
        "end_to_end_id": f"{number:032x}",
        "instructed_amount": 650_000 + number,
        "creditor_name": NAME,
        "creditor_account": ACCOUNT,
        "creditor_agent": "970436",
        "remittance_information": "Tro cap thang 11/2026",
    }
    return TransferInstruction(**(given | changes))


TRANSFERS = [transfer(number) for number in (1, 2, 3)]
IDS = [one.end_to_end_id for one in TRANSFERS]


def result(one: TransferInstruction, **changes: Any) -> dict[str, Any]:
    """A result of 3.1, accepted unless changed."""
    return {
        "end_to_end_id": one.end_to_end_id,
        "amount": one.instructed_amount,
        "status": "ACSP",
        "reason": None,
        "at": "2026-11-23T02:15:01.123Z",
    } | changes


def credits_answer(results: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The whole answer of 3.1."""
    results = [result(one) for one in TRANSFERS] if results is None else results
    return {"message_id": "8812-3", "received_at": "2026-11-23T02:15:00Z", "results": results} | changes


def error(code: str, **changes: Any) -> dict[str, Any]:
    """An error of section 2."""
    return {"code": code, "message": "for a log", "processed": False} | changes


def submit(gateway: HttpGateway, **changes: Any) -> BulkAnswer:
    given: dict[str, Any] = {
        "message_id": "8812-3",
        "debtor_account": DEBTOR,
        "not_after": datetime.now(UTC) + timedelta(seconds=20),
        "transfers": TRANSFERS,
        "deadline_seconds": 5.0,
    }
    return gateway.submit(**(given | changes))


def http_answer(status: int, document: Any, **headers: str) -> httpx2.Response:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    given = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, headers=given, content=body)


Handler = Callable[[httpx2.Request], httpx2.Response]


class Scripted:
    """A gateway whose answer a test writes, without a network; `requests` are those that would have left."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self.handler: Handler = lambda _: http_answer(200, credits_answer())
        self.gateway = HttpGateway(
            base_url="http://gateway.test/base", secret=SECRET, transport=httpx2.MockTransport(self._handle)
        )

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.handler(request)

    def answers(self, status: int, document: Any, **headers: str) -> None:
        self.handler = lambda _: http_answer(status, document, **headers)

    def fails(self, failure: BaseException) -> None:
        def fail(_: httpx2.Request) -> httpx2.Response:
            raise failure

        self.handler = fail


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()
