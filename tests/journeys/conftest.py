"""A citizen of the test ward with a phone, and the bank that the worker asks."""

import pytest

from beneficiaries import tasks
from beneficiaries.models import Person
from foundation.users.models import User
from tests.beneficiaries.registering import NAME, Bank
from tests.factories import make_citizen, make_person
from tests.journeys.citizens import Phone


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch) -> Bank:
    """Says yes to everything, unless the test tells it otherwise."""
    bank = Bank()
    monkeypatch.setattr(tasks, "gateway", lambda: bank)
    return bank


@pytest.fixture
def person(db: None) -> Person:
    return make_person(NAME)


@pytest.fixture
def user(person: Person) -> User:
    """The person, as he signed in with VNeID."""
    return make_citizen(person)


@pytest.fixture
def phone(user: User) -> Phone:
    return Phone(user)
