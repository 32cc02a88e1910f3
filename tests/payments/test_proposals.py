"""One table for acts of two persons: what the database itself holds, whoever writes, and what races leave behind."""

from typing import Any

import pytest

from foundation.audit.models import AuditEvent
from foundation.privacy.encryption import DecryptionFailed
from foundation.users.models import User
from foundation.users.roles import Role
from payments.errors import InvalidMove, OwnProposal, ProposalOpen
from payments.models import EvidenceFile, PayoutBatch, Proposal, Transfer
from payments.operations import effects, papers, proposals, release
from payments.states import ProposalKind, TransferState
from tests.factories import Office, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.deciding import GO, WHY, confirm, propose, propose_decision
from tests.payments.helpers import as_criminal, at_once, kinds, refused, run, send_all, state_of

CANCEL = ProposalKind.CANCEL_BATCH
DECIDED = (
    "UPDATE payments_proposal SET state = %s, decided_by_id = %s, decided_at = now(), decision_reason = 'x', "
    "decided_by_person = (SELECT person_fingerprint FROM users_user WHERE id = %s)"
)


@pytest.fixture
def batch(office: Office) -> PayoutBatch:
    make_entitled(1)
    return start(office, build_batch(office))


@pytest.fixture
def proposal(office: Office, batch: PayoutBatch) -> Proposal:
    return propose(office, batch, CANCEL)


class TestWhatTheDatabaseHolds:
    @pytest.mark.parametrize("state", ["CONFIRMED", "REFUSED"])
    def test_nobody_decides_what_he_proposed(self, office: Office, proposal: Proposal, state: str) -> None:
        own = office.accountant.pk
        refused(DECIDED, state, own, own, by="proposal_decided_by_second_person")

    def test_nor_under_a_second_login(self, office: Office, proposal: Proposal) -> None:
        twin = make_staff(Role.APPROVER)
        User.objects.filter(pk=twin.pk).update(person_fingerprint=office.accountant.person_fingerprint)
        twin.refresh_from_db()
        refused(DECIDED, "CONFIRMED", twin.pk, twin.pk, by="proposal_decided_by_second_person")
        with pytest.raises(OwnProposal):
            confirm(office, proposal, by=twin)

    def test_a_human_is_who_the_users_table_says(self, office: Office, proposal: Proposal) -> None:
        refused(DECIDED, "CONFIRMED", office.accountant.pk, office.approver.pk, by="proposal_by_known_humans")
        User.objects.filter(pk=office.approver.pk).update(is_active=False)
        refused(DECIDED, "CONFIRMED", office.approver.pk, office.approver.pk, by="proposal_by_known_humans")

    def test_only_whoever_proposed_takes_it_back(self, office: Office, proposal: Proposal) -> None:
        other = office.approver.pk
        refused(DECIDED, "WITHDRAWN", other, other, by="proposal_decided_by_second_person")
        with pytest.raises(InvalidMove):
            proposals.withdraw(proposal_id=proposal.pk, by=office.approver, at=office.at())
        proposals.withdraw(proposal_id=proposal.pk, by=office.accountant, at=office.at())

    def test_nobody_decides_without_a_name_and_a_moment(self, proposal: Proposal) -> None:
        refused("UPDATE payments_proposal SET state = 'CONFIRMED'", by="proposal_decided_by_second_person")

    @pytest.mark.parametrize(
        "change", ["reason = 'khác'", "outcome = 'SETTLED'", "details = '{\"x\": 1}'", "subject_id = subject_id + 1",
                   "kind = 'RELEASE_BATCH'", "unit_id = NULL"],
    )  # fmt: skip
    def test_what_is_confirmed_is_what_was_read(self, proposal: Proposal, change: str) -> None:
        refused(f"UPDATE payments_proposal SET {change}", by="proposal_frozen")

    def test_what_was_decided_stays_decided(self, office: Office, batch: PayoutBatch, proposal: Proposal) -> None:
        confirm(office, proposal)
        refused("UPDATE payments_proposal SET decision_reason = 'khác'", by="proposal_verdict_frozen")
        refused("UPDATE payments_proposal SET state = 'PROPOSED'", by="proposal_moves")
        refused("DELETE FROM payments_proposal", by="Cannot delete")

    def test_one_waits_for_a_subject_at_a_time(self, office: Office, batch: PayoutBatch, proposal: Proposal) -> None:
        with pytest.raises(ProposalOpen):
            propose(office, batch, CANCEL, by=office.preparer)
        proposals.refuse(
            effects=effects.EFFECTS, proposal_id=proposal.pk, reason=WHY, by=office.approver, at=office.at()
        )
        propose(office, batch, CANCEL, by=office.preparer)

    def test_a_paper_is_never_changed_nor_removed(self, office: Office, batch: PayoutBatch) -> None:
        send_all(FakeGateway(status="RJCT", reason="FRAD"))
        propose_decision(office, Transfer.objects.get(), TransferState.REJECTED)
        refused("UPDATE payments_evidence_file SET name = 'x'", by="permission denied")
        refused("DELETE FROM payments_evidence_file", by="permission denied")


class TestRaces:
    @pytest.fixture
    def desk(self, committed: None) -> Office:
        return make_office()

    def test_two_proposals_at_once_are_one(self, desk: Office) -> None:
        make_entitled(1)
        batch = start(desk, build_batch(desk))
        results = at_once(
            lambda: propose(desk, batch, CANCEL).state, lambda: propose(desk, batch, CANCEL, by=desk.preparer).state
        )
        assert kinds(results) == ["PROPOSED", "ProposalOpen"]
        assert Proposal.objects.count() == 1

    def test_yes_and_no_at_once_are_one_decision(self, desk: Office) -> None:
        make_entitled(1)
        batch = start(desk, build_batch(desk))
        proposal, other = propose(desk, batch, CANCEL), make_staff(Role.APPROVER)
        results = at_once(
            lambda: confirm(desk, proposal).state,
            lambda: (
                proposals.refuse(
                    effects=effects.EFFECTS, proposal_id=proposal.pk, reason=GO, by=other, at=desk.at()
                ).state
            ),
        )
        decided = Proposal.objects.get().state
        assert kinds(results) == sorted([decided, "InvalidMove"])
        assert state_of(batch) == ("CANCELLING" if decided == "CONFIRMED" else "DISPATCHING")

    def test_a_confirmation_that_cannot_be_carried_out_leaves_the_proposal_open(self, desk: Office) -> None:
        make_entitled(1)
        batch = start(desk, build_batch(desk))
        proposal = propose(desk, batch, CANCEL)
        send_all(FakeGateway())
        release.drain_batches()
        with pytest.raises(InvalidMove):
            confirm(desk, proposal)
        assert Proposal.objects.get().state == "PROPOSED"
        assert not AuditEvent.objects.filter(kind="proposal.confirmed").exists()

    def test_a_paper_moved_to_another_row_does_not_open(self, desk: Office, superuser: Any) -> None:
        make_entitled(2)
        start(desk, build_batch(desk))
        send_all(FakeGateway(status="RJCT", reason="FRAD"))
        made = [
            propose_decision(desk, transfer, TransferState.REJECTED) for transfer in Transfer.objects.order_by("id")
        ]
        swapped = as_criminal(
            superuser,
            "UPDATE payments_evidence_file a SET content_encrypted = o.content_encrypted FROM payments_evidence_file o "
            "WHERE o.id <> a.id",
        )
        assert swapped == EvidenceFile.objects.count() == 2
        with pytest.raises(DecryptionFailed):
            papers.read_paper(proposal_id=made[0].pk, by=desk.approver, at=desk.at())
        assert run("SELECT 1 FROM privacy_data_access WHERE subject_kind = 'evidence'") == 0
