"""The stop of all sending in the city: any officer may stop, two persons of the whole city resume.

Claims, hand-overs and starts ask the database's own gate (`payments_are_stopped`), so nothing new goes out after the stop is
committed; what is with banks already is still asked about and settled.
"""

from datetime import datetime

from django.db import IntegrityError, connection, transaction

from foundation.audit.alarms import raise_alarm
from foundation.audit.operations import record_event
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.alarms import PAYMENTS_STOPPED
from payments.errors import InvalidMove, NotInAuthority, PaymentsStopped, StoppedAlready
from payments.models import PaymentsStop, Proposal
from payments.operations.acting import checked_reason


@transaction.atomic(durable=True)
def stop_payments(*, by: User, reason: str, at: datetime) -> PaymentsStop:
    """Let nothing new go out in the whole city. Waits for the claims that are under way, a matter of milliseconds.

    Raises:
        NotInAuthority: `by` may hold lists nowhere.
        WrongInput: As `checked_reason` says.
        StoppedAlready: Payments are stopped already.
    """
    reason = checked_reason(reason)
    if not access.assignments(user=by, permission=Permission.HOLD_BATCH, at=at).exists():
        raise NotInAuthority
    try:
        with transaction.atomic():
            stop = PaymentsStop.objects.create(stopped_by=by, stopped_at=at, reason=reason)
    except IntegrityError as error:
        if "payments_stop_one_open" in str(error):
            raise StoppedAlready from error
        raise
    record_event(
        kind="payments.stopped", actor=by.actor, subject_kind="stop", subject_id=stop.pk, payload={"reason": reason}
    )
    raise_alarm(kind=PAYMENTS_STOPPED, subject_kind="stop", subject_id=stop.pk, details={"reason": reason})
    return stop


def refuse_while_stopped() -> None:
    """Inner step of whatever lets something new go out.

    Raises:
        PaymentsStopped: The city's payments are stopped.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT payments_are_stopped()")
        if cursor.fetchone()[0]:
            raise PaymentsStopped


def check_resume(proposal: Proposal, _by: User, _at: datetime) -> None:
    """A resumption is of the stop that stands now.

    Raises:
        InvalidMove: There is none, or another one.
    """
    _standing_stop(proposal.subject_id)


def apply_resume(proposal: Proposal, by: User, at: datetime) -> None:
    """The second person of the city says yes: things go out again."""
    stop = _standing_stop(proposal.subject_id)
    stop.resumed_at, stop.resumed_with = at, proposal
    stop.save(update_fields=["resumed_at", "resumed_with"])
    record_event(
        kind="payments.resumed",
        actor=by.actor,
        subject_kind="stop",
        subject_id=stop.pk,
        payload={"reason": proposal.reason},
    )


def _standing_stop(stop_id: int) -> PaymentsStop:
    found = PaymentsStop.objects.select_for_update(of=("self",), no_key=True).filter(pk=stop_id, resumed_at=None)
    stop = found.first()
    if stop is None:
        raise InvalidMove("resumed")
    return stop
