"""Watchers: each looks for one kind of trouble with one statement, opens alarms for what it finds and closes what is over.

A watcher's SQL gives the whole trouble of the moment as rows (subject_kind, subject_id, unit_code, details). What was open and is
not among them any more has ended, and the system says so; a person's word is not needed for what mended itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext_lazy as _

from foundation.audit.alarms import AlarmKind, Severity, declare

log = structlog.get_logger(__name__)

ENDED = "ended"  # the closing note of a watcher; pages say it in words
MOST = 500  # subjects of one kind; whoever has that many troubles reads the first of them


def _nothing() -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Watcher:
    """Looks for one kind of trouble. `trouble` is a SELECT of (subject_kind, subject_id, unit_code, details)."""

    kind: AlarmKind
    trouble: str
    parameters: Callable[[], dict[str, Any]] = field(default=_nothing)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look brought: alarms that are new, and alarms that have ended."""

    raised: int
    ended: int


# The details of an alarm that goes on are kept fresh, and nothing is counted: the trouble is one, however often it is looked at.
LOOK = """
WITH trouble (subject_kind, subject_id, unit_code, details) AS (
    SELECT subject_kind::text, subject_id::text, unit_code::text, details::jsonb
    FROM ({trouble}) AS found (subject_kind, subject_id, unit_code, details) LIMIT {most}
), told AS (
    INSERT INTO audit_alarm AS a (code, severity, subject_kind, subject_id, unit_code, details, owner_label, closed_by_label,
                                  closing_note)
    SELECT %(code)s, %(severity)s, subject_kind, subject_id, unit_code, details, '', '', '' FROM trouble
    ON CONFLICT (code, subject_kind, subject_id) WHERE closed_at IS NULL
    DO UPDATE SET last_seen_at = portal_now(), details = excluded.details
    RETURNING a.id, a.subject_kind, a.subject_id, a.details, a.xmax = 0 AS is_new
), ended AS (
    UPDATE audit_alarm a SET closed_at = portal_now(), closing_note = %(ended)s
    WHERE a.code = %(code)s AND a.closed_at IS NULL AND (SELECT count(*) FROM trouble) < {most}
      AND NOT EXISTS (SELECT 1 FROM trouble t WHERE t.subject_kind = a.subject_kind AND t.subject_id = a.subject_id)
    RETURNING a.id, a.subject_kind, a.subject_id
), trail AS (
    INSERT INTO audit_event (kind, actor_kind, actor_label, subject_kind, subject_id, payload, version, request_id)
    SELECT 'alarm.raised', 'SYSTEM', '', subject_kind, subject_id,
           details || jsonb_build_object('alarm', id, 'code', %(code)s::text), 1, ''
    FROM told WHERE is_new
    UNION ALL
    SELECT 'alarm.ended', 'SYSTEM', '', subject_kind, subject_id,
           jsonb_build_object('alarm', id, 'code', %(code)s::text), 1, ''
    FROM ended
)
SELECT (SELECT count(*) FROM told WHERE is_new), (SELECT count(*) FROM ended)
"""


@transaction.atomic
def look(watcher: Watcher) -> Seen:
    """Look once: raise what is new, keep what goes on, end what is over. One statement."""
    statement = LOOK.replace("{trouble}", watcher.trouble).replace("{most}", str(MOST))
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                **watcher.parameters(),
                "code": watcher.kind.code,
                "severity": str(watcher.kind.severity),
                "ended": ENDED,
            },
        )
        raised, ended = cursor.fetchone()
    if raised:
        log.warning("alarms raised", code=watcher.kind.code, count=raised)
    return Seen(int(raised), int(ended))


BLIND = declare(
    "watchers.blind",
    Severity.WARNING,
    _("Một phép kiểm tra không chạy được"),
    page="operations.md#alarm-watchers-blind",
)


# A watcher that did not take part in this round is as blind as it was.
STILL_BLIND = """
SELECT 'watcher', code, '', '{}' FROM unnest(%(blind)s::text[]) AS b(code)
UNION ALL
SELECT subject_kind, subject_id, '', '{}' FROM audit_alarm
WHERE code = %(code)s AND closed_at IS NULL AND NOT subject_id = ANY (%(looked)s)
"""


def look_at_all(watchers: Iterable[Watcher]) -> list[str]:
    """Look with every watcher, each in a transaction of its own. One that cannot look hinders no other, and is an alarm itself.

    Returns the codes of those that could not look; why stands in the log.
    """
    looked: list[str] = []
    blind: list[str] = []
    for watcher in watchers:
        looked.append(watcher.kind.code)
        try:
            look(watcher)
        except DatabaseError:
            log.exception("watcher cannot look", code=watcher.kind.code)
            blind.append(watcher.kind.code)
    look(Watcher(BLIND, STILL_BLIND, lambda: {"blind": blind, "looked": looked}))
    return blind


FADE = """
WITH ended AS (
    UPDATE audit_alarm SET closed_at = portal_now(), closing_note = %(ended)s
    WHERE code = %(code)s AND closed_at IS NULL AND last_seen_at < portal_now() - %(minutes)s * interval '1 minute'
    RETURNING id, subject_kind, subject_id
)
INSERT INTO audit_event (kind, actor_kind, actor_label, subject_kind, subject_id, payload, version, request_id)
SELECT 'alarm.ended', 'SYSTEM', '', subject_kind, subject_id, jsonb_build_object('alarm', id, 'code', %(code)s::text), 1, ''
FROM ended
"""


@transaction.atomic
def fade(kind: AlarmKind, *, minutes: int) -> int:
    """End the alarms of a kind that is raised by those who meet it, once nobody has met it for so long: how many."""
    with connection.cursor() as cursor:
        cursor.execute(FADE, {"code": kind.code, "minutes": minutes, "ended": ENDED})
        return int(cursor.rowcount)
