"""Alarms: what is wrong now, what was, and what to do about one."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from foundation.audit.alarms import KINDS
from foundation.audit.models import Alarm
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key, cut
from foundation.users.roles import Permission
from welfare_portal.alarm_acts import acknowledge_alarm, alarms_visible, close_alarm
from welfare_portal.alarm_words import subject_of, title_of
from welfare_portal.manual import section
from welfare_portal.system_forms import NoteForm

SHOWN = 50
COLOURS = {"CRITICAL": "red", "WARNING": "orange", "NOTICE": "grey"}


def told(alarm: Alarm) -> dict[str, Any]:
    """An alarm as pages draw it."""
    return {
        "alarm": alarm,
        "title": title_of(alarm),
        "colour": COLOURS[alarm.severity],
        "subject": subject_of(alarm),
        "page": _page_of(alarm),
        "facts": sorted(alarm.details.items()),
        "unit": alarm.unit_code,
    }


def _page_of(alarm: Alarm) -> str:
    """Where its subject is seen; nothing where there is no such page."""
    if alarm.subject_kind == "batch" and alarm.subject_id.isdecimal():
        return reverse("batch", args=[int(alarm.subject_id)])
    if alarm.subject_kind == "bank":
        return reverse("channels")
    if alarm.subject_kind == "unit" and alarm.subject_id:
        return f"{reverse('batches')}?don-vi={alarm.subject_id}"
    return ""


@page(Permission.VIEW_BATCHES)
def alarms(request: PortalRequest) -> HttpResponse:
    """Open alarms, or with `?cu=1` those that are over; the newest first."""
    over = request.GET.get("cu") == "1"
    after = after_key(request)
    rows = alarms_visible(rights=request.rights).filter(closed_at__isnull=not over)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = cut(list(rows.order_by("-pk")[: SHOWN + 1]), limit=SHOWN, key=lambda alarm: alarm.pk)
    context = {
        "rows": [told(alarm) for alarm in found.rows],
        "next": found.next,
        "first": after is None,
        "over": over,
        "query": "cu=1" if over else "",
        "manages": Permission.MANAGE_ALARMS in request.rights,
    }
    return render(request, "system/alarms.html", context)


@page(Permission.VIEW_BATCHES, methods="GET POST")
def alarm(request: PortalRequest, alarm_id: int) -> HttpResponse:
    """One alarm: the facts, what the manual says, who takes care of it; closing it needs a word on what was done."""
    found = get_object_or_404(alarms_visible(rights=request.rights), pk=alarm_id)
    manages = request.rights.reaches(Permission.MANAGE_ALARMS, found.unit_code or None)
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        close_alarm(alarm_id=found.pk, note=form.cleaned_data["reason"], by=request.user, at=request.at)
        messages.success(request, _("Đã đóng cảnh báo."))
        return redirect("alarms")
    kind = KINDS.get(found.code)
    context = told(found) | {
        "form": form,
        "manages": manages,
        "manual": section(kind.page) if kind else [],
        "manual_name": kind.page if kind else "",
        "is_mine": found.owner_id == request.user.pk,
    }
    return render(request, "system/alarm.html", context, status=422 if form.errors else 200)


@page(Permission.MANAGE_ALARMS, methods="POST")
def take_over(request: PortalRequest, alarm_id: int) -> HttpResponse:
    """From now on this officer looks after the alarm."""
    get_object_or_404(alarms_visible(rights=request.rights), pk=alarm_id)
    acknowledge_alarm(alarm_id=alarm_id, by=request.user, at=request.at)
    messages.success(request, _("Ông, bà đã nhận xử lý cảnh báo này."))
    return redirect("alarm", alarm_id)


def urgent(request: PortalRequest) -> list[dict[str, Any]]:
    """The critical ones that are open and that this officer sees, for his first page: a handful."""
    rows = alarms_visible(rights=request.rights).filter(closed_at=None, severity="CRITICAL").order_by("-pk")[:5]
    return [told(one) for one in rows]
