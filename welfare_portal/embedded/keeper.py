"""Ends the processes of one data directory; as a program, waits for the launcher to be gone and does so then.

The launcher holds the only writing end of the keeper's standard input. When the launcher ends, in whatever way, the
kernel closes it and the keeper cleans up: the same code for an orderly stop and for `kill -9`, and no system call that
only Linux has. The keeper has a session of its own, so that neither Ctrl-C nor a signal to the launcher's process
group reaches it.

It holds the directory's lock together with the launcher: a new start cannot begin before the cleaning is over.

Run by path, with nothing of the portal imported: it has to be up in the blink in which the first server starts.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil

RUN_MARKER = "WELFARE_EMBEDDED_RUN"
"""In the environment of everything that a launcher's command starts, however deep and however daemonised."""

SERVER_PROGRAMS = {"postgres", "initdb", "redis-server"}
COMMAND_GRACE = 10.0
SERVER_GRACE = 20.0
POLL = 0.02


def servers(key: str) -> list[psutil.Process]:
    """The running server processes of the data directory with this key.

    The command line tells, because anyone may read it: root in a container may not look up the working directory of
    another user's process. PostgreSQL repeats its cluster name, Redis its socket in every title.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = " ".join(process.cmdline())
            if key in command and (process.name() in SERVER_PROGRAMS or "demote.py" in command) and not gone(process):
                found.append(process)
    return found


def marked(run: str) -> list[psutil.Process]:
    """The processes that descend from the command of one launcher."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(RUN_MARKER) == run and not gone(process):
                found.append(process)
    return found


def gone(process: psutil.Process) -> bool:
    """Whether a process no longer runs; one that only its parent has yet to notice does not run."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again until it holds or the time is over; the last answer."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def end(find: Callable[[], Iterable[psutil.Process]], steps: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Send each signal in turn to all that `find` still finds, and wait; whether none is left."""
    for signum, seconds in steps:
        for process in find():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signum)
                process.send_signal(signal.SIGCONT)  # a process that a test has stopped must be able to obey
        if wait_until(lambda: not list(find()), seconds):
            return True
    return False


def _leaders(key: str) -> list[psutil.Process]:
    """The servers without their children: PostgreSQL's children take their leave from the postmaster."""
    found = servers(key)
    pids = {process.pid for process in found}
    leaders = []
    for process in found:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in pids:
                leaders.append(process)
    return leaders


def end_servers(key: str, *, discard: bool = False) -> bool:
    """End the servers of a data directory; whether none is left. Data to be thrown away are not flushed first."""
    steps: list[tuple[signal.Signals, float]] = [(signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)]
    if not discard:
        steps.insert(0, (signal.SIGINT, SERVER_GRACE))  # PostgreSQL: fast shutdown; Redis: saves and ends
    for signum, seconds in steps:
        targets = servers(key) if signum == signal.SIGKILL else _leaders(key)
        for process in targets:
            with contextlib.suppress(psutil.NoSuchProcess):
                # Redis knows no SIGQUIT and would dump core.
                is_redis = signum == signal.SIGQUIT and process.name() == "redis-server"
                process.send_signal(signal.SIGKILL if is_redis else signum)
                process.send_signal(signal.SIGCONT)
        if wait_until(lambda: not servers(key), seconds):
            return True
    return False


def end_command(run: str) -> bool:
    """End all that descends from the launcher's command; whether none is left."""
    return end(lambda: marked(run), [(signal.SIGTERM, COMMAND_GRACE), (signal.SIGKILL, 5.0)])


def remove(paths: Iterable[str | Path]) -> None:
    """Remove files and folders that may be gone already; a folder with a slash at its end only when it is empty."""
    for path in paths:
        with contextlib.suppress(OSError):
            if str(path).endswith("/"):
                Path(path).rmdir()
            elif Path(path).is_dir():
                shutil.rmtree(path)
            else:
                Path(path).unlink()


def main() -> int:
    """Wait for the launcher's end, then leave no process and no scratch file."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    order = json.loads(
        sys.stdin.readline()
    )  # not in the arguments: there the key would make the keeper look like a server
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    clean = end_command(order["run"])
    clean = end_servers(order["key"], discard=order["discard"]) and clean
    remove(order["remove"])
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
