"""Papers of a fund: those that there are, a new one, and the second person's word on it with the figures that will result."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission
from payments.errors import WrongInput
from payments.forms.funds import VoucherFilter, VoucherForm
from payments.models import FundingVoucher, Recovery
from payments.operations.funding import confirm_voucher, record_voucher, refuse_voucher
from payments.operations.second_person import refuse_unless_open_to
from payments.queries.funds import effects_of_booking, fund_vouchers
from payments.states import EntryKind, RecoveryState, VoucherKind, VoucherState
from payments.views.officer.funds import find as find_fund
from payments.views.officer.funds import head
from payments.views.officer.reasons import with_reason


@page(Permission.VIEW_BATCHES)
def vouchers(request: PortalRequest, fund_id: int) -> HttpResponse:
    """The papers of a fund, the newest first."""
    fund = find_fund(request, fund_id)
    form = VoucherFilter({"state": request.GET.get("trang-thai")})
    form.is_valid()
    state = form.cleaned_data.get("state") or ""
    after = after_key(request)
    context = {
        "page": fund_vouchers(fund=fund, state=VoucherState(state) if state else None, after=after),
        "form": form,
        "state": state,
        "query": f"trang-thai={state}" if state else "",
        "first": after is None,
    }
    return render(request, "funds/vouchers.html", head(request, fund, "vouchers") | context)


@page(Permission.RECORD_FUNDING, methods="GET POST")
def new(request: PortalRequest, fund_id: int) -> HttpResponse:
    """Write down a paper; with `thu-hoi` one of money that somebody pays back."""
    fund = find_fund(request, fund_id)
    recovery = _paid_back(request)
    form = VoucherForm(
        request.POST or None, today=request.at.astimezone(CITY_TIME).date(), paid_back=recovery is not None
    )
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            voucher = record_voucher(
                fund_id=fund.pk,
                kind=VoucherKind(told["kind"]),
                number=told["number"],
                voucher_date=told["voucher_date"],
                amount=told["amount"],
                recovery_id=recovery.pk if recovery else None,
                by=request.user,
                at=request.at,
            )
        except WrongInput as refusal:
            if str(refusal) == "number":
                form.add_error("number", _("Số chứng từ này đã được ghi cho nguồn này."))
            else:
                form.add_error(str(refusal) if str(refusal) in form.fields else None, str(refusal.message))
        else:
            messages.success(request, _("Đã ghi chứng từ. Số tiền được tính khi người thứ hai xác nhận."))
            return redirect("voucher", voucher.pk)
    context = {"fund": fund, "form": form, "recovery": recovery}
    return render(request, "funds/voucher_new.html", context, status=422 if form.errors else 200)


def _paid_back(request: PortalRequest) -> Recovery | None:
    """The recovery that the address names; strangers' and nonsense are not found."""
    asked = request.GET.get("thu-hoi", "")
    if not asked:
        return None
    found = Recovery.objects.visible_to(request.user, at=request.at).filter(state=RecoveryState.CONFIRMED)
    key = int(asked) if asked.isdecimal() and len(asked) <= 18 else 0
    return get_object_or_404(found.select_related("entitlement__person", "entitlement__programme_line"), pk=key)


def find(request: PortalRequest, voucher_id: int) -> FundingVoucher:
    """A paper that the officer may see; strangers get 404."""
    found = FundingVoucher.objects.visible_to(request.user, at=request.at)
    return get_object_or_404(
        found.select_related(
            "fund__unit",
            "recorded_by",
            "decided_by",
            "recovery__entitlement__person",
            "recovery__entitlement__programme_line",
        ),
        pk=voucher_id,
    )


@page(Permission.VIEW_BATCHES)
def voucher(request: PortalRequest, voucher_id: int) -> HttpResponse:
    """What the paper says, and what the accounts will hold once it is confirmed."""
    found = find(request, voucher_id)
    waits = found.state == VoucherState.RECORDED
    own = request.user.is_human_of(found.recorded_by_person)
    decides = waits and request.rights.reaches(Permission.CONFIRM_FUNDING, found.fund.unit_id)
    effects = effects_of_booking(fund=found.fund, kind=EntryKind(found.kind), amount=found.amount) if waits else ()
    context = {
        "voucher": found,
        "effects": effects,
        "lacks": any(effect.after < 0 for effect in effects),
        "own": own,
        "may_decide": decides and not own,
    }
    return render(request, "funds/voucher.html", context)


@page(Permission.CONFIRM_FUNDING, methods="POST")
def confirm(request: PortalRequest, voucher_id: int) -> HttpResponse:
    """The second person says yes: the paper is booked."""
    found = find(request, voucher_id)
    confirm_voucher(voucher_id=found.pk, by=request.user, at=request.at)
    messages.success(request, _("Đã xác nhận chứng từ. Số tiền đã vào sổ."))
    return redirect("voucher", found.pk)


@page(Permission.CONFIRM_FUNDING, methods="GET POST")
def refuse(request: PortalRequest, voucher_id: int) -> HttpResponse:
    """The second person says no, and why."""
    found = find(request, voucher_id)
    refuse_unless_open_to(found, request.user)
    back = reverse("voucher", args=[found.pk])

    def act(reason: str) -> str:
        refuse_voucher(voucher_id=found.pk, reason=reason, by=request.user, at=request.at)
        return back

    return with_reason(
        request,
        act,
        title=_("Từ chối chứng từ %(number)s") % {"number": found.number},
        explained=_("Không có tiền nào vào sổ. Số chứng từ này có thể được ghi lại cho đúng."),
        button=_("Từ chối chứng từ"),
        done=_("Đã từ chối chứng từ. Không có tiền nào vào sổ."),
        back=back,
    )
