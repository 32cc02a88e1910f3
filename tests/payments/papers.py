"""Papers of a ward's money in the hands of its officers: vouchers, recoveries, money handed back to the budget."""

from datetime import date
from typing import Any

from beneficiaries.models import Entitlement, Payee
from payments.models import Fund, FundingVoucher, Proposal, Recovery
from payments.operations import funding, proposals, recover
from payments.operations.money_effects import MONEY_EFFECTS, propose_remittance
from payments.operations.remit import KEEP
from payments.states import LedgerAccount, RecoveryBasis, VoucherKind
from tests.factories import PERIOD, Office

REASON = "Theo quyết định của Uỷ ban nhân dân phường"
PAPER_DAY = date(2026, 11, 1)


def give(office: Office, amount: int, *, number: str = "CT-2", kind: VoucherKind = VoucherKind.FUND) -> FundingVoucher:
    """A paper that the accountant records and the approver confirms."""
    voucher = funding.record_voucher(
        fund_id=office.fund.pk,
        kind=kind,
        number=number,
        voucher_date=PAPER_DAY,
        amount=amount,
        by=office.accountant,
        at=office.at(),
    )
    funding.confirm_voucher(voucher_id=voucher.pk, by=office.approver, at=office.at())
    return voucher


def propose_remit(
    office: Office, fund: Fund, amount: int, *, account: LedgerAccount = LedgerAccount.FUNDING, outcome: str = KEEP
) -> Proposal:
    return propose_remittance(
        fund_id=fund.pk,
        account=account,
        amount=amount,
        outcome=outcome,
        reason=REASON,
        by=office.accountant,
        at=office.at(),
    )


def confirm(office: Office, proposal: Proposal) -> Proposal:
    return proposals.confirm(effects=MONEY_EFFECTS, proposal_id=proposal.pk, by=office.approver, at=office.at())


def remit(office: Office, fund: Fund, amount: int, **options: Any) -> Proposal:
    """Money of a fund goes back to the budget, by two persons."""
    return confirm(office, propose_remit(office, fund, amount, **options))


def entitlement_of(payee: Payee) -> Entitlement:
    """The one right of a payee who receives for himself."""
    return Entitlement.objects.get(person=payee.person)


def record(office: Office, entitlement: Entitlement, **fields: Any) -> Recovery:
    """A decision to take 500,000 đồng back, at most 200,000 a month."""
    given: dict[str, Any] = {
        "basis": RecoveryBasis.DECISION,
        "number": "QĐ-77",
        "paper_date": PAPER_DAY,
        "total_amount": 500_000,
        "monthly_amount": 200_000,
        "first_period": PERIOD,
    }
    return recover.record_recovery(
        entitlement_id=entitlement.pk, by=office.accountant, at=office.at(), **(given | fields)
    )


def recovering(office: Office, entitlement: Entitlement, **fields: Any) -> Recovery:
    """The same, confirmed."""
    recovery = record(office, entitlement, **fields)
    recover.confirm_recovery(recovery_id=recovery.pk, by=office.approver, at=office.at())
    recovery.refresh_from_db()
    return recovery
