"""What an officer sees first: the batches of his units, what waits for him, and how a list is getting on.

Counts come from the batch and from its chunks, never from its transfers, so a page about a million payments is a page about two
thousand rows.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from foundation.users import access
from foundation.users.models import User
from foundation.users.paging import Page, at_most, cut
from foundation.users.roles import Permission
from payments.models import FundBalance, PayoutBatch
from payments.queries.totals import BatchTotals, Part, totals_of_batches
from payments.states import BATCH_OPEN_FOR_CHANGE, BatchState, LedgerAccount, Route

AT_MOST_WAITING = 20
ON_ITS_WAY = (BatchState.APPROVED, BatchState.RESERVED, BatchState.DISPATCHING, BatchState.CANCELLING)


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch in a list of batches, with fund, unit and people at hand, and where its payments stand."""

    batch: PayoutBatch
    totals: BatchTotals


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A batch that waits for somebody, since when, and how much money its fund lacks."""

    batch: PayoutBatch
    since: datetime
    age: timedelta
    shortfall: int = 0


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """What waits for one officer, the oldest first, at most twenty of each; empty where he has no right to act.

    `sent_back` are lists that an approver returned and for which no new version stands yet.
    """

    drafts: tuple[WorkItem, ...]
    sent_back: tuple[WorkItem, ...]
    to_approve: tuple[WorkItem, ...]
    being_paid: tuple[WorkItem, ...]
    held: tuple[WorkItem, ...]
    fund_too_low: tuple[WorkItem, ...]


@dataclass(frozen=True, slots=True)
class HistoryRoute:
    """One route of one month."""

    route: Route
    label: str
    planned: Part
    settled: Part


@dataclass(frozen=True, slots=True)
class HistoryMonth:
    """What was approved for one month, what of it has reached the payees, and by which routes."""

    period: date
    planned: Part
    settled: Part
    routes: tuple[HistoryRoute, ...]


def batches_visible(
    *,
    user: User,
    at: datetime,
    unit_code: str = "",
    period: date | None = None,
    states: Collection[BatchState] = (),
    after: int | None = None,
    limit: int = 50,
) -> Page[BatchRow, int]:
    """The batches that `user` may see, the newest month first; `after` is the id of the last batch seen."""
    limit = at_most(limit)
    visible = PayoutBatch.objects.visible_to(user, at=at)
    found = visible
    if unit_code:
        found = found.filter(unit_id=unit_code)
    if period:
        found = found.filter(period=period)
    if states:
        found = found.filter(state__in=states)
    if after:
        last = visible.filter(pk=after).values_list("period", flat=True).first()
        found = found.filter(Q(period__lt=last) | Q(period=last, id__lt=after)) if last else found.none()
    batches = list(_with_names(found).order_by("-period", "-id")[: limit + 1])
    totals = totals_of_batches(batch_ids=[batch.pk for batch in batches])
    return cut([BatchRow(batch, totals[batch.pk]) for batch in batches], limit=limit, key=lambda row: row.batch.pk)


def _with_names(batches: QuerySet[PayoutBatch]) -> QuerySet[PayoutBatch]:
    return batches.select_related("fund", "unit", "prepared_by", "submitted_by")


def _lacking() -> CombinedExpression:
    """How much more a batch needs than its fund holds now; negative: the fund has enough."""
    holds = FundBalance.objects.filter(fund=OuterRef("fund"), account=LedgerAccount.FUNDING).values("balance")
    return F("control_sum") - Coalesce(Subquery(holds), 0)


def fund_shortfall(*, batch: PayoutBatch) -> int:
    """How many đồng the fund lacks for an approved batch; 0 when it has enough, or when the money is set aside already."""
    lacking = (
        PayoutBatch.objects.filter(pk=batch.pk, state=BatchState.APPROVED)
        .annotate(lacking=_lacking())
        .values_list("lacking", flat=True)
        .first()
    )
    return max(0, lacking or 0)


def work_queue(*, user: User, at: datetime) -> WorkQueue:
    """What waits for `user` now. Never a list for approval that he, under whatever login, prepared, submitted or decided on."""
    rights = access.rights(user=user, at=at)

    def where(permission: Permission) -> QuerySet[PayoutBatch]:
        if permission not in rights:
            return PayoutBatch.objects.none()
        units = rights.units(permission)
        return _with_names(PayoutBatch.objects.filter(Q() if units is None else Q(unit__in=units)))

    prepared, seen = where(Permission.PREPARE_BATCH), where(Permission.VIEW_BATCHES)
    moving = seen.filter(state__in=ON_ITS_WAY).annotate(lacking=_lacking())
    short = Q(state=BatchState.APPROVED, lacking__gt=0)
    return WorkQueue(
        drafts=_waiting(prepared.filter(state__in=BATCH_OPEN_FOR_CHANGE), at, F("prepared_at")),
        sent_back=_waiting(_sent_back(prepared), at, F("submitted_at")),
        to_approve=_waiting(_undecided(where(Permission.APPROVE_BATCH), user), at, F("submitted_at")),
        being_paid=_waiting(moving.exclude(short), at, Coalesce("started_at", "reserved_at", "approved_at")),
        held=_waiting(seen.filter(state=BatchState.HELD), at, F("held_at")),
        fund_too_low=_waiting(moving.filter(short), at, F("approved_at")),
    )


def _waiting(batches: QuerySet[PayoutBatch], at: datetime, since: Any) -> tuple[WorkItem, ...]:
    oldest = batches.annotate(waits_since=since).order_by("waits_since", "id")[:AT_MOST_WAITING]
    return tuple(
        WorkItem(batch, moment, at - moment, max(0, getattr(batch, "lacking", 0)))
        for batch in oldest
        for moment in [getattr(batch, "waits_since", None) or batch.prepared_at]
    )


def _sent_back(batches: QuerySet[PayoutBatch]) -> QuerySet[PayoutBatch]:
    """Lists that an approver returned, and that no newer version has taken the place of."""
    newer = PayoutBatch.objects.filter(
        fund=OuterRef("fund"),
        period=OuterRef("period"),
        kind=OuterRef("kind"),
        sequence=OuterRef("sequence"),
        version__gt=OuterRef("version"),
    )
    replaced = Exists(newer.filter(unit=OuterRef("unit"))) | Q(unit=None) & Exists(newer.filter(unit=None))
    return batches.filter(~replaced, state=BatchState.REJECTED)


def _undecided(batches: QuerySet[PayoutBatch], user: User) -> QuerySet[PayoutBatch]:
    """Lists that wait for a decision which this human may take: four eyes are counted by person, not by login."""
    own = user.person_fingerprint
    return batches.filter(state=BatchState.SUBMITTED).exclude(
        Q(prepared_by__person_fingerprint=own)
        | Q(submitted_by__person_fingerprint=own)
        | Q(approvals__person_fingerprint=own)
    )


HISTORY = """
SELECT b.period, c.route, sum(c.number_of_transactions), sum(c.control_sum), sum(c.settled_count), sum(c.settled_sum)
FROM payments_payout_batch b JOIN payments_dispatch_chunk c ON c.batch_id = b.id
WHERE b.approved_at IS NOT NULL AND b.period BETWEEN %(first)s AND %(last)s
  AND (%(unit)s::text IS NULL OR b.unit_id = %(unit)s) AND (%(fund)s::bigint IS NULL OR b.fund_id = %(fund)s)
GROUP BY b.period, c.route
ORDER BY b.period, c.route
"""


def unit_history(
    *, unit_code: str | None, through: date, fund_id: int | None = None, months: int = 12
) -> tuple[HistoryMonth, ...]:
    """The last `months` months up to the month of `through`, oldest first; a month without a list has zeros. One query.

    Lists of every kind count from their approval on. `unit_code` None: all lists in the city, the wards' and its own.
    """
    last = through.year * 12 + through.month - 1
    periods = [date(month // 12, month % 12 + 1, 1) for month in range(last - months + 1, last + 1)]
    found: dict[date, list[HistoryRoute]] = {period: [] for period in periods}
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, {"first": periods[0], "last": periods[-1], "unit": unit_code, "fund": fund_id})
        for period, route, *figures in cursor.fetchall():
            count, amount, settled_count, settled_amount = (int(figure) for figure in figures)
            part = HistoryRoute(
                Route(route), str(Route(route).label), Part(count, amount), Part(settled_count, settled_amount)
            )
            found[period].append(part)
    nothing = Part(0, 0)
    return tuple(
        HistoryMonth(
            period=period,
            planned=sum((part.planned for part in routes), nothing),
            settled=sum((part.settled for part in routes), nothing),
            routes=tuple(routes),
        )
        for period, routes in found.items()
    )
