"""A held list goes on from where it was, on the word of two humans, and only while it is the approved one by enough approvers."""

from datetime import timedelta
from typing import Any

import pytest

from foundation.audit.models import Alarm, AuditEvent
from foundation.users.models import RoleAssignment, User
from foundation.users.roles import Role
from payments.errors import (
    AuthorityLost,
    FourEyesViolation,
    InvalidMove,
    ListChanged,
    NotInAuthority,
    OwnHold,
    OwnProposal,
    ProposalOpen,
    WrongInput,
)
from payments.models import PayoutBatch, Proposal
from payments.operations import decide, dispatch, effects, proposals, release
from payments.states import ProposalKind
from tests.factories import Office, approve, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.deciding import GO, WHY, confirm, let_go_on, propose
from tests.payments.helpers import as_criminal, at_once, kinds, refused, send_all, state_of

RELEASE = ProposalKind.RELEASE_BATCH


@pytest.fixture
def held(office: Office) -> PayoutBatch:
    """Being paid when the accountant held it."""
    make_entitled(2)
    return hold(office, start(office, build_batch(office)))


def hold(office: Office, batch: PayoutBatch) -> PayoutBatch:
    release.hold_batch(batch_id=batch.pk, by=office.accountant, reason=WHY, at=office.at())
    batch.refresh_from_db()
    return batch


def relieve(office: Office) -> None:
    """The approver's role ends yesterday."""
    RoleAssignment.objects.filter(user=office.approver).update(valid_to=office.at().date() - timedelta(days=1))


class TestAHeldListGoesOn:
    def test_from_where_it_was(self, office: Office, held: PayoutBatch) -> None:
        assert held.held_by == office.accountant
        assert held.held_at is not None
        assert dispatch.claim_to_send() is None
        let_go_on(office, held)
        assert (held.state, held.held_from, held.held_reason, held.held_by_id) == ("DISPATCHING", "", "", None)
        assert held.held_at is None
        assert dispatch.claim_to_send() is not None
        (event,) = AuditEvent.objects.filter(kind="batch.released")
        assert event.payload == {"reason": GO, "state": "DISPATCHING", "proposal": Proposal.objects.get().pk}

    @pytest.mark.parametrize("reserved", [False, True])
    def test_before_it_is_paid_too(self, office: Office, reserved: bool) -> None:
        make_entitled(1)
        batch = approve(office, build_batch(office))
        if reserved:
            release.reserve_batch(batch_id=batch.pk, at=office.at())
        hold(office, batch)
        let_go_on(office, batch)
        assert batch.state == ("RESERVED" if reserved else "APPROVED")

    def test_by_nobody_until_the_second_person_has_spoken(self, office: Office, held: PayoutBatch) -> None:
        proposal = propose(office, held, RELEASE)
        assert state_of(held) == "HELD"
        proposals.refuse(
            effects=effects.EFFECTS, proposal_id=proposal.pk, reason=WHY, by=office.approver, at=office.at()
        )
        assert state_of(held) == "HELD"
        assert dispatch.claim_to_send() is None

    def test_not_on_the_word_of_whoever_held_it(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        release.hold_batch(batch_id=batch.pk, by=office.approver, reason=WHY, at=office.at())
        with pytest.raises(OwnHold):
            let_go_on(office, batch)
        assert state_of(batch) == "HELD"
        assert Proposal.objects.get().state == "PROPOSED"  # nothing was half-written

    @pytest.mark.parametrize("hand", ["accountant", "preparer"])
    def test_not_on_the_word_of_the_same_human_under_another_login(
        self, office: Office, held: PayoutBatch, hand: str
    ) -> None:
        twin = make_staff(Role.APPROVER)
        User.objects.filter(pk=twin.pk).update(person_fingerprint=getattr(office, hand).person_fingerprint)
        twin.refresh_from_db()
        with pytest.raises(FourEyesViolation):
            let_go_on(office, held, by=twin)

    def test_not_on_the_word_of_one_alone(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        hold(office, batch)
        proposal = propose(office, batch, RELEASE, by=office.approver)
        with pytest.raises(OwnProposal):
            confirm(office, proposal)

    def test_for_officers_of_the_ward_with_a_reason(self, office: Office, held: PayoutBatch) -> None:
        for by in (make_staff(Role.AUDITOR), make_staff(Role.ADMINISTRATOR), make_staff(Role.APPROVER, unit="26740")):
            with pytest.raises(NotInAuthority):
                propose(office, held, RELEASE, by=by)
        for reason in ("", "ngắn", "  a        b  "):
            with pytest.raises(WrongInput):
                effects.propose_on_batch(
                    kind=RELEASE, batch_id=held.pk, reason=reason, by=office.accountant, at=office.at()
                )
        proposal = propose(office, held, RELEASE)
        for by in (office.preparer, make_staff(Role.ACCOUNTANT), make_staff(Role.APPROVER, unit="26740")):
            with pytest.raises(NotInAuthority):
                confirm(office, proposal, by=by)

    def test_once(self, office: Office, held: PayoutBatch) -> None:
        proposal = propose(office, held, RELEASE)
        with pytest.raises(ProposalOpen):
            propose(office, held, RELEASE, by=office.preparer)
        confirm(office, proposal)
        with pytest.raises(InvalidMove):
            confirm(office, proposal)
        with pytest.raises(InvalidMove):
            propose(office, held, RELEASE)

    def test_by_moves_that_the_database_knows(self, held: PayoutBatch) -> None:
        for state in ("SUBMITTED", "DRAFT", "CLOSED"):
            refused(
                f"UPDATE payments_payout_batch SET state = '{state}', held_from = '', held_by_id = NULL", by="HELD"
            )
        for state in ("DISPATCHING", "RESERVED", "APPROVED"):
            refused(
                f"UPDATE payments_payout_batch SET state = '{state}', held_from = '', held_by_id = NULL",
                by="payout_batch_released_by_two",
            )

    def test_by_a_word_that_is_newer_than_the_hold(self, office: Office, held: PayoutBatch) -> None:
        """Yesterday's confirmation does not open today's hold, whoever writes past the operation."""
        let_go_on(office, held)
        hold(office, held)
        refused(
            "UPDATE payments_payout_batch SET state = 'DISPATCHING', held_from = '', held_by_id = NULL",
            by="payout_batch_released_by_two",
        )
        proposal = Proposal.objects.get()
        refused("UPDATE payments_proposal SET proposed_at = now() WHERE id = %s", proposal.pk, by="proposal_frozen")

    def test_when_two_confirm_at_once_it_goes_on_once(self, committed: None) -> None:
        office = make_office()
        make_entitled(1)
        batch = hold(office, start(office, build_batch(office)))
        proposal = propose(office, batch, RELEASE)
        other = make_staff(Role.APPROVER)
        results = at_once(lambda: confirm(office, proposal).state, lambda: confirm(office, proposal, by=other).state)
        assert kinds(results) == ["CONFIRMED", "InvalidMove"]
        assert state_of(batch) == "DISPATCHING"
        assert AuditEvent.objects.filter(kind="batch.released").count() == 1


class TestAListThatIsNoLongerTheApprovedOne:
    CHANGES = {
        "an amount": "UPDATE payments_transfer SET instructed_amount = instructed_amount + 1",
        "the account's own row": "UPDATE beneficiaries_payout_account SET number_index = 'x' || id::text::bytea",
        "a chunk's hash": "UPDATE payments_dispatch_chunk SET list_hash = sha256('x')",
    }

    @pytest.mark.parametrize("what", CHANGES)
    def test_never_goes_on_while_it_differs(self, committed: None, superuser: Any, what: str) -> None:
        office = make_office()
        make_entitled(2)
        batch = start(office, build_batch(office))
        assert as_criminal(superuser, self.CHANGES[what]) >= 1
        with pytest.raises(dispatch.ListTampered):
            dispatch.claim_to_send()
        assert state_of(batch) == "HELD"
        alarm = Alarm.objects.get(code="batch.tampered")
        assert (alarm.subject_id, alarm.unit_code) == (str(batch.pk), batch.unit_id)
        with pytest.raises(ListChanged):
            propose(office, batch, RELEASE)

    def test_is_looked_at_again_by_the_confirmation(self, committed: None, superuser: Any) -> None:
        office = make_office()
        make_entitled(2)
        batch = hold(office, start(office, build_batch(office)))
        proposal = propose(office, batch, RELEASE)
        as_criminal(superuser, "UPDATE payments_transfer SET instructed_amount = instructed_amount + 1")
        with pytest.raises(ListChanged):
            confirm(office, proposal)
        assert state_of(batch) == "HELD"

    def test_goes_on_once_the_change_is_undone(self, committed: None, superuser: Any) -> None:
        office = make_office()
        make_entitled(2)
        batch = start(office, build_batch(office))
        as_criminal(superuser, "UPDATE payments_transfer SET instructed_amount = instructed_amount + 1")
        with pytest.raises(dispatch.ListTampered):
            dispatch.claim_to_send()
        as_criminal(superuser, "UPDATE payments_transfer SET instructed_amount = instructed_amount - 1")
        let_go_on(office, batch)
        gateway = FakeGateway()
        send_all(gateway)
        assert len(gateway.credits) == 2


class TestAListWhoseApproversLostTheirAuthority:
    @pytest.fixture
    def orphaned(self, office: Office) -> PayoutBatch:
        make_entitled(1)
        batch = approve(office, build_batch(office))
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        relieve(office)
        release.start_batch(batch_id=batch.pk, at=office.at())
        batch.refresh_from_db()
        assert (batch.state, batch.held_by) == ("HELD", None)
        assert Alarm.objects.get(code="batch.authority_lost").subject_id == str(batch.pk)
        return batch

    def test_does_not_go_on_without_enough_approvers(self, office: Office, orphaned: PayoutBatch) -> None:
        with pytest.raises(AuthorityLost):
            propose(office, orphaned, RELEASE)

    def test_goes_on_when_another_approver_has_approved_it_and_a_second_person_agrees(
        self, office: Office, orphaned: PayoutBatch
    ) -> None:
        one, other = make_staff(Role.APPROVER), make_staff(Role.APPROVER)
        seen = bytes(orphaned.list_hash or b"")
        approved = decide.approve_batch(batch_id=orphaned.pk, by=one, seen_hash=seen, at=office.at())
        assert not approved
        assert state_of(orphaned) == "HELD"  # an approval alone lets nothing go on
        let_go_on(office, orphaned, by=other)
        assert orphaned.state == "RESERVED"
        release.start_batch(batch_id=orphaned.pk, at=office.at())
        assert state_of(orphaned) == "DISPATCHING"

    def test_takes_no_further_approval_once_it_has_enough(self, office: Office, orphaned: PayoutBatch) -> None:
        seen = bytes(orphaned.list_hash or b"")
        decide.approve_batch(batch_id=orphaned.pk, by=make_staff(Role.APPROVER), seen_hash=seen, at=office.at())
        with pytest.raises(InvalidMove):
            decide.approve_batch(batch_id=orphaned.pk, by=make_staff(Role.APPROVER), seen_hash=seen, at=office.at())

    def test_takes_no_approval_of_its_maker_and_no_rejection(self, office: Office, orphaned: PayoutBatch) -> None:
        twin = make_staff(Role.APPROVER)
        User.objects.filter(pk=twin.pk).update(person_fingerprint=office.preparer.person_fingerprint)
        twin.refresh_from_db()
        seen = bytes(orphaned.list_hash or b"")
        with pytest.raises(FourEyesViolation):
            decide.approve_batch(batch_id=orphaned.pk, by=twin, seen_hash=seen, at=office.at())
        with pytest.raises(InvalidMove):
            decide.reject_batch(
                batch_id=orphaned.pk, by=make_staff(Role.APPROVER), seen_hash=seen, reason=WHY, at=office.at()
            )
