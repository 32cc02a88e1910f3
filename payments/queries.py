"""Reads for pages, commands and the API: totals of a batch, and the whole story of one transfer. Never writes."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q

from foundation.audit.models import AuditEvent
from payments.models import Approval, DispatchAttempt, LedgerEntry, PayoutBatch, Transfer

# Ends are kept on the chunks, so a page about a million transfers adds up two thousand rows.
TOTALS = """
SELECT coalesce(sum(number_of_transactions), 0), coalesce(sum(control_sum), 0),
       coalesce(sum(settled_count), 0), coalesce(sum(settled_sum), 0),
       coalesce(sum(rejected_count), 0), coalesce(sum(rejected_sum), 0),
       coalesce(sum(returned_count), 0), coalesce(sum(returned_sum), 0),
       coalesce(sum(cancelled_count), 0), coalesce(sum(cancelled_sum), 0)
FROM payments_dispatch_chunk WHERE batch_id = %s AND (%s = '' OR route = %s)
"""


@dataclass(frozen=True, slots=True)
class Part:
    """How many payments, and how many đồng."""

    count: int
    amount: int

    def __sub__(self, other: "Part") -> "Part":
        return Part(self.count - other.count, self.amount - other.amount)

    def __add__(self, other: "Part") -> "Part":
        return Part(self.count + other.count, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class BatchTotals:
    """Where the payments of a batch stand; `open` is what has not ended yet."""

    planned: Part
    settled: Part
    rejected: Part
    returned: Part
    cancelled: Part

    def __add__(self, other: "BatchTotals") -> "BatchTotals":
        return BatchTotals(
            self.planned + other.planned,
            self.settled + other.settled,
            self.rejected + other.rejected,
            self.returned + other.returned,
            self.cancelled + other.cancelled,
        )

    @property
    def ended(self) -> Part:
        """All that will change no more, save by a return."""
        return self.settled + self.rejected + self.returned + self.cancelled

    @property
    def open(self) -> Part:
        """All that still waits for its end."""
        return self.planned - self.ended


def batch_totals(*, batch_id: int, route: str = "") -> BatchTotals:
    """Counts and sums of a batch, of one route or of all, from one query over its chunks."""
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, [batch_id, route, route])
        figures = [int(figure) for figure in cursor.fetchone()]
    parts = [Part(figures[index], figures[index + 1]) for index in range(0, len(figures), 2)]
    return BatchTotals(*parts)


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that is known of one transfer; the same number of queries whatever its history."""

    transfer: Transfer
    batch: PayoutBatch
    approvals: list[Approval]
    attempts: list[DispatchAttempt]
    ledger: list[LedgerEntry]
    events: list[AuditEvent]


def find_transfer(*, code: str) -> Transfer | None:
    """The transfer with this end_to_end_id, written with or without hyphens."""
    return Transfer.objects.filter(end_to_end_id=code.strip().replace("-", "").lower()).first()


def trace(*, end_to_end_id: str) -> Trace:
    """The story of one transfer: list, decisions, attempts, books, events.

    Raises:
        Transfer.DoesNotExist: There is no such transfer.
    """
    transfer = Transfer.objects.select_related(
        "batch__fund", "batch__unit", "batch__prepared_by", "batch__submitted_by", "chunk", "payee__person",
        "payout_account__bank", "replaces",
    ).get(end_to_end_id=end_to_end_id)  # fmt: skip
    subjects = (
        Q(subject_kind="chunk", subject_id=str(transfer.chunk_id))
        | Q(subject_kind="batch", subject_id=str(transfer.batch_id))
        | Q(subject_kind="account", subject_id=str(transfer.payout_account_id or ""))
    )
    return Trace(
        transfer=transfer,
        batch=transfer.batch,
        approvals=list(transfer.batch.approvals.select_related("decided_by").order_by("decided_at", "id")),
        attempts=list(DispatchAttempt.objects.filter(chunk_id=transfer.chunk_id).order_by("fence")),
        ledger=list(
            LedgerEntry.objects.filter(Q(transfer=transfer) | Q(batch_id=transfer.batch_id)).order_by("at", "id")
        ),
        events=list(AuditEvent.objects.filter(subjects).order_by("at", "id")[:500]),
    )


def oldest_claim_wait(*, at: datetime) -> float:
    """Seconds that the longest-waiting due chunk has waited: whether workers are alive, read from the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM %s - min(c.due_at)), 0) FROM payments_dispatch_chunk c "
            "JOIN payments_payout_batch b ON b.id = c.batch_id "
            "WHERE c.route = 'GATEWAY' AND c.state IN ('READY', 'INQUIRY') AND c.due_at <= %s AND b.state = 'DISPATCHING'",
            [at, at],
        )
        waited: float = float(cursor.fetchone()[0])
    return waited
