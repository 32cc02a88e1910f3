"""The plain way over the first lines of a copied list, with two Celery workers of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from psycopg2.extensions import connection

from payments.models import PayoutBatch
from welfare_portal.bench.floor import paying as floor_paying
from welfare_portal.bench.paying import LOOK_SECONDS
from welfare_portal.demo.main_job import Stuck

LINES = 3_000
MOST_SECONDS = 600
WORKERS_UP_SECONDS = 60


ACCOUNT = "3713.0.1099999"  # nobody's fund: what is paid from it stands in no statement of the portal's


@dataclass(frozen=True, slots=True)
class Run:
    """How fast it was, in lines a second, and the codes that the gateway's log now has of it."""

    per_second: float
    codes: frozenset[str]


def pay(server: connection, batch: PayoutBatch, logs: Path) -> Run:
    """From the order to the last line settled.

    Raises:
        Stuck: It did not come to its end.
    """
    from welfare_portal.bench.plain.tasks import PlainTransfer, order

    floor_paying.copy_again(server, batch.pk, LINES)
    waiting = PlainTransfer.objects.filter(state="PLANNED").order_by("id")
    ids, codes = zip(*waiting.values_list("id", "end_to_end_id"), strict=True)
    with _workers(logs):
        started = time.monotonic()
        order(list(ids), fund_id=batch.fund_id, debtor_account=ACCOUNT)
        while PlainTransfer.objects.filter(id__in=ids).exclude(state="SETTLED").exists():
            if time.monotonic() > started + MOST_SECONDS:
                raise Stuck("the plain way")
            time.sleep(10 * LOOK_SECONDS)
        return Run(len(ids) / (time.monotonic() - started), frozenset(codes))


@contextmanager
def _workers(logs: Path) -> Iterator[None]:
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
