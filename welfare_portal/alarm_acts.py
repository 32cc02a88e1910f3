"""What people do with alarms: take one over, close it. Who may is settled here; the row's own rules stand in the database."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from foundation.audit.models import Alarm
from foundation.audit.operations import record_event
from foundation.audit.reasons import UnfitReason, fit_reason
from foundation.users import access
from foundation.users.access import Rights
from foundation.users.models import User
from foundation.users.refusals import ActRefused
from foundation.users.roles import Permission

LONGEST_NOTE = 300


class AlarmClosed(ActRefused):
    """Somebody, or the system, closed it before."""

    message: str | Promise = _("Cảnh báo này đã được đóng.")
    remedy: str | Promise = _("Mở lại trang cảnh báo để xem ai đã đóng và vì sao.")
    code = "ALARM_CLOSED"


class UnfitNote(ActRefused):
    """A closing note that nobody could follow later, or with a number that must not stay."""

    message: str | Promise = _("Ghi chú phải có từ 10 đến 300 ký tự.")
    remedy: str | Promise = _("Xin viết ngắn gọn đã làm gì; không ghi số định danh, số tài khoản, số điện thoại.")
    code = "UNFIT_NOTE"
    status = 422


def alarms_visible(*, rights: Rights) -> QuerySet[Alarm]:
    """Alarms that somebody sees: all of them with the right to see the system, else those of his units."""
    if rights.units(Permission.VIEW_SYSTEM) is None:
        return Alarm.objects.all()
    units = rights.units(Permission.VIEW_BATCHES)
    return (
        Alarm.objects.exclude(unit_code="") if units is None else Alarm.objects.filter(Q(unit_code__in=units - {""}))
    )


@transaction.atomic(durable=True)
def acknowledge_alarm(*, alarm_id: int, by: User, at: datetime) -> None:
    """Take an alarm over: from now on it has an owner, who may be another than before.

    Raises:
        AlarmClosed: It is not open any more.
        access.NotAllowed: `by` does not look after alarms there.
    """
    alarm = _lock(alarm_id, by, at)
    alarm.owner_id, alarm.owner_label, alarm.acknowledged_at = by.pk, by.full_name, at
    alarm.save(update_fields=["owner_id", "owner_label", "acknowledged_at"])
    record_event(
        kind="alarm.acknowledged",
        actor=by.actor,
        subject_kind=alarm.subject_kind,
        subject_id=alarm.subject_id,
        payload={"alarm": alarm.pk, "code": alarm.code},
    )


@transaction.atomic(durable=True)
def close_alarm(*, alarm_id: int, note: str, by: User, at: datetime) -> None:
    """Close an alarm with a word on what was done. If the trouble is still there, a new one is raised.

    Raises:
        UnfitNote: As `fit_reason` says.
        AlarmClosed, access.NotAllowed: As for `acknowledge_alarm`.
    """
    try:
        note = fit_reason(note, longest=LONGEST_NOTE)
    except UnfitReason:
        raise UnfitNote from None
    alarm = _lock(alarm_id, by, at)
    alarm.closed_at, alarm.closed_by_id, alarm.closed_by_label, alarm.closing_note = at, by.pk, by.full_name, note
    alarm.save(update_fields=["closed_at", "closed_by_id", "closed_by_label", "closing_note"])
    record_event(
        kind="alarm.closed",
        actor=by.actor,
        subject_kind=alarm.subject_kind,
        subject_id=alarm.subject_id,
        payload={"alarm": alarm.pk, "code": alarm.code, "note": note},
    )


def _lock(alarm_id: int, by: User, at: datetime) -> Alarm:
    alarm = Alarm.objects.select_for_update(of=("self",), no_key=True).get(pk=alarm_id)
    access.require(user=by, permission=Permission.MANAGE_ALARMS, unit_code=alarm.unit_code or None, at=at)
    if not alarm.is_open:
        raise AlarmClosed
    return alarm
