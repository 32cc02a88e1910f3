"""From approved to being paid: authority is looked at again, money is set aside, and a day that has not come is waited for."""

from datetime import timedelta

import pytest

from foundation.audit.models import AuditEvent
from foundation.users.models import RoleAssignment, User
from foundation.users.roles import Role
from payments.errors import FundTooLow, HeldBySystem, InvalidMove, NotInAuthority, OwnHold, WrongInput
from payments.models import FundBalance, PayoutBatch
from payments.operations import dispatch, release
from tests.factories import Office, approve, build_batch, make_entitled, make_office, make_staff, start
from tests.payments.helpers import refused, run


def test_an_approver_who_was_relieved_before_the_start_holds_the_batch(office: Office) -> None:
    make_entitled(1)
    batch = approve(office, build_batch(office))
    release.reserve_batch(batch_id=batch.pk, at=office.at())
    RoleAssignment.objects.filter(user=office.approver).update(valid_to=office.at().date() - timedelta(days=1))
    release.start_batch(batch_id=batch.pk, at=office.at())
    batch.refresh_from_db()
    assert (batch.state, batch.held_from) == ("HELD", "RESERVED")
    assert release.open_chunks() == 0


def test_an_approver_who_was_dismissed_does_not_count_either(office: Office) -> None:
    make_entitled(1)
    batch = approve(office, build_batch(office))
    release.reserve_batch(batch_id=batch.pk, at=office.at())
    office.approver.is_active = False
    office.approver.save()
    release.start_batch(batch_id=batch.pk, at=office.at())
    batch.refresh_from_db()
    assert batch.state == "HELD"


def test_a_fund_that_holds_too_little_keeps_the_batch_waiting(db: None) -> None:
    office = make_office(money=649_999)
    make_entitled(1)
    batch = approve(office, build_batch(office))
    with pytest.raises(FundTooLow):
        release.reserve_batch(batch_id=batch.pk, at=office.at())
    batch.refresh_from_db()
    assert batch.state == "APPROVED"
    assert FundBalance.objects.get(fund=office.fund, account="FUNDING").balance == 649_999


def test_a_batch_waits_for_its_day(office: Office) -> None:
    make_entitled(1)
    batch = approve(office, build_batch(office, execution_date=office.at().date() + timedelta(days=2)))
    release.reserve_batch(batch_id=batch.pk, at=office.at())
    with pytest.raises(InvalidMove):
        release.start_batch(batch_id=batch.pk, at=office.at())
    release.start_batch(batch_id=batch.pk, at=office.at() + timedelta(days=3))
    batch.refresh_from_db()
    assert batch.state == "DISPATCHING"


WHY, GO = "Nghi trùng người nhận", "Đã đối chiếu, không trùng"


class TestAHeldListGoesOn:
    @pytest.fixture
    def held(self, office: Office) -> PayoutBatch:
        """Being paid when the accountant held it."""
        make_entitled(2)
        batch = start(office, build_batch(office))
        release.hold_batch(batch_id=batch.pk, by=office.accountant, reason=WHY, at=office.at())
        batch.refresh_from_db()
        return batch

    def test_from_where_it_was(self, office: Office, held: PayoutBatch) -> None:
        assert held.held_by == office.accountant
        assert dispatch.claim_to_send() is None
        release.release_held_batch(batch_id=held.pk, by=office.approver, reason=GO, at=office.at())
        held.refresh_from_db()
        assert (held.state, held.held_from, held.held_reason, held.held_by_id) == ("DISPATCHING", "", "", None)
        assert dispatch.claim_to_send() is not None
        (event,) = AuditEvent.objects.filter(kind="batch.released")
        assert event.payload == {"reason": GO, "state": "DISPATCHING"}

    @pytest.mark.parametrize("reserved", [False, True])
    def test_before_it_is_paid_too(self, office: Office, reserved: bool) -> None:
        make_entitled(1)
        batch = approve(office, build_batch(office))
        if reserved:
            release.reserve_batch(batch_id=batch.pk, at=office.at())
        release.hold_batch(batch_id=batch.pk, by=office.accountant, reason=WHY, at=office.at())
        release.release_held_batch(batch_id=batch.pk, by=office.approver, reason=GO, at=office.at())
        batch.refresh_from_db()
        assert batch.state == ("RESERVED" if reserved else "APPROVED")

    def test_not_on_the_word_of_whoever_held_it(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        release.hold_batch(batch_id=batch.pk, by=office.approver, reason=WHY, at=office.at())
        with pytest.raises(OwnHold):
            release.release_held_batch(batch_id=batch.pk, by=office.approver, reason=GO, at=office.at())
        batch.refresh_from_db()
        assert batch.state == "HELD"

    @pytest.mark.parametrize("hand", ["accountant", "preparer"])
    def test_not_on_the_word_of_the_same_human_under_another_login(
        self, office: Office, held: PayoutBatch, hand: str
    ) -> None:
        twin = make_staff(Role.APPROVER)
        User.objects.filter(pk=twin.pk).update(person_fingerprint=getattr(office, hand).person_fingerprint)
        twin.refresh_from_db()
        with pytest.raises(OwnHold):
            release.release_held_batch(batch_id=held.pk, by=twin, reason=GO, at=office.at())

    def test_for_approvers_of_the_ward_with_a_reason(self, office: Office, held: PayoutBatch) -> None:
        for by in (office.accountant, office.preparer, make_staff(Role.APPROVER, unit="26740")):
            with pytest.raises(NotInAuthority):
                release.release_held_batch(batch_id=held.pk, by=by, reason=GO, at=office.at())
        for reason in ("", "ngắn", "  a        b  "):
            with pytest.raises(WrongInput):
                release.release_held_batch(batch_id=held.pk, by=office.approver, reason=reason, at=office.at())

    def test_once(self, office: Office, held: PayoutBatch) -> None:
        release.release_held_batch(batch_id=held.pk, by=office.approver, reason=GO, at=office.at())
        with pytest.raises(InvalidMove):
            release.release_held_batch(batch_id=held.pk, by=office.approver, reason=GO, at=office.at())

    def test_never_when_the_system_held_it(self, office: Office) -> None:
        make_entitled(1)
        batch = approve(office, build_batch(office))
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        RoleAssignment.objects.filter(user=office.approver).update(valid_to=office.at().date() - timedelta(days=1))
        release.start_batch(batch_id=batch.pk, at=office.at())
        with pytest.raises(HeldBySystem):
            release.release_held_batch(batch_id=batch.pk, by=make_staff(Role.APPROVER), reason=GO, at=office.at())

    def test_by_moves_that_the_database_knows(self, held: PayoutBatch) -> None:
        for state in ("SUBMITTED", "DRAFT", "CLOSED"):
            refused(
                f"UPDATE payments_payout_batch SET state = '{state}', held_from = '', held_by_id = NULL", by="HELD"
            )
        refused(
            "UPDATE payments_payout_batch SET state = 'DISPATCHING', held_from = ''",
            by="payout_batch_held_from_somewhere",
        )
        assert run("UPDATE payments_payout_batch SET state = 'DISPATCHING', held_from = '', held_by_id = NULL") == 1
