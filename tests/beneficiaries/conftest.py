import pytest

from foundation.reference.loading import load_reference
from foundation.users.models import User
from foundation.users.roles import Role
from tests.factories import make_staff


@pytest.fixture
def officer(db: None) -> User:
    """Who prepares the lists of the test ward, which has its khu phố."""
    load_reference(demo=True)
    return make_staff(Role.PREPARER)
