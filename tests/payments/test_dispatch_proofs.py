"""I-8 to I-11, I-28: the intent before the first byte, no call in a transaction, proof before a second send, no late word."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from django.db import connection, transaction

from foundation.gateway.client import HttpGateway
from foundation.gateway.errors import CalledInTransaction, NotSent
from foundation.gateway.port import BulkAnswer
from foundation.gateway.signatures import Secret
from payments.models import DispatchAttempt, DispatchChunk, LedgerEntry, Transfer
from payments.operations import dispatch
from tests.conftest import Clock
from tests.factories import Office, build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway, time_out
from tests.payments.helpers import ask_all, at_once, balances, broken, entries, read, refused, run, send_all, states


def clock_ahead(by: timedelta) -> "Callable[[], datetime]":
    """The gateway's clock, as far ahead as the portal's was moved."""
    return lambda: datetime.now(UTC) + by


def not_sent() -> None:
    raise NotSent("CONNECT")


@pytest.fixture
def stranger(django_db_setup: None) -> Any:
    """A session of its own that sees only what is committed."""
    parameters = dict(connection.get_connection_params())
    for key in ("cursor_factory", "options"):
        parameters.pop(key, None)
    server = psycopg2.connect(**parameters)
    server.set_session(autocommit=True)
    yield server
    server.close()


class TestI08TheIntentIsCommittedBeforeTheFirstByte:
    def test_a_second_session_sees_it_when_the_gateway_is_called(self, committed: None, stranger: Any) -> None:
        office, gateway = make_office(), FakeGateway()
        make_entitled(2)
        start(office, build_batch(office))
        seen: list[Any] = []

        def look() -> None:
            with stranger.cursor() as cursor:
                cursor.execute(
                    "SELECT t.state, t.sent_count, a.kind, a.outcome, a.number_of_transactions, a.not_after > portal_now() "
                    "FROM payments_transfer t JOIN payments_dispatch_attempt a USING (chunk_id)"
                )
                seen.extend(cursor.fetchall())
                cursor.execute("SELECT count(*) FROM audit_event WHERE kind = 'chunk.send_intended'")
                seen.append(cursor.fetchone()[0])

        gateway.before = look
        send_all(gateway)
        assert seen == [("SENDING", 1, "SEND", "PENDING", 2, True)] * 2 + [1]

    def test_a_question_too_is_written_down_before_it_is_asked(
        self, committed: None, stranger: Any, clock: Clock
    ) -> None:
        office, gateway = make_office(), FakeGateway(status="ACSP")
        make_entitled(1)
        start(office, build_batch(office))
        send_all(gateway)
        clock.shift("1 hour")
        claim = dispatch.claim_to_ask()
        assert claim is not None
        with stranger.cursor() as cursor:
            cursor.execute("SELECT kind, outcome FROM payments_dispatch_attempt WHERE id = %s", [claim.attempt_id])
            assert cursor.fetchall() == [("INQUIRE", "PENDING")]

    def test_nothing_is_at_the_bank_without_having_been_sent(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        refused("UPDATE payments_transfer SET state = 'SENDING'", by="transfer_at_bank_was_sent")

    def test_an_attempt_is_never_rewritten_nor_removed(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway())
        refused("UPDATE payments_dispatch_attempt SET outcome = 'NOT_SENT'", by="dispatch_attempt_recorded_once")
        refused("UPDATE payments_dispatch_attempt SET fence = 9", by="dispatch_attempt_frozen")
        refused("DELETE FROM payments_dispatch_attempt", by="dispatch_attempt_kept")

    def test_an_attempt_to_send_needs_a_last_moment(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        assert dispatch.claim_to_send() is not None
        refused(
            "INSERT INTO payments_dispatch_attempt (chunk_id, fence, kind, message_id, number_of_transactions, control_sum) "
            "SELECT chunk_id, 2, 'SEND', 'x', 1, 1 FROM payments_dispatch_attempt",
            by="dispatch_attempt_send_has_deadline",
        )


class TestI09NoCallInsideATransaction:
    CALLS: Sequence[Callable[[HttpGateway], Any]] = (
        lambda gateway: gateway.submit(
            message_id="1-1", debtor_account="1", not_after=datetime.now(UTC), transfers=[], deadline_seconds=1
        ),
        lambda gateway: gateway.inquire(message_id="1-1", end_to_end_ids=["a" * 32], deadline_seconds=1),
        lambda gateway: gateway.enquire_name(
            enquiry_id="e", creditor_agent="970436", creditor_account="1", national_id=None, deadline_seconds=1
        ),
        lambda gateway: gateway.remove_link(link_id="l", reason="OTHER", deadline_seconds=1),
    )

    @pytest.mark.parametrize("call", CALLS, ids=["submit", "inquire", "enquire_name", "remove_link"])
    def test_the_client_refuses(self, committed: None, call: Callable[[HttpGateway], Any]) -> None:
        gateway = HttpGateway(base_url="http://127.0.0.1:9", secret=Secret("k1", bytes(32)))
        with transaction.atomic():
            run("SELECT 1")
            with pytest.raises(CalledInTransaction):
                call(gateway)

    def test_sending_asking_and_recording_leave_none_open(self, committed: None, clock: Clock) -> None:
        office = make_office()
        make_entitled(2)
        start(office, build_batch(office))
        opened: list[bool] = []

        class Watching(FakeGateway):
            def inquire(self, **message: Any) -> BulkAnswer:
                opened.append(connection.in_atomic_block)
                return super().inquire(**message)

        gateway = Watching(status="ACSP")
        gateway.before = lambda: opened.append(connection.in_atomic_block)
        send_all(gateway)
        clock.shift("1 hour")
        gateway.status = "ACCC"
        ask_all(gateway)
        assert opened == [False, False]
        assert states() == {"SETTLED": 2}


class TestI10BackToReadyOnlyWithProof:
    def unknown(self, office: Office, gateway: FakeGateway) -> Transfer:
        make_entitled(1)
        start(office, build_batch(office))
        gateway.before = time_out
        send_all(gateway)
        return Transfer.objects.get()

    def test_the_database_wants_an_attempt_that_proves_it(self, office: Office, gateway: FakeGateway) -> None:
        transfer = self.unknown(office, gateway)
        send = DispatchAttempt.objects.get()
        assert (transfer.state, send.outcome) == ("UNKNOWN", "UNKNOWN")
        for proof in (None, send.pk):
            refused(
                "UPDATE payments_transfer SET state = 'READY', proof_id = %s", proof,
                by="transfer_ready_again_with_proof",
            )  # fmt: skip

    def test_an_answered_question_about_another_chunk_proves_nothing(
        self, office: Office, gateway: FakeGateway, clock: Clock, settings: Any
    ) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        make_entitled(2)
        start(office, build_batch(office))
        gateway.before = time_out
        send_all(gateway)
        clock.shift("1 hour")
        claim = dispatch.claim_to_ask()
        assert claim is not None
        dispatch.ask(claim=claim, gateway=gateway)
        refused(
            "UPDATE payments_transfer SET state = 'READY', proof_id = %s WHERE chunk_id <> %s AND state = 'UNKNOWN'",
            claim.attempt_id, claim.chunk_id,
            by="transfer_ready_again_with_proof",
        )  # fmt: skip

    def test_one_proof_serves_once(self, office: Office, gateway: FakeGateway, clock: Clock) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        gateway.before = not_sent
        claim = dispatch.claim_to_send()
        assert claim is not None
        dispatch.send(claim=claim, gateway=gateway)
        assert states() == {"READY": 1}
        clock.shift("1 hour")
        assert dispatch.claim_to_send() is not None
        refused(
            "UPDATE payments_transfer SET state = 'READY', proof_id = %s", claim.attempt_id,
            by="transfer_ready_again_with_proof",
        )  # fmt: skip

    def test_a_lost_worker_is_no_proof(self, office: Office, clock: Clock) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        assert dispatch.claim_to_send() is not None
        clock.shift("10 minutes")
        dispatch.sweep_leases()
        assert states() == {"UNKNOWN": 1}
        assert Transfer.objects.get().proof is None

    def test_a_transfer_older_than_the_gateways_memory_goes_to_people(
        self, office: Office, gateway: FakeGateway, clock: Clock, settings: Any
    ) -> None:
        self.unknown(office, gateway)
        settings.DISPATCH_GATEWAY_WINDOW = 60
        clock.shift("1 hour")
        gateway.clock = lambda: datetime.now(UTC) + timedelta(hours=1)
        ask_all(gateway)
        assert states() == {"REVIEW": 1}

    def test_a_transfer_sent_five_times_goes_to_people(
        self, office: Office, gateway: FakeGateway, clock: Clock
    ) -> None:
        self.unknown(office, gateway)
        for turn in range(1, 6):
            clock.shift(f"{2 * turn} hours")
            gateway.clock = clock_ahead(timedelta(hours=2 * turn))
            ask_all(gateway)
            clock.shift(f"{2 * turn + 1} hours")
            send_all(gateway)
        assert states() == {"REVIEW": 1}
        assert Transfer.objects.get().sent_count == 5
        assert not gateway.times

    def test_a_transfer_that_was_proven_not_sent_as_often_does_not(
        self, office: Office, gateway: FakeGateway, clock: Clock
    ) -> None:
        """A bank that was closed for a day, or a search for a bad line beside it, says nothing against this one."""
        make_entitled(1)
        start(office, build_batch(office))
        gateway.before = not_sent
        for turn in range(1, 8):
            send_all(gateway)
            clock.shift(f"{turn} hours")
        assert (states(), Transfer.objects.get().sent_count) == ({"READY": 1}, 0)
        gateway.before = time_out
        send_all(gateway)
        assert (states(), Transfer.objects.get().sent_count) == ({"UNKNOWN": 1}, 1)
        clock.shift("9 hours")
        gateway.clock = clock_ahead(timedelta(hours=9))
        ask_all(gateway)
        assert states() == {"READY": 1}

    def test_a_transfer_that_the_bank_had_accepted_and_then_forgot_goes_to_people(
        self, office: Office, gateway: FakeGateway, clock: Clock
    ) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        gateway.status = "ACSP"
        send_all(gateway)
        gateway.credits.clear()
        clock.shift("1 hour")
        gateway.clock = lambda: datetime.now(UTC) + timedelta(hours=1)
        ask_all(gateway)
        assert states() == {"REVIEW": 1}


class TestI11AStaleWorkerWritesNothing:
    def test_its_answer_is_kept_as_a_remark_only(self, office: Office, gateway: FakeGateway, clock: Clock) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        stale = dispatch.claim_to_send()
        assert stale is not None
        clock.shift("2 minutes")
        dispatch.sweep_leases()
        asking = dispatch.claim_to_ask()
        assert asking is not None
        dispatch.send(claim=stale, gateway=gateway)
        assert states() == {"UNKNOWN": 1}
        assert entries() == {"FUND": 1, "RESERVE": 1}
        assert read("SELECT payload->>'message' FROM audit_event WHERE kind = 'chunk.stale_answer'") == [
            (stale.message_id,)
        ]
        dispatch.ask(claim=asking, gateway=gateway)
        assert states() == {"SETTLED": 1}
        assert broken(gateway) == []

    def test_an_old_question_does_not_undo_a_newer_answer(
        self, office: Office, gateway: FakeGateway, clock: Clock
    ) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        gateway.after = time_out
        send_all(gateway)
        clock.shift("1 minute")
        old = dispatch.claim_to_ask()
        clock.shift("3 minutes")
        dispatch.sweep_leases()
        new = dispatch.claim_to_ask()
        assert old is not None
        assert new is not None
        dispatch.ask(claim=new, gateway=gateway)
        before = read("SELECT * FROM payments_transfer")
        dispatch.ask(claim=old, gateway=FakeGateway())
        assert read("SELECT * FROM payments_transfer") == before

    def test_a_fence_never_falls_and_rises_with_each_claim(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        chunk = DispatchChunk.objects.get()
        claimed = "UPDATE payments_dispatch_chunk SET state = 'LEASED_SEND', lease_until = now(), fence = fence + %s"
        for step in (0, 2):
            refused(claimed, step, by="dispatch_chunk_fence_rises")
        run(claimed, 1)
        refused("UPDATE payments_dispatch_chunk SET fence = 0", by="dispatch_chunk_fence_rises")
        refused("UPDATE payments_dispatch_chunk SET lease_until = NULL", by="dispatch_chunk_leased_with_lease")
        chunk.refresh_from_db()
        assert chunk.fence == 1

    def test_one_chunk_is_claimed_by_one_of_many_workers(self, committed: None) -> None:
        office = make_office()
        make_entitled(2)
        start(office, build_batch(office))
        claims = at_once(*[dispatch.claim_to_send] * 4)
        assert sum(claim is not None for claim in claims) == 1
        assert not [claim for claim in claims if isinstance(claim, Exception)]
        assert DispatchAttempt.objects.count() == 1

    def test_many_workers_send_many_chunks_once_each(self, committed: None, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        office, gateway = make_office(), FakeGateway()
        make_entitled(8)
        start(office, build_batch(office))
        assert at_once(*[lambda: send_all(gateway)] * 4) == [None] * 4
        assert states() == {"SETTLED": 8}
        assert sorted(gateway.times.values()) == [1] * 8
        assert balances(office)["PAID"] == 8 * 650_000
        assert broken(gateway) == []

    def test_an_answer_and_the_sweep_of_its_lease_at_once_agree(self, committed: None, clock: Clock) -> None:
        office, gateway = make_office(), FakeGateway()
        make_entitled(2)
        start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        clock.shift("2 minutes")
        results = at_once(lambda: dispatch.send(claim=claim, gateway=gateway), dispatch.sweep_leases)
        assert not [result for result in results if isinstance(result, Exception)]
        assert states() in ({"SETTLED": 2}, {"UNKNOWN": 2})
        ask_all(gateway)
        assert states() == {"SETTLED": 2}
        assert LedgerEntry.objects.filter(kind="POST").count() == 2
        assert broken(gateway) == []


class TestI28NothingWaitsForEver:
    def test_no_live_transfer_is_without_its_next_look(self, office: Office, gateway: FakeGateway) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        refused("UPDATE payments_transfer SET due_at = NULL", by="transfer_live_is_due")
        gateway.status = "ACSP"
        send_all(gateway)
        refused("UPDATE payments_transfer SET due_at = NULL", by="transfer_live_is_due")

    @pytest.mark.parametrize("fault", ["silent", "accepted", "lost worker", "refused connection"])
    def test_after_the_fault_is_over_everything_ends(
        self, office: Office, gateway: FakeGateway, clock: Clock, fault: str
    ) -> None:
        make_entitled(3)
        batch = start(office, build_batch(office))
        if fault == "silent":
            gateway.after = time_out
            send_all(gateway)
        elif fault == "accepted":
            gateway.status = "ACSP"
            send_all(gateway)
        elif fault == "lost worker":
            assert dispatch.claim_to_send() is not None
        else:
            gateway.before = not_sent
            send_all(gateway)
        gateway.before = gateway.after = lambda: None
        gateway.status = "ACCC"
        for hours in range(1, 6):
            clock.shift(f"{hours} hours")
            gateway.clock = clock_ahead(timedelta(hours=hours))
            dispatch.sweep_leases()
            ask_all(gateway)
            send_all(gateway)
        assert states() == {"SETTLED": 3}
        assert DispatchChunk.objects.get(batch=batch).state == "DONE"
        assert broken(gateway) == []
        assert read("SELECT count(*) FROM payments_transfer WHERE due_at IS NOT NULL") == [(0,)]
