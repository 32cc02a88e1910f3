"""The decisions on a list: submit, withdraw, approve, reject. Each locks the batch, checks the move and writes the trail.

The approver approves a hash: the Merkle root of the chunks' hashes, which cover every transfer. What was approved is what is
sent, because each chunk's hash is computed again before it leaves.
"""

from datetime import datetime

from django.db import IntegrityError, connection, transaction

from foundation.audit import merkle
from foundation.audit.alarms import raise_alarm
from foundation.audit.operations import record_event
from foundation.users.models import RoleAssignment, User
from foundation.users.roles import Permission
from payments.errors import (
    BatchChanged,
    EmptyList,
    FourEyesViolation,
    InvalidMove,
    LimitReached,
    NotInAuthority,
    RestoreNotEnded,
)
from payments.models import Approval, DispatchChunk, PayoutBatch
from payments.operations.acting import checked_reason, lock_batch, require
from payments.operations.compare import compare_with_last_period
from payments.operations.doubt import restore_is_open
from payments.operations.following import lines_go_home
from payments.operations.standing import has_authority
from payments.states import BATCH_WITHDRAWABLE, BatchState
from payments.watchers import LIMIT_REACHED

# I-22: an account that is no longer the payee's active one, or a right that no longer stands, since the list was built.
CHANGED_SINCE_BUILD = """
WITH changed AS (
    SELECT t.id, t.chunk_id, t.instructed_amount,
           CASE WHEN account.id IS NOT NULL AND account.state <> 'ACTIVE' THEN 'ACCOUNT_CHANGED'
                WHEN way.changed THEN 'WAY_CHANGED'
                ELSE 'ENTITLEMENT_CHANGED' END AS reason
    FROM payments_transfer t
    LEFT JOIN beneficiaries_payout_account account ON account.id = t.payout_account_id
    LEFT JOIN beneficiaries_payee payee ON payee.id = t.payee_id
    LEFT JOIN beneficiaries_person receiver ON receiver.id = payee.person_id
    CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT 1 FROM beneficiaries_payment_way w WHERE w.payee_id = t.payee_id
                       AND w.recorded_at > %(prepared_at)s) AS changed
    ) AS way
    WHERE t.batch_id = %(batch)s AND t.state = 'PLANNED'
      AND (way.changed
        OR (account.id IS NOT NULL AND account.state <> 'ACTIVE')
        OR receiver.deceased_date IS NOT NULL
        OR EXISTS (SELECT 1 FROM payments_payout_line l
                   JOIN beneficiaries_entitlement e ON e.id = l.entitlement_id
                   JOIN beneficiaries_person person ON person.id = e.person_id
                   WHERE l.transfer_id = t.id
                     AND (e.state <> 'ACTIVE' OR date_trunc('month', person.deceased_date) < l.period)))
), dropped AS (
    UPDATE payments_transfer t SET state = 'EXCLUDED', due_at = NULL, ended_at = portal_now()
    FROM changed WHERE t.id = changed.id
    RETURNING t.id, t.chunk_id, t.instructed_amount
), chunk AS (
    UPDATE payments_dispatch_chunk c
    SET number_of_transactions = c.number_of_transactions - gone.count, control_sum = c.control_sum - gone.sum
    FROM (SELECT chunk_id, count(*) AS count, sum(instructed_amount) AS sum FROM dropped GROUP BY chunk_id) AS gone
    WHERE c.id = gone.chunk_id
)
SELECT id, reason FROM changed
"""

EXCLUDE_LINES = """
UPDATE payments_payout_line l SET live = false, exclusion_reason = gone.reason
FROM unnest(%(ids)s::bigint[], %(reasons)s::text[]) AS gone(id, reason)
WHERE l.transfer_id = gone.id AND l.live AND l.batch_id = %(batch)s
"""


def _is_list(batch: PayoutBatch, seen_hash: bytes) -> bool:
    return batch.list_hash is not None and bytes(batch.list_hash) == seen_hash


@transaction.atomic(durable=True)
def submit_batch(*, batch_id: int, by: User, at: datetime) -> bytes:
    """Freeze a draft: list, count, sum and hash; the approvers see this and nothing else. Returns the list's hash.

    Lines whose account or right changed since the build are taken out first, each with its reason; those that came from an
    earlier payment go back to it.

    Raises:
        InvalidMove: The batch is not a draft.
        NotInAuthority: `by` may not prepare lists there.
        EmptyList: Nothing in it can be paid.
    """
    batch = lock_batch(batch_id)
    if batch.state != BatchState.DRAFT:
        raise InvalidMove(batch.state)
    require(by=by, permission=Permission.PREPARE_BATCH, unit_code=batch.unit_id, at=at)
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_SINCE_BUILD, {"batch": batch.pk, "prepared_at": batch.prepared_at})
        changed = cursor.fetchall()
        if changed:
            ids = [row[0] for row in changed]
            out = lines_go_home(cursor, transfer_ids=ids)
            cursor.execute(EXCLUDE_LINES, {"ids": ids, "reasons": [row[1] for row in changed], "batch": batch.pk})
            out += cursor.rowcount
            batch.number_excluded += out
            batch.number_of_lines -= out
        cursor.execute(
            "UPDATE payments_dispatch_chunk SET list_hash = payments_chunk_hash(id) WHERE batch_id = %s", [batch.pk]
        )
        cursor.execute(
            "SELECT coalesce(sum(number_of_transactions), 0), coalesce(sum(control_sum), 0) "
            "FROM payments_dispatch_chunk WHERE batch_id = %s",
            [batch.pk],
        )
        batch.number_of_transactions, batch.control_sum = (int(figure) for figure in cursor.fetchone())
    if batch.number_of_transactions == 0:
        raise EmptyList
    compare_with_last_period(batch=batch)
    batch.list_hash = _sign_off(batch.pk)
    batch.state, batch.submitted_by, batch.submitted_at = BatchState.SUBMITTED, by, at
    batch.save()
    record_event(
        kind="batch.submitted",
        actor=by.actor,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={
            "list_hash": batch.list_hash.hex(),
            "transactions": batch.number_of_transactions,
            "sum": batch.control_sum,
            "excluded": batch.number_excluded,
        },
    )
    return batch.list_hash


def _sign_off(batch_id: int) -> bytes:
    """The Merkle root of the batch's chunk hashes in the order of their numbers; each chunk keeps its path to it.

    The claim of a chunk proves by this path that the chunk belongs to the list that was approved.
    """
    chunks = list(DispatchChunk.objects.filter(batch_id=batch_id).order_by("number").values_list("id", "list_hash"))
    leaves = [merkle.leaf(bytes(chunk_hash or b"")) for _, chunk_hash in chunks]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payments_dispatch_chunk c SET hash_path = p.path "
            "FROM unnest(%s::bigint[], %s::bytea[]) AS p(id, path) WHERE c.id = p.id",
            [[chunk_id for chunk_id, _ in chunks], merkle.paths(leaves)],
        )
    return merkle.root(leaves)


@transaction.atomic(durable=True)
def withdraw_batch(*, batch_id: int, by: User, reason: str, at: datetime) -> None:
    """The preparer's side takes a list back before it is approved; its lines become free for a new version.

    Raises:
        InvalidMove: The batch is approved already, or ended.
        NotInAuthority: `by` may not prepare lists there.
        WrongInput: As `checked_reason` says.
        RestoreNotEnded: The list may have been paid by the database that was lost.
    """
    reason = checked_reason(reason)
    batch = lock_batch(batch_id)
    if batch.state not in BATCH_WITHDRAWABLE:
        raise InvalidMove(batch.state)
    require(by=by, permission=Permission.PREPARE_BATCH, unit_code=batch.unit_id, at=at)
    if restore_is_open():
        raise RestoreNotEnded
    _end_list(batch, BatchState.WITHDRAWN)
    record_event(
        kind="batch.withdrawn", actor=by.actor, subject_kind="batch", subject_id=batch.pk, payload={"reason": reason}
    )


def approve_batch(
    *, batch_id: int, by: User, seen_hash: bytes, at: datetime, opened_at: datetime | None = None
) -> bool:
    """One person's yes to the frozen list that he saw. True when the quorum is reached and the batch is approved.

    A second yes of the same person changes nothing and is no error (a double click). A held list some of whose approvers lost
    their authority takes further approvals; it stays held until two persons let it go on.

    Args:
        batch_id: The list.
        by: Who says yes.
        seen_hash: Of the list that he was shown.
        at: Now.
        opened_at: When he was shown it, where that is known: who says yes at once has not read it.

    Raises:
        InvalidMove: The batch is not waiting for a decision.
        NotInAuthority: `by` may not approve there on the day of `at`.
        BatchChanged: The list is not the one that `by` was shown.
        FourEyesViolation: `by`, counted as a human and not as a login, prepared or submitted this list.
        LimitReached: With this list `by` would approve more than the city allows him in a day, alone or with this submitter.
            It is told to those who look after the system: an officer who meets his limit again and again is worth a look.
    """
    try:
        return _approve(batch_id=batch_id, by=by, seen_hash=seen_hash, at=at, opened_at=opened_at)
    except LimitReached:
        _tell_of_limit(batch_id=batch_id, by=by)
        raise


@transaction.atomic(durable=True)
def _tell_of_limit(*, batch_id: int, by: User) -> None:
    unit = PayoutBatch.objects.values_list("unit_id", flat=True).get(pk=batch_id)
    raise_alarm(
        kind=LIMIT_REACHED, subject_kind="user", subject_id=by.pk, unit_code=unit, details={"last_batch": batch_id}
    )


@transaction.atomic(durable=True)
def _approve(*, batch_id: int, by: User, seen_hash: bytes, at: datetime, opened_at: datetime | None) -> bool:
    batch = lock_batch(batch_id)
    if batch.approvals.filter(
        person_fingerprint=by.person_fingerprint, decision="APPROVED", list_hash=seen_hash
    ).exists():
        return batch.state not in (BatchState.SUBMITTED, BatchState.HELD)
    if not takes_approvals(batch=batch, at=at):
        raise InvalidMove(batch.state)
    authority = require(by=by, permission=Permission.APPROVE_BATCH, unit_code=batch.unit_id, at=at)
    if not _is_list(batch, seen_hash):
        raise BatchChanged
    _decide(batch, by, authority, Approval.Decision.APPROVED, reason="", at=at, opened_at=opened_at)
    approvals = batch.approvals.filter(decision="APPROVED", list_hash=batch.list_hash).count()
    approved = batch.state == BatchState.SUBMITTED and approvals >= (batch.approvals_required or 1)
    if approved:
        batch.state, batch.approved_at = BatchState.APPROVED, at
        batch.save(update_fields=["state", "approved_at"])
    record_event(
        kind="batch.approved",
        actor=by.actor,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={"list_hash": seen_hash.hex(), "approvals": approvals, "required": batch.approvals_required},
    )
    return approved


def takes_approvals(*, batch: PayoutBatch, at: datetime) -> bool:
    """Whether a yes counts for the list now: it waits for its first decision, or is held and short of approvers in authority."""
    if batch.state == BatchState.HELD:
        return not has_authority(batch=batch, at=at)
    return batch.state == BatchState.SUBMITTED


@transaction.atomic(durable=True)
def reject_batch(*, batch_id: int, by: User, seen_hash: bytes, reason: str, at: datetime) -> None:
    """An approver sends the list back with a reason; this version is dead, its lines are free for the next one.

    Raises:
        InvalidMove, NotInAuthority, BatchChanged, FourEyesViolation: As for `approve_batch`.
        WrongInput: As `checked_reason` says.
    """
    reason = checked_reason(reason)
    batch = lock_batch(batch_id)
    if batch.state != BatchState.SUBMITTED:
        raise InvalidMove(batch.state)
    authority = require(by=by, permission=Permission.APPROVE_BATCH, unit_code=batch.unit_id, at=at)
    if not _is_list(batch, seen_hash):
        raise BatchChanged
    _decide(batch, by, authority, Approval.Decision.REJECTED, reason=reason, at=at)
    _end_list(batch, BatchState.REJECTED)
    record_event(
        kind="batch.rejected", actor=by.actor, subject_kind="batch", subject_id=batch.pk, payload={"reason": reason}
    )


def _decide(
    batch: PayoutBatch,
    by: User,
    authority: RoleAssignment,
    decision: Approval.Decision,
    *,
    reason: str,
    at: datetime,
    opened_at: datetime | None = None,
) -> None:
    try:
        with transaction.atomic():
            Approval.objects.create(
                batch=batch,
                decision=decision,
                decided_by=by,
                person_fingerprint=by.person_fingerprint,
                role_assignment=authority,
                list_hash=batch.list_hash,
                number_of_transactions=batch.number_of_transactions,
                control_sum=batch.control_sum,
                reason=reason,
                decided_at=at,
                opened_at=opened_at,
            )
    except IntegrityError as error:
        if "approval_by_another_person" in str(error) or "approval_one_per_person" in str(error):
            raise FourEyesViolation from error
        if "approval_within_authority" in str(error):
            raise NotInAuthority from error
        if "approval_within_daily_limit" in str(error):
            raise LimitReached from error
        raise


def _end_list(batch: PayoutBatch, state: BatchState) -> None:
    """Transfers of a dead list are cancelled, its lines are live no more: what is owed can be listed again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payments_transfer SET state = 'CANCELLED', due_at = NULL, ended_at = portal_now() "
            "WHERE batch_id = %s AND state = 'PLANNED'",
            [batch.pk],
        )
        cursor.execute("UPDATE payments_payout_line SET live = false WHERE batch_id = %s AND live", [batch.pk])
    batch.state = state
    batch.save(update_fields=["state"])
