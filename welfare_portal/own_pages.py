"""The first pages of those who are signed in; they join what the rooms below know."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from beneficiaries.models import RegisterImport
from beneficiaries.queries.accounts import account_summary, accounts_of_person, person_of
from beneficiaries.queries.citizen import standing_of
from beneficiaries.queries.confirming import UnitAccounts, accounts_by_unit
from beneficiaries.queries.imports import imports_to_write
from beneficiaries.refusals import refusal_of
from beneficiaries.states import AccountState
from beneficiaries.views.citizen import told as account_told
from foundation.users.access import CITY_TIME
from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission
from payments.models import FundingVoucher, Recovery
from payments.queries import unit_history, work_queue
from payments.queries.citizen import next_expected, payments_of_person
from payments.queries.deciding import waiting_counts
from payments.queries.funds import papers_to_confirm
from payments.queries.recovering import recoveries_to_confirm
from payments.views.citizen import told as payment_told
from welfare_portal.alarm_pages import urgent

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
        expected = next_expected(person=person, at=request.at)
        context |= {
            "by_service": next((one.how for one in expected if one.by_service), ""),
            "draft": summary.draft,
            "accounts": [{"account": account, "told": account_told(account)} for account in held],
            "lost": last if last is not None and last.state in LOST else None,
            "lost_why": refusal_of(last.refusal_code) if last is not None and last.refusal_code else None,
            "standing": standing_of(person, at=request.at),
            "payments": [payment_told(one) for one in payments_of_person(person=person, limit=3).rows],
            "expected": expected,
        }
    return render(request, "citizen_home.html", context)


# What waits in a batch: the part of the queue, what it is, what the next act is called, and the page where it is done.
WORK = (
    ("to_approve", gettext_lazy("Chờ ông, bà duyệt"), gettext_lazy("Xem và duyệt"), "batch-approve"),
    ("fund_too_low", gettext_lazy("Nguồn thiếu tiền"), gettext_lazy("Xem số thiếu"), "batch"),
    ("held", gettext_lazy("Đang tạm dừng"), gettext_lazy("Xem lý do"), "batch"),
    ("sent_back", gettext_lazy("Bị trả lại"), gettext_lazy("Xem lý do"), "batch"),
    ("drafts", gettext_lazy("Chưa trình"), gettext_lazy("Xem và trình"), "batch"),
    ("being_paid", gettext_lazy("Đang chi"), gettext_lazy("Theo dõi"), "batch"),
)
MONTHS_DRAWN = 6


@page(Permission.VIEW_BATCHES)
def staff_home(request: PortalRequest) -> HttpResponse:
    """What waits for this officer, the oldest first, each with the next act; and the last months of his unit."""
    queue = work_queue(user=request.user, at=request.at)
    lists: list[RegisterImport] = []
    confirming: list[UnitAccounts] = []
    if Permission.IMPORT_REGISTER in request.rights:
        lists = imports_to_write(user=request.user, at=request.at)
    if Permission.CONFIRM_ACCOUNTS in request.rights:
        counted = accounts_by_unit(user=request.user, at=request.at)
        confirming = [unit for unit in counted if unit.checked or unit.near]
    papers: list[FundingVoucher] = []
    recoveries: list[Recovery] = []
    if Permission.CONFIRM_FUNDING in request.rights:
        papers = papers_to_confirm(user=request.user, at=request.at)
        recoveries = recoveries_to_confirm(user=request.user, at=request.at)
    waiting = [
        {"title": title, "verb": verb, "page": name, "work": item, "seconds": int(item.age.total_seconds())}
        for part, title, verb, name in WORK
        for item in getattr(queue, part)
    ]
    units = request.rights.units(Permission.VIEW_BATCHES)
    history = unit_history(
        unit_code=None if units is None else min(units, default=""),
        through=request.at.astimezone(CITY_TIME).date(),
        months=MONTHS_DRAWN,
    )
    context = {
        "second": waiting_counts(user=request.user, units=units),
        "urgent": urgent(request),
        "waiting": waiting,
        "lists": lists,
        "confirming": confirming,
        "papers": papers,
        "recoveries": recoveries,
        "history": history,
        "most": max(month.planned.amount for month in history),
        "may_import": Permission.IMPORT_REGISTER in request.rights,
        "may_prepare": Permission.PREPARE_BATCH in request.rights,
    }
    return render(request, "overview.html", context)
