"""Approving a list: everything that the approver answers for on one page, the total typed by himself, and who he is once more."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from foundation.reference.amounts import amount_in_words
from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission
from payments import tasks
from payments.errors import InvalidMove
from payments.forms.batches import TotalForm
from payments.models import Approval, PayoutBatch
from payments.operations.decide import approve_batch
from payments.queries import comparison, excluded_counts, largest_changes
from payments.states import BatchState
from payments.views.officer.batch import find, has_decided, is_own


@page(Permission.APPROVE_BATCH, methods="GET POST")
def approve(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Show what is to be approved; on a right total ask who the approver is, then approve the list that he saw.

    allauth keeps the form while it asks, and sends it here again afterwards: everything is looked at anew.
    """
    batch = find(request, batch_id)
    if request.method != "POST":
        if batch.state != BatchState.SUBMITTED:
            raise InvalidMove(batch.state)
        return _show(request, batch, TotalForm(expected=batch.control_sum))
    form = TotalForm(request.POST, expected=batch.control_sum)
    if not form.is_valid():
        return _show(request, batch, form)
    approved: HttpResponse = _release(request, batch)
    return approved


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth is not typed
def _release(request: PortalRequest, batch: PayoutBatch) -> HttpResponse:
    approved = approve_batch(batch_id=batch.pk, by=request.user, seen_hash=_seen(request), at=request.at)
    if approved:
        tasks.ring()
        messages.success(request, _("Đã duyệt. Tiền được giữ và gửi đi từ ngày chi."))
    else:
        messages.success(request, _("Đã ghi nhận phê duyệt của ông, bà. Danh sách này cần thêm một người phê duyệt."))
    return redirect("batch", batch.pk)


def _seen(request: PortalRequest) -> bytes:
    """The hash of the list that the form was made from; nonsense is no list's."""
    try:
        return bytes.fromhex(request.POST.get("seen", ""))
    except ValueError:
        return b""


def _show(request: PortalRequest, batch: PayoutBatch, form: TotalForm) -> HttpResponse:
    approvals = batch.approvals.filter(decision=Approval.Decision.APPROVED).select_related("decided_by").order_by("id")
    context = {
        "batch": batch,
        "form": form,
        "in_words": amount_in_words(batch.control_sum),
        "comparison": comparison(batch=batch),
        "largest": largest_changes(batch=batch, limit=5),
        "excluded": excluded_counts(batch=batch),
        "approvals": approvals,
        "own_list": is_own(request, batch),
        "decided": has_decided(request, batch),
    }
    return render(request, "batches/approve.html", context, status=422 if form.errors else 200)
