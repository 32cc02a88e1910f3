"""An office for the tests of single faults; the runs under many faults at once are in `tests/chaos`."""

import pytest

from tests.factories import Office, make_office


@pytest.fixture
def office(db: None) -> Office:
    return make_office()
