"""I-18, I-20, F48: every claim looks again at who approved, at what was approved, and at who is still there to be paid."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from beneficiaries.models import Person
from foundation.audit.models import Alarm, AuditEvent
from foundation.users.models import RoleAssignment
from foundation.users.roles import Role
from payments.errors import AuthorityLost, ListChanged
from payments.models import DispatchChunk, PayoutBatch, Transfer
from payments.operations import cash, dispatch, release
from payments.states import BatchKind
from tests.factories import Office, build_batch, make_account, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.by_file import to_service, to_treasury
from tests.payments.helpers import as_criminal, balances, broken, entries, read, send_all, state_of, states
from tests.payments.months import child_with_guardian
from welfare_portal import watching


def relieve(office: Office) -> None:
    RoleAssignment.objects.filter(user=office.approver).update(valid_to=office.at().date() - timedelta(days=1))


class TestI18AuthorityIsLookedAtByEveryClaim:
    @pytest.fixture
    def half_paid(self, office: Office, settings: Any) -> PayoutBatch:
        """Three messages, one of which has left."""
        settings.DISPATCH_CHUNK_SIZE = 1
        make_entitled(3)
        batch = start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        dispatch.send(claim=claim, gateway=FakeGateway())
        return batch

    def expect_held(self, batch: PayoutBatch) -> None:
        assert dispatch.claim_to_send() is None
        assert (state_of(batch), batch.held_from, batch.held_by) == ("HELD", "DISPATCHING", None)
        assert states() == {"SETTLED": 1, "READY": 2}
        alarm = Alarm.objects.get(code="batch.authority_lost")
        assert (alarm.subject_id, alarm.unit_code, alarm.times) == (str(batch.pk), batch.unit_id, 1)
        assert alarm.details == {"approvals": 0, "required": 1}

    def test_an_approver_relieved_while_the_list_is_paid(self, office: Office, half_paid: PayoutBatch) -> None:
        relieve(office)
        self.expect_held(half_paid)

    def test_an_approver_dismissed_while_the_list_is_paid(self, office: Office, half_paid: PayoutBatch) -> None:
        office.approver.is_active = False
        office.approver.save()
        self.expect_held(half_paid)

    def test_another_list_is_paid_all_the_same(self, office: Office, half_paid: PayoutBatch) -> None:
        make_entitled(1)
        second = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        other = make_staff(Role.APPROVER)
        start(Office(preparer=office.preparer, approver=other, accountant=office.accountant, fund=office.fund), second)
        relieve(office)
        claim = dispatch.claim_to_send()
        assert claim is not None
        assert claim.batch_id == second.pk
        assert state_of(half_paid) == "HELD"

    def test_no_cash_is_handed_over_either(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        relieve(office)
        with pytest.raises(AuthorityLost):
            cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        assert states() == {"READY": 1}

    def test_a_list_with_enough_approvers_is_not_held(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        assert not release.hold_without_authority(batch_id=batch.pk, at=office.at())
        assert release.hold_lists_without_authority(at=office.at()) == []
        assert state_of(batch) == "DISPATCHING"


class TestI18TheSweepHoldsWhatNoClaimAsksAbout:
    """Lists for the Treasury, the payment service and the cash desk: refused at the desk, and somebody is told of it."""

    @pytest.mark.parametrize("route", ["WARD_CASH", "TREASURY_FILE", "PAYMENT_SERVICE"])
    def test_the_minutes_round_holds_it_and_raises_the_alarm(self, office: Office, route: str) -> None:
        {
            "WARD_CASH": lambda: make_entitled(1, cash=True),
            "TREASURY_FILE": lambda: to_treasury(1),
            "PAYMENT_SERVICE": lambda: to_service(office, 1),
        }[route]()
        batch = start(office, build_batch(office))
        assert set(Transfer.objects.values_list("route", flat=True)) == {route}
        relieve(office)
        watching.watch()
        assert (state_of(batch), batch.held_from, batch.held_by) == ("HELD", "DISPATCHING", None)
        alarm = Alarm.objects.get(code="batch.authority_lost")
        assert (alarm.subject_id, alarm.unit_code, alarm.details) == (
            str(batch.pk),
            batch.unit_id,
            {"approvals": 0, "required": 1},
        )
        watching.watch()
        alarm.refresh_from_db()
        assert alarm.times == 1

    def test_what_is_with_the_payer_already_goes_on(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        relieve(office)
        assert release.hold_lists_without_authority(at=office.at()) == []
        assert state_of(batch) == "DISPATCHING"

    def test_a_list_of_the_gateway_is_left_to_its_claims(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        relieve(office)
        assert release.hold_lists_without_authority(at=office.at()) == []

    def test_one_list_that_somebody_keeps_locked_keeps_no_other(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_entitled(1, cash=True)
        first = start(office, build_batch(office))
        make_entitled(1, cash=True)
        second = start(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        relieve(office)
        hold = release.hold_without_authority

        def locked(*, batch_id: int, at: Any) -> bool:
            if batch_id == first.pk:
                raise OperationalError("canceling statement due to lock timeout")
            return hold(batch_id=batch_id, at=at)

        monkeypatch.setattr(release, "hold_without_authority", locked)
        assert release.hold_lists_without_authority(at=office.at()) == [second.pk]


class TestI20WhatASuperuserAltersStopsTheList:
    """Beside the changes that `test_list_frozen` tries: rows that come, go or move, and the approval itself."""

    CHANGES = {
        "the bank": "UPDATE payments_transfer SET creditor_agent = '970416' WHERE id = (SELECT min(id) FROM payments_transfer)",
        "the bank's narration": "UPDATE payments_transfer SET remittance_information = 'KHAC'",
        "a row that goes": "DELETE FROM payments_transfer WHERE id = (SELECT min(id) FROM payments_transfer)",
        "all rows that go": "DELETE FROM payments_transfer",
        "a row that moves to another chunk": "UPDATE payments_transfer SET chunk_id = (SELECT max(id) FROM payments_dispatch_chunk WHERE id <> chunk_id) WHERE id = (SELECT min(id) FROM payments_transfer)",  # noqa: E501
        "chunks that change places": "UPDATE payments_dispatch_chunk c SET hash_path = o.hash_path FROM payments_dispatch_chunk o WHERE o.id <> c.id",  # noqa: E501
        "a chunk of another list": "UPDATE payments_dispatch_chunk SET list_hash = sha256('x'), hash_path = ''",
    }  # fmt: skip

    @pytest.mark.parametrize("what", CHANGES)
    def test_after_the_approval(self, committed: None, superuser: Any, settings: Any, what: str) -> None:
        settings.DISPATCH_CHUNK_SIZE = 2
        office, gateway = make_office(), FakeGateway()
        make_entitled(4)
        batch = start(office, build_batch(office))
        assert as_criminal(superuser, self.CHANGES[what]) >= 1
        with pytest.raises(dispatch.ListTampered):
            send_all(gateway)
        assert dispatch.claim_to_send() is None
        assert (state_of(batch), batch.held_by) == ("HELD", None)
        assert gateway.messages == []
        assert Alarm.objects.filter(code="batch.tampered", closed_at=None).count() == 1
        assert set(entries()) == {"FUND", "RESERVE"}

    APPROVALS = {
        "that goes": "DELETE FROM payments_approval",
        "of another list": "UPDATE payments_approval SET list_hash = sha256('x')",
        "turned into one from a refusal": "UPDATE payments_approval SET decision = 'REJECTED', reason = 'x'",
    }

    @pytest.mark.parametrize("what", APPROVALS)
    def test_an_approval(self, committed: None, superuser: Any, what: str) -> None:
        office = make_office()
        make_entitled(2)
        batch = start(office, build_batch(office))
        assert as_criminal(superuser, self.APPROVALS[what]) == 1
        assert dispatch.claim_to_send() is None
        assert state_of(batch) == "HELD"
        assert states() == {"READY": 2}

    def test_a_cash_list_that_was_altered_is_not_handed_over(self, committed: None, superuser: Any) -> None:
        office = make_office()
        make_entitled(2, cash=True)
        batch = start(office, build_batch(office))
        as_criminal(superuser, "UPDATE payments_transfer SET instructed_amount = instructed_amount + 1")
        with pytest.raises(ListChanged):
            cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        assert states() == {"READY": 2}

    def test_an_altered_payment_of_the_dead_is_not_booked_back(self, committed: None, superuser: Any) -> None:
        office = make_office()
        make_entitled(1)
        batch = start(office, build_batch(office))
        as_criminal(superuser, "UPDATE payments_transfer SET instructed_amount = 1")
        Person.objects.update(deceased_date=office.at().date())
        with pytest.raises(dispatch.ListTampered):
            dispatch.claim_to_send()
        assert state_of(batch) == "HELD"
        assert "VOID" not in entries()


class TestF48SomebodyDiesWhileTheListIsPaid:
    def test_his_payment_does_not_leave_and_its_money_goes_back(self, office: Office) -> None:
        dead, living = make_entitled(2)
        batch = start(office, build_batch(office))
        Person.objects.filter(payee=dead).update(deceased_date=office.at().date())
        gateway = FakeGateway()
        send_all(gateway)
        assert Transfer.objects.get(payee=dead).state == "CANCELLED"
        assert Transfer.objects.get(payee=living).state == "SETTLED"
        assert balances(office)["RESERVED"] == 0
        assert entries()["VOID"] == 1
        assert len(gateway.credits) == 1
        assert release.drain_batches() == [batch.pk]
        (event,) = AuditEvent.objects.filter(kind="chunk.lines_cancelled")
        assert event.payload == {"transfers": 1, "sum": 650_000}
        assert broken(gateway) == []

    def test_a_chunk_of_nobody_else_is_done_and_the_next_one_goes(self, office: Office, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        dead, _living = make_entitled(2)
        start(office, build_batch(office))
        Person.objects.filter(payee=dead).update(deceased_date=office.at().date())
        claim = dispatch.claim_to_send()
        assert claim is not None
        assert dispatch.claim_to_send() is None
        assert sorted(DispatchChunk.objects.values_list("state", flat=True)) == ["DONE", "LEASED_SEND"]

    def test_a_child_for_whom_a_guardian_receives_in_later_months(self, office: Office) -> None:
        (guardian,) = make_entitled(1)
        right = child_with_guardian(guardian)
        start(office, build_batch(office))
        Person.objects.filter(pk=right.person_id).update(deceased_date=office.at().date() - timedelta(days=40))
        assert dispatch.claim_to_send() is None
        assert states() == {"CANCELLED": 1}
        again = build_batch(office, kind=BatchKind.REPLACEMENT)
        assert again.control_sum == 650_000  # the guardian's own right, without the child's

    def test_what_has_left_already_is_untouched(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        gateway = FakeGateway()
        claim = dispatch.claim_to_send()
        assert claim is not None
        Person.objects.update(deceased_date=office.at().date())
        dispatch.send(claim=claim, gateway=gateway)
        assert states() == {"SETTLED": 1}

    @pytest.mark.parametrize("state", ["SUSPENDED", "REVOKED", "CLOSED"])
    def test_an_account_closed_or_blocked_since_is_not_paid_into(self, office: Office, state: str) -> None:
        (payee,) = make_entitled(1)
        start(office, build_batch(office))
        payee.accounts.update(state=state)
        assert dispatch.claim_to_send() is None
        assert states() == {"CANCELLED": 1}

    def test_an_account_that_was_only_replaced_is_still_the_approved_one(self, office: Office) -> None:
        (payee,) = make_entitled(1)
        start(office, build_batch(office))
        payee.accounts.update(state="SUPERSEDED")
        make_account(payee)
        assert dispatch.claim_to_send() is not None

    def test_cash_is_not_handed_over_for_the_dead(self, office: Office) -> None:
        dead, _living = make_entitled(2, cash=True)
        batch = start(office, build_batch(office))
        Person.objects.filter(payee=dead).update(deceased_date=office.at().date())
        assert cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at()) == 1
        assert Transfer.objects.get(payee=dead).state == "CANCELLED"
        assert read("SELECT cancelled_count FROM payments_dispatch_chunk") == [(1,)]
