"""One verification: the gateway's book is brought in, every line is worked out, and what was found is kept, whatever it is.

Each check is one statement with its own snapshot, outside any longer transaction: a run over millions of rows holds nothing up.
It needs more time than a page may take, so this session's limits are lifted while it runs.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from foundation.audit import clock
from foundation.audit.alarms import raise_alarm
from foundation.audit.operations import Actor, record_event
from payments.alarms import VERIFY_BROKEN
from payments.models import Transfer, VerificationResult, VerificationRun
from payments.operations.verification import INVARIANTS
from payments.operations.verification.gateway_book import FORGET, GatewayBook, load
from payments.operations.verification.guards import missing, standing
from payments.operations.verification.invariants import Check, Invariant, Look

LONGEST = 300
# OFFSET 0 keeps the judgement a row of its own: written into both counts it would be worked out twice, and some of them hash.
COUNTED = """
SELECT count(*), count(*) FILTER (WHERE is_broken), min(what::text) FILTER (WHERE is_broken)
FROM (SELECT what, broken IS NOT FALSE AS is_broken FROM ({rows}) AS looked(what, broken) OFFSET 0) AS judged
"""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one invariant."""

    invariant: Invariant
    checked: int
    broken: int
    example: str
    failed: tuple[Check, ...]
    guards_missing: tuple[str, ...]
    is_compared: bool  # False: it is about the gateway's book, and there was none
    seconds: float
    against: str = ""  # of what is about the gateway's book: which one, and until when

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return self.broken == 0

    @property
    def outcome(self) -> VerificationResult.Outcome:
        """As it is kept."""
        if not self.holds:
            return VerificationResult.Outcome.BROKEN
        return VerificationResult.Outcome.HOLDS if self.is_compared else VerificationResult.Outcome.NOT_COMPARED

    @property
    def words(self) -> str:
        """The line as commands print it."""
        said = f"{self.invariant.code:<4} {self.invariant.holds}"
        if not self.holds:
            return f"{said}: {self.broken} / {self.checked}. {self.finding}"
        if not self.is_compared:
            return f"{said} ({self.outcome.label})"
        return f"{said} ({self.against})" if self.against else said

    @property
    def finding(self) -> str:
        """In words: which checks failed, which guards are gone, and one example."""
        said = [str(check.name) for check in self.failed]
        said += [f"khoá: {name}" for name in self.guards_missing]
        return "; ".join([*said, *([self.example] if self.example else [])])


def examine(*, book: GatewayBook | None, only: Collection[str] = ()) -> Iterator[Line]:
    """Work out every line, or those of the codes in `only`, and give each as soon as it is known. Writes nothing that lasts."""
    with _unhurried(), connection.cursor() as cursor:
        try:
            if book is not None:
                load(cursor, book)
            stands = standing(cursor)
            for invariant in [one for one in INVARIANTS if not only or one.code in only]:
                yield _line(cursor, invariant, book, missing(stands, invariant.guards))
        finally:
            if not connection.needs_rollback and connection.is_usable():
                cursor.execute(FORGET)


def _line(cursor: Any, invariant: Invariant, book: GatewayBook | None, gone: list[str]) -> Line:
    began = time.monotonic()
    checks = [check for check in invariant.checks if book is not None or not check.of_gateway]
    looks = [(check, look(cursor, check, book)) for check in checks]
    failed = tuple((check, seen) for check, seen in looks if seen.broken)
    is_about_the_book = any(check.of_gateway for check in invariant.checks)
    return Line(
        invariant=invariant,
        checked=sum(seen.checked for check, seen in looks),
        broken=sum(seen.broken for check, seen in failed) + len(gone),
        example=failed[0][1].example if failed else "",
        failed=tuple(check for check, seen in failed),
        guards_missing=tuple(gone),
        is_compared=book is not None or not is_about_the_book,
        seconds=time.monotonic() - began,
        against=book.words if book is not None and is_about_the_book else "",
    )


def look(cursor: Any, check: Check, book: GatewayBook | None) -> Look:
    """Work out one check."""
    if callable(check.rows):
        return check.rows(cursor)
    cursor.execute(COUNTED.format(rows=check.rows), times_of(book) if book else {})
    checked, broken, example = cursor.fetchone()
    return Look(checked, broken, (example or "")[:LONGEST])


def times_of(book: GatewayBook) -> dict[str, Any]:
    """For when a book speaks, as the checks ask it."""
    return {
        "taken_at": book.taken_at,
        "since": book.since or "-infinity",
        "returns_until": book.returns_until or book.taken_at,
        "gaps": f"{{{', '.join(f'[{day}, {day}]' for day in book.gaps)}}}",  # one value, looked up by halves
    }


@contextmanager
def _unhurried() -> Iterator[None]:
    """Lift this session's time limits; they come back even when the session goes on to other work."""
    limits = ("statement_timeout", "transaction_timeout")
    with connection.cursor() as cursor:
        before = []
        for name in limits:
            cursor.execute("SELECT current_setting(%s), set_config(%s, '0', false)", [name, name])
            before.append((name, cursor.fetchone()[0]))
    try:
        yield
    finally:
        if not connection.needs_rollback and connection.is_usable():
            with connection.cursor() as cursor:
                for name, value in before:
                    cursor.execute("SELECT set_config(%s, %s, false)", [name, value])


def verify_books(
    *, book: GatewayBook | None, by: Actor, report: Callable[[Line], None] = lambda _: None
) -> tuple[VerificationRun, list[Line]]:
    """Verify everything and keep the result, with an event in the trail; a line that breaks raises nothing, it is the result.

    Args:
        book: The gateway's side; None leaves what is about it uncompared, and the result says so.
        by: Who asked for it, or the system.
        report: Told of each line as soon as it is known.
    """
    started_at, began = clock.now(), time.monotonic()
    transfers = Transfer.objects.count()
    lines = []
    for line in examine(book=book):
        report(line)
        lines.append(line)
    seconds = time.monotonic() - began
    run = _keep(lines, book=book, by=by, started_at=started_at, seconds=seconds, transfers=transfers)
    return run, lines


@transaction.atomic(durable=True)
def _keep(
    lines: list[Line], *, book: GatewayBook | None, by: Actor, started_at: Any, seconds: float, transfers: int
) -> VerificationRun:
    broken = [line.invariant.code for line in lines if not line.holds]
    run = VerificationRun.objects.create(
        started_at=started_at,
        milliseconds=round(seconds * 1000),
        source=book.source if book else VerificationRun.Source.NONE,
        compared_until=book.until if book else None,
        days_missing=len(book.gaps) if book else 0,
        transfers=transfers,
        lines=len(lines),
        broken=len(broken),
        run_by=by.label,
    )
    VerificationResult.objects.bulk_create(
        VerificationResult(
            run=run,
            code=line.invariant.code,
            outcome=line.outcome,
            checked=line.checked,
            broken=line.broken,
            finding=line.finding[:LONGEST],
            milliseconds=round(line.seconds * 1000),
        )
        for line in lines
    )
    for line in lines:
        if not line.holds:
            raise_alarm(
                kind=VERIFY_BROKEN,
                subject_kind="invariant",
                subject_id=line.invariant.code,
                details={"run": run.pk, "broken": line.broken, "finding": line.finding[:LONGEST]},
            )
    record_event(
        kind="verification.run",
        actor=by,
        subject_kind="verification",
        subject_id=run.pk,
        payload={
            "source": run.source,
            "until": run.compared_until.isoformat() if run.compared_until else "",
            "broken": broken,
            "transfers": transfers,
        },
    )
    return run
