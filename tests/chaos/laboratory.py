"""A portal of its own in a folder that vanishes: servers, settings in a hurry, and a fresh database for each run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from welfare_portal.database_roles import APP_LIMITS
from welfare_portal.embedded import Servers, dotenv
from welfare_portal.embedded.keeper import RUN_MARKER
from welfare_portal.embedded.launcher import free_port
from welfare_portal.embedded.postgresql import SUPERUSER
from welfare_portal.environment import APP_ROLE, BASE_DIR

PREPARED = "welfare"  # the database that every run begins as a copy of

# Everything that waits waits shortly, so that a run of a minute sees what a month of a real portal sees.
IN_A_HURRY = {
    "DEBUG": "false",
    "DEMO": "true",
    "SECURE_TLS": "false",
    "DISPATCH_CHUNK_SIZE": "8",
    "DISPATCH_WORKERS": "3",
    "DISPATCH_LEASE": "3",
    "DISPATCH_REQUEST_DEADLINE": "2",
    "DISPATCH_SKEW_MARGIN": "1",
    "DISPATCH_ACCEPTED_SLA": "2",
    "DISPATCH_LONGEST_WAIT": "4",
    "DISPATCH_SWEEP_INTERVAL": "0.5",
    "DISPATCH_WAKE_BUDGET": "5",
    "MOCK_GATEWAY_CALLBACK_DELAY_MS": "0",
    "MOCK_GATEWAY_LATE_SECONDS": "4",
    "MOCK_GATEWAY_RETURN_SECONDS": "3",
    "LOG_LEVEL": "INFO",
}


class Laboratory:
    """Servers and addresses; `begin` gives each run a database and a gateway that remember nothing."""

    def __init__(self, servers: Servers, directory: Path) -> None:
        self.servers = servers
        self.directory = directory
        self.failpoints = directory / "failpoints"
        self.portal_port = free_port()
        self.gateway_port = free_port()

    def begin(self, name: str) -> Path:
        """A copy of the prepared database under this name, an empty Redis and gateway; the folder of the run's logs."""
        from django.db import connection

        connection.close()
        server = psycopg2.connect(self.servers.postgresql.url(SUPERUSER, "postgres"))
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {PREPARED}")
            for limit, value in APP_LIMITS.items():  # set by database, so a copy begins without them
                cursor.execute(f"ALTER ROLE {APP_ROLE} IN DATABASE {name} SET {limit} = %s", [value])
        server.close()
        os.environ.update(
            DATABASE_URL=self.servers.postgresql.url(APP_ROLE, name),
            DATABASE_OWNER_URL=self.servers.postgresql.url(SUPERUSER, name),
            MOCK_GATEWAY_DATA=str(self.directory / name / "gateway"),
        )
        connection.settings_dict["NAME"] = name
        shutil.rmtree(self.directory / name, ignore_errors=True)
        self.servers.redis.flush()
        for token in [*self.failpoints.glob("*.*"), *(self.failpoints / "struck").glob("*")]:
            token.unlink()
        return self.directory / name


@contextmanager
def laboratory(directory: Path) -> Iterator[Laboratory]:
    """Servers that begin empty, a migrated database, and Django set up on it; all of it gone afterwards but the logs."""
    # Durable, although nothing is kept: what was committed has to be there after PostgreSQL was stopped in its tracks.
    with Servers(ephemeral=True) as servers:
        os.environ.update(_settings(servers, directory))
        lab = Laboratory(servers, directory)
        os.environ.update(_addresses(lab))
        (lab.failpoints / "struck").mkdir(parents=True, exist_ok=True)
        owner = os.environ | {"DATABASE_ROLE": "welfare_owner"}
        subprocess.run(
            [sys.executable, "manage.py", "prepare_database", "-v", "0"], check=True, cwd=BASE_DIR, env=owner
        )
        import django

        django.setup()
        yield lab
        from django.db import connections

        connections.close_all()


def _settings(servers: Servers, directory: Path) -> Mapping[str, str]:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "static").mkdir(exist_ok=True)
    return {
        **dotenv.example(),
        **IN_A_HURRY,
        **servers.environment(),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "STATIC_ROOT": str(directory / "static"),
        "DJANGO_SETTINGS_MODULE": "welfare_portal.settings",
        RUN_MARKER: servers.run,  # whatever a run starts ends with the servers
    }


def _addresses(lab: Laboratory) -> Mapping[str, str]:
    gateway = f"http://127.0.0.1:{lab.gateway_port}"
    return {
        "GATEWAY_URL": gateway,
        "VNEID_ISSUER": f"{gateway}/vneid",
        "MOCK_GATEWAY_PORT": str(lab.gateway_port),
        "MOCK_GATEWAY_PUBLIC_URL": gateway,
        "MOCK_GATEWAY_CALLBACK_URL": f"http://127.0.0.1:{lab.portal_port}/api/v1/gateway/callbacks",
        "FAILPOINTS": str(lab.failpoints),
    }
