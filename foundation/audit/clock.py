"""One clock for defaults, leases and due times: the SQL function `portal_now()`.

Python's clock is used only for deadlines of a call (monotonic). Tests shift the clock of every process at once by replacing
the function's body, which only the database owner can do; in production it is `clock_timestamp()` and nothing else.
"""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Func


class PortalNow(Func):
    """The SQL clock as an expression, for `db_default` and for queries."""

    function = "portal_now"
    template = "%(function)s()"
    output_field = DateTimeField()

    def __init__(self, **extra: Any) -> None:
        super().__init__(**extra)


def now() -> datetime:
    """The portal's present moment, with a time zone; edges read it once and hand it down as `at`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT portal_now()")
        moment: datetime = cursor.fetchone()[0]
    return moment
