"""Alarms: what may go wrong, how bad it is and where it is written what to do; and raising one.

Each room declares its kinds of trouble once, as constants made by `declare`. An alarm is raised inside the transaction that
found the trouble, so it stands or falls with what it speaks of.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.functional import Promise

from foundation.audit.models import Alarm
from foundation.audit.operations import SYSTEM, record_event

Severity = Alarm.Severity


@dataclass(frozen=True, slots=True)
class AlarmKind:
    """A kind of trouble: its code, how bad it is, its name on pages, and the place in docs/ that says what to do."""

    code: str
    severity: Alarm.Severity
    title: str | Promise
    page: str


KINDS: dict[str, AlarmKind] = {}


def declare(code: str, severity: Alarm.Severity, title: str | Promise, *, page: str) -> AlarmKind:
    """Make a kind known; `page` is a file of docs/ with the heading's anchor (`operations.md#list-tampered`)."""
    assert code not in KINDS, code
    KINDS[code] = kind = AlarmKind(code, severity, title, page)
    return kind


RAISE = """
INSERT INTO audit_alarm (code, severity, subject_kind, subject_id, unit_code, details, owner_label, closed_by_label, closing_note)
VALUES (%(code)s, %(severity)s, %(subject_kind)s, %(subject_id)s, %(unit)s, %(details)s, '', '', '')
ON CONFLICT (code, subject_kind, subject_id) WHERE closed_at IS NULL
DO UPDATE SET times = audit_alarm.times + 1, last_seen_at = portal_now(), details = excluded.details
RETURNING id, times
"""


def raise_alarm(
    *,
    kind: AlarmKind,
    subject_kind: str,
    subject_id: int | str,
    unit_code: str | None = None,
    details: dict[str, Any] | None = None,
) -> int:
    """Say that something is wrong; the id of the alarm, which is the open one if the same was said before.

    Args:
        kind: What is wrong, as a room declared it.
        subject_kind: The noun that it is about (`batch`, `bank`, `statement`).
        subject_id: Its primary key, or another name that does not change.
        unit_code: The ward whose matter it is; None: the city's.
        details: Facts for whoever looks, JSON values only; never an ID number, account number or telephone.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            RAISE,
            {
                "code": kind.code,
                "severity": str(kind.severity),
                "subject_kind": subject_kind,
                "subject_id": str(subject_id),
                "unit": unit_code or "",
                "details": json.dumps(details or {}),
            },
        )
        alarm_id, times = cursor.fetchone()
    if times == 1:
        record_event(
            kind="alarm.raised",
            actor=SYSTEM,
            subject_kind=subject_kind,
            subject_id=subject_id,
            payload={"alarm": alarm_id, "code": kind.code, **(details or {})},
        )
    return int(alarm_id)
