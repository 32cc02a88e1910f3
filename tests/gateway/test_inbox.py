import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg2
import pytest
import structlog
from django.db import DatabaseError, IntegrityError, connection, transaction

from foundation.audit.models import AuditEvent
from foundation.audit.operations import Actor
from foundation.gateway import inbox
from foundation.gateway.events import AccountLinked, AccountRemoved, PaymentReturns, PaymentStatuses
from foundation.gateway.exchanges import open_body
from foundation.gateway.inbox import (
    LEASE_SECONDS,
    MAXIMUM_ATTEMPTS,
    MAXIMUM_BYTES,
    Malformed,
    ReceiptState,
    SignatureRefused,
    StaleClaim,
    TooLarge,
    claim_batch,
    mark_applied,
    postpone,
    quarantine,
    receive,
    requeue,
)
from foundation.gateway.models import GatewayMessage, GatewayMessageBody
from foundation.gateway.signatures import Secret
from tests.gateway.conftest import ACCOUNT, IDS, NAME
from tests.gateway.messages import CALLBACK_ENTRY, callback, deliver, headers_of

OFFICER = Actor(kind="STAFF", id=7, label="Lê Thị Mai")
ACCOUNT_DATA = {
    "link_id": "lnk_1",
    "national_id": "079160012345",
    "bank_bin": "970436",
    "account_number": ACCOUNT,
    "holder_name": NAME,
    "eid_level": 2,
    "consent_token": "c" * 32,
    "at": "2026-11-23T02:15:02Z",
}


@pytest.fixture(autouse=True)
def _secrets(settings):
    settings.GATEWAY_CALLBACK_SECRETS = [CALLBACK_ENTRY]


def count_rows() -> tuple[int, int]:
    return GatewayMessage.objects.count(), GatewayMessageBody.objects.count()


@pytest.mark.django_db
class TestReceive:
    def test_stores_what_is_proven_with_its_body_encrypted(self):
        body = callback()
        receipt = deliver(body)
        assert receipt.state is ReceiptState.STORED
        message = GatewayMessage.objects.get(pk=receipt.message)
        assert (message.provider, message.message_id, message.kind) == ("gateway", "evt_1", "payment.status")
        assert (message.state, message.attempts, message.outcome) == ("RECEIVED", 0, "")
        assert bytes(message.payload_hash) == hashlib.sha256(body).digest()
        assert message.due_at is not None
        stored = GatewayMessageBody.objects.get()
        assert (stored.part, stored.message_id, stored.reference, stored.at) == (
            "CALLBACK",
            message.pk,
            "evt_1",
            message.received_at,
        )
        assert IDS[0].encode() not in bytes(stored.body)
        assert open_body(stored) == body

    def test_takes_the_same_message_again_without_a_second_row(self):
        first = deliver(callback())
        for _ in range(3):
            again = deliver(callback(), age=200)
            assert (again.state, again.message) == (ReceiptState.DUPLICATE, first.message)
        assert count_rows() == (1, 1)

    def test_the_same_message_is_a_duplicate_after_it_was_applied_as_well(self):
        deliver(callback())
        mark_applied(claim_batch(10))
        assert deliver(callback()).state is ReceiptState.DUPLICATE
        assert GatewayMessage.objects.get().state == "APPLIED"

    def test_another_body_under_the_same_id_is_a_conflict_and_an_alarm(self):
        first = deliver(callback())
        with structlog.testing.capture_logs() as lines:
            other = deliver(callback(created_at="2026-11-23T02:15:03Z"))
        assert (other.state, other.message) == (ReceiptState.CONFLICT, first.message)
        assert count_rows() == (1, 1)
        assert open_body(GatewayMessageBody.objects.get()) == callback()
        event = AuditEvent.objects.get(kind="gateway_message.conflict")
        assert (event.actor_kind, event.subject_id) == ("GATEWAY", str(first.message))
        assert event.payload["stored_sha256"] != event.payload["received_sha256"]
        assert ("gateway.callback_conflict", "error") in {(line["event"], line["log_level"]) for line in lines}

    def test_one_id_of_two_providers_is_two_messages(self):
        body = callback()
        deliver(body)
        assert receive(headers=headers_of(body), body=body, provider="other").state is ReceiptState.STORED
        assert count_rows() == (2, 2)

    def test_refuses_a_forged_message_and_keeps_nothing_but_a_count(self, django_assert_num_queries, monkeypatch):
        counted: list[int] = []
        monkeypatch.setattr("foundation.gateway.inbox.TALLY.add", lambda: counted.append(1))
        body = callback()
        with django_assert_num_queries(0), pytest.raises(SignatureRefused):
            receive(headers=headers_of(body, secret=Secret("c1", bytes(32))), body=body)
        with django_assert_num_queries(0), pytest.raises(SignatureRefused):
            receive(headers=headers_of(body), body=body.replace(b"ACCC", b"RJCT"))
        with django_assert_num_queries(0), pytest.raises(SignatureRefused):
            receive(headers=headers_of(body, age=301), body=body)
        with django_assert_num_queries(0), pytest.raises(SignatureRefused):
            receive(headers={}, body=body)
        assert len(counted) == 4

    def test_looks_at_the_size_before_the_signature(self, django_assert_num_queries):
        body = b" " * (MAXIMUM_BYTES + 1)
        with django_assert_num_queries(0), pytest.raises(TooLarge):
            receive(headers={}, body=body)
        padded = callback() + b" " * (MAXIMUM_BYTES - len(callback()))
        assert deliver(padded).state is ReceiptState.STORED

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"<html></html>",
            b'{"id": "evt_1"',
            callback("evt_2"),
            callback(type="payment.refund"),
            callback(type=None),
            callback(type=["payment.status"]),
            callback(data=None),
            callback(data=[]),
            callback().replace(b'"id": "evt_1"', b'"id": "evt_1", "id": "evt_1"'),
            callback(data={"amount": float("nan")}),
        ],
    )
    def test_refuses_what_is_signed_but_no_message_without_writing(self, body, django_assert_num_queries):
        with django_assert_num_queries(0), pytest.raises(Malformed):
            receive(headers=headers_of(body), body=body)

    def test_touches_no_other_table(self):
        """Nothing a callback says is believed at the door; workers judge it."""
        with connection.execute_wrapper(remember := Statements()):
            deliver(callback())
        tables = {word for statement in remember.seen for word in statement.split() if "_" in word}
        assert {table for table in tables if table.startswith(("payments", "beneficiaries"))} == set()
        assert sum(statement.startswith(("INSERT", "\nINSERT")) for statement in remember.seen) == 2


class Statements:
    """Remembers the SQL that ran."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, execute, sql, params, many, context):
        self.seen.append(sql)
        return execute(sql, params, many, context)


class TestReceiveAtOnce:
    def test_one_of_many_senders_stores_and_the_others_see_it(self, committed):
        def send(_):
            try:
                return deliver(callback()).state
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as threads:
            states = list(threads.map(send, range(24)))
        assert states.count(ReceiptState.STORED) == 1
        assert states.count(ReceiptState.DUPLICATE) == 23
        assert count_rows() == (1, 1)

    def test_a_sender_waits_for_another_that_may_still_fail(self, committed, superuser):
        """The first INSERT is rolled back after the second began: the second has to store, not to answer "duplicate"."""
        body = callback()
        superuser.autocommit = False
        with superuser.cursor() as cursor:
            cursor.execute(inbox.INSERT_MESSAGE, ["gateway", "evt_1", "payment.status", hashlib.sha256(body).digest()])

            def send():
                try:
                    return deliver(body)
                finally:
                    connection.close()

            with ThreadPoolExecutor(1) as threads:
                waiting = threads.submit(send)
                with pytest.raises(TimeoutError):
                    waiting.result(timeout=0.5)
                superuser.rollback()
                assert waiting.result(timeout=5).state is ReceiptState.STORED
        assert count_rows() == (1, 1)


@pytest.mark.django_db
class TestClaim:
    def test_gives_the_events_in_order_of_arrival_in_few_statements(self, django_assert_max_num_queries):
        for number in range(40):
            deliver(callback(f"evt_{number}"), f"evt_{number}")
        with django_assert_max_num_queries(3):
            claimed = claim_batch(30)
        assert [claim.message_id for claim in claimed] == [f"evt_{number}" for number in range(30)]
        event = claimed[0].event
        assert isinstance(event, PaymentStatuses)
        assert [status.end_to_end_id for status in event.statuses] == IDS
        assert event.statuses[0].at == datetime(2026, 11, 23, 2, 15, 1, 123_000, tzinfo=UTC)
        assert len(claim_batch(30)) == 10

    def test_can_be_of_some_kinds_only(self):
        deliver(callback())
        link = callback("evt_2", type="account.linked", data={**ACCOUNT_DATA, "replaced_link_id": None})
        deliver(link, "evt_2")
        assert [claim.kind for claim in claim_batch(9, kinds=["account.linked", "account.removed"])] == [
            "account.linked"
        ]
        assert [claim.kind for claim in claim_batch(9)] == ["payment.status"]

    def test_reads_a_link_made_in_the_app(self):
        deliver(callback(type="account.linked", data={**ACCOUNT_DATA, "replaced_link_id": "lnk_0"}))
        event = claim_batch(1)[0].event
        assert isinstance(event, AccountLinked)
        assert (event.national_id, event.creditor_agent, event.creditor_account) == ("079160012345", "970436", ACCOUNT)
        assert (event.eid_level, event.replaced_link_id, event.holder_name) == (2, "lnk_0", NAME)
        assert ACCOUNT not in repr(event) + repr(claim_batch)
        assert "079160012345" not in repr(event)

    def test_reads_a_link_taken_back_in_the_app(self):
        deliver(callback(type="account.removed", data={**ACCOUNT_DATA, "reason": "CONSENT_WITHDRAWN"}))
        event = claim_batch(1)[0].event
        assert isinstance(event, AccountRemoved)
        assert (event.link_id, event.reason) == ("lnk_1", "CONSENT_WITHDRAWN")

    def test_reads_a_return(self):
        item = {
            "return_id": "ret_1",
            "end_to_end_id": IDS[0],
            "amount": 650_001,
            "reason": "AC04",
            "at": "2026-11-25T02:15:02Z",
            "value_date": "2026-11-25",
        }
        deliver(callback(type="payment.return", data={"returns": [item]}))
        event = claim_batch(1)[0].event
        assert isinstance(event, PaymentReturns)
        assert (event.returns[0].return_id, event.returns[0].instructed_amount) == ("ret_1", 650_001)
        assert event.returns[0].value_date.isoformat() == "2026-11-25"

    def test_holds_until_the_lease_ends(self, clock):
        deliver(callback())
        first = claim_batch(5)[0]
        assert claim_batch(5) == []
        clock.shift(f"{LEASE_SECONDS - 2} seconds")
        assert claim_batch(5) == []
        clock.shift(f"{LEASE_SECONDS + 2} seconds")
        assert claim_batch(5)[0].fence == first.fence + 1

    def test_ends_in_quarantine_after_many_tries(self, clock):
        deliver(callback())
        for attempt in range(MAXIMUM_ATTEMPTS):
            clock.shift(f"{attempt} hours")
            assert len(claim_batch(5)) == 1
        clock.shift("20 hours")
        assert claim_batch(5) == []
        assert GatewayMessage.objects.get().state == "QUARANTINED"
        assert AuditEvent.objects.get(kind="gateway_message.quarantined").payload["why"].startswith("taken 10 times")

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"data": {"statuses": []}}, "statuses"),
            ({"data": {"statuses": [1]}}, "statuses"),
            ({"data": {"statuses": [{"end_to_end_id": IDS[0], "status": "PAID"}]}}, "status"),
            ({"data": {"statuses": [{"end_to_end_id": IDS[0], "status": "NOTFOUND"}]}}, "status"),
            ({"data": {"statuses": [1] * 1001}}, "statuses"),
            ({"type": "payment.return", "data": {"returns": [{"return_id": "a b"}]}}, "return_id"),
            ({"type": "account.linked", "data": {**ACCOUNT_DATA, "eid_level": True}}, "eid_level"),
            ({"type": "account.linked", "data": {**ACCOUNT_DATA, "eid_level": 3}}, "eid_level"),
            ({"type": "account.linked", "data": {**ACCOUNT_DATA, "national_id": "79160012345"}}, "national_id"),
            ({"type": "account.linked", "data": {**ACCOUNT_DATA, "holder_name": "A\u0000"}}, "holder_name"),
            ({"type": "account.removed", "data": ACCOUNT_DATA}, "reason"),
        ],
    )
    def test_sets_aside_what_breaks_the_contract_and_goes_on_with_the_rest(self, changes, why):
        deliver(callback("evt_0", **changes), "evt_0")
        deliver(callback("evt_1"))
        assert [claim.message_id for claim in claim_batch(5)] == ["evt_1"]
        aside = GatewayMessage.objects.get(message_id="evt_0")
        assert (aside.state, aside.due_at, aside.outcome) == ("QUARANTINED", None, f"breaks the contract: {why}")

    def test_sets_aside_what_does_not_open(self, settings):
        deliver(callback())
        settings.FIELD_KEYS = ["k9:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="]
        assert claim_batch(5) == []
        assert GatewayMessage.objects.get().outcome == "the stored body does not open"


class TestClaimAtOnce:
    def test_gives_each_message_to_one_of_many_workers(self, committed):
        for number in range(60):
            deliver(callback(f"evt_{number}"), f"evt_{number}")

        def work(_):
            try:
                return [claim.pk for claim in claim_batch(7)]
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as threads:
            taken = [pk for portion in threads.map(work, range(18)) for pk in portion]
        assert len(taken) == len(set(taken)) == 60


@pytest.mark.django_db
class TestFinish:
    def test_closes_with_words(self):
        deliver(callback())
        claim = claim_batch(1)[0]
        mark_applied({claim: "moved 3 of 3"})
        message = GatewayMessage.objects.get()
        assert (message.state, message.outcome, message.due_at) == ("APPLIED", "moved 3 of 3", None)
        assert message.applied_at is not None
        assert claim_batch(5) == []

    def test_a_late_worker_finds_its_claim_gone(self, clock):
        deliver(callback())
        late = claim_batch(1)
        clock.shift("2 minutes")
        current = claim_batch(1)
        with pytest.raises(StaleClaim):
            mark_applied(late)
        with pytest.raises(StaleClaim):
            quarantine({late[0]: "x"})
        postpone(late, seconds=3600, why="x")
        mark_applied(current)
        with pytest.raises(StaleClaim):
            mark_applied(current)

    def test_all_or_nothing(self, clock):
        deliver(callback("evt_1"))
        late = claim_batch(1)
        clock.shift("2 minutes")
        deliver(callback("evt_2"), "evt_2")
        current = claim_batch(2)
        fresh = [claim for claim in current if claim.message_id == "evt_2"]
        with pytest.raises(StaleClaim):
            mark_applied([*late, *fresh])
        assert set(GatewayMessage.objects.values_list("state", flat=True)) == {"RECEIVED"}

    def test_a_postponed_one_comes_back_in_its_time(self, clock):
        deliver(callback())
        postpone(claim_batch(1), seconds=600, why="the answer is still being recorded")
        clock.shift("9 minutes")
        assert claim_batch(1) == []
        clock.shift("11 minutes")
        assert len(claim_batch(1)) == 1

    def test_one_set_aside_waits_for_a_person(self, clock):
        deliver(callback())
        claim = claim_batch(1)[0]
        quarantine({claim: "another amount than we sent"})
        clock.shift("30 days")
        assert claim_batch(1) == []
        assert requeue(message=claim.pk, by=OFFICER, why="amount confirmed by the bank")
        assert not requeue(message=claim.pk, by=OFFICER, why="twice")
        again = claim_batch(1)[0]
        assert again.fence > claim.fence, "a worker from before the quarantine must not be able to mark it"
        with pytest.raises(StaleClaim):
            mark_applied([claim])
        kinds = AuditEvent.objects.filter(subject_id=str(claim.pk)).order_by("id").values_list("kind", flat=True)
        assert list(kinds) == ["gateway_message.quarantined", "gateway_message.requeued"]


@pytest.mark.django_db
class TestDatabase:
    def test_refuses_to_change_what_was_received(self):
        deliver(callback())
        for column, value in [("provider", "'x'"), ("message_id", "'x'"), ("kind", "'x'"), ("received_at", "now()")]:
            with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
                connection.cursor().execute(f"UPDATE gateway_message SET {column} = {value}")

    @pytest.mark.parametrize(
        ("assignments", "what"),
        [
            ("due_at = NULL", "due_while_received"),
            ("state = 'APPLIED', due_at = NULL", "applied_has_time"),
            ("state = 'APPLIED', applied_at = now()", "due_while_received"),
            ("state = 'QUARANTINED', due_at = NULL", "quarantine_has_reason"),
            ("state = 'LOST'", "moves"),
        ],
    )
    def test_refuses_a_state_that_makes_no_sense(self, assignments, what):
        deliver(callback())
        with pytest.raises(IntegrityError, match=what), transaction.atomic():
            connection.cursor().execute(f"UPDATE gateway_message SET {assignments}")

    def test_refuses_to_open_a_closed_message_again(self):
        deliver(callback())
        mark_applied(claim_batch(1))
        with pytest.raises(IntegrityError, match="APPLIED to RECEIVED"), transaction.atomic():
            connection.cursor().execute(
                "UPDATE gateway_message SET state = 'RECEIVED', due_at = now(), applied_at = NULL"
            )

    def test_refuses_a_hash_that_is_none(self):
        with pytest.raises(IntegrityError, match="hash_is_sha256"), transaction.atomic():
            GatewayMessage.objects.create(provider="g", message_id="1", kind="k", payload_hash=b"short")

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM gateway_message",
            "TRUNCATE gateway_message CASCADE",
            "UPDATE gateway_message_body SET body = ''",
            "DELETE FROM gateway_message_body",
            "TRUNCATE gateway_message_body",
            "DELETE FROM gateway_bank_channel",
        ],
    )
    def test_gives_the_portal_no_right_to_destroy_evidence(self, statement):
        deliver(callback())
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)

    def test_gives_no_right_on_the_partitions_either(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'gateway_message_body'::regclass"
            )
            partitions = [name for (name,) in cursor.fetchall()]
        assert len(partitions) >= 4
        for partition in partitions:
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                connection.cursor().execute(f"DELETE FROM {partition}")

    def test_lays_a_message_into_the_partition_of_its_month(self):
        deliver(callback())
        with connection.cursor() as cursor:
            cursor.execute("SELECT tableoid::regclass::text, to_char(at, 'YYYY_MM') FROM gateway_message_body")
            partition, month = cursor.fetchone()
        assert partition == f"gateway_message_body_{month}"


class TestDatabaseUnderTheOwner:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE gateway_message_body SET body = ''",
            "DELETE FROM gateway_message_body",
            "TRUNCATE gateway_message_body",
        ],
    )
    def test_refuses_to_change_evidence(self, committed, superuser, statement):
        deliver(callback())
        with superuser.cursor() as cursor, pytest.raises(psycopg2.Error, match=r"Cannot update or|cannot be emptied"):
            cursor.execute(statement)
        assert open_body(GatewayMessageBody.objects.get()) == callback()

    def test_a_body_put_under_another_message_does_not_open(self, committed, superuser):
        """A criminal administrator can pass every trigger; the ciphertext still knows where it belongs."""
        first, second = deliver(callback("evt_1")), deliver(callback("evt_2"), "evt_2")
        with superuser.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "UPDATE gateway_message_body SET body = (SELECT body FROM gateway_message_body WHERE message_id = %s) "
                "WHERE message_id = %s",
                [first.message, second.message],
            )
        assert [claim.message_id for claim in claim_batch(5)] == ["evt_1"]
        assert GatewayMessage.objects.get(pk=second.message).outcome == "the stored body does not open"

    def test_a_message_without_its_body_is_set_aside(self, committed, superuser):
        deliver(callback())
        with superuser.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("DELETE FROM gateway_message_body")
        assert claim_batch(5) == []
        assert GatewayMessage.objects.get().outcome == "its body is not stored"
