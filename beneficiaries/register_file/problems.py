"""What is wrong with a list, told so that an officer can mend it: which row and column, what was found, what to do."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from foundation.reference.values import InvalidValue, Text

SAMPLE_ROWS = 20
KEPT_PROBLEMS = 2_000


class Severity(StrEnum):
    """An ERROR refuses the list, a WARNING is for somebody to look at."""

    ERROR = "ERROR"
    WARNING = "WARNING"


class UnreadableList(InvalidValue):
    """The file as a whole cannot be read as a list; nothing of it was taken, and nothing is stored."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `row` is the row of the file as the officer sees it, 0 for the whole list; `column` a column key.

    `found` and `expected` may hold personal numbers: they are for the officer's screen and the returned file, never
    for logs or the stored summary.
    """

    row: int
    column: str
    code: str
    message: Text
    repair: Text
    severity: Severity = Severity.ERROR
    found: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """Problems that are mended in the same way: how many, and the first rows."""

    code: str
    column: str
    severity: Severity
    message: str
    repair: str
    count: int
    rows: tuple[int, ...]


@dataclass(slots=True)
class Findings:
    """The problems of a list: all are counted, the first 2,000 kept, so that a file of nonsense costs no memory."""

    kept: list[Problem] = field(default_factory=list)
    counts: Counter[Severity] = field(default_factory=Counter)
    _groups: dict[tuple[str, str, Severity], tuple[Problem, list[int]]] = field(default_factory=dict)
    _group_counts: Counter[tuple[str, str, Severity]] = field(default_factory=Counter)

    def add(self, problem: Problem) -> None:
        """Count a problem, and keep it while there is room."""
        self.counts[problem.severity] += 1
        if len(self.kept) < KEPT_PROBLEMS:
            self.kept.append(problem)
        key = (problem.code, problem.column, problem.severity)
        self._group_counts[key] += 1
        _, rows = self._groups.setdefault(key, (problem, []))
        if len(rows) < SAMPLE_ROWS:
            rows.append(problem.row)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add each of `problems`."""
        for problem in problems:
            self.add(problem)

    @property
    def errors(self) -> int:
        """How many problems refuse the list."""
        return self.counts[Severity.ERROR]

    @property
    def warnings(self) -> int:
        """How many problems are only to be looked at."""
        return self.counts[Severity.WARNING]

    def groups(self) -> list[ProblemGroup]:
        """Problems by repair, errors first, then the most frequent; texts in the language of the moment."""
        found = [
            ProblemGroup(
                code=code,
                column=column,
                severity=severity,
                message=str(first.message),
                repair=str(first.repair),
                count=self._group_counts[code, column, severity],
                rows=tuple(rows),
            )
            for (code, column, severity), (first, rows) in self._groups.items()
        ]
        return sorted(found, key=lambda group: (group.severity is not Severity.ERROR, -group.count, group.code))

    def stored(self) -> list[dict[str, Any]]:
        """The groups as JSON values without anything that was found in a cell."""
        return [
            {
                "code": group.code,
                "column": group.column,
                "severity": group.severity.value,
                "count": group.count,
                "rows": list(group.rows),
            }
            for group in self.groups()
        ]
