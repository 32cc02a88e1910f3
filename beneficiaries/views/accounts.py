"""The second person's pages: confirm what lists brought and banks found in order, judge what only comes near."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from beneficiaries.forms.officer import JudgementForm
from beneficiaries.models import PayoutAccount
from beneficiaries.operations.accounts import confirm_listed_accounts
from beneficiaries.operations.review import accept_near_match, refuse_account
from beneficiaries.queries.accounts import accounts_in_review, accounts_to_confirm
from beneficiaries.queries.confirming import UnitAccounts, accounts_by_unit, ready_accounts, ready_among
from beneficiaries.states import ACCOUNT_TO_JUDGE, AccountState
from foundation.reference.amounts import format_count
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key
from foundation.users.roles import Permission

NEAR_SHOWN = 50
ACTS = {"accept": accept_near_match, "refuse": refuse_account}


@page(Permission.CONFIRM_ACCOUNTS)
def overview(request: PortalRequest) -> HttpResponse:
    """Accounts that wait for a second person, of one unit at a time; the figures alone for the page that follows."""
    units = accounts_by_unit(user=request.user, at=request.at)
    unit = _chosen(units, request.GET.get("don-vi", ""))
    context: dict[str, object] = {"units": units, "unit": unit}
    if unit is not None:
        context["ready"] = ready_accounts(unit_code=unit.unit_code, by=request.user)
    if request.htmx or unit is None:
        return render(request, "accounts/_figures.html" if request.htmx else "accounts/overview.html", context)
    after = after_key(request)
    found = accounts_to_confirm(user=request.user, at=request.at, unit_code=unit.unit_code, after=after or 0)
    near = accounts_in_review(user=request.user, at=request.at, unit_code=unit.unit_code, limit=NEAR_SHOWN)
    ids = [account.pk for account in found.rows]
    context |= {
        "page": found,
        "near": near,
        "confirmable": ready_among(ids=ids, unit_code=unit.unit_code, by=request.user),
        "first": after is None,
    }
    return render(request, "accounts/overview.html", context)


def _chosen(units: list[UnitAccounts], code: str) -> UnitAccounts | None:
    """The unit that was asked for, else the first where something waits."""
    waiting = [unit for unit in units if unit.checked or unit.near or unit.at_bank]
    return next((unit for unit in units if unit.unit_code == code), next(iter([*waiting, *units]), None))


@page(Permission.CONFIRM_ACCOUNTS, methods="POST")
def confirm(request: PortalRequest) -> HttpResponse:
    """Confirm the accounts of a unit that were shown."""
    unit_code = request.POST.get("unit", "")
    if not unit_code.isalnum():
        raise Http404
    confirmed = confirm_listed_accounts(
        unit_code=unit_code, by=request.user, at=request.at, seen=request.POST.get("seen", "")
    )
    messages.success(
        request,
        ngettext("Đã xác nhận %(count)s tài khoản.", "Đã xác nhận %(count)s tài khoản.", confirmed)
        % {"count": format_count(confirmed)},
    )
    return redirect(f"{reverse('accounts-to-confirm')}?don-vi={unit_code}")


@page(Permission.CONFIRM_ACCOUNTS, methods="GET POST")
def judge(request: PortalRequest, account_id: int) -> HttpResponse:
    """One account with both names side by side: accept a near match, or refuse it, with a reason."""
    account = get_object_or_404(
        PayoutAccount.objects.visible_to(request.user, at=request.at).select_related(
            "payee__person__unit", "payee__person__neighbourhood", "bank", "requested_by"
        ),
        pk=account_id,
    )
    form = JudgementForm(request.POST or None)
    act = ACTS.get(request.POST.get("decision", ""))
    if request.method == "POST" and act is None:
        form.add_error(None, _("Chọn chấp nhận hoặc không chấp nhận."))
    if request.method == "POST" and form.is_valid() and act is not None:
        act(account_id=account.pk, reason=form.cleaned_data["reason"], by=request.user, at=request.at)
        accepted = act is accept_near_match
        messages.success(request, _("Đã chấp nhận tài khoản.") if accepted else _("Đã từ chối tài khoản."))
        person = account.payee.person
        return redirect(f"{reverse('accounts-to-confirm')}?don-vi={person.unit_id if person else ''}")
    context = {
        "account": account,
        "person": account.payee.person,
        "form": form,
        "open": account.state in ACCOUNT_TO_JUDGE,
        "near": account.state == AccountState.REVIEW,
    }
    return render(request, "accounts/judge.html", context, status=422 if form.errors else 200)
