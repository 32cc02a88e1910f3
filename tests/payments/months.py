"""Two months of payments: people who stay, come, go, and change amount or account in between."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from beneficiaries.models import Entitlement, Payee
from foundation.audit.models import Job
from payments.models import PayoutBatch
from payments.operations import build
from payments.states import BatchKind
from tests.factories import ACB, WARD, Office, make_account, make_entitled, make_entitlement, make_person, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import send_all

SEPTEMBER, OCTOBER, NOVEMBER = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)


def build_month(
    office: Office, period: date = NOVEMBER, *, kind: BatchKind = BatchKind.REGULAR, unit: str | None = WARD
) -> PayoutBatch:
    """A draft of one month's list."""
    batch = build.start_build(
        fund_id=office.fund.pk,
        unit_code=unit,
        period=period,
        kind=kind,
        execution_date=office.at().date(),
        by=office.preparer,
        at=office.at(),
    )
    job = Job.objects.get(kind=build.JOB_KIND, subject_id=batch.pk)
    while build.build_step(job_id=job.pk):
        pass
    batch.refresh_from_db()
    return batch


def pay_month(office: Office, period: date = OCTOBER, gateway: FakeGateway | None = None) -> PayoutBatch:
    """A month's list, approved, started, and sent to the bank."""
    batch = start(office, build_month(office, period))
    send_all(gateway or FakeGateway())
    batch.refresh_from_db()
    return batch


def people_since(month: date, count: int, **where: Any) -> list[Payee]:
    """People with a social pension whose first month with the portal is `month`."""
    payees = make_entitled(count, **where)
    before = date(month.year, month.month - 1, 1)
    Entitlement.objects.filter(person__payee__in=payees).update(paid_through=before)
    return payees


def change_amount(payee: Payee) -> None:
    """From now on twice as much."""
    Entitlement.objects.filter(person=payee.person).update(coefficient=2)


def change_account(payee: Payee, *, to_cash: bool = False) -> None:
    """From now on at another bank, or in cash."""
    payee.accounts.filter(state="ACTIVE").update(state="REVOKED" if to_cash else "SUPERSEDED")
    if not to_cash:
        make_account(payee, bank=ACB)


def end(payee: Payee) -> None:
    """No longer entitled."""
    Entitlement.objects.filter(person=payee.person).update(state="ENDED")


@dataclass(frozen=True, slots=True)
class TwoMonths:
    """October as it was paid, and the payees by what has become of them since."""

    october: PayoutBatch
    same: Payee
    amount: Payee
    account: Payee
    cash: Payee
    both: Payee
    gone: Payee
    new: Payee


def two_months(office: Office) -> TwoMonths:
    """October paid to six people; then five changes, before November is built."""
    same, amount, account, cash, both, gone = people_since(OCTOBER, 6)
    october = pay_month(office, OCTOBER)
    change_amount(amount)
    change_account(account)
    change_account(cash, to_cash=True)
    change_amount(both)
    change_account(both)
    end(gone)
    (new,) = people_since(NOVEMBER, 1)
    return TwoMonths(october, same, amount, account, cash, both, gone, new)


def child_with_guardian(payee: Payee, *, name: str = "Nguyễn Minh Khôi") -> Entitlement:
    """A child whose money `payee` receives."""
    child = make_person(name, birth_date=date(2019, 2, 3))
    child.representations.create(payee=payee, relation="GUARDIAN", valid_from=date(2026, 1, 1))
    return make_entitlement(child)
