"""One batch: its figures and how it is getting on, who is in it, who is not, what changed, and what happened to it."""

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from payments.forms.batches import TransferFilter
from payments.models import PayoutBatch
from payments.operations.decide import takes_approvals
from payments.queries import (
    Change,
    batch_progress,
    batch_transfers,
    comparison,
    comparison_rows,
    excluded_counts,
    excluded_lines,
    fund_shortfall,
    largest_changes,
)
from payments.queries.batch_log import batch_log
from payments.queries.deciding import open_proposal
from payments.queries.progress import BatchProgress, Group
from payments.states import (
    BATCH_CANCELLABLE,
    BATCH_HOLDABLE,
    BATCH_WITHDRAWABLE,
    BatchState,
    ExclusionReason,
    Route,
    TransferState,
)
from payments.templatetags.payout import group_colour

B = BatchState
MOVES_BY_ITSELF = (B.BUILDING, B.APPROVED, B.RESERVED, B.DISPATCHING, B.CANCELLING)
MOVING = (Group.WAITING, Group.AT_BANK)  # cash waits for people, who do not come within minutes


def find(request: PortalRequest, batch_id: int) -> PayoutBatch:
    """A batch that the officer may see; strangers get 404."""
    found: QuerySet[PayoutBatch] = PayoutBatch.objects.visible_to(request.user, at=request.at)
    return get_object_or_404(
        found.select_related("fund", "unit", "prepared_by", "submitted_by", "held_by"), pk=batch_id
    )


def shown_token(batch: PayoutBatch) -> str:
    """What a form was made from: a batch that has moved on since answers to no old page."""
    return (
        f"{batch.state}-{batch.number_of_transactions}-{batch.control_sum}-{batch.number_excluded}-{batch.held_reason}"
    )


def has_decided(request: PortalRequest, batch: PayoutBatch) -> bool:
    """Whether the officer has said yes or no to this list already."""
    return batch.approvals.filter(person_fingerprint=request.user.person_fingerprint).exists()


def head(request: PortalRequest, batch: PayoutBatch, tab: str) -> dict[str, Any]:
    """What every page of a batch shows: name, state, tabs, and the acts that are open to this officer."""
    may, unit = request.rights.reaches, batch.unit_id
    prepares, approves = may(Permission.PREPARE_BATCH, unit), may(Permission.APPROVE_BATCH, unit)
    decides = approves and takes_approvals(batch=batch, at=request.at)
    own_list = decides and batch.is_list_of(request.user)
    waits = open_proposal(kind="batch", subject_id=batch.pk) if batch.state in BATCH_CANCELLABLE else None
    proposes = may(Permission.PROPOSE_ACT, unit) and waits is None
    return {
        "batch": batch,
        "tab": tab,
        "may_submit": prepares and batch.state == B.DRAFT,
        "may_withdraw": prepares and batch.state in BATCH_WITHDRAWABLE,
        "may_decide": decides and not own_list and not has_decided(request, batch),
        "own_list": own_list,
        "may_reject": batch.state == B.SUBMITTED,
        "proposal": waits,
        "may_release": batch.state == B.HELD and proposes,
        "may_cancel": batch.state in BATCH_CANCELLABLE and proposes,
        "paid_by": set(batch.chunks.values_list("route", flat=True).distinct().order_by()),
        "may_hold": batch.state in BATCH_HOLDABLE and may(Permission.HOLD_BATCH, unit),
    }


def _moves(request: PortalRequest, batch: PayoutBatch, progress: BatchProgress) -> bool:
    """Whether looking again in two seconds may show something new."""
    if batch.state == B.DISPATCHING:
        return any(group.group in MOVING for group in progress.groups)
    if batch.state == B.RESERVED:
        return batch.requested_execution_date <= request.at.astimezone(CITY_TIME).date()
    return batch.state in MOVES_BY_ITSELF


@page(Permission.VIEW_BATCHES)
def summary(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Figures and progress; the page that follows asks for the progress alone, and is begun anew when the state changes."""
    batch = find(request, batch_id)
    progress = batch_progress(batch=batch, at=request.at)
    context = {
        "batch": batch,
        "progress": progress,
        "moves": _moves(request, batch, progress),
        "shortfall": fund_shortfall(batch=batch) if batch.state == B.APPROVED else 0,
        "may_see_fund": request.rights.reaches(Permission.VIEW_BATCHES, batch.fund.unit_id),
        "future": batch.requested_execution_date > request.at.astimezone(CITY_TIME).date(),
        "drawn": _drawn(progress),
    }
    if request.htmx:
        answer = render(request, "batches/_progress.html", context)
        if request.GET.get("tu") != batch.state:
            answer["HX-Refresh"] = "true"
        return answer
    if batch.state != B.BUILDING:
        context |= {"comparison": comparison(batch=batch), "largest": largest_changes(batch=batch, limit=10)}
    context["approvals"] = batch.approvals.select_related("decided_by", "role_assignment__unit").order_by("id")
    return render(request, "batches/summary.html", head(request, batch, "summary") | context)


def _drawn(progress: BatchProgress) -> dict[str, int]:
    """The money of the groups by the colours of the bar."""
    sums: Counter[str] = Counter()
    for group in progress.groups:
        sums[group_colour(group.group)] += group.part.amount
    return dict(sums)


@page(Permission.VIEW_BATCHES)
def transfers(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Who is paid, how and how much."""
    batch = find(request, batch_id)
    asked = {"name": request.GET.get("ten"), "route": request.GET.get("cach"), "state": request.GET.get("trang-thai")}
    form = TransferFilter(asked)
    form.is_valid()
    name, route, state = (form.cleaned_data.get(key) or "" for key in ("name", "route", "state"))
    after = after_key(request)
    found = batch_transfers(
        batch=batch,
        states=[TransferState(state)] if state else [],
        route=Route(route) if route else None,
        name=name,
        after=after,
    )
    kept = {"ten": name, "cach": route, "trang-thai": state}
    context = {
        "page": found,
        "form": form,
        "chosen": kept,
        "state": state,
        "may_see_payees": request.rights.reaches(Permission.VIEW_REGISTER, batch.unit_id),
        "filtered": any(kept.values()),
        "query": urlencode({key: value for key, value in kept.items() if value}),
        "first": after is None,
    }
    return render(request, "batches/transfers.html", head(request, batch, "transfers") | context)


@page(Permission.VIEW_BATCHES)
def excluded(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Who is owed something and is not paid in this batch, with the reason, which says what to do."""
    batch = find(request, batch_id)
    asked = request.GET.get("ly-do", "")
    reason = ExclusionReason(asked) if asked in ExclusionReason.values else None
    after = after_key(request)
    context = {
        "page": excluded_lines(batch=batch, reason=reason, after=after),
        "counts": excluded_counts(batch=batch),
        "reason": reason,
        "first": after is None,
    }
    return render(request, "batches/excluded.html", head(request, batch, "excluded") | context)


@page(Permission.VIEW_BATCHES)
def changes(request: PortalRequest, batch_id: int) -> HttpResponse:
    """The list beside the last one that was paid: who is new, who is gone, whose amount or account changed."""
    batch = find(request, batch_id)
    compared = comparison(batch=batch)
    context: dict[str, Any] = {"comparison": compared, "first": True}
    if compared is not None and compared.former is not None:
        sums = [(kind, getattr(compared, kind.value.lower())) for kind in Change]
        asked = request.GET.get("loai", "")
        kind = (
            Change(asked) if asked in Change.values else next((kind for kind, sum_ in sums if sum_.count), Change.NEW)
        )
        after = after_key(request)
        context |= {
            "sums": sums,
            "kind": kind,
            "page": comparison_rows(batch=batch, kind=kind, after=after),
            "first": after is None,
        }
    return render(request, "batches/changes.html", head(request, batch, "changes") | context)


@page(Permission.VIEW_BATCHES)
def log(request: PortalRequest, batch_id: int) -> HttpResponse:
    """What happened to the batch, newest first."""
    batch = find(request, batch_id)
    after = after_key(request)
    context = {"page": batch_log(batch=batch, after=after), "first": after is None}
    return render(request, "batches/log.html", head(request, batch, "log") | context)
