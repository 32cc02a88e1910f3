"""Celery's thin doors: wake-ups that look for work in the database, and beat's sweeps. The only file of this room that
knows Celery.

No message carries work: a lost one costs a sweep, a doubled one finds nothing to do. A worker drains what it finds within a
time budget and lets go, so that a deployment never waits for long.
"""

import socket
import time
from collections.abc import Callable
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from foundation.audit import clock
from foundation.audit.models import Job
from foundation.audit.partitions import ensure_months
from foundation.audit.signs import Kind, give_sign
from foundation.gateway.client import gateway
from payments.errors import FundTooLow, InvalidMove, PaymentsStopped, RestoreNotEnded
from payments.models import PayoutBatch
from payments.operations import (
    cancelling,
    close,
    dispatch,
    import_statements,
    messages,
    release,
    statement_files,
    take_up,
)
from payments.operations.build import JOB_KIND, build_step
from payments.states import BatchState

log = structlog.get_logger(__name__)


class Bell:
    """Wakes workers. One that nobody heard is left alone for a while: a frozen Redis costs one page seconds, not every page."""

    DEAF_SECONDS = 10

    def __init__(self) -> None:
        self._deaf_until = time.monotonic()

    def ring(self, act: Callable[[], object]) -> bool:
        """Whether the act that rings was heard. Never raises: the sweep comes anyway."""
        if time.monotonic() < self._deaf_until:
            return False
        try:
            act()
        except (OperationalError, RedisError) as error:
            self._deaf_until = time.monotonic() + self.DEAF_SECONDS
            log.warning("bell not heard", why=type(error).__name__)
            return False
        return True


bell = Bell()


def ring() -> None:
    """Wake the workers now rather than at the next sweep."""
    for _ in range(settings.DISPATCH_WORKERS):
        if not bell.ring(lambda: work.apply_async(retry=False)):
            return


def ring_for_messages() -> None:
    """Wake one worker for what has just come in; the first ring of a second stands for all that follow it."""

    def first_of_a_second() -> None:
        if cache.add("payments.messages.rung", 1, timeout=1):
            work.apply_async(retry=False)

    bell.ring(first_of_a_second)


@shared_task
def tick(**_from_a_newer_release: Any) -> None:
    """Beat's sweep: wake as many workers as may dispatch, and leave word that beat is there."""
    give_sign(name="beat", kind=Kind.BEAT)
    ring()


@shared_task
def work(**_from_a_newer_release: Any) -> None:
    """Look for work until there is none, or the time budget is spent; first, leave word that this worker is there."""
    give_sign(name=f"worker {work.request.hostname or socket.gethostname()}", kind=Kind.WORKER)
    drain(budget_seconds=settings.DISPATCH_WAKE_BUDGET)


def drain(*, budget_seconds: float) -> int:
    """Do what waits, most urgent first, until nothing waits; how many pieces were done. Also called by tests and commands."""
    deadline = time.monotonic() + budget_seconds
    done = 0
    while time.monotonic() < deadline:
        pieces = sum(step() for step in STEPS) or sum(step() for step in WHEN_IDLE)
        done += pieces
        if pieces == 0:
            break
    return done


def _apply_messages() -> int:
    return messages.apply_messages()


def _ask() -> int:
    claim = dispatch.claim_to_ask()
    if claim is None:
        return 0
    dispatch.ask(claim=claim, gateway=gateway())
    return 1


def _send() -> int:
    try:
        claim = dispatch.claim_to_send()
    except dispatch.ListTampered as tampered:
        log.error("list tampered, batch held", batch=tampered.batch_id, chunk=tampered.chunk_id)
        return 1
    if claim is None:
        return 0
    dispatch.send(claim=claim, gateway=gateway())
    return 1


def _open_chunks() -> int:
    return release.open_chunks()


def _cancel_chunks() -> int:
    return cancelling.cancel_chunks()


def _sweep_leases() -> int:
    return len(dispatch.sweep_leases())


def _move_batches() -> int:
    """Reserve what is approved, start what is due, end what has run dry."""
    moved = len(release.drain_batches())
    at = clock.now()
    for batch_id, state in (
        PayoutBatch.objects.filter(state__in=[BatchState.APPROVED, BatchState.RESERVED])
        .order_by("id")
        .values_list("id", "state")
    ):
        try:
            if state == BatchState.APPROVED:
                release.reserve_batch(batch_id=batch_id, at=at)
            else:
                release.start_batch(batch_id=batch_id, at=at)
            moved += 1
        except FundTooLow:
            log.warning("fund too low", batch=batch_id)
        except (InvalidMove, PaymentsStopped, RestoreNotEnded):
            continue  # somebody else moved it, its day has not come, or nothing begins in the city now
    return moved


def _build() -> int:
    waiting = Job.objects.filter(kind=JOB_KIND, state__in=[Job.State.WAITING, Job.State.RUNNING]).order_by("id")
    steps = 0
    for job_id in waiting.values_list("id", flat=True):
        steps += 1
        while build_step(job_id=job_id):
            steps += 1
    return steps


def _fetch_statements() -> int:
    return int(statement_files.fetch_one(gateway=gateway()))


def _import_statements() -> int:
    return int(import_statements.import_one())


def _close_batches() -> int:
    """Take up what waited for its payment; then end the lists with which the statements agree."""
    return take_up.take_up_waiting() + close.reconcile_batches() + close.close_batches()


STEPS: tuple[Callable[[], int], ...] = (
    _apply_messages,
    _sweep_leases,
    _ask,
    _send,
    _open_chunks,
    _cancel_chunks,
    _move_batches,
    _build,
    _fetch_statements,
    _import_statements,
)
# A list waits for days to be closed: it is not looked at between one message and the next.
WHEN_IDLE: tuple[Callable[[], int], ...] = (_close_batches,)


@shared_task
def housekeep(**_from_a_newer_release: Any) -> None:
    """Hourly: months ahead for the partitioned tables."""
    for table in ("audit_event", "gateway_message_body"):
        ensure_months(table)


@shared_task
def order_statements(**_from_a_newer_release: Any) -> None:
    """Daily, and again in case the first was lost: order what is missing."""
    statement_files.order_missing_statements(at=clock.now())
    ring()
