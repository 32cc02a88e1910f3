"""The roof's own work for Celery: what joins the rooms. Sealing, checking and verifying, watching, telling people."""

import time
from typing import Any

from celery import shared_task

from foundation.audit.operations import SYSTEM
from foundation.audit.sealing import BATCH, seal_events
from foundation.gateway.client import gateway
from foundation.gateway.sending import send_some
from payments.operations.verification.running import verify_books
from welfare_portal import watching
from welfare_portal.verification import gateway_book

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


@shared_task
def verify(**_from_a_newer_release: Any) -> None:
    """Beat's daily verification; a line that does not hold is an alarm."""
    with gateway_book() as book:
        verify_books(book=book, by=SYSTEM)
