"""Reasons that people give and that stay in the trail for ever: what fits there is said once, for forms and operations."""

import re

SHORTEST = 10
_LONG_NUMBER = re.compile(r"(?:\d[\s.\-]*){9,}")  # shorter ones may be dates or numbers of papers


class UnfitReason(ValueError):
    """A reason that nobody could follow later, or with a number that must not stand in the trail."""

    def __init__(self, *, holds_number: bool = False) -> None:
        super().__init__("holds a long number" if holds_number else "too short or too long")
        self.holds_number = holds_number


def fit_reason(text: str, *, longest: int) -> str:
    """The reason on one line.

    Raises:
        UnfitReason: It has fewer than ten characters, more than `longest`, or a run of digits as long as a personal, account or
            phone number.
    """
    reason = " ".join(text.split())
    if not SHORTEST <= len(reason) <= longest:
        raise UnfitReason
    if _LONG_NUMBER.search(reason):
        raise UnfitReason(holds_number=True)
    return reason
