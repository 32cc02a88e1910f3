"""People, funds and lists for tests: small, real rows, made through the models and operations of the portal."""

import itertools
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from beneficiaries.models import Entitlement, Payee, PayoutAccount, Person, Programme, ProgrammeLine
from foundation.audit import clock
from foundation.audit.models import Job
from foundation.privacy.blind_index import account_fingerprint, fingerprint
from foundation.privacy.encryption import decrypt, encrypt
from foundation.privacy.masking import mask_account
from foundation.privacy.row_ids import allocate
from foundation.reference.names import bank_form, name_sort_key
from foundation.users.models import RoleAssignment, User, VneidIdentity
from foundation.users.operations import NATIONAL_ID
from foundation.users.roles import Role
from payments.models import Fund, PayoutBatch
from payments.operations import build, decide, funding, release
from payments.states import BatchKind

WARD = "26743"
PERIOD = date(2026, 11, 1)
VCB, ACB = "970436", "970416"
_numbers = itertools.count(1)


def make_staff(role: Role, *, unit: str | None = WARD, person: str | None = None, **fields: Any) -> User:
    """An officer with one role in one unit; the same `person` twice makes two logins of one human."""
    number = next(_numbers)
    user = User.objects.create_user(
        fields.pop("username", f"{role.lower()}-{number}"),
        full_name=fields.pop("full_name", f"Cán bộ {number}"),
        person_fingerprint=fingerprint("national-id", person or f"0791{number:08d}"),
        **fields,
    )
    RoleAssignment.objects.create(user=user, role=role, unit_id=unit, valid_from=date(2026, 1, 1))
    return user


def make_person(name: str = "Nguyễn Thị Hoà", **fields: Any) -> Person:
    """Somebody born in 1948 who lives in the test ward."""
    number = next(_numbers)
    national_id = fields.pop("national_id", f"079148{number:06d}")
    person_id = allocate(Person)[0]
    return Person.objects.create(
        id=person_id,
        national_id_encrypted=encrypt(national_id, context="person.national_id", row_id=person_id),
        national_id_index=fingerprint("national-id", national_id),
        full_name=name,
        name_sort_key=name_sort_key(name),
        **{"birth_date": date(1948, 5, 1), "sex": "F", "unit_id": WARD} | fields,
    )


def make_account(
    payee: Payee,
    *,
    number: str | None = None,
    bank: str = VCB,
    state: str = "ACTIVE",
    reference: str | None = None,
) -> PayoutAccount:
    """An account in use, brought there by the moves that the graph allows."""
    number = number or f"10{next(_numbers):010d}"
    account_id = allocate(PayoutAccount)[0]
    account = PayoutAccount.objects.create(
        id=account_id,
        payee=payee,
        version=payee.accounts.count() + 1,
        source="SELF",
        bank_id=bank,
        number_encrypted=encrypt(number, context="payout_account.number", row_id=account_id),
        number_index=account_fingerprint(creditor_agent=bank, creditor_account=number),
        number_masked=mask_account(number),
        holder_name=bank_form(str(payee)),
        match_result="MATCH",
        checked_at=clock.now(),
        reference=reference,
    )
    if state != "REQUESTED":
        account.state = "ACCOUNT_CHECKED"
        account.save()
        account.state, account.activated_at, account.due_at = "ACTIVE", clock.now(), None
        account.save()
    if state not in ("REQUESTED", "ACTIVE"):
        account.state = state
        account.save()
    return account


def make_entitlement(person: Person, *, line: str = "HTXH", **fields: Any) -> Entitlement:
    """A right under one decision, paid through October 2026 before the portal."""
    programme_line = ProgrammeLine.objects.get(code=line)
    return Entitlement.objects.create(
        **{
            "person": person,
            "programme_line": programme_line,
            "unit_id": person.unit_id,
            "coefficient": programme_line.coefficient,
            "decision_number": f"{next(_numbers)}/QĐ-UBND",
            "decision_date": date(2025, 9, 15),
            "valid_from": date(2025, 10, 1),
            "paid_through": date(2026, 10, 1),
        }
        | fields
    )


def make_entitled(count: int, *, bank: str = VCB, cash: bool = False, numbers: list[str] | None = None) -> list[Payee]:
    """`count` people with a social pension, each paid into an account of his own, or in cash."""
    payees = []
    for index in range(count):
        person = make_person(
            f"Nguyễn Văn {['Hai', 'Ba', 'Tư', 'Năm', 'Sáu', 'Bảy', 'Tám', 'Chín', 'Mười'][index % 9]}"
        )
        payee = Payee.objects.create(person=person)
        if not cash:
            make_account(payee, bank=bank, number=numbers[index] if numbers else None)
        make_entitlement(person)
        payees.append(payee)
    return payees


@dataclass(frozen=True, slots=True)
class Office:
    """A ward's officers and its fund, with money in it."""

    preparer: User
    approver: User
    accountant: User
    fund: Fund

    def at(self) -> datetime:
        return clock.now()


def make_office(*, money: int = 10_000_000_000) -> Office:
    """Officers of the test ward, three humans, and a fund of theirs for every programme, filled by voucher."""
    office = Office(
        preparer=make_staff(Role.PREPARER),
        approver=make_staff(Role.APPROVER),
        accountant=make_staff(Role.ACCOUNTANT),
        fund=Fund.objects.create(
            code=f"F{next(_numbers)}",
            name="Kinh phí an sinh xã hội",
            budget_code=f"{1_055_000 + next(_numbers)}",
            debtor_account="3713.0.1055555",
            unit_id=WARD,
            year=2026,
        ),
    )
    office.fund.programmes.set(Programme.objects.all())
    if money:
        voucher = funding.record_voucher(
            fund_id=office.fund.pk,
            number="CT-1",
            voucher_date=date(2026, 11, 1),
            amount=money,
            by=office.accountant,
            at=office.at(),
        )
        funding.confirm_voucher(voucher_id=voucher.pk, by=office.approver, at=office.at())
    return office


def build_batch(
    office: Office, *, kind: BatchKind = BatchKind.REGULAR, execution_date: date | None = None
) -> PayoutBatch:
    """A draft of the month's list of the test ward."""
    batch = build.start_build(
        fund_id=office.fund.pk,
        unit_code=WARD,
        period=PERIOD,
        kind=kind,
        execution_date=execution_date or office.at().date(),
        by=office.preparer,
        at=office.at(),
    )
    job = Job.objects.get(kind=build.JOB_KIND, subject_id=batch.pk)
    while build.build_step(job_id=job.pk):
        pass
    batch.refresh_from_db()
    return batch


def approve(office: Office, batch: PayoutBatch) -> PayoutBatch:
    """Submit a draft and let the other officer approve the list that he sees."""
    seen = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
    decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at())
    batch.refresh_from_db()
    return batch


def start(office: Office, batch: PayoutBatch) -> PayoutBatch:
    """An approved batch, its money reserved and its chunks open."""
    approve(office, batch)
    release.reserve_batch(batch_id=batch.pk, at=office.at())
    release.start_batch(batch_id=batch.pk, at=office.at())
    while release.open_chunks():
        pass
    batch.refresh_from_db()
    return batch


RATE = Decimal(650_000)  # the city's standard of the social pension in PERIOD


def make_citizen(person: Person | None = None, **claims: Any) -> User:
    """Somebody who has signed in by VNeID: `person` of the register, or a stranger to it; `claims` are what VNeID says."""
    national_id = claims.pop("national_id", None) or (
        decrypt(person.national_id_encrypted, context="person.national_id", row_id=person.pk)
        if person
        else f"079150{next(_numbers):06d}"
    )
    name = claims.setdefault("full_name", person.full_name if person else "Lê Thị Mới")
    user = User.objects.create_user(
        f"vneid-{next(_numbers)}",
        full_name=name,
        kind=User.Kind.CITIZEN,
        person_fingerprint=fingerprint("national-id", national_id),
    )
    identity_id = allocate(VneidIdentity)[0]
    VneidIdentity.objects.create(
        id=identity_id,
        user=user,
        national_id_encrypted=encrypt(national_id, context=NATIONAL_ID, row_id=identity_id),
        **{
            "issuer": "https://vneid.test",
            "subject": user.username,
            "level": 2,
            "birth_date": person.birth_date if person else date(1950, 1, 1),
            "birth_precision": person.birth_precision if person else "YEAR",
            "sex": person.sex if person else "F",
            "address": "15/4 Lê Thánh Tôn",
            "unit_code": person.unit_id if person else WARD,
            "proven_at": clock.now(),
        }
        | claims,
    )
    return user
