"""What stands in a batch, by pages: the transfers with whom and where they pay, and the lines that were left out with why.

Two queries a page, whatever its length. A sensitive scheme goes by its public name here too: lists are printed and read over
shoulders. Nothing is decrypted.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import CharField, Count, Func, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Concat, Upper

from foundation.gateway.codes import status_reason
from foundation.reference.names import bank_form
from foundation.users.paging import Page, at_most, cut
from payments.models import DispatchChunk, PayoutBatch, PayoutLine, Transfer
from payments.queries.comparing import place
from payments.queries.totals import Part
from payments.states import BATCH_DEAD, TRANSFER_LIVE, ChunkState, ExclusionReason, LineKind, Route, TransferState


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One payment of a list. `beneficiaries` names those for whom somebody else receives; `reason` is the bank's, in words."""

    id: int
    end_to_end_id: str
    reference: str
    period: date
    payee_id: int
    is_person: bool
    name: str
    birth_year: int | None
    neighbourhood: str
    programmes: tuple[str, ...]
    kinds: tuple[str, ...]
    beneficiaries: tuple[str, ...]
    route: Route
    place: str
    amount: int
    state: TransferState
    state_label: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExcludedRow:
    """A line that is owed and not in the list, with the reason, which says what to do."""

    id: int
    person_id: int
    name: str
    birth_year: int | None
    neighbourhood: str
    programme: str
    period: date
    kind_label: str
    amount: int
    reason: ExclusionReason
    reason_label: str


@dataclass(frozen=True, slots=True)
class ExcludedCount:
    """How many lines were left out for one reason, and how many đồng they are owed."""

    reason: ExclusionReason
    reason_label: str
    lines: Part


@dataclass(frozen=True, slots=True)
class CarriedLine:
    """One line of a transfer: whose right, to what, for which month. `public_name` is what the citizen himself reads."""

    person_id: int
    person: str
    programme: str
    public_name: str
    kind: str
    period: date
    amount: int


CARRIED = """
SELECT carried.transfer_id, person.id, person.full_name,
       CASE WHEN scheme.sensitive THEN scheme.public_name ELSE scheme.name END, scheme.public_name, l.kind, l.period, l.amount
FROM (
    SELECT id AS line_id, transfer_id FROM payments_payout_line WHERE transfer_id = ANY (%(ids)s)
    UNION
    SELECT line_id, from_transfer_id FROM payments_payout_line_move WHERE from_transfer_id = ANY (%(ids)s)
) AS carried
JOIN payments_payout_line l ON l.id = carried.line_id
JOIN beneficiaries_entitlement e ON e.id = l.entitlement_id
JOIN beneficiaries_person person ON person.id = e.person_id
JOIN beneficiaries_programme_line scheme ON scheme.id = e.programme_line_id
ORDER BY carried.transfer_id, l.period, l.id
"""


def batch_transfers(
    *,
    batch: PayoutBatch,
    states: Collection[TransferState] = (),
    route: Route | None = None,
    name: str = "",
    after: int | None = None,
    limit: int = 50,
) -> Page[TransferRow, int]:
    """The payments of a list in its own order; `after` is the `id` of the last row seen. Two queries.

    Args:
        batch: A batch that the reader may see.
        states: Only payments in these states; empty: all but the ones that were taken out.
        route: Only payments over this route.
        name: Only payees whose name has words that begin so, marks or not ("nguyen thi", "Hoà").
        after: Where the page before ended.
        limit: How many rows, 200 at most.
    """
    limit = at_most(limit)
    found: QuerySet[Transfer] = Transfer.objects.filter(batch=batch)
    found = found.filter(_in_states(batch, states)) if states else found.exclude(state=TransferState.EXCLUDED)
    if route:
        found = found.filter(route=route)
    if name.strip():
        found = named(found, name)
    if after:
        found = found.filter(id__gt=after)
    rows = transfer_rows(found.order_by("id")[: limit + 1])
    return cut(rows, limit=limit, key=lambda row: row.id)


# Chunks count these ends; a change of state must not cost an index, so states have none.
COUNTED = {
    TransferState.REJECTED: "rejected_count",
    TransferState.RETURNED: "returned_count",
    TransferState.CANCELLED: "cancelled_count",
}


def _in_states(batch: PayoutBatch, states: Collection[TransferState]) -> Q:
    """Transfers in these states; chunks that hold none of them are not looked through, where their counts can tell."""
    wanted = Q(state__in=states)
    chunks = Q()
    for state in states:
        if state in TRANSFER_LIVE:
            chunks |= ~Q(state=ChunkState.DONE)
        elif state in COUNTED and batch.state not in BATCH_DEAD:  # a dead list is not counted
            chunks |= Q(**{f"{COUNTED[state]}__gt": 0})
        else:
            return wanted
    return wanted & Q(chunk__in=DispatchChunk.objects.filter(chunks, batch=batch))


# PostgreSQL's own case rules depend on its locale, and there is no extension for marks: the letters are named.
MARKED = (
    "".join(
        letter.lower() + letter.upper()
        for base in "aăâeêioôơuưy"
        for letter in [base, *(unicodedata.normalize("NFC", base + tone) for tone in "\u0300\u0301\u0303\u0309\u0323")]
        if not letter.isascii()
    )
    + "đĐ"
)
PLAIN = "".join(bank_form(letter) for letter in MARKED)
WITHOUT_MARKS = str.maketrans(MARKED, PLAIN)


def _plain(name: Any) -> Func:
    """A name in capitals without marks, a space before each word."""
    plain = Func(name, Value(MARKED), Value(PLAIN), function="translate", output_field=CharField())
    return Concat(Value(" "), Upper(plain), output_field=CharField())


def named(transfers: QuerySet[Transfer], name: str) -> QuerySet[Transfer]:
    """Those whose payee's name has words that begin so, with or without marks: "nguyễn thị", "nguyen th", "Hoà"."""
    words = bank_form(name[:80].replace("\x00", " "))
    if not words:
        return transfers.none()
    payee = Coalesce("payee__person__full_name", "payee__organisation_name")
    return transfers.alias(plain_name=_plain(payee)).filter(plain_name__contains=f" {words}")


def transfer_rows(transfers: QuerySet[Transfer]) -> list[TransferRow]:
    """Transfers as rows of a page, in the order of the query set. Two queries."""
    found = list(transfers.select_related("batch", "payee__person__neighbourhood", "payout_account__bank"))
    lines = lines_of(transfer.pk for transfer in found)
    return [_transfer_row(transfer, lines[transfer.pk]) for transfer in found]


def lines_of(transfer_ids: Iterable[int]) -> defaultdict[int, list[CarriedLine]]:
    """The lines that each of these transfers carries, or carried before they passed to a newer one. One query."""
    carried: defaultdict[int, list[CarriedLine]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(CARRIED, {"ids": list(transfer_ids)})
        for transfer_id, *values in cursor.fetchall():
            carried[transfer_id].append(CarriedLine(*values))
    return carried


def place_of(transfer: Transfer) -> str:
    """Where this payment goes, in words: bank and masked number, or the name of the route."""
    account = transfer.payout_account
    bank, number = (account.bank.short_name, account.number_masked) if account else ("", "")
    return place(transfer.route, transfer.delivery, bank, number)


def _transfer_row(transfer: Transfer, lines: list[CarriedLine]) -> TransferRow:
    person = transfer.payee.person
    told_why = transfer.state in (TransferState.REJECTED, TransferState.RETURNED, TransferState.REVIEW)
    return TransferRow(
        id=transfer.pk,
        end_to_end_id=transfer.end_to_end_id,
        reference=transfer.public_reference,
        period=transfer.batch.period,
        payee_id=transfer.payee_id,
        is_person=person is not None,
        name=str(transfer.payee),
        birth_year=person.birth_date.year if person and person.birth_date else None,
        neighbourhood=str(person.neighbourhood or "") if person else "",
        programmes=tuple(dict.fromkeys(line.programme for line in lines)),
        kinds=tuple(dict.fromkeys(str(LineKind(line.kind).label) for line in lines)),
        beneficiaries=tuple(
            {line.person_id: line.person for line in lines if line.person_id != transfer.payee.person_id}.values()
        ),
        route=Route(transfer.route),
        place=place_of(transfer),
        amount=transfer.instructed_amount,
        state=TransferState(transfer.state),
        state_label=str(TransferState(transfer.state).label),
        reason=str(status_reason(transfer.status_reason).label) if told_why and transfer.status_reason else "",
    )


def excluded_lines(
    *, batch: PayoutBatch, reason: ExclusionReason | None = None, after: int | None = None, limit: int = 50
) -> Page[ExcludedRow, int]:
    """The lines that were left out of a list, each with its reason; `after` is the `id` of the last row seen. One query."""
    limit = at_most(limit)
    found = _excluded(batch).filter(id__gt=after or 0).order_by("id")
    if reason:
        found = found.filter(exclusion_reason=reason)
    lines = found.select_related("entitlement__person__neighbourhood", "entitlement__programme_line")
    return cut([_excluded_row(line) for line in lines[: limit + 1]], limit=limit, key=lambda row: row.id)


def excluded_counts(*, batch: PayoutBatch) -> tuple[ExcludedCount, ...]:
    """How many lines were left out for which reason, most first. One query."""
    groups = _excluded(batch).values("exclusion_reason").annotate(lines=Count("id"), owed=Sum("amount"))
    return tuple(
        ExcludedCount(
            reason=ExclusionReason(group["exclusion_reason"]),
            reason_label=str(ExclusionReason(group["exclusion_reason"]).label),
            lines=Part(group["lines"], group["owed"]),
        )
        for group in groups.order_by("-lines", "exclusion_reason")
    )


def _excluded(batch: PayoutBatch) -> QuerySet[PayoutLine]:
    return PayoutLine.objects.filter(~Q(exclusion_reason=""), batch=batch)


def _excluded_row(line: PayoutLine) -> ExcludedRow:
    person = line.entitlement.person
    scheme = line.entitlement.programme_line
    return ExcludedRow(
        id=line.pk,
        person_id=person.pk,
        name=person.full_name,
        birth_year=person.birth_date.year if person.birth_date else None,
        neighbourhood=str(person.neighbourhood or ""),
        programme=scheme.public_name if scheme.sensitive else scheme.name,
        period=line.period,
        kind_label=str(LineKind(line.kind).label),
        amount=line.amount,
        reason=ExclusionReason(line.exclusion_reason),
        reason_label=str(ExclusionReason(line.exclusion_reason).label),
    )
