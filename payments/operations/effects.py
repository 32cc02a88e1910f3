"""The acts that need two persons, each with who proposes, who decides, whether a paper is needed, and what is done."""

from collections.abc import Mapping
from datetime import datetime

from foundation.users.models import User
from foundation.users.roles import Permission
from payments.models import PaymentsStop, PayoutBatch, Proposal, Transfer
from payments.operations.cancelling import apply_cancel, check_cancel
from payments.operations.differences import DIFFERENCE_EFFECTS
from payments.operations.letting_go_on import apply_release, check_release
from payments.operations.money_effects import MONEY_EFFECTS
from payments.operations.proposals import Effect, Paper, Subject, propose
from payments.operations.reviewing import apply_decision, check_decision
from payments.operations.stopping import apply_resume, check_resume
from payments.states import ProposalKind

EFFECTS: Mapping[ProposalKind, Effect] = {
    ProposalKind.RELEASE_BATCH: Effect(
        proposed_with=Permission.PROPOSE_ACT,
        decided_with=Permission.APPROVE_BATCH,
        needs_evidence=False,
        check=check_release,
        apply=apply_release,
    ),
    ProposalKind.CANCEL_BATCH: Effect(
        proposed_with=Permission.PROPOSE_ACT,
        decided_with=Permission.APPROVE_BATCH,
        needs_evidence=False,
        check=check_cancel,
        apply=apply_cancel,
    ),
    ProposalKind.DECIDE_TRANSFER: Effect(
        proposed_with=Permission.PROPOSE_ACT,
        decided_with=Permission.APPROVE_BATCH,
        needs_evidence=True,
        check=check_decision,
        apply=apply_decision,
    ),
    **MONEY_EFFECTS,
    **DIFFERENCE_EFFECTS,
    # A matter of the whole city: only roles that reach all of it count.
    ProposalKind.RESUME_PAYMENTS: Effect(
        proposed_with=Permission.RESUME_PAYMENTS,
        decided_with=Permission.RESUME_PAYMENTS,
        needs_evidence=False,
        check=check_resume,
        apply=apply_resume,
    ),
}


def propose_on_batch(*, kind: ProposalKind, batch_id: int, reason: str, by: User, at: datetime) -> Proposal:
    """Propose to let a held list go on, or to cancel a list. Raises as `propose` and the act's check do."""
    unit_code = PayoutBatch.objects.values_list("unit_id", flat=True).get(pk=batch_id)
    subject = Subject("batch", batch_id, unit_code)
    return propose(effects=EFFECTS, kind=kind, subject=subject, reason=reason, by=by, at=at)


def propose_decision(
    *, transfer_id: int, outcome: str, bank_reference: str, paper: Paper | None, reason: str, by: User, at: datetime
) -> Proposal:
    """Propose what becomes of a payment in review, or which of the bank's words stands. Raises as `propose` and the check do."""
    unit_code = Transfer.objects.values_list("batch__unit_id", flat=True).get(pk=transfer_id)
    reference = bank_reference.strip()
    return propose(
        effects=EFFECTS,
        kind=ProposalKind.DECIDE_TRANSFER,
        subject=Subject("transfer", transfer_id, unit_code),
        outcome=outcome,
        details={"bank_reference": reference} if reference else {},
        paper=paper,
        reason=reason,
        by=by,
        at=at,
    )


def propose_resumption(*, stop: PaymentsStop, reason: str, by: User, at: datetime) -> Proposal:
    """Propose that payments go on in the whole city. Raises as `propose` and the act's check do."""
    subject = Subject("stop", stop.pk, None)
    return propose(effects=EFFECTS, kind=ProposalKind.RESUME_PAYMENTS, subject=subject, reason=reason, by=by, at=at)
