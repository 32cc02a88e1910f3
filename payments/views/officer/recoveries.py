"""Taking back what was paid in error: what there is, a new decision, the second person's word, what came back, and letting go."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from payments.errors import AlreadyDecided, WrongInput
from payments.forms.funds import RecoveryFilter, RecoveryForm
from payments.models import Proposal, Recovery
from payments.operations.money_effects import propose_stop
from payments.operations.recover import confirm_recovery, record_recovery, refuse_recovery
from payments.operations.second_person import refuse_unless_open_to
from payments.queries.recovering import recoveries_visible, recovery_detail, rights_paid_by
from payments.states import ProposalState, RecoveryBasis, RecoveryState
from payments.views.officer.reasons import with_reason


@page(Permission.VIEW_BATCHES)
def recoveries(request: PortalRequest) -> HttpResponse:
    """One row a decision, the newest first."""
    form = RecoveryFilter({"state": request.GET.get("trang-thai")})
    form.is_valid()
    state = form.cleaned_data.get("state") or ""
    after = after_key(request)
    context = {
        "page": recoveries_visible(
            user=request.user, at=request.at, state=RecoveryState(state) if state else None, after=after
        ),
        "form": form,
        "state": state,
        "query": f"trang-thai={state}" if state else "",
        "first": after is None,
        "may_record": Permission.RECORD_FUNDING in request.rights,
    }
    return render(request, "recoveries/list.html", context)


@page(Permission.RECORD_FUNDING, methods="GET POST")
def new(request: PortalRequest) -> HttpResponse:
    """Find the right by the code of a payment that was made for it, then write down the decision."""
    code = request.GET.get("ma", "").strip()[:64]
    rights = rights_paid_by(user=request.user, at=request.at, code=code) if code else ()
    context = {"code": code, "rights": rights, "form": None}
    if not rights:
        return render(request, "recoveries/new.html", context, status=422 if request.method == "POST" else 200)
    form = RecoveryForm(request.POST or None, rights=rights, today=request.at.astimezone(CITY_TIME).date())
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            recovery = record_recovery(
                entitlement_id=told["entitlement"],
                basis=RecoveryBasis(told["basis"]),
                number=told["number"],
                paper_date=told["paper_date"],
                total_amount=told["total_amount"],
                monthly_amount=told["monthly_amount"],
                first_period=told["first_period"],
                by=request.user,
                at=request.at,
            )
        except WrongInput as refusal:
            if str(refusal) == "number":
                form.add_error("number", _("Văn bản này đã được ghi cho khoản hưởng này."))
            else:
                form.add_error(str(refusal) if str(refusal) in form.fields else None, str(refusal.message))
        else:
            messages.success(request, _("Đã ghi. Cổng chỉ thu hồi khi người thứ hai xác nhận."))
            return redirect("recovery", recovery.pk)
    return render(request, "recoveries/new.html", context | {"form": form}, status=422 if form.errors else 200)


def find(request: PortalRequest, recovery_id: int) -> Recovery:
    """A recovery that the officer may see; strangers get 404."""
    found = Recovery.objects.visible_to(request.user, at=request.at)
    return get_object_or_404(
        found.select_related(
            "entitlement__person",
            "entitlement__unit",
            "entitlement__programme_line",
            "recorded_by",
            "decided_by",
        ),
        pk=recovery_id,
    )


@page(Permission.VIEW_BATCHES)
def recovery(request: PortalRequest, recovery_id: int) -> HttpResponse:
    """What was decided, how much has come back and by what, and what is left."""
    found = find(request, recovery_id)
    may, unit = request.rights.reaches, found.entitlement.unit_id
    own = request.user.is_human_of(found.recorded_by_person)
    waits, runs = found.state == RecoveryState.RECORDED, found.state == RecoveryState.CONFIRMED
    detail = recovery_detail(recovery=found)
    stopping = Proposal.objects.filter(
        subject_kind="recovery", subject_id=found.pk, state=ProposalState.PROPOSED
    ).first()
    records = may(Permission.RECORD_FUNDING, unit)
    context = {
        "recovery": found,
        "detail": detail,
        "stopping": stopping,
        "own": own,
        "may_decide": waits and may(Permission.CONFIRM_FUNDING, unit) and not own,
        "may_stop": runs and records and stopping is None and found.remaining_amount > 0,
        "funds": [fund for fund in detail.funds if runs and may(Permission.RECORD_FUNDING, fund.unit_id)]
        if found.remaining_amount
        else [],
    }
    return render(request, "recoveries/recovery.html", context)


@page(Permission.CONFIRM_FUNDING, methods="POST")
def confirm(request: PortalRequest, recovery_id: int) -> HttpResponse:
    """The second person says yes: lists take their part from now on."""
    found = find(request, recovery_id)
    confirm_recovery(recovery_id=found.pk, by=request.user, at=request.at)
    messages.success(request, _("Đã xác nhận. Danh sách lập từ nay sẽ trừ phần phải thu hồi."))
    return redirect("recovery", found.pk)


@page(Permission.CONFIRM_FUNDING, methods="GET POST")
def refuse(request: PortalRequest, recovery_id: int) -> HttpResponse:
    """The second person says no, and why."""
    found = find(request, recovery_id)
    refuse_unless_open_to(found, request.user)
    back = reverse("recovery", args=[found.pk])

    def act(reason: str) -> str:
        refuse_recovery(recovery_id=found.pk, reason=reason, by=request.user, at=request.at)
        return back

    return with_reason(
        request,
        act,
        title=_("Không xác nhận thu hồi"),
        explained=_("Không trừ gì của người hưởng. Văn bản có thể được ghi lại cho đúng."),
        button=_("Không xác nhận"),
        done=_("Không xác nhận. Không thu hồi gì theo văn bản này."),
        back=back,
    )


@page(Permission.RECORD_FUNDING, methods="GET POST")
def stop(request: PortalRequest, recovery_id: int) -> HttpResponse:
    """Propose that what is left is let go."""
    found = find(request, recovery_id)
    if found.state != RecoveryState.CONFIRMED:
        raise AlreadyDecided(found.state)

    def act(reason: str) -> str:
        proposal = propose_stop(recovery_id=found.pk, reason=reason, by=request.user, at=request.at)
        return reverse("proposal", args=[proposal.pk])

    return with_reason(
        request,
        act,
        title=_("Đề nghị thôi thu hồi"),
        explained=_("Phần còn lại không thu nữa. Số đã thu không trả lại. Cần một người thứ hai đồng ý."),
        button=_("Đề nghị thôi thu"),
        done=_("Đã đề nghị. Cổng thôi thu khi người thứ hai đồng ý."),
        back=reverse("recovery", args=[found.pk]),
    )
