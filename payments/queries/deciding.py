"""What waits for a second person and what waits for a decision: proposals, payments in review, and the stop of the city.

Payments in review are found by the counts that their chunks keep, those that a bank contradicted by an index of their own, so
that a list of a million payments costs nothing to look through.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from foundation.gateway.codes import status_reason
from foundation.users import access
from foundation.users.models import User
from foundation.users.paging import Page, at_most, cut
from foundation.users.roles import Permission
from payments.models import PaymentsStop, Proposal, Transfer
from payments.models.disputes import is_disputed
from payments.states import TRANSFER_LEFT, ProposalState, TransferState


def open_proposal(*, kind: str, subject_id: int) -> Proposal | None:
    """What is proposed for a subject and waits for a decision."""
    waiting = Proposal.objects.filter(subject_kind=kind, subject_id=subject_id, state=ProposalState.PROPOSED)
    return waiting.select_related("proposed_by").first()


def proposals(
    *, user: User, at: datetime, waiting: bool = True, after: int | None = None, limit: int = 50
) -> Page[Proposal, int]:
    """Proposals of the user's units: those that wait, the oldest first, or those that are decided, the newest first."""
    limit = at_most(limit)
    found = Proposal.objects.visible_to(user, at=at).select_related("unit", "proposed_by", "decided_by")
    if waiting:
        rows = found.filter(state=ProposalState.PROPOSED, id__gt=after or 0).order_by("id")
    else:
        rows = found.exclude(state=ProposalState.PROPOSED).order_by("-id")
        rows = rows.filter(id__lt=after) if after else rows
    return cut(list(rows[: limit + 1]), limit=limit, key=lambda proposal: proposal.pk)


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A payment that waits for people, with what the bank said last, for how long, and what is proposed already."""

    transfer: Transfer
    age: timedelta
    reason: str
    proposal_id: int | None

    @property
    def is_contradicted(self) -> bool:
        """Whether the bank has spoken against its own final word."""
        return bool(self.transfer.conflicting_status)


# Since when: the last move of the payment is not kept on it, its order to the bank is.
REVIEW = """
SELECT t.id, (SELECT p.id FROM payments_proposal p WHERE p.subject_kind = 'transfer' AND p.subject_id = t.id
              AND p.state = 'PROPOSED')
FROM (
    SELECT t.id, t.batch_id FROM payments_dispatch_chunk c JOIN payments_transfer t ON t.chunk_id = c.id
    WHERE c.review_count > 0 AND t.state = 'REVIEW'
    UNION
    SELECT id, batch_id FROM payments_transfer WHERE conflicting_status <> ''
) AS t
JOIN payments_payout_batch b ON b.id = t.batch_id
WHERE (%(units)s::text[] IS NULL OR b.unit_id = ANY (%(units)s)) AND t.id > %(after)s
ORDER BY t.id
LIMIT %(limit)s
"""


def review_rows(*, user: User, at: datetime, after: int | None = None, limit: int = 50) -> Page[ReviewRow, int]:
    """Payments of the user's units that wait for people, the oldest first. Two queries beside the one for his units."""
    limit = at_most(limit)
    with connection.cursor() as cursor:
        cursor.execute(REVIEW, {"units": _units(user, at), "after": after or 0, "limit": limit + 1})
        proposed = dict(cursor.fetchall())
    transfers = Transfer.objects.filter(pk__in=proposed).select_related(
        "batch__unit", "batch__fund", "payout_account__bank", "payee__person"
    )
    rows = [
        ReviewRow(
            transfer,
            at - (transfer.ended_at or transfer.first_sent_at or transfer.batch.started_at or at),
            _reason(transfer),
            proposed[transfer.pk],
        )
        for transfer in transfers.order_by("id")
    ]
    return cut(rows, limit=limit, key=lambda row: row.transfer.pk)


def _reason(transfer: Transfer) -> str:
    return str(status_reason(transfer.status_reason).label) if transfer.status_reason else ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits in the user's units: proposals of others, payments in review, payments that a bank contradicted."""

    proposals: int
    review: int
    contradicted: int

    @property
    def for_people(self) -> int:
        """Payments that machines have stopped deciding about."""
        return self.review + self.contradicted


COUNTS = """
SELECT
    (SELECT count(*) FROM payments_proposal p
     WHERE p.state = 'PROPOSED' AND p.proposed_by_person <> %(person)s
       AND (%(units)s::text[] IS NULL OR p.unit_id = ANY (%(units)s))),
    (SELECT coalesce(sum(c.review_count), 0) FROM payments_dispatch_chunk c
     JOIN payments_payout_batch b ON b.id = c.batch_id
     WHERE c.review_count > 0 AND (%(units)s::text[] IS NULL OR b.unit_id = ANY (%(units)s))),
    (SELECT count(*) FROM payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id
     WHERE t.conflicting_status <> '' AND (%(units)s::text[] IS NULL OR b.unit_id = ANY (%(units)s)))
"""


def waiting_counts(*, user: User, units: set[str] | None) -> Waiting:
    """One query. `units` are those whose lists the user may see; None: the whole city."""
    with connection.cursor() as cursor:
        own = bytes(user.person_fingerprint or b"")
        cursor.execute(COUNTS, {"person": own, "units": None if units is None else sorted(units)})
        proposed, review, contradicted = cursor.fetchone()
    return Waiting(int(proposed), int(review), int(contradicted))


def _units(user: User, at: datetime) -> list[str] | None:
    """Codes of the units whose lists the user may see or trace; None: the whole city. One query."""
    rights, reach = access.rights(user=user, at=at), set()
    for permission in (Permission.VIEW_BATCHES, Permission.TRACE):
        units = rights.units(permission) if permission in rights else set()
        if units is None:
            return None
        reach |= units
    return sorted(reach)


def standing_stop() -> PaymentsStop | None:
    """The stop of all payments in the city, if one stands."""
    return PaymentsStop.objects.filter(resumed_at=None).select_related("stopped_by").first()


def former_stops(*, limit: int = 20) -> list[PaymentsStop]:
    """Stops that are over, the newest first, with who resumed them."""
    over = PaymentsStop.objects.exclude(resumed_at=None).select_related(
        "stopped_by", "resumed_with__proposed_by", "resumed_with__decided_by"
    )
    return list(over.order_by("-id")[:limit])


def subject_transfer(proposal: Proposal) -> Transfer:
    """The payment that a proposal is about, with what its page tells of it."""
    found = Transfer.objects.select_related(
        "batch__unit", "batch__fund", "payout_account__bank", "payee__person", "chunk"
    )
    return found.get(pk=proposal.subject_id)


def is_for_people(transfer: Transfer) -> bool:
    """Whether machines have stopped deciding about this payment."""
    return transfer.state == TransferState.REVIEW or bool(transfer.conflicting_status)


def followers(transfer: Transfer) -> list[Transfer]:
    """What took the place of a payment: whatever carries now a line that was moved on from it. One query."""
    carrying = Transfer.objects.filter(lines__moves__from_transfer=transfer).exclude(pk=transfer.pk)
    return list(carrying.distinct().order_by("pk"))


def may_be_paid_twice(transfer: Transfer, since: list[Transfer]) -> bool:
    """Whether the bank says, or two persons said, that it was paid, and something that took its place has left."""
    return is_disputed(transfer) and any(follower.state in TRANSFER_LEFT for follower in since)
