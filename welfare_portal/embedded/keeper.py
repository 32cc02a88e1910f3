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


def name(process: psutil.Process) -> str:
    """Its program; of one that has ended, nothing."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


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
        if _signal(find(), signum, seconds) and not list(find()):
            return True
    return not list(find())


def _signal(processes: Iterable[psutil.Process], signum: signal.Signals, seconds: float) -> bool:
    """Send a signal and wait; whether all have ended. They are asked one by one: the table of all is slow to read."""
    processes = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signum)
            process.send_signal(signal.SIGCONT)  # a process that a test has stopped must be able to obey
    return wait_until(lambda: all(gone(process) for process in processes), seconds)


def leaders(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those whose parent is not among them: PostgreSQL's children take their leave from the postmaster."""
    parents = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            parents[process] = process.ppid()
    pids = {process.pid for process in parents}
    return [process for process, parent in parents.items() if parent not in pids]


def end_servers(key: str, *, discard: bool = False) -> bool:
    """End the servers of a data directory; whether none is left. Data to be thrown away are not flushed first."""
    if not discard:
        # PostgreSQL: fast shutdown; Redis: writes its file and ends.
        _signal(leaders(servers(key)), signal.SIGINT, SERVER_GRACE)
    # PostgreSQL: immediate shutdown. Redis knows no SIGQUIT and would dump core.
    _signal([process for process in leaders(servers(key)) if name(process) != "redis-server"], signal.SIGQUIT, 5.0)
    return end(lambda: servers(key), [(signal.SIGKILL, 5.0)])


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
    if order["key"]:
        clean = end_servers(order["key"], discard=order["discard"]) and clean
    remove(order["remove"])
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
