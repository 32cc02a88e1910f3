"""Chromium and the portal behind a real server. Without Chromium these tests are skipped, loudly: `make test` installs it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from welfare_portal.embedded.launcher import free_port, wait_for

# Playwright keeps an event loop in this thread; the tests' own database calls are made between its steps, never inside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="NO CHROMIUM: install it (Debian: apt-get install chromium)"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | {
        "executable_path": CHROMIUM,
        "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
    }


@pytest.fixture(scope="session")
def portal(django_db_setup: None) -> Iterator[str]:
    """The portal as production runs it: granian, static files with hashes, on this test run's database."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {"DEBUG": "false", "SECURE_TLS": "false", "DEMO": "true", "SITE_URL": url}
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"], cwd=ROOT, env=environment, check=True
    )
    server = subprocess.Popen(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "welfare_portal.wsgi:application",
            "--host", "127.0.0.1", "--port", str(port),
            "--workers", "1", "--blocking-threads", "2", "--backpressure", "8", "--no-ws", "--log-level", "warning",
        ],
        cwd=ROOT,
        env=environment,
    )  # fmt: skip
    try:
        assert wait_for(f"{url}/livez", 30), "the portal does not come up"
        yield url
    finally:
        server.terminate()
        server.wait(15)
