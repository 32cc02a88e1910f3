"""The stop of the whole city: any officer stops, nothing new goes out from its commit on, two persons of the city resume."""

import threading
from typing import Any

import pytest
from django.db import connection

from foundation.audit.models import Alarm, AuditEvent
from foundation.users.models import User
from foundation.users.roles import Role
from payments import tasks
from payments.errors import InvalidMove, NotInAuthority, OwnProposal, PaymentsStopped, StoppedAlready, WrongInput
from payments.models import DispatchAttempt, PaymentsStop, Proposal
from payments.operations import cash, dispatch, effects, release
from tests.factories import Office, approve, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.deciding import GO, confirm, stop
from tests.payments.helpers import ask_all, at_once, kinds, read, refused, run, send_all, state_of, states


def resume(office: Office, standing: PaymentsStop, one: User, other: User) -> Proposal:
    proposal = effects.propose_resumption(stop=standing, reason=GO, by=one, at=office.at())
    return confirm(office, proposal, by=other)


class TestNothingNewGoesOut:
    def test_no_chunk_is_claimed_and_what_has_left_is_followed(self, office: Office, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        make_entitled(2)
        start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        stop(office)
        assert dispatch.claim_to_send() is None
        dispatch.send(claim=claim, gateway=FakeGateway(status="ACSP"))
        assert states() == {"ACCEPTED": 1, "READY": 1}
        run("UPDATE payments_dispatch_chunk SET due_at = now() - interval '1 minute' WHERE state = 'INQUIRY'")
        assert dispatch.claim_to_ask() is not None

    def test_no_list_begins(self, office: Office) -> None:
        make_entitled(1)
        batch = approve(office, build_batch(office))
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        stop(office)
        with pytest.raises(PaymentsStopped):
            release.start_batch(batch_id=batch.pk, at=office.at())
        tasks.drain(budget_seconds=5)  # the sweep goes on with other work
        assert state_of(batch) == "RESERVED"

    def test_no_cash_is_handed_over_but_signatures_are_taken(self, office: Office) -> None:
        make_entitled(2, cash=True)
        batch = start(office, build_batch(office))
        standing = stop(office)
        with pytest.raises(PaymentsStopped):
            cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        resume(office, standing, make_staff(Role.APPROVER, unit=None), make_staff(Role.ADMINISTRATOR, unit=None))
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        stop(office)
        assert cash.carry_over(batch_id=batch.pk, by=office.accountant, at=office.at()) == 2

    def test_and_the_database_knows_it(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        chunk = read("SELECT id FROM payments_dispatch_chunk")[0][0]
        other = approve(office, build_second(office))
        release.reserve_batch(batch_id=other.pk, at=office.at())
        stop(office)
        refused(
            "INSERT INTO payments_dispatch_attempt (chunk_id, fence, kind, message_id, number_of_transactions, control_sum, "
            "not_after) VALUES (%s, 1, 'SEND', 'x', 1, 1, now())",
            chunk,
            by="dispatch_attempt_not_sent_while_stopped",
        )
        refused(
            "UPDATE payments_payout_batch SET state = 'DISPATCHING' WHERE state = 'RESERVED'",
            by="payout_batch_not_started_while_stopped",
        )
        refused(
            "UPDATE payments_transfer SET state = 'HANDED_OVER' WHERE batch_id = %s AND state = 'READY'",
            batch.pk,
            by="transfer_not_handed_over_while_stopped",
        )


def build_second(office: Office) -> Any:
    from payments.states import BatchKind

    make_entitled(1, cash=True)
    return build_batch(office, kind=BatchKind.SUPPLEMENTARY)


class TestWhoStops:
    @pytest.mark.parametrize("role", [Role.PREPARER, Role.ACCOUNTANT, Role.APPROVER, Role.ADMINISTRATOR])
    def test_any_officer_of_any_ward_with_a_reason(self, office: Office, role: Role) -> None:
        standing = stop(office, by=make_staff(role, unit="26740"))
        alarm = Alarm.objects.get(code="payments.stopped")
        assert (alarm.severity, alarm.subject_id, alarm.unit_code) == ("CRITICAL", str(standing.pk), "")
        (event,) = AuditEvent.objects.filter(kind="payments.stopped")
        assert event.payload == {"reason": standing.reason}

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.ASSISTANT])
    def test_nobody_else(self, office: Office, role: Role) -> None:
        with pytest.raises(NotInAuthority):
            stop(office, by=make_staff(role))

    def test_nobody_without_a_reason(self, office: Office) -> None:
        from payments.operations.stopping import stop_payments

        with pytest.raises(WrongInput):
            stop_payments(by=office.accountant, reason="ngắn", at=office.at())

    def test_two_at_once_make_one_stop(self, committed: None) -> None:
        office = make_office()
        results = at_once(lambda: stop(office).reason, lambda: stop(office, by=office.approver).reason)
        assert kinds(results).count("StoppedAlready") == 1
        assert PaymentsStop.objects.count() == 1
        assert StoppedAlready.message


class TestWhoResumes:
    @pytest.fixture
    def city(self, db: None) -> tuple[User, User]:
        return make_staff(Role.APPROVER, unit=None), make_staff(Role.ADMINISTRATOR, unit=None)

    def test_two_persons_of_the_whole_city(self, office: Office, city: tuple[User, User]) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        standing = stop(office)
        proposal = resume(office, standing, *city)
        standing.refresh_from_db()
        assert standing.resumed_with == proposal
        assert standing.resumed_at is not None
        assert dispatch.claim_to_send() is not None
        stop(office)  # and the next stop is a row of its own
        assert PaymentsStop.objects.count() == 2

    def test_neither_one_alone_nor_anybody_of_a_ward(self, office: Office, city: tuple[User, User]) -> None:
        standing = stop(office)
        with pytest.raises(OwnProposal):
            resume(office, standing, city[0], city[0])
        for by in (office.approver, office.accountant, make_staff(Role.AUDITOR, unit=None)):
            with pytest.raises(NotInAuthority):
                confirm(office, Proposal.objects.get(), by=by)
        with pytest.raises(NotInAuthority):
            effects.propose_resumption(stop=standing, reason=GO, by=office.approver, at=office.at())
        assert dispatch.claim_to_send() is None

    def test_no_stop_twice(self, office: Office, city: tuple[User, User]) -> None:
        standing = stop(office)
        resume(office, standing, *city)
        with pytest.raises(InvalidMove):
            effects.propose_resumption(stop=standing, reason=GO, by=city[0], at=office.at())

    def test_nobody_by_writing_to_the_table(self, office: Office, city: tuple[User, User]) -> None:
        standing = stop(office)
        proposal = effects.propose_resumption(stop=standing, reason=GO, by=city[0], at=office.at())
        refused(
            "UPDATE payments_stop SET resumed_at = now(), resumed_with_id = %s",
            proposal.pk,
            by="payments_stop_resumed_by_two",
        )
        refused("UPDATE payments_stop SET resumed_at = now()", by="payments_stop_resumed")
        refused("UPDATE payments_stop SET reason = 'khác'", by="payments_stop_frozen")
        refused("DELETE FROM payments_stop", by="Cannot delete")
        confirm(office, proposal, by=city[1])
        refused("UPDATE payments_stop SET resumed_at = NULL, resumed_with_id = NULL", by="payments_stop_over_frozen")


class TestRaces:
    def test_no_claim_that_commits_after_the_stop_can_send(self, committed: None) -> None:
        """A claim in the middle of its transaction keeps the stop waiting; once the stop is there, no claim finds anything."""
        office = make_office()
        make_entitled(1)
        start(office, build_batch(office))
        order: list[str] = []
        inside, go_on = threading.Event(), threading.Event()

        def claim() -> None:
            from django.db import transaction

            with transaction.atomic():
                run("SELECT payments_are_stopped()")  # what every claim asks first
                inside.set()
                assert go_on.wait(10)
                order.append("claim")

        def halt() -> None:
            assert inside.wait(10)
            waiting = threading.Timer(0, lambda: None)
            waiting.start()
            watcher = threading.Thread(target=self.let_go_when_somebody_waits, args=(go_on,))
            watcher.start()
            stop(office)
            order.append("stop")
            watcher.join()

        results = at_once(claim, halt)
        assert results == [None, None]
        assert order == ["claim", "stop"]
        assert dispatch.claim_to_send() is None

    @staticmethod
    def let_go_when_somebody_waits(go_on: threading.Event) -> None:
        """Until the database itself says that the stop waits for the claim's lock."""
        try:
            while not read("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
                pass
            go_on.set()
        finally:
            connection.close()

    def test_workers_that_send_while_somebody_stops_send_nothing_afterwards(
        self, committed: None, settings: Any
    ) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        office = make_office()
        make_entitled(30)
        start(office, build_batch(office))
        gateway = FakeGateway()
        stopped: list[int] = []

        def halt() -> None:
            stop(office)
            stopped.append(DispatchAttempt.objects.filter(kind="SEND").count())

        at_once(lambda: send_all(gateway), halt, lambda: send_all(gateway))
        assert DispatchAttempt.objects.filter(kind="SEND").count() == stopped[0]
        assert dispatch.claim_to_send() is None
        ask_all(gateway)
        assert len(gateway.credits) == stopped[0]
