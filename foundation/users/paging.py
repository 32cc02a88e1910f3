"""Pages by key: the thousandth costs what the first does, and a row that comes meanwhile shifts nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.http import HttpRequest

MOST = 200
LONGEST_KEY = 18  # digits; what the database can hold is longer

Row = TypeVar("Row")
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row, Key]):
    """Some rows, and the key to hand back as `after` for those that follow; None: there are no more."""

    rows: tuple[Row, ...]
    next: Key | None


def at_most(limit: int) -> int:
    """How many rows a page shows: what was asked for, within reason."""
    return max(1, min(limit, MOST))


def cut(rows: Sequence[Row], *, limit: int, key: Callable[[Row], Key]) -> Page[Row, Key]:
    """A page of `limit` rows out of one more than that, which only tells that there is a next page."""
    shown = tuple(rows[:limit])
    return Page(shown, key(shown[-1]) if len(rows) > limit else None)


def after_key(request: HttpRequest) -> int | None:
    """The key of the last row that was seen, as the address says it; nonsense is no key, and begins the list anew."""
    text = request.GET.get("sau", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_KEY else None
