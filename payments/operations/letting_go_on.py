"""A held list goes on from where it was: two persons say so, and only while it is the approved one, by enough approvers."""

from datetime import datetime

from foundation.audit.operations import record_event
from foundation.users.models import User
from payments.errors import AuthorityLost, InvalidMove, ListChanged, OwnHold, RestoreNotEnded
from payments.models import PayoutBatch, Proposal
from payments.operations.acting import lock_batch
from payments.operations.doubt import restore_is_open
from payments.operations.standing import has_authority, is_as_approved
from payments.states import BatchState


def check_release(proposal: Proposal, _by: User, at: datetime) -> None:
    """Whether the list could go on now.

    Raises:
        InvalidMove, ListChanged, AuthorityLost, RestoreNotEnded: As `apply_release` says.
    """
    _ready_to_go_on(lock_batch(proposal.subject_id), at)


def apply_release(proposal: Proposal, by: User, at: datetime) -> None:
    """Let the list go on, whoever held it.

    Raises:
        InvalidMove: It is not held.
        OwnHold: The same human held, prepared or submitted it.
        ListChanged: It is no longer what was approved. Nobody's word mends that: it is cancelled and what is owed listed anew.
        AuthorityLost: Too few of its approvers have authority today; others may approve it while it is held.
        RestoreNotEnded: What was paid since the copy was made is not known yet.
    """
    batch = lock_batch(proposal.subject_id)
    if is_own_hold(batch=batch, by=by):
        raise OwnHold
    _ready_to_go_on(batch, at)
    batch.state, batch.held_from, batch.held_reason, batch.held_by = batch.held_from, "", "", None
    batch.save(update_fields=["state", "held_from", "held_reason", "held_by"])
    record_event(
        kind="batch.released",
        actor=by.actor,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={"reason": proposal.reason, "state": batch.state, "proposal": proposal.pk},
    )


def is_own_hold(*, batch: PayoutBatch, by: User) -> bool:
    """Whether this human held, prepared or submitted the list, so that he does not decide that it goes on."""
    held_it = batch.held_by is not None and by.is_human_of(batch.held_by.person_fingerprint)
    return held_it or batch.is_list_of(by)


def _ready_to_go_on(batch: PayoutBatch, at: datetime) -> None:
    if batch.state != BatchState.HELD:
        raise InvalidMove(batch.state)
    if restore_is_open():
        raise RestoreNotEnded
    if not is_as_approved(batch=batch):
        raise ListChanged
    if not has_authority(batch=batch, at=at):
        raise AuthorityLost
