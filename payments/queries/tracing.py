"""The whole story of one transfer as rows: list, decisions, attempts, messages, books, events."""

from dataclasses import dataclass

from django.db.models import Q

from foundation.audit.models import AuditEvent
from payments.models import (
    Approval,
    DispatchAttempt,
    LedgerEntry,
    PayoutBatch,
    PayoutFileLine,
    PayoutLineMove,
    StatementEntry,
    Transfer,
    TransferResult,
)
from payments.queries.hearing import Answer, Callback, heard
from payments.states import ROUTES_BY_FILE

MOST_EVENTS = 500
EXPORTED = "transfer.exported"


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that is known of one transfer; the same number of queries whatever its history.

    `answers` holds what the bank answered of this transfer by the message id of the attempt; `moves` are lines that came to it
    from an earlier transfer, or left it for a newer one; `listed` are the lists for the Treasury or the payment service that it
    stands or stood in, `results` what they answered.
    """

    transfer: Transfer
    batch: PayoutBatch
    approvals: list[Approval]
    attempts: list[DispatchAttempt]
    answers: dict[str, Answer]
    callbacks: list[Callback]
    ledger: list[LedgerEntry]
    moves: list[PayoutLineMove]
    statement_entries: list[StatementEntry]
    events: list[AuditEvent]
    listed: list[PayoutFileLine]
    results: list[TransferResult]


def find_transfer(*, code: str) -> Transfer | None:
    """The transfer with this end_to_end_id, written with or without hyphens."""
    return Transfer.objects.filter(end_to_end_id=code.strip().replace("-", "").lower()).first()


def trace(*, end_to_end_id: str) -> Trace:
    """The story of one transfer: list, decisions, attempts, messages, books, events.

    Raises:
        Transfer.DoesNotExist: There is no such transfer.
    """
    transfer = Transfer.objects.select_related(
        "batch__fund", "batch__unit", "batch__prepared_by", "batch__submitted_by", "chunk", "payee__person",
        "payout_account__bank", "replaces", "bank_return", "cash_collection__recorded_by",
    ).get(end_to_end_id=end_to_end_id)  # fmt: skip
    subjects = (
        Q(subject_kind="chunk", subject_id=str(transfer.chunk_id))
        | Q(subject_kind="batch", subject_id=str(transfer.batch_id))
        | Q(subject_kind="transfer", subject_id=str(transfer.pk))
        | Q(subject_kind="account", subject_id=str(transfer.payout_account_id or ""))
    )
    attempts = list(DispatchAttempt.objects.filter(chunk_id=transfer.chunk_id).order_by("fence"))
    # Who took the story away is in the trail; it is no part of the story, which stays the same for everybody.
    events = list(AuditEvent.objects.filter(subjects).exclude(kind=EXPORTED).order_by("at", "id")[:MOST_EVENTS])
    answers, callbacks = heard(end_to_end_id=transfer.end_to_end_id, attempts=attempts, events=events)
    decisions = transfer.batch.approvals.select_related("decided_by", "role_assignment__unit")
    moves = PayoutLineMove.objects.filter(Q(from_transfer=transfer) | Q(to_transfer=transfer))
    return Trace(
        transfer=transfer,
        batch=transfer.batch,
        approvals=list(decisions.order_by("decided_at", "id")),
        attempts=attempts,
        answers=answers,
        callbacks=callbacks,
        ledger=list(
            LedgerEntry.objects.filter(Q(transfer=transfer) | Q(batch_id=transfer.batch_id)).order_by("at", "id")
        ),
        statement_entries=list(
            StatementEntry.objects.filter(transfer=transfer)
            .select_related("statement__file", "superseded_by")
            .order_by("pk")
        ),
        moves=list(moves.select_related("from_transfer", "to_transfer").order_by("at", "id")),
        events=events,
        listed=_listed(transfer),
        results=_results(transfer),
    )


def _listed(transfer: Transfer) -> list[PayoutFileLine]:
    """Its lines in lists for others; only routes that are paid by such lists are asked about."""
    if transfer.route not in ROUTES_BY_FILE:
        return []
    lines = PayoutFileLine.objects.filter(transfer=transfer).select_related("file__made_by").defer("cells_encrypted")
    return list(lines.order_by("id"))


def _results(transfer: Transfer) -> list[TransferResult]:
    if transfer.route not in ROUTES_BY_FILE:
        return []
    results = TransferResult.objects.filter(transfer=transfer).select_related("line__result_file__decided_by")
    return list(results.order_by("id"))
