"""One data directory: its key, its sockets' directory, and the lock that gives it to one launcher at a time."""

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import tempfile
from pathlib import Path

import psutil

from welfare_portal.embedded import demote, keeper

EPHEMERAL_MARK = "ephemeral.mark"


class EmbeddedError(Exception):
    """The embedded servers cannot be started; the message is for the person at the keyboard."""


class AlreadyRunning(EmbeddedError):
    """Another launcher holds the data directory."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"the embedded servers of this directory are already up, started by process {pid}")
        self.pid = pid


class Home:
    """Where the servers of one directory keep data, logs and sockets."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        # The path decides, not what stands there: a checkout made anew must find what the old one left running.
        digest = hashlib.sha256(os.fsencode(os.path.realpath(self.directory))).hexdigest()[:12]
        self.key = f"welfare-{os.getuid()}-{digest}"
        self.sockets = _temporary_directory() / self.key
        self.postgresql = self.directory / "postgresql"
        self.redis = self.directory / "redis"
        self.logs = self.directory / "log"
        # Two marks of data that nobody will miss: one where a database address leads, one beside what may be removed.
        self.ephemeral_mark = self.sockets / EPHEMERAL_MARK
        self.disposable_mark = self.directory / EPHEMERAL_MARK
        self.lock_path = self.directory / "embedded.lock"
        self._lock: int | None = None

    @property
    def lock(self) -> int:
        """The open lock, for the keeper to hold as well."""
        assert self._lock is not None
        return self._lock

    @property
    def scratch(self) -> list[Path]:
        """All that the servers keep in the directory."""
        return [self.postgresql, self.postgresql.with_suffix(".new"), self.redis, self.logs]

    def prepare(self) -> None:
        """Make the folders; the sockets' one so that nobody else can enter or has laid it out for us."""
        self.logs.mkdir(parents=True, exist_ok=True)
        # Without root's right of way the server could not reach a socket below a folder that is root's alone.
        mode = 0o711 if os.getuid() == 0 and not demote.can_keep_access() else 0o700
        with contextlib.suppress(FileExistsError):
            self.sockets.mkdir(mode=0o700)
        found = self.sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise EmbeddedError(f"{self.sockets} belongs to someone else; remove it to start the embedded servers")
        self.sockets.chmod(mode)

    def acquire(self, *, seconds: float) -> None:
        """Take the directory, waiting for the keeper of a launcher that has just ended.

        Raises:
            AlreadyRunning: A launcher that is alive holds it.
        """
        if not keeper.wait_until(self._acquire_unless_alive, seconds):
            raise EmbeddedError(f"{self.lock_path} is held by a process that does not let go of it")
        self.tell(ready=False)

    def _acquire_unless_alive(self) -> bool:
        if self.try_acquire():
            return True
        holder = self.holder()
        if holder is not None:
            raise AlreadyRunning(holder.pid)
        return False

    def try_acquire(self) -> bool:
        """Take the directory if nobody has it, without saying who we are; whether we have it now."""
        self.directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        # The file may have been removed, with its directory, between the opening and the locking.
        if not self.lock_path.exists() or not os.path.samestat(os.fstat(descriptor), self.lock_path.stat()):
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def tell(self, *, ready: bool) -> None:
        """Write into the lock who holds it and whether the servers are up."""
        content = {"pid": os.getpid(), "created": psutil.Process().create_time(), "ready": ready}
        os.pwrite(self.lock, json.dumps(content).ljust(200).encode(), 0)

    def holder(self) -> psutil.Process | None:
        """The launcher that holds the directory, if it lives."""
        content = self._told()
        with contextlib.suppress(psutil.NoSuchProcess, KeyError):
            process = psutil.Process(int(content["pid"]))
            if process.create_time() == content["created"] and not keeper.gone(process):
                return process
        return None

    def is_ready(self) -> bool:
        """Whether the launcher that holds the directory has its servers up."""
        return bool(self._told().get("ready"))

    def _told(self) -> dict[str, float]:
        with contextlib.suppress(FileNotFoundError, ValueError):
            content: dict[str, float] = json.loads(self.lock_path.read_text() or "{}")
            return content
        return {}

    def release(self) -> None:
        """Let go of the directory."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _temporary_directory() -> Path:
    """A short path: a socket's may have 107 bytes at most, and TMPDIR is sometimes long and differs between shells."""
    short = Path("/tmp")  # noqa: S108  the folder made in it is checked to be ours and closed to others
    return short if os.access(short, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
