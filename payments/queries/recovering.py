"""What is being taken back from whom: recoveries of an officer's units, what came back of one, the rights behind a payment."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Right

from beneficiaries.models import Entitlement
from foundation.users import access
from foundation.users.models import User
from foundation.users.paging import Page, at_most, cut
from foundation.users.roles import Permission
from payments.models import Fund, FundingVoucher, PayoutLine, Recovery, Transfer
from payments.states import RecoveryState, VoucherState

MOST_WAITING = 20


@dataclass(frozen=True, slots=True)
class RecoveryDetail:
    """What has come back of one recovery: by lists and by papers, the newest first."""

    lines: tuple[PayoutLine, ...]
    papers: tuple[FundingVoucher, ...]
    funds: tuple[Fund, ...]


@dataclass(frozen=True, slots=True)
class RightPaid:
    """A right that a payment was made for: to whom, by which programme, for how much."""

    entitlement: Entitlement
    person: str
    programme: str
    amount: int


def recoveries_visible(
    *, user: User, at: datetime, state: RecoveryState | None = None, after: int | None = None, limit: int = 50
) -> Page[Recovery, int]:
    """The recoveries that `user` may see, the newest first; `after` is the id of the last seen. One query beside his rights."""
    limit = at_most(limit)
    found = Recovery.objects.visible_to(user, at=at)
    if state:
        found = found.filter(state=state)
    if after:
        found = found.filter(id__lt=after)
    rows = found.select_related("entitlement__person", "entitlement__unit", "entitlement__programme_line").order_by(
        "-id"
    )
    return cut(list(rows[: limit + 1]), limit=limit, key=lambda recovery: recovery.pk)


def recoveries_to_confirm(*, user: User, at: datetime) -> list[Recovery]:
    """Decisions that wait for a second person and that this human may confirm, the oldest first, at most twenty. One query."""
    units = access.reachable_units(user=user, permission=Permission.CONFIRM_FUNDING, at=at)
    reached = Q() if units is None else Q(entitlement__unit__in=units)
    waiting = Recovery.objects.filter(reached, state=RecoveryState.RECORDED)
    others = waiting.exclude(recorded_by_person=user.person_fingerprint)
    return list(others.select_related("entitlement__unit").order_by("id")[:MOST_WAITING])


def recovery_detail(*, recovery: Recovery) -> RecoveryDetail:
    """All that came back of a recovery that the reader may see, and the funds that take money paid back. Three queries."""
    lines = PayoutLine.objects.filter(recovery=recovery).select_related("batch", "transfer").order_by("-id")
    papers = FundingVoucher.objects.filter(recovery=recovery).exclude(state=VoucherState.REFUSED)
    scheme = recovery.entitlement.programme_line
    funds = Fund.objects.filter(
        Q(unit=recovery.entitlement.unit_id) | Q(unit=None), programmes=scheme.programme_id, is_open=True
    )
    return RecoveryDetail(
        lines=tuple(lines[:200]),
        papers=tuple(papers.select_related("fund").order_by("-id")[:200]),
        funds=tuple(funds.select_related("unit").order_by("-year", "code")[:20]),
    )


def rights_paid_by(*, user: User, at: datetime, code: str) -> tuple[RightPaid, ...]:
    """The rights for which the payment with this code was made, for which `user` may see it; empty where there is none.

    The code is the whole end_to_end_id or its last twelve characters, as receipts print them.
    """
    plain = "".join(code.split()).replace("-", "").lower()
    if len(plain) not in (12, 32) or not plain.isalnum() or not plain.isascii():
        return ()
    visible = Transfer.objects.visible_to(user, at=at)
    by_code = (
        visible.filter(end_to_end_id=plain)
        if len(plain) == 32
        else visible.alias(
            tail=Right("end_to_end_id", 12)  # as the index has it
        ).filter(tail=plain)
    )
    transfer = by_code.order_by("id").first()
    if transfer is None:
        return ()
    carried = PayoutLine.objects.filter(
        Q(transfer=transfer) | Q(moves__from_transfer=transfer), amount__gt=0
    ).distinct()
    rights: dict[int, RightPaid] = {}
    for line in carried.select_related("entitlement__person", "entitlement__programme_line").order_by("id"):
        scheme, before = line.entitlement.programme_line, rights.get(line.entitlement_id)
        rights[line.entitlement_id] = RightPaid(
            entitlement=line.entitlement,
            person=line.entitlement.person.full_name,
            programme=scheme.public_name if scheme.sensitive else scheme.name,
            amount=line.amount + (before.amount if before else 0),
        )
    return tuple(rights.values())
