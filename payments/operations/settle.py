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
     WHERE state = 'REJECTED' AND payout_account_id IS NOT NULL)
"""

# Ends are counted anew from the transfers, so that a count can never drift. A leased chunk keeps its lease unless its holder
# lets go (`release`); a waiting one keeps its due time unless it has just been worked on.
RECOUNT = """
UPDATE payments_dispatch_chunk c
SET settled_count = n.settled, settled_sum = n.settled_sum, rejected_count = n.rejected, rejected_sum = n.rejected_sum,
    returned_count = n.returned, returned_sum = n.returned_sum,
    cancelled_count = n.cancelled, cancelled_sum = n.cancelled_sum, review_count = n.review,
    answered_count = n.answered, answered_sum = n.answered_sum,
    state = CASE
        WHEN c.state = 'PLANNED' AND n.planned > 0 THEN c.state
        WHEN c.state IN ('LEASED_SEND', 'LEASED_INQUIRY') AND NOT %(release)s THEN c.state
        WHEN n.unknown > 0 THEN 'INQUIRY'  -- questions first: they go on while a batch is held, sends do not
        WHEN n.ready > 0 THEN 'READY'
        WHEN n.asked > 0 THEN 'INQUIRY'
        WHEN n.review > 0 THEN 'PARKED'
        ELSE 'DONE' END,
    lease_until = CASE WHEN %(release)s THEN NULL ELSE c.lease_until END,
    due_at = CASE WHEN NOT %(release)s THEN c.due_at
        WHEN n.ready > 0 AND n.unknown = 0 AND %(soon)s THEN portal_now()
        WHEN n.ready > 0 OR n.unknown > 0 THEN portal_now() + greatest(%(wait)s,
            least(%(longest)s, power(2, least(c.attempts, 10))) * (0.5 + random() / 2)) * interval '1 second'
        ELSE portal_now() + least(%(longest)s, %(accepted_sla)s * power(2, least(greatest(c.attempts - 1, 0), 5)))
            * interval '1 second' END
FROM (
    SELECT chunk_id,
        count(*) FILTER (WHERE state = 'SETTLED') AS settled,
        coalesce(sum(instructed_amount) FILTER (WHERE state = 'SETTLED'), 0) AS settled_sum,
        count(*) FILTER (WHERE state = 'REJECTED') AS rejected,
        coalesce(sum(instructed_amount) FILTER (WHERE state = 'REJECTED'), 0) AS rejected_sum,
        count(*) FILTER (WHERE state = 'RETURNED') AS returned,
        coalesce(sum(instructed_amount) FILTER (WHERE state = 'RETURNED'), 0) AS returned_sum,
        count(*) FILTER (WHERE state = 'CANCELLED') AS cancelled,
        coalesce(sum(instructed_amount) FILTER (WHERE state = 'CANCELLED'), 0) AS cancelled_sum,
        count(*) FILTER (WHERE state = 'PLANNED') AS planned,
        count(*) FILTER (WHERE transaction_status IN ('ACSC', 'ACCC')) AS answered,
        coalesce(sum(instructed_amount) FILTER (WHERE transaction_status IN ('ACSC', 'ACCC')), 0) AS answered_sum,
        count(*) FILTER (WHERE state IN ('READY', 'HANDED_OVER')) AS ready,
        count(*) FILTER (WHERE state IN ('SENDING', 'UNKNOWN', 'ACCEPTED')) AS asked,
        count(*) FILTER (WHERE state IN ('SENDING', 'UNKNOWN')) AS unknown,
        count(*) FILTER (WHERE state = 'REVIEW') AS review
    FROM payments_transfer WHERE chunk_id = ANY (%(chunks)s)
    GROUP BY chunk_id
) AS n
WHERE c.id = n.chunk_id
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a set of words did: transfers moved by new state, ids in conflict, accounts that a bank refused with why."""

    moved: dict[str, int]
    contradicted: list[str]
    refused_accounts: list[tuple[int, str]]


def apply_words(cursor: Any, *, chunk_ids: list[int], words: Iterable[Word]) -> Applied:
    """Move the transfers of locked chunks by what the bank said, and book what ended, in one statement."""
    words = list(words)
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
    moved, contradicted, refused = cursor.fetchone()
    accounts = [tuple(item.split(":", 1)) for item in refused or []]
    return Applied(
        json.loads(moved or "{}"), contradicted or [], [(int(account), reason) for account, reason in accounts]
    )


def recount(
    cursor: Any, *, chunk_ids: list[int], release: bool, wait_seconds: float = 0.0, soon: bool = False
) -> None:
    """Count ends anew and give each chunk its next state; with `release` its lease ends and its next look is set.

    `soon`: lines that are left are to go at once, since the bank has just answered.
    """
    cursor.execute(
        RECOUNT,
        {
            "chunks": chunk_ids,
            "release": release,
            "soon": soon,
            "wait": wait_seconds,
            "accepted_sla": settings.DISPATCH_ACCEPTED_SLA,
            "longest": settings.DISPATCH_LONGEST_WAIT,
        },
    )
