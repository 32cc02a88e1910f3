"""The officers of the invented city, its fund and its lists: by the portal's own operations, as in earnest."""

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
    """Who prepares, who approves, and the fund that pays."""

    preparer: User
    approvers: tuple[User, ...]
    fund: Fund


def open_office() -> Office:
    """Officers of the whole city and a fund with more than enough."""
    ApprovalLimit.objects.bulk_create(
        ApprovalLimit(counted=counted, whole_city=False, amount=PLENTY, valid_from=PERIOD)
        for counted in ApprovalLimit.Counted.values
    )
    preparer, accountant = _officer(Role.PREPARER, 1), _officer(Role.ACCOUNTANT, 2)
    approvers = tuple(_officer(Role.APPROVER, 3 + number) for number in range(APPROVERS))
    fund = Fund.objects.create(
        code="BENCH", name="Kinh phí đo tốc độ", budget_code="1055555", debtor_account="3713.0.1055555", year=2026
    )
    fund.programmes.set(Programme.objects.all())
    voucher = funding.record_voucher(
        fund_id=fund.pk, number="BENCH-1", voucher_date=PERIOD, amount=PLENTY, by=accountant, at=clock.now()
    )
    funding.confirm_voucher(voucher_id=voucher.pk, by=approvers[0], at=clock.now())
    return Office(preparer, approvers, fund)


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
        fund_id=office.fund.pk,
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
