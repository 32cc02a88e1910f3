"""The roof's own work for Celery: what joins the rooms. Sealing and checking the trail, watching, telling people."""

import time
from typing import Any

from celery import shared_task

from foundation.audit.sealing import BATCH, seal_events
from foundation.gateway.client import gateway
from foundation.gateway.sending import send_some
from welfare_portal import watching

SENDING_SECONDS = 25.0  # then let go, so that a deployment never waits for long


@shared_task
def seal(**_from_a_newer_release: Any) -> None:
    """Beat's tick: give every committed event its place, portion by portion."""
    while seal_events() == BATCH:
        pass


@shared_task
def watch(*, thoroughly: bool = False, **_from_a_newer_release: Any) -> None:
    """Beat's round: look at everything, then write the notices of what is new."""
    watching.watch(thoroughly=thoroughly)
    watching.tell_of_alarms()


@shared_task
def send_notices(**_from_a_newer_release: Any) -> None:
    """Send what people are to be told, a set at a time, until nothing is due or the time is spent."""
    deadline = time.monotonic() + SENDING_SECONDS
    while time.monotonic() < deadline and send_some(gateway=gateway()):
        pass


@shared_task
def check_trail(**_from_a_newer_release: Any) -> None:
    """Nightly: recompute the seal over every event, and give the auditors the head to be noted elsewhere."""
    watching.check_trail()
