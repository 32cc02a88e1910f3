"""Claiming a chunk: the lease, the fence, the proof that the list is the approved one, and the intent, all committed before the
first byte leaves. The protocol is told in docs/architecture.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from foundation.audit import merkle
from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.port import LONGEST_NAME, TransferInstruction
from foundation.privacy.encryption import DecryptionFailed, decrypt_many
from payments.failpoints import failpoint
from payments.operations import admission
from payments.operations.gone import cancel_gone, is_anybody_gone
from payments.operations.release import hold_tampered, hold_without_authority
from payments.operations.standing import STANDING_NOW
from payments.states import AttemptKind, BatchState, ChunkState

MOST_POSTPONED = 50  # chunks of closed banks that one claim puts off on its way to one that may go


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk that this worker holds: what to send or to ask, under which fence, until when."""

    chunk_id: int
    batch_id: int
    kind: AttemptKind
    fence: int
    attempt_id: int
    message_id: str
    not_after: datetime | None
    bank: str
    debtor_account: str
    instructions: Sequence[TransferInstruction] = field(repr=False)
    amounts: dict[str, int] = field(repr=False)


class ListTampered(Exception):
    """What would be sent is not what was approved."""

    def __init__(self, batch_id: int, chunk_id: int, what: str) -> None:
        super().__init__(f"batch {batch_id}, chunk {chunk_id}: {what}")
        self.batch_id, self.chunk_id, self.what = batch_id, chunk_id, what


class AuthorityGone(Exception):
    """Too few of those who approved a list have authority at this moment."""

    def __init__(self, batch_id: int, at: datetime) -> None:
        super().__init__(f"batch {batch_id}")
        self.batch_id, self.at = batch_id, at


# The gate is a query of its own, asked once and before a row is looked at: nothing is sent while the city's payments are stopped.
# Questions go on.
PICK = f"""
SELECT c.id, c.batch_id, c.list_hash, c.hash_path, b.list_hash, f.debtor_account, c.creditor_agent, c.send_limit,
       ({STANDING_NOW}) >= b.approvals_required, portal_now()
FROM payments_dispatch_chunk c
JOIN payments_payout_batch b ON b.id = c.batch_id
JOIN payments_fund f ON f.id = b.fund_id
WHERE c.route = 'GATEWAY' AND c.state = %(state)s AND c.due_at <= portal_now() AND b.state = ANY (%(batch_states)s)
  AND NOT (SELECT CASE WHEN %(sends)s THEN payments_are_stopped() ELSE false END)
ORDER BY c.due_at, c.id
LIMIT 1
FOR NO KEY UPDATE OF c SKIP LOCKED
FOR SHARE OF b SKIP LOCKED
"""

LEASE = """
UPDATE payments_dispatch_chunk
SET state = %(leased)s, fence = fence + 1, attempts = attempts + 1,
    lease_until = portal_now() + %(lease)s * interval '1 second',
    last_send_deadline = CASE WHEN %(kind)s = 'SEND' THEN portal_now() + %(deadline)s * interval '1 second'
                              ELSE last_send_deadline END
WHERE id = %(chunk)s
RETURNING fence, last_send_deadline, (SELECT count(*) FROM payments_restore)
"""

INTEND = """
INSERT INTO payments_dispatch_attempt (chunk_id, fence, kind, message_id, number_of_transactions, control_sum, not_after)
VALUES (%(chunk)s, %(fence)s, %(kind)s, %(message)s, %(count)s, %(sum)s, %(not_after)s)
RETURNING id
"""

# The number itself comes from the account's version, and its fingerprint must be the one in the approved list.
SENDING = """
WITH line AS (
    SELECT id FROM payments_transfer WHERE chunk_id = %(chunk)s AND state = 'READY' ORDER BY id LIMIT %(lines)s
), sent AS (
    UPDATE payments_transfer t
    SET state = 'SENDING', sent_count = sent_count + 1, first_sent_at = coalesce(first_sent_at, portal_now()),
        due_at = portal_now() + %(lease)s * interval '1 second'
    FROM line WHERE t.id = line.id AND t.state = 'READY'
    RETURNING t.id, end_to_end_id, instructed_amount, creditor_name, creditor_agent, remittance_information,
              payout_account_id, account_fingerprint
)
SELECT sent.end_to_end_id, sent.instructed_amount, sent.creditor_name, sent.creditor_agent, sent.remittance_information,
       a.id, a.number_encrypted, a.number_index = sent.account_fingerprint AND a.bank_id = sent.creditor_agent
FROM sent JOIN beneficiaries_payout_account a ON a.id = sent.payout_account_id
ORDER BY sent.id
"""

ASKED = """
SELECT end_to_end_id, instructed_amount FROM payments_transfer
WHERE chunk_id = %s AND state IN ('SENDING', 'UNKNOWN', 'ACCEPTED') ORDER BY id
"""


def claim_to_send() -> Claim | None:
    """Take one chunk that is ready and write down the intent to send it; None when there is none.

    When it returns, the intent is committed: this is the only way by which a transfer reaches SENDING. A list whose approvers
    have no authority any more is held on the way; payments to the dead and to accounts that are closed are cancelled.

    Raises:
        ListTampered: The chunk's list is not the approved one. Nothing is claimed; its batch is held.
    """
    while True:
        try:
            return _claim_to_send()
        except ListTampered as tampered:
            hold_tampered(batch_id=tampered.batch_id, chunk_id=tampered.chunk_id, what=tampered.what)
            raise
        except AuthorityGone as gone:
            # Held by now, here or by another worker: there may be other lists to pay.
            hold_without_authority(batch_id=gone.batch_id, at=gone.at)


@transaction.atomic(durable=True)
def _claim_to_send() -> Claim | None:
    with connection.cursor() as cursor:
        picked, lines = _pick_admitted(cursor)
        if picked is None:
            return None
        chunk_id, batch_id, debtor_account, bank = picked[0], picked[1], picked[5], picked[6]
        _prove(cursor, picked)
        fence, deadline, restores = _lease(cursor, chunk_id, AttemptKind.SEND)
        cursor.execute(SENDING, {"chunk": chunk_id, "lease": settings.DISPATCH_LEASE, "lines": lines})
        rows = cursor.fetchall()
        if not all(row[7] for row in rows):
            raise ListTampered(batch_id, chunk_id, "account of a transfer")
        try:
            numbers = decrypt_many([(row[5], row[6]) for row in rows], context="payout_account.number")
        except DecryptionFailed as failure:
            # A number that was moved from another row: left to itself, this chunk would stop every worker.
            raise ListTampered(batch_id, chunk_id, "number of an account") from failure
        instructions = [
            TransferInstruction(
                end_to_end_id=row[0],
                instructed_amount=row[1],
                creditor_name=row[2][:LONGEST_NAME],
                creditor_account=number,
                creditor_agent=row[3],
                remittance_information=row[4],
            )
            for row, number in zip(rows, numbers, strict=True)
        ]
        return _intend(
            cursor,
            chunk_id=chunk_id,
            batch_id=batch_id,
            kind=AttemptKind.SEND,
            fence=fence,
            restores=restores,
            not_after=deadline,
            bank=bank,
            debtor_account=debtor_account,
            instructions=instructions,
            amounts={row[0]: row[1] for row in rows},
        )


@transaction.atomic(durable=True)
def claim_to_ask() -> Claim | None:
    """Take one chunk about which the bank is to be asked; None when none is due. Holding a batch does not stop questions."""
    asked_while = [BatchState.DISPATCHING, BatchState.HELD, BatchState.CANCELLING]
    with connection.cursor() as cursor:
        picked = _pick(cursor, ChunkState.INQUIRY, asked_while)
        if picked is None:
            return None
        chunk_id, batch_id = picked[0], picked[1]
        fence, _, restores = _lease(cursor, chunk_id, AttemptKind.INQUIRE)
        cursor.execute(ASKED, [chunk_id])
        return _intend(
            cursor,
            chunk_id=chunk_id,
            batch_id=batch_id,
            kind=AttemptKind.INQUIRE,
            fence=fence,
            restores=restores,
            not_after=None,
            bank=picked[6],
            debtor_account=picked[5],
            instructions=(),
            amounts=dict(cursor.fetchall()),
        )


def _pick(cursor: Any, state: ChunkState, batch_states: list[BatchState]) -> Any:
    sends = state == ChunkState.READY
    cursor.execute(PICK, {"state": str(state), "sends": sends, "batch_states": list(map(str, batch_states))})
    return cursor.fetchone()


def _prove(cursor: Any, picked: Any) -> None:
    """The chunk's rows, hashed anew, lead up to the list that was approved (I-20)."""
    chunk_id, batch_id, list_hash, hash_path, approved = picked[:5]
    cursor.execute("SELECT payments_chunk_hash(%s)", [chunk_id])
    recomputed = cursor.fetchone()[0]
    if bytes(recomputed) != bytes(list_hash) or (
        merkle.root_by_path(merkle.leaf(bytes(list_hash)), bytes(hash_path)) != bytes(approved)
    ):
        raise ListTampered(batch_id, chunk_id, "hash of the list")


READY_LINES = "SELECT count(*) FROM payments_transfer WHERE chunk_id = %s AND state = 'READY'"
PUT_OFF = "UPDATE payments_dispatch_chunk SET due_at = %s WHERE id = %s"


def _pick_admitted(cursor: Any) -> tuple[Any, int]:
    """The first chunk that is due and whose bank takes lines now, with how many; those of closed banks are put off."""
    for _ in range(MOST_POSTPONED):
        picked = _pick(cursor, ChunkState.READY, [BatchState.DISPATCHING])
        if picked is None:
            return None, 0
        if not picked[8]:
            _prove(cursor, picked)  # approvals of another hash: it is the list that was altered
            raise AuthorityGone(picked[1], picked[9])
        ready = _still_to_go(cursor, picked)
        if ready == 0:
            continue
        lines = min(ready, picked[7] or settings.DISPATCH_CHUNK_SIZE)
        grant = admission.may_send(bank=picked[6], lines=lines)
        if grant.is_granted:
            return picked, grant.lines
        cursor.execute(PUT_OFF, [grant.again_at, picked[0]])
    return None, 0


def _still_to_go(cursor: Any, picked: Any) -> int:
    """How many lines of the chunk may leave, after those were taken out that must not."""
    chunk_id = picked[0]
    cursor.execute(READY_LINES, [chunk_id])
    ready = int(cursor.fetchone()[0])
    if ready and not is_anybody_gone(cursor, chunk_ids=[chunk_id]):
        return ready
    _prove(cursor, picked)  # what is booked back is what was approved
    cancel_gone(cursor, chunk_ids=[chunk_id])
    cursor.execute(READY_LINES, [chunk_id])
    return int(cursor.fetchone()[0])


def _lease(cursor: Any, chunk_id: int, kind: AttemptKind) -> tuple[int, datetime, int]:
    """Its new fence, the last moment of its sends, and how often the database was replaced by an older copy."""
    leased = ChunkState.LEASED_SEND if kind == AttemptKind.SEND else ChunkState.LEASED_INQUIRY
    cursor.execute(
        LEASE,
        {
            "chunk": chunk_id,
            "leased": str(leased),
            "kind": str(kind),
            "lease": settings.DISPATCH_LEASE,
            "deadline": settings.DISPATCH_REQUEST_DEADLINE,
        },
    )
    fence, deadline, restores = cursor.fetchone()
    return fence, deadline, restores


def _intend(
    cursor: Any, *, chunk_id: int, kind: AttemptKind, fence: int, restores: int, amounts: dict[str, int], **rest: Any
) -> Claim:
    # A restored copy counts fences and chunks over again; the gateway remembers what the lost one sent under these numbers.
    message_id = f"{chunk_id}-{fence}" + (f"-r{restores}" if restores else "")
    cursor.execute(
        INTEND,
        {
            "chunk": chunk_id,
            "fence": fence,
            "kind": str(kind),
            "message": message_id,
            "count": len(amounts),
            "sum": sum(amounts.values()),
            "not_after": rest["not_after"],
        },
    )
    attempt_id = cursor.fetchone()[0]
    record_event(
        kind=f"chunk.{kind.lower()}_intended",
        actor=SYSTEM,
        subject_kind="chunk",
        subject_id=chunk_id,
        payload={"message": message_id, "transfers": len(amounts), "sum": sum(amounts.values())},
    )
    failpoint("before_intent" if kind == AttemptKind.SEND else "before_question")
    return Claim(
        chunk_id=chunk_id,
        kind=kind,
        fence=fence,
        attempt_id=attempt_id,
        message_id=message_id,
        amounts=amounts,
        **rest,
    )
