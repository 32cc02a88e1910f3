"""The roof's own work for Celery: sealing the trail, which belongs to no room above the ground floor."""

from typing import Any

from celery import shared_task

from foundation.audit.sealing import BATCH, seal_events


@shared_task
def seal(**_from_a_newer_release: Any) -> None:
    """Beat's tick: give every committed event its place, portion by portion."""
    while seal_events() == BATCH:
        pass
