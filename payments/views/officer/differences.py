"""Differences: whose they are and since when, notes, and how they end, which takes two persons."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from payments import tasks
from payments.forms.reconciliation import CommentForm, DecisionForm, DifferencesForm, ProposalForm
from payments.models import Proposal, ReconciliationDifference
from payments.operations import differences as acts
from payments.operations import proposals
from payments.queries.reconciling import DifferenceFilter, differences_visible, three_way
from payments.statement_states import DifferenceKind, DifferenceOutcome, DifferenceState
from payments.states import ProposalState
from payments.views.officer.batch import find as find_batch
from payments.views.officer.batch import head


@page(Permission.VIEW_BATCHES)
def differences(request: PortalRequest) -> HttpResponse:
    """Differences of the units that the officer sees, the oldest first."""
    asked = {"state": request.GET.get("trang-thai", ""), "kind": request.GET.get("loai", "")}
    mine = request.GET.get("cua-toi") == "1"
    form = DifferencesForm(asked | {"mine": mine})
    form.is_valid()
    state, kind = form.cleaned_data.get("state") or "OPEN", form.cleaned_data.get("kind") or ""
    after = after_key(request)
    chosen = DifferenceFilter(
        state=None if state == "ALL" else DifferenceState(state),
        kind=DifferenceKind(kind) if kind else None,
        owner=request.user if mine else None,
    )
    kept = {"trang-thai": state if state != "OPEN" else "", "loai": kind, "cua-toi": "1" if mine else ""}
    context = {
        "page": differences_visible(user=request.user, at=request.at, chosen=chosen, after=after),
        "form": form,
        "state": state,
        "kind": kind,
        "mine": mine,
        "now": request.at,
        "query": urlencode({key: value for key, value in kept.items() if value}),
        "filtered": any(kept.values()),
        "first": after is None,
    }
    return render(request, "reconciliation/differences.html", context)


@page(Permission.VIEW_BATCHES)
def of_batch(request: PortalRequest, batch_id: int) -> HttpResponse:
    """A list by the three voices: ours, the bank's answers, its statements; and what does not agree."""
    batch = find_batch(request, batch_id)
    after = after_key(request)
    context = {
        "voices": three_way(batch=batch),
        "page": differences_visible(
            user=request.user, at=request.at, chosen=DifferenceFilter(state=None, batch_id=batch.pk), after=after
        ),
        "adjustments": list(batch.adjustments.select_related("transfer").order_by("-pk")[:50]),
        "now": request.at,
        "first": after is None,
    }
    return render(request, "batches/reconciliation.html", head(request, batch, "reconciliation") | context)


def _find(request: PortalRequest, difference_id: int) -> ReconciliationDifference:
    found = ReconciliationDifference.objects.visible_to(request.user, at=request.at)
    return get_object_or_404(
        found.select_related("unit", "owner", "transfer", "entry", "statement", "batch", "proposal"), pk=difference_id
    )


def _shown(request: PortalRequest, found: ReconciliationDifference, **forms: Any) -> dict[str, Any]:
    may = request.rights.reaches
    waiting = Proposal.objects.filter(
        subject_kind=acts.SUBJECT, subject_id=found.pk, state=ProposalState.PROPOSED
    ).select_related("proposed_by")
    proposal = waiting.first()
    is_open = found.state == DifferenceState.OPEN
    reconciles = is_open and may(Permission.RECONCILE, found.unit_id)
    own = proposal is not None and request.user.is_human_of(proposal.proposed_by_person)
    return {
        "found": found,
        "now": request.at,
        "comments": found.comments.select_related("written_by").order_by("pk"),
        "proposal": proposal,
        "outcome": DifferenceOutcome(proposal.outcome).label if proposal else "",
        "may_take": reconciles and found.owner_id != request.user.pk,
        "may_comment": reconciles,
        "may_propose": reconciles and proposal is None,
        "may_withdraw": own,
        "may_decide": bool(proposal) and not own and may(Permission.DECIDE_DIFFERENCE, found.unit_id),
        "may_trace": Permission.TRACE in request.rights,
        "comment_form": CommentForm(prefix="note"),
        "proposal_form": ProposalForm(prefix="end", kind=found.kind),
        "decision_form": DecisionForm(prefix="no"),
    } | forms


@page(Permission.VIEW_BATCHES)
def difference(request: PortalRequest, difference_id: int) -> HttpResponse:
    """One difference: what each side says, whose it is, what was found out, how it ends."""
    return render(request, "reconciliation/difference.html", _shown(request, _find(request, difference_id)))


@page(Permission.RECONCILE, methods="POST")
def take(request: PortalRequest, difference_id: int) -> HttpResponse:
    """Take a difference over."""
    found = _find(request, difference_id)
    acts.take_over(difference_id=found.pk, by=request.user, at=request.at)
    messages.success(request, _("Ông, bà đã nhận xử lý chênh lệch này."))
    return redirect("difference", found.pk)


@page(Permission.RECONCILE, methods="POST")
def comment(request: PortalRequest, difference_id: int) -> HttpResponse:
    """Write a note down."""
    found = _find(request, difference_id)
    form = CommentForm(request.POST, prefix="note")
    if not form.is_valid():
        return _again(request, found, comment_form=form, form=form)
    acts.comment(difference_id=found.pk, text=form.cleaned_data["text"], by=request.user, at=request.at)
    return redirect("difference", found.pk)


@page(Permission.RECONCILE, methods="POST")
def propose(request: PortalRequest, difference_id: int) -> HttpResponse:
    """Propose how a difference ends."""
    found = _find(request, difference_id)
    form = ProposalForm(request.POST, prefix="end", kind=found.kind)
    if not form.is_valid():
        return _again(request, found, proposal_form=form, form=form)
    acts.propose_decision(
        difference_id=found.pk,
        outcome=DifferenceOutcome(form.cleaned_data["outcome"]),
        reason=form.cleaned_data["reason"],
        end_to_end_id=form.cleaned_data.get("end_to_end_id", ""),
        by=request.user,
        at=request.at,
    )
    messages.success(request, _("Đã đề nghị kết luận. Cần người phê duyệt đồng ý."))
    return redirect("difference", found.pk)


@page(Permission.RECONCILE, methods="POST")
def withdraw(request: PortalRequest, difference_id: int) -> HttpResponse:
    """Take one's own proposal back."""
    found = _find(request, difference_id)
    proposals.withdraw(proposal_id=_waiting(found).pk, by=request.user, at=request.at)
    return redirect("difference", found.pk)


@page(Permission.DECIDE_DIFFERENCE, methods="POST")
def decide(request: PortalRequest, difference_id: int) -> HttpResponse:
    """Another person says yes, and the difference is closed; or no, and why."""
    found = _find(request, difference_id)
    waiting = _waiting(found)
    if "agree" in request.POST:
        proposals.confirm(effects=acts.DIFFERENCE_EFFECTS, proposal_id=waiting.pk, by=request.user, at=request.at)
        tasks.ring()
        messages.success(request, _("Đã đồng ý. Chênh lệch đã có kết luận."))
        return redirect("difference", found.pk)
    form = DecisionForm(request.POST, prefix="no")
    if not form.is_valid():
        return _again(request, found, decision_form=form, form=form)
    proposals.refuse(
        effects=acts.DIFFERENCE_EFFECTS,
        proposal_id=waiting.pk,
        reason=form.cleaned_data["reason"],
        by=request.user,
        at=request.at,
    )
    messages.success(request, _("Đã không đồng ý. Chênh lệch vẫn mở."))
    return redirect("difference", found.pk)


def _waiting(found: ReconciliationDifference) -> Proposal:
    return get_object_or_404(Proposal, subject_kind=acts.SUBJECT, subject_id=found.pk, state=ProposalState.PROPOSED)


def _again(request: PortalRequest, found: ReconciliationDifference, **forms: Any) -> HttpResponse:
    return render(request, "reconciliation/difference.html", _shown(request, found, **forms), status=422)
