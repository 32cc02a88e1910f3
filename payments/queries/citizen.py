"""A citizen's own payments, in his words: what was paid, where it is now, what to do, and what comes next.

Only lists that were approved are told of. Schemes go by their public names. Who has somebody else receive for him is told that,
and for his own part only: not the other's account, nor what the other receives besides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models import Person
from beneficiaries.queries.receiving import RECEIVED_BY, RECEIVER
from beneficiaries.queries.ways import HOLDING_WAY
from foundation.gateway.codes import StatusReason, Words, status_reason
from foundation.users import access
from foundation.users.paging import Page, at_most, cut
from payments.models import PayoutLineMove, Transfer
from payments.models.batches import FIRST_PERIOD
from payments.queries.lists import CarriedLine, lines_of, place_of
from payments.queries.route_words import by_route, where_next
from payments.states import BatchState, Route, SettlementLevel, TransferState

TOLD = (
    BatchState.APPROVED, BatchState.RESERVED, BatchState.DISPATCHING, BatchState.HELD, BatchState.CANCELLING,
    BatchState.DRAINED, BatchState.RECONCILED, BatchState.CLOSED,
)  # fmt: skip


class CitizenStep(models.TextChoices):
    """Where a payment stands, as a citizen reads it."""

    APPROVED = "APPROVED", _("Đã được duyệt, chờ chi")
    SENT = "SENT", _("Đã gửi lệnh sang ngân hàng")
    CHECKING = "CHECKING", _("Đang kiểm tra với ngân hàng")
    TRANSFERRED = "TRANSFERRED", _("Đã chuyển tiền, chờ ngân hàng của ông, bà ghi có")
    CREDITED = "CREDITED", _("Tiền đã vào tài khoản")
    CASH_READY = "CASH_READY", _("Tiền mặt đã sẵn sàng để nhận")
    CASH_PAID = "CASH_PAID", _("Đã nhận tiền mặt")
    WITH_TREASURY = "WITH_TREASURY", _("Kho bạc đang chuyển tiền")
    WITH_SERVICE = "WITH_SERVICE", _("Tổ chức dịch vụ chi trả đang chi tiền")
    SERVICE_PAID = "SERVICE_PAID", _("Đã nhận tiền qua tổ chức dịch vụ chi trả")
    FAILED = "FAILED", _("Ngân hàng không chuyển được")
    RETURNED = "RETURNED", _("Tiền bị trả lại")
    NOT_PAID = "NOT_PAID", _("Không chi trong đợt này")
    PAID_AGAIN = "PAID_AGAIN", _("Đang được chi lại")
    REPLACED = "REPLACED", _("Đã được chi lại bằng khoản khác")


class Tone(models.TextChoices):
    """How a page may colour a step."""

    WAITING = "WAITING", _("Đang chờ")
    GOOD = "GOOD", _("Đã xong")
    BAD = "BAD", _("Cần chú ý")


TONES: dict[CitizenStep, Tone] = {
    CitizenStep.CREDITED: Tone.GOOD,
    CitizenStep.TRANSFERRED: Tone.GOOD,
    CitizenStep.CASH_PAID: Tone.GOOD,
    CitizenStep.SERVICE_PAID: Tone.GOOD,
    CitizenStep.REPLACED: Tone.GOOD,
    CitizenStep.FAILED: Tone.BAD,
    CitizenStep.RETURNED: Tone.BAD,
    CitizenStep.NOT_PAID: Tone.BAD,
}
STEPS: dict[TransferState, CitizenStep] = {
    TransferState.PLANNED: CitizenStep.APPROVED,
    TransferState.READY: CitizenStep.APPROVED,
    TransferState.SENDING: CitizenStep.SENT,
    TransferState.ACCEPTED: CitizenStep.SENT,
    TransferState.UNKNOWN: CitizenStep.CHECKING,
    TransferState.REVIEW: CitizenStep.CHECKING,
    TransferState.REJECTED: CitizenStep.FAILED,
    TransferState.RETURNED: CitizenStep.RETURNED,
    TransferState.CANCELLED: CitizenStep.NOT_PAID,
}
SETTLED: dict[str, CitizenStep] = {
    SettlementLevel.DEBTOR: CitizenStep.TRANSFERRED,
    SettlementLevel.CREDITOR: CitizenStep.CREDITED,
    SettlementLevel.CASH: CitizenStep.CASH_PAID,
    SettlementLevel.TREASURY: CitizenStep.TRANSFERRED,
    SettlementLevel.SERVICE: CitizenStep.SERVICE_PAID,
}
HANDED_OVER: dict[str, CitizenStep] = {
    Route.WARD_CASH: CitizenStep.CASH_READY,
    Route.TREASURY_FILE: CitizenStep.WITH_TREASURY,
    Route.PAYMENT_SERVICE: CitizenStep.WITH_SERVICE,
}
WHAT_TO_DO: dict[CitizenStep, Words] = {
    CitizenStep.CHECKING: _("Ông, bà không cần làm gì: cán bộ đang xác minh kết quả với ngân hàng."),
    CitizenStep.TRANSFERRED: _(
        "Nếu sau hai ngày làm việc chưa thấy tiền, xin hỏi ngân hàng của ông, bà kèm mã giao dịch."
    ),
    CitizenStep.NOT_PAID: _("Khoản này vẫn còn của ông, bà và sẽ được đưa vào đợt chi sau."),
    CitizenStep.PAID_AGAIN: _("Ông, bà không cần làm gì: khoản này đang được chi lại."),
}


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One step of a payment's way and when it was taken; None: on its way, or the moment is not known."""

    step: CitizenStep
    label: str
    tone: Tone
    at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentPart:
    """What one line of a payment is for."""

    programme: str
    period: date
    amount: int
    beneficiary: str


@dataclass(frozen=True, slots=True)
class CitizenPayment:
    """One payment as its receiver, or the person for whom another receives, may read it.

    `code` stands in addresses and names nobody; `reference` is what is read out on the telephone. `amount` is the reader's own
    part where another receives. `place` is where the money goes, empty where another receives. `reason` and `advice` are empty
    unless there is something to say; `paid_again_by` is the code of the payment that takes this one's place.
    """

    code: str
    reference: str
    period: date
    execution_date: date
    amount: int
    parts: tuple[PaymentPart, ...]
    programmes: tuple[str, ...]
    received_by: str
    is_own: bool
    route: Route
    place: str
    step: CitizenStep
    step_label: str
    tone: Tone
    at: datetime | None
    reason: str
    advice: str
    steps: tuple[StepTaken, ...]
    replaces: str
    paid_again_by: str


# What somebody receives, and what others receive for him; a line that has passed to a newer payment still tells of the old one.
MINE = """
WITH mine AS (
    SELECT t.id FROM payments_transfer t JOIN beneficiaries_payee p ON p.id = t.payee_id WHERE p.person_id = %(person)s
    UNION
    SELECT l.transfer_id FROM payments_payout_line l JOIN beneficiaries_entitlement e ON e.id = l.entitlement_id
    WHERE e.person_id = %(person)s AND l.live
    UNION
    SELECT m.from_transfer_id FROM payments_payout_line l JOIN beneficiaries_entitlement e ON e.id = l.entitlement_id
    JOIN payments_payout_line_move m ON m.line_id = l.id
    WHERE e.person_id = %(person)s AND l.live
)
SELECT t.id
FROM mine JOIN payments_transfer t ON t.id = mine.id JOIN payments_payout_batch b ON b.id = t.batch_id
WHERE b.state = ANY (%(told)s) AND t.state <> 'EXCLUDED'
  AND (%(after)s = '' OR t.end_to_end_id < %(after)s) AND (%(code)s = '' OR t.end_to_end_id = %(code)s)
ORDER BY t.end_to_end_id DESC
LIMIT %(limit)s
"""


def payments_of_person(*, person: Person, after: str = "", limit: int = 12) -> Page[CitizenPayment, str]:
    """Payments to `person` and for `person`, the newest first; `after` is the `code` of the last one seen. Four queries."""
    limit = at_most(limit)
    payments = _payments(person, after=after, limit=limit + 1)
    return cut(payments, limit=limit, key=lambda payment: payment.code)


def payment_of_person(*, person: Person, code: str) -> CitizenPayment | None:
    """One payment to `person` or for `person` by its code; None where there is none, or it is somebody else's."""
    code = _as_code(code)
    found = _payments(person, code=code, limit=1) if code else []
    return found[0] if found else None


def _payments(person: Person, *, after: str = "", code: str = "", limit: int) -> list[CitizenPayment]:
    told = list(map(str, TOLD))
    with connection.cursor() as cursor:
        cursor.execute(
            MINE, {"person": person.pk, "told": told, "after": _as_code(after), "code": code, "limit": limit}
        )
        ids = [row[0] for row in cursor.fetchall()]
    transfers = Transfer.objects.filter(pk__in=ids).select_related("batch", "payee__person", "payout_account__bank")
    moves = PayoutLineMove.objects.filter(
        Q(from_transfer__in=ids) | Q(to_transfer__in=ids), to_transfer__batch__state__in=TOLD
    )
    newer: dict[int, Transfer | None] = {}
    older: dict[int | None, str] = {}
    for move in moves.select_related("from_transfer", "to_transfer__batch").order_by("id"):
        # A line that goes to an older payment came home: what had taken its place was stopped.
        if move.to_transfer_id is None or move.to_transfer_id < move.from_transfer_id:
            newer.pop(move.to_transfer_id or 0, None)
            older.pop(move.from_transfer_id, None)
            continue
        newer[move.from_transfer_id] = move.to_transfer
        older[move.to_transfer_id] = move.from_transfer.end_to_end_id
    lines = lines_of(ids)
    return [
        _payment(transfer, lines[transfer.pk], person, newer.get(transfer.pk), older.get(transfer.pk, ""))
        for transfer in transfers.order_by("-end_to_end_id")
    ]


def _as_code(text: str) -> str:
    """An end_to_end_id as it is stored; what can be none finds nothing."""
    return text.strip().replace("-", "").lower().replace("\x00", "?")


def _payment(
    transfer: Transfer, lines: Sequence[CarriedLine], person: Person, newer: Transfer | None, replaces: str
) -> CitizenPayment:
    is_own = transfer.payee.person_id == person.pk
    seen = [line for line in lines if is_own or line.person_id == person.pk]
    steps = _steps(transfer, newer)
    last = steps[-1]
    told_why = transfer.state in (TransferState.REJECTED, TransferState.RETURNED) and transfer.status_reason
    why = status_reason(transfer.status_reason) if told_why else None
    return CitizenPayment(
        code=transfer.end_to_end_id,
        reference=transfer.public_reference,
        period=transfer.batch.period,
        execution_date=transfer.batch.requested_execution_date,
        amount=transfer.instructed_amount if is_own else sum(line.amount for line in seen),
        parts=tuple(PaymentPart(line.public_name, line.period, line.amount, line.person) for line in seen),
        programmes=tuple(dict.fromkeys(line.public_name for line in seen)),
        received_by=str(transfer.payee),
        is_own=is_own,
        route=Route(transfer.route),
        place=place_of(transfer) if is_own else "",
        step=last.step,
        step_label=last.label,
        tone=last.tone,
        at=last.at,
        reason=str(why.label) if why else "",
        advice=_advice(transfer, last.step, why if newer is None else None),
        steps=steps,
        replaces=replaces,
        paid_again_by=newer.end_to_end_id if newer else "",
    )


def _advice(transfer: Transfer, step: CitizenStep, why: StatusReason | None) -> str:
    """What to do: by the bank's reason, by the route where somebody else has the money now, else by the step."""
    if why is not None:
        return str(why.for_citizen)
    if step in HANDED_OVER.values():
        return by_route(transfer.route, transfer.delivery)
    return str(WHAT_TO_DO.get(step, ""))


def _state_step(transfer: Transfer) -> CitizenStep:
    if transfer.state == TransferState.SETTLED:
        return SETTLED[transfer.settlement_level]
    if transfer.state == TransferState.HANDED_OVER:
        return HANDED_OVER[transfer.route]
    return STEPS[TransferState(transfer.state)]


def _steps(transfer: Transfer, newer: Transfer | None) -> tuple[StepTaken, ...]:
    """The way that a payment has taken so far, in order, as far as its own row can tell."""
    now = _state_step(transfer)
    steps: list[tuple[CitizenStep, datetime | None]] = [(CitizenStep.APPROVED, transfer.batch.approved_at)]
    if transfer.first_sent_at is not None:
        steps.append((CitizenStep.SENT, transfer.first_sent_at))
    if transfer.state == TransferState.RETURNED:
        steps.append((SETTLED[transfer.settlement_level], None))
    if now != steps[-1][0]:
        steps.append((now, transfer.ended_at))
    if newer is not None:
        paid = newer.state == TransferState.SETTLED
        steps.append(
            (CitizenStep.REPLACED, newer.ended_at) if paid else (CitizenStep.PAID_AGAIN, newer.batch.approved_at)
        )
    return tuple(StepTaken(step, str(step.label), TONES.get(step, Tone.WAITING), moment) for step, moment in steps)


@dataclass(frozen=True, slots=True)
class NextPayment:
    """What somebody is owed monthly, and the first month that no list has taken yet.

    There is no fixed day of payment: the day of an approved list stands on its payment (`payments_of_person`). `amount` is None
    where the standard of that month is not known yet. `how` tells whoever receives it where it comes to, and what to bring; it is
    empty for somebody else's.
    """

    programme: str
    beneficiary: str
    is_own: bool
    received_by: str
    period: date
    amount: int | None
    how: str
    by_service: bool


# The same rule of months and amounts as beneficiaries.queries.OWED, for the rights of one person and those he receives for.
EXPECTED = f"""
WITH rights AS (
    SELECT e.*, p.id AS receiver FROM beneficiaries_entitlement e
    {RECEIVED_BY.format(day="%(day)s")}
    LEFT JOIN beneficiaries_payee p ON p.id = {RECEIVER}
    WHERE e.state = 'ACTIVE' AND e.person_id = ANY (ARRAY(
        SELECT %(person)s::bigint UNION
        SELECT r.beneficiary_id FROM beneficiaries_payee mine JOIN beneficiaries_representation r ON r.payee_id = mine.id
        WHERE mine.person_id = %(person)s))
)
SELECT line.public_name, person.full_name, person.id, coalesce(receiver.full_name, p.organisation_name, person.full_name),
       next.period, coalesce(r.fixed_amount, round(rate.amount * r.coefficient))::bigint,
       coalesce(p.person_id, person.id) = %(person)s, chosen.way, chosen.delivery,
       EXISTS (SELECT 1 FROM beneficiaries_payout_account a WHERE a.payee_id = p.id AND a.state = 'ACTIVE')
FROM rights r
JOIN beneficiaries_person person ON person.id = r.person_id
JOIN beneficiaries_programme_line line ON line.id = r.programme_line_id
LEFT JOIN beneficiaries_payee p ON p.id = r.receiver
LEFT JOIN beneficiaries_person receiver ON receiver.id = p.person_id
{HOLDING_WAY.format(payee="p.id", day="%(day)s")}
CROSS JOIN LATERAL (
    SELECT greatest(
        date_trunc('month', r.valid_from)::date,
        (r.paid_through + interval '1 month')::date,
        (SELECT (max(l.period) + interval '1 month')::date FROM payments_payout_line l
         JOIN payments_payout_batch b ON b.id = l.batch_id
         WHERE l.entitlement_id = r.id AND l.live AND b.state = ANY (%(told)s)),
        %(first_period)s) AS period
) AS next
LEFT JOIN LATERAL (
    SELECT max(standard.amount) AS amount FROM beneficiaries_rate standard
    WHERE standard.standard = coalesce(nullif(r.standard, ''), line.standard)
      AND next.period BETWEEN standard.valid_from AND coalesce(standard.valid_to, 'infinity')
) AS rate ON true
WHERE line.period = 'MONTH' AND next.period <= coalesce(r.valid_to, 'infinity')
  AND next.period <= coalesce(person.deceased_date, 'infinity')
  AND (person.id = %(person)s OR p.person_id = %(person)s)
ORDER BY person.id <> %(person)s, next.period, r.id
"""  # noqa: S608  fragments of ours; values are parameters


def next_expected(*, person: Person, at: datetime) -> tuple[NextPayment, ...]:
    """The next monthly payments to `person` and for `person`: month and amount of each right that stands. One query."""
    given: dict[str, Any] = {
        "person": person.pk,
        "day": at.astimezone(access.CITY_TIME).date(),
        "first_period": FIRST_PERIOD,
        "told": list(map(str, TOLD)),
    }
    with connection.cursor() as cursor:
        cursor.execute(EXPECTED, given)
        return tuple(_next(values, person) for values in cursor.fetchall())


def _next(values: tuple[Any, ...], person: Person) -> NextPayment:
    programme, beneficiary, beneficiary_id, receiver, period, amount, receives, way, delivery, has_account = values
    return NextPayment(
        programme=programme,
        beneficiary=beneficiary,
        is_own=beneficiary_id == person.pk,
        received_by=receiver,
        period=period,
        amount=amount,
        how=where_next(way, delivery, has_account=has_account) if receives else "",
        by_service=bool(receives and delivery),
    )
