"""Fixtures for every test: a database of its own per worker, copied from one template, used as the application role."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg2
import pytest
from django.db import connection, connections
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

# The same examples in every run: what fails here fails for everybody. HYPOTHESIS_PROFILE=search looks for new ones.
hypothesis.settings.register_profile("portal", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "portal"))

# Code tables are loaded once into the template and never emptied.
KEPT = (
    "django_",
    "auth_",
    "reference_",
    "beneficiaries_programme",
    "beneficiaries_rate",
    "payments_approval_policy",
    "payments_approval_limit",
)
FILLED_BY_TESTS = {"reference_neighbourhood"}  # has no national code: wards make their own
TEMPLATE = "welfare_template"


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def owner_of(database: str) -> "psycopg2.extensions.connection":
    parts = urlsplit(_named(os.environ["DATABASE_OWNER_URL"], database))
    server = psycopg2.connect(urlunsplit(parts))
    server.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    return server


def _make_template(cursor: "psycopg2.extensions.cursor") -> None:
    import subprocess
    import sys

    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE])
    if cursor.fetchone():
        return
    cursor.execute(f"CREATE DATABASE {TEMPLATE}_building")
    environment = os.environ | {
        "DATABASE_URL": _named(os.environ["DATABASE_URL"], f"{TEMPLATE}_building"),
        "DATABASE_OWNER_URL": _named(os.environ["DATABASE_OWNER_URL"], f"{TEMPLATE}_building"),
        "DATABASE_ROLE": "welfare_owner",
    }
    subprocess.run([sys.executable, "manage.py", "prepare_database", "-v", "0"], check=True, env=environment)
    with closing(owner_of(f"{TEMPLATE}_building")) as server, server.cursor() as keeper:
        keeper.execute("CREATE SCHEMA kept")
        for table in _code_tables(keeper):
            keeper.execute(f"CREATE TABLE kept.{table} AS TABLE public.{table}")
    cursor.execute(f"ALTER DATABASE {TEMPLATE}_building RENAME TO {TEMPLATE}")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: object, request: pytest.FixtureRequest) -> Iterator[None]:
    """One migrated template, one copy of it for this worker; every process started by a test finds the same copy."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"welfare_test_{worker}"
    server = owner_of("postgres")
    with server.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(4242)")  # workers start together; one of them migrates
        try:
            _make_template(cursor)
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            for limit, seconds in (("idle_in_transaction_session_timeout", 60), ("transaction_timeout", 600)):
                cursor.execute(f"ALTER ROLE welfare_app IN DATABASE {name} SET {limit} = '{seconds}s'")
        finally:
            cursor.execute("SELECT pg_advisory_unlock(4242)")
    for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[variable] = _named(os.environ[variable], name)
    # Processes of this worker's tests ring bells of their own.
    bells = 2 + int("".join(filter(str.isdigit, worker)) or 0)
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].replace("db=0", f"db={bells}")
    connection.close()
    connection.settings_dict["NAME"] = name
    yield
    connections.close_all()
    with server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    server.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that docs/faults.md names for a state has had something in that state."""
    from tests.faults.witness import declared, watching

    states = declared().get(item.nodeid.partition("[")[0])
    if states is None:
        yield
        return
    with watching() as seen:
        yield
    assert states <= seen, f"docs/faults.md names this test for {sorted(states - seen)}, which nothing in it ever was"


@pytest.fixture(autouse=True)
def without_second_factor(settings: Any) -> None:
    """Officers of tests have a password's worth of proof; tests of the second factor ask for it."""
    settings.MFA_REQUIRED = False


@pytest.fixture
def superuser(django_db_setup: None) -> Iterator["psycopg2.extensions.connection"]:
    """A second door into this test's database, past every right and trigger: what a criminal administrator has."""
    server = owner_of(connection.settings_dict["NAME"])
    yield server
    server.close()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Real commits, for races, workers and other processes; afterwards every table but the code tables is emptied."""
    with real_commits(django_db_blocker):
        yield


@contextmanager
def real_commits(django_db_blocker: Any) -> Iterator[None]:
    """What `committed` does, for as long as somebody needs it: ids begin at 1, whatever other tests used up.

    The guards against TRUNCATE are passed under the replica role: Django's own flush could not.
    """
    with django_db_blocker.unblock(), closing(owner_of(connection.settings_dict["NAME"])) as server:
        restart_numbers(server)
        yield
        connections.close_all()
        empty_tables(server)


def restart_numbers(server: "psycopg2.extensions.connection") -> None:
    """Let ids begin at 1 in every table that is empty now: a test that was rolled back used some up all the same."""
    with server.cursor() as cursor:
        cursor.execute(
            "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, 1, false) FROM pg_sequences "
            "WHERE schemaname = 'public' AND last_value IS NOT NULL AND NOT sequencename ^@ ANY (%s)",
            [[name for name in KEPT if name not in FILLED_BY_TESTS]],
        )


def empty_tables(server: "psycopg2.extensions.connection") -> None:
    """Empty every table but the code tables, and give those back what was changed, through a superuser's connection."""
    with server.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall() if name in FILLED_BY_TESTS or not name.startswith(KEPT)]
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
        for table in _code_tables(cursor):
            cursor.execute(
                f"DELETE FROM public.{table} p WHERE NOT EXISTS (SELECT FROM kept.{table} k WHERE k = p); "
                f"INSERT INTO public.{table} OVERRIDING SYSTEM VALUE TABLE kept.{table} EXCEPT TABLE public.{table}"
            )


def _code_tables(cursor: "psycopg2.extensions.cursor") -> list[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    ours = tuple(name for name in KEPT if name not in ("django_", "auth_"))
    return [name for (name,) in cursor.fetchall() if name.startswith(ours) and name not in FILLED_BY_TESTS]


@pytest.fixture
def clock(superuser: "psycopg2.extensions.connection") -> Iterator["Clock"]:
    """The portal's SQL clock, which this test may move; every process and session sees the move at once."""
    moved = Clock(superuser)
    yield moved
    moved.shift("0 seconds")


class Clock:
    """Moves `portal_now()` by replacing its body, which only the owner can."""

    def __init__(self, server: "psycopg2.extensions.connection") -> None:
        self.server = server

    def shift(self, interval: str) -> None:
        """From now on the portal's clock runs `interval` (SQL, e.g. '3 days') ahead of the real one."""
        with self.server.cursor() as cursor:
            cursor.execute(
                "CREATE OR REPLACE FUNCTION portal_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE "
                f"AS 'SELECT clock_timestamp() + interval ''{interval}'''"
            )
