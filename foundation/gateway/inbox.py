"""The inbox: what the gateway tells us is proven, stored and acknowledged first, and acted upon later by workers.

`receive` touches no other table, so a flood of callbacks costs an INSERT each and a forged one costs nothing. Workers
take messages in sets: `claim_batch` (its own transaction, with a lease), apply, and `mark_applied` in the transaction
of the effect. A worker that died leaves the lease to run out; one that comes back late finds its claim gone and rolls
back.
"""

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import structlog
from django.db import connection, transaction

from foundation.audit.alarms import raise_alarm
from foundation.audit.operations import GATEWAY, SYSTEM, Actor, record_event
from foundation.gateway import strict_json, wire
from foundation.gateway.alarms import MESSAGE_CONFLICT
from foundation.gateway.events import KINDS, Event, read_event
from foundation.gateway.exchanges import CONTEXT, Part, body_row_id
from foundation.gateway.refused import TALLY
from foundation.gateway.signatures import SignatureRefused as SignatureRefused  # noqa: PLC0414  part of this door
from foundation.gateway.signatures import Verified, callback_secrets, verify_callback
from foundation.privacy.encryption import DecryptionFailed, decrypt_bytes, encrypt

log = structlog.get_logger(__name__)

MAXIMUM_BYTES = 256 * 1024  # contract 5
LEASE_SECONDS = 60
MAXIMUM_ATTEMPTS = 10


class InboxError(Exception):
    """A message that is not stored; answer with the status of its class and without details."""


class TooLarge(InboxError):
    """More than 256 KiB: 413."""


class Malformed(InboxError):
    """Signed, but not a message of the contract: 400."""


class ReceiptState(StrEnum):
    """What became of a received message: the first two are answered 200, the last 409."""

    STORED = "STORED"
    DUPLICATE = "DUPLICATE"
    CONFLICT = "CONFLICT"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The acknowledgement: what became of it, and the row that holds the message."""

    state: ReceiptState
    message: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """One message taken by a worker until its lease ends; `fence` proves the claim when it is marked."""

    pk: int
    provider: str
    message_id: str
    kind: str
    received_at: datetime
    fence: int
    event: Event = field(repr=False, compare=False)


class StaleClaim(Exception):
    """Another worker has taken one of these messages since; roll back what was done for them."""


# --- Receiving -------------------------------------------------------------------------------------------------------
def receive(
    *, headers: Mapping[str, str] | Iterable[tuple[str, str]], body: bytes, provider: str = "gateway"
) -> Receipt:
    """Prove and store one message; when this returns STORED it survives a crash.

    Raises:
        TooLarge: Before anything else is looked at.
        SignatureRefused: Not proven to come from the gateway; nothing of it was written, it was counted.
        Malformed: Proven, but not a message of the contract; nothing was written.
    """
    if len(body) > MAXIMUM_BYTES:
        raise TooLarge
    try:
        proof = verify_callback(headers=headers, body=body, secrets=callback_secrets(), now=time.time())
    except SignatureRefused as refusal:
        log.warning("gateway.callback_refused", why=refusal.why, size=len(body))
        TALLY.add()
        raise
    kind = _kind_of(body, proof)
    receipt = _store(provider=provider, message_id=proof.message_id, kind=kind, body=body)
    log.info("gateway.callback", message_id=proof.message_id, kind=kind, state=receipt.state.value, size=len(body))
    return receipt


def _kind_of(body: bytes, proof: Verified) -> str:
    """The message's type, once the envelope is what the contract says; its data is read by the worker."""
    try:
        document = strict_json.loads_object(body)
    except strict_json.NotStrict as error:
        raise Malformed(str(error)) from None
    if document.get("id") != proof.message_id:
        raise Malformed("the id is not the signed one")
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Malformed("the type is unknown")
    if not isinstance(document.get("data"), dict):
        raise Malformed("there is no data")
    return kind


INSERT_MESSAGE = """
INSERT INTO gateway_message (provider, message_id, kind, payload_hash, state, attempts, outcome)
VALUES (%s, %s, %s, %s, 'RECEIVED', 0, '')
ON CONFLICT ON CONSTRAINT gateway_message_once_per_provider DO NOTHING
RETURNING id, received_at
"""
# ON CONFLICT DO NOTHING gives no row for a message that is there, so it is looked up by a statement of its own, which
# sees what a concurrent INSERT has committed meanwhile.
SELECT_MESSAGE = "SELECT id, payload_hash FROM gateway_message WHERE provider = %s AND message_id = %s"
INSERT_BODY = """
INSERT INTO gateway_message_body (at, part, message_id, reference, target, body)
VALUES (%s, 'CALLBACK', %s, %s, '', %s)
"""


@transaction.atomic(durable=True)
def _store(*, provider: str, message_id: str, kind: str, body: bytes) -> Receipt:
    digest = hashlib.sha256(body).digest()
    with connection.cursor() as cursor:
        cursor.execute(INSERT_MESSAGE, [provider, message_id, kind, digest])
        if inserted := cursor.fetchone():
            pk, received_at = inserted
            row_id = body_row_id(part=Part.CALLBACK, reference=message_id, message=pk)
            cursor.execute(INSERT_BODY, [received_at, pk, message_id, encrypt(body, context=CONTEXT, row_id=row_id)])
            return Receipt(ReceiptState.STORED, pk)
        cursor.execute(SELECT_MESSAGE, [provider, message_id])
        pk, stored = cursor.fetchone()
    if bytes(stored) == digest:
        return Receipt(ReceiptState.DUPLICATE, pk)
    # The gateway contradicts itself, or somebody has its secret.
    log.error("gateway.callback_conflict", message_id=message_id, message=pk)
    record_event(
        kind="gateway_message.conflict",
        actor=GATEWAY,
        subject_kind="gateway_message",
        subject_id=pk,
        payload={
            "provider": provider,
            "message_id": message_id,
            "stored_sha256": bytes(stored).hex(),
            "received_sha256": digest.hex(),
        },
    )
    raise_alarm(
        kind=MESSAGE_CONFLICT,
        subject_kind="gateway_message",
        subject_id=pk,
        details={"provider": provider, "message_id": message_id},
    )
    return Receipt(ReceiptState.CONFLICT, pk)


# --- Working off -----------------------------------------------------------------------------------------------------
CLAIM = """
WITH due AS (
    SELECT id FROM gateway_message
    WHERE state = 'RECEIVED' AND due_at <= portal_now() AND kind = ANY(%(kinds)s)
    ORDER BY due_at, id
    LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    UPDATE gateway_message m
    SET attempts = m.attempts + 1, due_at = portal_now() + make_interval(secs => %(lease)s)
    FROM due
    WHERE m.id = due.id
    RETURNING m.id, m.provider, m.message_id, m.kind, m.received_at, m.attempts
)
SELECT taken.*, b.body
FROM taken
LEFT JOIN gateway_message_body b ON b.message_id = taken.id AND b.part = 'CALLBACK' AND b.at = taken.received_at
ORDER BY taken.received_at, taken.id
"""


@transaction.atomic(durable=True)
def claim_batch(limit: int, *, kinds: Sequence[str] = KINDS, lease_seconds: float = LEASE_SECONDS) -> list[Claimed]:
    """Take up to `limit` due messages for `lease_seconds`, in order of arrival, opened and read.

    Messages that cannot be opened or break the contract, and those that were taken ten times without success, go to
    quarantine here and are not returned; so the answer may be shorter than what was due.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"kinds": list(kinds), "limit": limit, "lease": lease_seconds})
        rows = cursor.fetchall()
    claimed: list[Claimed] = []
    unfit: dict[int, str] = {}
    for pk, provider, message_id, kind, received_at, attempts, body in rows:
        if attempts % (MAXIMUM_ATTEMPTS + 1) == 0:  # attempts are fences and never start again, not even by `requeue`
            unfit[pk] = f"taken {MAXIMUM_ATTEMPTS} times without success"
            continue
        if body is None:
            unfit[pk] = "its body is not stored"
            continue
        try:
            event = _open(pk, message_id, body)
        except DecryptionFailed:
            unfit[pk] = "the stored body does not open"
        except (strict_json.NotStrict, wire.NotOfContract) as error:
            unfit[pk] = f"breaks the contract: {error}"
        else:
            claimed.append(Claimed(pk, provider, message_id, kind, received_at, attempts, event))
    _quarantine(unfit)
    return claimed


def _open(pk: int, message_id: str, body: bytes) -> Event:
    row_id = body_row_id(part=Part.CALLBACK, reference=message_id, message=pk)
    return read_event(strict_json.loads_object(decrypt_bytes(body, context=CONTEXT, row_id=row_id)))


FINISH = """
UPDATE gateway_message m
SET state = 'APPLIED', applied_at = portal_now(), due_at = NULL, outcome = given.outcome
FROM unnest(%s::bigint[], %s::integer[], %s::text[]) AS given (id, fence, outcome)
WHERE m.id = given.id AND m.attempts = given.fence AND m.state = 'RECEIVED'
"""
POSTPONE = """
UPDATE gateway_message m
SET due_at = portal_now() + make_interval(secs => %s), outcome = left(%s, 500)
FROM unnest(%s::bigint[], %s::integer[]) AS given (id, fence)
WHERE m.id = given.id AND m.attempts = given.fence AND m.state = 'RECEIVED'
"""


def mark_applied(outcomes: Mapping[Claimed, str] | Collection[Claimed]) -> None:
    """Close claimed messages, with a few words each on what came of them; call it in the transaction of the effect.

    Raises:
        StaleClaim: One of them is no longer this worker's; nothing was marked, roll the effect back.
    """
    words = dict(outcomes) if isinstance(outcomes, Mapping) else dict.fromkeys(outcomes, "")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            FINISH,
            [
                [claim.pk for claim in words],
                [claim.fence for claim in words],
                [outcome[:500] for outcome in words.values()],
            ],
        )
        if cursor.rowcount != len(words):
            raise StaleClaim


def postpone(claims: Collection[Claimed], *, seconds: float, why: str) -> None:
    """Give messages back for later: their transfer is still being recorded (F27), or the bank's line is locked."""
    with connection.cursor() as cursor:
        cursor.execute(POSTPONE, [seconds, why, [claim.pk for claim in claims], [claim.fence for claim in claims]])


def quarantine(reasons: Mapping[Claimed, str]) -> None:
    """Set messages aside for people: an unknown transfer, another amount, two final statuses that contradict (I-26).

    Raises:
        StaleClaim: One of them is no longer this worker's; nothing was set aside.
    """
    words = {claim.pk: why for claim, why in reasons.items()}
    fences = {claim.pk: claim.fence for claim in reasons}
    with transaction.atomic():
        if _quarantine(words, fences) != len(words):
            raise StaleClaim


SET_ASIDE = """
UPDATE gateway_message m
SET state = 'QUARANTINED', due_at = NULL, outcome = left(given.why, 500)
FROM unnest(%s::bigint[], %s::text[], %s::integer[]) AS given (id, why, fence)
WHERE m.id = given.id AND m.state = 'RECEIVED' AND m.attempts = coalesce(given.fence, m.attempts)
"""


def _quarantine(reasons: Mapping[int, str], fences: Mapping[int, int] | None = None) -> int:
    """Set rows aside and tell the trail; gives how many."""
    if not reasons:
        return 0
    fences = fences or {}
    with connection.cursor() as cursor:
        cursor.execute(SET_ASIDE, [list(reasons), list(reasons.values()), [fences.get(pk) for pk in reasons]])
        count = int(cursor.rowcount)
    for pk, why in reasons.items():
        log.error("gateway.message_quarantined", message=pk, why=why)
        record_event(
            kind="gateway_message.quarantined",
            actor=SYSTEM,
            subject_kind="gateway_message",
            subject_id=pk,
            payload={"why": why[:500]},
        )
    return count


REQUEUE = """
UPDATE gateway_message
SET state = 'RECEIVED', due_at = portal_now(), outcome = left(%s, 500)
WHERE id = %s AND state = 'QUARANTINED'
"""


@transaction.atomic(durable=True)
def requeue(*, message: int, by: Actor, why: str) -> bool:
    """Let a message out of quarantine, after what kept it there was repaired; False when it is not in quarantine."""
    with connection.cursor() as cursor:
        cursor.execute(REQUEUE, [why, message])
        if not cursor.rowcount:
            return False
    record_event(
        kind="gateway_message.requeued",
        actor=by,
        subject_kind="gateway_message",
        subject_id=message,
        payload={"why": why[:500]},
    )
    return True
