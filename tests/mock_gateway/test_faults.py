"""Each fault, by probability and armed for one credit; and what faults never do."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from mock_gateway.faults import ENDPOINTS, KINDS, STATEMENTS, Options, Plan
from tests.mock_gateway.conftest import Gateway
from tests.mock_gateway.portal import eventually, line, message, new_id

Case = Callable[[Gateway], None]
CASES: dict[str, Case] = {}


def case(kind: str) -> Callable[[Case], Case]:
    def keep(check: Case) -> Case:
        CASES[kind] = check
        return check

    return keep


def times(gateway: Gateway, *credits_: dict[str, Any]) -> list[int]:
    log = gateway.control.credits()
    return [log.get(item["end_to_end_id"], {}).get("times_credited", 0) for item in credits_]


def promises_nothing(answer: httpx2.Response) -> bool:
    return b'"processed"' not in answer.content


@case("drop_before")
def no_answer_and_nothing_done(gateway: Gateway) -> None:
    gateway.control.faults(drop_before=1)
    credit = line()
    with pytest.raises(httpx2.ReadTimeout):
        gateway.bank.send(message(credit), timeout=0.3)
    gateway.control.faults(drop_before=1, options={"hold_seconds": 0.1})
    answer = gateway.bank.send(message(credit))
    assert answer.status_code == 504
    assert promises_nothing(answer)
    assert times(gateway, credit) == [0]


@case("drop_after")
def no_answer_and_everything_done(gateway: Gateway) -> None:
    gateway.control.faults(drop_after=1)
    credit = line()
    with pytest.raises(httpx2.ReadTimeout):
        gateway.bank.send(message(credit), timeout=0.3)
    assert times(gateway, credit) == [1]


@case("slow_after")
def a_good_answer_that_comes_late(gateway: Gateway) -> None:
    gateway.control.faults(slow_after=1, options={"slow_seconds": 0.4})
    credit = line()
    with pytest.raises(httpx2.ReadTimeout):
        gateway.bank.send(message(credit), timeout=0.2)
    assert times(gateway, credit) == [1]
    assert gateway.bank.send(message(credit), timeout=5).json()["results"][0]["status"] == "ACCC"


@case("e500_before")
def an_error_and_nothing_done(gateway: Gateway) -> None:
    gateway.control.faults(e500_before=1)
    credit = line()
    answer = gateway.bank.send(message(credit))
    assert answer.status_code == 500
    assert promises_nothing(answer)
    assert times(gateway, credit) == [0]


@case("e500_half")
def an_error_and_half_done(gateway: Gateway) -> None:
    gateway.control.faults(e500_half=1)
    lines = [line() for _ in range(5)]
    answer = gateway.bank.send(message(*lines))
    assert answer.status_code == 500
    assert promises_nothing(answer)
    assert times(gateway, *lines) == [1, 1, 0, 0, 0]
    gateway.control.faults()
    gateway.bank.pay(*lines)
    assert times(gateway, *lines) == [1, 1, 1, 1, 1]


@case("e429")
def a_promise_that_nothing_was_done(gateway: Gateway) -> None:
    gateway.control.faults(e429=1, options={"retry_after_seconds": 3})
    credit = line()
    answer = gateway.bank.send(message(credit))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert (answer.json()["code"], answer.json()["processed"]) == ("TOO_MANY_REQUESTS", False)
    assert times(gateway, credit) == [0]


@case("e503")
def closed_for_a_moment(gateway: Gateway) -> None:
    gateway.control.faults(e503=1)
    credit = line()
    answer = gateway.bank.send(message(credit))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (answer.json()["code"], answer.json()["processed"]) == ("UNAVAILABLE", False)
    assert times(gateway, credit) == [0]


@case("slow_drip")
def one_byte_after_the_other(gateway: Gateway) -> None:
    gateway.control.faults(slow_drip=1, options={"drip_seconds": 0.02})
    sent = message(line())
    body = json.dumps(sent).encode()
    headers = gateway.bank.headers("POST", "/bank/v1/credits", body, webhook_id=sent["message_id"])
    with gateway.bank.http.stream("POST", "/bank/v1/credits", content=body, headers=headers) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 20
    assert json.loads(b"".join(pieces))["results"][0]["status"] == "ACSP"
    assert times(gateway, *sent["credits"]) == [1]


@case("truncated_body")
def half_an_answer(gateway: Gateway) -> None:
    gateway.control.faults(truncated_body=1)
    credit = line()
    with pytest.raises(httpx2.RemoteProtocolError):
        gateway.bank.send(message(credit))
    assert times(gateway, credit) == [1]


@case("foreign_ids")
def an_answer_about_somebody_else(gateway: Gateway) -> None:
    gateway.control.faults(foreign_ids=1)
    credit = line()
    results = gateway.bank.pay(credit)
    assert len(results) == 2
    assert credit["end_to_end_id"] in results


@case("missing_lines")
def an_answer_with_gaps(gateway: Gateway) -> None:
    gateway.control.faults(missing_lines=1)
    lines = [line() for _ in range(4)]
    assert len(gateway.bank.pay(*lines)) == 2
    assert times(gateway, *lines) == [1, 1, 1, 1]


@case("duplicate_lines")
def an_answer_that_contradicts_itself(gateway: Gateway) -> None:
    gateway.control.faults(duplicate_lines=1)
    credit = line()
    results = gateway.bank.send(message(credit)).json()["results"]
    assert [item["end_to_end_id"] for item in results] == [credit["end_to_end_id"]] * 2
    assert {item["status"] for item in results} == {"ACSP", "RJCT"}


@case("html_answer")
def a_page_for_people(gateway: Gateway) -> None:
    gateway.control.faults(html_answer=1)
    credit = line()
    answer = gateway.bank.send(message(credit))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert times(gateway, credit) == [1]


@case("redirect")
def another_address(gateway: Gateway) -> None:
    gateway.control.faults(redirect=1)
    credit = line()
    answer = gateway.bank.send(message(credit))
    assert (answer.status_code, bool(answer.headers["location"])) == (302, True)
    assert times(gateway, credit) == [1]


@case("e400_poison")
def one_line_spoils_the_message(gateway: Gateway) -> None:
    gateway.control.faults(e400_poison=1)
    good, poison = line(), line(remittance_text="thang POISON 11")
    answer = gateway.bank.send(message(good, poison))
    assert (answer.status_code, answer.json()["code"], answer.json()["processed"]) == (400, "INVALID_MESSAGE", False)
    assert "problems" not in answer.json()
    assert times(gateway, good, poison) == [0, 0]
    gateway.bank.pay(good)
    assert times(gateway, good) == [1]


@case("duplicate_code")
def a_repeat_is_called_a_duplicate(gateway: Gateway) -> None:
    gateway.control.faults(duplicate_code=1)
    lines = [line(end_to_end_id=new_id()[:-1] + digit) for digit in "01"]
    assert {item["status"] for item in gateway.bank.pay(*lines).values()} == {"ACSP"}
    again = gateway.bank.pay(*lines)
    assert [(item["status"], item["reason"]) for item in again.values()] == [("RJCT", "AM05"), ("RJCT", "DU04")]
    assert times(gateway, *lines) == [1, 1]
    ids = [item["end_to_end_id"] for item in lines]
    assert {item["status"] for item in gateway.bank.inquire(*ids).values()} == {"ACCC"}


@case("deduplication_off")
def a_repeat_is_paid_again_and_shows(gateway: Gateway) -> None:
    gateway.control.faults(deduplication_off=1)
    credit = line(amount=5)
    for _ in range(3):
        gateway.bank.pay(credit)
    assert times(gateway, credit) == [3]
    assert gateway.control.credits()[credit["end_to_end_id"]]["amount_credited"] == 15
    assert gateway.control.get("/stats")["credited_more_than_once"] == 1


def pay_one(gateway: Gateway) -> str:
    credit = line()
    gateway.bank.pay(credit)
    return str(credit["end_to_end_id"])


@case("callback_lost")
def nobody_is_told(gateway: Gateway) -> None:
    gateway.control.faults(callback_lost=1)
    e2e = pay_one(gateway)
    eventually(lambda: gateway.control.get("/stats")["callbacks"].get("LOST"))
    gateway.control.shift(days=2)
    assert gateway.receiver.deliveries("payment.status", e2e) == []
    assert gateway.bank.inquire(e2e)[e2e]["status"] == "ACCC"


@case("callback_duplicate")
def told_twice_the_same(gateway: Gateway) -> None:
    gateway.control.faults(callback_duplicate=1)
    e2e = pay_one(gateway)
    told = gateway.receiver.delivered("payment.status", e2e, times=2)
    assert len({(item.id, item.body) for item in told}) == 1
    assert all(item.genuine for item in told)


@case("callback_late")
def told_late(gateway: Gateway) -> None:
    gateway.control.faults(callback_late=1, options={"callback_late_seconds": 2 * 86_400})
    e2e = pay_one(gateway)
    eventually(lambda: gateway.control.get("/stats")["callbacks"].get("PENDING"))
    gateway.control.shift(days=1)
    assert gateway.receiver.deliveries("payment.status", e2e) == []
    gateway.control.shift(days=2, seconds=5)
    assert eventually(lambda: gateway.receiver.statuses(e2e))[0]["status"] == "ACCC"


@case("callback_out_of_order")
def the_end_is_told_before_the_beginning(gateway: Gateway) -> None:
    gateway.control.faults(callback_out_of_order=1)
    e2e = pay_one(gateway)
    eventually(lambda: len(gateway.receiver.statuses(e2e)) == 2)
    told = gateway.receiver.statuses(e2e)
    assert [item["status"] for item in told] == ["ACCC", "ACSP"]


@case("callback_forged")
def somebody_else_tells_a_lie_first(gateway: Gateway) -> None:
    gateway.control.faults(callback_forged=1)
    e2e = pay_one(gateway)
    told = gateway.receiver.delivered("payment.status", e2e, times=2)
    assert [(item.genuine, item.content["data"]["statuses"][0]["status"]) for item in told] == [
        (False, "RJCT"),
        (True, "ACCC"),
    ]
    assert told[0].id != told[1].id


@case("callback_replayed")
def an_old_message_comes_again(gateway: Gateway) -> None:
    gateway.control.faults(callback_replayed=1)
    e2e = pay_one(gateway)
    told = gateway.receiver.delivered("payment.status", e2e, times=2)
    assert [item.genuine for item in told] == [True, False]
    assert told[0].timestamp - told[1].timestamp > 3_000
    assert told[0].body == told[1].body


@case("callback_foreign")
def told_of_a_credit_that_nobody_sent(gateway: Gateway) -> None:
    gateway.control.faults(callback_foreign=1)
    before = len(gateway.receiver.received)
    e2e = pay_one(gateway)
    eventually(lambda: gateway.receiver.statuses(e2e))
    told = [
        status for item in gateway.receiver.received[before:] for status in item.content["data"].get("statuses", [])
    ]
    foreign = {status["end_to_end_id"] for status in told} - {e2e}
    assert gateway.bank.inquire(*foreign)[min(foreign)]["status"] == "NOTFOUND"


@case("callback_amount_differs")
def told_another_amount(gateway: Gateway) -> None:
    gateway.control.faults(callback_amount_differs=1)
    e2e = pay_one(gateway)
    assert eventually(lambda: gateway.receiver.statuses(e2e))[0]["amount"] == 651_000
    assert gateway.bank.inquire(e2e)[e2e]["amount"] == 650_000


@pytest.mark.parametrize("kind", CASES)
def test_does_what_its_name_says(gateway: Gateway, kind: str):
    CASES[kind](gateway)
    if kind in ("deduplication_off", "duplicate_code"):
        assert gateway.control.get("/stats")["since_start"]["faults"][kind] >= 2
    else:
        assert gateway.control.get("/stats")["since_start"]["faults"][kind] >= 1


def test_every_fault_has_a_case():
    assert CASES.keys() == set(KINDS) - set(STATEMENTS)  # those are in test_statements.py


class TestChance:
    def test_is_the_same_for_the_same_seed_and_another_for_another(self):
        keys = [f"m-{number}" for number in range(4_000)]

        def hits(seed: int) -> set[str]:
            plan = Plan(seed, {"drop_after": 0.15})
            return {key for key in keys if plan.chance("drop_after", key)}

        assert hits(7) == hits(7)
        assert hits(7) != hits(8)
        assert 500 < len(hits(7)) < 700
        assert Plan(7, {"drop_after": 1.0}).chance("drop_after", "any")
        assert not Plan(7, {"drop_after": 0.0}).chance("drop_after", "any")

    def test_strikes_the_same_messages_in_a_second_run(self, gateway: Gateway):
        messages = [message(line()) for _ in range(60)]

        def run() -> list[int]:
            gateway.control.http.post("/reset")
            gateway.control.faults(seed=3, e429=0.3, e500_before=0.3)
            return [gateway.bank.send(sent).status_code for sent in messages]

        first = run()
        assert set(first) == {200, 429, 500}
        assert run() == first


class TestArmed:
    def test_strikes_one_credit_as_often_as_told(self, gateway: Gateway):
        marked, other = line(), line()
        gateway.control.faults(armed={marked["end_to_end_id"]: {"e500_before": 2}})
        sent = [gateway.bank.send(message(item)).status_code for item in (other, marked, other, marked, marked)]
        assert sent == [200, 500, 200, 500, 200]
        assert gateway.control.get("/faults")["armed"] == {}

    def test_stays_armed_over_a_restart_and_counts_on(self, own_gateway: Any):
        gateway = own_gateway()
        marked = line()
        gateway.control.faults(armed={marked["end_to_end_id"]: {"e429": 2}})
        assert gateway.bank.send(message(marked)).status_code == 429
        gateway.kill()
        gateway.start()
        assert [gateway.bank.send(message(marked)).status_code for _ in range(2)] == [429, 200]

    def test_strikes_a_callback(self, gateway: Gateway):
        marked, other = line(), line()
        gateway.control.faults(armed={marked["end_to_end_id"]: "callback_amount_differs"})
        gateway.bank.pay(marked)
        gateway.bank.pay(other)
        for credit, amount in ((marked, 651_000), (other, 650_000)):
            [told] = gateway.receiver.delivered("payment.status", credit["end_to_end_id"], times=1)
            assert told.content["data"]["statuses"][0]["amount"] == amount


class TestReach:
    @pytest.mark.parametrize("endpoint", ENDPOINTS)
    def test_can_be_kept_to_one_endpoint(self, gateway: Gateway, endpoint: str):
        gateway.control.faults(e429=1, options={"endpoints": [endpoint]})
        link = {
            "link_id": new_id(),
            "bank_bin": "970436",
            "account_number": "0071000123456",
            "national_id": "079144100238",
            "holder_name": "NGUYEN THI HOA",
            "consent_token": new_id(),
            "consent_given_at": "2026-11-23T02:15:00Z",
        }
        notice = {
            "notice_id": new_id(),
            "national_id": "079144100238",
            "phone_numbers": [],
            "title": "Thông báo",
            "text": "Tiền đã về.",
        }
        message_id = new_id()
        told = {"message_id": message_id, "notices": [notice]}
        answers = {
            "credits": gateway.bank.send(message(line())).status_code,
            "inquiries": gateway.bank.call("POST", "/inquiries", {"end_to_end_ids": ["a"]}).status_code,
            "accounts": gateway.bank.verify("970436", "0071000123456").status_code,
            "links": gateway.bank.call("POST", "/links", link).status_code,
            "notices": gateway.bank.call("POST", "/notices", told, webhook_id=message_id).status_code,
            "statements": gateway.bank.call("GET", "/statements/2020-01-01").status_code,
        }
        assert {name for name, status in answers.items() if status == 429} == {endpoint}

    def test_never_touches_control_or_vneid(self, gateway: Gateway):
        gateway.control.put("/faults", {"probabilities": dict.fromkeys(KINDS, 1)})
        assert gateway.control.http.get("/stats").status_code == 200
        assert httpx2.get(f"{gateway.url}/vneid/.well-known/openid-configuration", trust_env=False).status_code == 200

    def test_a_bank_that_is_down_refuses_only_its_own(self, gateway: Gateway):
        gateway.control.faults(options={"banks_down": ["970405"]})
        here, there = line(), line(bank_bin="970405")
        answer = gateway.bank.send(message(here, there))
        assert (answer.status_code, answer.json()["code"], answer.json()["bank_bin"]) == (
            503,
            "BANK_UNAVAILABLE",
            "970405",
        )
        assert answer.json()["processed"] is False
        assert gateway.bank.send(message(here)).status_code == 200
        assert gateway.bank.verify("970405", "1600205012345").json()["code"] == "BANK_UNAVAILABLE"
        assert times(gateway, here, there) == [1, 0]

    def test_a_shorter_memory(self, gateway: Gateway):
        gateway.control.faults(options={"idempotency_window_seconds": 60})
        credit = line()
        gateway.bank.pay(credit)
        gateway.control.shift(seconds=59)
        gateway.bank.pay(credit)
        assert times(gateway, credit) == [1]
        gateway.control.shift(seconds=62)
        assert gateway.bank.inquire(credit["end_to_end_id"])[credit["end_to_end_id"]]["status"] == "NOTFOUND"
        gateway.bank.pay(credit)
        assert times(gateway, credit) == [2]


class TestPlan:
    @pytest.mark.parametrize(
        "plan",
        [
            {"probabilities": {"drop": 0.1}},
            {"probabilities": {"e429": 1.1}},
            {"probabilities": {"e429": True}},
            {"probabilities": []},
            {"seed": "7"},
            {"options": {"speed": 1}},
            {"options": {"latency_ms": -1}},
            {"options": {"latency_ms": 0.5}},
            {"options": {"banks_down": "970405"}},
            {"options": {"id_token": "none"}},
            {"armed": {"abc": "unheard_of"}},
            {"armed": {"abc": {"e429": 0}}},
            {"seeds": 7},
        ],
        ids=str,
    )
    def test_that_is_misspelt_is_refused_and_changes_nothing(self, gateway: Gateway, plan: Any):
        gateway.control.faults(seed=5, e429=0.5)
        before = gateway.control.get("/faults")
        assert gateway.control.http.put("/faults", json=plan).status_code == 400
        assert gateway.control.get("/faults") == before

    def test_an_empty_one_ends_all_faults(self, gateway: Gateway):
        gateway.control.faults(e429=1, options={"latency_ms": 5})
        gateway.control.put("/faults", {})
        assert gateway.control.get("/faults") == {"seed": 0, "probabilities": {}, "options": {}, "armed": {}}
        assert Options() == Plan().options
