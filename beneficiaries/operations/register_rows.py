"""Writing one chunk of a list that was compared: people, who receives for whom, rights, accounts, one statement each.

Inner steps of `import_register`, inside its transaction. Personal numbers are bound to their rows by encryption, so ids
are taken from the sequences before the rows exist. Every row written was judged in `register_compare`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2.extras import execute_values

from beneficiaries.models import PayoutAccount, Person
from beneficiaries.operations.register_compare import Receiver, Right, Verdict
from beneficiaries.operations.register_standing import Account, Standing
from beneficiaries.queries.ways import TODAY
from beneficiaries.register_file.rows import RegisterRow
from foundation.privacy.blind_index import fingerprint
from foundation.privacy.encryption import encrypt_many
from foundation.privacy.masking import mask_account
from foundation.privacy.row_ids import allocate
from foundation.reference.identifiers import national_id_parts
from foundation.reference.names import name_sort_key
from foundation.reference.rates import months_before

COUNTED = ("people", "entitlements", "representations", "accounts", "corrected")


@dataclass(frozen=True, slots=True)
class Writing:
    """Where and for what a chunk is written."""

    cursor: Any
    import_id: int
    unit_code: str
    period: date
    by_id: int

    def many(self, sql: str, values: Iterable[tuple[Any, ...]]) -> int:
        """One statement over all `values`; how many rows it touched."""
        rows = list(values)
        if not rows:
            return 0
        execute_values(self.cursor.cursor, sql, rows, page_size=len(rows))
        return int(self.cursor.rowcount)


def write(writing: Writing, verdicts: Sequence[Verdict], standing: Standing) -> dict[str, int]:
    """Write one chunk; how many people, rights, representations and accounts are new, and how many rows were corrected."""
    people, new_people, corrected = _write_people(writing, verdicts, standing)
    payees = _write_payees(writing, [verdict.row for verdict in verdicts], people)
    _write_ways(writing, verdicts, payees)
    representations = _write_receivers(writing, verdicts, people, payees)
    rights, corrected_rights = _write_rights(writing, verdicts, people)
    return {
        "people": new_people,
        "entitlements": rights,
        "representations": representations,
        "accounts": _write_accounts(writing, verdicts, standing, payees),
        "corrected": corrected + corrected_rights,
    }


# --- People ---
def _write_people(
    writing: Writing, verdicts: Sequence[Verdict], standing: Standing
) -> tuple[dict[str, int], int, int]:
    """Ids by national ID; how many people were new and how many were corrected.

    Of somebody who only receives, a list tells name and ID; the sex is read from the ID, the birth date stays unknown.
    """
    phones: dict[str, str] = {}
    told: dict[str, tuple[Any, ...]] = {}
    for verdict in verdicts:
        row = verdict.row
        if row.phone:
            phones.setdefault(row.payee_national_id, row.phone)
        if row.payee is not None and row.payee.national_id not in told:
            name, sex = row.payee.full_name, national_id_parts(row.payee.national_id).sex
            told[row.payee.national_id] = (name, name_sort_key(name), None, "DAY", sex, None, "")
    for verdict in verdicts:
        row = verdict.row
        told[row.national_id] = (
            row.full_name,
            name_sort_key(row.full_name),
            row.birth.date,
            row.birth.precision,
            row.sex,
            row.neighbourhood_id,
            row.address,
        )
    people = {number: known.id for number, known in standing.people.items()}
    fresh = [number for number in told if number not in people]
    people.update(zip(fresh, allocate(Person, len(fresh)) if fresh else [], strict=True))
    new_phones = {number: phones[number] for number in fresh if number in phones}
    sealed_phones = _sealed_phones(people, new_phones)
    sealed = encrypt_many(((people[number], number) for number in fresh), context="person.national_id")
    writing.many(
        "INSERT INTO beneficiaries_person (id, national_id_encrypted, national_id_index, full_name, name_sort_key, "
        "birth_date, birth_precision, sex, neighbourhood_id, address, unit_id, phone_encrypted, phone_index) VALUES %s",
        (
            (
                people[number],
                secret,
                standing.indexes[number],
                *told[number],
                writing.unit_code,
                *sealed_phones.get(number, (None, None)),
            )
            for number, secret in zip(fresh, sealed, strict=True)
        ),
    )
    corrected = writing.many(
        "UPDATE beneficiaries_person p SET full_name = v.full_name, name_sort_key = v.sort_key, "
        "birth_date = v.birth::date, birth_precision = v.precision, sex = v.sex, "
        "neighbourhood_id = v.neighbourhood::bigint, address = v.address, unit_id = v.unit, updated_at = portal_now() "
        "FROM (VALUES %s) AS v(id, full_name, sort_key, birth, precision, sex, neighbourhood, address, unit) "
        "WHERE p.id = v.id",
        {
            verdict.row.national_id: (
                people[verdict.row.national_id],
                *told[verdict.row.national_id],
                writing.unit_code,
            )
            for verdict in verdicts
            if verdict.write_person
        }.values(),
    )
    _write_missing_phones(writing, standing, people, phones)
    return people, len(fresh), corrected


def _sealed_phones(people: dict[str, int], phones: dict[str, str]) -> dict[str, tuple[bytes, bytes]]:
    """Ciphertext and fingerprint of telephone numbers, by national ID."""
    sealed = encrypt_many(((people[number], phone) for number, phone in phones.items()), context="person.phone")
    return {
        number: (secret, fingerprint("phone", phone))
        for (number, phone), secret in zip(phones.items(), sealed, strict=True)
    }


def _write_missing_phones(
    writing: Writing, standing: Standing, people: dict[str, int], phones: dict[str, str]
) -> None:
    """A number where the portal knows none; one that the person gave himself is never written over."""
    wanted = {
        number: phone
        for number, phone in phones.items()
        if number in standing.people and not standing.people[number].has_phone
    }
    writing.many(
        "UPDATE beneficiaries_person p SET phone_encrypted = v.secret, phone_index = v.index, updated_at = portal_now() "
        "FROM (VALUES %s) AS v(id, secret, index) WHERE p.id = v.id AND p.phone_index IS NULL",
        ((people[number], *values) for number, values in _sealed_phones(people, wanted).items()),
    )


# --- Who receives ---
def _write_payees(writing: Writing, rows: Sequence[RegisterRow], people: dict[str, int]) -> dict[str, int]:
    """Every receiver as a payee; ids by national ID."""
    receivers = list({people[row.payee_national_id] for row in rows})
    writing.many(
        "INSERT INTO beneficiaries_payee (person_id, organisation_name, organisation_code) VALUES %s "
        "ON CONFLICT (person_id) DO NOTHING",
        ((pk, "", "") for pk in receivers),
    )
    writing.cursor.execute("SELECT person_id, id FROM beneficiaries_payee WHERE person_id = ANY (%s)", [receivers])
    by_person = dict(writing.cursor.fetchall())
    return {row.payee_national_id: by_person[people[row.payee_national_id]] for row in rows}


WRITE_WAYS = f"""
    INSERT INTO beneficiaries_payment_way (payee_id, way, delivery, service_code, valid_from, source, reason, recorded_by_id)
    SELECT v.payee, v.way, v.delivery, '', {TODAY}, 'FILE', v.reason, v.by
    FROM (VALUES %s) AS v(payee, way, delivery, reason, by)
"""  # noqa: S608  fragments of ours; values are parameters


def _write_ways(writing: Writing, verdicts: Sequence[Verdict], payees: dict[str, int]) -> int:
    """A row from the day of writing for whoever the list pays in another way than before."""
    wanted = {payees[verdict.row.payee_national_id]: verdict.row.channel for verdict in verdicts if verdict.new_way}
    return writing.many(
        WRITE_WAYS,
        (
            (payee, str(channel.way), channel.delivery, f"Danh sách {writing.import_id}", writing.by_id)
            for payee, channel in wanted.items()
        ),
    )


def _write_receivers(
    writing: Writing, verdicts: Sequence[Verdict], people: dict[str, int], payees: dict[str, int]
) -> int:
    """Representations from the list's month on. One that began before ends the day before; one of this month is redone.

    A representation without a predecessor begins with the right, so that unpaid months go to the receiver too.
    """
    leaving = [
        verdict.known_receiver
        for verdict in verdicts
        if verdict.receiver is not Receiver.KEEP and verdict.known_receiver is not None
    ]
    writing.cursor.execute(
        "UPDATE beneficiaries_representation SET valid_to = %s::date - 1 WHERE id = ANY (%s)",
        [writing.period, [known.id for known in leaving if known.valid_from < writing.period]],
    )
    writing.cursor.execute(
        "DELETE FROM beneficiaries_representation WHERE id = ANY (%s)",
        [[known.id for known in leaving if known.valid_from >= writing.period]],
    )
    return writing.many(
        "INSERT INTO beneficiaries_representation (beneficiary_id, payee_id, relation, programme_line_id, "
        "document_number, valid_from, valid_to) VALUES %s",
        (
            (
                people[verdict.row.national_id],
                payees[verdict.row.payee.national_id],
                verdict.row.payee.relation,
                verdict.row.line_id,
                verdict.row.payee.authority,
                writing.period if verdict.known_receiver else min(verdict.row.valid_from, writing.period),
                verdict.row.payee.authority_to,
            )
            for verdict in verdicts
            if verdict.row.payee is not None and verdict.receiver in {Receiver.NEW, Receiver.RENEW}
        ),
    )


# --- Rights ---
def _write_rights(writing: Writing, verdicts: Sequence[Verdict], people: dict[str, int]) -> tuple[int, int]:
    """New rights and new decisions; how many rights were added and how many corrected.

    What was paid before the portal began, or under the decision before, is told by the list's unpaid months: so a new
    decision never pays a month again.
    """
    adjusted = [verdict for verdict in verdicts if verdict.right is Right.ADJUST]
    writing.many(
        "UPDATE beneficiaries_entitlement e SET valid_to = v.first::date - 1, updated_at = portal_now() "
        "FROM (VALUES %s) AS v(id, first) WHERE e.id = v.id",
        ((verdict.known_right.id, verdict.row.valid_from) for verdict in adjusted if verdict.known_right),
    )
    corrected = writing.many(
        "UPDATE beneficiaries_entitlement e SET decision_number = v.decision, decision_date = v.decided::date, "
        "benefit_book_number = v.book, updated_at = portal_now() "
        "FROM (VALUES %s) AS v(id, decision, decided, book) WHERE e.id = v.id",
        (
            (verdict.known_right.id, verdict.row.decision_number, verdict.row.decision_date, verdict.row.benefit_book)
            for verdict in verdicts
            if verdict.right is Right.CORRECT and verdict.known_right
        ),
    )
    added = writing.many(
        "INSERT INTO beneficiaries_entitlement (person_id, programme_line_id, unit_id, coefficient, standard, "
        "decision_number, decision_date, benefit_book_number, valid_from, state, paid_through, register_import_id) "
        "VALUES %s",
        (
            (
                people[row.national_id],
                row.line_id,
                writing.unit_code,
                row.coefficient,
                "",
                row.decision_number,
                row.decision_date,
                row.benefit_book,
                row.valid_from,
                "ACTIVE",
                months_before(writing.period, row.arrears_months + 1)[-1],
                writing.import_id,
            )
            for row in (verdict.row for verdict in verdicts if verdict.right in {Right.NEW, Right.ADJUST})
        ),
    )
    return added, corrected


# --- Accounts ---
def _write_accounts(writing: Writing, verdicts: Sequence[Verdict], standing: Standing, payees: dict[str, int]) -> int:
    """Numbers to be checked with their banks. A request of an earlier list that still waits gives way; nothing else does.

    No number is used before its bank gave the holder's name and a second person confirmed it.
    """
    wanted: dict[int, Account] = {
        payees[verdict.row.payee_national_id]: (verdict.row.bank_bin, verdict.row.account_number)
        for verdict in verdicts
        if verdict.request_account
    }
    if not wanted:
        return 0
    writing.cursor.execute(
        "UPDATE beneficiaries_payout_account SET state = 'EXPIRED', due_at = NULL, ended_at = portal_now() "
        "WHERE payee_id = ANY (%s) AND source = 'FILE' "
        "AND state IN ('REQUESTED', 'ID_PROVEN', 'ACCOUNT_CHECKED', 'REVIEW')",
        [list(wanted)],
    )
    ids = dict(zip(wanted, allocate(PayoutAccount, len(wanted)), strict=True))
    sealed = encrypt_many(
        ((ids[payee], number) for payee, (_bin, number) in wanted.items()), context="payout_account.number"
    )
    return writing.many(
        "INSERT INTO beneficiaries_payout_account (id, payee_id, version, source, bank_id, number_encrypted, "
        "number_index, number_masked, holder_name, match_result, refusal_code, state, gateway_link_id, attempts, "
        "requested_by_id) SELECT v.id, v.payee, 1 + coalesce((SELECT max(a.version) FROM beneficiaries_payout_account a "
        "WHERE a.payee_id = v.payee), 0), 'FILE', v.bank, v.number, v.index, v.masked, '', '', '', 'REQUESTED', '', 0, "
        "v.by FROM (VALUES %s) AS v(id, payee, bank, number, index, masked, by)",
        (
            (
                ids[payee],
                payee,
                account[0],
                secret,
                standing.account_indexes[account],
                mask_account(account[1]),
                writing.by_id,
            )
            for (payee, account), secret in zip(wanted.items(), sealed, strict=True)
        ),
    )
