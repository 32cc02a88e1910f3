"""Taking up what the gateway told us of its own accord: one message a transaction, effect and mark together.

Nothing is settled from a message that names a transfer that we never sent, or another amount (I-26): it is set aside.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from beneficiaries.operations import links
from beneficiaries.operations.accounts import follow_bank_refusals
from foundation.audit.operations import GATEWAY, record_event
from foundation.gateway import inbox
from foundation.gateway.events import AccountLinked, AccountRemoved, PaymentReturns, PaymentStatuses
from foundation.gateway.inbox import Claimed
from foundation.gateway.port import ReturnNotice, TransferAnswer
from payments.failpoints import failpoint
from payments.operations.conflicts import again_on_conflict
from payments.operations.counting import recount
from payments.operations.returns import record_returns
from payments.operations.settle import Word, apply_words

MESSAGES_AT_ONCE = 20
EARLY_SECONDS = 30.0  # a return may overtake the news that its transfer was settled

# Chunks are locked before their transfers, in the order of their ids: everybody who changes transfers does so.
LOCK_CHUNKS = """
SELECT id FROM payments_dispatch_chunk
WHERE id IN (SELECT chunk_id FROM payments_transfer WHERE end_to_end_id = ANY (%s))
ORDER BY id FOR NO KEY UPDATE
"""

# What came before a transfer was first sent cannot be true of it, also when it is read later.
SENT_AS_TOLD = """
SELECT t.end_to_end_id, t.instructed_amount, t.state FROM payments_transfer t
WHERE t.end_to_end_id = ANY (%s) AND t.sent_count > 0 AND t.first_sent_at <= %s
"""


class SetAside(Exception):
    """The message cannot be true of us as it stands."""


class TooEarly(Exception):
    """The message speaks of something that we have not heard of yet."""


def apply_messages() -> int:
    """Take up some of the messages that wait; how many were taken up."""
    claims = inbox.claim_batch(MESSAGES_AT_ONCE)
    for claim in claims:
        try:
            _apply(claim)
        except (SetAside, links.UnknownToRegister) as reason:
            _set_aside(claim, str(reason))
        except TooEarly as reason:
            inbox.postpone([claim], seconds=EARLY_SECONDS, why=str(reason))
        except inbox.StaleClaim:
            continue  # another worker has it now; its effect was rolled back here
    return len(claims)


@transaction.atomic(durable=True)
def _set_aside(claim: Claimed, why: str) -> None:
    inbox.quarantine({claim: why})


@again_on_conflict
@transaction.atomic(durable=True)
def _apply(claim: Claimed) -> None:
    event = claim.event
    if isinstance(event, PaymentStatuses):
        outcome = _apply_statuses(event.statuses, claim=claim)
    elif isinstance(event, PaymentReturns):
        outcome = _apply_returns(event.returns, claim=claim)
    elif isinstance(event, AccountLinked):
        links.record_linked(event=event)
        outcome = "linked"
    elif isinstance(event, AccountRemoved):
        links.record_removed(event=event)
        outcome = "removed"
    failpoint("before_message_marked")
    inbox.mark_applied({claim: outcome})


def _lock(
    cursor: Any, ids: list[str], amounts: list[int | None], *, told_at: datetime
) -> tuple[list[int], dict[str, str]]:
    """Lock the chunks of the transfers named, and make sure that each is one we had sent by then, with that amount."""
    cursor.execute(LOCK_CHUNKS, [ids])
    chunks = [row[0] for row in cursor.fetchall()]
    cursor.execute(SENT_AS_TOLD, [ids, told_at])
    known = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
    for end_to_end_id, amount in zip(ids, amounts, strict=True):
        if end_to_end_id not in known:
            raise SetAside("a transfer that we never sent")
        if amount != known[end_to_end_id][0]:
            raise SetAside("another amount than we sent")
    return chunks, {end_to_end_id: state for end_to_end_id, (_, state) in known.items()}


def _apply_statuses(statuses: Sequence[TransferAnswer], *, claim: Claimed) -> str:
    with connection.cursor() as cursor:
        chunks, _ = _lock(
            cursor,
            [item.end_to_end_id for item in statuses],
            [item.instructed_amount for item in statuses],
            told_at=claim.received_at,
        )
        applied = apply_words(cursor, chunk_ids=chunks, words=[Word.of(item) for item in statuses])
        recount(cursor, chunk_ids=chunks, release=False)
    follow_bank_refusals(refusals=applied.refused_accounts)
    for chunk_id in chunks:
        record_event(
            kind="chunk.told",
            actor=GATEWAY,
            subject_kind="chunk",
            subject_id=chunk_id,
            payload={"gateway_message": claim.pk, "moved": applied.moved, "contradicted": applied.contradicted},
        )
    return f"moved {sum(applied.moved.values())} of {len(statuses)}"


def _apply_returns(notices: Sequence[ReturnNotice], *, claim: Claimed) -> str:
    with connection.cursor() as cursor:
        chunks, states = _lock(
            cursor,
            [item.end_to_end_id for item in notices],
            [item.instructed_amount for item in notices],
            told_at=claim.received_at,
        )
        if any(state in ("SENDING", "ACCEPTED", "UNKNOWN") for state in states.values()):
            raise TooEarly("returned before it was known to be settled")
        if any(state not in ("SETTLED", "RETURNED") for state in states.values()):
            raise SetAside("a return of a transfer that was never settled")
        taken, accounts = record_returns(cursor, chunk_ids=chunks, notices=notices)
        if taken < sum(state == "SETTLED" for state in states.values()):
            raise SetAside("a return under the number of another")
    follow_bank_refusals(refusals=accounts)
    for chunk_id in chunks:
        record_event(
            kind="chunk.returned",
            actor=GATEWAY,
            subject_kind="chunk",
            subject_id=chunk_id,
            payload={"gateway_message": claim.pk, "returns": [notice.return_id for notice in notices]},
        )
    return f"returned {taken} of {len(notices)}"
