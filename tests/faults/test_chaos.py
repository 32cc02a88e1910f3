"""A short run of two seeds under every fault at once, and the restore drill: the same programs as `make chaos` and the drill."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.table import CHAOS, FAULTS

pytestmark = pytest.mark.servers
ROOT = Path(__file__).parents[2]
SECONDS = 900  # a machine under load; alone it takes a tenth of it


def play(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def test_two_seeds_hold_and_strike_everything_that_the_table_says(tmp_path: Path) -> None:
    report = tmp_path / "reached.json"
    told = play(
        "tests.chaos",
        "--seed",
        "1",
        "--seed",
        "2",
        "--deal",
        "--report",
        str(report),
        "--directory",
        str(tmp_path / "run"),
    )
    assert told.returncode == 0, told.stdout[-6_000:] + told.stderr[-2_000:]
    reached = {(fault, state) for fault, state, _ in json.loads(report.read_text())["reached"]}
    declared = {(fault.code, state) for fault in FAULTS for state in fault.struck if CHAOS in fault.tests(state)}
    assert declared - reached == set()


def test_the_restore_drill_pays_nothing_twice(tmp_path: Path) -> None:
    told = play("tests.chaos.drill", "--directory", str(tmp_path / "drill"))
    assert told.returncode == 0, told.stdout[-6_000:] + told.stderr[-2_000:]
    assert "nothing was paid twice" in told.stdout
