"""Both servers of one directory, for as long as a `with` block or a command lasts."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import parse_qs, unquote, urlsplit

from welfare_portal import environment
from welfare_portal.embedded import keeper
from welfare_portal.embedded.home import EPHEMERAL_MARK, EmbeddedError, Home
from welfare_portal.embedded.postgresql import PostgreSQL
from welfare_portal.embedded.redis_server import Redis

DIRECTORY_VARIABLE = "WELFARE_EMBEDDED_DIRECTORY"
"""Tells a command which directory's servers it runs on; `Servers.attach` takes it."""

EPHEMERAL_ROOT = environment.BASE_DIR / "var" / "ephemeral"
HANDOVER_SECONDS = 60.0


class Servers:
    """PostgreSQL and Redis of a directory, up inside the `with` block.

    Ephemeral servers begin empty and leave nothing; without a directory they take a new one, so that any number runs
    side by side. `fast` ones do not wait for the disk: for tests whose data may be lost with the power.

    `postgresql` and `redis` have the methods for tests that break things: `crash`, `kill`, `start`, `pause`, `flush`.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        ephemeral: bool = False,
        fast: bool = False,
        with_postgresql: bool = True,
        with_redis: bool = True,
    ) -> None:
        if directory is None and not ephemeral:
            directory = environment.BASE_DIR / "var"
        self.ephemeral = ephemeral
        self.fast = fast
        self.run = uuid.uuid4().hex
        self._unnamed = directory is None
        self._with_postgresql = with_postgresql
        self._with_redis = with_redis
        self._keeper: Keeper | None = None
        self._settle(directory or EPHEMERAL_ROOT / self.run)

    def _settle(self, directory: Path) -> None:
        self.home = Home(directory)
        self.postgresql = PostgreSQL(self.home, fast=self.fast)
        self.redis = Redis(self.home, fast=self.fast)

    @classmethod
    def attach(cls, directory: Path) -> "Servers":
        """The servers that another process runs for a directory: to ask for their addresses, to break and mend them.

        They end with the launcher that started them, not with this object.
        """
        servers = cls(directory)
        servers.ephemeral = servers.home.ephemeral_mark.exists()
        servers.fast = servers.ephemeral and servers.home.ephemeral_mark.read_text() == "fast"
        servers.postgresql.fast = servers.redis.fast = servers.fast
        return servers

    def environment(self) -> dict[str, str]:
        """The portal's settings for these servers."""
        settings = {DIRECTORY_VARIABLE: str(self.home.directory)}
        if self._with_postgresql:
            settings |= self.postgresql.environment()
        if self._with_redis:
            settings |= self.redis.environment()
        return settings

    def start(self) -> None:
        """Take the directory, end what a crash left in it, and start the servers.

        Raises:
            AlreadyRunning: Another launcher has servers up in this directory.
            EmbeddedError: They cannot be started.
        """
        if self.ephemeral:
            _sweep_ephemeral()
        self.home.acquire(seconds=HANDOVER_SECONDS)
        try:
            self._clean()
            self.home.prepare()
            if self.ephemeral:
                self.home.ephemeral_mark.write_text("fast" if self.fast else "durable")
            self._keeper = Keeper(
                self.run,
                key=self.home.key,
                discard=self.ephemeral,
                remove=self._discarded(),
                hold=[self.home.lock],
            )
            if self._with_postgresql:
                self.postgresql.start()
            if self._with_redis:
                self.redis.start()
            self.home.tell(ready=True)
        except BaseException:
            self.stop()
            raise

    def _clean(self) -> None:
        if not keeper.end_servers(self.home.key, discard=self.ephemeral):
            raise EmbeddedError(f"servers that a crash left in {self.home.directory} cannot be ended")
        if self.ephemeral:
            if self.home.postgresql.exists() and not self.home.disposable_mark.exists():
                raise EmbeddedError(
                    f"{self.home.directory} holds a lasting database; ephemeral servers would empty it"
                )
            keeper.remove(self.home.scratch)
            self.home.disposable_mark.touch()
        elif self.home.disposable_mark.exists():
            raise EmbeddedError(f"{self.home.directory} is for ephemeral servers, which empty it at their next start")
        shutil.rmtree(self.home.sockets, ignore_errors=True)

    def _discarded(self) -> list[str]:
        home = self.home
        paths: list[object] = [home.sockets]
        if self.ephemeral:
            paths += [*home.scratch, home.disposable_mark, home.lock_path, f"{home.directory}/"]
        if self._unnamed:
            paths.append(f"{home.directory.parent}/")
        return [str(path) for path in paths]

    def stop(self) -> None:
        """End the servers and give the directory back; the keeper does it, as after a crash of this process."""
        if self._keeper is not None:
            self._keeper.stop()
            self._keeper = None
        self.postgresql.reap()
        self.redis.reap()
        self.home.release()

    def __enter__(self) -> "Servers":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def is_ephemeral(url: str) -> bool:
    """Whether the address of a database or a Redis leads to ephemeral servers of ours, whose data nobody will miss."""
    parts = urlsplit(url)
    socket = Path(parse_qs(parts.query).get("host", [unquote(parts.path)])[0])
    return (socket.parent / EPHEMERAL_MARK).is_file()


def _sweep_ephemeral() -> None:
    """End and remove ephemeral servers whose launcher and keeper were both killed."""
    for lock in EPHEMERAL_ROOT.glob("*/embedded.lock"):
        servers = Servers(lock.parent, ephemeral=True)
        if not servers.home.try_acquire():
            continue
        keeper.end_servers(servers.home.key, discard=True)
        keeper.remove([servers.home.sockets, lock.parent])
        servers.home.release()


class Keeper:
    """The process that ends a command, and servers, when this process is gone (keeper.py)."""

    def __init__(
        self, run: str, *, key: str = "", discard: bool = False, remove: Sequence[str] = (), hold: Sequence[int] = ()
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own file
            [sys.executable, "-P", keeper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            pass_fds=hold,
            cwd="/",
            env={name: value for name, value in os.environ.items() if name != keeper.RUN_MARKER},
        )
        order = {"run": run, "key": key, "discard": discard, "remove": list(remove)}
        try:
            self._input.write(json.dumps(order) + "\n")
            self._input.flush()
        except BrokenPipeError:
            pass  # told below
        if self._output.readline() != "ready\n":
            self.stop()
            raise EmbeddedError("the keeper of the embedded servers cannot be started")

    @property
    def _input(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def stop(self) -> None:
        """Let the keeper do its work, and wait for it."""
        with contextlib.suppress(BrokenPipeError):
            self._input.close()
        self._process.wait()
        self._output.close()
