"""Chromium and the portal behind a real server. Without Chromium these tests are skipped, loudly: `make test` installs it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.city import City

# Playwright keeps an event loop in this thread; the tests' own database calls are made between its steps, never inside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            # A newcomer's bare machine has no browser and still gets a green suite; .ci/run demands one, so nothing lands unseen.
            if CHROMIUM is None and os.environ.get("BROWSER") != "required":
                item.add_marker(pytest.mark.skip(reason="NO CHROMIUM: install it (Debian: apt-get install chromium)"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | {
        "executable_path": CHROMIUM,
        "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
    }


@pytest.fixture(scope="session")
def city(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Portal, worker, beat and gateway as production runs them, on this test run's database."""
    with City(tmp_path_factory.mktemp("city")) as running:
        yield running


@pytest.fixture(scope="session")
def portal(city: City) -> str:
    """The portal's address."""
    return city.portal


@pytest.fixture
def office(city: City, committed: None) -> Iterator[City]:
    """The demonstration ward with its staff, its money and a short list; everything is gone after the test."""
    city.open()
    try:
        yield city
    finally:
        city.close()
