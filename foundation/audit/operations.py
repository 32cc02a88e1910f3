"""Writing the trail. The one way to add an event, called inside the transaction of the act that it tells of."""

from dataclasses import dataclass
from typing import Any

import structlog

from foundation.audit.models import AuditEvent


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as values that outlive the account."""

    kind: str
    id: int | None
    label: str


SYSTEM = Actor(kind=AuditEvent.ActorKind.SYSTEM, id=None, label="")
GATEWAY = Actor(kind=AuditEvent.ActorKind.GATEWAY, id=None, label="")


def record_event(
    *, kind: str, actor: Actor, subject_kind: str, subject_id: int | str, payload: dict[str, Any] | None = None
) -> None:
    """Add one event to the trail.

    Args:
        kind: What happened, `noun.verb` in English (`batch.approved`).
        actor: Who did it.
        subject_kind: The noun that it happened to (`batch`, `chunk`, `account`).
        subject_id: Its primary key.
        payload: Facts that an auditor needs, JSON values only; never a national ID, account number or phone.
    """
    AuditEvent.objects.create(
        kind=kind,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        subject_kind=subject_kind,
        subject_id=str(subject_id),
        payload=payload or {},
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
    )
