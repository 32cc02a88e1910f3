"""Reads about lists that were brought: which ones, by whom, and what became of them."""

from datetime import datetime

from beneficiaries.models import RegisterImport
from beneficiaries.states import ImportState
from foundation.audit.models import AuditEvent
from foundation.users.models import User
from foundation.users.paging import Page, cut


def imports_visible(
    *, user: User, at: datetime, after: int | None = None, limit: int = 30
) -> Page[RegisterImport, int]:
    """The lists of the units that `user` may see, newest first."""
    found = RegisterImport.objects.visible_to(user, at=at).select_related("unit", "uploaded_by", "committed_by")
    if after is not None:
        found = found.filter(pk__lt=after)
    return cut(list(found.order_by("-pk")[: limit + 1]), limit=limit, key=lambda kept: kept.pk)


def imports_to_write(*, user: User, at: datetime, limit: int = 20) -> list[RegisterImport]:
    """Lists that were checked and neither written nor given up, the oldest first."""
    found = RegisterImport.objects.visible_to(user, at=at).filter(state=ImportState.CHECKED)
    return list(found.select_related("unit", "uploaded_by").order_by("pk")[:limit])


def written_counts(import_id: int) -> dict[str, int]:
    """How many rows of each kind a committed list brought, as the trail has it; empty for one that was not written."""
    event = AuditEvent.objects.filter(
        subject_kind="register_import", subject_id=str(import_id), kind="register.committed"
    ).first()
    return {key: value for key, value in event.payload.items() if isinstance(value, int)} if event else {}
