"""Bulk credits: the contract's sections 3.1 and 3.3, and inquiries, 3.2."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.mock_gateway.conftest import Gateway
from tests.mock_gateway.portal import instant, line, message, new_id


def booked(gateway: Gateway) -> dict[str, tuple[int, int]]:
    return {e2e: (row["times_credited"], row["amount_credited"]) for e2e, row in gateway.control.credits().items()}


class TestAnswer:
    def test_accepts_every_line_and_credits_it_once(self, gateway: Gateway):
        lines = [line(amount=1), line(amount=999_999_999_999), line(account_number="A1b2", remittance_text="")]
        sent = message(*lines)

        answer = gateway.bank.send(sent)

        assert answer.status_code == 200
        assert answer.json()["message_id"] == sent["message_id"]
        assert answer.json()["received_at"].endswith("Z")
        results = {item["end_to_end_id"]: item for item in answer.json()["results"]}
        assert {e2e: (item["amount"], item["status"], item["reason"]) for e2e, item in results.items()} == {
            item["end_to_end_id"]: (item["amount"], "ACSP", None) for item in lines
        }
        assert booked(gateway) == {item["end_to_end_id"]: (1, item["amount"]) for item in lines}

    def test_says_the_final_status_at_once_when_told_to(self, own_gateway: Any):
        gateway = own_gateway(MOCK_GATEWAY_SETTLEMENT="sync")
        good, closed = line(), line(account_number="0000009901")

        results = gateway.bank.pay(good, closed)

        assert (results[good["end_to_end_id"]]["status"], results[good["end_to_end_id"]]["reason"]) == ("ACCC", None)
        assert (results[closed["end_to_end_id"]]["status"], results[closed["end_to_end_id"]]["reason"]) == (
            "RJCT",
            "AC04",
        )
        gateway.stop()
        gateway.start()
        assert gateway.control.get("/stats")["callbacks"] == {}

    def test_takes_a_thousand_lines_and_not_one_more(self, gateway: Gateway):
        lines = [line() for _ in range(1_000)]
        assert len(gateway.bank.pay(*lines)) == 1_000

        answer = gateway.bank.send(message(*[line() for _ in range(1_001)]))

        assert (answer.status_code, answer.json()["code"], answer.json()["processed"]) == (413, "TOO_LARGE", False)
        assert len(gateway.control.credits()) == 1_000

    def test_refuses_a_body_over_two_mebibytes(self, gateway: Gateway):
        answer = gateway.bank.call("POST", "/credits", b" " * (2 * 1024 * 1024 + 1))
        assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


BROKEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "amount as text": ({"amount": "650000"}, {}),
    "amount as fraction": ({"amount": 650_000.0}, {}),
    "amount as truth": ({"amount": True}, {"control_sum": 1}),
    "amount of nothing": ({"amount": 0}, {}),
    "amount below nothing": ({"amount": -1}, {}),
    "amount too large": ({"amount": 1_000_000_000_000}, {}),
    "id too long": ({"end_to_end_id": "a" * 36}, {}),
    "id with a hyphen": ({"end_to_end_id": "019ab2c3-7d5e"}, {}),
    "id with foreign digits": ({"end_to_end_id": "٣٣٣"}, {}),
    "bin of five digits": ({"bank_bin": "97043"}, {}),
    "bin as a number": ({"bank_bin": 970436}, {}),
    "account with a space": ({"account_number": "0071 000"}, {}),
    "account too long": ({"account_number": "1" * 20}, {}),
    "no name": ({"creditor_name": ""}, {}),
    "name with a line break": ({"creditor_name": "NGUYEN\nTHI HOA"}, {}),
    "text too long": ({"remittance_text": "x" * 141}, {}),
    "foreign member of a line": ({"currency": "USD"}, {}),
    "wrong count": ({}, {"number_of_transactions": 3}),
    "wrong sum": ({}, {"control_sum": 650_001}),
    "foreign member of the message": ({}, {"priority": "HIGH"}),
    "no lines": ({}, {"credits": []}),
    "lines that are no list": ({}, {"credits": {}}),
    "no time zone": ({}, {"not_after": "2099-01-01T00:00:00"}),
    "time zone of Hanoi": ({}, {"not_after": "2099-01-01T00:00:00+07:00"}),
    "more than a day ahead": ({}, {"not_after": instant(25 * 3_600)}),
    "debtor with a slash": ({}, {"debtor_account": "3713/0"}),
}


class TestInvalidMessage:
    @pytest.mark.parametrize("case", BROKEN)
    def test_is_refused_whole(self, gateway: Gateway, case: str):
        line_changes, message_changes = BROKEN[case]
        good, bad = line(), line(**line_changes)
        amounts = [item["amount"] for item in (good, bad)]
        whole = message(good, bad, control_sum=sum(amounts) if all(type(a) is int for a in amounts) else 1)

        answer = gateway.bank.send(whole | message_changes)

        assert (answer.status_code, answer.json()["code"], answer.json()["processed"]) == (
            400,
            "INVALID_MESSAGE",
            False,
        )
        assert answer.json()["problems"][0]["problem"]
        if line_changes:
            assert answer.json()["problems"][0]["line"] == 2
        assert gateway.control.credits() == {}

    def test_names_a_missing_member(self, gateway: Gateway):
        sent = message(line())
        del sent["not_after"]
        answer = gateway.bank.send(sent)
        assert (answer.status_code, answer.json()["problems"][0]["field"]) == (400, "not_after")

    def test_refuses_the_same_id_twice_in_a_message(self, gateway: Gateway):
        twice = line()
        answer = gateway.bank.send(message(twice, twice))
        assert (answer.status_code, answer.json()["problems"][0]["line"]) == (400, 2)
        assert gateway.control.credits() == {}

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"a":1', b"\xff"])
    def test_refuses_what_is_no_object(self, gateway: Gateway, body: bytes):
        answer = gateway.bank.call("POST", "/credits", body)
        assert (answer.status_code, answer.json()["processed"]) == (400, False)

    def test_wants_the_message_id_in_the_signature(self, gateway: Gateway):
        answer = gateway.bank.call("POST", "/credits", message(line()), webhook_id="another")
        assert (answer.status_code, answer.json()["problems"][0]["field"]) == (400, "message_id")


class TestIdempotency:
    def test_a_known_id_in_another_message_is_answered_and_not_paid_again(self, gateway: Gateway):
        paid, fresh = line(), line()
        gateway.bank.pay(paid)

        results = gateway.bank.pay(paid, fresh)

        assert results[paid["end_to_end_id"]]["status"] == "ACCC"
        assert results[fresh["end_to_end_id"]]["status"] == "ACSP"
        assert {times for times, _ in booked(gateway).values()} == {1}

    def test_the_same_message_again_changes_nothing(self, gateway: Gateway):
        sent = message(line(), line())
        first, second = gateway.bank.send(sent), gateway.bank.send(sent)
        assert (first.status_code, second.status_code) == (200, 200)
        assert {times for times, _ in booked(gateway).values()} == {1}

    @pytest.mark.parametrize(
        "changes",
        [{"amount": 1}, {"bank_bin": "970405"}, {"account_number": "0071000999999"}],
        ids=lambda item: next(iter(item)),
    )
    def test_other_content_under_a_known_id_is_not_done(self, gateway: Gateway, changes: dict[str, Any]):
        first = line()
        gateway.bank.pay(first)

        result = gateway.bank.pay(first | changes)[first["end_to_end_id"]]

        assert (result["status"], result["reason"]) == ("RJCT", "DU04")
        assert booked(gateway) == {first["end_to_end_id"]: (1, first["amount"])}
        assert gateway.bank.inquire(first["end_to_end_id"])[first["end_to_end_id"]]["status"] == "ACCC"

    def test_another_fund_under_a_known_id_is_not_done(self, gateway: Gateway):
        first = line()
        gateway.bank.pay(first)
        result = gateway.bank.pay(first, debtor_account="9999.1")[first["end_to_end_id"]]
        assert (result["status"], result["reason"]) == ("RJCT", "DU04")

    def test_a_message_id_stands_for_one_content(self, gateway: Gateway):
        sent = message(line())
        gateway.bank.send(sent)
        answer = gateway.bank.send(message(line(), message_id=sent["message_id"]))
        assert (answer.status_code, answer.json()["code"], answer.json()["processed"]) == (
            409,
            "MESSAGE_ID_REUSED",
            False,
        )
        assert len(gateway.control.credits()) == 1

    def test_pays_once_when_many_send_at_the_same_moment(self, gateway: Gateway):
        lines = [line() for _ in range(50)]

        def send(_: int) -> int:
            return gateway.bank.send(message(*lines)).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(send, range(16))) == {200}
        assert {times for times, _ in booked(gateway).values()} == {1}

    def test_forgets_an_id_when_the_window_is_over(self, gateway: Gateway):
        old = line()
        gateway.bank.pay(old)
        gateway.control.shift(days=29, hours=23)
        assert gateway.bank.inquire(old["end_to_end_id"])[old["end_to_end_id"]]["status"] == "ACCC"
        gateway.control.shift(days=30, seconds=5)
        assert gateway.bank.inquire(old["end_to_end_id"])[old["end_to_end_id"]]["status"] == "NOTFOUND"

        gateway.bank.pay(old, not_after=instant(30 * 86_400 + 60))

        assert booked(gateway) == {old["end_to_end_id"]: (2, 2 * old["amount"])}


class TestNotAfter:
    def test_a_message_that_comes_too_late_is_not_begun(self, gateway: Gateway):
        late = line()
        answer = gateway.bank.send(message(late, not_after=instant(-0.001)))
        assert (answer.status_code, answer.json()["code"], answer.json()["processed"]) == (
            422,
            "NOT_AFTER_PASSED",
            False,
        )
        assert gateway.bank.inquire(late["end_to_end_id"])[late["end_to_end_id"]]["status"] == "NOTFOUND"

    def test_it_is_judged_by_the_gateways_clock_after_all_waiting(self, gateway: Gateway):
        gateway.control.faults(options={"latency_ms": 400})
        answer = gateway.bank.send(message(line(), not_after=instant(0.2)))
        assert answer.json()["code"] == "NOT_AFTER_PASSED"
        assert gateway.control.credits() == {}

    def test_it_comes_before_idempotency(self, gateway: Gateway):
        paid = line()
        gateway.bank.pay(paid)
        answer = gateway.bank.send(message(paid, not_after=instant(-1)))
        assert answer.status_code == 422
        assert gateway.bank.inquire(paid["end_to_end_id"])[paid["end_to_end_id"]]["status"] == "ACCC"


class TestInquiry:
    def test_tells_each_id_once_and_says_which_are_not_known(self, gateway: Gateway):
        paid, unknown = line(), new_id()
        gateway.bank.pay(paid)
        answer = gateway.bank.call("POST", "/inquiries", {"end_to_end_ids": [paid["end_to_end_id"], unknown, unknown]})
        assert answer.json()["answered_at"].endswith("Z")
        assert [(item["status"], item["amount"]) for item in answer.json()["results"]] == [
            ("ACCC", 650_000),
            ("NOTFOUND", None),
        ]

    @pytest.mark.parametrize("ids", [[], "abc", [1], ["a-b"], ["a"] * 1_001])
    def test_refuses_a_malformed_list(self, gateway: Gateway, ids: Any):
        answer = gateway.bank.call("POST", "/inquiries", {"end_to_end_ids": ids})
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_MESSAGE")

    def test_sees_a_message_that_is_being_credited(self, gateway: Gateway):
        lines = [line() for _ in range(1_000)]
        asked = lines[-1]["end_to_end_id"]
        with ThreadPoolExecutor(2) as pool:
            sending = pool.submit(gateway.bank.send, message(*lines))
            seen = {gateway.bank.inquire(asked)[asked]["status"] for _ in range(20)}
            assert sending.result().status_code == 200
        assert seen <= {"NOTFOUND", "ACCC"}
        assert gateway.bank.inquire(asked)[asked]["status"] == "ACCC"
