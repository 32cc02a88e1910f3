"""Banks over real processes: two workers share one rate, one bank down holds up no other, a poisoned line is found."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foundation.audit import clock
from foundation.gateway.channels import add_channels
from foundation.gateway.client import HttpGateway
from foundation.gateway.signatures import Secret
from payments.models import DispatchChunk, Transfer
from payments.operations import dispatch
from tests.factories import ACB, VCB, build_batch, make_entitled, make_office, start
from tests.mock_gateway.conftest import Gateway as Process
from tests.mock_gateway.portal import PORTAL_KEY, Receiver
from tests.payments.helpers import run

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("committed")]
SLOW = "970415"
BURST, LINES = 3, 30
WORKER = """
import django, sys
django.setup()
from payments.tasks import drain
print("ready", flush=True)
sys.stdin.readline()
drain(budget_seconds=4)
"""


@pytest.fixture
def mock(tmp_path: Path) -> Iterator[Process]:
    receiver = Receiver()
    process = Process(tmp_path, receiver, MOCK_GATEWAY_SETTLEMENT="sync").start()
    yield process
    process.close()
    receiver.close()


def credited(mock: Process) -> Counter[str]:
    """How often the gateway really paid, by bank."""
    paid: Counter[str] = Counter()
    for row in mock.control.credits().values():
        paid[row["bank_bin"]] += row["times_credited"]
    return paid


def work(mock: Process, workers: int) -> None:
    """Real worker processes, let go together, each until it finds nothing or four seconds are over."""
    import base64

    secret = f"k1:whsec_{base64.b64encode(PORTAL_KEY).decode()}"
    environment = os.environ | {"GATEWAY_URL": mock.url, "GATEWAY_SIGNING_SECRETS": secret, "GATEWAY_KEY_ID": "k1"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(workers)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            process.communicate("go\n", timeout=60)
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0] * workers


def test_two_workers_share_one_rate_and_a_bank_that_is_down_holds_up_no_other(mock: Process, settings: Any) -> None:
    settings.DISPATCH_CHUNK_SIZE = 3
    office = make_office()
    for bank, count in ((VCB, 60), (ACB, 6), (SLOW, LINES)):
        make_entitled(count, bank=bank)
    start(office, build_batch(office))
    add_channels([SLOW])
    run(
        "UPDATE gateway_bank_channel SET rate = 1, rate_limit = 1, burst = %s, tokens = %s, tokens_at = portal_now() "
        "WHERE bank_bin = %s",
        BURST,
        BURST,
        SLOW,
    )
    mock.control.faults(options={"banks_down": [ACB]})
    before = clock.now()
    work(mock, workers=2)
    seconds = (clock.now() - before).total_seconds()
    paid = credited(mock)
    assert paid[VCB] == 60
    assert paid[ACB] == 0
    assert not Transfer.objects.filter(creditor_agent=ACB).exclude(state="READY").exists()
    # A chunk is let through by a bucket that is full; what both took together is what one bucket holds and regains.
    assert BURST <= paid[SLOW] <= BURST + seconds


def test_a_poisoned_line_is_found_over_http_and_its_chunk_goes_on(mock: Process) -> None:
    office = make_office()
    make_entitled(32)
    start(office, build_batch(office))
    bad = Transfer.objects.order_by("id")[20]
    mock.control.faults(armed={bad.end_to_end_id: {"e400_poison": 100}}, options={"poison_marker": "11/2026"})
    gateway = HttpGateway(base_url=mock.url, secret=Secret("k1", PORTAL_KEY))
    while claim := dispatch.claim_to_send():
        dispatch.send(claim=claim, gateway=gateway)
    gateway.close()
    bad.refresh_from_db()
    assert bad.state == "REVIEW"
    assert Transfer.objects.filter(state="SETTLED").count() == 31
    assert DispatchChunk.objects.get().state == "PARKED"
    paid = mock.control.credits()
    assert bad.end_to_end_id not in paid
    assert {row["times_credited"] for row in paid.values()} == {1}
