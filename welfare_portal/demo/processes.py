"""The processes of the demonstration: gateway, web, workers, beat. One that dies is started again, as compose would do it.

They are ended with the command, in whatever way it ends: the launcher around it ends everything that carries its mark.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from django.conf import settings

READY_SECONDS = 180.0  # on a machine that is busy with other things


@dataclass
class Service:
    """A command that is to run all the time, and how often it had to be started again."""

    name: str
    command: list[str]
    restarts: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)


class Processes:
    """Starts services with the settings of this process and keeps them running; a context manager.

    `only` names those to start, by the beginnings of their names; nothing: all.
    """

    def __init__(
        self, *, logs: Path, portal_port: int, gateway_port: int, workers: int, only: tuple[str, ...] = ()
    ) -> None:
        self.logs = logs
        self.portal = f"http://127.0.0.1:{portal_port}"
        celery = [sys.executable, "-m", "celery", "--app", "welfare_portal"]
        work = ["--queues", "payments,accounts", "--pool", "solo", "--loglevel", "WARNING", "--without-mingle"]
        self.services = [
            Service("gateway", [sys.executable, "-m", "mock_gateway", "--port", str(gateway_port)]),
            Service("web", [
                sys.executable, "-m", "granian", "--interface", "wsgi", "welfare_portal.wsgi:application", "--host", "127.0.0.1",
                "--port", str(portal_port), "--workers", "1", "--blocking-threads", "2", "--backpressure", "256", "--no-ws",
                "--log-level", "warning",
            ]),
            *(
                Service(f"worker-{number}", [
                    *celery, "worker", *work, "--without-gossip", "--hostname", f"worker-{number}-{os.getpid()}@demo",
                ])
                for number in range(1, workers + 1)
            ),
            Service("beat", [*celery, "beat", "--schedule", str(logs / "beat"), "--pidfile=", "--loglevel", "WARNING"]),
        ]  # fmt: skip
        if only:
            self.services = [service for service in self.services if service.name.startswith(only)]

    def __enter__(self) -> "Processes":
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            for service in self.services:
                self._start(service)
            if self.pids("web"):
                self._wait(f"{self.portal}/livez")
            self._wait(f"{settings.GATEWAY_URL}/livez")
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """End every service, politely first."""
        for number, patience in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
            running = [
                service.process for service in self.services if service.process and service.process.poll() is None
            ]
            for process in running:
                process.send_signal(number)
            deadline = time.monotonic() + patience
            for process in running:
                try:
                    process.wait(max(0.0, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    continue

    def keep_running(self) -> int:
        """Start again what has died; how many had."""
        dead = [service for service in self.services if service.process and service.process.poll() is not None]
        for service in dead:
            service.restarts += 1
            self._start(service)
        return len(dead)

    @property
    def restarts(self) -> int:
        """How often any service had to be started again."""
        return sum(service.restarts for service in self.services)

    def pids(self, name: str) -> list[int]:
        """Process ids of the services whose name begins with `name`."""
        return [
            service.process.pid
            for service in self.services
            if service.name.startswith(name) and service.process is not None
        ]

    def _start(self, service: Service) -> None:
        with (self.logs / f"{service.name}.log").open("ab") as log:
            service.process = subprocess.Popen(  # noqa: S603  our own commands
                service.command, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            try:
                with opener.open(url, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
