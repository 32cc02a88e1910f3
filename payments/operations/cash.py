"""Cash at the ward: the printed list is handed over, signatures are marked, the rest is carried over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO

from django.db import connection, transaction

from foundation.audit.operations import record_event
from foundation.privacy.operations import record_access
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.cash_list import write_cash_list
from payments.errors import AuthorityLost, InvalidMove, ListChanged, WrongInput
from payments.models import DispatchChunk, PayoutBatch
from payments.operations.acting import lock_batch, require
from payments.operations.counting import recount
from payments.operations.gone import cancel_gone
from payments.operations.standing import has_authority, is_as_approved
from payments.operations.stopping import refuse_while_stopped
from payments.states import BATCH_RUNNING, BatchState, Route


@dataclass(frozen=True, slots=True)
class Collected:
    """A signature on the list: for which transfer, by whom, and on which day."""

    transfer_id: int
    receiver_name: str
    relation: str
    collected_date: date


def _open_batch(
    batch_id: int, by: User, at: datetime, *, while_in: tuple[BatchState, ...] = BATCH_RUNNING
) -> tuple[PayoutBatch, list[int]]:
    """The batch, locked, and its cash chunks, locked in the order of their ids. What was handed over is followed to its end."""
    batch = lock_batch(batch_id)
    require(by=by, permission=Permission.RECORD_CASH, unit_code=batch.unit_id, at=at)
    if batch.state not in while_in:
        raise InvalidMove(batch.state)
    chunks = DispatchChunk.objects.select_for_update(of=("self",), no_key=True).filter(
        batch=batch, route=Route.WARD_CASH
    )
    return batch, list(chunks.order_by("id").values_list("id", flat=True))


@transaction.atomic(durable=True)
def take_cash_list(*, batch_id: int, file: BinaryIO, by: User, at: datetime) -> int:
    """Write the signing list into `file` and note who took it along; how many payments stand on it.

    Raises:
        NotInAuthority: `by` does not keep this unit's cash.
    """
    batch = PayoutBatch.objects.select_related("unit", "fund").get(pk=batch_id)
    held = require(by=by, permission=Permission.RECORD_CASH, unit_code=batch.unit_id, at=at)
    count = write_cash_list(batch=batch, file=file)
    record_access(
        by=by.actor,
        role=held.role,
        subject_kind="batch",
        subject_id=batch.pk,
        fields=["name", "national_id_masked", "amount"],
        purpose=f"signing list of {count} cash payments",
    )
    record_event(
        kind="cash.list_taken", actor=by.actor, subject_kind="batch", subject_id=batch.pk, payload={"transfers": count}
    )
    return count


@transaction.atomic(durable=True)
def hand_over(*, batch_id: int, by: User, at: datetime) -> int:
    """The signed list and the money go to the cash desk: how many payments. From now on only signatures change them.

    Raises:
        InvalidMove: The batch is not being paid.
        NotInAuthority: `by` does not keep this unit's cash.
        PaymentsStopped: The city's payments are stopped.
        AuthorityLost, ListChanged: The list may not be paid as it stands.
    """
    batch, chunks = _open_batch(batch_id, by, at, while_in=(BatchState.DISPATCHING,))
    refuse_while_stopped()
    if not has_authority(batch=batch, at=at):
        raise AuthorityLost
    if not is_as_approved(batch=batch):
        raise ListChanged
    with connection.cursor() as cursor:
        cancel_gone(cursor, chunk_ids=chunks)
        cursor.execute(
            "UPDATE payments_transfer SET state = 'HANDED_OVER', due_at = portal_now() + interval '31 days' "
            "WHERE chunk_id = ANY (%s) AND state = 'READY'",
            [chunks],
        )
        handed = cursor.rowcount
    record_event(
        kind="cash.handed_over",
        actor=by.actor,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={"transfers": handed},
    )
    return handed


# The signature first: the transfer's trigger looks for its row.
SIGN = """
INSERT INTO payments_cash_collection (transfer_id, receiver_name, relation, collected_date, recorded_by_id)
SELECT t.id, s.receiver_name, s.relation, s.collected_date, %(by)s
FROM unnest(%(ids)s::bigint[], %(names)s::text[], %(relations)s::text[], %(dates)s::date[])
    AS s(transfer_id, receiver_name, relation, collected_date)
JOIN payments_transfer t ON t.id = s.transfer_id AND t.chunk_id = ANY (%(chunks)s) AND t.state = 'HANDED_OVER'
RETURNING transfer_id
"""
COLLECT = """
WITH moved AS (
    UPDATE payments_transfer t
    SET state = 'SETTLED', settlement_level = 'CASH', ended_at = portal_now(), due_at = NULL
    WHERE t.id = ANY (%(signed)s) AND t.state = 'HANDED_OVER'
    RETURNING t.id, t.instructed_amount
)
INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
SELECT %(fund)s, 'POST', 'RESERVED', 'PAID', instructed_amount, id, portal_now() FROM moved
"""


@transaction.atomic(durable=True)
def mark_collected(*, batch_id: int, collected: Sequence[Collected], by: User, at: datetime) -> int:
    """Mark signatures on the list; how many were new. A payment that is marked already stays as it is.

    Raises:
        InvalidMove: The batch is not being paid.
        NotInAuthority: `by` does not keep this unit's cash.
        WrongInput: A date lies in the future, nobody's name is given, or a payment is signed for twice in one go.
    """
    today = at.astimezone(access.CITY_TIME).date()
    if any(item.collected_date > today or not item.receiver_name.strip() for item in collected):
        raise WrongInput("collected")
    if len({item.transfer_id for item in collected}) < len(collected):
        raise WrongInput("transfer_id")
    batch, chunks = _open_batch(batch_id, by, at)
    with connection.cursor() as cursor:
        cursor.execute(
            SIGN,
            {
                "ids": [item.transfer_id for item in collected],
                "names": [item.receiver_name.strip() for item in collected],
                "relations": [item.relation for item in collected],
                "dates": [item.collected_date for item in collected],
                "chunks": chunks,
                "by": by.pk,
            },
        )
        signed = [row[0] for row in cursor.fetchall()]
        cursor.execute(COLLECT, {"signed": signed, "fund": batch.fund_id})
        marked = cursor.rowcount
        recount(cursor, chunk_ids=chunks, release=False)
    record_event(
        kind="cash.collected", actor=by.actor, subject_kind="batch", subject_id=batch.pk, payload={"transfers": marked}
    )
    return marked


CARRY_OVER = """
WITH moved AS (
    UPDATE payments_transfer SET state = 'CANCELLED', ended_at = portal_now(), due_at = NULL
    WHERE chunk_id = ANY (%(chunks)s) AND state IN ('READY', 'HANDED_OVER')
    RETURNING id, instructed_amount
)
INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
SELECT %(fund)s, 'VOID', 'RESERVED', 'FUNDING', instructed_amount, id, portal_now() FROM moved
"""


@transaction.atomic(durable=True)
def carry_over(*, batch_id: int, by: User, at: datetime) -> int:
    """Close the cash list: what was not collected is cancelled here and its money goes back; how many payments.

    The lines stay owed and free: a later list takes them up.

    Raises:
        InvalidMove: The batch is not being paid.
        NotInAuthority: `by` does not keep this unit's cash.
    """
    batch, chunks = _open_batch(batch_id, by, at)
    with connection.cursor() as cursor:
        cursor.execute(CARRY_OVER, {"chunks": chunks, "fund": batch.fund_id})
        carried = cursor.rowcount
        recount(cursor, chunk_ids=chunks, release=False)
    record_event(
        kind="cash.carried_over",
        actor=by.actor,
        subject_kind="batch",
        subject_id=batch.pk,
        payload={"transfers": carried},
    )
    return carried
