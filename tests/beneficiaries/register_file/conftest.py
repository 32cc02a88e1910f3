import datetime
import io
from collections.abc import Callable

import pytest

from beneficiaries.register_file.list_check import CheckedList
from beneficiaries.register_file.rows import RegisterRow
from beneficiaries.register_file.tables import Tables, load_tables
from foundation.reference.loading import load_reference

TODAY = datetime.date(2026, 11, 23)
PERIOD = datetime.date(2026, 11, 1)
Checker = Callable[[bytes], tuple[CheckedList, list[RegisterRow]]]


@pytest.fixture
def tables(db: None) -> Tables:
    load_reference(demo=True)
    return load_tables("26743", day=TODAY)


@pytest.fixture
def check(tables: Tables) -> Checker:
    def read(content: bytes) -> tuple[CheckedList, list[RegisterRow]]:
        with CheckedList(io.BytesIO(content), tables, period=PERIOD, today=TODAY) as checked:
            return checked, [row for chunk in checked.chunks() for row in chunk]

    return read
