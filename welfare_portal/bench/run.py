"""The run: a city of so many people, in slices of one ward each; every slice is built, submitted and paid by the portal and on
the floor, in turn. The plain way pays a part of the first slice's copy.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection as portal_connection
from psycopg2.extensions import connection

from foundation.audit import clock
from payments import tasks
from payments.models import PayoutBatch
from payments.operations import release
from payments.states import BatchState
from welfare_portal.bench import city, floor, office
from welfare_portal.bench.measures import Measure, in_turn, portions
from welfare_portal.bench.memory import Peak
from welfare_portal.demo.processes import Processes
from welfare_portal.embedded.launcher import free_port

PLAIN_LINES = 3_000
PLAIN_SECONDS = 600
WORKERS_UP_SECONDS = 60
LOOK_SECONDS = 0.02
Report = Callable[[str], None]


class Stuck(Exception):
    """A list was not paid to its end."""


class Bench:
    """One run over `lines` people; `measures` are filled as it goes."""

    def __init__(self, *, lines: int, slices: int, directory: Path, report: Report) -> None:
        self.lines, self.slices, self.directory, self.report = lines, slices, directory, report
        self.build = Measure("build_and_submit", bar=0.5)
        self.dispatch = Measure("dispatch_to_settled", bar=0.5)
        self.server: connection = city.owner()

    def run(self) -> list[Measure]:
        """Do it all."""
        wards = self._wards()
        self.report(f"{self.lines} people move in")
        city.settle(self.server, wards)
        desk = office.open_office()
        floor.make_tables(self.server)
        gateway_port = int(settings.GATEWAY_URL.rsplit(":", 1)[1])
        os.environ["MOCK_GATEWAY_SETTLEMENT"] = "sync"
        processes = Processes(
            logs=self.directory / "logs",
            portal_port=free_port(),
            gateway_port=gateway_port,
            workers=2,
            only=("gateway", "worker"),
        )
        with processes:
            for number, ward in enumerate(wards):
                self.report(f"slice {number + 1} of {len(wards)}")
                self._slice(number, ward, desk, processes)
                if number == 0:
                    self.report("the plain way")
                    self.dispatch.plain = self._plain(PayoutBatch.objects.latest("id"), desk)
        return [self.build, self.dispatch]

    def _wards(self) -> list[city.Ward]:
        with self.server.cursor() as reader:
            reader.execute(
                "SELECT code FROM reference_unit WHERE kind <> 'CITY' ORDER BY code LIMIT %s", [self.slices]
            )
            codes = [code for (code,) in reader.fetchall()]
        wards, first = [], 1
        for code, people in zip(codes, portions(self.lines, self.slices), strict=True):
            wards.append(city.Ward(code, first, people))
            first += people
        return wards

    def _slice(self, number: int, ward: city.Ward, desk: office.Office, processes: Processes) -> None:
        batches: list[PayoutBatch] = []
        with Peak(lambda: self._pids(processes)) as peak:
            seconds = _timed(lambda: batches.append(office.build_and_submit(desk, ward.code)))
        batch = batches[0]
        self.build.peak_mb = max(self.build.peak_mb, peak.megabytes)
        bare = _timed(lambda: floor.build(self.server, batch.pk))
        self.build.add(lines=ward.people, seconds=seconds, floor_seconds=bare)
        office.approve(desk, batch)
        floor.analyse(self.server)
        with Peak(lambda: self._pids(processes)) as peak:
            seconds, bare = in_turn(
                number,
                lambda: _timed(lambda: self._pay(batch)),
                lambda: _timed(lambda: floor.pay(self.server, batch.pk, desk.fund.pk)),
            )
        self.dispatch.peak_mb = max(self.dispatch.peak_mb, peak.megabytes)
        self.dispatch.add(lines=ward.people, seconds=seconds, floor_seconds=bare)

    def _pay(self, batch: PayoutBatch) -> None:
        release.start_batch(batch_id=batch.pk, at=clock.now())
        tasks.ring()
        deadline = time.monotonic() + 60 + batch.number_of_transactions  # a second a line: something is wrong
        while True:
            state = PayoutBatch.objects.values_list("state", flat=True).get(pk=batch.pk)
            if state == BatchState.DRAINED:
                return
            if state != BatchState.DISPATCHING or time.monotonic() > deadline:
                raise Stuck(f"batch {batch.pk} is {state}")
            time.sleep(LOOK_SECONDS)

    def _plain(self, batch: PayoutBatch, desk: office.Office) -> float:
        """Lines a second of the plain way over the first lines of a copied list."""
        from welfare_portal.bench.plain.tasks import PlainTransfer, order

        floor.copy_again(self.server, batch.pk, PLAIN_LINES)
        ids = list(PlainTransfer.objects.filter(state="PLANNED").order_by("id").values_list("id", flat=True))
        with _plain_workers(self.directory / "logs"):
            started = time.monotonic()
            order(ids, fund_id=desk.fund.pk, debtor_account=desk.fund.debtor_account)
            while PlainTransfer.objects.filter(id__in=ids).exclude(state="SETTLED").exists():
                if time.monotonic() > started + PLAIN_SECONDS:
                    raise Stuck("the plain way")
                time.sleep(10 * LOOK_SECONDS)
            return len(ids) / (time.monotonic() - started)

    def _pids(self, processes: Processes) -> Iterable[int]:
        with portal_connection.cursor() as reader:
            reader.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
            backends = [pid for (pid,) in reader.fetchall()]
        portal_connection.close()  # this thread's own, which nobody would close when it ends
        return [os.getpid(), *processes.pids(""), *backends]


@contextmanager
def _plain_workers(logs: Path) -> Iterator[None]:
    """Two Celery workers of the plain way, for as long as it is measured."""
    command = [
        *(sys.executable, "-m", "celery", "--app", "welfare_portal.bench.plain.app", "worker", "--queues", "plain"),
        *("--pool", "solo", "--loglevel", "WARNING", "--without-mingle", "--without-gossip", "--hostname"),
    ]
    with (logs / "plain.log").open("ab") as log:
        workers = [
            subprocess.Popen([*command, f"plain-{number}@bench"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603
            for number in (1, 2)
        ]
    try:
        _wait_for(len(workers))
        yield
    finally:
        for worker in workers:
            worker.terminate()
        psutil.wait_procs([psutil.Process(worker.pid) for worker in workers if worker.poll() is None], timeout=20)
        for worker in workers:
            worker.kill()
            worker.wait()


def _wait_for(workers: int) -> None:
    """Until so many workers of the plain way answer: their start is not measured."""
    from welfare_portal.bench.plain.app import app

    deadline = time.monotonic() + WORKERS_UP_SECONDS
    while len(app.control.ping(timeout=1.0) or ()) < workers:
        if time.monotonic() > deadline:
            raise Stuck("the plain way's workers do not answer")


def _timed(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started
