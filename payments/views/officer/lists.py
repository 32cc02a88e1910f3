"""The batches of an officer's units, and a new one."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render

from foundation.reference.calendar import working_calendar
from foundation.reference.models import Unit
from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from payments import tasks
from payments.errors import WrongInput
from payments.forms.batches import BatchFilter, NewBatchForm
from payments.operations.build import start_build
from payments.queries import batches_visible
from payments.states import BatchKind, BatchState


@page(Permission.VIEW_BATCHES)
def batches(request: PortalRequest) -> HttpResponse:
    """Batches of the units that the officer sees, the newest month first; filters stand in the address."""
    today = request.at.astimezone(CITY_TIME).date()
    form = BatchFilter(
        {"unit": request.GET.get("don-vi"), "period": request.GET.get("ky"), "state": request.GET.get("trang-thai")},
        today=today,
    )
    form.is_valid()
    chosen = form.cleaned_data
    state, period, unit = chosen.get("state") or "", chosen.get("period"), chosen.get("unit") or ""
    after = after_key(request)
    found = batches_visible(
        user=request.user,
        at=request.at,
        unit_code=unit,
        period=period,
        states=[BatchState(state)] if state else [],
        after=after,
    )
    units = request.rights.units(Permission.VIEW_BATCHES)
    reachable = Unit.objects.valid_on(today)
    kept = {"don-vi": unit, "ky": f"{period:%Y-%m}" if period else "", "trang-thai": state}
    context = {
        "page": found,
        "form": form,
        "units": reachable if units is None else reachable.filter(code__in=units),
        "chosen": kept,
        "filtered": any(kept.values()),
        "query": urlencode({key: value for key, value in kept.items() if value}),
        "first": after is None,
        "may_prepare": Permission.PREPARE_BATCH in request.rights,
    }
    return render(request, "batches/list.html", context)


@page(Permission.PREPARE_BATCH, methods="GET POST")
def new(request: PortalRequest) -> HttpResponse:
    """Order a list to be built; workers build it, and its page follows them."""
    units = request.rights.units(Permission.PREPARE_BATCH)
    today = request.at.astimezone(CITY_TIME).date()
    first_day = working_calendar().add_working_days(today, 0)
    form = NewBatchForm(request.POST or None, units=units, today=today, first_day=first_day)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            batch = start_build(
                fund_id=told["fund"].pk,
                unit_code=told["unit"].pk if told["unit"] else None,
                period=told["period"],
                kind=BatchKind(told["kind"]),
                execution_date=told["execution_date"],
                accounts_by=told["accounts_by"],
                by=request.user,
                at=request.at,
            )
        except WrongInput as refusal:
            form.add_error(str(refusal) if str(refusal) in form.fields else None, str(refusal.message))
        else:
            tasks.ring()
            return redirect("batch", batch.pk)
    return render(request, "batches/new.html", {"form": form}, status=422 if form.errors else 200)
