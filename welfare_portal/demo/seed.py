"""The invented office of the demonstration ward: its staff, its fund and its list. Repeatable; refuses outside DEMO."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from django.conf import settings
from django.db import transaction

from beneficiaries.models import Programme
from foundation.audit import clock
from foundation.privacy.blind_index import fingerprint
from foundation.reference import loading
from foundation.users.models import RoleAssignment, User
from foundation.users.roles import Role
from payments.models import Fund
from payments.operations import funding
from welfare_portal.demo.citizens import listed_citizens
from welfare_portal.demo.list_file import write_xlsx
from welfare_portal.demo.near_names import with_near_names
from welfare_portal.demo.people import PERIOD, ListedPerson, generate_people

WARD = "26743"
LINES = 2_450
SEED = 2026
PASSWORD = "Demo-An-Sinh-2026"  # noqa: S105  printed for everybody to see; `check --deploy` refuses DEMO
MONEY_PER_LINE = 2_000_000
LIST_NAME = "danh-sach-huong-tro-cap-11-2026.xlsx"


class NotADemo(Exception):
    """Invented people were asked for where real ones are."""


@dataclass(frozen=True, slots=True)
class Officer:
    """An invented officer."""

    username: str
    full_name: str
    role: Role
    unit_code: str | None
    national_id: str


STAFF = (
    Officer("canbo.lap", "Trần Minh Tuấn", Role.PREPARER, WARD, "079085000101"),
    Officer("ketoan", "Phạm Thị Thu Trang", Role.ACCOUNTANT, WARD, "079188000102"),
    Officer("lanhdao.duyet", "Lê Thu Hà", Role.APPROVER, WARD, "079179000103"),
    Officer("lanhdao.so", "Huỳnh Thanh Sơn", Role.APPROVER, None, "079072000107"),
    Officer("totruong.so", "Nguyễn Quốc Bảo", Role.ASSISTANT, WARD, "079095000104"),
    Officer("kiemtoan", "Võ Ngọc Lan", Role.AUDITOR, None, "079182000105"),
    Officer("quantri", "Đặng Hữu Phước", Role.ADMINISTRATOR, None, "079083000106"),
)


@dataclass(frozen=True, slots=True)
class Office:
    """The demonstration ward as it stands in the database."""

    staff: dict[Role, User]
    approvers: tuple[User, ...]  # a large list needs two of them
    fund: Fund


@transaction.atomic
def seed_office() -> Office:
    """Staff, neighbourhoods and an empty fund of the demonstration ward; a second call changes nothing.

    Raises:
        NotADemo: DEMO is off.
    """
    if not settings.DEMO:
        raise NotADemo
    loading.load_reference(demo=True)
    staff: dict[Role, list[User]] = {}
    for officer in STAFF:
        staff.setdefault(officer.role, []).append(_seed_officer(officer))
    fund, created = Fund.objects.get_or_create(
        code=f"ASXH-{WARD}-2026",
        defaults={
            "name": "Kinh phí an sinh xã hội phường Bến Thành năm 2026",
            "budget_code": "1055555",
            "debtor_account": "3713.0.1055555",
            "unit_id": WARD,
            "year": 2026,
        },
    )
    if created:
        fund.programmes.set(Programme.objects.filter(code__in=["TGXH", "CSND", "HTXH", "NCC"]))
    return Office(
        staff={role: users[0] for role, users in staff.items()}, approvers=tuple(staff[Role.APPROVER]), fund=fund
    )


def _seed_officer(officer: Officer) -> User:
    user = User.objects.filter(username=officer.username).first()
    if user is None:
        user = User.objects.create_user(
            officer.username,
            PASSWORD,
            full_name=officer.full_name,
            person_fingerprint=fingerprint("national-id", officer.national_id),
        )
        RoleAssignment.objects.create(
            user=user, role=officer.role, unit_id=officer.unit_code, valid_from=datetime.date(2026, 1, 1)
        )
    return user


def seed_money(office: Office, *, lines: int = LINES) -> None:
    """Fill the fund by one voucher, recorded by the accountant, confirmed by the approver; once."""
    number = "GRDT-01/11-2026"
    if office.fund.vouchers.filter(number=number).exists():
        return
    voucher = funding.record_voucher(
        fund_id=office.fund.pk,
        number=number,
        voucher_date=datetime.date(2026, 10, 24),
        amount=lines * MONEY_PER_LINE,
        by=office.staff[Role.ACCOUNTANT],
        at=clock.now(),
    )
    funding.confirm_voucher(voucher_id=voucher.pk, by=office.staff[Role.APPROVER], at=clock.now())


def listed_people(lines: int = LINES, seed: int = SEED) -> Iterator[ListedPerson]:
    """The lines of the ward's list: the citizens who can sign in at the mocked VNeID, then everybody else.

    From a thousand lines on, three have a near name at their bank.
    """
    first = list(listed_citizens())[:lines]
    others = generate_people(seed, lines - len(first), WARD)
    for number, person in enumerate(with_near_names(chain(first, others)), start=1):
        yield replace(person, seq=number)


def write_list(directory: Path, *, lines: int = LINES, seed: int = SEED) -> Path:
    """The ward's list as an officer would bring it; returns where it was written."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / LIST_NAME
    write_xlsx(path, listed_people(lines, seed), ward_code=WARD, period=PERIOD)
    return path
