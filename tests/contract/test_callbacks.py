"""The gateway's callbacks through the inbox: what it really sends, signed by itself."""

import json
import time
from collections.abc import Iterator

import pytest

from foundation.gateway.codes import Outcome
from foundation.gateway.events import AccountLinked, PaymentReturns, PaymentStatuses
from foundation.gateway.inbox import ReceiptState, SignatureRefused, claim_batch, receive
from foundation.gateway.models import GatewayMessage
from tests.contract.conftest import CALLBACK_SECRETS, Door, client, transfer
from tests.contract.test_credits import submit
from tests.mock_gateway.conftest import Gateway as Process


@pytest.fixture(scope="module")
def later(door: Door, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A gateway that settles by callback."""
    process = Process(tmp_path_factory.mktemp("callbacks"), door).start()
    yield process
    process.close()


@pytest.fixture
def calling(later: Process, door: Door, committed, settings) -> Process:
    settings.GATEWAY_CALLBACK_SECRETS = CALLBACK_SECRETS
    assert later.control.http.post("/reset", json={"accounts": True}).status_code == 204
    door.raw.clear()
    return later


def deliveries(door: Door, mark: str, *, count: int = 1) -> list[tuple[dict[str, str], bytes]]:
    """What came that speaks of `mark`, once there are `count` of them."""
    deadline = time.monotonic() + 15
    while True:
        found = [(headers, body) for headers, body in list(door.raw) if mark.encode() in body]
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, f"{len(found)} of {count} callbacks came"
        time.sleep(0.02)


class TestCallbacks:
    def test_of_a_settlement_is_stored_and_read(self, calling, door):
        line, gateway = transfer(), client(calling)
        assert [one.outcome for one in submit(gateway, line).answers] == [Outcome.ACCEPTED]
        headers, body = deliveries(door, line.end_to_end_id)[0]
        assert receive(headers=headers, body=body).state is ReceiptState.STORED
        assert receive(headers=headers, body=body).state is ReceiptState.DUPLICATE
        event = claim_batch(5)[0].event
        assert isinstance(event, PaymentStatuses)
        told = [(one.end_to_end_id, one.outcome, one.instructed_amount) for one in event.statuses]
        assert told == [(line.end_to_end_id, Outcome.SETTLED_CREDITOR, 650_000)]
        gateway.close()

    def test_that_is_forged_is_refused_and_the_true_one_taken(self, calling, door):
        calling.control.faults(callback_forged=1.0)
        line, gateway = transfer(), client(calling)
        submit(gateway, line)
        results: list[str] = []
        for headers, body in deliveries(door, line.end_to_end_id, count=2):
            try:
                results.append(receive(headers=headers, body=body).state)
            except SignatureRefused as refusal:
                results.append(refusal.why)
        assert results.count(ReceiptState.STORED) == 1
        assert set(results) - {ReceiptState.STORED, ReceiptState.DUPLICATE} == {"NO_MATCH"}
        gateway.close()

    def test_that_comes_twice_counts_once(self, calling, door):
        calling.control.faults(callback_duplicate=1.0)
        line, gateway = transfer(), client(calling)
        submit(gateway, line)
        came = deliveries(door, line.end_to_end_id, count=2)
        states = [receive(headers=headers, body=body).state for headers, body in came]
        assert states == [ReceiptState.STORED] + [ReceiptState.DUPLICATE] * (len(came) - 1)
        assert GatewayMessage.objects.count() == 1
        gateway.close()

    def test_that_is_replayed_an_hour_old_is_refused(self, calling, door):
        calling.control.faults(callback_replayed=1.0)
        line, gateway = transfer(), client(calling)
        submit(gateway, line)
        results: list[str] = []
        for headers, body in deliveries(door, line.end_to_end_id, count=2):
            try:
                results.append(receive(headers=headers, body=body).state)
            except SignatureRefused as refusal:
                results.append(refusal.why)
        assert results.count(ReceiptState.STORED) == 1
        assert "TOO_OLD" in results
        gateway.close()

    def test_of_a_return_is_read(self, calling, door):
        line, gateway = transfer(creditor_account="0000009930"), client(calling)
        submit(gateway, line)
        deliveries(door, line.end_to_end_id)
        calling.control.shift(days=3)
        headers, body = next(
            (headers, body)
            for headers, body in deliveries(door, line.end_to_end_id, count=2)
            if json.loads(body)["type"] == "payment.return"
        )
        receive(headers=headers, body=body)
        event = claim_batch(5, kinds=["payment.return"])[0].event
        assert isinstance(event, PaymentReturns)
        notice = event.returns[0]
        assert (notice.end_to_end_id, notice.instructed_amount, notice.status_reason) == (
            line.end_to_end_id,
            650_000,
            "AC04",
        )
        answer = gateway.inquire(message_id="q1", end_to_end_ids=[line.end_to_end_id], deadline_seconds=5)
        assert answer.answers[0].returned == notice
        gateway.close()

    def test_of_a_link_made_in_the_app_is_read(self, calling, door):
        account = {
            "bank_bin": "970436",
            "account_number": "0071000123456",
            "national_id": "079160012345",
            "holder_name": "NGUYEN THI HOA",
            "status": "ACTIVE",
        }
        calling.control.load(account)
        calling.control.act("link", national_id="079160012345", bank_bin="970436", account_number="0071000123456")
        headers, body = deliveries(door, "079160012345")[0]
        receive(headers=headers, body=body)
        event = claim_batch(5, kinds=["account.linked"])[0].event
        assert isinstance(event, AccountLinked)
        assert (event.national_id, event.creditor_account, event.holder_name) == (
            "079160012345",
            "0071000123456",
            "NGUYEN THI HOA",
        )
