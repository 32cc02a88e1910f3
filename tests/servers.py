"""The portal's own processes for tests: the main job on a small list, with real workers, HTTP and gateway."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run_demo(*arguments: str, environment: dict[str, str], seconds: float) -> subprocess.CompletedProcess[str]:
    """`manage.py demo` on the database of this test, in a session of its own, of which nothing is left in the end."""
    command = [sys.executable, "manage.py", "demo", *arguments]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        told, complained = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(command, process.returncode, told, complained)
