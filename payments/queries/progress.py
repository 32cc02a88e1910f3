"""How a list is getting on: its building, then its paying, with a rough time left. Two queries at most."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from foundation.audit.models import Job
from payments.models import PayoutBatch
from payments.queries.totals import NOTHING, BatchTotals, Part
from payments.states import BatchState

JOB_KIND = "batch.build"
LOOK_BACK = timedelta(minutes=10)


class Group(models.TextChoices):
    """Where payments of a list stand, in as few words as a bar has colours; in the order of the bar."""

    SETTLED = "SETTLED", _("Đã chi")
    AT_BANK = "AT_BANK", _("Ngân hàng đang xử lý")
    CASH = "CASH", _("Chờ nhận tiền mặt")
    TREASURY = "TREASURY", _("Chờ Kho bạc chuyển")
    SERVICE = "SERVICE", _("Chờ tổ chức dịch vụ chi trả")
    WAITING = "WAITING", _("Chờ gửi")
    REVIEW = "REVIEW", _("Chờ xem xét")
    REJECTED = "REJECTED", _("Ngân hàng từ chối")
    RETURNED = "RETURNED", _("Bị trả lại")
    CANCELLED = "CANCELLED", _("Không chi")


@dataclass(frozen=True, slots=True)
class ProgressGroup:
    """One colour of the bar."""

    group: Group
    label: str
    part: Part


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far the building of a list has come; `total` is None before the first look."""

    state_label: str
    done: int
    total: int | None
    failed: bool

    @property
    def percent(self) -> int:
        """Of the whole, rounded down."""
        return self.done * 100 // self.total if self.total else 0


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """Where a list stands by count and amount. `per_minute`, `seconds_left` are rough, and None while nothing can be said."""

    totals: BatchTotals
    groups: tuple[ProgressGroup, ...]
    per_minute: int | None
    seconds_left: int | None
    build: BuildProgress | None

    @property
    def percent(self) -> int:
        """How much of the money has come to its end, rounded down."""
        return self.totals.ended.amount * 100 // self.totals.planned.amount if self.totals.planned.amount else 0


BY_CHUNK_STATE = """
SELECT CASE route WHEN 'WARD_CASH' THEN 'CASH' WHEN 'TREASURY_FILE' THEN 'TREASURY' WHEN 'PAYMENT_SERVICE' THEN 'SERVICE'
            ELSE CASE WHEN state IN ('PLANNED', 'READY') THEN 'WAITING'
                      WHEN state = 'PARKED' THEN 'REVIEW' ELSE 'AT_BANK' END END,
       sum(number_of_transactions), sum(control_sum), sum(settled_count), sum(settled_sum),
       sum(rejected_count), sum(rejected_sum), sum(returned_count), sum(returned_sum), sum(cancelled_count), sum(cancelled_sum)
FROM payments_dispatch_chunk WHERE batch_id = %s
GROUP BY 1
"""

# What the bank has answered of late tells the speed; the first minutes of a list are measured from its first message.
RECENT = """
SELECT coalesce(sum(a.number_of_transactions), 0),
       coalesce(extract(epoch FROM %(at)s - greatest(min(a.intent_at), %(since)s)), 0)::integer
FROM payments_dispatch_attempt a JOIN payments_dispatch_chunk c ON c.id = a.chunk_id
WHERE c.batch_id = %(batch)s AND a.kind = 'SEND' AND a.outcome = 'ANSWERED' AND a.answered_at > %(since)s
"""


def batch_progress(*, batch: PayoutBatch, at: datetime) -> BatchProgress:
    """How the building or the paying of a list is getting on."""
    if batch.state == BatchState.BUILDING:
        return BatchProgress(NOTHING, (), None, None, _build(batch))
    totals, still_open = NOTHING, dict.fromkeys(Group, Part(0, 0))
    with connection.cursor() as cursor:
        cursor.execute(BY_CHUNK_STATE, [batch.pk])
        for group, *figures in cursor.fetchall():
            numbers = [int(figure) for figure in figures]
            found = BatchTotals(*(Part(*numbers[start : start + 2]) for start in range(0, len(numbers), 2)))
            totals += found
            still_open[Group(group)] = found.open
    parts = still_open | {
        Group.SETTLED: totals.settled,
        Group.REJECTED: totals.rejected,
        Group.RETURNED: totals.returned,
        Group.CANCELLED: totals.cancelled,
    }
    ahead, at_bank = parts[Group.WAITING].count, parts[Group.AT_BANK].count
    # What people hand out in cash has no speed: a rate is told only while the bank has something to do.
    moving = batch.state == BatchState.DISPATCHING and ahead + at_bank > 0
    per_minute = _per_minute(batch, at) if moving else None
    return BatchProgress(
        totals=totals,
        groups=tuple(ProgressGroup(group, str(group.label), part) for group, part in parts.items() if part.count),
        per_minute=per_minute,
        seconds_left=-(-ahead * 60 // per_minute) if per_minute and ahead else None,
        build=None,
    )


def _per_minute(batch: PayoutBatch, at: datetime) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(RECENT, {"batch": batch.pk, "at": at, "since": at - LOOK_BACK})
        count, seconds = cursor.fetchone()
    return int(count) * 60 // max(1, seconds) or None


def _build(batch: PayoutBatch) -> BuildProgress | None:
    job = Job.objects.filter(kind=JOB_KIND, subject_kind="batch", subject_id=batch.pk).order_by("-id").first()
    if job is None:
        return None
    return BuildProgress(str(job.get_state_display()), job.done, job.total, job.state == Job.State.FAILED)
