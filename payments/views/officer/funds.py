"""The funds of an officer's units: what each holds, which lists hold or lack money, its ledger, and money handed back."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from foundation.reference.models import Unit
from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from payments.forms.funds import LedgerFilter, RemitForm
from payments.models import Fund
from payments.operations.money_effects import propose_remittance
from payments.queries.funds import balances_of, fund_detail, fund_ledger, funds_visible, years_visible
from payments.states import EntryKind, LedgerAccount


def find(request: PortalRequest, fund_id: int) -> Fund:
    """A fund that the officer may see; strangers get 404."""
    found = Fund.objects.visible_to(request.user, at=request.at)
    return get_object_or_404(found.select_related("unit"), pk=fund_id)


def head(request: PortalRequest, fund: Fund, tab: str) -> dict[str, Any]:
    """What every page of a fund shows: name, year, tabs, and the acts that are open to this officer."""
    may = request.rights.reaches
    return {"fund": fund, "tab": tab, "may_record": may(Permission.RECORD_FUNDING, fund.unit_id)}


@page(Permission.VIEW_BATCHES)
def funds(request: PortalRequest) -> HttpResponse:
    """One row a fund, with a figure of where its money is."""
    today = request.at.astimezone(CITY_TIME).date()
    unit, asked = request.GET.get("don-vi", "")[:5], request.GET.get("nam", "")
    year = int(asked) if asked.isdecimal() and len(asked) == 4 else None
    after = after_key(request)
    units = request.rights.units(Permission.VIEW_BATCHES)
    reachable = Unit.objects.valid_on(today)
    kept = {"don-vi": unit, "nam": str(year or "")}
    context = {
        "page": funds_visible(user=request.user, at=request.at, unit_code=unit, year=year, after=after),
        "years": years_visible(user=request.user, at=request.at),
        "units": reachable if units is None else reachable.filter(code__in=units),
        "unit": unit,
        "year": year,
        "filtered": any(kept.values()),
        "query": urlencode({key: value for key, value in kept.items() if value}),
        "first": after is None,
    }
    return render(request, "funds/list.html", context)


@page(Permission.VIEW_BATCHES)
def fund(request: PortalRequest, fund_id: int) -> HttpResponse:
    """What the fund holds and for which lists, which lists lack money and how much, what waits for a second person."""
    found = find(request, fund_id)
    return render(request, "funds/summary.html", head(request, found, "summary") | {"detail": fund_detail(fund=found)})


@page(Permission.VIEW_BATCHES)
def ledger(request: PortalRequest, fund_id: int) -> HttpResponse:
    """Every booking of the fund, the newest first; filters stand in the address."""
    found = find(request, fund_id)
    form = LedgerFilter(
        {"kind": request.GET.get("loai"), "month": request.GET.get("thang"), "batch": request.GET.get("dot")},
        today=request.at.astimezone(CITY_TIME).date(),
    )
    form.is_valid()
    kind, month, batch = (form.cleaned_data.get(name) for name in ("kind", "month", "batch"))
    after = after_key(request)
    kept = {"loai": kind or "", "thang": f"{month:%Y-%m}" if month else "", "dot": str(batch or "")}
    context = {
        "page": fund_ledger(
            fund=found, kind=EntryKind(kind) if kind else None, batch_id=batch, month=month, after=after
        ),
        "form": form,
        "batch": batch,
        "chosen": kept,
        "filtered": any(kept.values()),
        "query": urlencode({key: value for key, value in kept.items() if value}),
        "first": after is None,
        "may_trace": Permission.TRACE in request.rights,
    }
    return render(request, "funds/ledger.html", head(request, found, "ledger") | context)


@page(Permission.RECORD_FUNDING, methods="GET POST")
def remit(request: PortalRequest, fund_id: int) -> HttpResponse:
    """Propose that money goes back to the budget; it goes when another person has confirmed it."""
    found = find(request, fund_id)
    kept = balances_of([found.pk])[found.pk]
    form = RemitForm(request.POST or None, funding=kept.funding, fees=kept.fees, is_open=found.is_open)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        proposal = propose_remittance(
            fund_id=found.pk,
            account=LedgerAccount(told["account"]),
            amount=told["amount"],
            outcome=told["outcome"],
            reason=told["reason"],
            by=request.user,
            at=request.at,
        )
        messages.success(request, _("Đã đề nghị. Tiền được nộp trả khi người thứ hai đồng ý."))
        return redirect("proposal", proposal.pk)
    context = {"fund": found, "form": form, "balances": kept}
    return render(request, "funds/remit.html", context, status=422 if form.errors else 200)
