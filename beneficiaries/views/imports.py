"""Officers' pages about lists: bring one, see what it would change, write it, or give it up."""

from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from beneficiaries import tasks
from beneficiaries.errors import FileTooLarge
from beneficiaries.forms.officer import ListForm
from beneficiaries.models import RegisterImport
from beneficiaries.operations.import_register import (
    MAX_BYTES,
    NotCommittable,
    Preview,
    cancel_import,
    check_register,
    commit_register,
    preview_import,
    problems_for_people,
)
from beneficiaries.queries.imports import imports_visible, written_counts
from beneficiaries.register_file.blank import blank_xlsx
from beneficiaries.register_file.columns import BY_KEY
from beneficiaries.register_file.problems import Findings, UnreadableList
from beneficiaries.register_file.report import problems_xlsx
from beneficiaries.states import ImportState
from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from foundation.users.uploads import takes_files

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DETAILS_UP_TO = 20_000  # lines; a longer list is compared again only when somebody asks for it


@page(Permission.VIEW_REGISTER)
def imports(request: PortalRequest) -> HttpResponse:
    """Lists that were brought in."""
    after = after_key(request)
    found = imports_visible(user=request.user, at=request.at, after=after)
    return render(
        request,
        "imports/list.html",
        {"page": found, "may_import": Permission.IMPORT_REGISTER in request.rights, "first": after is None},
    )


# The token of the form is looked at inside the door, when it is clear who sends how much.
@csrf_exempt
@page(Permission.IMPORT_REGISTER, methods="GET POST")
@takes_files(most=MAX_BYTES, too_large=FileTooLarge)
@csrf_protect
def check(request: PortalRequest) -> HttpResponse:
    """Check a list. One in order is kept and shown; of one with errors nothing is kept but what the officer takes away."""
    units = request.rights.units(Permission.IMPORT_REGISTER)
    today = request.at.astimezone(CITY_TIME).date()
    if request.method != "POST":
        return render(request, "imports/new.html", {"form": ListForm(units=units, today=today)})
    form = ListForm(request.POST, request.FILES, units=units, today=today)
    if not form.is_valid():
        return render(request, "imports/new.html", {"form": form}, status=422)
    file: InMemoryUploadedFile = form.cleaned_data["file"]
    try:
        preview = check_register(
            content=file.read(),
            file_name=file.name or "",
            unit_code=form.cleaned_data["unit"].pk,
            period=form.cleaned_data["period"],
            by=request.user,
            at=request.at,
        )
    except UnreadableList as unreadable:
        form.add_error("file", f"{unreadable.message} {unreadable.repair}")
        return render(request, "imports/new.html", {"form": form}, status=422)
    if preview.import_id is not None:
        return redirect("import", preview.import_id)
    if "take_problems" in request.POST:
        return _workbook(problems_xlsx(preview.findings), "loi-danh-sach.xlsx")
    form.add_error("file", _refusal(preview))
    return render(request, "imports/new.html", {"form": form, **_shown(preview)}, status=422)


def _refusal(preview: Preview) -> str:
    return ngettext(
        "Danh sách có %(count)s lỗi phải sửa. Không có gì được ghi lại.",
        "Danh sách có %(count)s lỗi phải sửa. Không có gì được ghi lại.",
        preview.findings.errors,
    ) % {"count": preview.findings.errors}


@page(Permission.IMPORT_REGISTER)
def blank(_request: PortalRequest) -> HttpResponse:
    """An empty list with the headings that are known."""
    return _workbook(blank_xlsx(), "mau-danh-sach.xlsx")


def _workbook(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(content, content_type=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@page(Permission.VIEW_REGISTER)
def detail(request: PortalRequest, import_id: int) -> HttpResponse:
    """One list: what it would change while it waits, what it brought once it is written."""
    kept = _found(request, import_id)
    context: dict[str, Any] = {
        "kept": kept,
        "may_confirm": Permission.CONFIRM_ACCOUNTS in request.rights,
        "may_act": kept.state == ImportState.CHECKED
        and request.rights.reaches(Permission.IMPORT_REGISTER, kept.unit_id),
        "warnings": sum(group["count"] for group in kept.summary["warnings"]),
        "written": written_counts(kept.pk) if kept.state == ImportState.COMMITTED else {},
    }
    if context["may_act"]:
        context["long"] = kept.summary["lines"] > DETAILS_UP_TO
        if not context["long"] or "chi-tiet" in request.GET:
            context |= _shown(preview_import(import_id=kept.pk, by=request.user, at=request.at))
    return render(request, "imports/detail.html", context)


@page(Permission.IMPORT_REGISTER, methods="POST")
def commit(request: PortalRequest, import_id: int) -> HttpResponse:
    """Write a checked list into the register; the banks are asked about its accounts at once."""
    kept = _found(request, import_id)
    try:
        commit_register(import_id=kept.pk, by=request.user, at=request.at)
    except NotCommittable as refusal:
        if refusal.findings is None:
            raise
        shown = {"refusal": refusal, "kept": kept, "problems": _problems(refusal.findings)}
        return render(request, "imports/not_in_order.html", shown, status=409)
    tasks.ring()
    return _back_to(kept)


@page(Permission.IMPORT_REGISTER, methods="POST")
def cancel(request: PortalRequest, import_id: int) -> HttpResponse:
    """Give a checked list up."""
    kept = _found(request, import_id)
    cancel_import(import_id=kept.pk, by=request.user, at=request.at)
    return _back_to(kept)


def _found(request: PortalRequest, import_id: int) -> RegisterImport:
    found = RegisterImport.objects.visible_to(request.user, at=request.at)
    return get_object_or_404(found.select_related("unit", "uploaded_by", "committed_by"), pk=import_id)


def _back_to(kept: RegisterImport) -> HttpResponseRedirect:
    return redirect("import", kept.pk)


def _shown(preview: Preview) -> dict[str, Any]:
    """A preview as the templates show it: problems by repair, changes by the headings of the list."""
    changes = [
        (change, [(_heading(key), old, new) for key, (old, new) in change.fields.items()])
        for change in preview.changes
    ]
    return {"preview": preview, "problems": _problems(preview.findings), "changes": changes}


def _problems(findings: Findings) -> list[dict[str, Any]]:
    return [group | {"heading": _heading(group["column"])} for group in problems_for_people(findings)]


def _heading(key: str) -> str:
    others = {"payee": _("Người nhận"), "account": _("Tài khoản")}
    return others.get(key) or (BY_KEY[key].heading if key in BY_KEY else "")
