"""Statements: the days that were compared, files handed in or fetched, and what each version says."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from payments import tasks
from payments.errors import STATEMENT_REFUSALS, BadStatement
from payments.forms.reconciliation import FetchForm, StatementForm
from payments.models import DayComparison, Statement, StatementFile
from payments.operations.statement_files import MAX_BYTES, PART, order_statements, upload_statement
from payments.queries.reconciling import (
    DifferenceFilter,
    days_visible,
    differences_visible,
    files_visible,
    import_progress,
    open_differences,
    version_changes,
    versions_of,
)
from payments.statement_states import FILE_OPEN

AROUND_THE_FILE = 64 * 1024
P = ParamSpec("P")
View = Callable[Concatenate[PortalRequest, P], HttpResponse]


class KeptInMemory(MemoryFileUploadHandler):
    """A statement holds names and account numbers: it never lies in a temporary file."""

    def handle_raw_input(self, *_arguments: Any, **_options: Any) -> None:
        """Take every size: the view has refused what is too large before a byte was read."""
        self.activated = True


def _statements_only(view: View[P]) -> View[P]:
    """Refuse what is too large by its announced length, before anything of it is read."""

    @wraps(view)
    def guarded(request: PortalRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES + AROUND_THE_FILE:
            raise BadStatement("TOO_LARGE")
        request.upload_handlers = [KeptInMemory(request)]
        return view(request, *args, **kwargs)

    return cast("View[P]", guarded)


@page(Permission.VIEW_BATCHES)
def days(request: PortalRequest) -> HttpResponse:
    """Each day and account by the three voices, and how many differences wait."""
    after = after_key(request)
    found = days_visible(user=request.user, at=request.at, after=after)
    open_, overdue = open_differences(user=request.user, at=request.at)
    context = {
        "page": found,
        "first": after is None,
        "open": open_,
        "overdue": overdue,
        "may_import": Permission.IMPORT_STATEMENT in request.rights,
    }
    return render(request, "reconciliation/days.html", context)


@page(Permission.VIEW_BATCHES)
def files(request: PortalRequest) -> HttpResponse:
    """Files that came, and orders that wait for the bank."""
    after = after_key(request)
    found = files_visible(user=request.user, at=request.at, after=after)
    context = {"page": found, "first": after is None, "may_import": Permission.IMPORT_STATEMENT in request.rights}
    return render(request, "reconciliation/files.html", context)


# The token of the form is looked at inside the door, when it is clear who sends how much.
@csrf_exempt
@page(Permission.IMPORT_STATEMENT, methods="GET POST")
@_statements_only
@csrf_protect
def upload(request: PortalRequest) -> HttpResponse:
    """Hand a statement in: read to its end at once, imported by a worker."""
    sent = request.method == "POST"
    form = StatementForm(request.POST, request.FILES) if sent else StatementForm()
    if sent and form.is_valid():
        file: UploadedFile[bytes] = form.cleaned_data["file"]
        try:
            kept = upload_statement(
                content=lambda: file.chunks(PART), name=file.name or "", by=request.user, at=request.at
            )
        except BadStatement as refused:
            form.add_error("file", _in_words(refused))
        else:
            tasks.ring()
            return redirect("statement-file", kept.pk)
    return render(request, "reconciliation/upload.html", {"form": form}, status=422 if form.errors else 200)


def _in_words(refused: BadStatement) -> str:
    words = str(refused.message)
    return f"{words} {_('Dòng %(line)s của tệp.') % {'line': refused.line}}" if refused.line else words


@page(Permission.IMPORT_STATEMENT, methods="GET POST")
def fetch(request: PortalRequest) -> HttpResponse:
    """Order statements from the bank; a worker fetches them."""
    today = request.at.astimezone(CITY_TIME).date()
    sent = request.POST if request.method == "POST" else None
    form = FetchForm(sent, today=today, initial={"first": today, "last": today})
    if sent is not None and form.is_valid():
        ordered = order_statements(
            first=form.cleaned_data["first"], last=form.cleaned_data["last"], by=request.user, at=request.at
        )
        tasks.ring()
        told = ngettext("Đã đặt lấy %(count)s sao kê.", "Đã đặt lấy %(count)s sao kê.", ordered) % {"count": ordered}
        messages.success(request, told if ordered else _("Các sao kê này đã được đặt lấy, đang chờ ngân hàng."))
        return redirect("statement-files")
    return render(request, "reconciliation/fetch.html", {"form": form}, status=422 if form.errors else 200)


@page(Permission.VIEW_BATCHES)
def file(request: PortalRequest, file_id: int) -> HttpResponse:
    """One file: how far its import is, what came of it, or why it was refused."""
    found = StatementFile.objects.visible_to(request.user, at=request.at)
    kept = get_object_or_404(found.select_related("unit", "received_by"), pk=file_id)
    context = {
        "kept": kept,
        "progress": import_progress(kept),
        "moves": kept.state in FILE_OPEN,
        "refusal": STATEMENT_REFUSALS.get(kept.refusal, "") if kept.refusal else "",
        "statements": list(kept.statements.order_by("pk")[:200]),
    }
    if request.htmx:
        answer = render(request, "reconciliation/_file_progress.html", context)
        if not context["moves"]:
            answer["HX-Refresh"] = "true"
        return answer
    return render(request, "reconciliation/file.html", context)


@page(Permission.VIEW_BATCHES)
def statement(request: PortalRequest, statement_id: int) -> HttpResponse:
    """One version of a statement: its balances, the day by the three voices, differences, and what it changed."""
    found = Statement.objects.visible_to(request.user, at=request.at)
    shown = get_object_or_404(found.select_related("unit", "file__received_by"), pk=statement_id)
    after = after_key(request)
    versions = versions_of(shown)
    context = {
        "statement": shown,
        "versions": versions,
        "is_newest": versions[0].pk == shown.pk,
        "day": DayComparison.objects.filter(account=shown.account, day=shown.day).first(),
        "differences": differences_visible(
            user=request.user,
            at=request.at,
            chosen=DifferenceFilter(state=None, statement=shown),
            after=None,
        ),
        "changes": version_changes(statement=shown, after=after) if shown.version > 1 else None,
        "first": after is None,
    }
    return render(request, "reconciliation/statement.html", context)
