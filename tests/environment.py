"""The environment of tests; a pytest plugin (`-p tests.environment`), loaded before Django reads its settings.

* Every setting has the value of `.env.example` or of this file, whatever a developer's `.env` says.
* Tests run on embedded servers that begin empty and leave nothing: those of the launcher around pytest (`make test`),
  or, with a plain `pytest` from an editor, servers that this plugin starts in the controlling process.
* Nothing but such servers is ever touched, unless TEST_DATABASE_URL and TEST_REDIS_URL name others on purpose.
* Words in other languages are those of the sources, compiled anew where they have changed.
* Sockets reach this machine only.
"""

import hashlib
import os
from collections.abc import Iterator

import pytest
from django.conf import settings

from welfare_portal import catalogues
from welfare_portal.embedded import Servers, dotenv, is_ephemeral
from welfare_portal.embedded.keeper import RUN_MARKER
from welfare_portal.environment import BASE_DIR

ADDRESSES = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
SETTINGS = {
    "DEBUG": "true",  # settings.py: plain static files and no TLS; pytest-django switches Django's own DEBUG off
    "DEMO": "false",
    "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
    # Playwright keeps an event loop in the thread of its tests; Django would take every later test for async code.
    "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
}


def _same_in_every_run(name: str) -> bytes:
    """Secrets that look random, so that nothing passes by being simple, and let a failure be repeated."""
    return hashlib.sha512(f"test {name}".encode()).digest()


def _use_named_servers() -> bool:
    """Whether servers are named that tests may use; refuses when the ones that are named may not be used."""
    if os.environ.get("TEST_DATABASE_URL") and os.environ.get("TEST_REDIS_URL"):
        os.environ["DATABASE_URL"] = os.environ["DATABASE_OWNER_URL"] = os.environ["TEST_DATABASE_URL"]
        os.environ["REDIS_URL"] = os.environ["TEST_REDIS_URL"]
        return True
    named = [name for name in ADDRESSES if os.environ.get(name)]
    foreign = [name for name in named if not is_ephemeral(os.environ[name])]
    if foreign:
        raise pytest.UsageError(
            f"Tests create and drop databases and empty Redis; {', '.join(foreign)} may hold data.\n"
            "Unset it for servers of the tests' own, or name others on purpose: TEST_DATABASE_URL (the owner's login) "
            "and TEST_REDIS_URL."
        )
    return len(named) == len(ADDRESSES)


def _set_environment() -> Servers | None:
    """Give every setting its value; the servers to start, unless there are some."""
    if settings.configured:
        raise pytest.UsageError("Importing welfare_portal has read Django's settings: too early for the tests' own.")
    servers = None
    if not _use_named_servers():
        servers = Servers(ephemeral=True, fast=True)
        os.environ.update(servers.environment())
        os.environ[RUN_MARKER] = servers.run  # what tests start and leave behind ends with the servers
    for name, value in {**dotenv.example(_same_in_every_run), **SETTINGS}.items():
        if name not in ADDRESSES:
            os.environ[name] = value
    (BASE_DIR / "var" / "static").mkdir(parents=True, exist_ok=True)  # else WhiteNoise warns in a fresh clone
    catalogues.compile_catalogues(outdated_only=True)
    return servers


_servers = _set_environment()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.allow_hosts = "127.0.0.1,::1"
    config.option.allow_unix_socket = True


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Before xdist starts its workers, which inherit the addresses."""
    if _servers is not None:
        _servers.start()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_unconfigure() -> Iterator[None]:
    """After everyone else has let go of the servers."""
    try:
        yield
    finally:
        if _servers is not None:
            _servers.stop()
