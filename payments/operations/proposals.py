"""Acts that need two persons: one proposes with a reason and, where it matters, a paper; another human confirms or refuses.

What a confirmation does stands with each act, as an `Effect`; it happens in the transaction that confirms, or not at all.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from foundation.audit.operations import record_event
from foundation.privacy.encryption import encrypt
from foundation.privacy.row_ids import allocate
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import EvidenceNeeded, InvalidMove, OwnProposal, ProposalOpen
from payments.models import EvidenceFile, Proposal
from payments.operations.acting import checked_reason, require
from payments.operations.second_person import decide
from payments.states import ProposalKind, ProposalState

CONTEXT = "evidence_file.content"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a proposal is about: `batch` 7 of ward 26743; no unit: a matter of the whole city."""

    kind: str
    id: int
    unit_code: str | None


@dataclass(frozen=True, slots=True)
class Paper:
    """A file as it was handed in, already found to be what it says it is."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Effect:
    """Who proposes and decides an act, what it needs, and what it does.

    `check` refuses a proposal that could not be carried out now; `apply` carries a confirmed one out. Both are inner steps: they
    lock what they change, in the order fund, batch, chunk, transfer, and raise a PaymentRefused.
    """

    proposed_with: Permission
    decided_with: Permission
    needs_evidence: bool
    check: Callable[[Proposal, User, datetime], None]
    apply: Callable[[Proposal, User, datetime], None]


@transaction.atomic(durable=True)
def propose(
    *,
    effects: Mapping[ProposalKind, Effect],
    kind: ProposalKind,
    subject: Subject,
    reason: str,
    by: User,
    at: datetime,
    outcome: str = "",
    details: dict[str, Any] | None = None,
    paper: Paper | None = None,
) -> Proposal:
    """Write down what `by` proposes; nothing else changes.

    Raises:
        NotInAuthority: `by` may not propose this there.
        WrongInput: As `checked_reason` says.
        EvidenceNeeded: The act needs a paper and there is none.
        ProposalOpen: Something is proposed for this subject already.
        PaymentRefused: As the act's own check says.
    """
    effect, reason = effects[kind], checked_reason(reason)
    require(by=by, permission=effect.proposed_with, unit_code=subject.unit_code, at=at)
    if effect.needs_evidence and paper is None:
        raise EvidenceNeeded
    proposal = Proposal(
        kind=kind,
        subject_kind=subject.kind,
        subject_id=subject.id,
        unit_id=subject.unit_code,
        outcome=outcome,
        details=details or {},
        reason=reason,
        proposed_by=by,
        proposed_by_person=by.person_fingerprint,
        proposed_at=at,
    )
    effect.check(proposal, by, at)
    proposal.evidence = _keep(paper, by=by, at=at) if paper else None
    try:
        with transaction.atomic():
            proposal.save()
    except IntegrityError as error:
        if "proposal_one_open_per_subject" in str(error):
            raise ProposalOpen from error
        raise
    _record(
        proposal,
        "proposed",
        by,
        {"reason": reason, "evidence": bytes(proposal.evidence.sha256).hex() if proposal.evidence else ""},
    )
    return proposal


@transaction.atomic(durable=True)
def confirm(*, effects: Mapping[ProposalKind, Effect], proposal_id: int, by: User, at: datetime) -> Proposal:
    """Another person says yes: the act is done in the same transaction.

    Raises:
        InvalidMove: It is decided already.
        NotInAuthority: `by` may not decide this there.
        OwnProposal: The same human proposed it.
        PaymentRefused: As the act itself refuses.
    """
    proposal, effect = _to_decide(effects, proposal_id, by, at)
    decide(proposal, state=ProposalState.CONFIRMED, by=by, at=at, own=OwnProposal)
    effect.apply(proposal, by, at)
    _record(proposal, "confirmed", by, {})
    return proposal


@transaction.atomic(durable=True)
def refuse(
    *, effects: Mapping[ProposalKind, Effect], proposal_id: int, reason: str, by: User, at: datetime
) -> Proposal:
    """Another person says no, and why; nothing else changes.

    Raises:
        InvalidMove, NotInAuthority, OwnProposal: As for `confirm`.
        WrongInput: As `checked_reason` says.
    """
    reason = checked_reason(reason)
    proposal, _ = _to_decide(effects, proposal_id, by, at)
    decide(proposal, state=ProposalState.REFUSED, by=by, at=at, reason=reason, own=OwnProposal)
    _record(proposal, "refused", by, {"reason": reason})
    return proposal


@transaction.atomic(durable=True)
def withdraw(*, proposal_id: int, by: User, at: datetime) -> Proposal:
    """Whoever proposed it takes it back.

    Raises:
        InvalidMove: It is decided already, or `by` did not propose it.
    """
    proposal = _lock(proposal_id)
    if not by.is_human_of(proposal.proposed_by_person):
        raise InvalidMove(proposal.state)
    decide(proposal, state=ProposalState.WITHDRAWN, by=by, at=at)
    _record(proposal, "withdrawn", by, {})
    return proposal


def _lock(proposal_id: int) -> Proposal:
    proposal = Proposal.objects.select_for_update(of=("self",), no_key=True).get(pk=proposal_id)
    if proposal.state != ProposalState.PROPOSED:
        raise InvalidMove(proposal.state)
    return proposal


def _to_decide(
    effects: Mapping[ProposalKind, Effect], proposal_id: int, by: User, at: datetime
) -> tuple[Proposal, Effect]:
    proposal = _lock(proposal_id)
    effect = effects[ProposalKind(proposal.kind)]
    require(by=by, permission=effect.decided_with, unit_code=proposal.unit_id, at=at)
    if by.is_human_of(proposal.proposed_by_person):
        raise OwnProposal
    return proposal, effect


def _keep(paper: Paper, *, by: User, at: datetime) -> EvidenceFile:
    file_id = allocate(EvidenceFile)[0]
    return EvidenceFile.objects.create(
        id=file_id,
        name=paper.name[:120],
        media_type=paper.media_type,
        size=len(paper.content),
        sha256=hashlib.sha256(paper.content).digest(),
        content_encrypted=encrypt(paper.content, context=CONTEXT, row_id=file_id),
        uploaded_by=by,
        uploaded_at=at,
    )


def _record(proposal: Proposal, what: str, by: User, payload: dict[str, Any]) -> None:
    record_event(
        kind=f"proposal.{what}",
        actor=by.actor,
        subject_kind=proposal.subject_kind,
        subject_id=proposal.subject_id,
        payload={"proposal": proposal.pk, "kind": proposal.kind, "outcome": proposal.outcome, **payload},
    )
