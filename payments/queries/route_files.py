"""Lists that were given out and files that came back, of one batch; and what each row of a file does, judged by one statement."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from foundation.users.paging import Page, at_most, cut
from payments.models import PayoutBatch, PayoutFile, ResultFile, TransferResult
from payments.queries.totals import BatchTotals, Part, batch_totals
from payments.states import ROUTES_BY_FILE, PaidOrNot, Route, Verdict

# What each row would do now, for a file that is not taken over yet, and at the moment when it is. What was taken over keeps the
# verdict of that moment. Only payments that stand in a list of ours are ours.
JUDGED = """
SELECT l.id, l.row, l.end_to_end_id, l.outcome, l.amount, l.reason_code, l.reason, l.paid_date, l.reference, t.id AS transfer_id,
       coalesce(nullif(l.verdict, ''), CASE
           WHEN t.id IS NULL THEN 'UNKNOWN'
           WHEN t.instructed_amount <> l.amount THEN 'WRONG_AMOUNT'
           WHEN t.state = 'HANDED_OVER' THEN l.outcome
           WHEN said.id IS NOT NULL THEN 'BEFORE'
           ELSE 'CONTRADICTS' END) AS verdict,
       t.instructed_amount, t.creditor_name
FROM payments_result_line l
JOIN payments_result_file f ON f.id = l.result_file_id
LEFT JOIN payments_transfer t ON t.end_to_end_id = l.end_to_end_id AND t.batch_id = f.batch_id AND t.route = f.route
    AND EXISTS (SELECT 1 FROM payments_payout_file_line given WHERE given.transfer_id = t.id)
LEFT JOIN payments_transfer_result said ON said.transfer_id = t.id AND said.outcome = l.outcome
WHERE l.result_file_id = %(file)s
"""


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """How many rows do one thing, and how many đồng they tell of."""

    verdict: Verdict
    label: str
    part: Part


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """One row of a file as a page shows it; `ours` is the amount that we know, None where the payment is not ours."""

    row: int
    code: str
    name: str
    outcome_label: str
    amount: int
    ours: int | None
    reason: str
    verdict: Verdict
    verdict_label: str

    @property
    def reference(self) -> str:
        """What is read out on the telephone."""
        tail = self.code[-12:].upper()
        return f"{tail[:4]}-{tail[4:8]}-{tail[8:]}"


@dataclass(frozen=True, slots=True)
class RouteFiles:
    """One route of a batch: what waits for a list, the lists, and the files that came back."""

    route: Route
    label: str
    totals: BatchTotals
    waiting: Part
    files: tuple[PayoutFile, ...]
    results: tuple[ResultFile, ...]


def verdict_counts(*, result_file: ResultFile) -> list[VerdictCount]:
    """How many rows of a file do what, in the order of the words; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT verdict, count(*), sum(amount) FROM ({JUDGED}) AS judged GROUP BY verdict",  # noqa: S608  ours
            {"file": result_file.pk},
        )
        found = {verdict: Part(count, int(amount)) for verdict, count, amount in cursor.fetchall()}
    return [VerdictCount(v, str(v.label), found[v]) for v in Verdict if v in found]


def judged_rows(
    *, result_file: ResultFile, verdict: Verdict | None = None, after: int | None = None, limit: int = 50
) -> Page[JudgedRow, int]:
    """Rows of a file in its own order; `after` is the row number of the last one seen. One query."""
    limit = at_most(limit)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT row, end_to_end_id, coalesce(creditor_name, ''), outcome, amount, instructed_amount, "  # noqa: S608
            f"reason, verdict FROM ({JUDGED} AND l.row > %(after)s) AS judged "
            "WHERE %(verdict)s = '' OR verdict = %(verdict)s ORDER BY row LIMIT %(limit)s",
            {"file": result_file.pk, "verdict": verdict or "", "after": after or 0, "limit": limit + 1},
        )
        rows = [_row(values) for values in cursor.fetchall()]
    return cut(rows, limit=limit, key=lambda row: row.row)


def _row(values: tuple[Any, ...]) -> JudgedRow:
    row, code, name, outcome, amount, ours, reason, verdict = values
    return JudgedRow(
        row=row,
        code=code,
        name=name,
        outcome_label=str(PaidOrNot(outcome).label),
        amount=amount,
        ours=ours,
        reason=reason,
        verdict=Verdict(verdict),
        verdict_label=str(Verdict(verdict).label),
    )


WAITING = """
SELECT t.route, count(*), coalesce(sum(t.instructed_amount), 0)
FROM payments_dispatch_chunk c JOIN payments_transfer t ON t.chunk_id = c.id
WHERE c.batch_id = %s AND c.route = ANY (%s) AND c.state IN ('PLANNED', 'READY') AND t.state IN ('PLANNED', 'READY')
GROUP BY t.route
"""


def route_files(*, batch: PayoutBatch) -> list[RouteFiles]:
    """The routes of a batch that are paid by a list of ours, with their lists and answers; a fixed number of queries."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [batch.pk, list(map(str, ROUTES_BY_FILE))])
        waiting = {route: Part(count, int(amount)) for route, count, amount in cursor.fetchall()}
    files = list(PayoutFile.objects.filter(batch=batch).select_related("made_by").order_by("number", "version"))
    results = list(ResultFile.objects.filter(batch=batch).select_related("uploaded_by", "decided_by").order_by("-id"))
    replaced: set[Any] = {file.replaces_id for file in files}
    for file in files:
        file.is_live = file.pk not in replaced  # type: ignore[attr-defined]
    found = []
    for route in ROUTES_BY_FILE:
        totals = batch_totals(batch_id=batch.pk, route=route)
        if totals.planned.count:
            found.append(
                RouteFiles(
                    route=route,
                    label=str(route.label),
                    totals=totals,
                    waiting=waiting.get(route, Part(0, 0)),
                    files=tuple(file for file in files if file.route == route),
                    results=tuple(result for result in results if result.route == route),
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A word that came after another end was written: for people."""

    end_to_end_id: str
    reference: str
    name: str
    amount: int
    state_label: str
    said: str
    file_id: int


def contradictions(*, batch: PayoutBatch, limit: int = 50) -> list[Contradiction]:
    """Words of result files that contradict what was written, the newest first."""
    found = TransferResult.objects.filter(transfer__batch=batch, contradicts=True).select_related("transfer", "line")
    return [
        Contradiction(
            end_to_end_id=result.transfer.end_to_end_id,
            reference=result.transfer.public_reference,
            name=result.transfer.creditor_name,
            amount=result.transfer.instructed_amount,
            state_label=str(result.transfer.get_state_display()),
            said=str(result.get_outcome_display()),
            file_id=result.line.result_file_id,
        )
        for result in found.order_by("-id")[:limit]
    ]
