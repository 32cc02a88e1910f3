"""The officers of the invented city, its fund and its lists: by the portal's own operations, as in earnest."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from beneficiaries.models import Programme
from foundation.audit import clock
from foundation.audit.models import Job
from foundation.privacy.blind_index import fingerprint
from foundation.reference.amounts import AMOUNT_MAX
from foundation.users.models import RoleAssignment, User
from foundation.users.roles import Role
from payments.models import ApprovalLimit, Fund, PayoutBatch
from payments.operations import build, decide, funding, release
from payments.states import BatchKind

PERIOD = date(2026, 11, 1)
PLENTY = AMOUNT_MAX  # đồng
APPROVERS = 3


@dataclass(frozen=True, slots=True)
class Office:
    """Who prepares, who approves, who keeps the books, and the fund of each ward."""

    preparer: User
    approvers: tuple[User, ...]
    accountant: User
    funds: dict[str, Fund]


def open_office(units: Iterable[str]) -> Office:
    """Officers of the whole city, and for each ward a fund with more than enough, in an account of its own."""
    ApprovalLimit.objects.bulk_create(
        ApprovalLimit(counted=counted, whole_city=False, amount=PLENTY, valid_from=PERIOD)
        for counted in ApprovalLimit.Counted.values
    )
    preparer, accountant = _officer(Role.PREPARER, 1), _officer(Role.ACCOUNTANT, 2)
    approvers = tuple(_officer(Role.APPROVER, 3 + number) for number in range(APPROVERS))
    funds = {unit: _fund(number, unit, accountant, approvers[0]) for number, unit in enumerate(units, start=1)}
    return Office(preparer, approvers, accountant, funds)


def _fund(number: int, unit: str, accountant: User, approver: User) -> Fund:
    fund = Fund.objects.create(
        code=f"BENCH-{number}",
        name="Kinh phí đo tốc độ",
        budget_code=f"{1_055_000 + number}",
        debtor_account=f"3713.0.{1_055_000 + number}",
        unit_id=unit,
        year=PERIOD.year,
    )
    fund.programmes.set(Programme.objects.all())
    voucher = funding.record_voucher(
        fund_id=fund.pk,
        number=f"BENCH-{number}",
        voucher_date=PERIOD,
        amount=PLENTY,
        by=accountant,
        at=clock.now(),
    )
    funding.confirm_voucher(voucher_id=voucher.pk, by=approver, at=clock.now())
    return fund


def _officer(role: Role, number: int) -> User:
    user = User.objects.create_user(
        f"bench-{number}",
        full_name=f"Cán bộ {number}",
        person_fingerprint=fingerprint("national-id", f"0010{number:08d}"),
    )
    RoleAssignment.objects.create(user=user, role=role, valid_from=date(2026, 1, 1))
    return user


def build_and_submit(office: Office, unit: str) -> PayoutBatch:
    """The month's list of a ward: built in its steps and frozen."""
    batch = build.start_build(
        fund_id=office.funds[unit].pk,
        unit_code=unit,
        period=PERIOD,
        kind=BatchKind.REGULAR,
        execution_date=clock.now().date(),
        by=office.preparer,
        at=clock.now(),
    )
    job = Job.objects.get(kind=build.JOB_KIND, subject_id=batch.pk)
    while build.build_step(job_id=job.pk):
        pass
    decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=clock.now())
    batch.refresh_from_db()
    return batch


def approve(office: Office, batch: PayoutBatch) -> None:
    """As many as the list needs say yes to it; its money is set aside."""
    for approver in office.approvers[: batch.approvals_required or 1]:
        decide.approve_batch(batch_id=batch.pk, by=approver, seen_hash=bytes(batch.list_hash or b""), at=clock.now())
    release.reserve_batch(batch_id=batch.pk, at=clock.now())
