"""Numbers as pages, files and messages show them: enough for the owner to recognise, too little for anyone to use.

A value of unexpected length shows less, never more: what is too short to hide anything is hidden whole.
"""

import re

HIDDEN = "****"
_SEPARATORS = re.compile(r"[\s.\-]+")


def mask_national_id(value: str | None) -> str:
    """`079148001234` as `079 148 *** 234`; anything that is not 12 characters shows its last three at most."""
    digits = _compact(value)
    if len(digits) == 12:
        return f"{digits[:3]} {digits[3:6]} *** {digits[9:]}"
    return _tail(digits, 3)


def mask_account(value: str | None) -> str:
    """`0011001234567` as `**** 4567`; fewer characters where the number has fewer than eight."""
    return _tail(_compact(value), 4)


def mask_phone(value: str | None) -> str:
    """`+84901234567` or `0901234567` as `090* *** 567`; other numbers show their last three."""
    digits = _compact(value)
    if digits.startswith("+84"):
        digits = "0" + digits[3:]
    if len(digits) == 10 and digits.startswith("0"):
        return f"{digits[:3]}* *** {digits[7:]}"
    return _tail(digits, 3)


def _compact(value: str | None) -> str:
    return _SEPARATORS.sub("", value or "")


def _tail(text: str, shown: int) -> str:
    """The last `shown` characters, or fewer, so that at least half of the text stays hidden."""
    shown = min(shown, len(text) // 2)
    return f"{HIDDEN} {text[-shown:]}" if shown > 1 else HIDDEN
