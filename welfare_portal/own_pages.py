"""The first pages of those who are signed in; they join what the rooms below know."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render

from beneficiaries.queries.accounts import account_summary, accounts_of_person, person_of
from beneficiaries.queries.citizen import standing_of
from beneficiaries.refusals import refusal_of
from beneficiaries.states import AccountState
from beneficiaries.views.citizen import told as account_told
from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission
from payments.queries.citizen import next_expected, payments_of_person
from payments.views.citizen import told as payment_told

LOST = (AccountState.CLOSED, AccountState.REFUSED)


@page(Permission.VIEW_OWN_WELFARE)
def citizen_home(request: PortalRequest) -> HttpResponse:
    """A citizen's account, payments and what there is to do."""
    person = person_of(request.user)
    context: dict[str, Any] = {"person": person}
    if person is not None:
        summary = account_summary(person)
        held = [account for account in (summary.current, summary.waiting) if account is not None]
        # Nothing is left to be paid into: why, is the first thing that he wants to know.
        last = None if held else accounts_of_person(person).first()
        context |= {
            "draft": summary.draft,
            "accounts": [{"account": account, "told": account_told(account)} for account in held],
            "lost": last if last is not None and last.state in LOST else None,
            "lost_why": refusal_of(last.refusal_code) if last is not None and last.refusal_code else None,
            "standing": standing_of(person, at=request.at),
            "payments": [payment_told(one) for one in payments_of_person(person=person, limit=3).rows],
            "expected": next_expected(person=person, at=request.at),
        }
    return render(request, "citizen_home.html", context)


@page(Permission.VIEW_BATCHES)
def staff_home(request: PortalRequest) -> HttpResponse:
    """What waits for this officer."""
    raise Http404
