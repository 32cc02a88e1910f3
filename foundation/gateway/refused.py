"""Counting the callbacks whose signature was refused (I-26), so that a flood of forgeries is seen and costs next to nothing.

Nothing of a forged message is kept. A process counts in memory and writes its count at most once a second.
"""

import threading
import time

from django.db import connection

ADD = """
INSERT INTO gateway_refused_callbacks AS r (minute, count) VALUES (date_trunc('minute', portal_now()), %s)
ON CONFLICT (minute) DO UPDATE SET count = r.count + excluded.count
"""
WRITE_EVERY_SECONDS = 1.0


class Tally:
    """What one process has refused and not written yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._written = float("-inf")

    def add(self) -> None:
        """Count one, and write what was counted if the last writing is long enough ago."""
        with self._lock:
            self._count += 1
            if time.monotonic() - self._written < WRITE_EVERY_SECONDS:
                return
            count, self._count, self._written = self._count, 0, time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(ADD, [count])


TALLY = Tally()


def forget_old_counts() -> int:
    """Counts are for alarms of the hour; a month of them is kept to look back. How many rows went."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM gateway_refused_callbacks WHERE minute < portal_now() - interval '30 days'")
        return int(cursor.rowcount)
