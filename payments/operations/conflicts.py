"""Trying again what the database took back because two of us stood in each other's way."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from django.db import OperationalError

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
TAKEN_BACK = {"40P01": "deadlock", "40001": "serialization failure", "55P03": "lock timeout"}
MOST_TRIES = 3


def again_on_conflict(act: Callable[P, R]) -> Callable[P, R]:
    """Do a whole transaction again, three times at most, when the database took it back for another's sake.

    Only these codes prove that nothing was written. A connection that was lost in the middle proves nothing: that error is
    passed on, and what was written is found out by reading (fence, lease, inquiry).
    """

    @wraps(act)
    def patiently(*args: P.args, **kwargs: P.kwargs) -> R:
        for tried in range(1, MOST_TRIES):
            try:
                return act(*args, **kwargs)
            except OperationalError as error:
                code = getattr(error.__cause__, "pgcode", None)
                if code not in TAKEN_BACK:
                    raise
                log.warning("transaction taken back", why=TAKEN_BACK[code], tried=tried)
                time.sleep(random.random() * tried / 5)  # noqa: S311  only so that the two do not meet again
        return act(*args, **kwargs)

    return patiently
