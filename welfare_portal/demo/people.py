"""An invented ward: people on its list, by the shares that Ho Chi Minh City has, the same for the same seed.

Per 2,450 lines about 1,360 social pensions and 1,090 others. What makes real lists hard is here: payees who are not
the beneficiary, one person on two lines, siblings with one guardian, single parents with several children, birth
years without a day, unpaid months, lines whose name must not be told.
"""

import datetime
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import accumulate

from foundation.reference import files
from foundation.reference.births import BirthDate, Precision
from foundation.reference.identifiers import Sex
from foundation.reference.names import bank_form
from foundation.reference.rates import RateTable, months_before
from welfare_portal.demo import invented
from welfare_portal.demo.invented import InventedAccount

PERIOD = datetime.date(2026, 11, 1)
ACCOUNT_SHARE = 0.45
ARREARS_SHARE = 0.06  # of those paid in cash: about three in a hundred of all
NEIGHBOURHOODS = 32


@dataclass(frozen=True, slots=True)
class ListedPayee:
    """Who receives, when it is not the beneficiary."""

    full_name: str
    national_id: str
    relation: str


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """One line of a ward's list; amounts in whole đồng, `account` None for cash."""

    seq: int
    full_name: str
    birth: BirthDate
    sex: Sex
    national_id: str
    address: str
    neighbourhood: str
    line: str
    coefficient: Decimal
    decision_number: str
    decision_date: datetime.date
    valid_from: datetime.date
    benefit_book: str
    amount: int
    arrears_months: int
    arrears_amount: int
    account: InventedAccount | None
    holder_name: str
    payee: ListedPayee | None
    phone: str
    note: str
    name_at_bank: str = ""  # where the bank knows the holder otherwise than the list does

    @property
    def total(self) -> int:
        """This month's amount and the unpaid months."""
        return self.amount + self.arrears_amount


@dataclass(slots=True)
class Human:
    """Somebody who lives in the ward."""

    full_name: str
    birth: BirthDate
    sex: Sex
    national_id: str
    address: str
    neighbourhood: str
    phone: str


@dataclass(slots=True)
class Ward:
    """The state of one generation: random source and the serials that keep numbers apart."""

    rng: random.Random
    code: str
    period: datetime.date
    rates: RateTable = field(default_factory=lambda: RateTable(files.rates()))
    lines: dict[str, files.ProgrammeLineRow] = field(
        default_factory=lambda: {row.code: row for row in files.programme_lines()}
    )
    home: int = 0
    away: int = 0
    accounts: int = 0

    def human(
        self, youngest: int, oldest: int, *, sex: Sex | None = None, family: str | None = None, away: bool = False
    ) -> Human:
        """Somebody whose full age at the period is within the bounds, both inclusive."""
        rng = self.rng
        last = _years_before(self.period, youngest)
        first = _years_before(self.period, oldest + 1) + datetime.timedelta(days=1)
        birth = first + datetime.timedelta(days=rng.randrange((last - first).days + 1))
        precision: Precision = "DAY"
        # Old people often know their year only; never where the year alone would leave the age group open.
        if oldest >= 70 and rng.random() < 0.3 and _years_before(self.period, youngest).year > birth.year > first.year:
            birth, precision = datetime.date(birth.year, 1, 1), "YEAR"
        sex = sex or ("F" if rng.random() < (0.6 if youngest >= 60 else 0.5) else "M")
        serial = self.away if away else self.home
        if away:
            self.away += 1
        else:
            self.home += 1
        return Human(
            full_name=invented.invent_name(rng, sex, birth.year, family=family),
            birth=BirthDate(birth, precision),
            sex=sex,
            national_id=invented.invent_national_id(rng, serial=serial, birth=birth, sex=sex, away=away),
            address=f"{rng.randrange(1, 400)}{rng.choice(['', '', '', '/12', '/7B'])} {rng.choice(invented.STREETS)}",
            neighbourhood=f"Khu phố {rng.randrange(1, NEIGHBOURHOODS + 1)}",
            phone=invented.invent_phone(rng) if rng.random() < 0.85 else "",
        )

    def account(self) -> InventedAccount | None:
        """An account in 45 of 100 cases."""
        if self.rng.random() >= ACCOUNT_SHARE:
            return None
        self.accounts += 1
        return invented.invent_account(self.rng, self.accounts)

    def line(
        self,
        code: str,
        human: Human,
        *,
        coefficient: Decimal | None = None,
        payee: ListedPayee | None = None,
        account: InventedAccount | None = None,
        note: str = "",
    ) -> ListedPerson:
        """One line for `human`; whoever has no account is paid in cash, and may have left months uncollected."""
        rng, line = self.rng, self.lines[code]
        coefficient = line.coefficient if coefficient is None else coefficient
        valid_from = self._first_month(line, human)
        amount = self._amount(line, coefficient, self.period)
        months = []
        if account is None and rng.random() < ARREARS_SHARE:
            unpaid = months_before(self.period, rng.randrange(1, 3))
            months = [month for month in unpaid if month >= valid_from]
        return ListedPerson(
            seq=0,
            full_name=human.full_name,
            birth=human.birth,
            sex=human.sex,
            national_id=human.national_id,
            address=human.address,
            neighbourhood=human.neighbourhood,
            line=code,
            coefficient=coefficient,
            decision_number=f"{rng.randrange(1, 900)}/QĐ-UBND",
            decision_date=valid_from + datetime.timedelta(days=rng.randrange(20)),
            valid_from=valid_from,
            benefit_book=f"{self.code}-{human.national_id[-6:]}",
            amount=amount,
            arrears_months=len(months),
            arrears_amount=sum(self._amount(line, coefficient, month) for month in months),
            account=account,
            holder_name=bank_form(payee.full_name if payee else human.full_name) if account else "",
            payee=payee,
            phone=human.phone,
            note=note,
        )

    def _amount(self, line: files.ProgrammeLineRow, coefficient: Decimal, month: datetime.date) -> int:
        amount = self.rates.amount(line.standard, coefficient, month)
        if amount is None:
            raise LookupError(f"No rate of {line.standard} in {month:%m/%Y}.")
        return amount

    def _first_month(self, line: files.ProgrammeLineRow, human: Human) -> datetime.date:
        """A month since which the line may be drawn: the law was in force, the age was reached, the month is over."""
        earliest = line.valid_from
        if line.min_age is not None:
            reached = human.birth.date.year + line.min_age + (human.birth.precision != "DAY")
            earliest = max(earliest, _next_month(datetime.date(reached, human.birth.date.month, 1)))
        last = months_before(self.period, 1)[0]
        if earliest >= last:
            return last
        if line.code == "HTXH" and self.rng.random() < 0.7:
            return earliest.replace(day=1)  # most came over from the closed lines when the pension began
        months = (last.year - earliest.year) * 12 + last.month - earliest.month
        step = earliest.month - 1 + self.rng.randrange(months + 1)
        return datetime.date(earliest.year + step // 12, step % 12 + 1, 1)

    def payee_for(self, human: Human, relation: str, *, family: str | None = None) -> ListedPayee:
        """An adult who receives for `human` and lives at the same address."""
        adult = self.human(28, 58, family=family, away=True)
        human.phone = adult.phone or human.phone
        return ListedPayee(adult.full_name, adult.national_id, relation)


Lines = list[ListedPerson]


def _pension(ward: Ward) -> Lines:
    poor = ward.rng.random() < 0.04
    human = ward.human(70, 74) if poor else ward.human(75, 99)
    return [ward.line("HTXH", human, account=ward.account(), note="Hộ cận nghèo" if poor else "")]


def _severe_disability(ward: Ward) -> Lines:
    share = ward.rng.random()
    if share < 0.6:
        return [ward.line("KT-B", ward.human(16, 59), account=ward.account())]
    if share < 0.82:
        return [ward.line("KT-B+", ward.human(60, 88), account=ward.account())]
    child = ward.human(3, 13)
    parent = ward.payee_for(child, "Cha, mẹ", family=child.full_name.split()[0])
    return [ward.line("KT-B+", child, payee=parent, account=ward.account())]


def _extreme_disability(ward: Ward) -> Lines:
    """The disabled person's own line, and the household's support for care: one payee and one account for both."""
    share = ward.rng.random()
    code = "KT-A" if share < 0.6 else "KT-A+"
    human = ward.human(16, 59) if share < 0.6 else ward.human(60, 90) if share < 0.85 else ward.human(2, 13)
    carer = ward.payee_for(human, "Người chăm sóc", family=human.full_name.split()[0])
    account = ward.account()
    return [ward.line(line, human, payee=carer, account=account) for line in (code, "CS-KT1")]


def _lone_elderly(ward: Ward) -> Lines:
    if ward.rng.random() < 0.65:
        return [ward.line("NCT-A1", ward.human(60, 79), account=ward.account(), note="Hộ nghèo")]
    return [ward.line("NCT-A2", ward.human(80, 96), account=ward.account(), note="Hộ nghèo")]


def _single_parent(ward: Ward) -> Lines:
    children = ward.rng.choice((1, 1, 1, 2, 2, 3))
    parent = ward.human(24, 55, sex="F" if ward.rng.random() < 0.85 else "M")
    note = f"Hộ cận nghèo, nuôi {children} con"
    return [ward.line("DT", parent, coefficient=Decimal(children), account=ward.account(), note=note)]


def _orphans(ward: Ward) -> Lines:
    """One child or two siblings, with one guardian who receives for both on one account."""
    eldest = ward.human(5, 13)
    family = eldest.full_name.split()[0]
    guardian = ward.payee_for(eldest, "Người giám hộ", family=family)
    account = ward.account()
    lines = [ward.line("TE-A2", eldest, payee=guardian, account=account)]
    if ward.rng.random() < 0.35:
        younger = ward.human(1, 3, family=family)
        younger.address, younger.neighbourhood, younger.phone = eldest.address, eldest.neighbourhood, eldest.phone
        lines.append(ward.line("TE-A1", younger, payee=guardian, account=account))
    return lines


def _student(ward: Ward) -> Lines:
    return [ward.line("TE-B", ward.human(16, 21), account=ward.account(), note="Đang học")]


def _fostered_child(ward: Ward) -> Lines:
    child = ward.human(4, 13)
    carer = ward.payee_for(child, "Người nhận nuôi dưỡng")
    account = ward.account()
    return [ward.line(line, child, payee=carer, account=account) for line in ("TE-A2", "CS-TE2")]


def _hiv(ward: Ward) -> Lines:
    if ward.rng.random() < 0.75:
        return [ward.line("HIV-A", ward.human(20, 59), account=ward.account())]
    child = ward.human(4, 13)
    return [ward.line("HIV-C2", child, payee=ward.payee_for(child, "Cha, mẹ"), account=ward.account())]


def _disabled_mother(ward: Ward) -> Lines:
    return [ward.line("CS-MT1", ward.human(20, 42, sex="F"), account=ward.account())]


def _merit(ward: Ward) -> Lines:
    share = ward.rng.random()
    if share < 0.45:
        return [ward.line(f"NCC-TB-{ward.rng.randrange(21, 71)}", ward.human(66, 92, sex="M"), account=ward.account())]
    code, youngest = ward.rng.choice(
        (("NCC-LS1", 60), ("NCC-TUAT", 62), ("NCC-TD", 74), ("NCC-HH-41", 70), ("NCC-BB-61", 66))
    )
    return [ward.line(code, ward.human(youngest, 97), account=ward.account())]


_CASES: tuple[tuple[Callable[[Ward], Lines], int], ...] = (
    (_pension, 1360),
    (_severe_disability, 500),
    (_extreme_disability, 120),
    (_lone_elderly, 115),
    (_single_parent, 62),
    (_orphans, 44),
    (_student, 15),
    (_fostered_child, 10),
    (_hiv, 11),
    (_disabled_mother, 6),
    (_merit, 72),
)
_CASE_WEIGHTS = list(accumulate(weight for _, weight in _CASES))


def generate_people(
    seed: int, count: int, ward_code: str, *, period: datetime.date = PERIOD
) -> Iterator[ListedPerson]:
    """Yield `count` lines of the list of one ward for the month of `period`, one at a time and the same for one seed.

    No two people share a personal ID or an account number up to a million lines. Amounts follow the rates of `files`.
    """
    ward = Ward(random.Random(f"{seed}/{ward_code}"), ward_code, period)  # noqa: S311  invented people need no secrecy
    made = 0
    while made < count:
        case = ward.rng.choices(_CASES, cum_weights=_CASE_WEIGHTS)[0][0]
        lines = case(ward)
        if made + len(lines) > count:
            continue  # a pair does not fit any more: another case fills the last line
        for line in lines:
            made += 1
            yield replace(line, seq=made)


def _years_before(day: datetime.date, years: int) -> datetime.date:
    return day.replace(year=day.year - years)  # `day` is a first of month: it exists in every year


def _next_month(day: datetime.date) -> datetime.date:
    return (day.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
