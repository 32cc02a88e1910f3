"""The main job as a newcomer sees it: import, accounts, list, approval, workers, gateway, callbacks, proof; and with a crash."""

import subprocess
from typing import Any

import psutil
import pytest

from payments.models import FundBalance, PayoutBatch, ReconciliationDifference, Transfer
from tests.servers import run_demo
from welfare_portal.embedded.launcher import free_port

pytestmark = pytest.mark.servers


@pytest.fixture
def gateway_address(tmp_path: Any) -> dict[str, str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    return {
        "DEMO": "true",
        "GATEWAY_URL": url,
        "MOCK_GATEWAY_PORT": str(port),
        "MOCK_GATEWAY_PUBLIC_URL": url,
        "MOCK_GATEWAY_DATA": str(tmp_path / "gateway"),
    }


def assert_paid(result: "subprocess.CompletedProcess[str]") -> None:
    assert result.returncode == 0, result.stdout + result.stderr
    assert "khớp nhau" in result.stdout
    batch = PayoutBatch.objects.get()
    assert batch.state == "CLOSED"
    assert not ReconciliationDifference.objects.exists()
    assert not Transfer.objects.exclude(state__in=["SETTLED", "REJECTED", "CANCELLED"]).exists()
    balances = dict(FundBalance.objects.filter(fund=batch.fund).values_list("account", "balance"))
    assert balances["RESERVED"] == 0
    assert balances["PAID"] > 0
    assert sum(balances.values()) == 0


def test_pays_a_ward_and_proves_it_against_the_gateways_log(committed: None, gateway_address: dict[str, str]) -> None:
    assert_paid(run_demo("--lines", "300", environment=gateway_address, seconds=180))


def test_nothing_is_lost_or_paid_twice_when_a_worker_is_killed_and_redis_is_emptied(
    committed: None, gateway_address: dict[str, str]
) -> None:
    result = run_demo("--lines", "300", "--kill", environment=gateway_address, seconds=180)
    assert_paid(result)
    assert "khởi động lại: 0." not in result.stdout


def test_leaves_no_process_behind(committed: None, gateway_address: dict[str, str]) -> None:
    result = run_demo("--lines", "20", environment=gateway_address, seconds=180)
    assert result.returncode == 0, result.stdout + result.stderr
    mark = f"--port {gateway_address['MOCK_GATEWAY_PORT']}"
    left = [process for process in psutil.process_iter(["cmdline"]) if mark in " ".join(process.info["cmdline"] or [])]
    assert left == []
