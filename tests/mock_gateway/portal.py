"""The portal's side, written from the contract alone: it signs requests and receives callbacks with code of its own."""

import base64
import hashlib
import hmac
import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, TypeVar

import httpx2

PORTAL_KEY = b"portal signs with these bytes...."
OLD_PORTAL_KEY = b"portal signed with these before.."
CALLBACK_KEY = b"the gateway signs its callbacks.."
T = TypeVar("T")
FUND = "3713.0.1055555"


def secret(key_id: str, key: bytes) -> str:
    return f"{key_id}:whsec_{base64.b64encode(key).decode()}"


def sign(key: bytes, text: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def instant(seconds_ahead: float = 0) -> str:
    at = datetime.now(UTC) + timedelta(seconds=seconds_ahead)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    return uuid.uuid4().hex


def line(**changes: Any) -> dict[str, Any]:
    """One credit of a message."""
    return {
        "end_to_end_id": new_id(),
        "amount": 650_000,
        "bank_bin": "970436",
        "account_number": "0071000123456",
        "creditor_name": "NGUYEN THI HOA",
        "remittance_text": "Tro cap thang 11/2026",
    } | changes


def message(*lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A bulk message that keeps the contract, save where changed."""
    return {
        "message_id": f"m-{new_id()}"[:35],
        "created_at": instant(),
        "not_after": instant(3_600),
        "debtor_account": FUND,
        "number_of_transactions": len(lines),
        "control_sum": sum(item["amount"] for item in lines if isinstance(item.get("amount"), int)),
        "credits": list(lines),
    } | changes


class Bank:
    """Signed calls to `/bank/v1`."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx2.Client(base_url=base_url, timeout=20, trust_env=False)

    def headers(
        self,
        method: str,
        target: str,
        body: bytes,
        *,
        webhook_id: str,
        key: bytes = PORTAL_KEY,
        key_id: str = "k1",
        age: int = 0,
    ) -> dict[str, str]:
        timestamp = str(int(time.time()) - age)
        text = f"{webhook_id}.{timestamp}.{method} {target}.".encode() + body
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": timestamp,
            "webhook-key-id": key_id,
            "webhook-signature": sign(key, text),
            "content-type": "application/json",
        }

    def call(
        self, method: str, path: str, content: Any = None, *, webhook_id: str = "", **kwargs: Any
    ) -> httpx2.Response:
        target = f"/bank/v1{path}"
        body = b"" if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = self.headers(method, target, body, webhook_id=webhook_id or new_id())
        return self.http.request(method, target, content=body, headers=headers, **kwargs)

    def send(self, content: dict[str, Any], **kwargs: Any) -> httpx2.Response:
        """Send a bulk message."""
        return self.call("POST", "/credits", content, webhook_id=content["message_id"], **kwargs)

    def pay(self, *lines: dict[str, Any], **changes: Any) -> dict[str, dict[str, Any]]:
        """Send lines and return the results by id."""
        answer = self.send(message(*lines, **changes))
        assert answer.status_code == 200, answer.text
        return {item["end_to_end_id"]: item for item in answer.json()["results"]}

    def inquire(self, *ids: str) -> dict[str, dict[str, Any]]:
        answer = self.call("POST", "/inquiries", {"end_to_end_ids": list(ids)})
        assert answer.status_code == 200, answer.text
        return {item["end_to_end_id"]: item for item in answer.json()["results"]}

    def verify(
        self, bank_bin: str, account_number: str, national_id: str | None = None, **more: Any
    ) -> httpx2.Response:
        body = {
            "enquiry_id": new_id(),
            "bank_bin": bank_bin,
            "account_number": account_number,
            "national_id": national_id,
            **more,
        }
        return self.call("POST", "/accounts/verify", body)


class Control:
    """The control API."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx2.Client(base_url=f"{base_url}/control", timeout=60, trust_env=False)

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, path: str) -> list[dict[str, Any]]:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return [json.loads(row) for row in answer.text.splitlines()]

    def credits(self) -> dict[str, dict[str, Any]]:
        return {row["end_to_end_id"]: row for row in self.rows("/credits")}

    def put(self, path: str, content: Any) -> Any:
        answer = self.http.put(path, json=content)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def faults(self, seed: int = 7, armed: Any = None, options: Any = None, **probabilities: float) -> Any:
        plan = {"seed": seed, "probabilities": probabilities, "options": options or {}, "armed": armed or {}}
        return self.put("/faults", plan)

    def shift(self, **offset: float) -> None:
        self.put("/clock", {"offset_seconds": int(timedelta(**offset).total_seconds())})

    def load(self, *accounts: dict[str, str]) -> int:
        answer = self.http.post("/accounts", content="\n".join(json.dumps(account) for account in accounts))
        assert answer.status_code == 200, answer.text
        return int(answer.json()["loaded"])

    def act(self, action: str, **content: str) -> dict[str, Any]:
        answer = self.http.post("/links", json={"action": action, **content})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


class Received(NamedTuple):
    """One delivery of a callback, as it came."""

    id: str
    timestamp: int
    genuine: bool
    body: bytes
    answered: int

    @property
    def content(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Receiver:
    """A portal that receives callbacks: checks signatures, keeps every delivery, answers as told."""

    def __init__(self, port: int = 0) -> None:
        self.path = "/api/v1/gateway/callbacks"
        self.received: list[Received] = []
        self.answers: Callable[[Received], int] = lambda _: 204
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                # A message for a gateway that had this port before it was ended is for nobody.
                meant = self.path == receiver.path
                status = receiver.take(dict(self.headers.items()), body) if meant else 404
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{self.path}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        headers = {name.lower(): value for name, value in headers.items()}
        timestamp = int(headers["webhook-timestamp"])
        text = f"{headers['webhook-id']}.{timestamp}.".encode() + body
        genuine = (
            headers["webhook-key-id"] == "c1"
            and hmac.compare_digest(headers["webhook-signature"], sign(CALLBACK_KEY, text))
            and abs(time.time() - timestamp) <= 300
        )
        delivery = Received(headers["webhook-id"], timestamp, genuine, body, 0)
        status = self.answers(delivery) if genuine else 401
        with self._lock:
            self.received.append(delivery._replace(answered=status))
        return status

    def deliveries(self, kind: str, mark: str) -> list[Received]:
        """The deliveries of a type that speak of something: an end_to_end_id, an ID number."""
        with self._lock:
            return [item for item in self.received if item.content["type"] == kind and mark.encode() in item.body]

    def delivered(self, kind: str, mark: str, *, times: int) -> list[Received]:
        """The deliveries, once there are so many."""
        eventually(lambda: len(self.deliveries(kind, mark)) >= times)
        found = self.deliveries(kind, mark)
        assert len(found) == times
        return found

    def statuses(self, end_to_end_id: str) -> list[dict[str, Any]]:
        """What genuine callbacks that were taken said of a credit, in the order in which they came."""
        taken = [item for item in self.deliveries("payment.status", end_to_end_id) if 200 <= item.answered < 300]
        told = itertools.chain.from_iterable(item.content["data"]["statuses"] for item in taken)
        return [status for status in told if status["end_to_end_id"] == end_to_end_id]


def eventually(ask: Callable[[], T], *, seconds: float = 15) -> T:
    """Ask until the answer is true; fail with the last answer."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.02)
    return answer
