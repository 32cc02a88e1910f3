"""Writing the lines of a list: people, who receives for whom, rights, accounts. Inner steps of `import_register`.

Personal numbers are bound to their rows by encryption, so ids are taken from the sequences before the rows exist.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values

from beneficiaries.models import PayoutAccount, Person
from beneficiaries.register_file.rows import Channel, RegisterRow
from foundation.privacy.blind_index import account_fingerprint_many, fingerprint, fingerprint_many
from foundation.privacy.encryption import encrypt_many
from foundation.privacy.masking import mask_account
from foundation.privacy.row_ids import allocate
from foundation.reference.names import name_sort_key


@dataclass(frozen=True, slots=True)
class Standing:
    """What the register says now of one person and line."""

    full_name: str
    coefficient: str
    decision_number: str
    benefit_book: str


@dataclass(frozen=True, slots=True)
class Change:
    """One line that differs: the row of the file, and old and new values by field."""

    number: int
    fields: dict[str, tuple[str, str]]


def standing_lines(indexes: Sequence[bytes]) -> dict[tuple[bytes, int], Standing]:
    """The live rights of these people, by fingerprint of the ID and programme line."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.national_id_index, e.programme_line_id, p.full_name, e.coefficient::text, e.decision_number, "
            "e.benefit_book_number FROM beneficiaries_person p JOIN beneficiaries_entitlement e ON e.person_id = p.id "
            "WHERE p.national_id_index = ANY (%s) AND e.state <> 'ENDED'",
            [list(indexes)],
        )
        return {(bytes(row[0]), row[1]): Standing(row[2], row[3] or "", row[4], row[5]) for row in cursor.fetchall()}


def count_active(unit_code: str) -> int:
    """How many live rights the unit pays."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM beneficiaries_entitlement WHERE unit_id = %s AND state = 'ACTIVE'", [unit_code]
        )
        return int(cursor.fetchone()[0])


def compare(before: Standing, row: RegisterRow) -> Change | None:
    """What a line would change, or None."""
    after = Standing(row.full_name, f"{row.coefficient:.2f}", row.decision_number, row.benefit_book)
    fields = {
        name: (getattr(before, name), getattr(after, name))
        for name in ("full_name", "coefficient", "decision_number", "benefit_book")
        if getattr(before, name) != getattr(after, name)
    }
    return Change(row.number, fields) if fields else None


def write(
    cursor: Any, rows: Sequence[RegisterRow], *, import_id: int, unit_code: str, period: date, by_id: int
) -> dict[str, int]:
    """Write one chunk of lines; how many people, rights, representations and accounts were new."""
    people, new_people = _write_people(cursor, rows, unit_code)
    payees = _write_payees(cursor, rows, people)
    return {
        "people": new_people,
        "representations": _write_representations(cursor, rows, people, payees, period),
        "entitlements": _write_entitlements(
            cursor, rows, people, import_id=import_id, unit_code=unit_code, period=period
        ),
        "accounts": _write_accounts(cursor, rows, people, payees, by_id),
    }


def _many(cursor: Any, sql: str, values: Iterable[tuple[Any, ...]], *, template: str | None = None) -> int:
    """One INSERT or UPDATE over `values`; how many rows it touched."""
    rows = list(values)
    if not rows:
        return 0
    execute_values(cursor.cursor, sql, rows, template=template, page_size=len(rows))
    return int(cursor.rowcount)


# --- People ---
def _sex_of(national_id: str) -> str:
    """The fourth digit tells century and sex: even is male (domain.md 4.1)."""
    return "M" if int(national_id[3]) % 2 == 0 else "F"


def _write_people(cursor: Any, rows: Sequence[RegisterRow], unit_code: str) -> tuple[dict[str, int], int]:
    """Beneficiaries with all that the list tells, receivers with name and ID; ids by national ID, and how many were new."""
    told: dict[str, tuple[Any, ...]] = {}
    for row in rows:
        if row.payee is not None:
            name = row.payee.full_name
            told.setdefault(
                row.payee.national_id,
                (name, name_sort_key(name), None, "DAY", _sex_of(row.payee.national_id), None, "", ""),
            )
    for row in rows:
        told[row.national_id] = (
            row.full_name, name_sort_key(row.full_name), row.birth.date, str(row.birth.precision), str(row.sex),
            row.neighbourhood_id, row.address, row.phone if row.payee is None else "",
        )  # fmt: skip
    for row in rows:
        if row.payee is not None and row.phone:  # the phone is the receiver's
            told[row.payee.national_id] = (*told[row.payee.national_id][:7], row.phone)
    numbers = list(told)
    indexes = dict(zip(numbers, fingerprint_many("national-id", numbers), strict=True))
    cursor.execute(
        "SELECT id, national_id_index FROM beneficiaries_person WHERE national_id_index = ANY (%s)",
        [list(indexes.values())],
    )
    ids = {bytes(index): pk for pk, index in cursor.fetchall()}
    fresh = [number for number in numbers if indexes[number] not in ids]
    fresh_ids = dict(zip(fresh, allocate(Person, len(fresh)), strict=True)) if fresh else {}
    sealed = encrypt_many([(pk, number) for number, pk in fresh_ids.items()], context="person.national_id")
    phones = [(number, pk) for number, pk in fresh_ids.items() if told[number][7]]
    sealed_phones = dict(
        zip(
            (pk for _, pk in phones),
            encrypt_many([(pk, told[number][7]) for number, pk in phones], context="person.phone"),
            strict=True,
        )
    )
    _many(
        cursor,
        "INSERT INTO beneficiaries_person (id, national_id_encrypted, national_id_index, full_name, name_sort_key, birth_date, "
        "birth_precision, sex, unit_id, neighbourhood_id, address, phone_encrypted, phone_index) VALUES %s",
        (
            (pk, secret, indexes[number], *told[number][:5], unit_code, *told[number][5:7], sealed_phones.get(pk),
             fingerprint("phone", told[number][7]) if told[number][7] else None)
            for (number, pk), secret in zip(fresh_ids.items(), sealed, strict=True)
        ),
    )  # fmt: skip
    people = {number: fresh_ids.get(number) or ids[indexes[number]] for number in numbers}
    beneficiaries = {row.national_id for row in rows}
    _many(
        cursor,
        "UPDATE beneficiaries_person p SET full_name = v.full_name, name_sort_key = v.sort_key, birth_date = v.birth::date, "
        "birth_precision = v.precision, sex = v.sex, neighbourhood_id = v.neighbourhood::bigint, address = v.address, "
        "updated_at = portal_now() FROM (VALUES %s) AS v(id, full_name, sort_key, birth, precision, sex, neighbourhood, address) "
        "WHERE p.id = v.id AND (p.full_name, p.birth_date, p.birth_precision, p.sex, p.neighbourhood_id, p.address) "
        "IS DISTINCT FROM (v.full_name, v.birth::date, v.precision, v.sex, v.neighbourhood::bigint, v.address)",
        (
            (people[number], *told[number][:7])
            for number in numbers
            if number in beneficiaries and number not in fresh_ids
        ),
    )
    return people, len(fresh)


# --- Who receives ---
def _write_payees(cursor: Any, rows: Sequence[RegisterRow], people: dict[str, int]) -> dict[str, int]:
    """Every receiver as a payee; ids by national ID."""
    at_home: dict[int, bool] = {}
    for row in rows:
        pk = people[row.payee_national_id]
        at_home[pk] = at_home.get(pk, False) or row.channel is Channel.HOME
    _many(
        cursor,
        "INSERT INTO beneficiaries_payee (person_id, organisation_name, organisation_code, cash_at_home) VALUES %s "
        "ON CONFLICT (person_id) DO UPDATE SET cash_at_home = EXCLUDED.cash_at_home "
        "WHERE beneficiaries_payee.cash_at_home <> EXCLUDED.cash_at_home",
        ((pk, "", "", home) for pk, home in at_home.items()),
    )
    cursor.execute("SELECT person_id, id FROM beneficiaries_payee WHERE person_id = ANY (%s)", [list(at_home)])
    by_person = dict(cursor.fetchall())
    return {row.payee_national_id: by_person[people[row.payee_national_id]] for row in rows}


def _write_representations(
    cursor: Any, rows: Sequence[RegisterRow], people: dict[str, int], payees: dict[str, int], period: date
) -> int:
    """Who receives for whom and for which line, from the list's month on; a receiver that changed ends the month before."""
    told = [
        (
            people[row.national_id], payees[row.payee.national_id], row.payee.relation, row.line_id, row.payee.authority,
            min(row.valid_from, period), row.payee.authority_to,
        )
        for row in rows
        if row.payee is not None
    ]  # fmt: skip
    _many(
        cursor,
        "UPDATE beneficiaries_representation r SET valid_to = v.period::date - 1 "
        "FROM (VALUES %s) AS v(person, payee, relation, line, period) "
        "WHERE r.beneficiary_id = v.person AND r.programme_line_id = v.line AND r.payee_id <> v.payee "
        "AND v.period::date BETWEEN r.valid_from + 1 AND coalesce(r.valid_to, 'infinity')",
        ((person, payee, relation, line, period) for person, payee, relation, line, *_ in told),
    )
    return _many(
        cursor,
        "INSERT INTO beneficiaries_representation (beneficiary_id, payee_id, relation, programme_line_id, document_number, "
        "valid_from, valid_to) SELECT v.person, v.payee, v.relation, v.line, v.document, CASE WHEN EXISTS ("
        "SELECT 1 FROM beneficiaries_representation r WHERE r.beneficiary_id = v.person AND r.programme_line_id = v.line) "
        "THEN v.period::date ELSE v.first::date END, v.last::date "
        "FROM (VALUES %s) AS v(person, payee, relation, line, document, first, last, period) WHERE NOT EXISTS ("
        "SELECT 1 FROM beneficiaries_representation r WHERE r.beneficiary_id = v.person AND r.programme_line_id = v.line "
        "AND v.period::date BETWEEN r.valid_from AND coalesce(r.valid_to, 'infinity'))",
        ((*line, period) for line in told),
    )


# --- Rights ---
def _month_before(period: date, months: int) -> date:
    ordinal = period.year * 12 + period.month - 1 - months
    return date(ordinal // 12, ordinal % 12 + 1, 1)


def _write_entitlements(
    cursor: Any, rows: Sequence[RegisterRow], people: dict[str, int], *, import_id: int, unit_code: str, period: date
) -> int:
    """New rights, and new decisions or coefficients of standing ones. Unpaid months tell what was paid before the portal."""
    told = [
        (
            people[row.national_id], row.line_id, row.coefficient, row.decision_number, row.decision_date,
            row.benefit_book, row.valid_from, _month_before(period, row.arrears_months + 1),
        )
        for row in rows
    ]  # fmt: skip
    _many(
        cursor,
        "UPDATE beneficiaries_entitlement e SET coefficient = v.coefficient, decision_number = v.decision, "
        "decision_date = v.decided::date, benefit_book_number = v.book, unit_id = v.unit, updated_at = portal_now() "
        "FROM (VALUES %s) AS v(person, line, coefficient, decision, decided, book, unit) "
        "WHERE e.person_id = v.person AND e.programme_line_id = v.line AND e.state <> 'ENDED' "
        "AND (e.coefficient, e.decision_number, e.decision_date, e.benefit_book_number, e.unit_id) "
        "IS DISTINCT FROM (v.coefficient, v.decision, v.decided::date, v.book, v.unit)",
        ((*line[:6], unit_code) for line in told),
    )
    return _many(
        cursor,
        "INSERT INTO beneficiaries_entitlement (person_id, programme_line_id, unit_id, coefficient, standard, decision_number, "
        "decision_date, benefit_book_number, valid_from, state, paid_through, register_import_id) "
        "SELECT v.person, v.line, v.unit, v.coefficient, '', v.decision, v.decided::date, v.book, v.first::date, 'ACTIVE', "
        "v.paid_through::date, v.import FROM (VALUES %s) "
        "AS v(person, line, coefficient, decision, decided, book, first, paid_through, unit, import) WHERE NOT EXISTS ("
        "SELECT 1 FROM beneficiaries_entitlement e WHERE e.person_id = v.person AND e.programme_line_id = v.line "
        "AND e.state <> 'ENDED')",
        ((*line, unit_code, import_id) for line in told),
    )


# --- Accounts ---
def _write_accounts(
    cursor: Any, rows: Sequence[RegisterRow], people: dict[str, int], payees: dict[str, int], by_id: int
) -> int:
    """A number that the payee never had before becomes a request, to be checked with its bank; nothing else changes."""
    told = {
        payees[row.payee_national_id]: (row.bank_bin, row.account_number)
        for row in rows
        if row.channel is Channel.ACCOUNT
    }
    indexes = dict(zip(told, account_fingerprint_many(told.values()), strict=True))
    cursor.execute(
        "SELECT payee_id, number_index FROM beneficiaries_payout_account WHERE payee_id = ANY (%s)", [list(told)]
    )
    had: dict[int, set[bytes]] = {}
    for payee, index in cursor.fetchall():
        had.setdefault(payee, set()).add(bytes(index))
    fresh = [payee for payee in told if indexes[payee] not in had.get(payee, set())]
    if not fresh:
        return 0
    cursor.execute(
        "UPDATE beneficiaries_payout_account SET state = 'EXPIRED', due_at = NULL, ended_at = portal_now() "
        "WHERE payee_id = ANY (%s) AND state IN ('REQUESTED', 'ID_PROVEN', 'ACCOUNT_CHECKED', 'REVIEW') AND source = 'FILE'",
        [fresh],
    )
    ids = dict(zip(fresh, allocate(PayoutAccount, len(fresh)), strict=True))
    sealed = encrypt_many([(ids[payee], told[payee][1]) for payee in fresh], context="payout_account.number")
    return _many(
        cursor,
        "INSERT INTO beneficiaries_payout_account (id, payee_id, version, source, bank_id, number_encrypted, number_index, "
        "number_masked, holder_name, match_result, refusal_code, state, gateway_link_id, attempts, requested_by_id) "
        "SELECT v.id, v.payee, 1 + coalesce((SELECT max(version) FROM beneficiaries_payout_account a WHERE a.payee_id = v.payee), "
        "0), 'FILE', v.bank, v.number, v.index, v.masked, '', '', '', 'REQUESTED', '', 0, v.by "
        "FROM (VALUES %s) AS v(id, payee, bank, number, index, masked, by) WHERE NOT EXISTS ("
        "SELECT 1 FROM beneficiaries_payout_account a WHERE a.payee_id = v.payee "
        "AND a.state IN ('REQUESTED', 'ID_PROVEN', 'ACCOUNT_CHECKED', 'REVIEW', 'COOLING'))",
        (
            (ids[payee], payee, told[payee][0], secret, indexes[payee], mask_account(told[payee][1]), by_id)
            for payee, secret in zip(fresh, sealed, strict=True)
        ),
    )
