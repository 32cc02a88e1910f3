"""Which statements cost most, and how PostgreSQL works them out: every statement of an act is timed, and after a few calls
looked at with `EXPLAIN (ANALYZE, BUFFERS)`, within a savepoint that is taken back.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

LOOKED_AT = (2, 3, 12)  # calls: the tables are warm by then, and a later look replaces the first
PLANNED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
SPACES = re.compile(r"\s+")
VALUES = re.compile(r"'(?:[^']|'')*'(?:::\w+(?:\[\])?)?|\b\d+\b")


@dataclass(slots=True)
class Seen:
    """One statement: how often it ran, for how long in all, and its plan."""

    sql: str
    act: str
    calls: int = 0
    seconds: float = 0.0
    plan: list[str] = field(default_factory=list)


class Plans:
    """Watches this process's statements while an act is named."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self._act = ""

    @contextmanager
    def during(self, act: str) -> Iterator[None]:
        """Watch what is executed until it is left."""
        self._act = act
        with connection.execute_wrapper(self._watch):
            yield

    def heaviest(self, most: int) -> list[Seen]:
        """Those on which most time was spent, the heaviest first."""
        return sorted(self._seen.values(), key=lambda seen: -seen.seconds)[:most]

    @property
    def seconds(self) -> float:
        """Of all statements together."""
        return sum(seen.seconds for seen in self._seen.values())

    def _watch(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        text = SPACES.sub(" ", sql).strip()
        seen = self._seen.setdefault(VALUES.sub("?", text), Seen(text, self._act))
        seen.calls += 1
        if seen.calls in LOOKED_AT and not many and PLANNED.match(sql) and connection.in_atomic_block:
            seen.plan = self._explain(sql, params)
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            seen.seconds += time.perf_counter() - started

    def _explain(self, sql: str, params: Any) -> list[str]:
        raw = connection.connection.cursor()
        try:
            raw.execute("SAVEPOINT looked_at")
            raw.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}", params)
            plan = [line for (line,) in raw.fetchall()]
            raw.execute("ROLLBACK TO SAVEPOINT looked_at")
        finally:
            raw.close()
        return plan


def as_markdown(plans: Plans, *, lines: int, most: int) -> str:
    """The heaviest statements as a page of the documentation."""
    parts = []
    for number, seen in enumerate(plans.heaviest(most), start=1):
        share = 100 * seen.seconds / plans.seconds
        parts.append(
            f"## {number}. {seen.act}: {share:.0f} % of the time in the database\n\n"
            f"{seen.calls:,} calls, {1_000_000 * seen.seconds / lines:.1f} µs a line, "
            f"{1000 * seen.seconds / seen.calls:.1f} ms a call.\n\n"
            f"```sql\n{shortened(seen.sql)}\n```\n\n```text\n" + "\n".join(map(shortened, seen.plan)) + "\n```\n"
        )
    return "\n".join(parts)


def shortened(text: str, longest: int = 400) -> str:
    """A text without the long lists of values that statements and plans repeat."""
    text = re.sub(r"\{[0-9a-z,]{60,}\}", "{…}", text)
    return text if len(text) <= longest else f"{text[:longest]} …"
