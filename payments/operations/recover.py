"""Taking back what was paid in error: a decision or a written consent that one person records and another confirms. From then on
each list takes its part of it, or the person pays it back by himself.

What is taken stays in the fund: the list asks it for so much less. Nobody's payment is taken whole: at most what the decision
says for a month, and never more than half of what the right pays in that list (docs/adr, fees and recoveries).
"""

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from beneficiaries.models import Entitlement
from foundation.audit.operations import record_event
from foundation.reference.amounts import AMOUNT_MAX
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import AlreadyDecided, WrongInput
from payments.models import PayoutBatch, Proposal, Recovery
from payments.models.batches import FIRST_PERIOD
from payments.operations.acting import checked_reason, require
from payments.operations.proposals import Effect, Subject
from payments.operations.second_person import decide
from payments.states import RecoveryBasis, RecoveryState

NUMBER_MAX = 60


@transaction.atomic(durable=True)
def record_recovery(
    *,
    entitlement_id: int,
    basis: RecoveryBasis,
    number: str,
    paper_date: date,
    total_amount: int,
    monthly_amount: int,
    first_period: date,
    by: User,
    at: datetime,
) -> Recovery:
    """Write down a paper that allows to take money back; it counts only when a second person has confirmed it.

    Raises:
        NotInAuthority: `by` may not record funding for the unit that pays the right.
        WrongInput: An amount is not positive or the month's is larger than the whole, a date cannot be right, or the paper is
            recorded already (`number`).
    """
    entitlement = Entitlement.objects.get(pk=entitlement_id)
    require(by=by, permission=Permission.RECORD_FUNDING, unit_code=entitlement.unit_id, at=at)
    number = " ".join(number.split())
    if not number or len(number) > NUMBER_MAX:
        raise WrongInput("number")
    if paper_date > at.astimezone(access.CITY_TIME).date():
        raise WrongInput("paper_date")
    if not 0 < total_amount <= AMOUNT_MAX:
        raise WrongInput("total_amount")
    if not 0 < monthly_amount <= total_amount:
        raise WrongInput("monthly_amount")
    if first_period.day != 1 or first_period < FIRST_PERIOD:
        raise WrongInput("first_period")
    try:
        with transaction.atomic():
            recovery = Recovery.objects.create(
                entitlement=entitlement,
                basis=basis,
                number=number,
                paper_date=paper_date,
                total_amount=total_amount,
                monthly_amount=monthly_amount,
                first_period=first_period,
                recorded_by=by,
                recorded_by_person=by.person_fingerprint,
            )
    except IntegrityError as error:
        if "recovery_once" in str(error):
            raise WrongInput("number") from error
        raise
    _record(
        recovery, "recorded", by, {"basis": basis, "number": number, "total": total_amount, "monthly": monthly_amount}
    )
    return recovery


@transaction.atomic(durable=True)
def confirm_recovery(*, recovery_id: int, by: User, at: datetime) -> None:
    """The second person confirms: lists that are built from now on take their part.

    Raises:
        AlreadyDecided: It is decided already.
        NotInAuthority: `by` may not confirm funding for the unit that pays the right.
        OwnRecord: The same human recorded it.
    """
    recovery = _lock(recovery_id, by, at)
    decide(recovery, state=RecoveryState.CONFIRMED, by=by, at=at)
    _record(recovery, "confirmed", by, {})


@transaction.atomic(durable=True)
def refuse_recovery(*, recovery_id: int, reason: str, by: User, at: datetime) -> None:
    """The second person does not confirm, and says why: nothing is taken back on this paper.

    Raises:
        AlreadyDecided, NotInAuthority, OwnRecord: As for `confirm_recovery`.
        WrongInput: As `checked_reason` says.
    """
    reason = checked_reason(reason)
    recovery = _lock(recovery_id, by, at)
    decide(recovery, state=RecoveryState.REFUSED, by=by, at=at, reason=reason)
    _record(recovery, "refused", by, {"reason": reason})


def _lock(recovery_id: int, by: User, at: datetime) -> Recovery:
    recovery = Recovery.objects.select_for_update(of=("self",), no_key=True).get(pk=recovery_id)
    if recovery.state != RecoveryState.RECORDED:
        raise AlreadyDecided(recovery.state)
    require(by=by, permission=Permission.CONFIRM_FUNDING, unit_code=recovery.entitlement.unit_id, at=at)
    return recovery


def subject_of(recovery: Recovery) -> Subject:
    """The recovery as the subject of a proposal; its entitlement is at hand."""
    return Subject("recovery", recovery.pk, recovery.entitlement.unit_id)


def _check_stop(proposal: Proposal, by: User, at: datetime) -> None:
    if not Recovery.objects.filter(pk=proposal.subject_id, state=RecoveryState.CONFIRMED).exists():
        raise AlreadyDecided


def _apply_stop(proposal: Proposal, by: User, at: datetime) -> None:
    recovery = Recovery.objects.select_for_update(of=("self",), no_key=True).get(pk=proposal.subject_id)
    if recovery.state != RecoveryState.CONFIRMED:
        raise AlreadyDecided(recovery.state)
    recovery.state = RecoveryState.STOPPED
    recovery.save(update_fields=["state"])
    _record(recovery, "stopped", by, {"recovered": recovery.recovered_amount, "reason": proposal.reason})


# What is left of a debt is let go by two persons: one alone could forgive his own kin.
STOP_RECOVERY = Effect(
    proposed_with=Permission.RECORD_FUNDING,
    decided_with=Permission.CONFIRM_FUNDING,
    needs_evidence=False,
    check=_check_stop,
    apply=_apply_stop,
)


def _record(recovery: Recovery, what: str, by: User, payload: dict[str, Any]) -> None:
    record_event(
        kind=f"recovery.{what}", actor=by.actor, subject_kind="recovery", subject_id=recovery.pk, payload=payload
    )


# Recoveries that a step of a build may take from, locked until it ends, so that a paper of money paid back waits and both are
# counted. A line of a payment that ended unpaid took nothing: it stops counting, and is taken anew below while the recovery runs.
LOCK_OPEN = """
SELECT r.id FROM payments_recovery r JOIN beneficiaries_entitlement e ON e.id = r.entitlement_id
JOIN beneficiaries_programme_line scheme ON scheme.id = e.programme_line_id
WHERE r.state IN ('CONFIRMED', 'STOPPED') AND r.first_period <= %(period)s AND scheme.programme_id = ANY (%(programmes)s)
  AND (%(unit)s IS NULL OR e.unit_id = %(unit)s)
ORDER BY r.id FOR NO KEY UPDATE OF r
"""
GIVE_UP_UNPAID = """
UPDATE payments_payout_line l SET live = false
FROM payments_transfer t
WHERE l.recovery_id = ANY (%(recoveries)s) AND l.kind = 'RECOVERY' AND l.live AND t.id = l.transfer_id
  AND t.state IN ('REJECTED', 'RETURNED', 'CANCELLED') AND t.conflicting_status = ''
"""

# For BUILD_STEP: how much of which recovery the transfer of each payee is to carry. Only what the same right pays is
# cut: who receives for several people is not docked for one of them. One recovery a right and month, the oldest first.
WITHHELD = """
SELECT DISTINCT ON (r.entitlement_id) r.id AS recovery_id, r.entitlement_id, own.payee_id,
       least(r.monthly_amount, r.total_amount - r.recovered_amount, own.amount / 2) AS amount
FROM (
    SELECT entitlement_id, payee_id, sum(amount)::bigint AS amount FROM payout_owed WHERE exclusion_reason = ''
    GROUP BY entitlement_id, payee_id
) AS own
JOIN payments_recovery r ON r.entitlement_id = own.entitlement_id AND r.id = ANY (%(recoveries)s)
WHERE r.state = 'CONFIRMED' AND r.recovered_amount < r.total_amount AND own.amount >= 2
  AND NOT EXISTS (SELECT 1 FROM payments_payout_line taken WHERE taken.entitlement_id = own.entitlement_id
                  AND taken.period = %(period)s AND taken.kind = 'RECOVERY' AND taken.live)
ORDER BY r.entitlement_id, r.id
"""


def lock_recoveries(cursor: Any, *, batch: PayoutBatch, programmes: list[int]) -> list[int]:
    """Inner step of a build: the recoveries that the batch may take from, locked; what took nothing is given up."""
    cursor.execute(LOCK_OPEN, {"period": batch.period, "programmes": programmes, "unit": batch.unit_id})
    recoveries = [row[0] for row in cursor.fetchall()]
    if recoveries:
        cursor.execute(GIVE_UP_UNPAID, {"recoveries": recoveries})
    return recoveries
