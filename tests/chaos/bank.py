"""The mocked gateway as the harness uses it: what goes wrong and for which credit, what time it is, and its own word."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import httpx2

from welfare_portal.demo.bank import ControlledGateway

T = TypeVar("T")
PATIENCE = 20.0


class StruckBank(ControlledGateway):
    """The control door of a gateway that is itself killed now and then: every question is asked until it is answered."""

    def _until_up(self, ask: Callable[[], T]) -> T:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return ask()
            except httpx2.HTTPError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _put(self, path: str, content: Any) -> Any:
        def ask() -> Any:
            answer = self._http.put(path, json=content)
            answer.raise_for_status()
            return answer.json()

        return self._until_up(ask)

    def plan(self) -> dict[str, Any]:
        """The faults in force."""
        return dict(self._until_up(lambda: self._http.get("/faults").raise_for_status().json()))

    def arm(self, armed: dict[str, dict[str, int]]) -> None:
        """Arm faults for credits, beside what is armed already."""
        plan = self.plan()
        self._put("/faults", {**plan, "armed": {**plan["armed"], **armed}})

    def behave(self, *, keep: Iterable[str] = (), **options: Any) -> None:
        """End all faults but these armed kinds, and set the measures."""
        kept = {
            key: {kind: times for kind, times in kinds.items() if kind in keep}
            for key, kinds in self.plan()["armed"].items()
        }
        self._put("/faults", {"options": options, "armed": {key: kinds for key, kinds in kept.items() if kinds}})

    def misbehave(self, probabilities: dict[str, float], **options: Any) -> None:
        """Faults by chance, and measures, in the place of all that was in force."""
        self._put("/faults", {"probabilities": probabilities, "options": options})

    def options(self, **options: Any) -> None:
        """Change measures and nothing else."""
        plan = self.plan()
        self._put("/faults", {**plan, "options": plan["options"] | options})

    def refuse(self, kind: str) -> None:
        """Let a fault strike whatever the endpoints in force are asked."""
        self._put("/faults", {**self.plan(), "probabilities": {kind: 1.0}})

    def shift(self, seconds: int) -> None:
        """Set the gateway's clock so far ahead."""
        self._put("/clock", {"offset_seconds": seconds})

    def fired(self) -> dict[str, int]:
        """How often each fault happened since the gateway's last start."""
        return dict(self._until_up(self.stats)["since_start"]["faults"])

    def log(self) -> dict[str, dict[str, Any]]:
        """The credit log by end_to_end_id, whole."""

        def ask() -> dict[str, dict[str, Any]]:
            answer = self._http.get("/credits").raise_for_status()
            return {row["end_to_end_id"]: row for row in map(json.loads, answer.text.splitlines())}

        return self._until_up(ask)
