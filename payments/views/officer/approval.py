"""Approving a list: everything that the approver answers for on one page, the total typed by himself, and who he is once more."""

from datetime import datetime

from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
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
from payments.operations.decide import approve_batch, takes_approvals
from payments.queries import comparison, excluded_counts, largest_changes
from payments.states import BatchState
from payments.views.officer.batch import find, has_decided

# The session's note of the one approval that the approver is being asked about; the page that asks reads it out to him.
APPROVING = "approving"
# Its note of the list that the approver opened last, and when; looking at it again does not make it later.
OPENED = "opened"


@page(Permission.APPROVE_BATCH, methods="GET POST")
def approve(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Show what is to be approved; on a right total ask who the approver is, then approve the list that he saw.

    allauth keeps the form while it asks, and sends it here again afterwards: everything is looked at anew.
    """
    batch = find(request, batch_id)
    again = request.method == "POST" and _has_said_yes(request, batch)
    if not again and not takes_approvals(batch=batch, at=request.at):
        raise InvalidMove(batch.state)
    if request.method != "POST":
        request.session.pop(APPROVING, None)
        _note_opening(request, batch)
        return _show(request, batch, TotalForm(expected=batch.control_sum))
    form = TotalForm(request.POST, expected=batch.control_sum)
    if not form.is_valid():
        return _show(request, batch, form)
    if not again:
        _ask_who(request, batch)
    opened_at = _opened_at(request, batch)
    if approve_batch(batch_id=batch.pk, by=request.user, seen_hash=_seen(request), at=request.at, opened_at=opened_at):
        tasks.ring()
        messages.success(request, _("Đã duyệt. Tiền được giữ và gửi đi từ ngày chi."))
    elif batch.state == BatchState.HELD:
        messages.success(
            request, _("Đã ghi nhận phê duyệt của ông, bà. Đợt chi vẫn tạm dừng đến khi hai người cho chi tiếp.")
        )
    else:
        messages.success(request, _("Đã ghi nhận phê duyệt của ông, bà. Danh sách này cần thêm một người phê duyệt."))
    return redirect("batch", batch.pk)


def _note_opening(request: PortalRequest, batch: PayoutBatch) -> None:
    seen = bytes(batch.list_hash or b"").hex()
    if request.session.get(OPENED, {}).get("seen") != seen:
        request.session[OPENED] = {"seen": seen, "at": request.at.isoformat()}


def _opened_at(request: PortalRequest, batch: PayoutBatch) -> datetime | None:
    """None: another list was opened since, or the session is a new one."""
    noted = request.session.get(OPENED, {})
    is_this = noted.get("seen") == bytes(batch.list_hash or b"").hex()
    return datetime.fromisoformat(noted["at"]) if is_this else None


def _ask_who(request: PortalRequest, batch: PayoutBatch) -> None:
    """Go on only with an answer that was asked for by this form: for this batch, this list, and one approval.

    allauth alone would let any answer of the last five minutes count, given for whatever reason. Here a form that comes straight
    from the browser always asks, and what is asked for is used up by the first act, refused or not.

    Raises:
        ReauthenticationRequired: Nobody has answered yet; allauth suspends the form and asks.
    """
    seen = _seen(request).hex()
    asked = request.session.pop(APPROVING, None) or {}
    answers = get_authentication_records(request, request.user)
    is_for_this = (asked.get("batch"), asked.get("seen")) == (batch.pk, seen)
    answered = any(answer.get("reauthenticated") for answer in answers[asked.get("answers", 0) :])
    if _is_resumed(request) and is_for_this and answered:
        return
    request.session[APPROVING] = {
        "batch": batch.pk,
        "seen": seen,
        "answers": len(answers),  # given before this question: they do not count
        "path": request.path,
        "label": _("Đợt chi trả tháng %(month)s") % {"month": f"{batch.period:%m/%Y}"} + f" · {batch.fund}",
        "count": batch.number_of_transactions,
        "sum": batch.control_sum,
    }
    raise ReauthenticationRequired


def _is_resumed(request: PortalRequest) -> bool:
    """Whether allauth sends the form on, out of the page that asked; that page is then what the browser called."""
    match = request.resolver_match
    return match is not None and match.url_name != "batch-approve"


def _has_said_yes(request: PortalRequest, batch: PayoutBatch) -> bool:
    """Whether this human has approved exactly this list already: a second click is no error, and asks nothing."""
    said = batch.approvals.filter(decision=Approval.Decision.APPROVED, list_hash=_seen(request))
    return said.filter(person_fingerprint=request.user.person_fingerprint).exists()


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
        "own_list": batch.is_list_of(request.user),
        "decided": has_decided(request, batch),
    }
    return render(request, "batches/approve.html", context, status=422 if form.errors else 200)
