"""What becomes of a payment that machines cannot decide: two persons say it, with a paper, and books and counts follow at once.

In review: SETTLED (with the bank's reference), REJECTED, CANCELLED, or UNKNOWN, which asks the bank again. Where the bank has
contradicted its own final word: that the state stands, which clears the contradiction, or, where it had said "not paid" first,
that it did pay. Until then the lines are kept from every new list.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from foundation.audit.operations import SYSTEM, record_event
from foundation.users.models import User
from payments.errors import FundTooLow, InvalidMove, OwnPayment, ReferenceNeeded, WrongInput
from payments.models import DispatchChunk, Proposal, Transfer
from payments.operations.acting import lock_batch
from payments.operations.counting import recount
from payments.operations.following import lock_followers, stop_followers
from payments.operations.telling import tell_of_rejections
from payments.states import (
    SAID_PAID,
    TRANSFER_ENDED_UNPAID,
    TRANSFER_MOVES,
    EntryKind,
    LedgerAccount,
    Route,
    SettlementLevel,
    TransferState,
)

REFERENCE_MAX = 35


def outcomes(transfer: Transfer) -> tuple[TransferState, ...]:
    """What may be decided of a transfer now; nothing where it is not for people. Its batch is at hand."""
    state = TransferState(transfer.state)
    if state == TransferState.REVIEW:
        open_ways = TRANSFER_MOVES[TransferState.REVIEW]
        # Only what was sent can be asked about.
        asks = transfer.route == Route.GATEWAY and transfer.sent_count > 0
        return tuple(way for way in ORDER if way in open_ways and (asks or way != TransferState.UNKNOWN))
    if state in TRANSFER_ENDED_UNPAID and transfer.conflicting_status in SAID_PAID and transfer.batch.reserved_at:
        return (TransferState.SETTLED, state)
    return (state,) if transfer.conflicting_status else ()


ORDER = (TransferState.SETTLED, TransferState.REJECTED, TransferState.UNKNOWN, TransferState.CANCELLED)


def check_decision(proposal: Proposal, by: User, _at: datetime) -> None:
    """Whether this could be decided now.

    Raises:
        InvalidMove: The transfer is not for people, or not for this outcome.
        ReferenceNeeded: It is said to be paid, and no reference of the bank's stands with it.
        OwnPayment: `by` is the one who is paid.
    """
    _decidable(proposal, by)


def apply_decision(proposal: Proposal, by: User, _at: datetime) -> None:
    """Move the transfer, book what follows, and count its chunk anew.

    Raises:
        FundTooLow: The bank paid, and what had gone back to the fund is not there any more.
    """
    transfer = _decidable(proposal, by)
    outcome, was = TransferState(proposal.outcome), transfer.state
    with connection.cursor() as cursor:
        if was in TRANSFER_ENDED_UNPAID and outcome == TransferState.SETTLED:
            _find_paid(cursor, transfer, proposal)
        elif was != outcome:
            cursor.execute(MOVE, _move(transfer, proposal, outcome))
            assert cursor.rowcount == 1
            _book(cursor, transfer, outcome)
            if outcome == TransferState.REJECTED:
                tell_of_rejections(transfer_ids=[transfer.pk])
            recount(cursor, chunk_ids=[transfer.chunk_id], release=False)
        else:
            cursor.execute(
                "UPDATE payments_transfer SET conflicting_status = '', decision_id = %s WHERE id = %s",
                [proposal.pk, transfer.pk],
            )
        if outcome == TransferState.UNKNOWN:
            cursor.execute(
                "UPDATE payments_dispatch_chunk SET due_at = portal_now() WHERE id = %s", [transfer.chunk_id]
            )
    record_event(
        kind="transfer.decided",
        actor=by.actor,
        subject_kind="transfer",
        subject_id=transfer.pk,
        payload={
            "from": was,
            "to": outcome,
            "reason": proposal.reason,
            "proposal": proposal.pk,
            "conflict": transfer.conflicting_status,
        },
    )


def _decidable(proposal: Proposal, by: User) -> Transfer:
    """The transfer, locked after its batch and chunk."""
    place = Transfer.objects.only("batch_id", "chunk_id", "end_to_end_id").get(pk=proposal.subject_id)
    lock_batch(place.batch_id)
    DispatchChunk.objects.select_for_update(of=("self",), no_key=True).get(pk=place.chunk_id)
    with connection.cursor() as cursor:
        lock_followers(cursor, end_to_end_ids=[place.end_to_end_id])
    transfer = (
        Transfer.objects.select_for_update(of=("self",), no_key=True)
        .select_related("payee__person", "batch")
        .get(pk=place.pk)
    )
    if proposal.outcome not in outcomes(transfer):
        raise InvalidMove(transfer.state)
    if proposal.outcome == TransferState.SETTLED and transfer.state != TransferState.SETTLED:
        reference = str(proposal.details.get("bank_reference", "")).strip()
        if not reference:
            raise ReferenceNeeded
        if len(reference) > REFERENCE_MAX:
            raise WrongInput("bank_reference")
    payee = transfer.payee.person
    if payee is not None and by.is_human_of(payee.national_id_index):
        raise OwnPayment
    return transfer


MOVE = """
UPDATE payments_transfer
SET state = %(state)s, decision_id = %(decision)s, conflicting_status = '', settlement_level = %(level)s,
    bank_reference = coalesce(nullif(%(reference)s, ''), bank_reference),
    ended_at = CASE WHEN %(ends)s THEN portal_now() END, due_at = CASE WHEN %(ends)s THEN NULL ELSE portal_now() END
WHERE id = %(transfer)s AND state = 'REVIEW'
"""


def _move(transfer: Transfer, proposal: Proposal, outcome: TransferState) -> dict[str, Any]:
    cash = transfer.route in (Route.WARD_CASH, Route.PAYMENT_SERVICE)
    paid = SettlementLevel.CASH if cash else SettlementLevel.DEBTOR
    return {
        "transfer": transfer.pk,
        "state": str(outcome),
        "decision": proposal.pk,
        "level": str(paid) if outcome == TransferState.SETTLED else "",
        "reference": str(proposal.details.get("bank_reference", "")).strip()
        if outcome == TransferState.SETTLED
        else "",
        "ends": outcome != TransferState.UNKNOWN,
    }


# What had gone back to the fund leaves it again; both rows in one statement, so that nothing rests in between. A list that was
# reconciled stays as it was sealed. What a statement said all along is no difference any more.
FIND_PAID = """
UPDATE payments_transfer
SET state = 'SETTLED', decision_id = %(decision)s, transaction_status = conflicting_status, conflicting_status = '',
    settlement_level = %(level)s, bank_reference = %(reference)s, ended_at = portal_now(), due_at = NULL
WHERE id = %(transfer)s AND state IN ('REJECTED', 'CANCELLED')
"""
BOOK_PAID = """
INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
SELECT b.fund_id, leg.kind, leg.debit, leg.credit, t.instructed_amount, t.id, portal_now()
FROM payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id
CROSS JOIN (VALUES ('UNVOID', 'FUNDING', 'RESERVED'), ('POST', 'RESERVED', 'PAID')) AS leg(kind, debit, credit)
WHERE t.id = %(transfer)s
"""
ADJUST = """
INSERT INTO payments_batch_adjustment (batch_id, transfer_id, kind, amount)
SELECT b.id, t.id, 'PAID', t.instructed_amount FROM payments_transfer t JOIN payments_payout_batch b ON b.id = t.batch_id
WHERE t.id = %(transfer)s AND b.state IN ('RECONCILED', 'CLOSED')
"""
EXPLAINED = """
UPDATE payments_difference SET state = 'CLOSED', outcome = 'PAID', closed_at = portal_now()
WHERE transfer_id = %(transfer)s AND kind = 'STATE' AND state = 'OPEN'
"""
LEVELS = {
    Route.TREASURY_FILE: SettlementLevel.TREASURY,
    Route.PAYMENT_SERVICE: SettlementLevel.SERVICE,
    Route.WARD_CASH: SettlementLevel.CASH,
}


def _find_paid(cursor: Any, transfer: Transfer, proposal: Proposal) -> None:
    by_bank = SettlementLevel.CREDITOR if transfer.conflicting_status == "ACCC" else SettlementLevel.DEBTOR
    given = {
        "transfer": transfer.pk,
        "decision": proposal.pk,
        "level": str(LEVELS.get(Route(transfer.route), by_bank)),
        "reference": str(proposal.details["bank_reference"]).strip(),
    }
    cursor.execute(FIND_PAID, given)
    assert cursor.rowcount == 1
    try:
        with transaction.atomic():
            cursor.execute(BOOK_PAID, given)
    except IntegrityError as error:
        if "fund_balance_never_negative" in str(error):
            raise FundTooLow from error
        raise
    recount(cursor, chunk_ids=[transfer.chunk_id], release=False)
    stop_followers(cursor, end_to_end_ids=[transfer.end_to_end_id])
    cursor.execute(EXPLAINED, given)
    cursor.execute(ADJUST, given)
    if cursor.rowcount:
        record_event(
            kind="batch.paid_after_all",
            actor=SYSTEM,
            subject_kind="batch",
            subject_id=transfer.batch_id,
            payload={"transfer": transfer.pk, "sum": transfer.instructed_amount},
        )


BOOK = """
INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at)
VALUES (%s, %s, %s, %s, %s, %s, portal_now())
"""


def _book(cursor: Any, transfer: Transfer, outcome: TransferState) -> None:
    if outcome == TransferState.UNKNOWN:
        return
    paid = outcome == TransferState.SETTLED
    kind = EntryKind.POST if paid else EntryKind.VOID
    to = LedgerAccount.PAID if paid else LedgerAccount.FUNDING
    fund, amount = transfer.batch.fund_id, transfer.instructed_amount
    cursor.execute(BOOK, [fund, str(kind), str(LedgerAccount.RESERVED), str(to), amount, transfer.pk])
