"""One run: an office, lists that are fed to the portal one after the other, what was struck, and what must come of it."""

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django.db import OperationalError, connection

from beneficiaries.models import Entitlement
from foundation.audit.models import Job
from payments import failpoints
from payments.models import PayoutBatch
from payments.operations import build, decide
from payments.states import BatchKind, BatchState
from tests.chaos.bank import StruckBank
from tests.chaos.crew import Crew
from tests.chaos.laboratory import Laboratory
from tests.factories import PERIOD, WARD, Office, make_entitled

BANKS = ("970436", "970415", "970418", "970405", "970422")
PATIENCE = 40.0  # seconds that a scene waits for its fault to strike; the faults of other scenes go on meanwhile
LOOK_SECONDS = 0.05


class NotReached(Exception):
    """A fault that was laid out struck nothing: the run says nothing about it, and must not pass."""


@dataclass(frozen=True, slots=True)
class Fed:
    """A list that was given to the portal: its transfers by chunk."""

    batch: int
    chunks: tuple[tuple[str, ...], ...]

    @property
    def ids(self) -> list[str]:
        """All of its end_to_end_ids."""
        return [end_to_end_id for chunk in self.chunks for end_to_end_id in chunk]


@dataclass
class Run:
    """What the scenes of a run share."""

    seed: int
    lab: Laboratory
    crew: Crew
    bank: StruckBank
    office: Office
    say: Callable[[str], None]
    chance: random.Random = field(default_factory=random.Random)
    reached: Counter[tuple[str, str]] = field(default_factory=Counter)
    for_people: set[str] = field(
        default_factory=set
    )  # ids that must end in REVIEW: told to the gateway, not read from us
    serial: int = 0

    def begin(self, seed: int) -> None:
        """From now on this seed decides."""
        self.seed, self.chance = seed, random.Random(seed)

    # --- Work for the portal ---
    def prepare(self, count: int, *, endings: dict[int, str] | None = None) -> Fed:
        """A draft of `count` transfers over all banks; `endings` of account numbers choose the gateway's scenario."""
        for place, bank in enumerate(BANKS):
            share = range(place, count, len(BANKS))
            numbers = [f"{self._next():08d}{(endings or {}).get(index, '0000')}" for index in share]
            make_entitled(len(share), bank=bank, numbers=numbers)
        batch = build.start_build(
            fund_id=self.office.fund.pk,
            unit_code=WARD,
            period=PERIOD,
            kind=BatchKind.SUPPLEMENTARY,
            execution_date=date(2026, 11, 1),
            by=self.office.preparer,
            at=self.office.at(),
        )
        job = Job.objects.get(kind=build.JOB_KIND, subject_id=batch.pk)
        self.until("a list is built", lambda: build.build_step(job_id=job.pk) or self.state_of(batch.pk) == "DRAFT")
        self.until("a list is built", lambda: self.state_of(batch.pk) == BatchState.DRAFT)
        chunks: dict[int, list[str]] = {}
        for chunk, end_to_end_id in self.read(
            "SELECT chunk_id, end_to_end_id FROM payments_transfer WHERE batch_id = %s ORDER BY id", batch.pk
        ):
            chunks.setdefault(chunk, []).append(end_to_end_id)
        assert sum(map(len, chunks.values())) == count
        return Fed(batch.pk, tuple(map(tuple, chunks.values())))

    def approve(self, fed: Fed) -> None:
        """Let the list go: from here on workers pay it."""
        seen = decide.submit_batch(batch_id=fed.batch, by=self.office.preparer, at=self.office.at())
        decide.approve_batch(batch_id=fed.batch, by=self.office.approver, seen_hash=seen, at=self.office.at())

    def feed(self, count: int = 10, **how: Any) -> Fed:
        """A list that is paid at once."""
        fed = self.prepare(count, **how)
        self.approve(fed)
        return fed

    def owe_nothing_more(self) -> None:
        """Whoever was on a list has no right to another: what a bank refuses is not listed again."""
        Entitlement.objects.filter(valid_to=None).update(valid_to=date(2026, 10, 31))

    def _next(self) -> int:
        self.serial += 1
        return self.serial

    # --- Faults ---
    def lay(self, name: str, action: str) -> Path:
        """Arm a failpoint once."""
        token = self.lab.failpoints / f"{name}.{action}.{self._next()}"
        token.touch()
        return token

    def struck(self, token: Path) -> int:
        """Wait until a laid-out failpoint has struck; the process that it struck."""
        found: list[Path] = []

        def look() -> bool:
            found[:] = (self.lab.failpoints / failpoints.STRUCK).glob(f"{token.name}.*")
            return bool(found)

        self.until(f"{token.name} strikes", look)
        return int(found[0].suffix[1:])

    def observe(self, fault: str) -> None:
        """Note in which states this fault finds transfers and chunks right now."""
        for (state,) in self.read(
            "SELECT DISTINCT state FROM payments_transfer WHERE route = 'GATEWAY' "
            "UNION SELECT DISTINCT 'chunk ' || state FROM payments_dispatch_chunk WHERE route = 'GATEWAY'"
        ):
            self.reached[fault, state] += 1

    def reach(self, fault: str, *states: str) -> None:
        """Note that a fault struck something in these states."""
        for state in states:
            self.reached[fault, state] += 1

    # --- Watching ---
    def until(self, what: str, condition: Callable[[], object], *, seconds: float = PATIENCE) -> float:
        """Wait until something holds; how long that took. A database that is down for a moment is asked again."""
        started = time.monotonic()
        while True:
            with suppress(OperationalError):
                if condition():
                    return time.monotonic() - started
            if time.monotonic() - started > seconds:
                raise NotReached(what)
            connection.close()
            time.sleep(LOOK_SECONDS)

    def read(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the portal's database."""
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def state_of(self, batch: int) -> str:
        """A list's state."""
        return str(PayoutBatch.objects.values_list("state", flat=True).get(pk=batch))

    def left(self, ids: list[str] | None = None) -> int:
        """How many transfers have neither ended nor gone to people."""
        some = "" if ids is None else "AND end_to_end_id = ANY (%s)"
        return int(
            self.read(
                "SELECT count(*) FROM payments_transfer WHERE state NOT IN "
                f"('SETTLED', 'REJECTED', 'RETURNED', 'CANCELLED', 'EXCLUDED', 'REVIEW') {some}",
                *([] if ids is None else [ids]),
            )[0][0]
        )

    def until_ended(self, fed: Fed) -> None:
        """Wait until each transfer of a list has ended or is with people."""
        self.until("a list ends", lambda: self.left(fed.ids) == 0)

    def outcomes(self, kind: str) -> set[str]:
        """What attempts of a kind have met so far."""
        return {
            f"{outcome} {detail}".strip()
            for outcome, detail in self.read(
                "SELECT DISTINCT outcome, detail FROM payments_dispatch_attempt WHERE kind = %s", kind
            )
        }
