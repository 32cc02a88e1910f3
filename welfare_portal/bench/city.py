"""Invented people in numbers: persons, accounts and entitlements, copied into the tables by the owner, without a list to import.

Nothing of this is measured. Numbers are as real ones: encrypted for their rows, found by their fingerprints.
"""

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection

from foundation.privacy.blind_index import account_fingerprint, fingerprint
from foundation.privacy.encryption import encrypt_many
from foundation.privacy.masking import mask_account
from foundation.reference.names import bank_form, name_sort_key
from welfare_portal.bench.measures import portions

PORTION = 10_000
BANKS = ("970436", "970415", "970418", "970405", "970422", "970407", "970416", "970432", "970423", "970403")
FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi")
MIDDLE = ("Văn", "Thị", "Hữu", "Ngọc", "Minh")
GIVEN = ("An", "Bình", "Chi", "Dũng", "Hạnh", "Khoa", "Lan", "Mai", "Nam", "Phúc", "Quý", "Sơn", "Thảo", "Út", "Yến")

PERSON = (
    "id, national_id_encrypted, national_id_index, full_name, name_sort_key, birth_date, birth_precision, sex, unit_id, address, "
    "created_at, updated_at"
)
ACCOUNT = (
    "id, payee_id, version, source, bank_id, number_encrypted, number_index, number_masked, holder_name, match_result, "
    "gateway_link_id, state, checked_at, activated_at, requested_at, attempts, due_at, refusal_code"
)


@dataclass(frozen=True, slots=True)
class Ward:
    """A unit of the invented city with the people who live there."""

    code: str
    first: int
    people: int


def wards(server: connection, *, people: int, slices: int) -> list[Ward]:
    """As many wards as there are slices, with people in as equal parts as can be."""
    with server.cursor() as reader:
        reader.execute("SELECT code FROM reference_unit WHERE kind <> 'CITY' ORDER BY code LIMIT %s", [slices])
        codes = [code for (code,) in reader.fetchall()]
    made, first = [], 1
    for code, part in zip(codes, portions(people, slices), strict=True):
        made.append(Ward(code, first, part))
        first += part
    return made


def owner() -> connection:
    """A connection as the owner of the tables, past their triggers: preparing, and the floor, are no work of the portal."""
    server = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
    with server.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    server.commit()
    return server


def settle(server: connection, wards: Iterable[Ward]) -> None:
    """Let the people of the wards live there, each entitled to a social pension and paid into an account of his own."""
    for ward in wards:
        for first in range(ward.first, ward.first + ward.people, PORTION):
            ids = range(first, min(first + PORTION, ward.first + ward.people))
            _copy(server, "beneficiaries_person", PERSON, _persons(ids, ward.code))
            _copy(server, "beneficiaries_payout_account", ACCOUNT, _accounts(ids))
        with server.cursor() as cursor:
            cursor.execute(RIGHTS, {"unit": ward.code, "first": ward.first, "last": ward.first + ward.people - 1})
    with server.cursor() as cursor:
        for table in ("person", "payee", "payout_account", "entitlement"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('beneficiaries_{table}', 'id'), max(id)) FROM beneficiaries_{table}"
            )
    server.commit()
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    server.autocommit = False


RIGHTS = """
INSERT INTO beneficiaries_payee (id, person_id, organisation_name, organisation_code, created_at)
SELECT id, id, '', '', portal_now() FROM beneficiaries_person WHERE id BETWEEN %(first)s AND %(last)s ORDER BY id;
INSERT INTO beneficiaries_entitlement (person_id, programme_line_id, unit_id, coefficient, standard, decision_number,
    decision_date, benefit_book_number, valid_from, state, paid_through, created_at, updated_at)
SELECT p.id, line.id, %(unit)s, line.coefficient, '', p.id || '/QĐ-UBND', '2025-09-15', '', '2025-10-01', 'ACTIVE', '2026-10-01',
       portal_now(), portal_now()
FROM beneficiaries_person p JOIN beneficiaries_programme_line line ON line.code = 'HTXH'
WHERE p.id BETWEEN %(first)s AND %(last)s ORDER BY p.id;
"""


def _name(number: int) -> str:
    return f"{FAMILY[number % len(FAMILY)]} {MIDDLE[number // 10 % len(MIDDLE)]} {GIVEN[number // 50 % len(GIVEN)]}"


def _persons(ids: range, unit: str) -> Iterator[tuple[object, ...]]:
    numbers = [f"079{number:09d}" for number in ids]
    sealed = encrypt_many(zip(ids, numbers, strict=True), context="person.national_id")
    for number, national_id, encrypted in zip(ids, numbers, sealed, strict=True):
        name = _name(number)
        yield (
            *(
                number,
                encrypted,
                fingerprint("national-id", national_id),
                name,
                name_sort_key(name),
                "1948-05-01",
                "DAY",
                "F",
            ),
            *(unit, "1 Lê Lợi", "2026-11-01", "2026-11-01"),
        )


def _accounts(ids: range) -> Iterator[tuple[object, ...]]:
    numbers = [f"10{number:010d}77" for number in ids]  # ends in no scenario of the mocked gateway
    sealed = encrypt_many(zip(ids, numbers, strict=True), context="payout_account.number")
    for number, account, encrypted in zip(ids, numbers, sealed, strict=True):
        bank = BANKS[number % len(BANKS)]
        yield (
            *(number, number, 1, "SELF", bank, encrypted),
            account_fingerprint(creditor_agent=bank, creditor_account=account),
            *(mask_account(account), bank_form(_name(number)), "MATCH", "", "ACTIVE"),
            *("2026-11-01", "2026-11-01", "2026-11-01", 0, None, ""),
        )


def _copy(server: connection, table: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    text = "".join("\t".join(_field(value) for value in row) + "\n" for row in rows)
    with server.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", io.StringIO(text))


def _field(value: object) -> str:
    if value is None:
        return "\\N"
    return f"\\\\x{value.hex()}" if isinstance(value, bytes) else str(value)
