"""Every request must be signed for its own address, recently, with a shared secret (contract, section 1)."""

from collections.abc import Callable

import httpx2
import pytest

from tests.mock_gateway.conftest import Gateway
from tests.mock_gateway.portal import OLD_PORTAL_KEY, PORTAL_KEY, line, message

Headers = dict[str, str]


def without(name: str) -> Callable[[Headers], list[tuple[str, str]]]:
    return lambda headers: [(key, value) for key, value in headers.items() if key != name]


def with_value(name: str, value: str) -> Callable[[Headers], list[tuple[str, str]]]:
    return lambda headers: list({**headers, name: value}.items())


def doubled(name: str) -> Callable[[Headers], list[tuple[str, str]]]:
    return lambda headers: [*headers.items(), (name, headers[name])]


NAMES = ("webhook-id", "webhook-timestamp", "webhook-key-id", "webhook-signature")
HOSTILE = {
    **{f"no {name}": without(name) for name in NAMES},
    **{f"doubled {name}": doubled(name) for name in NAMES},
    "another id": with_value("webhook-id", "another-id"),
    "id with a dot": with_value("webhook-id", "a.b"),
    "id of another alphabet": with_value("webhook-id", "a b"),
    "timestamp with a fraction": with_value("webhook-timestamp", "1763870000.5"),
    "timestamp of words": with_value("webhook-timestamp", "now"),
    "unknown key": with_value("webhook-key-id", "k9"),
    "other known key": with_value("webhook-key-id", "k0"),
    "empty signature": with_value("webhook-signature", ""),
    "another scheme": lambda headers: list(
        {**headers, "webhook-signature": headers["webhook-signature"].replace("v1,", "v1a,")}.items()
    ),
    "short signature": lambda headers: list(
        {**headers, "webhook-signature": headers["webhook-signature"][:-4]}.items()
    ),
    "signature of nothing": with_value("webhook-signature", "v1," + "A" * 43 + "="),
}


def send(gateway: Gateway, body: bytes, headers: object, target: str = "/bank/v1/credits") -> httpx2.Response:
    return gateway.bank.http.post(target, content=body, headers=headers)  # type: ignore[arg-type]


def signed(gateway: Gateway, **kwargs: object) -> tuple[bytes, Headers]:
    import json

    sent = message(line())
    body = json.dumps(sent).encode()
    headers = gateway.bank.headers("POST", "/bank/v1/credits", body, webhook_id=sent["message_id"], **kwargs)  # type: ignore[arg-type]
    return body, headers


class TestRefuses:
    @pytest.mark.parametrize("case", HOSTILE)
    def test_headers_that_do_not_fit(self, gateway: Gateway, case: str):
        body, headers = signed(gateway)
        answer = send(gateway, body, HOSTILE[case](headers))
        assert (answer.status_code, answer.json()["code"], answer.json()["processed"]) == (401, "UNAUTHORISED", False)
        assert gateway.control.credits() == {}

    @pytest.mark.parametrize("age", [301, 3_600, -301])
    def test_a_time_too_far_away(self, gateway: Gateway, age: int):
        body, headers = signed(gateway, age=age)
        assert send(gateway, body, headers).status_code == 401

    def test_a_changed_body(self, gateway: Gateway):
        body, headers = signed(gateway)
        assert send(gateway, body.replace(b"650000", b"650001"), headers).status_code == 401

    def test_a_body_that_was_written_anew(self, gateway: Gateway):
        body, headers = signed(gateway)
        assert send(gateway, body.replace(b": ", b":"), headers).status_code == 401

    def test_a_signature_made_for_another_address(self, gateway: Gateway):
        body, headers = signed(gateway)
        assert send(gateway, body, headers, "/bank/v1/inquiries").status_code == 401
        assert send(gateway, body, headers, "/bank/v1/credits?x=1").status_code == 401

    def test_a_callback_signature(self, gateway: Gateway):
        from tests.mock_gateway.portal import sign

        body, headers = signed(gateway)
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        assert send(gateway, body, {**headers, "webhook-signature": sign(PORTAL_KEY, text)}).status_code == 401

    def test_a_wrong_signature_before_it_reads_the_body(self, gateway: Gateway):
        _, headers = signed(gateway)
        assert send(gateway, b"not json", headers).status_code == 401


class TestAccepts:
    def test_the_old_secret_while_both_are_known(self, gateway: Gateway):
        body, headers = signed(gateway, key=OLD_PORTAL_KEY, key_id="k0")
        assert send(gateway, body, headers).status_code == 200

    def test_one_fitting_signature_among_several(self, gateway: Gateway):
        body, headers = signed(gateway)
        several = f"v1,{'A' * 43}= {headers['webhook-signature']}"
        assert send(gateway, body, {**headers, "webhook-signature": several}).status_code == 200

    @pytest.mark.parametrize("age", [295, -295])
    def test_a_clock_that_is_a_little_off(self, gateway: Gateway, age: int):
        body, headers = signed(gateway, age=age)
        assert send(gateway, body, headers).status_code == 200

    def test_signatures_while_the_gateways_clock_is_days_away(self, gateway: Gateway):
        gateway.control.shift(days=-3)
        body, headers = signed(gateway)
        assert send(gateway, body, headers).json()["code"] == "INVALID_MESSAGE"  # not_after is now days ahead
        gateway.control.shift(days=0)
        assert send(gateway, body, headers).status_code == 200

    def test_escaped_paths_and_queries_as_they_travel(self, gateway: Gateway):
        answer = gateway.bank.call("GET", "/statements/2026-01-01?debtor_account=3713%2E0")
        assert answer.status_code == 404
        assert answer.json()["code"] == "NOT_FOUND"
