"""What the page about the system's state shows, from the database alone, in four queries however much there is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Min
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from foundation.audit.models import Alarm, SignOfLife
from payments.models import VerificationRun

# What waits longer than this is drawn as trouble; the watchers raise their alarms later than that.
LATE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Queue:
    """Work of one kind that is due: how much, and since when the oldest has been."""

    label: str | Promise
    count: int
    seconds: int

    @property
    def is_late(self) -> bool:
        """Whether it waits longer than it should."""
        return self.seconds > LATE_SECONDS


@dataclass(frozen=True, slots=True)
class SystemState:
    """Everything on the page."""

    signs: list[dict[str, Any]]
    queues: list[Queue]
    alarms: list[dict[str, Any]]
    sealed_at: datetime | None
    sealed_events: int
    unsealed: int
    trail_check: SignOfLife | None
    verification: VerificationRun | None


LABELS = {
    "send": _("Gói chi đến lượt gửi"),
    "ask": _("Gói chi đến lượt hỏi ngân hàng"),
    "inbox": _("Bản tin của cổng chờ xử lý"),
    "notices": _("Thông báo chờ gửi"),
    "jobs": _("Công việc dài đang chờ hoặc đang chạy"),
}
QUEUES = """
SELECT 'send', count(*), extract(epoch FROM portal_now() - min(due_at))::bigint FROM payments_dispatch_chunk
    WHERE route = 'GATEWAY' AND state = 'READY' AND due_at <= portal_now()
UNION ALL
SELECT 'ask', count(*), extract(epoch FROM portal_now() - min(due_at))::bigint FROM payments_dispatch_chunk
    WHERE route = 'GATEWAY' AND state = 'INQUIRY' AND due_at <= portal_now()
UNION ALL
SELECT 'inbox', count(*), extract(epoch FROM portal_now() - min(received_at))::bigint FROM gateway_message
    WHERE state = 'RECEIVED'
UNION ALL
SELECT 'notices', count(*), extract(epoch FROM portal_now() - min(created_at))::bigint FROM gateway_notice
    WHERE state IN ('WAITING', 'FAILED')
UNION ALL
SELECT 'jobs', count(*), extract(epoch FROM portal_now() - min(created_at))::bigint FROM audit_job
    WHERE state IN ('WAITING', 'RUNNING')
UNION ALL
SELECT 'sealed', coalesce(max(size), 0), extract(epoch FROM max(at))::bigint FROM audit_tree_head
UNION ALL
SELECT 'unsealed', count(*), NULL FROM audit_event e
    WHERE e.id > coalesce((SELECT sealed_through FROM audit_tree_head ORDER BY size DESC LIMIT 1), 0)
      AND NOT EXISTS (SELECT 1 FROM audit_sealed_event s WHERE s.event_id = e.id)
"""


def state_of_system() -> SystemState:
    """The state now."""
    signs = list(SignOfLife.objects.order_by("kind", "name"))
    with connection.cursor() as cursor:
        cursor.execute(QUEUES)
        counted = {name: (count, seconds) for name, count, seconds in cursor.fetchall()}
    sealed, sealed_epoch = counted["sealed"]
    severities = dict(Alarm.Severity.choices)
    return SystemState(
        signs=[
            {"sign": sign, "label": sign.get_kind_display()}
            for sign in signs
            if sign.kind != SignOfLife.Kind.TRAIL_CHECK
        ],
        queues=[Queue(label, counted[name][0], counted[name][1] or 0) for name, label in LABELS.items()],
        alarms=[
            {
                "label": severities[row["severity"]],
                "count": row["count"],
                "since": row["since"],
                "code": row["severity"],
            }
            for row in Alarm.objects.filter(closed_at=None)
            .values("severity")
            .annotate(count=Count("pk"), since=Min("raised_at"))
            .order_by("severity")
        ],
        sealed_at=datetime.fromtimestamp(sealed_epoch, tz=UTC) if sealed_epoch else None,
        sealed_events=sealed,
        unsealed=counted["unsealed"][0],
        trail_check=next((sign for sign in signs if sign.kind == SignOfLife.Kind.TRAIL_CHECK), None),
        verification=VerificationRun.objects.order_by("-id").first(),
    )
