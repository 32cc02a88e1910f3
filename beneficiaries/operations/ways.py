"""How a payee is paid from today on, as he told an officer. Nobody's money moves by it: the next list follows it."""

from datetime import datetime

from django.db import transaction

from beneficiaries import errors
from beneficiaries.models import Payee, PaymentWay
from beneficiaries.queries.ways import holding_way
from beneficiaries.states import Delivery, Way, WaySource
from foundation.audit.operations import record_event
from foundation.audit.reasons import UnfitReason, fit_reason
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission

REASON_MAX = 300


@transaction.atomic(durable=True)
def choose_way(
    *, payee_id: int, way: Way, delivery: str = "", service_code: str = "", reason: str, by: User, at: datetime
) -> PaymentWay:
    """Write down how a payee wants to be paid; a list that is built already is not changed by it (`WAY_CHANGED`).

    Raises:
        ReasonMissing, ReasonHoldsNumber: The reason is too short, or tells a personal number.
        NotInAuthority: `by` may not do so for people of that unit.
        OwnWay: It is the officer's own money, counted as a human and not as a login.
        SameWay: He is paid so already.
        WrongWay: Delivery or code do not belong to the way.
    """
    payee = Payee.objects.select_for_update(of=("self",), no_key=True).select_related("person").get(pk=payee_id)
    unit = payee.person.unit_id if payee.person else None
    try:
        access.require(user=by, permission=Permission.RECORD_WAY, unit_code=unit, at=at)
    except access.NotAllowed as refusal:
        raise errors.NotInAuthority(str(refusal)) from refusal
    if payee.person is not None and by.is_human_of(payee.person.national_id_index):
        raise errors.OwnWay
    if (way == Way.PAYMENT_SERVICE) != (delivery in Delivery.values) or (delivery == Delivery.CARD) != bool(
        service_code
    ):
        raise errors.WrongWay
    today = at.astimezone(access.CITY_TIME).date()
    known = holding_way(payee=payee, day=today)
    told = (way, delivery, service_code)
    if told == ((known.way, known.delivery, known.service_code) if known else (Way.USUAL, "", "")):
        raise errors.SameWay
    chosen = PaymentWay.objects.create(
        payee=payee,
        way=way,
        delivery=delivery,
        service_code=service_code,
        valid_from=today,
        source=WaySource.OFFICER,
        reason=_checked(reason),
        recorded_by=by,
    )
    record_event(
        kind="payee.way_chosen",
        actor=by.actor,
        subject_kind="payee",
        subject_id=payee.pk,
        payload={"way": str(way), "delivery": delivery, "reason": chosen.reason},
    )
    return chosen


def _checked(reason: str) -> str:
    try:
        return fit_reason(reason, longest=REASON_MAX)
    except UnfitReason as unfit:
        raise (errors.ReasonHoldsNumber if unfit.holds_number else errors.ReasonMissing) from unfit
