"""The control API: who may use it, and that what it shows is the truth."""

import http.client
import json
from typing import Any

import httpx2
import pytest

from tests.mock_gateway.conftest import Gateway
from tests.mock_gateway.portal import eventually, instant, line, message


class TestDoor:
    @pytest.mark.parametrize(
        "headers",
        [
            {"host": "evil.example"},
            {"host": "127.0.0.1.evil.example:8010"},
            {"host": ""},
            {"origin": "http://127.0.0.1:8000"},
        ],
        ids=str,
    )
    def test_is_closed_to_web_pages(self, gateway: Gateway, headers: dict[str, str]):
        for method, path in (("GET", "/credits"), ("PUT", "/faults"), ("POST", "/reset")):
            answer = gateway.control.http.request(method, path, headers=headers, content=b"{}")
            assert answer.status_code in (400, 403), (method, path)

    def test_listens_on_loopback_only(self, gateway: Gateway):
        import psutil

        assert gateway.process is not None
        listening = [
            c for c in psutil.Process(gateway.process.pid).net_connections() if c.status == psutil.CONN_LISTEN
        ]
        assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}

    @pytest.mark.parametrize(("given", "status"), [(None, 401), ("Bearer wrong", 401), ("Bearer lantern", 200)])
    def test_wants_the_token_where_one_is_set(self, own_gateway: Any, given: str | None, status: int):
        gateway = own_gateway(MOCK_GATEWAY_CONTROL_TOKEN="lantern")
        headers = {} if given is None else {"authorization": given}
        assert gateway.control.http.get("/stats", headers=headers).status_code == status


class TestCredits:
    def test_are_told_line_by_line_in_the_order_in_which_they_came(self, gateway: Gateway):
        lines = [line(amount=number + 1) for number in range(2_500)]
        for start in range(0, 2_500, 500):
            gateway.bank.pay(*lines[start : start + 500])
        answer = gateway.control.http.get("/credits")
        assert answer.headers["content-type"] == "application/x-ndjson"
        rows = [json.loads(row) for row in answer.text.splitlines()]
        assert [row["end_to_end_id"] for row in rows] == [item["end_to_end_id"] for item in lines]
        assert {"amount", "account", "status", "times_credited"} <= rows[0].keys()
        assert (rows[7]["amount"], rows[7]["account"], rows[7]["status"], rows[7]["times_credited"]) == (
            8,
            "0071000123456",
            "ACCC",
            1,
        )

    def test_show_one_moment_while_money_goes_on_moving(self, gateway: Gateway):
        gateway.bank.pay(*[line() for _ in range(1_000)])
        gateway.bank.pay(*[line() for _ in range(1_000)])
        with gateway.control.http.stream("GET", "/credits") as answer:
            rows = answer.iter_lines()
            next(rows)
            gateway.bank.pay(line())
            assert sum(1 for _ in rows) == 1_999


def test_stats_add_up(gateway: Gateway):
    good, closed, late, returned = (
        line(account_number=f"00710001{code}", amount=7) for code in ("0001", "9901", "9910", "9930")
    )
    gateway.bank.pay(good, closed, late, returned)
    gateway.bank.send(message(line(), not_after=instant(-1)))
    gateway.control.shift(days=2, seconds=5)
    eventually(lambda: gateway.control.get("/stats")["callbacks"].get("DELIVERED", {}).get("items", 0) >= 5)

    stats = gateway.control.get("/stats")

    assert stats["credits"] == {"ACCC": {"count": 3, "amount": 21}, "RJCT": {"count": 1, "amount": 7}}
    assert (stats["times_credited"], stats["amount_credited"], stats["returned"]) == (3, 21, 1)
    assert (stats["credited_more_than_once"], stats["messages"], stats["due_later"]) == (0, 1, 0)
    assert stats["since_start"]["requests"]["credits 200"] == 1
    assert stats["since_start"]["requests"]["credits 422"] == 1
    assert stats["clock"]["offset_seconds"] == 2 * 86_400 + 5


class TestClock:
    def test_is_shifted_and_does_what_is_due_before_it_answers(self, gateway: Gateway):
        credit = line(account_number="0071000129910")
        gateway.bank.pay(credit)
        gateway.control.shift(seconds=40)
        assert gateway.control.credits()[credit["end_to_end_id"]]["status"] == "ACCC"

    @pytest.mark.parametrize(
        "content", [{}, {"offset_seconds": 1.5}, {"offset_seconds": "1"}, {"offset_seconds": 10**12}], ids=str
    )
    def test_refuses_other_words(self, gateway: Gateway, content: Any):
        assert gateway.control.http.put("/clock", json=content).status_code == 400


class TestReset:
    def test_forgets_what_happened_and_keeps_the_register(self, gateway: Gateway):
        account = {
            "bank_bin": "970405",
            "account_number": "42",
            "national_id": "079066000111",
            "holder_name": "A",
            "status": "CLOSED",
        }
        gateway.control.load(account)
        gateway.control.act("link", national_id="079144100238", bank_bin="970436", account_number="0071000123456")
        gateway.bank.pay(line(), line(account_number="0071000129930"))
        gateway.control.faults(e429=1)
        gateway.control.shift(days=1)

        assert gateway.control.http.post("/reset").status_code == 204

        stats = gateway.control.get("/stats")
        assert (stats["credits"], stats["callbacks"], stats["messages"], stats["due_later"]) == ({}, {}, 0, 0)
        assert (stats["links"], stats["clock"]["offset_seconds"], stats["since_start"]) == (
            0,
            0,
            {"requests": {}, "faults": {}},
        )
        assert gateway.control.get("/faults")["probabilities"] == {}
        assert gateway.bank.verify("970405", "42").json()["code"] == "ACC_INACTIVE"
        gateway.control.http.post("/reset", json={"accounts": True})
        assert gateway.bank.verify("970405", "42").json()["code"] == "ACC_NOT_FOUND"

    @pytest.mark.parametrize("content", [{"account": True}, {"accounts": 1}, []], ids=str)
    def test_refuses_other_words(self, gateway: Gateway, content: Any):
        gateway.bank.pay(line())
        assert gateway.control.http.post("/reset", json=content).status_code == 400
        assert len(gateway.control.credits()) == 1


@pytest.mark.parametrize(
    "content", [{"action": "link"}, {"action": "steal", "national_id": "1"}, {"action": "remove", "national_id": 1}]
)
def test_acting_for_a_citizen_wants_the_whole_story(gateway: Gateway, content: Any):
    assert gateway.control.http.post("/links", json=content).status_code == 400


def test_answers_other_addresses_as_a_stranger(gateway: Gateway):
    for method, path in (
        ("GET", "/"),
        ("GET", "/bank/v1/credits"),
        ("DELETE", "/control/credits"),
        ("TRACE", "/bank/v1/credits"),
    ):
        assert httpx2.request(method, f"{gateway.url}{path}", trust_env=False).status_code in (404, 405)


def test_broken_http_does_not_end_it(gateway: Gateway):
    for attempt in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
        connection.putrequest("POST", "/bank/v1/credits")
        connection.putheader("content-length", "1000")
        connection.endheaders(b"x" * (attempt * 100))
        connection.close()
    assert gateway.control.get("/stats")["credits"] == {}
