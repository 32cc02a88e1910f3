"""Writing down that somebody saw personal data. Called in the transaction that reads, before the data is shown."""

from collections.abc import Sequence

import structlog

from foundation.audit.operations import Actor
from foundation.privacy.models import DataAccess


def record_access(
    *, by: Actor, role: str, subject_kind: str, subject_id: int | str, fields: Sequence[str], purpose: str
) -> None:
    """Note one reading in full of one subject's numbers.

    Args:
        by: Who read.
        role: The role under which the reading was allowed.
        subject_kind: `person`, `account`, `batch` (an export of a whole list), …
        subject_id: Its primary key, never a number of the citizen.
        fields: Names of what was shown, such as `national_id`; at least one.
        purpose: Why, in words that an auditor can check; not empty.
    """
    record_accesses(
        by=by, role=role, subject_kind=subject_kind, subject_ids=[subject_id], fields=fields, purpose=purpose
    )


def record_accesses(
    *, by: Actor, role: str, subject_kind: str, subject_ids: Sequence[int | str], fields: Sequence[str], purpose: str
) -> None:
    """Note the reading of many subjects at once, one row each, in one statement."""
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    DataAccess.objects.bulk_create(
        DataAccess(
            actor_id=by.id,
            actor_label=by.label,
            role=role,
            subject_kind=subject_kind,
            subject_id=str(subject_id),
            fields=sorted(set(fields)),
            purpose=purpose,
            request_id=request_id,
        )
        for subject_id in subject_ids
    )
