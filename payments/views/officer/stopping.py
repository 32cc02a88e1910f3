"""The stop of all payments in the city: any officer stops, two persons of the whole city resume."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission
from payments.errors import InvalidMove
from payments.forms.batches import ReasonForm
from payments.operations.effects import propose_resumption
from payments.operations.stopping import stop_payments
from payments.queries.deciding import former_stops, open_proposal, standing_stop
from payments.views.officer.proposals import tabs


@page(Permission.HOLD_BATCH, methods="GET POST")
def stop(request: PortalRequest) -> HttpResponse:
    """Stop everything, or see what stands stopped, since when, by whom and why."""
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        stop_payments(by=request.user, reason=form.cleaned_data["reason"], at=request.at)
        messages.success(request, _("Đã dừng chi trả toàn thành phố."))
        return redirect("payments-stop")
    standing = standing_stop()
    waiting = open_proposal(kind="stop", subject_id=standing.pk) if standing else None
    context = {
        "form": form,
        "standing": standing,
        "proposal": waiting,
        "may_resume": standing is not None
        and waiting is None
        and request.rights.reaches(Permission.RESUME_PAYMENTS, None),
        "former": former_stops(),
    }
    return render(request, "deciding/stop.html", tabs(request, "stop") | context, status=422 if form.errors else 200)


@page(Permission.RESUME_PAYMENTS, methods="GET POST")
def resume(request: PortalRequest) -> HttpResponse:
    """Propose that payments go on."""
    standing = standing_stop()
    if standing is None:
        raise InvalidMove("resumed")
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        proposal = propose_resumption(
            stop=standing, reason=form.cleaned_data["reason"], by=request.user, at=request.at
        )
        messages.success(request, _("Đã gửi đề nghị. Chờ người thứ hai của thành phố quyết định."))
        return redirect("proposal", proposal.pk)
    context = {"form": form, "standing": standing}
    return render(request, "deciding/resume.html", context, status=422 if form.errors else 200)
