"""Credits and inquiries over the port; the oracle is the gateway's own book, never an answer."""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from foundation.gateway.codes import Outcome
from foundation.gateway.errors import MessageRefused, NotSent, OutcomeUnknown
from foundation.gateway.port import BulkAnswer, Gateway, TransferInstruction
from tests.contract.conftest import World, booked, client, transfer

FUND = "3713.0.1055555"


def submit(gateway: Gateway, *transfers: TransferInstruction, **changes: Any) -> BulkAnswer:
    given: dict[str, Any] = {
        "message_id": uuid4().hex,
        "debtor_account": FUND,
        "not_after": datetime.now(UTC) + timedelta(seconds=20),
        "transfers": transfers,
        "deadline_seconds": 10.0,
    }
    return gateway.submit(**(given | changes))


def inquire(gateway: Gateway, *ids: str, **changes: Any) -> BulkAnswer:
    return gateway.inquire(message_id=uuid4().hex, end_to_end_ids=ids, deadline_seconds=10.0, **changes)


def outcomes(answer: BulkAnswer) -> dict[str, Outcome]:
    return {one.end_to_end_id: one.outcome for one in answer.answers}


class TestTheFakeAndTheRealWay:
    def test_credit_each_line_once_and_say_so(self, world: World):
        lines = [transfer(instructed_amount=amount) for amount in (1, 650_000, 999_999_999_999)]
        answer = submit(world.gateway, *lines, message_id="8812-3")
        assert answer.message_id == "8812-3"
        assert answer.is_clean
        assert {one.end_to_end_id: one.instructed_amount for one in answer.answers} == {
            line.end_to_end_id: line.instructed_amount for line in lines
        }
        assert set(outcomes(answer).values()) == {Outcome.SETTLED_CREDITOR}
        assert world.credited() == {line.end_to_end_id: 1 for line in lines}

    def test_answer_for_the_line_that_is_not_paid(self, world: World):
        good, closed = transfer(), transfer(creditor_account="0000009901")
        answer = submit(world.gateway, good, closed)
        assert outcomes(answer) == {
            good.end_to_end_id: Outcome.SETTLED_CREDITOR,
            closed.end_to_end_id: Outcome.REJECTED,
        }
        assert [one.status_reason for one in answer.answers if one.outcome is Outcome.REJECTED] == ["AC04"]
        assert world.credited() == {good.end_to_end_id: 1}

    def test_credit_once_what_comes_again_in_another_message(self, world: World):
        line = transfer()
        first, second = submit(world.gateway, line), submit(world.gateway, line)
        assert outcomes(first) == outcomes(second) == {line.end_to_end_id: Outcome.SETTLED_CREDITOR}
        assert world.credited() == {line.end_to_end_id: 1}

    def test_tell_the_known_from_the_unknown(self, world: World):
        line, never_sent = transfer(), uuid4().hex
        submit(world.gateway, line)
        answer = inquire(world.gateway, line.end_to_end_id, never_sent)
        assert outcomes(answer) == {line.end_to_end_id: Outcome.SETTLED_CREDITOR, never_sent: Outcome.NOT_FOUND}
        assert {one.end_to_end_id: one.instructed_amount for one in answer.answers} == {
            line.end_to_end_id: 650_000,
            never_sent: None,
        }
        assert abs(answer.answered_at - datetime.now(UTC)) < timedelta(seconds=5)

    def test_an_inquiry_credits_nothing(self, world: World):
        inquire(world.gateway, transfer().end_to_end_id)
        assert world.credited() == {}


class TestIdempotency:
    @pytest.mark.parametrize(
        "change", [{"instructed_amount": 650_001}, {"creditor_account": "0071000999999"}, {"creditor_agent": "970415"}]
    )
    def test_a_changed_line_under_a_known_id_says_nothing_about_the_first_credit(self, http, mock, change):
        line = transfer()
        submit(http, line)
        answer = submit(http, transfer(end_to_end_id=line.end_to_end_id, **change))
        if "instructed_amount" in change:
            # The gateway answers with the amount that it booked or the one that it was sent: neither pays.
            assert line.end_to_end_id in answer.mismatched or outcomes(answer) == {line.end_to_end_id: Outcome.UNKNOWN}
        else:
            assert outcomes(answer) == {line.end_to_end_id: Outcome.UNKNOWN}
        assert outcomes(inquire(http, line.end_to_end_id)) == {line.end_to_end_id: Outcome.SETTLED_CREDITOR}
        assert booked(mock) == {line.end_to_end_id: 1}

    def test_a_message_id_used_for_other_lines_leaves_them_unknown_and_unpaid(self, http, mock):
        first, second = transfer(), transfer()
        submit(http, first, message_id="8812-3")
        with pytest.raises(OutcomeUnknown, match="MESSAGE_ID_REUSED"):
            submit(http, second, message_id="8812-3")
        assert outcomes(inquire(http, second.end_to_end_id)) == {second.end_to_end_id: Outcome.NOT_FOUND}
        assert booked(mock) == {first.end_to_end_id: 1}

    def test_a_message_after_its_time_is_not_begun(self, http, mock):
        line = transfer()
        mock.control.shift(minutes=5)
        with pytest.raises(NotSent) as caught:
            submit(http, line)
        assert caught.value.reason == "NOT_AFTER_PASSED"
        assert booked(mock) == {}
        answer = inquire(http, line.end_to_end_id)
        assert outcomes(answer) == {line.end_to_end_id: Outcome.NOT_FOUND}
        assert answer.answered_at > datetime.now(UTC) + timedelta(minutes=4), "by the gateway's clock, not ours"

    def test_an_inquiry_with_another_amount_than_ours_is_not_believed(self, http):
        line = transfer()
        submit(http, line)
        answer = inquire(http, line.end_to_end_id, amounts={line.end_to_end_id: 650_001})
        assert not answer.answers
        assert answer.mismatched == {line.end_to_end_id}


class TestFaults:
    """Each fault of the mocked gateway, what the port makes of it, and what the gateway's book says."""

    @pytest.mark.parametrize(
        ("fault", "paid"),
        [
            ("drop_before", False),
            ("drop_after", True),
            ("slow_after", True),
            ("e500_before", False),
            ("html_answer", True),
            ("redirect", True),
            ("slow_drip", True),
            ("truncated_body", True),
        ],
    )
    def test_leaves_all_lines_unknown_until_asked(self, http, mock, fault, paid):
        lines = [transfer(), transfer()]
        ids = [line.end_to_end_id for line in lines]
        options = {"hold_seconds": 20, "slow_seconds": 20}
        mock.control.faults(armed={ids[0]: fault}, options=options)
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            submit(http, *lines, deadline_seconds=1.0)
        assert time.monotonic() - started < 1.6
        mock.control.faults()
        expected = Outcome.SETTLED_CREDITOR if paid else Outcome.NOT_FOUND
        assert outcomes(inquire(http, *ids)) == dict.fromkeys(ids, expected)
        assert booked(mock) == (dict.fromkeys(ids, 1) if paid else {})

    def test_half_of_a_message_done_and_500(self, http, mock):
        lines = [transfer() for _ in range(4)]
        mock.control.faults(armed={lines[0].end_to_end_id: "e500_half"})
        with pytest.raises(OutcomeUnknown, match="HTTP_500"):
            submit(http, *lines)
        told = outcomes(inquire(http, *[line.end_to_end_id for line in lines]))
        assert sorted(told.values()) == [Outcome.NOT_FOUND] * 2 + [Outcome.SETTLED_CREDITOR] * 2
        assert set(booked(mock)) == {e2e for e2e, outcome in told.items() if outcome is Outcome.SETTLED_CREDITOR}

    @pytest.mark.parametrize(("fault", "reason"), [("e429", "TOO_MANY_REQUESTS"), ("e503", "UNAVAILABLE")])
    def test_is_proof_of_not_paid_where_the_gateway_gives_its_word(self, http, mock, fault, reason):
        line = transfer()
        mock.control.faults(armed={line.end_to_end_id: fault}, options={"retry_after_seconds": 7})
        with pytest.raises(NotSent) as caught:
            submit(http, line)
        assert (caught.value.reason, caught.value.retry_after) == (reason, 7.0)
        assert booked(mock) == {}

    def test_names_the_bank_that_is_down(self, http, mock):
        mock.control.faults(options={"banks_down": ["970415"]})
        with pytest.raises(NotSent) as caught:
            submit(http, transfer(), transfer(creditor_agent="970415"))
        assert (caught.value.reason, caught.value.bank) == ("BANK_UNAVAILABLE", "970415")
        assert booked(mock) == {}

    def test_strangers_in_the_answer_change_nothing(self, http, mock):
        line = transfer()
        mock.control.faults(armed={line.end_to_end_id: "foreign_ids"})
        answer = submit(http, line)
        assert outcomes(answer) == {line.end_to_end_id: Outcome.SETTLED_CREDITOR}
        assert answer.foreign
        assert not answer.is_clean

    @pytest.mark.parametrize(("fault", "kind"), [("missing_lines", "missing"), ("duplicate_lines", "duplicates")])
    def test_lines_that_are_missing_or_doubled_stay_unknown(self, http, mock, fault, kind):
        lines = [transfer() for _ in range(10)]
        ids = {line.end_to_end_id for line in lines}
        mock.control.faults(armed={lines[0].end_to_end_id: fault})
        answer = submit(http, *lines)
        assert answer.unknown == getattr(answer, kind) != frozenset()
        assert set(outcomes(answer)) == ids - answer.unknown
        assert booked(mock) == dict.fromkeys(ids, 1)

    def test_a_poisoned_message_is_refused_whole(self, http, mock):
        good, bad = transfer(), transfer(remittance_information="POISON")
        mock.control.faults(e400_poison=1.0)
        with pytest.raises(MessageRefused) as caught:
            submit(http, good, bad)
        assert caught.value.code == "INVALID_MESSAGE"
        assert booked(mock) == {}

    def test_a_duplicate_code_is_unknown_although_the_credit_stands(self, http, mock):
        line = transfer()
        mock.control.faults(duplicate_code=1.0)
        submit(http, line)
        assert outcomes(submit(http, line)) == {line.end_to_end_id: Outcome.UNKNOWN}
        mock.control.faults()
        assert outcomes(inquire(http, line.end_to_end_id)) == {line.end_to_end_id: Outcome.SETTLED_CREDITOR}


class TestTransport:
    def test_a_secret_that_is_not_shared_is_refused_before_anything_is_done(self, mock):
        gateway = client(mock, key=b"not the secret of this portal....")
        with pytest.raises(NotSent) as caught:
            submit(gateway, transfer())
        assert caught.value.reason == "UNAUTHORISED"
        assert booked(mock) == {}
        gateway.close()

    def test_a_thousand_lines_with_marks_are_taken_in_one_call(self, http, mock):
        lines = [transfer(creditor_name="Đặng Thị Ngọc Hà", remittance_information="Trợ cấp") for _ in range(1000)]
        answer = submit(http, *lines)
        assert answer.is_clean
        assert len(answer.answers) == 1000
        assert len(booked(mock)) == 1000

    def test_a_gateway_that_is_gone_got_nothing(self, own_process):
        gateway = client(own_process)
        own_process.kill()
        with pytest.raises(NotSent) as caught:
            submit(gateway, transfer())
        assert caught.value.reason == "CONNECT"
        gateway.close()

    def test_what_a_frozen_gateway_did_is_told_by_an_inquiry_after_the_validity(self, own_process):
        """SIGSTOP: the kernel takes the bytes, nobody answers. Whether it pays when it wakes is its own race."""
        gateway, line = client(own_process), transfer()
        not_after = datetime.now(UTC) + timedelta(seconds=2)
        os.kill(own_process.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(OutcomeUnknown, match="TIMEOUT"):
                submit(gateway, line, deadline_seconds=0.5, not_after=not_after)
        finally:
            os.kill(own_process.process.pid, signal.SIGCONT)
        time.sleep(max(0.0, (not_after - datetime.now(UTC)).total_seconds()) + 0.1)
        answer = inquire(gateway, line.end_to_end_id)
        assert answer.answered_at > not_after
        paid = booked(own_process) == {line.end_to_end_id: 1}
        assert outcomes(answer) == {line.end_to_end_id: Outcome.SETTLED_CREDITOR if paid else Outcome.NOT_FOUND}
        time.sleep(0.5)
        assert (booked(own_process) != {}) == paid, "an answer of NOTFOUND after the validity stays true"
        gateway.close()
