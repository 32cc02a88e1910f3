"""Unpaid money goes back to the budget, at the end of a quarter or a year, by two persons; they may close the year with it.

What is proposed is a sum of one account. Whatever lists reserve meanwhile, the database lets no account fall below zero: whoever
comes second is refused.
"""

from datetime import datetime

from django.db import IntegrityError, transaction

from foundation.audit.operations import record_event
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import FundClosed, FundTooLow, WrongInput
from payments.models import Fund, FundBalance, LedgerEntry, Proposal
from payments.operations.proposals import Effect, Subject
from payments.states import ENTRY_ACCOUNTS, REMIT_OF_ACCOUNT, LedgerAccount

KEEP, CLOSE = "KEEP", "CLOSE"


def subject_of(fund: Fund) -> Subject:
    """The fund as the subject of a proposal."""
    return Subject("fund", fund.pk, fund.unit_id)


def details_of(*, account: LedgerAccount, amount: int) -> dict[str, str | int]:
    """What is handed back, as the proposal keeps it; the ledger's own rule reads it again."""
    return {"account": str(account), "amount": amount}


def _asked(proposal: Proposal) -> tuple[LedgerAccount, int]:
    account, amount = proposal.details.get("account"), proposal.details.get("amount")
    if account not in REMIT_OF_ACCOUNT:
        raise WrongInput("account")
    # A year may be closed with nothing left in it.
    if not isinstance(amount, int) or amount < (0 if proposal.outcome == CLOSE else 1):
        raise WrongInput("amount")
    if proposal.outcome not in (KEEP, CLOSE):
        raise WrongInput("outcome")
    return LedgerAccount(account), amount


def _check(proposal: Proposal, by: User, at: datetime) -> None:
    account, amount = _asked(proposal)
    fund = Fund.objects.get(pk=proposal.subject_id)
    if proposal.outcome == CLOSE and not fund.is_open:
        raise FundClosed
    if FundBalance.objects.get(fund=fund, account=account).balance < amount:
        raise FundTooLow


def _apply(proposal: Proposal, by: User, at: datetime) -> None:
    account, amount = _asked(proposal)
    fund = Fund.objects.select_for_update(of=("self",), no_key=True).get(pk=proposal.subject_id)
    if amount:
        kind = REMIT_OF_ACCOUNT[account]
        debit, credit = ENTRY_ACCOUNTS[kind]
        try:
            with transaction.atomic():
                LedgerEntry.objects.create(
                    fund=fund, kind=kind, debit=debit, credit=credit, amount=amount, proposal=proposal
                )
        except IntegrityError as error:
            if "fund_balance_never_negative" in str(error):
                raise FundTooLow from error
            raise
    if proposal.outcome == CLOSE:
        if not fund.is_open:
            raise FundClosed
        fund.is_open = False
        fund.save(update_fields=["is_open"])
    record_event(
        kind="fund.remitted",
        actor=by.actor,
        subject_kind="fund",
        subject_id=fund.pk,
        payload={"account": account, "amount": amount, "closed": proposal.outcome == CLOSE},
    )


REMIT_FUNDS = Effect(
    proposed_with=Permission.RECORD_FUNDING,
    decided_with=Permission.CONFIRM_FUNDING,
    needs_evidence=False,
    check=_check,
    apply=_apply,
)
