"""Applying what the bank says to transfers, chunks and the ledger: a handful of statements a message, never one a transfer.

The rank rule (I-25) stands in the allowed old states: a final word is kept whatever comes later; a final word that
contradicts an earlier one is noted on the transfer for people, and nothing moves.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from foundation.gateway.codes import Outcome
from foundation.gateway.port import TransferAnswer
from payments.operations.following import lock_followers, stop_followers
from payments.operations.telling import tell_of_rejections
from payments.states import SettlementLevel, TransferState

TARGET: dict[Outcome, tuple[TransferState, str]] = {
    Outcome.ACCEPTED: (TransferState.ACCEPTED, ""),
    Outcome.SETTLED_DEBTOR: (TransferState.SETTLED, SettlementLevel.DEBTOR),
    Outcome.SETTLED_CREDITOR: (TransferState.SETTLED, SettlementLevel.CREDITOR),
    Outcome.REJECTED: (TransferState.REJECTED, ""),
    Outcome.REVIEW: (TransferState.REVIEW, ""),
    Outcome.UNKNOWN: (TransferState.UNKNOWN, ""),
}


@dataclass(frozen=True, slots=True)
class Word:
    """What the bank says of one transfer."""

    end_to_end_id: str
    outcome: Outcome
    status: str
    reason: str
    bank_reference: str = ""

    @classmethod
    def of(cls, answer: TransferAnswer) -> "Word":
        """What an answer or a callback says, as it is applied."""
        return cls(
            answer.end_to_end_id,
            answer.outcome,
            answer.transaction_status,
            answer.status_reason or "",
            answer.bank_reference or "",
        )


# An answer that says nothing (UNKNOWN) moves only what was being sent; a word that repeats the present state moves nothing.
APPLY = """
WITH word AS (
    SELECT * FROM unnest(%(ids)s::text[], %(states)s::text[], %(levels)s::text[], %(statuses)s::text[], %(reasons)s::text[],
                         %(references)s::text[]) AS w(end_to_end_id, state, level, status, reason, reference)
), moved AS (
    UPDATE payments_transfer t
    SET state = word.state, settlement_level = word.level, transaction_status = word.status, status_reason = word.reason,
        bank_reference = coalesce(nullif(word.reference, ''), t.bank_reference),
        ended_at = CASE WHEN word.state IN ('SETTLED', 'REJECTED') THEN portal_now() END,
        due_at = CASE WHEN word.state IN ('SETTLED', 'REJECTED') THEN NULL
                      ELSE portal_now() + %(accepted_sla)s * interval '1 second' END
    FROM word
    WHERE t.end_to_end_id = word.end_to_end_id AND t.chunk_id = ANY (%(chunks)s)
      AND t.state IN ('SENDING', 'ACCEPTED', 'UNKNOWN') AND t.state <> word.state
      AND (word.state <> 'UNKNOWN' OR t.state = 'SENDING')
    RETURNING t.id, t.batch_id, t.instructed_amount, t.state, t.payout_account_id, t.status_reason
), booked AS (
    INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
    SELECT b.fund_id,
           CASE moved.state WHEN 'SETTLED' THEN 'POST' ELSE 'VOID' END, 'RESERVED',
           CASE moved.state WHEN 'SETTLED' THEN 'PAID' ELSE 'FUNDING' END,
           moved.instructed_amount, moved.id, portal_now()
    FROM moved JOIN payments_payout_batch b ON b.id = moved.batch_id
    WHERE moved.state IN ('SETTLED', 'REJECTED')
), credited AS (
    UPDATE payments_transfer t SET settlement_level = 'CREDITOR', transaction_status = word.status,
        bank_reference = coalesce(nullif(word.reference, ''), t.bank_reference)
    FROM word
    WHERE t.end_to_end_id = word.end_to_end_id AND t.chunk_id = ANY (%(chunks)s)
      AND t.state = 'SETTLED' AND t.settlement_level = 'DEBTOR' AND word.level = 'CREDITOR'
), contradicted AS (
    UPDATE payments_transfer t SET conflicting_status = word.status
    FROM word
    WHERE t.end_to_end_id = word.end_to_end_id AND t.chunk_id = ANY (%(chunks)s) AND t.conflicting_status = ''
      AND ((t.state IN ('SETTLED', 'RETURNED') AND word.state = 'REJECTED')
        OR (t.state IN ('REJECTED', 'CANCELLED') AND word.state = 'SETTLED'))
    RETURNING t.end_to_end_id
)
SELECT
    (SELECT jsonb_object_agg(state, count) FROM (SELECT state, count(*) FROM moved GROUP BY state) AS c),
    (SELECT array_agg(end_to_end_id) FROM contradicted),
    (SELECT array_agg(payout_account_id || ':' || status_reason) FROM moved
     WHERE state = 'REJECTED' AND payout_account_id IS NOT NULL),
    (SELECT array_agg(id) FROM moved WHERE state = 'REJECTED')
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a set of words did: transfers moved by new state, ids in conflict, accounts that a bank refused with why."""

    moved: dict[str, int]
    contradicted: list[str]
    refused_accounts: list[tuple[int, str]]


def apply_words(cursor: Any, *, chunk_ids: list[int], words: Iterable[Word]) -> Applied:
    """Move the transfers of locked chunks by what the bank said, and book what ended, in one statement.

    Payees are told of what was refused. Where a payment that had ended unpaid is said to be paid, what took its place is
    stopped (`following`).
    """
    words = list(words)
    paid = [word.end_to_end_id for word in words if TARGET[word.outcome][0] == TransferState.SETTLED]
    lock_followers(cursor, end_to_end_ids=paid)
    targets = [TARGET[word.outcome] for word in words]
    cursor.execute(
        APPLY,
        {
            "ids": [word.end_to_end_id for word in words],
            "states": [str(state) for state, _ in targets],
            "levels": [str(level) for _, level in targets],
            "statuses": [word.status[:4] for word in words],
            "reasons": [word.reason[:4] for word in words],
            "references": [word.bank_reference for word in words],
            "chunks": chunk_ids,
            "accepted_sla": settings.DISPATCH_ACCEPTED_SLA,
        },
    )
    moved, contradicted, refused, rejected = cursor.fetchone()
    stop_followers(cursor, end_to_end_ids=contradicted or [])
    tell_of_rejections(transfer_ids=rejected or [])
    accounts = [tuple(item.split(":", 1)) for item in refused or []]
    return Applied(
        json.loads(moved or "{}"), contradicted or [], [(int(account), reason) for account, reason in accounts]
    )
