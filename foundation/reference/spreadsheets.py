"""Text that spreadsheets would run: names and reasons come from people, and every file that leaves may be opened in one."""

import unicodedata

_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_text(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; full-width `＝` and spaces in front do not help it.

    A sign in front of the text shows as text: `=1+1` leaves as `'=1+1`.
    """
    plain = unicodedata.normalize("NFKC", cell[:20])
    return f"'{cell}" if plain.startswith(_STARTS) or plain.lstrip().startswith(_STARTS) else cell
