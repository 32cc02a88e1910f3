"""What happened to one batch, for whoever works with it: the events of the trail that speak of it, newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from foundation.audit.models import AuditEvent
from foundation.gateway.codes import Words
from foundation.reference.amounts import format_amount
from foundation.users.paging import Page, at_most, cut
from payments.models import PayoutBatch
from payments.queries.event_words import EVENTS, Tone
from payments.queries.timelines import FIGURES, shown
from payments.states import Route, Verdict

DECISIONS: dict[str, tuple[Tone, Words]] = {
    "batch.approved": (Tone.GOOD, _("Phê duyệt đợt chi")),
    "batch.rejected": (Tone.BAD, _("Trả lại danh sách")),
    "batch.reserved": (Tone.PLAIN, _("Giữ tiền cho đợt chi")),
    "file.made": (Tone.PLAIN, _("Lập tệp gửi đi")),
    "file.replaced": (Tone.BAD, _("Lập lại tệp gửi đi")),
    "results.committed": (Tone.GOOD, _("Ghi tệp kết quả")),
    "cash.collected": (Tone.GOOD, _("Ghi chữ ký nhận tiền mặt")),
}
COUNTED: dict[str, Words] = {
    "approvals": _("Số người đã duyệt"),
    "required": _("Số người phải duyệt"),
    "file": _("Tệp"),
}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event. `digest` is the hash of the list that was submitted or approved, in hexadecimal."""

    id: int
    at: datetime
    tone: Tone
    what: str
    actor: str
    details: tuple[tuple[str, str], ...]
    digest: str


def batch_log(*, batch: PayoutBatch, after: int | None = None, limit: int = 50) -> Page[LogEntry, int]:
    """The events of a batch; `after` is the id of the last one seen. One query."""
    limit = at_most(limit)
    found = AuditEvent.objects.filter(subject_kind="batch", subject_id=str(batch.pk))
    if after is not None:
        found = found.filter(pk__lt=after)
    return cut(
        [_entry(event) for event in found.order_by("-id")[: limit + 1]], limit=limit, key=lambda entry: entry.id
    )


def _entry(event: AuditEvent) -> LogEntry:
    tone, what = DECISIONS.get(event.kind) or EVENTS.get(event.kind) or (Tone.PLAIN, event.kind)
    payload = event.payload
    route = payload.get("route")
    told: list[tuple[Words, Any]] = [(_("Cách chi"), Route(route).label if route in Route.values else "")]
    told += [(label, shown(payload.get(key))) for key, label in (FIGURES | COUNTED).items()]
    told += [(verdict.label, shown(payload.get(verdict.lower()))) for verdict in Verdict]
    if isinstance(payload.get("sum"), int):
        told.append((_("Tổng tiền"), format_amount(payload["sum"])))
    return LogEntry(
        id=event.pk,
        at=event.at,
        tone=tone,
        what=str(what),
        actor=event.actor_label or str(AuditEvent.ActorKind(event.actor_kind).label),
        details=tuple((str(label), str(value)) for label, value in told if value not in (None, "")),
        digest=str(payload.get("list_hash", "")),
    )
