"""The last four digits of an account number choose what happens."""

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mock_gateway import scenarios
from tests.mock_gateway.conftest import ROOT, Gateway
from tests.mock_gateway.portal import eventually, instant, line, message

AT_ONCE = {
    "9901": ("RJCT", "AC04", 0),
    "9902": ("RJCT", "AC06", 0),
    "9903": ("RJCT", "BE01", 0),
    "9930": ("ACCC", None, 1),
    "9931": ("ACSC", None, 1),
    "9940": ("RJCT", "AC01", 0),
    "9943": ("RJCT", "AC06", 0),
    "9941": ("ACCC", None, 1),
    "0001": ("ACCC", None, 1),
}
LATE = {"9910": ("ACCC", None, 1), "9911": ("RJCT", "AC04", 0)}
SILENT = {"9920", "9921"}


def to(code: str, **changes: Any) -> dict[str, Any]:
    return line(account_number=f"007100012{code}", **changes)


def end_of(gateway: Gateway, e2e: str) -> tuple[str, str | None, int]:
    row = gateway.control.credits()[e2e]
    return row["status"], row["reason"], row["times_credited"]


@pytest.mark.parametrize("code", AT_ONCE)
def test_ends_as_its_number_says_and_tells_so(gateway: Gateway, code: str):
    credit = to(code)
    e2e = credit["end_to_end_id"]

    assert gateway.bank.pay(credit)[e2e]["status"] == "ACSP"

    assert end_of(gateway, e2e) == AT_ONCE[code]
    told = eventually(lambda: gateway.receiver.statuses(e2e))
    assert [(item["status"], item["reason"], item["amount"]) for item in told] == [
        (*AT_ONCE[code][:2], credit["amount"])
    ]
    asked = gateway.bank.inquire(e2e)[e2e]
    assert (asked["status"], asked["reason"], asked["at"]) == (*AT_ONCE[code][:2], told[0]["at"])


@pytest.mark.parametrize("code", LATE)
def test_ends_late(gateway: Gateway, code: str):
    credit = to(code)
    e2e = credit["end_to_end_id"]
    gateway.bank.pay(credit)
    gateway.control.shift(seconds=28)
    assert end_of(gateway, e2e) == ("ACSP", None, 0)

    gateway.control.shift(seconds=31)

    assert end_of(gateway, e2e) == LATE[code]
    told = eventually(lambda: gateway.receiver.statuses(e2e))
    assert [(item["status"], item["reason"]) for item in told] == [LATE[code][:2]]


def test_a_late_credit_is_still_pending_where_answers_are_final(own_gateway: Any):
    gateway = own_gateway(MOCK_GATEWAY_SETTLEMENT="sync", MOCK_GATEWAY_LATE_SECONDS="600")
    credit = to("9910")
    e2e = credit["end_to_end_id"]
    assert gateway.bank.pay(credit)[e2e]["status"] == "ACSP"
    gateway.control.shift(seconds=601)
    assert eventually(lambda: gateway.receiver.statuses(e2e))[0]["status"] == "ACCC"


class TestSilence:
    def test_before_processing_nothing_of_the_message_is_done_and_a_later_one_works(self, gateway: Gateway):
        silent, beside = to("9920"), line()
        with pytest.raises(httpx2.ReadTimeout):
            gateway.bank.send(message(silent, beside), timeout=0.5)
        asked = gateway.bank.inquire(silent["end_to_end_id"], beside["end_to_end_id"])
        assert {item["status"] for item in asked.values()} == {"NOTFOUND"}

        gateway.bank.pay(silent, beside)

        assert end_of(gateway, silent["end_to_end_id"]) == ("ACCC", None, 1)
        assert end_of(gateway, beside["end_to_end_id"]) == ("ACCC", None, 1)

    def test_after_processing_everything_is_done_once(self, gateway: Gateway):
        silent, beside = to("9921"), line()
        with pytest.raises(httpx2.ReadTimeout):
            gateway.bank.send(message(silent, beside), timeout=0.5)
        assert end_of(gateway, silent["end_to_end_id"]) == ("ACCC", None, 1)

        results = gateway.bank.pay(silent, beside)

        assert {item["status"] for item in results.values()} == {"ACCC"}
        assert {row["times_credited"] for row in gateway.control.credits().values()} == {1}

    def test_each_credit_is_silent_once_even_over_a_restart(self, own_gateway: Any):
        gateway = own_gateway()
        silent = to("9920")
        with pytest.raises(httpx2.ReadTimeout):
            gateway.bank.send(message(silent), timeout=0.5)
        gateway.kill()
        gateway.start()
        assert gateway.bank.pay(silent)[silent["end_to_end_id"]]["status"] == "ACSP"

    def test_silence_does_not_hold_up_others(self, gateway: Gateway):
        with pytest.raises(httpx2.ReadTimeout):
            gateway.bank.send(message(to("9920")), timeout=0.2)
        assert len(gateway.bank.pay(line())) == 1

    def test_a_message_that_is_too_late_is_not_silent(self, gateway: Gateway):
        answer = gateway.bank.send(message(to("9920"), not_after=instant(-1)), timeout=5)
        assert answer.json()["code"] == "NOT_AFTER_PASSED"


class TestReturn:
    def test_comes_days_later_once_and_stands_beside_the_settled_status(self, gateway: Gateway):
        credit = to("9930")
        e2e = credit["end_to_end_id"]
        gateway.bank.pay(credit)
        gateway.control.shift(days=1, hours=23)
        assert not gateway.control.credits()[e2e]["returned"]

        gateway.control.shift(days=2, seconds=5)
        gateway.control.shift(days=9)

        told = eventually(lambda: gateway.receiver.deliveries("payment.return", e2e))
        assert len(told) == 1
        returned = told[0].content["data"]["returns"][0]
        assert (returned["end_to_end_id"], returned["amount"], returned["reason"]) == (e2e, credit["amount"], "AC04")
        assert returned["value_date"] == str(gateway.bank.inquire(e2e)[e2e]["return"]["value_date"])
        assert gateway.bank.inquire(e2e)[e2e]["return"] == returned
        assert gateway.bank.inquire(e2e)[e2e]["status"] == "ACCC"
        assert gateway.control.get("/stats")["returned"] == 1

    def test_comes_once_even_for_money_that_was_paid_twice(self, gateway: Gateway):
        gateway.control.faults(deduplication_off=1)
        credit = to("9930")
        for _ in range(2):
            gateway.bank.pay(credit)
        gateway.control.shift(days=3)
        told = gateway.receiver.delivered("payment.return", credit["end_to_end_id"], times=1)
        assert told[0].content["data"]["returns"][0]["amount"] == credit["amount"]
        assert gateway.control.get("/stats")["due_later"] == 0


class TestAccountStatus:
    @pytest.mark.parametrize(("status", "reason"), [("CLOSED", "AC04"), ("BLOCKED", "AC06"), ("DORMANT", "AC06")])
    def test_of_a_known_account_decides(self, gateway: Gateway, status: str, reason: str):
        account = {
            "bank_bin": "970405",
            "account_number": "5550001",
            "national_id": "079144100001",
            "holder_name": "A",
        }
        gateway.control.load(account | {"status": "ACTIVE"})
        before, after = (line(bank_bin="970405", account_number="5550001") for _ in range(2))
        elsewhere = line(bank_bin="970436", account_number="5550001")
        gateway.bank.pay(before)
        gateway.control.load(account | {"status": status})
        gateway.bank.pay(after, elsewhere)
        assert end_of(gateway, before["end_to_end_id"]) == ("ACCC", None, 1)
        assert end_of(gateway, after["end_to_end_id"]) == ("RJCT", reason, 0)
        assert end_of(gateway, elsewhere["end_to_end_id"]) == ("ACCC", None, 1)

    @pytest.mark.parametrize("bank_bin", ["000000", "970460"], ids=["no bank", "a finance company"])
    def test_an_unknown_bank_is_no_bank(self, gateway: Gateway, bank_bin: str):
        credit = line(bank_bin=bank_bin)
        gateway.bank.pay(credit)
        assert end_of(gateway, credit["end_to_end_id"]) == ("RJCT", "RC01", 0)


def test_every_scenario_is_tried_here_and_told_to_people():
    page = Path(ROOT / "docs" / "mock-gateway.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(99\d\d)`", page, re.MULTILINE))
    assert set(scenarios.PAYMENTS) == (set(AT_ONCE) | set(LATE) | SILENT) - {"9941", "0001"}
    assert told == set(scenarios.PAYMENTS) | set(scenarios.REFUSALS) | {scenarios.NEAR_NAME, scenarios.OTHER_NAME}
