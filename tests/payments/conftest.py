import pytest

from tests.factories import Office, make_office
from tests.fake_gateway import FakeGateway


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()
