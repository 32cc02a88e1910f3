"""The whole city in small: web server, worker, beat and gateway as processes of their own, and a ward to work in."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2
from django.core.cache import cache
from django.db import connections

from welfare_portal.demo import seed
from welfare_portal.demo.list_file import write_csv, write_xlsx
from welfare_portal.demo.people import PERIOD
from welfare_portal.embedded.launcher import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]
LINES = 40


class City:
    """Starts the processes and ends them, whatever happens between."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port, gateway = free_port(), free_port()
        self.portal = f"http://localhost:{port}"
        self.gateway = f"http://127.0.0.1:{gateway}"
        self.environment = os.environ | {
            "DEBUG": "false",
            "SECURE_TLS": "false",
            "DEMO": "true",
            "SITE_URL": self.portal,
            "STATIC_ROOT": str(folder / "static"),
            "GATEWAY_URL": self.gateway,
            "VNEID_ISSUER": f"{self.gateway}/vneid",
            "DISPATCH_SWEEP_INTERVAL": "1",
            "MOCK_GATEWAY_PORT": str(gateway),
            "MOCK_GATEWAY_PUBLIC_URL": self.gateway,
            "MOCK_GATEWAY_DATA": str(folder / "gateway"),
            "MOCK_GATEWAY_CALLBACK_URL": f"http://127.0.0.1:{port}/api/v1/gateway/callbacks",
            "MOCK_GATEWAY_VNEID_REDIRECT_URIS": f"{self.portal}/vneid/callback",
            "MOCK_GATEWAY_VNEID_LOGOUT_URIS": f"{self.portal}/",
        }
        self.port, self.processes = port, dict[str, subprocess.Popen[bytes]]()

    def __enter__(self) -> "City":
        subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"],
            cwd=ROOT, env=self.environment, check=True,
        )  # fmt: skip
        try:
            self._start("gateway", sys.executable, "-m", "mock_gateway")
            self._start(
                "web", sys.executable, "-m", "granian", "--interface", "wsgi", "welfare_portal.wsgi:application",
                "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1", "--blocking-threads", "2",
                "--backpressure", "256", "--no-ws", "--log-level", "warning",
            )  # fmt: skip
            assert wait_for(f"{self.portal}/livez", 60), "the portal does not come up"
            assert wait_for(f"{self.gateway}/livez", 60), "the gateway does not come up"
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._end()

    def open(self) -> None:
        """Begin a day: a ward to work in, and somebody who works. Between tests nobody does: others have this database too."""
        self.seed()
        celery = [sys.executable, "-m", "celery", "--app", "welfare_portal"]
        self._start(
            "worker", *celery, "worker", "--queues", "payments,accounts", "--pool", "solo", "--loglevel", "WARNING",
            "--without-mingle", "--without-gossip", "--hostname", f"city-{self.port}@test",
        )  # fmt: skip
        self._start(
            "beat", *celery, "beat", "--schedule", str(self.folder / "beat"), "--pidfile=", "--loglevel", "WARNING"
        )

    def close(self) -> None:
        """End a day: nobody works any more, and the gateway forgets what it still had to tell."""
        self._end("beat", "worker")
        httpx2.post(f"{self.gateway}/control/reset", json={"accounts": True}).raise_for_status()
        connections.close_all()

    def seed(self) -> None:
        """Staff, money, neighbourhoods, the list as files, and the list's accounts at their banks."""
        from django.test import override_settings

        from welfare_portal.demo.bank import ControlledGateway

        assert httpx2.post(f"{self.gateway}/control/reset", json={"accounts": True}).status_code == 204
        cache.clear()
        with override_settings(DEMO=True, GATEWAY_URL=self.gateway):
            seed.seed_money(seed.seed_office(), lines=LINES)
            bank = ControlledGateway()
            bank.open_accounts(seed.listed_people(LINES))
            bank.close()
        self.list_path = self.folder / "danh-sach.xlsx"
        write_xlsx(self.list_path, seed.listed_people(LINES), ward_code=seed.WARD, period=PERIOD)
        self.csv_path = self.folder / "danh-sach.csv"
        write_csv(self.csv_path, seed.listed_people(LINES))

    def control(self, path: str, **body: Any) -> None:
        """Tell the gateway, as a test may."""
        httpx2.put(f"{self.gateway}/control/{path}", json=body).raise_for_status()

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _end(self, *names: str) -> None:
        ending = [self.processes.pop(name) for name in names or list(self.processes) if name in self.processes]
        for process in ending:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in ending:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
