"""The cells of one line while it is checked: read with a parser, every problem noted with its place."""

from collections.abc import Callable
from typing import TypeVar

from beneficiaries.register_file.problems import Problem, Severity
from beneficiaries.register_file.reading import Cell, RawRow
from foundation.reference.values import InvalidValue, Text

T = TypeVar("T")


class Cells:
    """One line's cells (`given`, by column key, empty ones left out) and the problems found so far."""

    def __init__(self, raw: RawRow) -> None:
        self.number = raw.number
        self.given = raw.cells
        self.problems: list[Problem] = []

    def text(self, key: str) -> str:
        """A cell as text; a whole number is written without the `.0` that spreadsheets keep it with."""
        value = self.given.get(key)
        if value is None:
            return ""
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return value if isinstance(value, str) else str(value)

    def add(self, key: str, code: str, message: Text, repair: Text, *, expected: str = "", warn: bool = False) -> None:
        """Note a problem of column `key`; an ERROR unless `warn`."""
        self.problems.append(
            Problem(
                row=self.number,
                column=key,
                code=code,
                message=message,
                repair=repair,
                severity=Severity.WARNING if warn else Severity.ERROR,
                found=self.text(key)[:100],
                expected=expected,
            )
        )

    def read(self, key: str, parse: Callable[[Cell], T], *, required: bool = True, warn: bool = False) -> T | None:
        """The parsed cell; None where it may be empty and is, and where it cannot be read, which is noted."""
        value = self.given.get(key)
        if value is None and not required:
            return None
        try:
            return parse("" if value is None else value)
        except InvalidValue as wrong:
            self.add(key, wrong.code, wrong.message, wrong.repair, warn=warn)
            return None

    @property
    def refused(self) -> bool:
        """Whether an ERROR stands in the line's way."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)
