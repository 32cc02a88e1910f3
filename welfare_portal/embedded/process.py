"""Starting a server process: apart from the terminal, with its output in a file."""

import atexit
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from welfare_portal.embedded import keeper

# Servers may outlive the object that started them, and even, where a test restarts them, its process: the keeper ends
# them. A Popen that is forgotten while its process runs would complain.
_started: list[subprocess.Popen[bytes]] = []


def start(command: Sequence[object], *, log: Path, directory: Path) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own: Ctrl-C is for the command, which the server must outlive."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment.pop(keeper.RUN_MARKER, None)  # it belongs to its directory, not to an outer launcher's command
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  our own binaries
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=directory,
            env=environment,
        )
    _started.append(process)
    return process


@atexit.register
def _take_note() -> None:
    for process in _started:
        process.poll()


def reap(process: subprocess.Popen[bytes]) -> None:
    """Take note that it has ended."""
    process.wait(timeout=10)
    _started.remove(process)


def tail(log: Path) -> str:
    """The last lines of a log, for a message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
