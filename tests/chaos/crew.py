"""The processes of a run, which are struck and come back: the demonstration's, with a forking worker beside the solo one."""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from tests.chaos.laboratory import Laboratory
from welfare_portal.demo.processes import Processes, Service

CELERY = [sys.executable, "-m", "celery", "--app", "welfare_portal"]
LOOK_SECONDS = 0.1


class Crew(Processes):
    """Keeps its services running from a thread of its own, save those that are being held down."""

    def __init__(self, lab: Laboratory, *, logs: Path) -> None:
        super().__init__(logs=logs, portal_port=lab.portal_port, gateway_port=lab.gateway_port, workers=1)
        # As the Procfile starts it: children, of which one may die alone.
        forking = [*CELERY, "worker", "--queues", "payments,accounts", "--concurrency", "2", "--loglevel", "WARNING"]
        forking += ["--without-mingle", "--without-gossip", "--hostname", f"fork-{os.getpid()}@chaos"]
        self.services.append(Service("worker-fork", forking))
        self._held_down: set[str] = set()
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._keep_watch, daemon=True)

    def __enter__(self) -> "Crew":
        super().__enter__()
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._watch.ident is not None:
            self._watch.join()
        self.wake_all()
        super().__exit__(kind, error, trace)

    def _keep_watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.keep_running()

    def keep_running(self) -> int:
        """Start again what has died and is not held down."""
        with self._lock:
            held = [service for service in self.services if service.name in self._held_down]
            self.services = [service for service in self.services if service not in held]
            try:
                return super().keep_running()
            finally:
                self.services += held

    def strike(self, name: str, signum: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the main process of every service whose name begins so."""
        for pid in self.pids(name):
            with suppress(ProcessLookupError):
                os.kill(pid, signum)

    def hold_down(self, name: str) -> None:
        """Kill a service and do not let it come back yet."""
        with self._lock:
            self._held_down |= {service.name for service in self.services if service.name.startswith(name)}
        self.strike(name)

    def let_up(self, name: str) -> None:
        """Let a service that was held down come back."""
        with self._lock:
            self._held_down = {held for held in self._held_down if not held.startswith(name)}

    def add_beat(self) -> None:
        """A second beat beside the first."""
        with self._lock:
            if not any(service.name == "beat-2" for service in self.services):
                schedule = ["--schedule", str(self.logs / "beat-2"), "--pidfile=", "--loglevel", "WARNING"]
                self.services.append(Service("beat-2", [*CELERY, "beat", *schedule]))
                self._start(self.services[-1])

    def wake_all(self) -> None:
        """Let every process that was frozen go on."""
        for pid in self.pids(""):
            with suppress(psutil.Error):
                main = psutil.Process(pid)
                for process in (main, *main.children(recursive=True)):
                    process.resume()
