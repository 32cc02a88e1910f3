"""Payments that wait for people: the list of them, and the page where somebody proposes what becomes of one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from foundation.gateway.codes import status_reason
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from foundation.users.uploads import takes_files
from payments.errors import InvalidMove, PaperTooLarge
from payments.forms.deciding import DecisionForm
from payments.models import Transfer
from payments.operations.effects import propose_decision
from payments.operations.papers import MAX_BYTES
from payments.operations.reviewing import outcomes
from payments.queries.deciding import followers, may_be_paid_twice, open_proposal, review_rows
from payments.queries.lists import place_of
from payments.states import TransferState
from payments.views.officer.proposals import tabs


@page(Permission.VIEW_BATCHES)
def review(request: PortalRequest) -> HttpResponse:
    """What machines cannot decide, the oldest first."""
    after = after_key(request)
    found = review_rows(user=request.user, at=request.at, after=after)
    rows = [(row, place_of(row.transfer), int(row.age.total_seconds())) for row in found.rows]
    context = {
        "rows": rows,
        "next": found.next,
        "first": after is None,
        "may_trace": Permission.TRACE in request.rights,
        "may_propose": Permission.PROPOSE_ACT in request.rights,
    }
    return render(request, "deciding/review.html", tabs(request, "review") | context)


# The token of the form is looked at inside the door, when it is clear who sends how much.
@csrf_exempt
@page(Permission.PROPOSE_ACT, methods="GET POST")
@takes_files(most=MAX_BYTES, too_large=PaperTooLarge)
@csrf_protect
def decide(request: PortalRequest, end_to_end_id: str) -> HttpResponse:
    """Propose what becomes of one payment, with the paper that speaks for it."""
    found = Transfer.objects.visible_to(request.user, at=request.at).select_related(
        "batch__unit", "batch__fund", "payout_account__bank", "payee__person"
    )
    transfer = get_object_or_404(found, end_to_end_id=end_to_end_id)
    ways = outcomes(transfer)
    if not ways:
        raise InvalidMove(transfer.state)
    waiting = open_proposal(kind="transfer", subject_id=transfer.pk)
    state = TransferState(transfer.state)
    form = DecisionForm(request.POST or None, request.FILES or None, outcomes=ways, state=state)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        proposal = propose_decision(
            transfer_id=transfer.pk,
            outcome=told["outcome"],
            bank_reference=told.get("bank_reference", ""),
            paper=told["file"],
            reason=told["reason"],
            by=request.user,
            at=request.at,
        )
        messages.success(request, _("Đã gửi đề nghị. Chờ một người phê duyệt khác quyết định."))
        return redirect("proposal", proposal.pk)
    since = followers(transfer)
    context = {
        "transfer": transfer,
        "followers": since,
        "paid_twice": may_be_paid_twice(transfer, since),
        "may_recover": Permission.RECORD_FUNDING in request.rights,
        "place": place_of(transfer),
        "reason": status_reason(transfer.status_reason) if transfer.status_reason else None,
        "form": form,
        "proposal": waiting,
        "in_review": state == TransferState.REVIEW,
        "may_be_paid": form.becomes_paid,
        "may_trace": request.rights.reaches(Permission.TRACE, transfer.batch.unit_id),
    }
    return render(request, "deciding/decide.html", context, status=422 if form.errors else 200)
