"""Acts of two persons, as the tests of this folder take them: somebody proposes, another human confirms."""

from foundation.users.models import User
from payments.models import PaymentsStop, PayoutBatch, Proposal, Transfer
from payments.operations import effects, papers, proposals, stopping
from payments.states import ProposalKind, TransferState
from tests.factories import Office

WHY, GO = "Nghi trùng người nhận", "Đã đối chiếu, không trùng"
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def paper(name: str = "cong van.pdf", content: bytes = PDF) -> proposals.Paper:
    return papers.take_paper(name=name, content=content)


def propose(office: Office, batch: PayoutBatch, kind: ProposalKind, *, by: User | None = None) -> Proposal:
    return effects.propose_on_batch(
        kind=kind, batch_id=batch.pk, reason=GO, by=by or office.accountant, at=office.at()
    )


def confirm(office: Office, proposal: Proposal, *, by: User | None = None) -> Proposal:
    return proposals.confirm(
        effects=effects.EFFECTS, proposal_id=proposal.pk, by=by or office.approver, at=office.at()
    )


def let_go_on(office: Office, batch: PayoutBatch, *, by: User | None = None) -> None:
    """The accountant proposes, the approver (or `by`) confirms."""
    confirm(office, propose(office, batch, ProposalKind.RELEASE_BATCH), by=by)
    batch.refresh_from_db()


def cancel(office: Office, batch: PayoutBatch) -> None:
    confirm(office, propose(office, batch, ProposalKind.CANCEL_BATCH))
    batch.refresh_from_db()


def propose_decision(
    office: Office,
    transfer: Transfer,
    outcome: TransferState,
    *,
    reference: str = "",
    evidence: proposals.Paper | None = None,
    by: User | None = None,
) -> Proposal:
    return effects.propose_decision(
        transfer_id=transfer.pk,
        outcome=outcome,
        bank_reference=reference,
        paper=evidence or paper(),
        reason=GO,
        by=by or office.accountant,
        at=office.at(),
    )


def decide(office: Office, transfer: Transfer, outcome: TransferState, *, reference: str = "") -> None:
    confirm(office, propose_decision(office, transfer, outcome, reference=reference))
    transfer.refresh_from_db()


def stop(office: Office, *, by: User | None = None) -> PaymentsStop:
    return stopping.stop_payments(by=by or office.accountant, reason=WHY, at=office.at())
