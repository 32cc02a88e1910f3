"""What waits for a second person: the list, the page of one proposal with all that its decision does, and the decision."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from foundation.gateway.codes import status_reason
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from payments import tasks
from payments.forms.batches import ReasonForm
from payments.models import Fund, PaymentsStop, PayoutBatch, Proposal, ReconciliationDifference, Recovery
from payments.operations.effects import EFFECTS
from payments.operations.letting_go_on import is_own_hold
from payments.operations.papers import may_read, read_paper
from payments.operations.proposals import confirm, refuse, withdraw
from payments.operations.remit import CLOSE
from payments.operations.standing import is_as_approved, standing_approvals
from payments.queries import batch_totals
from payments.queries.deciding import followers, may_be_paid_twice, proposals, subject_transfer, waiting_counts
from payments.queries.funds import effects_of_booking
from payments.queries.lists import place_of
from payments.statement_states import DifferenceOutcome
from payments.states import (
    REMIT_OF_ACCOUNT,
    TRANSFER_ENDED_UNPAID,
    BatchState,
    LedgerAccount,
    ProposalKind,
    ProposalState,
)

# Payments; a longer list is worked out anew when somebody asks for it, and always by the confirmation.
CHECKED_AT_ONCE = 20_000


def tabs(request: PortalRequest, tab: str) -> dict[str, Any]:
    """What the pages of this section share: the tabs with their counts. One query."""
    units = request.rights.units(Permission.VIEW_BATCHES)
    counts = waiting_counts(user=request.user, units=units)
    return {"tab": tab, "waiting": counts, "may_stop": Permission.HOLD_BATCH in request.rights}


@page(Permission.VIEW_BATCHES)
def waiting(request: PortalRequest) -> HttpResponse:
    """Proposals that wait, or the ones that are decided."""
    decided = request.GET.get("da-quyet-dinh") == "1"
    after = after_key(request)
    found = proposals(user=request.user, at=request.at, waiting=not decided, after=after)
    context = {
        "page": found,
        "decided": decided,
        "first": after is None,
        "query": "da-quyet-dinh=1" if decided else "",
    }
    return render(request, "deciding/proposals.html", tabs(request, "proposals") | context)


def find(request: PortalRequest, proposal_id: int) -> Proposal:
    """A proposal that the officer may see; strangers get 404."""
    found = Proposal.objects.visible_to(request.user, at=request.at)
    return get_object_or_404(found.select_related("unit", "proposed_by", "decided_by", "evidence"), pk=proposal_id)


@page(Permission.VIEW_BATCHES)
def proposal(request: PortalRequest, proposal_id: int) -> HttpResponse:
    """Who proposes what and why, what exactly will happen, and the paper."""
    return _show(request, find(request, proposal_id), ReasonForm())


def _show(request: PortalRequest, found: Proposal, form: ReasonForm) -> HttpResponse:
    effect = EFFECTS[ProposalKind(found.kind)]
    waits = found.state == ProposalState.PROPOSED
    own = request.user.is_human_of(found.proposed_by_person)
    facts = _FACTS[ProposalKind(found.kind)](request, found)
    decides = waits and request.rights.reaches(effect.decided_with, found.unit_id)
    context = {
        "proposal": found,
        "form": form,
        "own": own,
        "may_decide": decides and not own,
        "may_confirm": decides and not own and not facts.get("refusal"),
        "may_withdraw": waits and own,
        "may_read": bool(found.evidence_id) and may_read(proposal=found, by=request.user, at=request.at) is not None,
    }
    return render(request, "deciding/proposal.html", context | facts, status=422 if form.errors else 200)


def _of_batch(request: PortalRequest, found: Proposal) -> dict[str, Any]:
    batch = PayoutBatch.objects.select_related("fund", "unit", "prepared_by", "submitted_by", "held_by").get(
        pk=found.subject_id
    )
    totals = batch_totals(batch_id=batch.pk)
    facts: dict[str, Any] = {"batch": batch, "totals": totals}
    if found.kind == ProposalKind.RELEASE_BATCH and batch.state == BatchState.HELD:
        asked = batch.number_of_transactions <= CHECKED_AT_ONCE or "kiem-tra" in request.GET
        facts |= {
            "as_approved": is_as_approved(batch=batch) if asked else None,
            "standing": standing_approvals(batch=batch, at=request.at),
        }
        if is_own_hold(batch=batch, by=request.user):
            facts["refusal"] = _(
                "Người tạm dừng, lập hoặc trình danh sách không được tự cho chi tiếp. Cần một người khác."
            )
    return facts


def _of_transfer(request: PortalRequest, found: Proposal) -> dict[str, Any]:
    transfer = subject_transfer(found)
    since = followers(transfer)
    return {
        "transfer": transfer,
        "followers": since,
        "paid_twice": may_be_paid_twice(transfer, since),
        "may_recover": Permission.RECORD_FUNDING in request.rights,
        "place": place_of(transfer),
        "reason": status_reason(transfer.status_reason) if transfer.status_reason else None,
        "may_trace": request.rights.reaches(Permission.TRACE, found.unit_id),
        "bank_reference": found.details.get("bank_reference", ""),
        "books_again": transfer.state in TRANSFER_ENDED_UNPAID,
    }


def _of_stop(_request: PortalRequest, found: Proposal) -> dict[str, Any]:
    return {"stop": PaymentsStop.objects.select_related("stopped_by").get(pk=found.subject_id)}


def _of_fund(_request: PortalRequest, found: Proposal) -> dict[str, Any]:
    fund = Fund.objects.select_related("unit").get(pk=found.subject_id)
    account, amount = LedgerAccount(found.details["account"]), int(found.details["amount"])
    facts: dict[str, Any] = {
        "fund": fund,
        "account": account.label,
        "amount": amount,
        "closes": found.outcome == CLOSE,
    }
    if found.state == ProposalState.PROPOSED:
        facts["effects"] = effects_of_booking(fund=fund, kind=REMIT_OF_ACCOUNT[account], amount=amount)
        if any(effect.after < 0 for effect in facts["effects"]):
            facts["refusal"] = _(
                "Tài khoản không còn đủ số tiền này. Từ chối đề nghị rồi đề nghị lại với số tiền khác."
            )
    return facts


def _of_recovery(_request: PortalRequest, found: Proposal) -> dict[str, Any]:
    recovery = Recovery.objects.select_related("entitlement__person", "entitlement__programme_line")
    return {"recovery": recovery.get(pk=found.subject_id)}


def _of_difference(_request: PortalRequest, found: Proposal) -> dict[str, Any]:
    return {
        "difference": ReconciliationDifference.objects.get(pk=found.subject_id),
        "outcome": DifferenceOutcome(found.outcome).label,
    }


_FACTS: dict[ProposalKind, Callable[[PortalRequest, Proposal], dict[str, Any]]] = {
    ProposalKind.RELEASE_BATCH: _of_batch,
    ProposalKind.CANCEL_BATCH: _of_batch,
    ProposalKind.DECIDE_TRANSFER: _of_transfer,
    ProposalKind.RESUME_PAYMENTS: _of_stop,
    ProposalKind.REMIT_FUNDS: _of_fund,
    ProposalKind.DECIDE_DIFFERENCE: _of_difference,
    ProposalKind.STOP_RECOVERY: _of_recovery,
}


@page(Permission.VIEW_BATCHES, methods="POST")
def agree(request: PortalRequest, proposal_id: int) -> HttpResponse:
    """The second person says yes; the act is done."""
    found = find(request, proposal_id)
    confirm(effects=EFFECTS, proposal_id=found.pk, by=request.user, at=request.at)
    tasks.ring()
    messages.success(request, _("Đã đồng ý. Việc này đã được thực hiện."))
    return redirect("proposal", found.pk)


@page(Permission.VIEW_BATCHES, methods="POST")
def disagree(request: PortalRequest, proposal_id: int) -> HttpResponse:
    """The second person says no, and why."""
    found = find(request, proposal_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _show(request, found, form)
    reason = form.cleaned_data["reason"]
    refuse(effects=EFFECTS, proposal_id=found.pk, reason=reason, by=request.user, at=request.at)
    messages.success(request, _("Đã ghi nhận không đồng ý."))
    return redirect("proposal", found.pk)


@page(Permission.VIEW_BATCHES, methods="POST")
def take_back(request: PortalRequest, proposal_id: int) -> HttpResponse:
    """Whoever proposed it takes it back."""
    found = find(request, proposal_id)
    withdraw(proposal_id=found.pk, by=request.user, at=request.at)
    messages.success(request, _("Đã rút lại đề nghị."))
    return redirect("proposals")


@page(Permission.VIEW_BATCHES)
def paper(request: PortalRequest, proposal_id: int) -> HttpResponse:
    """The paper of a proposal, to take along; that it was read is written down."""
    found = find(request, proposal_id)
    try:
        file = read_paper(proposal_id=found.pk, by=request.user, at=request.at)
    except Proposal.DoesNotExist:
        raise Http404 from None
    answer = HttpResponse(file.content, content_type=file.media_type)
    answer["Content-Disposition"] = content_disposition_header(True, file.name) or "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer
