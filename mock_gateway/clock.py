"""The gateway's one clock, which tests may shift, so that days pass without waiting.

Everything that the contract calls "the gateway's clock" reads it. Signature timestamps and OpenID Connect use wall
time, because a shifted clock must not break transport. Instants are kept as whole milliseconds since 1970, UTC.
"""

import time
from datetime import UTC, date, datetime, timedelta, timezone

CITY = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")  # no daylight saving since 1975


class Clock:
    """Wall time plus an offset."""

    def __init__(self) -> None:
        self.offset_ms = 0

    def now(self) -> int:
        """Milliseconds since 1970, shifted."""
        return time.time_ns() // 1_000_000 + self.offset_ms

    def today(self) -> date:
        """The day in Ho Chi Minh City."""
        return day_of(self.now())


def day_of(at: int) -> date:
    """The city's day on which an instant falls."""
    return datetime.fromtimestamp(at / 1000, CITY).date()


def iso(at: int) -> str:
    """RFC 3339 in UTC with milliseconds, as the contract writes instants."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: str) -> int | None:
    """Milliseconds of an RFC 3339 instant in UTC with `Z`; None for anything else."""
    if not text.endswith("Z") or "T" not in text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(parsed.timestamp() * 1000) if parsed.tzinfo == UTC else None
