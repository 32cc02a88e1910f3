"""Launchers as real processes, and an eye on the process table that does not trust the code under test."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from welfare_portal.environment import BASE_DIR

# Tells its environment, then waits for its standard input to end; like a server, it ends at SIGTERM and SIGINT.
PATIENCE = 180  # seconds until a command is taken to hang: a machine may be busy with other things
TELL_AND_WAIT = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> bool:
    """Whether it comes to hold before the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def processes(word: str) -> list[int]:
    """Running processes with a word in command line or title, or in the environment that they were given."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            texts = process.cmdline()
            with contextlib.suppress(psutil.AccessDenied):
                texts += process.environ().values()
            is_meant = process.pid != os.getpid() and any(word in text for text in texts)
            if is_meant and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that its parent has yet to notice the end of does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Launch:
    """A launcher that runs `TELL_AND_WAIT`, or another command, until a test ends it."""

    def __init__(
        self,
        *options: str,
        command: Sequence[str] = (sys.executable, "-c", TELL_AND_WAIT),
        prefix: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        cwd: Path = BASE_DIR,
        **settings: Any,
    ) -> None:
        launcher = [*prefix, sys.executable, "-m", "welfare_portal.embedded", "run", *options, "--", *command]
        self.process: subprocess.Popen[str] = subprocess.Popen(
            launcher,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**os.environ, "DATABASE_URL": "", "DATABASE_OWNER_URL": "", "REDIS_URL": "", **(env or {})},
            **settings,
        )
        self.environment: dict[str, str] = {}

    def ready(self) -> "Launch":
        """Wait until the command runs."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        self.environment = json.loads(line)
        return self

    @property
    def key(self) -> str:
        """The name that every server of this launcher has on its command line."""
        host = parse_qs(urlsplit(self.environment["DATABASE_URL"]).query).get("host")
        # One that started no server is known by its mark alone; never by a word that other processes may have.
        return Path(host[0]).parent.name if host else self.environment["WELFARE_EMBEDDED_RUN"]

    @property
    def command_pid(self) -> int:
        (command,) = [
            child for child in psutil.Process(self.process.pid).children() if TELL_AND_WAIT in child.cmdline()
        ]
        return command.pid

    @property
    def keeper_pid(self) -> int:
        children = psutil.Process(self.process.pid).children()
        (keeper,) = [child for child in children if any(part.endswith("keeper.py") for part in child.cmdline())]
        return keeper.pid

    def left(self) -> list[int]:
        """What of this launcher still runs: itself, its servers, its keeper, its command and what that started."""
        run = self.environment["WELFARE_EMBEDDED_RUN"]
        return sorted(
            {*processes(self.key), *processes(run), *([self.process.pid] if self.process.poll() is None else [])}
        )

    def has_ended(self) -> bool:
        return not self.left()

    def end(self) -> int:
        """Let the command end by itself; the launcher's exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout=PATIENCE)

    def crash(self) -> None:
        """Kill launcher and keeper, so that nobody is left to clean up."""
        keeper = self.keeper_pid
        command = self.command_pid
        os.kill(keeper, signal.SIGKILL)
        self.process.kill()
        os.kill(command, signal.SIGKILL)
        self.process.wait(timeout=PATIENCE)


@pytest.fixture
def launch() -> Iterator[Callable[..., Launch]]:
    """Start launchers; whatever a failed test leaves of them is killed."""
    launches: list[Launch] = []

    def start(*options: str, **settings: Any) -> Launch:
        launches.append(Launch(*options, **settings))
        return launches[-1]

    yield start
    for one in launches:
        one.process.kill()
        one.process.wait(timeout=PATIENCE)
        for pipe in (one.process.stdin, one.process.stdout, one.process.stderr):
            assert pipe is not None
            pipe.close()
        if one.environment and not eventually(one.has_ended):
            for pid in one.left():
                os.kill(pid, signal.SIGKILL)
