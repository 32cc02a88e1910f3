"""Lists of a batch for the Treasury and the payment service, and the files in which they answer."""

from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from beneficiaries.register_file.problems import UnreadableList
from foundation.reference.amounts import format_count
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from foundation.users.uploads import takes_files
from payments import tasks
from payments.errors import InvalidMove, ResultsKnown, ResultsTooLarge
from payments.forms.batches import ReasonForm
from payments.forms.routes import ResultForm
from payments.models import PayoutBatch, PayoutFile, ResultFile
from payments.operations.payout_files import FileKind, make_file, replace_file, take_file
from payments.operations.result_files import (
    MAX_BYTES,
    ResultsNotInOrder,
    cancel_results,
    check_results,
    commit_results,
)
from payments.queries.route_files import contradictions, judged_rows, route_files, verdict_counts
from payments.states import ROUTES_BY_FILE, BatchState, ResultFileState, Route, Verdict
from payments.views.officer.batch import find, head


@page(Permission.VIEW_BATCHES)
def files(request: PortalRequest, batch_id: int) -> HttpResponse:
    """By route: what waits for a list, the lists, and what came back."""
    batch = find(request, batch_id)
    may = request.rights.reaches(Permission.RECORD_RESULTS, batch.unit_id)
    context = {
        "routes": route_files(batch=batch),
        "contradictions": contradictions(batch=batch),
        "may_make": may and batch.state == BatchState.DISPATCHING,
        "may_take": may,
        "may_bring": may and batch.started_at is not None,
        "may_trace": request.rights.reaches(Permission.TRACE, batch.unit_id),
    }
    return render(request, "batches/files.html", head(request, batch, "files") | context)


@page(Permission.RECORD_RESULTS, methods="POST")
def make(request: PortalRequest, batch_id: int, route: str) -> HttpResponse:
    """Make the next list of a route."""
    batch = find(request, batch_id)
    made = make_file(batch_id=batch.pk, route=_route(route), by=request.user, at=request.at)
    words = _("Đã lập tệp số %(number)s: %(count)s khoản. Tải tệp về rồi gửi đi.")
    messages.success(request, words % {"number": made.number, "count": format_count(made.number_of_transactions)})
    return redirect("batch-files", batch.pk)


@page(Permission.RECORD_RESULTS, methods="POST")
def take(request: PortalRequest, batch_id: int, file_id: int, kind: str) -> HttpResponse:
    """A list as a file; that it was taken along is written down."""
    batch = find(request, batch_id)
    file = get_object_or_404(PayoutFile, batch=batch, pk=file_id)
    if kind not in [one.value for one in FileKind]:
        raise Http404
    taken = take_file(file_id=file.pk, kind=FileKind(kind), by=request.user, at=request.at)
    disposition = f'attachment; filename="{taken.name}"'
    return HttpResponse(taken.content, content_type=taken.content_type, headers={"Content-Disposition": disposition})


@page(Permission.RECORD_RESULTS, methods="GET POST")
def replace(request: PortalRequest, batch_id: int, file_id: int) -> HttpResponse:
    """Give a list out anew, on the word of another person than its maker."""
    batch = find(request, batch_id)
    file = get_object_or_404(PayoutFile.objects.select_related("made_by"), batch=batch, pk=file_id)
    if batch.state != BatchState.DISPATCHING or PayoutFile.objects.filter(replaces=file).exists():
        raise InvalidMove(batch.state)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = replace_file(file_id=file.pk, reason=form.cleaned_data["reason"], by=request.user, at=request.at)
        messages.success(
            request, _("Đã lập bản %(version)s. Bản trước không còn hiệu lực.") % {"version": made.version}
        )
        return redirect("batch-files", batch.pk)
    own = request.user.is_human_of(file.made_by.person_fingerprint)
    context = {"batch": batch, "file": file, "form": form, "own": own}
    return render(request, "batches/file_replace.html", context, status=422 if form.errors else 200)


# The token of the form is looked at inside the door, when it is clear who sends how much.
@csrf_exempt
@page(Permission.RECORD_RESULTS, methods="GET POST")
@takes_files(most=MAX_BYTES, too_large=ResultsTooLarge)
@csrf_protect
def bring(request: PortalRequest, batch_id: int, route: str) -> HttpResponse:
    """Read a result file; one in order is kept and shown, of one with mistakes nothing is kept."""
    batch = find(request, batch_id)
    chosen = _route(route)
    if batch.started_at is None:
        raise InvalidMove(batch.state)
    form = ResultForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"batch": batch, "route": chosen, "form": form}
    if request.method == "POST" and form.is_valid():
        file: InMemoryUploadedFile = form.cleaned_data["file"]
        try:
            kept = check_results(
                batch_id=batch.pk,
                route=chosen,
                content=file.read(),
                file_name=file.name or "",
                by=request.user,
                at=request.at,
            )
            return redirect("batch-result", batch.pk, kept.pk)
        except UnreadableList as unreadable:
            form.add_error("file", f"{unreadable.message} {unreadable.repair}")
        except ResultsKnown as known:
            form.add_error("file", str(known.message))
        except ResultsNotInOrder as refusal:
            form.add_error("file", _("Tệp có dòng phải sửa. Không có gì được ghi lại."))
            context["problems"] = refusal.findings.groups()
    return render(request, "batches/result_new.html", context, status=422 if form.errors else 200)


@page(Permission.VIEW_BATCHES)
def result(request: PortalRequest, batch_id: int, result_id: int) -> HttpResponse:
    """One result file: what it would do, or what it did, row by row."""
    batch = find(request, batch_id)
    kept = _result(batch, result_id)
    counts = verdict_counts(result_file=kept)
    asked = request.GET.get("ket-qua", "")
    verdict = Verdict(asked) if asked in Verdict.values else None
    after = after_key(request)
    context = {
        "kept": kept,
        "counts": counts,
        "verdict": verdict,
        "page": judged_rows(result_file=kept, verdict=verdict, after=after),
        "query": f"ket-qua={verdict}" if verdict else "",
        "first": after is None,
        "may_act": kept.state == ResultFileState.CHECKED
        and request.rights.reaches(Permission.RECORD_RESULTS, batch.unit_id),
        "seen": _seen(counts),
    }
    return render(request, "batches/result.html", head(request, batch, "files") | context)


@page(Permission.RECORD_RESULTS, methods="POST")
def commit(request: PortalRequest, batch_id: int, result_id: int) -> HttpResponse:
    """Take a result file over; what was shown must still be what it does."""
    batch = find(request, batch_id)
    kept = _result(batch, result_id)
    if kept.state == ResultFileState.CHECKED and request.POST.get("seen") != _seen(verdict_counts(result_file=kept)):
        messages.warning(request, _("Có khoản đã đổi trạng thái. Xem lại các con số rồi ghi."))
        return redirect("batch-result", batch.pk, kept.pk)
    commit_results(result_file_id=kept.pk, by=request.user, at=request.at)
    tasks.ring()
    messages.success(request, _("Đã ghi kết quả."))
    return redirect("batch-result", batch.pk, kept.pk)


@page(Permission.RECORD_RESULTS, methods="POST")
def cancel(request: PortalRequest, batch_id: int, result_id: int) -> HttpResponse:
    """Give a result file up."""
    batch = find(request, batch_id)
    cancel_results(result_file_id=_result(batch, result_id).pk, by=request.user, at=request.at)
    messages.success(request, _("Đã bỏ tệp kết quả. Không có gì được ghi."))
    return redirect("batch-files", batch.pk)


def _result(batch: PayoutBatch, result_id: int) -> ResultFile:
    found = ResultFile.objects.select_related("uploaded_by", "decided_by")
    return get_object_or_404(found, batch=batch, pk=result_id)


def _route(text: str) -> Route:
    """The route that an address names; another one is no page."""
    if text not in ROUTES_BY_FILE:
        raise Http404
    return Route(text)


def _seen(counts: list[Any]) -> str:
    """What the officer was shown: a form made from other figures takes nothing over."""
    return "-".join(f"{count.verdict}{count.part.count}" for count in counts)
