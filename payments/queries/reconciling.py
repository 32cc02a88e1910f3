"""What the pages of reconciliation show: days, files, statements with their versions, differences, the three voices of a list.

Counts are those that are kept; lists go by key.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet

from foundation.audit.models import Job
from foundation.users.models import User
from foundation.users.paging import Page, at_most, cut
from payments.models import (
    DayComparison,
    PayoutBatch,
    ReconciliationDifference,
    Statement,
    StatementEntry,
    StatementFile,
)
from payments.queries.totals import Part, batch_totals
from payments.statement_states import DifferenceKind, DifferenceState, FileState
from payments.states import Route

JOB_KIND = "statement.import"


def days_visible(*, user: User, at: datetime, after: int | None, limit: int = 31) -> Page[DayComparison, int]:
    """Days that were compared, the latest statement first; `after` is the statement of the last one seen."""
    found: QuerySet[DayComparison] = DayComparison.objects.visible_to(user, at=at).select_related("unit", "statement")
    if after is not None:
        found = found.filter(statement_id__lt=after)
    rows = list(found.order_by("-statement_id")[: at_most(limit) + 1])
    return cut(rows, limit=at_most(limit), key=lambda row: row.statement_id)


def files_visible(*, user: User, at: datetime, after: int | None, limit: int = 50) -> Page[StatementFile, int]:
    """Files and orders, the newest first."""
    found: QuerySet[StatementFile] = StatementFile.objects.visible_to(user, at=at).select_related(
        "unit", "received_by"
    )
    if after is not None:
        found = found.filter(pk__lt=after)
    return cut(list(found.order_by("-pk")[: at_most(limit) + 1]), limit=at_most(limit), key=lambda row: row.pk)


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far the import of a file has come, in hundredths; the phase is reading until the lines are known."""

    is_reading: bool
    percent: int


def import_progress(file: StatementFile) -> ImportProgress | None:
    """Where the import stands; None when it has ended or not begun."""
    job = Job.objects.filter(kind=JOB_KIND, subject_id=file.pk).order_by("-pk").first()
    if job is None or file.state != FileState.RECEIVED:
        return None
    return ImportProgress("plan" not in job.cursor, job.done * 100 // max(job.total or 1, 1))


@dataclass(frozen=True, slots=True)
class Changed:
    """An entry in the version before and in this one; None where it is not there."""

    before: StatementEntry | None
    now: StatementEntry | None


def version_changes(*, statement: Statement, after: int | None, limit: int = 50) -> Page[Changed, int]:
    """What a later version says otherwise: entries changed or left out, then those that are new; keyed by the entry's id."""
    limit = at_most(limit)
    mine = Q(superseded_by=statement) | Q(statement=statement)
    found = StatementEntry.objects.filter(mine, **({"pk__gt": after} if after is not None else {}))
    rows = list(found.order_by("pk")[: limit + 1])
    references = {row.entry_reference for row in rows}
    pairs: dict[tuple[str, int], dict[str, StatementEntry]] = {}
    for entry in StatementEntry.objects.filter(mine, account=statement.account, entry_reference__in=references):
        side = "before" if entry.superseded_by_id == statement.pk else "now"
        pairs.setdefault((entry.entry_reference, entry.detail_number), {})[side] = entry
    page = cut(rows, limit=limit, key=lambda row: row.pk)
    shown = []
    for row in page.rows:
        pair = pairs[row.entry_reference, row.detail_number]
        if pair.get("before", row).pk == row.pk:  # told once, where the earlier one stands
            shown.append(Changed(pair.get("before"), pair.get("now")))
    return Page(tuple(shown), page.next)


@dataclass(frozen=True, slots=True)
class DifferenceFilter:
    """Which differences a page lists."""

    state: DifferenceState | None = DifferenceState.OPEN
    kind: DifferenceKind | None = None
    owner: User | None = None
    batch_id: int | None = None
    statement: Statement | None = None


def differences_visible(
    *, user: User, at: datetime, chosen: DifferenceFilter, after: int | None, limit: int = 50
) -> Page[ReconciliationDifference, int]:
    """Differences of the units that the user sees, the oldest first: they are due first."""
    found: QuerySet[ReconciliationDifference] = ReconciliationDifference.objects.visible_to(user, at=at)
    if chosen.state is not None:
        found = found.filter(state=chosen.state)
    if chosen.kind is not None:
        found = found.filter(kind=chosen.kind)
    if chosen.owner is not None:
        found = found.filter(owner=chosen.owner)
    if chosen.batch_id is not None:
        found = found.filter(batch_id=chosen.batch_id)
    if chosen.statement is not None:
        found = found.filter(account=chosen.statement.account, day=chosen.statement.day)
    if after is not None:
        found = found.filter(pk__gt=after)
    found = found.select_related("unit", "owner", "transfer", "entry")
    return cut(list(found.order_by("pk")[: at_most(limit) + 1]), limit=at_most(limit), key=lambda row: row.pk)


MOST_COUNTED = 1_000


def open_differences(*, user: User, at: datetime) -> tuple[int, int]:
    """How many are open, and of them how many are overdue; a thousand stands for as many or more."""
    found: QuerySet[ReconciliationDifference] = ReconciliationDifference.objects.visible_to(user, at=at)
    open_ = found.filter(state=DifferenceState.OPEN)
    return open_[:MOST_COUNTED].count(), open_.filter(due_at__lt=at)[:MOST_COUNTED].count()


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """One way in which payments of a list ended, as each of the three tells it; None: that voice does not speak of it."""

    ours: Part
    answered: Part | None
    statement: Part | None

    @property
    def agrees(self) -> bool:
        """Whether the statement says what we do."""
        return self.statement is None or self.statement == self.ours


VOICES = """
SELECT coalesce(sum(answered_count), 0), coalesce(sum(answered_sum), 0), coalesce(sum(matched_count), 0),
       coalesce(sum(matched_sum), 0), coalesce(sum(credited_count), 0), coalesce(sum(credited_sum), 0)
FROM payments_dispatch_chunk WHERE batch_id = %s AND route = 'GATEWAY'
"""


def three_way(*, batch: PayoutBatch) -> dict[str, ThreeWay]:
    """Paid and returned of a list's bank transfers by the three voices, and what only we and the bank's answer know."""
    ours = batch_totals(batch_id=batch.pk, route=Route.GATEWAY)
    with connection.cursor() as cursor:
        cursor.execute(VOICES, [batch.pk])
        figures = [int(figure) for figure in cursor.fetchone()]
    answered, debited, credited = (Part(*figures[at : at + 2]) for at in (0, 2, 4))
    return {
        "paid": ThreeWay(ours.settled + ours.returned, answered, debited),
        "returned": ThreeWay(ours.returned, None, credited),
        "rejected": ThreeWay(ours.rejected, None, None),
        "cancelled": ThreeWay(ours.cancelled, None, None),
    }


def versions_of(statement: Statement) -> list[Statement]:
    """Every version of a statement, the newest first."""
    found = Statement.objects.filter(account=statement.account, day=statement.day).select_related("file__received_by")
    return list(found.order_by("-version"))
