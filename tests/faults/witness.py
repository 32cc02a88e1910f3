"""Sees to it that a test which the table names for a state had something in that state, or fails it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from django.db import DatabaseError, connection

from tests.faults.table import CHAOS, FAULTS

BEFORE_ANY_ROW = {"request", "callback"}
WRITES = ("payments_transfer", "payments_dispatch_chunk", "payments_payout_batch")
STATES = """
SELECT state FROM payments_transfer UNION SELECT 'chunk ' || state FROM payments_dispatch_chunk
UNION SELECT 'batch ' || state FROM payments_payout_batch
"""


@cache
def declared() -> dict[str, set[str]]:
    """The states in which each test must have something, by its node id."""
    states: dict[str, set[str]] = {}
    for fault in FAULTS:
        for state in set(fault.struck) - BEFORE_ANY_ROW:
            for test in fault.tests(state):
                if test != CHAOS:
                    states.setdefault(test, set()).add(state)
    return states


@contextmanager
def watching() -> Iterator[set[str]]:
    """The states that rows are in before each write of this process, and at the end."""
    seen: set[str] = set()
    looking = False

    def look() -> None:
        nonlocal looking
        looking = True
        try:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute(STATES)
                seen.update(state for (state,) in cursor.fetchall())
        finally:
            looking = False

    def before(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if not looking and any(table in str(sql) for table in WRITES):
            look()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(before):
        yield seen
        look()
