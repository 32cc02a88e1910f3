"""Where the page before a page ended, as its address says it."""

from django.http import HttpRequest

LONGEST_KEY = 18  # digits; what the database can hold is longer


def after_key(request: HttpRequest) -> int | None:
    """The key of the last row that was seen; nonsense is no key, and begins the list anew."""
    text = request.GET.get("sau", "")
    return int(text) if text.isdecimal() and len(text) <= LONGEST_KEY else None
