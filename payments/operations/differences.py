"""What people do about a difference: take it over, write down what they find, and decide, which takes two of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from foundation.audit.operations import record_event
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import DifferenceClosed, NoSuchPayment, WrongInput
from payments.models import (
    DifferenceComment,
    DispatchChunk,
    Proposal,
    ReconciliationDifference,
    StatementEntry,
    Transfer,
)
from payments.operations import proposals, suspense
from payments.operations.acting import checked_reason, require
from payments.operations.match_statements import lock_funds
from payments.operations.proposals import Effect, Paper, Subject
from payments.operations.take_up import count_matched
from payments.statement_states import BY_PEOPLE, DifferenceKind, DifferenceOutcome, DifferenceState, MatchedHow
from payments.states import ProposalKind, Route

SUBJECT = "difference"


def _lock(difference_id: int) -> ReconciliationDifference:
    found = ReconciliationDifference.objects.select_for_update(of=("self",), no_key=True).get(pk=difference_id)
    if found.state != DifferenceState.OPEN:
        raise DifferenceClosed
    return found


@transaction.atomic(durable=True)
def take_over(*, difference_id: int, by: User, at: datetime) -> None:
    """From now on `by` takes care of it; whoever did so before is relieved.

    Raises:
        DifferenceClosed: It is decided already.
        NotInAuthority: `by` does not reconcile there.
    """
    found = _lock(difference_id)
    require(by=by, permission=Permission.RECONCILE, unit_code=found.unit_id, at=at)
    found.owner, found.taken_at = by, at
    found.save(update_fields=["owner", "taken_at"])
    record_event(kind="difference.taken", actor=by.actor, subject_kind=SUBJECT, subject_id=found.pk)


@transaction.atomic(durable=True)
def comment(*, difference_id: int, text: str, by: User, at: datetime) -> DifferenceComment:
    """Write down what was found out; it stays.

    Raises:
        DifferenceClosed: It is decided already.
        NotInAuthority: `by` does not reconcile there.
        WrongInput: As `checked_reason` says.
    """
    text = checked_reason(text)
    found = _lock(difference_id)
    require(by=by, permission=Permission.RECONCILE, unit_code=found.unit_id, at=at)
    return DifferenceComment.objects.create(difference=found, text=text, written_by=by, written_at=at)


def propose_decision(
    *,
    difference_id: int,
    outcome: DifferenceOutcome,
    reason: str,
    by: User,
    at: datetime,
    end_to_end_id: str = "",
    paper: Paper | None = None,
) -> Proposal:
    """Propose how a difference ends; another person confirms. With MATCHED, `end_to_end_id` names the payment that an entry is.

    Raises:
        DifferenceClosed: It is decided already.
        NoSuchPayment: The payment that is named cannot be the entry's.
        PaymentRefused: As `proposals.propose` says.
    """
    found = ReconciliationDifference.objects.get(pk=difference_id)
    return proposals.propose(
        effects=DIFFERENCE_EFFECTS,
        kind=ProposalKind.DECIDE_DIFFERENCE,
        subject=Subject(SUBJECT, found.pk, found.unit_id),
        outcome=outcome,
        details={"end_to_end_id": end_to_end_id.strip().replace("-", "").lower()} if end_to_end_id else {},
        reason=reason,
        by=by,
        at=at,
        paper=paper,
    )


def _check(proposal: Proposal, _by: User, _at: datetime) -> None:
    found = _lock(proposal.subject_id)
    if proposal.outcome not in BY_PEOPLE:
        raise WrongInput("outcome")
    if proposal.outcome == DifferenceOutcome.MATCHED:
        _named_payment(found, proposal.details.get("end_to_end_id", ""))


def _apply(proposal: Proposal, _by: User, at: datetime) -> None:
    """Close the difference; tie its entry to the payment that is named; let go of its money in suspense."""
    account = ReconciliationDifference.objects.values_list("account", flat=True).get(pk=proposal.subject_id)
    with connection.cursor() as cursor:
        lock_funds(cursor, account=account)
        found = _lock(proposal.subject_id)
        if proposal.outcome == DifferenceOutcome.MATCHED:
            _tie(cursor, found, _named_payment(found, proposal.details.get("end_to_end_id", "")), at)
        found.state, found.outcome = DifferenceState.CLOSED, proposal.outcome
        found.proposal, found.closed_at = proposal, at
        found.save(update_fields=["state", "outcome", "proposal", "closed_at"])
        suspense.clear(cursor, difference_ids=[found.pk])
    record_event(
        kind="difference.decided",
        actor=proposal.proposed_by.actor,
        subject_kind=SUBJECT,
        subject_id=found.pk,
        payload={"outcome": found.outcome, "kind": found.kind, "proposal": proposal.pk},
    )


DIFFERENCE_EFFECTS: Mapping[ProposalKind, Effect] = {
    ProposalKind.DECIDE_DIFFERENCE: Effect(
        proposed_with=Permission.RECONCILE,
        decided_with=Permission.DECIDE_DIFFERENCE,
        needs_evidence=False,
        check=_check,
        apply=_apply,
    )
}


def _named_payment(found: ReconciliationDifference, end_to_end_id: str) -> Transfer:
    """The payment that an unknown debit is said to be: of the same account and sum, paid, and shown by no statement yet."""
    if found.kind != DifferenceKind.UNKNOWN_TO_US or found.entry is None or found.entry.direction != "DBIT":
        raise NoSuchPayment
    payment = Transfer.objects.filter(
        end_to_end_id=end_to_end_id,
        route=Route.GATEWAY,
        instructed_amount=found.entry.amount,
        batch__fund__debtor_account=found.account,
        state__in=["SETTLED", "RETURNED"],
    ).first()
    shown = payment and StatementEntry.objects.filter(transfer=payment, direction="DBIT", superseded_by=None).exists()
    if payment is None or shown:
        raise NoSuchPayment
    return payment


def _tie(cursor: Any, found: ReconciliationDifference, payment: Transfer, at: datetime) -> None:
    list(DispatchChunk.objects.select_for_update(of=("self",), no_key=True).filter(pk=payment.chunk_id))
    StatementEntry.objects.filter(differences=found, transfer=None).update(
        transfer=payment, matched_how=MatchedHow.PERSON, applied_at=at
    )
    ReconciliationDifference.objects.filter(
        kind=DifferenceKind.MISSING_IN_STATEMENT, transfer=payment, state=DifferenceState.OPEN
    ).update(state=DifferenceState.CLOSED, outcome=DifferenceOutcome.FOUND, closed_at=at)
    count_matched(cursor, chunk_ids=[payment.chunk_id])
