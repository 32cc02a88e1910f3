"""Cash of a batch: the list is printed, handed over, signed for, and what nobody fetched is carried over."""

import io
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext

from foundation.reference.amounts import format_count
from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from payments.errors import InvalidMove
from payments.forms.batches import TransferFilter
from payments.forms.routes import SignaturesForm
from payments.models import PayoutBatch, Transfer
from payments.operations.cash import carry_over, hand_over, mark_collected, take_cash_list
from payments.queries import batch_totals, batch_transfers
from payments.queries.cash import cash_waiting
from payments.states import BatchState, Route, TransferState
from payments.views.officer.batch import find, head

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
T = TransferState
STATES = (T.HANDED_OVER, T.SETTLED, T.READY, T.CANCELLED)


@page(Permission.VIEW_BATCHES)
def cash(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Who is paid in cash, and for whoever keeps the cash: who signed."""
    batch = find(request, batch_id)
    return _show(request, batch, SignaturesForm(today=_today(request)))


@page(Permission.RECORD_CASH, methods="POST")
def collect(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Mark those who signed on the page that was shown."""
    batch = find(request, batch_id)
    form = SignaturesForm(request.POST, today=_today(request))
    if not form.is_valid():
        return _show(request, batch, form, status=422)
    ids = SignaturesForm.ticked(request.POST)
    named = Transfer.objects.filter(batch=batch, route=Route.WARD_CASH, pk__in=ids).order_by("id")
    signatures = form.signatures(named.values_list("pk", "creditor_name"))
    marked = mark_collected(batch_id=batch.pk, collected=signatures, by=request.user, at=request.at)
    words = ngettext("Đã ghi %(count)s người ký nhận.", "Đã ghi %(count)s người ký nhận.", marked)
    messages.success(request, words % {"count": format_count(marked)})
    return redirect(f"{reverse('batch-cash', args=[batch.pk])}?{urlencode(_kept(request))}")


@page(Permission.RECORD_CASH, methods="POST")
def print_list(request: PortalRequest, batch_id: int) -> HttpResponse:
    """The list on which payees sign; that it was taken along is written down."""
    batch = find(request, batch_id)
    file = io.BytesIO()
    take_cash_list(batch_id=batch.pk, file=file, by=request.user, at=request.at)
    disposition = f'attachment; filename="ky-nhan-dot-{batch.pk}.xlsx"'
    return HttpResponse(file.getvalue(), content_type=XLSX, headers={"Content-Disposition": disposition})


@page(Permission.RECORD_CASH, methods="POST")
def hand(request: PortalRequest, batch_id: int) -> HttpResponse:
    """The list and the money go to the cash desk."""
    batch = find(request, batch_id)
    handed = hand_over(batch_id=batch.pk, by=request.user, at=request.at)
    words = ngettext("Đã giao %(count)s khoản cho điểm chi.", "Đã giao %(count)s khoản cho điểm chi.", handed)
    messages.success(request, words % {"count": format_count(handed)})
    return redirect("batch-cash", batch.pk)


@page(Permission.RECORD_CASH, methods="GET POST")
def carry(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Close the list: what nobody fetched goes back and is owed again."""
    batch = find(request, batch_id)
    if batch.state != BatchState.DISPATCHING:
        raise InvalidMove(batch.state)
    waiting = cash_waiting(batch=batch)
    if request.method != "POST":
        return render(request, "batches/carry_over.html", {"batch": batch, "waiting": waiting})
    carried = carry_over(batch_id=batch.pk, by=request.user, at=request.at)
    words = ngettext("Đã chuyển kỳ sau %(count)s khoản.", "Đã chuyển kỳ sau %(count)s khoản.", carried)
    messages.success(request, words % {"count": format_count(carried)})
    return redirect("batch-cash", batch.pk)


def _today(request: PortalRequest) -> Any:
    return request.at.astimezone(CITY_TIME).date()


def _kept(request: PortalRequest) -> dict[str, str]:
    """The filters of the page, from the address or from the form that it sent."""
    source = request.POST if request.method == "POST" else request.GET
    kept = {"ten": source.get("ten", "")[:80], "trang-thai": source.get("trang-thai", "")}
    return {key: value for key, value in kept.items() if value}


def _show(request: PortalRequest, batch: PayoutBatch, form: SignaturesForm, *, status: int = 200) -> HttpResponse:
    kept = _kept(request)
    waiting = cash_waiting(batch=batch)
    default = T.HANDED_OVER if waiting.handed_over.count else T.READY if waiting.ready.count else T.SETTLED
    asked = kept.get("trang-thai", "")
    state = T(asked) if asked in STATES else default
    after = after_key(request)
    name = kept.get("ten", "")
    found = batch_transfers(batch=batch, states=[state], route=Route.WARD_CASH, name=name, after=after)
    may_act = batch.state == BatchState.DISPATCHING and request.rights.reaches(Permission.RECORD_CASH, batch.unit_id)
    context = {
        "page": found,
        "rows": [(row, form.other(row.id), form.relation(row.id)) for row in found.rows],
        "form": form,
        "filter": TransferFilter({"name": name}),
        "states": [(one.value, one.label) for one in STATES],
        "state": state,
        "name": name,
        "totals": batch_totals(batch_id=batch.pk, route=Route.WARD_CASH),
        "waiting": waiting,
        "ticked": SignaturesForm.ticked(request.POST),
        "may_act": may_act,
        "may_mark": may_act and state == T.HANDED_OVER and bool(found.rows),
        "may_print": request.rights.reaches(Permission.RECORD_CASH, batch.unit_id),
        "query": urlencode(kept),
        "first": after is None,
    }
    return render(request, "batches/cash.html", head(request, batch, "cash") | context, status=status)
