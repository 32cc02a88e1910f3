"""Sending and asking: what each kind of answer makes of a transfer, and that nothing is sent twice."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from foundation.gateway.codes import Outcome
from foundation.gateway.errors import MessageRefused, NotSent
from payments.models import DispatchAttempt, DispatchChunk, FundBalance, LedgerEntry, Transfer
from payments.operations import dispatch, release, settle
from tests.conftest import Clock
from tests.factories import Office, build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway, time_out


def states() -> dict[str, int]:
    return dict(Counter(Transfer.objects.values_list("state", flat=True)))


def balances(office: Office) -> dict[str, int]:
    return dict(FundBalance.objects.filter(fund=office.fund).values_list("account", "balance"))


def send_all(gateway: FakeGateway) -> None:
    while claim := dispatch.claim_to_send():
        dispatch.send(claim=claim, gateway=gateway)


def ask_all(gateway: FakeGateway) -> None:
    while claim := dispatch.claim_to_ask():
        dispatch.ask(claim=claim, gateway=gateway)


def test_pays_everybody_once_and_books_every_dong(office: Office, gateway: FakeGateway) -> None:
    make_entitled(5)
    batch = start(office, build_batch(office))
    send_all(gateway)
    assert states() == {"SETTLED": 5}
    assert set(gateway.times.values()) == {1}
    assert balances(office)["PAID"] == 5 * 650_000
    assert balances(office)["RESERVED"] == 0
    assert release.drain_batches() == [batch.pk]


def test_keeps_the_banks_own_name_of_a_credit_whatever_is_said_after_it(office: Office, gateway: FakeGateway) -> None:
    make_entitled(1)
    gateway.status = "ACSC"
    start(office, build_batch(office))
    send_all(gateway)
    transfer = Transfer.objects.get()
    reference = f"FT{transfer.end_to_end_id[-12:].upper()}"
    assert transfer.bank_reference == reference
    with connection.cursor() as cursor:  # a later word without a name takes none away
        words = [settle.Word(transfer.end_to_end_id, Outcome.SETTLED_CREDITOR, "ACCC", "")]
        settle.apply_words(cursor, chunk_ids=[transfer.chunk_id], words=words)
    transfer.refresh_from_db()
    assert (transfer.settlement_level, transfer.bank_reference) == ("CREDITOR", reference)


class TestOutcomes:
    def test_a_rejection_gives_the_money_back(self, office: Office, gateway: FakeGateway) -> None:
        make_entitled(2, numbers=["1000009901", "1000000002"])
        gateway.statuses["1000009901"] = ("RJCT", "AC04")
        start(office, build_batch(office))
        send_all(gateway)
        assert states() == {"SETTLED": 1, "REJECTED": 1}
        assert balances(office) == balances(office) | {"PAID": 650_000, "RESERVED": 0}
        assert LedgerEntry.objects.filter(kind="VOID").count() == 1

    def test_a_closed_account_is_closed_here_too(self, office: Office, gateway: FakeGateway) -> None:
        (payee,) = make_entitled(1)
        gateway.status, gateway.reason = "RJCT", "AC04"
        start(office, build_batch(office))
        send_all(gateway)
        assert payee.accounts.get().state == "CLOSED"

    def test_a_time_out_after_processing_is_asked_about_and_not_sent_again(
        self, office: Office, gateway: FakeGateway, clock: Clock
    ) -> None:
        make_entitled(3)
        start(office, build_batch(office))
        gateway.after = time_out
        send_all(gateway)
        assert states() == {"UNKNOWN": 3}
        clock.shift("1 minute")
        ask_all(gateway)
        assert states() == {"SETTLED": 3}
        assert set(gateway.times.values()) == {1}

    def test_not_found_before_the_last_moment_of_sending_proves_nothing(
        self, office: Office, gateway: FakeGateway, clock: Clock
    ) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        gateway.before = time_out
        send_all(gateway)
        clock.shift("5 seconds")
        ask_all(gateway)
        assert states() == {"UNKNOWN": 1}

    def test_not_found_after_it_makes_the_same_transfer_ready_again(
        self, office: Office, gateway: FakeGateway, clock: Clock
    ) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        end_to_end_id = Transfer.objects.get().end_to_end_id
        gateway.before = time_out
        send_all(gateway)
        clock.shift("10 minutes")
        gateway.before = lambda: None
        real = gateway.clock
        gateway.clock = lambda: real() + timedelta(minutes=10)
        ask_all(gateway)
        assert states() == {"READY": 1}
        clock.shift("20 minutes")
        send_all(gateway)
        assert states() == {"SETTLED": 1}
        assert gateway.times == {end_to_end_id: 1}

    def test_a_refused_connection_is_tried_again_with_proof(
        self, office: Office, gateway: FakeGateway, clock: Clock
    ) -> None:
        make_entitled(1)
        start(office, build_batch(office))

        def closed() -> None:
            raise NotSent("CONNECT")

        gateway.before = closed
        claim = dispatch.claim_to_send()
        assert claim is not None
        dispatch.send(claim=claim, gateway=gateway)
        assert states() == {"READY": 1}
        proof = Transfer.objects.get().proof
        assert proof is not None
        assert proof.outcome == "NOT_SENT"
        gateway.before = lambda: None
        clock.shift("1 minute")
        send_all(gateway)
        assert states() == {"SETTLED": 1}

    def test_a_refused_message_of_one_line_goes_to_people(self, office: Office, gateway: FakeGateway) -> None:
        make_entitled(1)
        start(office, build_batch(office))

        def refused() -> None:
            raise MessageRefused("INVALID_MESSAGE")

        gateway.before = refused
        send_all(gateway)
        assert states() == {"REVIEW": 1}
        assert len(gateway.messages) == 1
        assert DispatchChunk.objects.get().state == "PARKED"

    def test_acceptance_is_not_settlement(self, office: Office, gateway: FakeGateway) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        gateway.status = "ACSP"
        send_all(gateway)
        assert states() == {"ACCEPTED": 1}
        assert balances(office)["PAID"] == 0
        assert release.drain_batches() == []


class TestLeaseAndFence:
    def test_a_worker_that_never_came_back_is_asked_about_never_sent_again(
        self, office: Office, gateway: FakeGateway, clock: Clock
    ) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        assert dispatch.claim_to_send() is not None
        clock.shift("2 minutes")
        assert len(dispatch.sweep_leases()) == 1
        assert states() == {"UNKNOWN": 1}
        assert dispatch.claim_to_send() is None

    def test_a_stale_worker_writes_nothing(self, office: Office, gateway: FakeGateway, clock: Clock) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        stale = dispatch.claim_to_send()
        assert stale is not None
        clock.shift("2 minutes")
        dispatch.sweep_leases()
        dispatch.send(claim=stale, gateway=gateway)
        assert states() == {"UNKNOWN": 1}
        assert not LedgerEntry.objects.filter(kind="POST").exists()

    def test_the_intent_is_written_before_the_first_byte(self, office: Office, gateway: FakeGateway) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        seen = {}

        def look() -> None:
            seen["attempt"] = DispatchAttempt.objects.get().outcome
            seen["state"] = Transfer.objects.get().state

        gateway.before = look
        send_all(gateway)
        assert seen == {"attempt": "PENDING", "state": "SENDING"}


class TestTampering:
    def test_the_list_cannot_be_changed_once_it_stands(self, office: Office) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        with (
            connection.cursor() as cursor,
            pytest.raises(IntegrityError, match="transfer_frozen"),
            transaction.atomic(),
        ):
            cursor.execute("UPDATE payments_transfer SET instructed_amount = instructed_amount + 1")

    def test_a_list_changed_past_every_guard_stops_the_batch_with_nothing_sent(
        self, committed: None, superuser: Any
    ) -> None:
        office, gateway = make_office(), FakeGateway()
        make_entitled(2)
        batch = start(office, build_batch(office))
        with superuser.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "UPDATE payments_transfer SET instructed_amount = instructed_amount + 1 "
                "WHERE id = (SELECT min(id) FROM payments_transfer)"
            )
        with pytest.raises(dispatch.ListTampered):
            dispatch.claim_to_send()
        batch.refresh_from_db()
        assert batch.state == "HELD"
        assert states() == {"READY": 2}
        assert gateway.messages == []
