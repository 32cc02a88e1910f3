"""The story of one transfer in the order of time and in words: who did what, what the bank said, what was booked.

Rows tell more than the events of the trail (who approved in which role, what was answered), so where both speak of one thing the
row is told. An event that this page does not know is told all the same, by its own name: nothing is hidden.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from foundation.audit.models import AuditEvent
from foundation.gateway.codes import Outcome, Words, status_reason
from foundation.gateway.port import ReturnNotice, TransferAnswer
from foundation.reference.amounts import format_amount, format_count
from payments.models import Approval, DispatchAttempt, LedgerEntry, StatementEntry
from payments.queries.event_words import EVENTS, Tone
from payments.queries.tracing import Trace
from payments.statement_states import EntryDirection
from payments.states import AttemptKind, AttemptOutcome, EntryKind, PaidOrNot


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened.

    `actor` is a person's name, the system or the gateway, `role` what he acted as. `evidence` is the message id under which
    `payments.operations.look_up.read_evidence` opens what travelled; `digest` a hash of what was decided or received, in
    hexadecimal; `event_id` the event of the trail.
    """

    at: datetime
    tone: Tone
    what: str
    actor: str = ""
    role: str = ""
    details: tuple[tuple[str, str], ...] = ()
    evidence: str = ""
    digest: str = ""
    event_id: int | None = None


# Told by rows: approvals, the ledger, attempts with their answers, callbacks, and the payee's signature.
TOLD_BY_ROWS = frozenset(
    {"batch.approved", "batch.rejected", "batch.reserved", "chunk.told", "chunk.returned", "cash.collected"}
    | {"file.made", "file.replaced", "results.committed"}
    | {f"chunk.{kind.lower()}_intended" for kind in AttemptKind.values}
    | {f"chunk.{outcome.lower()}" for outcome in AttemptOutcome.values}
    | {"chunk.stale_answer"}
)
FIGURES: dict[str, Words] = {
    "transactions": _("Số khoản"),
    "transfers": _("Số khoản"),
    "excluded": _("Không chi"),
    "version": _("Phiên bản"),
    "reason": _("Lý do"),
    "because": _("Lý do"),
    "what": _("Chi tiết"),
    "code": _("Mã lý do"),
}

SAID: dict[Outcome, tuple[Tone, Words]] = {
    Outcome.ACCEPTED: (Tone.PLAIN, _("Ngân hàng đã nhận lệnh")),
    Outcome.SETTLED_DEBTOR: (Tone.GOOD, _("Ngân hàng đã chuyển tiền đi")),
    Outcome.SETTLED_CREDITOR: (Tone.GOOD, _("Tiền đã vào tài khoản người nhận")),
    Outcome.REJECTED: (Tone.BAD, _("Ngân hàng từ chối")),
    Outcome.REVIEW: (Tone.BAD, _("Ngân hàng trả lời, cần người xem xét")),
    Outcome.UNKNOWN: (Tone.WAIT, _("Ngân hàng trả lời chưa rõ")),
    Outcome.NOT_FOUND: (Tone.WAIT, _("Ngân hàng chưa thấy lệnh này")),
}
ENDED: dict[str, tuple[Tone, Words]] = {
    AttemptOutcome.ANSWERED: (Tone.PLAIN, _("Ngân hàng trả lời")),
    AttemptOutcome.NOT_SENT: (Tone.WAIT, _("Chắc chắn chưa gửi được, sẽ gửi lại")),
    AttemptOutcome.REFUSED: (Tone.BAD, _("Cả gói bị từ chối, chưa khoản nào được chi")),
    AttemptOutcome.UNKNOWN: (Tone.WAIT, _("Không nhận được trả lời, sẽ hỏi ngân hàng")),
    AttemptOutcome.STALE: (Tone.WAIT, _("Trả lời đến muộn, không dùng")),
}
INTENDED: dict[str, Words] = {
    AttemptKind.SEND: _("Gửi lệnh sang ngân hàng"),
    AttemptKind.INQUIRE: _("Hỏi ngân hàng về kết quả"),
}
BOOKED: dict[str, Tone] = {
    EntryKind.POST: Tone.GOOD,
    EntryKind.VOID: Tone.PLAIN,
    EntryKind.UNVOID: Tone.BAD,
    EntryKind.RETURN: Tone.BAD,
}
SYSTEM, GATEWAY = _("Hệ thống"), _("Cổng thanh toán")


def timeline(trace: Trace) -> list[TimelineEntry]:
    """Everything that happened to a transfer, the earliest first. No query: `trace` has read it all."""
    entries = [
        *_events(trace),
        *(_decision(approval) for approval in trace.approvals),
        *_attempts(trace),
        *_callbacks(trace),
        *(_entry(row) for row in trace.ledger),
        *_cash(trace),
        *_listed(trace),
        *_results(trace),
        *_moves(trace),
        *(_shown_by_statement(entry) for entry in trace.statement_entries),
    ]
    return sorted(entries, key=lambda entry: entry.at)


def shown(value: Any) -> Any:
    """A number with its dots, anything else as it is."""
    return format_count(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _pairs(*pairs: tuple[Any, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(label), str(value)) for label, value in pairs if value not in (None, ""))


def _events(trace: Trace) -> Iterator[TimelineEntry]:
    for event in trace.events:
        if event.kind in TOLD_BY_ROWS:
            continue
        known = EVENTS.get(event.kind)
        tone, what = known or (Tone.PLAIN, event.kind)
        payload = event.payload
        yield TimelineEntry(
            at=event.at,
            tone=tone,
            what=str(what),
            actor=_actor(event),
            details=_pairs(
                *((label, shown(payload.get(key))) for key, label in FIGURES.items()),
                (_("Tổng tiền"), format_amount(payload["sum"]) if isinstance(payload.get("sum"), int) else ""),
            ),
            digest=str(payload.get("list_hash", "")),
            event_id=event.pk,
        )


def _actor(event: AuditEvent) -> str:
    return event.actor_label or str(AuditEvent.ActorKind(event.actor_kind).label)


def _decision(approval: Approval) -> TimelineEntry:
    rejected = approval.decision == Approval.Decision.REJECTED
    held = approval.role_assignment
    return TimelineEntry(
        at=approval.decided_at,
        tone=Tone.BAD if rejected else Tone.PLAIN,
        what=str(_("Trả lại danh sách") if rejected else _("Phê duyệt đợt chi")),
        actor=str(approval.decided_by),
        role=f"{held.get_role_display()}, {held.unit}" if held.unit else str(held.get_role_display()),
        details=_pairs(
            (_("Số khoản"), shown(approval.number_of_transactions)),
            (_("Tổng tiền"), format_amount(approval.control_sum)),
            (_("Lý do"), approval.reason),
        ),
        digest=bytes(approval.list_hash).hex(),
    )


def _attempts(trace: Trace) -> Iterator[TimelineEntry]:
    """Those that can have concerned this transfer: what is asked of its chunk after its own end is about others."""
    own = [row.at for row in trace.ledger if row.transfer_id == trace.transfer.pk]
    ended_at = min(own) if own else trace.transfer.ended_at
    sends = 0
    for attempt in trace.attempts:
        if ended_at is not None and attempt.intent_at > ended_at:
            continue
        sends += attempt.kind == AttemptKind.SEND
        yield TimelineEntry(
            at=attempt.intent_at,
            tone=Tone.PLAIN,
            what=str(INTENDED[attempt.kind]),
            actor=str(SYSTEM),
            details=_pairs(
                (_("Gói gửi"), attempt.message_id),
                (_("Lần gửi"), sends if attempt.kind == AttemptKind.SEND else ""),
                (_("Số khoản trong gói"), shown(attempt.number_of_transactions)),
            ),
            evidence=attempt.message_id,
        )
        if attempt.answered_at is not None:
            yield _answered(trace, attempt, attempt.answered_at)


def _answered(trace: Trace, attempt: DispatchAttempt, at: datetime) -> TimelineEntry:
    answer = trace.answers.get(attempt.message_id)
    tone, what = ENDED[attempt.outcome]
    details: tuple[tuple[str, str], ...] = ()
    if answer is not None and not answer.is_intact:
        tone, what = Tone.BAD, _("Nội dung trả lời đã lưu không mở được")
    elif answer is not None and answer.said is not None:
        if attempt.outcome == AttemptOutcome.ANSWERED:
            tone, what = SAID[answer.said.outcome]
        details = _said(answer.said)
    return TimelineEntry(
        at=at,
        tone=tone,
        what=str(what),
        actor=str(GATEWAY if attempt.outcome in (AttemptOutcome.ANSWERED, AttemptOutcome.REFUSED) else SYSTEM),
        details=_pairs((_("Gói gửi"), attempt.message_id), (_("Chi tiết"), attempt.detail))
        + details
        + _pairs((_("Mất"), f"{answer.milliseconds} ms" if answer and answer.milliseconds is not None else "")),
        evidence=attempt.message_id,
    )


def _said(said: TransferAnswer) -> tuple[tuple[str, str], ...]:
    why = status_reason(said.status_reason) if said.status_reason else None
    return _pairs(
        (_("Trạng thái"), said.transaction_status),
        (_("Lý do"), f"{said.status_reason} {why.label}" if why else ""),
        (_("Số tiền"), format_amount(said.instructed_amount) if said.instructed_amount is not None else ""),
    )


def _returned(notice: ReturnNotice) -> tuple[tuple[str, str], ...]:
    return _pairs(
        (_("Mã trả lại"), notice.return_id),
        (_("Lý do"), f"{notice.status_reason} {status_reason(notice.status_reason).label}"),
        (_("Số tiền"), format_amount(notice.instructed_amount)),
        (_("Ngày giá trị"), f"{notice.value_date:%d/%m/%Y}"),
    )


def _callbacks(trace: Trace) -> Iterator[TimelineEntry]:
    for callback in trace.callbacks:
        told = [(*SAID[said.outcome], _said(said)) for said in callback.said]
        told += [(Tone.BAD, _("Ngân hàng báo tiền bị trả lại"), _returned(notice)) for notice in callback.returned]
        for tone, what, details in told:
            yield TimelineEntry(
                at=callback.message.received_at,
                tone=tone,
                what=str(what),
                actor=str(GATEWAY),
                role=str(_("Tự báo")),
                details=_pairs((_("Mã bản tin"), callback.message.message_id)) + details,
                evidence=callback.message.message_id,
                digest=bytes(callback.message.payload_hash).hex(),
            )


def _entry(row: LedgerEntry) -> TimelineEntry:
    return TimelineEntry(
        at=row.at,
        tone=BOOKED.get(row.kind, Tone.PLAIN),
        what=str(_("Ghi sổ: %(what)s") % {"what": row.get_kind_display()}),
        actor=str(SYSTEM),
        details=_pairs(
            (_("Số tiền"), format_amount(row.amount)),
            (_("Từ"), row.get_debit_display()),
            (_("Sang"), row.get_credit_display()),
        ),
    )


def _shown_by_statement(entry: StatementEntry) -> TimelineEntry:
    """The bank's own book: what its statement says of this payment, and whether a later version takes it back."""
    debited, later = entry.direction == EntryDirection.DBIT, f" → {by.version}" if (by := entry.superseded_by) else ""
    return TimelineEntry(
        at=entry.statement.imported_at,
        tone=Tone.GOOD if debited and entry.superseded_by is None else Tone.BAD,
        what=str(_("Sao kê ghi nợ khoản này") if debited else _("Sao kê ghi có: tiền trả lại")),
        actor=str(GATEWAY),
        details=_pairs(
            (_("Số bút toán"), f"{entry.entry_reference}, {entry.get_matched_how_display()}"),
            (_("Số tiền"), format_amount(entry.amount)),
            (_("Ngày hạch toán"), f"{entry.booking_date:%d/%m/%Y}"),
            (_("Sao kê số"), f"{entry.statement.statement_id}, {_('bản')} {entry.statement.version}{later}"),
        ),
        digest=bytes(entry.statement.content_sha256).hex(),
    )


def _cash(trace: Trace) -> Iterator[TimelineEntry]:
    signed = getattr(trace.transfer, "cash_collection", None)
    if signed is not None:
        yield TimelineEntry(
            at=signed.recorded_at,
            tone=Tone.GOOD,
            what=str(_("Đã ký nhận tiền mặt")),
            actor=str(signed.recorded_by),
            details=_pairs(
                (_("Người ký nhận"), signed.receiver_name),
                (_("Quan hệ"), signed.relation),
                (_("Ngày nhận"), f"{signed.collected_date:%d/%m/%Y}"),
            ),
        )


def _listed(trace: Trace) -> Iterator[TimelineEntry]:
    """The lists for the Treasury or the payment service in which it was given out."""
    for line in trace.listed:
        file = line.file
        yield TimelineEntry(
            at=file.made_at,
            tone=Tone.PLAIN,
            what=str(_("Đưa vào tệp gửi %(whom)s") % {"whom": file.get_route_display()}),
            actor=str(file.made_by),
            details=_pairs(
                (_("Tệp"), f"{file.number}.{file.version}"),
                (_("Dòng"), line.number),
                (_("Số khoản"), shown(file.number_of_transactions)),
                (_("Tổng tiền"), format_amount(file.control_sum)),
                (_("Lý do"), file.reason),
            ),
            digest=bytes(file.sha256).hex(),
        )


def _results(trace: Trace) -> Iterator[TimelineEntry]:
    """What was answered: the word that ended it, and words that came against it."""
    for result in trace.results:
        line, file = result.line, result.line.result_file
        paid = result.outcome == PaidOrNot.PAID
        words = _("Kết quả trái với kết quả đã ghi: cần người xem xét") if result.contradicts else _("Ghi kết quả chi")
        yield TimelineEntry(
            at=result.recorded_at,
            tone=Tone.GOOD if paid and not result.contradicts else Tone.BAD,
            what=str(words),
            actor=str(file.decided_by or ""),
            role=str(file.get_route_display()),
            details=_pairs(
                (_("Kết quả"), result.get_outcome_display()),
                (_("Lý do"), f"{line.reason_code} {line.reason}".strip()),
                (_("Ngày chi"), f"{line.paid_date:%d/%m/%Y}" if line.paid_date else ""),
                (_("Số chứng từ"), line.reference),
                (_("Tệp kết quả"), f"{file.pk}, {file.file_name}"),
                (_("Dòng"), line.row),
            ),
            digest=bytes(file.sha256).hex(),
        )


def _moves(trace: Trace) -> Iterator[TimelineEntry]:
    seen: set[tuple[int, int | None]] = set()
    for move in trace.moves:
        way = (move.from_transfer_id, move.to_transfer_id)
        if way in seen:  # several lines of one payment pass together
            continue
        seen.add(way)
        left = move.from_transfer_id == trace.transfer.pk
        other = move.to_transfer if left else move.from_transfer
        yield TimelineEntry(
            at=move.at,
            tone=Tone.PLAIN,
            what=str(_("Được đưa vào khoản chi thay thế") if left else _("Thay cho khoản chi trước")),
            actor=str(SYSTEM),
            details=_pairs((_("Mã giao dịch"), other.end_to_end_id if other else "")),
        )
