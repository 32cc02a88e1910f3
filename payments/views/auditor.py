"""Auditors' and administrators' pages: one search box, the story of a transfer, what proves it, and files to take along.

They change nothing but the log of who read what. Numbers of citizens come by POST and stand in no address; what a search needs
for its next page travels encrypted, for this user only.
"""

import base64

from django.core import signing
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from foundation.privacy.encryption import DecryptionFailed, decrypt, encrypt
from foundation.users.models import User
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from payments.forms.tracing import CodeForm, PurposeForm
from payments.models import PayoutBatch, Transfer
from payments.operations import look_up
from payments.operations.export_trace import TraceFile, export_trace
from payments.queries import batch_totals, batch_transfers
from payments.queries.evidence import masked_messages, readable
from payments.queries.integrity import list_integrity
from payments.queries.searching import SearchResult
from payments.queries.story import TransferStory, transfer_story
from payments.states import TransferState

NEXT_PAGE = "trace.next_page"
NEXT_PAGE_SECONDS = 3_600
ROWS = 50


@page(Permission.TRACE, methods="GET POST")
@sensitive_post_parameters("code")
@sensitive_variables("code")
def search(request: PortalRequest) -> HttpResponse:
    """Search by any code. What is no citizen's number and leads to one thing goes there; the rest is listed here."""
    if request.method == "GET":
        return render(request, "tracing/search.html", {"form": CodeForm()})
    after: int | None = None
    if "more" in request.POST:
        read = _read_next(request.POST["more"], request.user)
        if read is None:
            form = CodeForm({"code": ""})
            form.errors["code"] = form.error_class([_("Trang này đã cũ. Nhập lại mã để tra cứu.")])
            return render(request, "tracing/search.html", {"form": form}, status=409)
        code, after = read
    else:
        form = CodeForm(request.POST)
        if not form.is_valid():
            # What was typed is not sent back: it may be half of somebody's number.
            return render(request, "tracing/search.html", {"form": form}, status=422)
        code = form.cleaned_data["code"]
    found = look_up.search(code=code, by=request.user, at=request.at, after=after, limit=ROWS)
    if address := _only_address(found):
        answer = HttpResponseRedirect(address)
        answer.status_code = 303
        return answer
    seen = found.transfers.next
    context = {
        "form": CodeForm(),
        "found": found,
        "is_first": after is None,
        "more": _write_next(code, seen, request.user) if seen is not None else "",
        "is_known": bool(found.persons or found.accounts) and request.rights.units(Permission.TRACE) is None,
    }
    return render(request, "tracing/search.html", context)


def _only_address(found: SearchResult) -> str:
    """Where a code leads that is nobody's number and means one thing."""
    if found.persons or found.accounts:
        return ""
    if found.only_transfer:
        return reverse("trace-transfer", args=[found.only_transfer])
    if len(found.batches) == 1 and not found.transfers.rows:
        return reverse("trace-batch", args=[found.batches[0].batch.pk])
    return ""


@sensitive_variables("code")
def _write_next(code: str, after: int, user: User) -> str:
    """What the button for the next page carries: the code encrypted for this user, and where this page ended."""
    sealed = encrypt(code, context=NEXT_PAGE, row_id=user.pk)
    return signing.dumps([base64.b64encode(sealed).decode(), after], salt=NEXT_PAGE)


def _read_next(token: str, user: User) -> tuple[str, int] | None:
    try:
        sealed, after = signing.loads(token, salt=NEXT_PAGE, max_age=NEXT_PAGE_SECONDS)
        return decrypt(base64.b64decode(sealed), context=NEXT_PAGE, row_id=user.pk), after
    except (signing.BadSignature, DecryptionFailed):
        return None


@page(Permission.TRACE)
def transfer(request: PortalRequest, end_to_end_id: str) -> HttpResponse:
    """The story of one transfer, and what proves it, worked out anew at every look."""
    oldest_first = request.GET.get("thu-tu") == "cu-truoc"
    story = _story(request, end_to_end_id)
    context = {
        "form": CodeForm(),
        "story": story,
        "transfer": story.trace.transfer,
        "batch": story.trace.batch,
        "entries": story.entries if oldest_first else story.entries[::-1],
        "oldest_first": oldest_first,
        "at": request.at,
    }
    return render(request, "tracing/transfer.html", context)


def _story(request: PortalRequest, end_to_end_id: str) -> TransferStory:
    seen = get_object_or_404(Transfer.objects.visible_to(request.user, at=request.at), end_to_end_id=end_to_end_id)
    return transfer_story(end_to_end_id=seen.end_to_end_id)


@page(Permission.TRACE, methods="GET POST")
def message(request: PortalRequest, end_to_end_id: str, reference: str) -> HttpResponse:
    """What travelled under one message id: masked and only of this payment, or in full for a purpose that is noted."""
    story = _story(request, end_to_end_id)
    if reference not in story.messages:
        raise Http404
    context = {
        "transfer": story.trace.transfer,
        "reference": reference,
        "messages_shown": masked_messages(end_to_end_id=story.trace.transfer.end_to_end_id, reference=reference),
        "form": PurposeForm(),
    }
    if request.method == "GET":
        return render(request, "tracing/message.html", context)
    form = PurposeForm(request.POST)
    if not form.is_valid():
        return render(request, "tracing/message.html", context | {"form": form}, status=422)
    purpose = form.cleaned_data["purpose"]
    opened = look_up.read_evidence(reference=reference, by=request.user, purpose=purpose, at=request.at)
    full = [(body, readable(body.text)) for body in opened]
    return render(request, "tracing/message_full.html", context | {"opened": full, "purpose": purpose})


@page(Permission.TRACE, methods="POST")
def export(request: PortalRequest, end_to_end_id: str, kind: str) -> HttpResponse:
    """A file about one transfer. By POST, because who took it is written down."""
    if kind not in list(TraceFile):
        raise Http404
    try:
        made = export_trace(end_to_end_id=end_to_end_id, kind=TraceFile(kind), by=request.user, at=request.at)
    except Transfer.DoesNotExist:
        raise Http404 from None
    answer = HttpResponse(made.content, content_type=made.content_type)
    answer["Content-Disposition"] = f'attachment; filename="{made.name}"'
    answer["X-Content-SHA256"] = made.digest
    return answer


@page(Permission.TRACE)
def batch(request: PortalRequest, batch_id: int) -> HttpResponse:
    """A list as an auditor reads it: who decided over which hash, and every payment with the way to its story."""
    found = get_object_or_404(
        PayoutBatch.objects.visible_to(request.user, at=request.at).select_related(
            "fund", "unit", "prepared_by", "submitted_by"
        ),
        pk=batch_id,
    )
    state = request.GET.get("trang-thai", "")
    states = [TransferState(state)] if state in TransferState else []
    after = after_key(request)
    transfers = batch_transfers(batch=found, states=states, after=after, limit=ROWS)
    context = {
        "batch": found,
        "totals": batch_totals(batch_id=found.pk),
        "approvals": found.approvals.select_related("decided_by", "role_assignment__unit").order_by(
            "decided_at", "id"
        ),
        "transfers": transfers,
        "state": state if states else "",
        "states": [item for item in TransferState if item != TransferState.EXCLUDED],
        "is_first": after is None,
        "whole": list_integrity(found) if "kiem-tra" in request.GET else None,
        "at": request.at,
    }
    return render(request, "tracing/batch.html", context)
