"""What the client makes of each answer, without a network: only what the contract lists is not unknown."""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpcore2
import httpx2
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.gateway.codes import Outcome
from foundation.gateway.errors import MessageRefused, NotSent, OutcomeUnknown, Refused
from foundation.gateway.port import BulkAnswer
from tests.gateway.conftest import (
    ACCOUNT,
    IDS,
    NAME,
    SECRET,
    TRANSFERS,
    Scripted,
    credits_answer,
    error,
    result,
    submit,
    transfer,
)

LATER = [
    (401, "UNAUTHORISED"),
    (404, "NOT_FOUND"),
    (422, "NOT_AFTER_PASSED"),
    (429, "TOO_MANY_REQUESTS"),
    (503, "UNAVAILABLE"),
    (503, "BANK_UNAVAILABLE"),
    (503, "TEMPORARY"),
]
NEVER = [(400, "INVALID_MESSAGE"), (413, "TOO_LARGE")]


def unknown(scripted: Scripted) -> str:
    with pytest.raises(OutcomeUnknown) as caught:
        submit(scripted.gateway)
    assert len(scripted.requests) == 1
    return caught.value.why


class TestRequest:
    def test_is_the_message_of_the_contract(self, scripted):
        submit(scripted.gateway)
        request = scripted.requests[0]
        assert (request.method, request.url.raw_path) == ("POST", b"/base/bank/v1/credits")
        document = json.loads(request.content)
        instant = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        assert re.fullmatch(instant, document.pop("created_at"))
        assert re.fullmatch(instant, document.pop("not_after"))
        assert document == {
            "message_id": "8812-3",
            "debtor_account": "3713.0.1055555",
            "number_of_transactions": 3,
            "control_sum": 1_950_006,
            "credits": [
                {
                    "end_to_end_id": one.end_to_end_id,
                    "amount": one.instructed_amount,
                    "bank_bin": "970436",
                    "account_number": ACCOUNT,
                    "creditor_name": NAME,
                    "remittance_text": "Tro cap thang 11/2026",
                }
                for one in TRANSFERS
            ],
        }

    def test_is_signed_over_what_travels(self, scripted):
        submit(scripted.gateway)
        request = scripted.requests[0]
        stamp = request.headers["webhook-timestamp"]
        text = f"8812-3.{stamp}.POST /base/bank/v1/credits.".encode() + request.content
        digest = hmac.new(SECRET.key, text, hashlib.sha256).digest()
        assert request.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
        assert request.headers["webhook-id"] == "8812-3"
        assert request.headers["webhook-key-id"] == "k1"
        assert abs(int(stamp) - datetime.now(UTC).timestamp()) < 5

    def test_rounds_its_validity_down_and_writes_it_in_utc(self, scripted):
        hanoi = timezone(timedelta(hours=7))
        soon = (datetime.now(hanoi) + timedelta(seconds=20)).replace(microsecond=999_999)
        submit(scripted.gateway, not_after=soon)
        written = json.loads(scripted.requests[0].content)["not_after"]
        assert written == soon.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.999Z")

    def test_asks_for_no_packing(self, scripted):
        submit(scripted.gateway)
        assert scripted.requests[0].headers["accept-encoding"] == "identity"


class TestOwnMistakes:
    """A line that the gateway would refuse is named here; nothing leaves."""

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"end_to_end_id": "with-hyphen"}, "end_to_end_id"),
            ({"end_to_end_id": "a" * 36}, "end_to_end_id"),
            ({"end_to_end_id": IDS[0]}, "end_to_end_id"),
            ({"instructed_amount": 0}, "amount"),
            ({"instructed_amount": -1}, "amount"),
            ({"instructed_amount": 10**12}, "amount"),
            ({"instructed_amount": True}, "amount"),
            ({"instructed_amount": 1.0}, "amount"),
            ({"creditor_agent": "97043"}, "bank_bin"),
            ({"creditor_agent": "９７０４３６"}, "bank_bin"),
            ({"creditor_account": ""}, "account_number"),
            ({"creditor_account": "1" * 20}, "account_number"),
            ({"creditor_account": "12 34"}, "account_number"),
            ({"creditor_name": ""}, "creditor_name"),
            ({"creditor_name": "A" * 71}, "creditor_name"),
            ({"creditor_name": "A\x00B"}, "creditor_name"),
            ({"creditor_name": "A\u0085B"}, "creditor_name"),
            ({"creditor_name": "Hoa\u0300"}, "creditor_name"),
            ({"creditor_name": "A\ud800"}, "creditor_name"),
            ({"remittance_information": "x" * 141}, "remittance_text"),
            ({"remittance_information": "a\nb"}, "remittance_text"),
        ],
    )
    def test_a_line_that_breaks_the_contract_is_named(self, scripted, changes, field):
        with pytest.raises(MessageRefused) as caught:
            submit(scripted.gateway, transfers=[transfer(1), transfer(2, **changes)])
        assert (2, field) in {(problem.line, problem.field) for problem in caught.value.problems}
        assert 2 in caught.value.lines
        assert scripted.requests == []

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"message_id": ""}, "message_id"),
            ({"message_id": "a" * 36}, "message_id"),
            ({"message_id": "a.b"}, "message_id"),
            ({"debtor_account": "a-b"}, "debtor_account"),
            ({"transfers": []}, "number_of_transactions"),
            ({"transfers": [transfer(number) for number in range(1001)]}, "number_of_transactions"),
            ({"not_after": datetime(2026, 1, 1)}, "not_after"),  # noqa: DTZ001  that is the mistake
            ({"not_after": datetime.now(UTC) - timedelta(seconds=1)}, "not_after"),
            ({"not_after": datetime.now(UTC) + timedelta(hours=25)}, "not_after"),
        ],
    )
    def test_a_message_that_breaks_the_contract_is_named(self, scripted, changes, field):
        with pytest.raises(MessageRefused) as caught:
            submit(scripted.gateway, **changes)
        assert (0, field) in {(problem.line, problem.field) for problem in caught.value.problems}
        assert caught.value.lines == frozenset()
        assert scripted.requests == []

    def test_a_thousand_lines_with_full_names_fit(self, scripted):
        many = [transfer(number, creditor_name="Đặng Thị Ngọc Hà" * 4) for number in range(1000)]
        scripted.answers(200, credits_answer([result(one) for one in many]))
        assert len(submit(scripted.gateway, transfers=many).answers) == 1000


class TestGoodAnswer:
    def test_gives_each_line_its_status(self, scripted):
        first, second, third = TRANSFERS
        scripted.answers(
            200,
            credits_answer(
                [
                    result(third, status="ACCC", bank_reference="FT0A1B2C3D4E5F", extra={"ignored": 1.5}),
                    result(first, status="RJCT", reason="AC04"),
                    result(second, status="RJCT", reason="DU04"),
                ],
                more="ignored",
            ),
        )
        answer = submit(scripted.gateway)
        assert answer.is_clean
        assert {one.end_to_end_id: one.outcome for one in answer.answers} == {
            IDS[0]: Outcome.REJECTED,
            IDS[1]: Outcome.UNKNOWN,
            IDS[2]: Outcome.SETTLED_CREDITOR,
        }
        assert answer.answered_at == datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
        assert answer.answers[0].at == datetime(2026, 11, 23, 2, 15, 1, 123_000, tzinfo=UTC)
        assert [one.bank_reference for one in answer.answers] == ["FT0A1B2C3D4E5F", None, None]

    @pytest.mark.parametrize("reference", ["", "ft1", "FT 1", "FT" + "1" * 40, 7, True, "FT1\n", "ＦＴ1"])
    def test_believes_no_line_whose_bank_reference_is_of_another_form(self, scripted, reference):
        scripted.answers(200, credits_answer([result(one, bank_reference=reference) for one in TRANSFERS]))
        assert submit(scripted.gateway).unreadable == set(IDS)

    def test_brings_what_travelled_as_evidence(self, scripted):
        exchange = submit(scripted.gateway).exchange
        assert exchange is not None
        assert exchange.answer is not None
        assert exchange.request == scripted.requests[0].content
        assert json.loads(exchange.answer) == credits_answer()
        assert (exchange.message_id, exchange.http_status) == ("8812-3", 200)
        assert exchange.target == "POST /base/bank/v1/credits"

    @pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=UTF-8"])
    def test_may_name_its_charset(self, scripted, content_type):
        scripted.answers(200, credits_answer(), content_type=content_type)
        assert submit(scripted.gateway).is_clean


class TestLinesThatAreNotBelieved:
    def one_bad(self, scripted: Scripted, bad: list[Any]) -> BulkAnswer:
        """Lines 1 and 3 are answered well, line 2 is answered with `bad`."""
        first, _, third = TRANSFERS
        scripted.answers(200, credits_answer([result(first), *bad, result(third)]))
        answer = submit(scripted.gateway)
        assert {one.end_to_end_id for one in answer.answers} == {IDS[0], IDS[2]}
        assert answer.unknown == {IDS[1]}
        return answer

    def test_one_that_is_missing(self, scripted):
        assert self.one_bad(scripted, []).missing == {IDS[1]}

    def test_one_that_stands_twice_even_if_equal(self, scripted):
        assert self.one_bad(scripted, [result(TRANSFERS[1])] * 2).duplicates == {IDS[1]}

    def test_one_that_stands_twice_with_one_half_wrong(self, scripted):
        answer = self.one_bad(scripted, [result(TRANSFERS[1]), result(TRANSFERS[1], amount=1)])
        assert answer.duplicates == {IDS[1]}
        assert not answer.mismatched

    def test_one_with_another_amount(self, scripted):
        assert self.one_bad(scripted, [result(TRANSFERS[1], amount=650_003)]).mismatched == {IDS[1]}

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": "650002"},
            {"amount": 650_002.0},
            {"amount": True},
            {"amount": None},
            {"amount": 0},
            {"status": "PAID"},
            {"status": "accc"},
            {"status": None},
            {"status": ["ACCC"]},
            {"status": "NOTFOUND"},
            {"status": "NOTFOUND", "amount": None, "at": None},
            {"status": "RJCT"},
            {"status": "RJCT", "reason": ""},
            {"status": "RJCT", "reason": "ac04"},
            {"status": "RJCT", "reason": 4},
            {"status": "ACCC", "reason": "AM05"},
            {"at": None},
            {"at": "2026-11-23 02:15:01"},
            {"at": "2026-11-23T02:15:01+00:00"},
            {"at": "2026-13-23T02:15:01Z"},
            {"at": 1_700_000_000},
            {"return": {"return_id": "r1"}},
        ],
    )
    def test_one_that_breaks_the_contract(self, scripted, changes):
        assert self.one_bad(scripted, [result(TRANSFERS[1], **changes)]).unreadable == {IDS[1]}

    @pytest.mark.parametrize("member", ["amount", "status", "at"])
    def test_one_without_a_member(self, scripted, member):
        bad = result(TRANSFERS[1])
        del bad[member]
        assert self.one_bad(scripted, [bad]).unreadable == {IDS[1]}

    @pytest.mark.parametrize("stranger", [1, None, "x", [], {}, {"end_to_end_id": 5}, {"end_to_end_id": "a b"}])
    def test_strangers_are_counted_and_change_nothing(self, scripted, stranger):
        scripted.answers(200, credits_answer([*(result(one) for one in TRANSFERS), stranger]))
        answer = submit(scripted.gateway)
        assert len(answer.answers) == 3
        assert answer.foreign == {"(unreadable)"}
        assert not answer.is_clean

    def test_ids_that_are_not_ours_are_named(self, scripted):
        scripted.answers(200, credits_answer([*(result(one) for one in TRANSFERS), result(transfer(77))]))
        assert submit(scripted.gateway).foreign == {transfer(77).end_to_end_id}


class TestAnswersThatProveNothing:
    @pytest.mark.parametrize(
        "document",
        [
            [],
            "OK",
            None,
            {},
            credits_answer(message_id="8812-4"),
            credits_answer(message_id=None),
            credits_answer(received_at="now"),
            credits_answer(results=None) | {"results": None},
            credits_answer() | {"results": {}},
            b"",
            b"<html>gateway</html>",
            json.dumps(credits_answer()).encode()[:-1],
            json.dumps(credits_answer()).encode().replace(b"650001", b"NaN"),
            json.dumps(credits_answer()).encode().replace(b"650001", b"1e400"),
            json.dumps(credits_answer()).encode().replace(b'"8812-3"', b'"8812-3", "message_id": "8812-3"'),
            json.dumps(credits_answer()).encode("utf-16"),
            b'{"a":' * 100_000,
        ],
    )
    def test_a_200_that_is_not_of_the_contract(self, scripted, document):
        scripted.answers(200, document)
        assert unknown(scripted) in {"CONTRACT", "NOT_JSON"}

    @pytest.mark.parametrize(
        "headers",
        [
            {"content_type": "text/html"},
            {"content_type": "application/json; charset=utf-16"},
            {"content_type": "application/jsonp"},
            {"content_type": "application/problem+json"},
            {"content_type": ""},
            {"content_encoding": "gzip"},
            {"content_encoding": "identity, br"},
        ],
    )
    def test_a_200_of_another_kind_or_packed(self, scripted, headers):
        def handler(_):
            given = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
            return httpx2.Response(200, headers=given, stream=httpx2.ByteStream(json.dumps(credits_answer()).encode()))

        scripted.handler = handler
        assert unknown(scripted) == "CONTENT_TYPE"

    def test_a_200_with_two_content_types(self, scripted):
        scripted.handler = lambda _: httpx2.Response(
            200,
            headers=[("content-type", "application/json"), ("content-type", "text/html")],
            content=json.dumps(credits_answer()).encode(),
        )
        assert unknown(scripted) == "CONTENT_TYPE"

    @pytest.mark.parametrize("status", [201, 202, 204, 206, 207])
    def test_another_2xx(self, scripted, status):
        scripted.answers(status, credits_answer())
        assert unknown(scripted) == f"HTTP_{status}"

    @pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, scripted, status):
        scripted.answers(status, credits_answer(), location="http://elsewhere.test/bank/v1/credits")
        assert unknown(scripted) == f"HTTP_{status}"

    @pytest.mark.parametrize(
        "status", [400, 401, 403, 404, 408, 409, 413, 418, 422, 425, 429, 500, 502, 503, 504, 599]
    )
    @pytest.mark.parametrize("document", [b"<html></html>", b"", {}, {"processed": False}, []])
    def test_an_error_without_the_gateways_word(self, scripted, status, document):
        scripted.answers(status, document, retry_after="5")
        assert unknown(scripted).startswith(f"HTTP_{status}")

    @pytest.mark.parametrize(("status", "code"), [*LATER, *NEVER])
    @pytest.mark.parametrize("word", [True, None, 0, "false", [], "absent"])
    def test_a_listed_code_without_processed_false(self, scripted, status, code, word):
        document = error(code, processed=word)
        if word == "absent":
            del document["processed"]
        scripted.answers(status, document)
        assert unknown(scripted) == f"HTTP_{status}"

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (500, "UNAVAILABLE"),
            (502, "UNAVAILABLE"),
            (504, "TEMPORARY"),
            (500, "INTERNAL"),
            (503, "TOO_MANY_REQUESTS"),
            (429, "UNAVAILABLE"),
            (400, "UNAVAILABLE"),
            (422, "INVALID_MESSAGE"),
            (422, "ACC_NOT_FOUND"),
            (404, "STATEMENT_NOT_READY"),
            (403, "FORBIDDEN"),
            (409, "LINK_ID_REUSED"),
            (503, "temporary"),
            (503, ""),
        ],
    )
    def test_a_code_that_is_not_listed_for_this_call_and_status(self, scripted, status, code):
        scripted.answers(status, error(code))
        assert unknown(scripted).startswith(f"HTTP_{status}")

    def test_a_message_id_that_the_gateway_knows_already(self, scripted):
        """Ours was restored from a backup, or somebody else sends under our name: money may have left."""
        scripted.answers(409, error("MESSAGE_ID_REUSED"))
        assert unknown(scripted) == "HTTP_409_MESSAGE_ID_REUSED"

    def test_more_than_a_mebibyte(self, scripted):
        scripted.answers(200, b" " * (1024 * 1024) + json.dumps(credits_answer()).encode())
        assert unknown(scripted) == "TOO_LARGE"

    @pytest.mark.parametrize(
        "failure",
        [
            httpx2.ReadTimeout("x"),
            httpx2.WriteTimeout("x"),
            httpx2.ReadError("x"),
            httpx2.WriteError("x"),
            httpx2.RemoteProtocolError("x"),
            httpx2.LocalProtocolError("x"),
            httpx2.ProxyError("x"),
            httpx2.NetworkError("x"),
            httpcore2.ReadTimeout("x"),
            httpcore2.RemoteProtocolError("x"),
            OSError("x"),
            ConnectionResetError("x"),
            ConnectionRefusedError("x"),
            TimeoutError("x"),
            ValueError("x"),
            RuntimeError("x"),
            MemoryError(),
        ],
        ids=repr,
    )
    def test_any_failure_but_a_failure_to_connect(self, scripted, failure):
        scripted.fails(failure)
        assert unknown(scripted)

    def test_a_failure_to_connect_after_the_answer_began(self, scripted):
        class Broken(httpx2.SyncByteStream):
            def __iter__(self):
                yield b'{"message'
                raise httpx2.ConnectError("a library's mistake must not become proof")

        scripted.handler = lambda _: httpx2.Response(200, stream=Broken())
        with pytest.raises(OutcomeUnknown) as caught:
            submit(scripted.gateway)
        assert caught.value.exchange is not None
        assert caught.value.exchange.answer == b'{"message'

    @settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        status=st.integers(200, 599),
        code=st.sampled_from([code for _, code in LATER + NEVER] + ["MESSAGE_ID_REUSED", "WHAT"]),
        word=st.sampled_from([False, True, None, 0, ""]),
        kind=st.sampled_from(["application/json", "text/html"]),
        cut=st.booleans(),
    )
    def test_nothing_outside_the_list_is_ever_taken_as_not_paid(self, status, code, word, kind, cut):
        scripted = Scripted()
        body = json.dumps(error(code, processed=word)).encode()
        scripted.answers(status, body[:-1] if cut else body, content_type=kind)
        listed = (status, code) in LATER + NEVER and word is False and kind == "application/json" and not cut
        with pytest.raises((OutcomeUnknown, NotSent, MessageRefused)) as caught:
            submit(scripted.gateway)
        assert isinstance(caught.value, OutcomeUnknown) != listed


class TestAnswersThatProveNotPaid:
    @pytest.mark.parametrize(("status", "code"), LATER)
    def test_a_listed_code_that_says_later(self, scripted, status, code):
        scripted.answers(status, error(code))
        with pytest.raises(NotSent) as caught:
            submit(scripted.gateway)
        assert (caught.value.reason, caught.value.retry_after, caught.value.bank) == (code, None, None)
        assert caught.value.exchange is not None
        assert caught.value.exchange.http_status == status

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("7", 7.0),
            ("0", 0.0),
            ("999999999", 86400.0),
            ("-1", None),
            ("1.5", None),
            ("Mon, 23 Nov 2026 02:15:00 GMT", None),
        ],
    )
    def test_tells_when_to_come_back(self, scripted, header, seconds):
        scripted.answers(429, error("TOO_MANY_REQUESTS"), retry_after=header)
        with pytest.raises(NotSent) as caught:
            submit(scripted.gateway)
        assert caught.value.retry_after == seconds

    @pytest.mark.parametrize(("given_bin", "bank"), [("970436", "970436"), ("VCB", None), (970436, None)])
    def test_names_the_bank_that_is_closed(self, scripted, given_bin, bank):
        scripted.answers(503, error("BANK_UNAVAILABLE", bank_bin=given_bin))
        with pytest.raises(NotSent) as caught:
            submit(scripted.gateway)
        assert caught.value.bank == bank

    @pytest.mark.parametrize(("status", "code"), NEVER)
    def test_a_listed_code_that_says_never(self, scripted, status, code):
        problems = [{"line": 2, "field": "amount", "problem": "too large"}, {"line": "x"}, 7]
        scripted.answers(status, error(code, problems=problems))
        with pytest.raises(MessageRefused) as caught:
            submit(scripted.gateway)
        assert caught.value.code == code
        assert caught.value.lines == {2}

    @pytest.mark.parametrize(
        "failure",
        [
            httpx2.ConnectError("x"),
            httpx2.ConnectTimeout("x"),
            httpx2.PoolTimeout("x"),
            httpcore2.ConnectError("x"),
            httpcore2.ConnectTimeout("x"),
        ],
        ids=repr,
    )
    def test_a_failure_to_connect(self, scripted, failure):
        scripted.fails(failure)
        with pytest.raises(NotSent) as caught:
            submit(scripted.gateway)
        assert caught.value.reason == "CONNECT"

    def test_a_deadline_that_was_over_before_the_call(self, scripted):
        with pytest.raises(NotSent) as caught:
            submit(scripted.gateway, deadline_seconds=0)
        assert caught.value.reason == "DEADLINE"
        assert scripted.requests == []


class TestSecrecy:
    @pytest.mark.parametrize("status", [200, 400, 500])
    def test_no_log_line_and_no_error_holds_a_name_or_an_account(self, scripted, status):
        scripted.answers(status, error("INVALID_MESSAGE", message=f"{NAME} {ACCOUNT}") if status == 400 else b"{")
        with structlog.testing.capture_logs() as lines, pytest.raises((OutcomeUnknown, Refused)) as caught:
            submit(scripted.gateway)
        shown = repr(lines) + str(caught.value) + repr(caught.value) + repr(caught.value.exchange) + repr(TRANSFERS)
        assert lines
        assert NAME not in shown
        assert ACCOUNT not in shown

    def test_a_call_leaves_one_line_of_ids_counts_and_codes(self, scripted):
        with structlog.testing.capture_logs() as lines:
            submit(scripted.gateway)
        assert len(lines) == 1
        line = lines[0]
        assert line.pop("ms") >= 0
        assert line == {
            "event": "gateway.call",
            "log_level": "info",
            "route": "credits",
            "message_id": "8812-3",
            "lines": 3,
            "outcome": "ANSWERED",
        }
