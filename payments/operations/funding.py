"""Papers about a fund's money, which one person records and another confirms: what the Treasury gives, what banks charge for
their work, what people pay back.
"""

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from foundation.audit.operations import record_event
from foundation.reference.amounts import AMOUNT_MAX
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import AlreadyDecided, FundClosed, FundTooLow, RecoveryExceeded, WrongInput
from payments.models import Fund, FundingVoucher, LedgerEntry, Recovery
from payments.operations.acting import checked_reason, require
from payments.operations.second_person import decide
from payments.states import ENTRY_ACCOUNTS, EntryKind, RecoveryState, VoucherKind, VoucherState

NUMBER_MAX = 60
# A year that is over gets no new money; what was paid in error still comes back, and the bank still sends its last invoice.
NEEDS_OPEN_FUND = (VoucherKind.FUND, VoucherKind.FUND_FEES)


@transaction.atomic(durable=True)
def record_voucher(
    *,
    fund_id: int,
    number: str,
    voucher_date: date,
    amount: int,
    by: User,
    at: datetime,
    kind: VoucherKind = VoucherKind.FUND,
    recovery_id: int | None = None,
) -> FundingVoucher:
    """Write down a paper; it counts only when a second person has confirmed it.

    Raises:
        NotInAuthority: `by` may not record funding for the fund's unit.
        WrongInput: The amount is not positive, the day lies ahead, or the paper is recorded already (`number`); a paper of money
            paid back does not name a recovery of this fund's unit and programmes that is under way.
        FundClosed: The fund's year is closed and takes no new money.
        RecoveryExceeded: More than is left to be paid back.
    """
    fund = Fund.objects.get(pk=fund_id)
    require(by=by, permission=Permission.RECORD_FUNDING, unit_code=fund.unit_id, at=at)
    number = " ".join(number.split())
    if not 0 < amount <= AMOUNT_MAX:
        raise WrongInput("amount")
    if not number or len(number) > NUMBER_MAX:
        raise WrongInput("number")
    if voucher_date > at.astimezone(access.CITY_TIME).date():
        raise WrongInput("voucher_date")
    if kind in NEEDS_OPEN_FUND and not fund.is_open:
        raise FundClosed
    recovery = _paid_back(fund, kind, recovery_id, amount)
    try:
        with transaction.atomic():
            voucher = FundingVoucher.objects.create(
                fund=fund,
                kind=kind,
                number=number,
                voucher_date=voucher_date,
                amount=amount,
                recovery=recovery,
                recorded_by=by,
                recorded_by_person=by.person_fingerprint,
            )
    except IntegrityError as error:
        if "funding_voucher_once" in str(error):
            raise WrongInput("number") from error
        raise
    _record(voucher, "recorded", by, {"fund": fund.code, "number": voucher.number})
    return voucher


def _paid_back(fund: Fund, kind: VoucherKind, recovery_id: int | None, amount: int) -> Recovery | None:
    """The recovery that a paper of money paid back is about; nothing for any other paper."""
    if kind != VoucherKind.RECOVER:
        return None
    if recovery_id is None:
        raise WrongInput("recovery")
    found = Recovery.objects.filter(
        pk=recovery_id, state=RecoveryState.CONFIRMED, entitlement__programme_line__programme__funds=fund
    )
    if fund.unit_id is not None:
        found = found.filter(entitlement__unit=fund.unit_id)
    recovery = found.first()
    if recovery is None:
        raise WrongInput("recovery")
    if amount > recovery.remaining_amount:
        raise RecoveryExceeded
    return recovery


@transaction.atomic(durable=True)
def confirm_voucher(*, voucher_id: int, by: User, at: datetime) -> None:
    """The second person confirms a paper: it is booked now.

    Raises:
        AlreadyDecided: It is decided already.
        NotInAuthority: `by` may not confirm funding for the fund's unit.
        OwnRecord: The same human recorded it.
        FundClosed: The fund was closed since, and takes no new money.
        FundTooLow: The invoice is larger than the fund's money for fees.
        RecoveryExceeded: More than is left to be paid back; lists or other papers were quicker.
    """
    voucher = _lock(voucher_id, by, at)
    fund = Fund.objects.select_for_update(of=("self",), no_key=True).get(pk=voucher.fund_id)
    kind = EntryKind(voucher.kind)
    if voucher.kind in NEEDS_OPEN_FUND and not fund.is_open:
        raise FundClosed
    try:
        with transaction.atomic():
            decide(voucher, state=VoucherState.CONFIRMED, by=by, at=at)
            debit, credit = ENTRY_ACCOUNTS[kind]
            LedgerEntry.objects.create(
                fund=fund, kind=kind, debit=debit, credit=credit, amount=voucher.amount, voucher=voucher
            )
    except IntegrityError as error:
        if "fund_balance_never_negative" in str(error):
            raise FundTooLow from error
        if "recovery_never_more_than_total" in str(error) or "funding_voucher_recovery_counted" in str(error):
            raise RecoveryExceeded from error
        raise
    _record(voucher, "confirmed", by, {})


@transaction.atomic(durable=True)
def refuse_voucher(*, voucher_id: int, reason: str, by: User, at: datetime) -> None:
    """The second person does not confirm a paper, and says why: no money moves, and its number may be recorded anew.

    Raises:
        AlreadyDecided, NotInAuthority, OwnRecord: As for `confirm_voucher`.
        WrongInput: As `checked_reason` says.
    """
    reason = checked_reason(reason)
    voucher = _lock(voucher_id, by, at)
    decide(voucher, state=VoucherState.REFUSED, by=by, at=at, reason=reason)
    _record(voucher, "refused", by, {"reason": reason})


def _lock(voucher_id: int, by: User, at: datetime) -> FundingVoucher:
    voucher = FundingVoucher.objects.select_for_update(of=("self",), no_key=True).get(pk=voucher_id)
    if voucher.state != VoucherState.RECORDED:
        raise AlreadyDecided(voucher.state)
    require(by=by, permission=Permission.CONFIRM_FUNDING, unit_code=voucher.fund.unit_id, at=at)
    return voucher


def _record(voucher: FundingVoucher, what: str, by: User, payload: dict[str, Any]) -> None:
    record_event(
        kind=f"voucher.{what}",
        actor=by.actor,
        subject_kind="voucher",
        subject_id=voucher.pk,
        payload={"kind": voucher.kind, "amount": voucher.amount, **payload},
    )
