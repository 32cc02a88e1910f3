"""Runs a command on embedded servers, in the foreground, and leaves nothing behind when it ends."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from types import FrameType

from welfare_portal import environment
from welfare_portal.embedded import dotenv, keeper
from welfare_portal.embedded.home import AlreadyRunning, EmbeddedError
from welfare_portal.embedded.servers import HANDOVER_SECONDS, Keeper, Servers

FREE_PORTS = range(20_000, 30_000)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
COMMAND_GRACE = 30
"""Seconds that the command has to end after the launcher was told to; pytest and workers finish what they are at."""


def run(
    command: Sequence[str],
    *,
    directory: Path | None = None,
    ephemeral: bool = False,
    fast: bool = False,
    ports: Sequence[int] = (),
    example: bool = False,
) -> int:
    """Start what the environment names no server for, run the command on it, stop it; the command's exit code.

    While another launcher has the directory's servers up, the command joins them: `make shell` beside `make run`.

    With `example`, settings are those of `.env.example` with new secrets, whatever `.env` says.

    Raises:
        EmbeddedError: A port is taken, or the servers cannot be started.
    """
    for port in ports:
        _require_free(port)
    if example:
        os.environ.update(dotenv.example())
    _handle(_give_up)  # while starting, a signal unwinds the start
    with _servers(directory, ephemeral=ephemeral, fast=fast) as (settings, run_id):
        code = _run_command(command, os.environ | settings | {keeper.RUN_MARKER: run_id})
        _handle(signal.SIG_IGN)  # what follows is bounded, and must not be left half done
    return code


def stop(directory: Path) -> bool:
    """End the launcher that has the directory's servers up, and wait until they are down; whether there was one."""
    servers = Servers(directory)
    holder = servers.home.holder()
    if holder is not None:
        holder.terminate()
    if not keeper.wait_until(servers.home.try_acquire, HANDOVER_SECONDS):
        raise EmbeddedError(f"the servers of {directory} do not stop")
    servers.home.release()
    return holder is not None


def reset(directory: Path) -> None:
    """Remove the databases and logs of a directory that nobody uses.

    Raises:
        AlreadyRunning: Its servers are up.
    """
    servers = Servers(directory)
    servers.home.acquire(seconds=HANDOVER_SECONDS)
    if not keeper.end_servers(servers.home.key, discard=True):
        raise EmbeddedError(f"servers that a crash left in {directory} cannot be ended")
    keeper.remove([*servers.home.scratch, servers.home.sockets])
    servers.home.release()


def wait_for(url: str, seconds: float) -> bool:
    """Whether an address of this machine answers 200 before the time is over."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  a developer's own portal
                return bool(response.status == HTTPStatus.OK)
        except OSError:
            return False

    return keeper.wait_until(answers, seconds)


def free_port() -> int:
    """A port of this machine that nobody listens on now.

    It lies below those that the system gives to who asks for any: it stays free until it is used, and while its server is down.
    """
    while True:
        port = secrets.choice(FREE_PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextlib.contextmanager
def _servers(directory: Path | None, *, ephemeral: bool, fast: bool) -> Iterator[tuple[dict[str, str], str]]:
    """The servers' settings and the mark for the command's processes."""
    environment.load()
    servers = Servers(
        directory,
        ephemeral=ephemeral,
        fast=fast,
        # Ephemeral servers are asked for by those who must not touch any others.
        with_postgresql=ephemeral or not os.environ.get("DATABASE_URL"),
        with_redis=ephemeral or not os.environ.get("REDIS_URL"),
    )
    try:
        servers.start()
    except AlreadyRunning:
        if ephemeral:
            raise
    else:
        try:
            yield servers.environment(), servers.run
        finally:
            servers.stop()
        return
    if not keeper.wait_until(servers.home.is_ready, HANDOVER_SECONDS):
        raise EmbeddedError(f"the servers that another process starts in {servers.home.directory} do not come up")
    run_id = uuid.uuid4().hex
    watch = Keeper(run_id)
    try:
        yield servers.environment(), run_id
    finally:
        watch.stop()


def _run_command(command: Sequence[str], settings: dict[str, str]) -> int:
    try:
        process = subprocess.Popen(command, env=settings)  # noqa: S603  running a command is what this is for
    except OSError as error:
        raise EmbeddedError(f"{command[0]}: {error.strerror}") from error

    def forward(signum: int, _frame: FrameType | None) -> None:
        if signum == signal.SIGINT and _is_foreground():
            return  # the terminal has told the command as well, which may want to go on, as an interactive shell does
        process.send_signal(signal.SIGTERM if signum == signal.SIGHUP else signum)
        signal.alarm(COMMAND_GRACE)

    signal.signal(signal.SIGALRM, lambda _signum, _frame: process.kill())
    _handle(forward)
    try:
        code = process.wait()
    finally:
        signal.alarm(0)
    return code if code >= 0 else 128 - code


def _handle(handler: "signal._HANDLER") -> None:
    for signum in SIGNALS:
        # nohup's wish is kept. A shell's background job also ignores SIGINT, but must end when it is told to.
        if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, handler)


def _give_up(signum: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signum)


def _is_foreground() -> bool:
    """Whether Ctrl-C at the terminal reaches this process and its command alike."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)


def _require_free(port: int) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port in TIME_WAIT is free
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise EmbeddedError(
                f"port {port} is taken: is the portal running already? (`make stop` ends the one of this checkout)"
            ) from error
