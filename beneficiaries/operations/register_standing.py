"""What the register says now of the people of one chunk of a list: six queries for 5,000 lines. It writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db import connection

from beneficiaries.queries.ways import HOLDING_WAY, TODAY
from beneficiaries.register_file.rows import Channel, RegisterRow
from foundation.privacy.blind_index import account_fingerprint_many, fingerprint_many

Account = tuple[str, str]  # BIN and number


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person; `elsewhere` while another unit pays him something."""

    id: int
    full_name: str
    birth_date: date | None
    birth_precision: str
    sex: str
    unit: str
    neighbourhood_id: int | None
    address: str
    deceased_date: date | None
    has_phone: bool
    payee_id: int | None
    delivery: str
    way_source: str
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class KnownRight:
    """A right that is live, the latest of a person and line; it may have a last day that is over."""

    id: int
    unit: str
    state: str
    coefficient: Decimal | None
    decision_number: str
    decision_date: date | None
    benefit_book: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class KnownReceiver:
    """Who receives for a beneficiary on the first day of the month, for one line or (`line_id` None) for all."""

    id: int
    payee_id: int
    payee_name: str
    relation: str
    document: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """A version of where a payee is paid."""

    index: bytes
    masked: str
    state: str
    source: str


@dataclass(slots=True)
class Standing:
    """The register, as far as a chunk touches it. People by national ID, the rest by the ids of people and payees."""

    indexes: dict[str, bytes]
    account_indexes: dict[Account, bytes]
    people: dict[str, KnownPerson] = field(default_factory=dict)
    rights: dict[tuple[int, int], KnownRight] = field(default_factory=dict)
    receivers: dict[tuple[int, int | None], KnownReceiver] = field(default_factory=dict)
    accounts: dict[int, list[KnownAccount]] = field(default_factory=dict)
    holders: dict[bytes, int] = field(default_factory=dict)


PEOPLE = f"""
    SELECT p.national_id_index, p.id, p.full_name, p.birth_date, p.birth_precision, p.sex, p.unit_id,
           p.neighbourhood_id, p.address, p.deceased_date, p.phone_index IS NOT NULL, payee.id,
           coalesce(chosen.delivery, ''), coalesce(chosen.source, ''),
           EXISTS (SELECT 1 FROM beneficiaries_entitlement e
                   WHERE e.person_id = p.id AND e.state <> 'ENDED' AND e.unit_id <> %(unit)s
                     AND coalesce(e.valid_to, 'infinity') >= %(period)s)
    FROM beneficiaries_person p LEFT JOIN beneficiaries_payee payee ON payee.person_id = p.id
    {HOLDING_WAY.format(payee="payee.id", day=TODAY)}
    WHERE p.national_id_index = ANY (%(indexes)s)
"""  # noqa: S608  fragments of ours; values are parameters
# DISTINCT ON: of a right that was adjusted, the earlier part stays live until its last month is paid.
RIGHTS = """
    SELECT DISTINCT ON (person_id, programme_line_id) person_id, programme_line_id, id, unit_id, state, coefficient,
           decision_number, decision_date, benefit_book_number, valid_from, valid_to
    FROM beneficiaries_entitlement
    WHERE person_id = ANY (%(people)s) AND state <> 'ENDED'
    ORDER BY person_id, programme_line_id, valid_from DESC
"""
RECEIVERS = """
    SELECT r.beneficiary_id, r.programme_line_id, r.id, r.payee_id, coalesce(m.full_name, y.organisation_name),
    r.relation,
           r.document_number, r.valid_from, r.valid_to
    FROM beneficiaries_representation r JOIN beneficiaries_payee y ON y.id = r.payee_id
    LEFT JOIN beneficiaries_person m ON m.id = y.person_id
    WHERE r.beneficiary_id = ANY (%(people)s) AND coalesce(r.valid_to, 'infinity') >= %(period)s
    ORDER BY r.beneficiary_id, r.valid_from
"""
ACCOUNTS = """
    SELECT payee_id, number_index, number_masked, state, source FROM beneficiaries_payout_account
    WHERE payee_id = ANY (%(payees)s) ORDER BY payee_id, version
"""
HOLDERS = """
    SELECT number_index, payee_id FROM beneficiaries_payout_account
    WHERE number_index = ANY (%(numbers)s) AND state IN ('COOLING', 'ACTIVE', 'SUSPENDED')
"""


def read_standing(rows: Sequence[RegisterRow], *, unit_code: str, period: date) -> Standing:
    """What the register says of beneficiaries, receivers and accounts of these lines, on the first day of the month."""
    numbers = list({row.national_id for row in rows} | {row.payee_national_id for row in rows})
    accounts: list[Account] = list(
        {(row.bank_bin, row.account_number) for row in rows if row.channel is Channel.ACCOUNT}
    )
    standing = Standing(
        indexes=dict(zip(numbers, fingerprint_many("national-id", numbers), strict=True)),
        account_indexes=dict(zip(accounts, account_fingerprint_many(accounts), strict=True)),
    )
    by_index = {index: number for number, index in standing.indexes.items()}
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, {"unit": unit_code, "period": period, "indexes": list(by_index)})
        for index, *values in cursor.fetchall():
            standing.people[by_index[bytes(index)]] = KnownPerson(*values)
        cursor.execute(HOLDERS, {"numbers": list(standing.account_indexes.values())})
        standing.holders = {bytes(index): payee for index, payee in cursor.fetchall()}
        people = [known.id for known in standing.people.values()]
        if not people:
            return standing
        cursor.execute(RIGHTS, {"people": people})
        standing.rights = {(person, line): KnownRight(*values) for person, line, *values in cursor.fetchall()}
        cursor.execute(RECEIVERS, {"people": people, "period": period})
        standing.receivers = {(person, line): KnownReceiver(*values) for person, line, *values in cursor.fetchall()}
        payees = [known.payee_id for known in standing.people.values() if known.payee_id]
        cursor.execute(ACCOUNTS, {"payees": payees})
        for payee, index, masked, state, source in cursor.fetchall():
            standing.accounts.setdefault(payee, []).append(KnownAccount(bytes(index), masked, state, source))
    return standing


MISSING = """
    SELECT e.id, p.full_name, l.code, e.decision_number, count(*) OVER ()
    FROM beneficiaries_entitlement e
    JOIN beneficiaries_person p ON p.id = e.person_id
    JOIN beneficiaries_programme_line l ON l.id = e.programme_line_id
    WHERE e.unit_id = %(unit)s AND e.state = 'ACTIVE' AND l.period = 'MONTH' AND e.valid_from <= %(last_day)s
      AND coalesce(e.valid_to, 'infinity') >= %(period)s AND NOT e.id = ANY (%(seen)s)
    ORDER BY p.name_sort_key, e.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Missing:
    """A right that the unit pays and its list does not have: ended, moved away, or forgotten."""

    entitlement_id: int
    full_name: str
    line: str
    decision_number: str


def missing_rights(
    *, unit_code: str, period: date, last_day: date, seen: Sequence[int], limit: int = 200
) -> tuple[int, list[Missing]]:
    """How many monthly rights of the unit are not among `seen` (their ids), and the first of them by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            MISSING,
            {"unit": unit_code, "period": period, "last_day": last_day, "seen": list(seen), "limit": limit},
        )
        rows = cursor.fetchall()
    return (rows[0][4] if rows else 0), [Missing(*row[:4]) for row in rows]
