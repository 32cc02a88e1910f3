"""The processes of a run: the mocked gateway, which settles at once, and workers; no web, no beat."""

import os
from pathlib import Path

from django.conf import settings

from welfare_portal.demo.processes import Processes
from welfare_portal.embedded.launcher import free_port


def servers(directory: Path, *, workers: int) -> Processes:
    """A context manager that keeps them up; their logs go below `directory`."""
    os.environ["MOCK_GATEWAY_SETTLEMENT"] = "sync"
    return Processes(
        logs=directory / "logs",
        portal_port=free_port(),
        gateway_port=int(settings.GATEWAY_URL.rsplit(":", 1)[1]),
        workers=workers,
        only=("gateway", "worker"),
    )
