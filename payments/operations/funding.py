"""Money enters a fund by a Treasury paper that one person records and another confirms."""

from datetime import date, datetime

from django.db import IntegrityError, transaction

from foundation.audit.operations import record_event
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import FourEyesViolation, InvalidMove, WrongInput
from payments.models import Fund, FundingVoucher, LedgerEntry
from payments.operations.acting import require
from payments.states import ENTRY_ACCOUNTS, EntryKind, VoucherState


@transaction.atomic(durable=True)
def record_voucher(
    *, fund_id: int, number: str, voucher_date: date, amount: int, by: User, at: datetime
) -> FundingVoucher:
    """Write down a paper by which money came; it counts only when a second person has confirmed it.

    Raises:
        NotInAuthority: `by` may not record funding for the fund's unit.
        WrongInput: The amount is not positive, or the paper is recorded already.
    """
    fund = Fund.objects.get(pk=fund_id)
    require(by=by, permission=Permission.RECORD_FUNDING, unit_code=fund.unit_id, at=at)
    if amount <= 0 or not number.strip():
        raise WrongInput("amount")
    try:
        with transaction.atomic():
            voucher = FundingVoucher.objects.create(
                fund=fund,
                number=number.strip(),
                voucher_date=voucher_date,
                amount=amount,
                recorded_by=by,
                recorded_by_person=by.person_fingerprint,
            )
    except IntegrityError as error:
        if "funding_voucher_once" in str(error):
            raise WrongInput("number") from error
        raise
    record_event(
        kind="voucher.recorded",
        actor=by.actor,
        subject_kind="voucher",
        subject_id=voucher.pk,
        payload={"fund": fund.code, "number": voucher.number, "amount": amount},
    )
    return voucher


@transaction.atomic(durable=True)
def confirm_voucher(*, voucher_id: int, by: User, at: datetime) -> None:
    """The second person confirms a paper: its money is in the fund from now on.

    Raises:
        InvalidMove: It is decided already.
        NotInAuthority: `by` may not confirm funding for the fund's unit.
        FourEyesViolation: The same human recorded it.
    """
    voucher = FundingVoucher.objects.select_for_update(of=("self",), no_key=True).get(pk=voucher_id)
    if voucher.state != VoucherState.RECORDED:
        raise InvalidMove(voucher.state)
    require(by=by, permission=Permission.CONFIRM_FUNDING, unit_code=voucher.fund.unit_id, at=at)
    voucher.state, voucher.decided_by, voucher.decided_at = VoucherState.CONFIRMED, by, at
    voucher.decided_by_person = by.person_fingerprint
    try:
        with transaction.atomic():
            voucher.save(update_fields=["state", "decided_by", "decided_at", "decided_by_person"])
    except IntegrityError as error:
        if "funding_voucher_decided_by_second_person" in str(error):
            raise FourEyesViolation from error
        raise
    debit, credit = ENTRY_ACCOUNTS[EntryKind.FUND]
    LedgerEntry.objects.create(
        fund=voucher.fund, kind=EntryKind.FUND, debit=debit, credit=credit, amount=voucher.amount, voucher=voucher
    )
    record_event(
        kind="voucher.confirmed",
        actor=by.actor,
        subject_kind="voucher",
        subject_id=voucher.pk,
        payload={"amount": voucher.amount},
    )
