"""What a month of a programme line comes to: the larger of city and national standard, times the coefficient."""

import datetime
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from operator import itemgetter
from typing import Protocol


class DatedRate(Protocol):
    """A row of the file or of the table: whole đồng from a day to a day, both inclusive."""

    @property
    def scope(self) -> str: ...  # noqa: D102
    @property
    def standard(self) -> str: ...  # noqa: D102
    @property
    def amount(self) -> int: ...  # noqa: D102
    @property
    def valid_from(self) -> datetime.date: ...  # noqa: D102
    @property
    def valid_to(self) -> datetime.date | None: ...  # noqa: D102


class RateTable:
    """Dated rates in memory, looked up by standard and month; made once for a whole list.

    A month is paid at the rates of its first day: every change so far began on a first (docs/import-list.md).
    """

    def __init__(self, rates: Iterable[DatedRate]) -> None:
        self._dated: dict[tuple[str, str], list[tuple[datetime.date, datetime.date, int]]] = defaultdict(list)
        scopes: dict[str, set[str]] = defaultdict(set)
        for rate in rates:
            last = rate.valid_to or datetime.date.max
            self._dated[rate.standard, rate.scope].append((rate.valid_from, last, rate.amount))
            scopes[rate.standard].add(rate.scope)
        for dated in self._dated.values():
            dated.sort()
        self._scopes = {standard: tuple(sorted(found)) for standard, found in scopes.items()}
        self._months: dict[tuple[str, datetime.date], int | None] = {}

    def standard_amount(self, standard: str, month: datetime.date) -> int | None:
        """The larger of the city's and the nation's amount in that month; None where neither has one."""
        key = (standard, month.replace(day=1))
        if key not in self._months:
            found = [self._on(standard, scope, key[1]) for scope in self._scopes.get(standard, ())]
            self._months[key] = max((amount for amount in found if amount is not None), default=None)
        return self._months[key]

    def amount(self, standard: str, coefficient: Decimal, month: datetime.date) -> int | None:
        """Standard times coefficient in whole đồng, halves rounded up; None where the standard has no rate then."""
        base = self.standard_amount(standard, month)
        return None if base is None else int((base * coefficient).to_integral_value(ROUND_HALF_UP))

    def _on(self, standard: str, scope: str, first: datetime.date) -> int | None:
        dated = self._dated[standard, scope]
        place = bisect_right(dated, first, key=itemgetter(0)) - 1
        if place < 0 or dated[place][1] < first:
            return None
        return dated[place][2]


def months_before(month: datetime.date, count: int) -> list[datetime.date]:
    """The first days of the `count` months before `month`, the latest first."""
    months = []
    for _ in range(count):
        month = (month.replace(day=1) - datetime.timedelta(days=1)).replace(day=1)
        months.append(month)
    return months
