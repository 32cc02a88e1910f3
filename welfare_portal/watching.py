"""The round that all rooms' watchers make together, by beat or by cron, and telling people of what it found."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from foundation.audit import clock
from foundation.audit import watchers as of_audit
from foundation.audit.alarms import raise_alarm
from foundation.audit.models import Alarm
from foundation.audit.sealing import TrailCheck, verify_trail
from foundation.audit.signs import Kind, forget_old_signs, give_sign
from foundation.audit.watching import fade, look_at_all
from foundation.gateway import alarms as of_gateway
from foundation.gateway.notices import LONGEST_TEXT, LONGEST_TITLE, Message, Staff, add_notices
from foundation.gateway.refused import forget_old_counts
from foundation.users.access import CITY_TIME
from foundation.users.models import RoleAssignment
from foundation.users.roles import Permission, Role, roles_with
from payments import watchers as of_payments
from payments.operations.release import hold_lists_without_authority
from welfare_portal.alarm_words import subject_of, title_of

EACH_MINUTE = (*of_audit.WATCHERS, *of_gateway.WATCHERS, *of_payments.WATCHERS)
EACH_TEN_MINUTES = of_payments.SLOW_WATCHERS
TOLD_AT_ONCE = 20


def watch(*, thoroughly: bool = False) -> list[str]:
    """Look at everything once; `thoroughly`: also with the watchers that walk open lists. Codes of those that could not look.

    A list that lost its approvers is not only told of: it is held.
    """
    blind = look_at_all([*EACH_MINUTE, *EACH_TEN_MINUTES] if thoroughly else EACH_MINUTE)
    for kind, minutes in of_gateway.FADING:
        fade(kind, minutes=minutes)
    hold_lists_without_authority(at=clock.now())
    if thoroughly:
        forget_old_signs()
        forget_old_counts()
    return blind


# --- Telling ---------------------------------------------------------------------------------------------------------
def tell_of_alarms() -> int:
    """Write a notice of each new alarm to those who look after it; how many alarms were told of."""
    told = 0
    while portion := _tell_some():
        told += portion
    return told


@transaction.atomic(durable=True)
def _tell_some() -> int:
    """Administrators hear of every alarm, the officers of a ward of their ward's."""
    alarms = list(
        Alarm.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .filter(told_at=None)
        .order_by("id")[:TOLD_AT_ONCE]
    )
    if not alarms:
        return 0
    staff = _staff()
    with override("vi"):
        add_notices(
            [
                _message(alarm, Staff(user_id, email))
                for alarm in alarms
                for user_id, email, unit, in_charge in staff
                if (unit is None or unit == alarm.unit_code) and (in_charge or alarm.unit_code)
            ]
        )
    Alarm.objects.filter(pk__in=[alarm.pk for alarm in alarms]).update(told_at=clock.now())
    return len(alarms)


def _staff() -> list[tuple[int, str, str | None, bool]]:
    """Who may be told: user, address, unit (None: the city), and whether alarms are his work."""
    charged = set(roles_with(Permission.MANAGE_ALARMS))
    told = charged | set(roles_with(Permission.HOLD_BATCH))
    held = (
        RoleAssignment.objects.valid_on(clock.now().astimezone(CITY_TIME).date())
        .filter(role__in=told, user__is_active=True)
        .order_by("user_id")
        .values_list("user_id", "user__email", "unit_id", "role")
    )
    return [(user, email, unit, Role(role) in charged) for user, email, unit, role in held]


def _message(alarm: Alarm, to: Staff) -> Message:
    title = f"{alarm.get_severity_display()}: {title_of(alarm)}"
    text = f"{title}. {subject_of(alarm)}"
    return Message(
        event=f"alarm:{alarm.pk}",
        to=to,
        title=title[:LONGEST_TITLE],
        text=text[:LONGEST_TEXT],
        path=f"/he-thong/canh-bao/{alarm.pk}/",
    )


# --- The trail -------------------------------------------------------------------------------------------------------
def check_trail() -> TrailCheck:
    """Recompute the seal; what was found is an alarm, and the present head goes to the auditors, to be noted elsewhere."""
    check = verify_trail()
    head = f"{check.size}:{check.root.hex()}"
    facts: dict[str, Any] = {
        "holds": check.holds,
        "events": check.events,
        "head": head,
        "findings": len(check.findings),
    }
    with transaction.atomic():
        give_sign(name="trail check", kind=Kind.TRAIL_CHECK, details=facts)
        if check.findings:
            raise_alarm(
                kind=of_audit.TRAIL_BROKEN,
                subject_kind="trail",
                subject_id="trail",
                details={"findings": len(check.findings), "first": check.findings[0][:200]},
            )
        elif check.size:
            _hand_out(head)
    return check


def _hand_out(head: str) -> None:
    """Once a day and auditor. Whoever rewrites the trail and seals it anew cannot rewrite what stands in somebody's notebook."""
    today = clock.now().astimezone(CITY_TIME).date()
    auditors = RoleAssignment.objects.valid_on(today).filter(role=Role.AUDITOR, user__is_active=True)
    with override("vi"):
        title = _("Gốc niêm phong nhật ký ngày %(day)s") % {"day": f"{today:%d/%m/%Y}"}
        text = _("Nhật ký khớp với niêm phong. Xin chép lại và giữ ở nơi khác: %(head)s") % {"head": head}
    add_notices(
        [
            Message(
                event=f"trail.head:{today.isoformat()}",
                to=Staff(user, email),
                title=title,
                text=text,
            )
            for user, email in auditors.order_by("user_id").values_list("user_id", "user__email").distinct()
        ]
    )
