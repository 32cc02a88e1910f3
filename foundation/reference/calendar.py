"""Working days: Monday to Friday, less holidays, plus Saturdays worked in exchange. Legal deadlines count them."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from foundation.reference.models import DayKind, Holiday


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """The days that differ from the ordinary week; read once, asked often. `differs` maps a day to a DayKind value."""

    differs: Mapping[datetime.date, str]

    def is_working_day(self, day: datetime.date) -> bool:
        """Whether offices work on `day`."""
        kind = self.differs.get(day)
        if kind is not None:
            return kind == DayKind.WORKING
        return day.weekday() < 5

    def add_working_days(self, start: datetime.date, count: int) -> datetime.date:
        """The day that is `count` working days after `start`, itself not counted (Civil Code 2015, Art. 147).

        With 0 it is `start`, or the next working day where `start` is none.
        """
        if count < 0:
            raise ValueError("A deadline lies ahead.")
        day, left = start, count
        while left or not self.is_working_day(day):
            day += datetime.timedelta(days=1)
            if self.is_working_day(day) and left:
                left -= 1
        return day


def working_calendar() -> WorkingCalendar:
    """The calendar as the table has it now; one query."""
    return WorkingCalendar(dict(Holiday.objects.order_by("date").values_list("date", "kind")))
