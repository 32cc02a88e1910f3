"""Celery's thin door of this room: asking banks for holders' names, first for citizens who wait at their page, then for lists.

No message carries work: what is to be asked stands in rows that are due. A lost bell costs one sweep.
"""

import time
from collections.abc import Callable
from typing import Any

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError

from beneficiaries.operations.accounts import check_account, end_cooling, expire_requests, take_checks
from beneficiaries.operations.enquiries import answer_enquiry, take_enquiries
from beneficiaries.operations.registration import purge_drafts
from foundation.gateway.client import gateway

log = structlog.get_logger(__name__)

# Asked one after the other, with 10 seconds each at most: the last one of a handful is asked before its lease ends.
AT_ONCE = 5
BUDGET_SECONDS = 10.0  # short: the same workers may be wanted for payments


def ring() -> None:
    """Wake a worker now rather than at the next sweep. Never raises and never waits long: the sweep comes anyway."""
    try:
        look_up.apply_async(retry=False)
    except OperationalError as error:
        log.warning("bell not heard", why=type(error).__name__)


@shared_task
def sweep(**_from_a_newer_release: Any) -> None:
    """Beat's sweep."""
    ring()


@shared_task
def look_up(**_from_a_newer_release: Any) -> None:
    """Ask banks until nothing is due, or the time budget is spent."""
    drain(budget_seconds=BUDGET_SECONDS)


def drain(*, budget_seconds: float) -> int:
    """Ask what is due, citizens' questions before each handful of a list; how many were asked. Also called by tests."""
    deadline = time.monotonic() + budget_seconds
    done = 0
    while time.monotonic() < deadline:
        asked = _answer_citizens() or _check_listed()
        done += asked
        if asked == 0:
            break
    return done


def _answer_citizens() -> int:
    enquiries = take_enquiries(limit=AT_ONCE)
    for enquiry in enquiries:
        answer_enquiry(enquiry=enquiry, gateway=gateway())
    return len(enquiries)


def _check_listed() -> int:
    checks = take_checks(limit=AT_ONCE)
    for check in checks:
        check_account(check=check, gateway=gateway())
    return len(checks)


KEPT: tuple[Callable[[], int], ...] = (end_cooling, expire_requests, purge_drafts)


@shared_task
def housekeep(**_from_a_newer_release: Any) -> None:
    """Accounts whose safe time is over, requests that nobody finished, registrations that were left: all of them, in sets."""
    for step in KEPT:
        while step():
            pass
