"""The rows of a list for the Treasury or the payment service: read when the list is made, and kept as they were, encrypted."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.views.decorators.debug import sensitive_variables

from beneficiaries.states import Delivery
from foundation.privacy.encryption import DecryptionFailed, decrypt_many, encrypt_many
from foundation.privacy.masking import mask_national_id
from foundation.reference.amounts import amount_in_words, format_count
from foundation.reference.files import city_texts
from foundation.users.access import CITY_TIME
from payments.models import PayoutBatch
from payments.operations.claiming import ListTampered
from payments.states import Route

CONTEXT = "payout_file_line.cells"

# Lines may pass to another transfer later: what a list said is kept as its own row, not looked up again.
TO_ACCOUNTS = """
SELECT t.id, t.chunk_id, t.end_to_end_id, t.creditor_name, t.instructed_amount, a.id, a.number_encrypted,
       a.number_index = t.account_fingerprint AND a.bank_id = t.creditor_agent, bank.name,
       (SELECT coalesce(sum(l.amount) FILTER (WHERE l.kind <> 'CURRENT'), 0)::bigint
        FROM payments_payout_line l WHERE l.transfer_id = t.id)
FROM payments_transfer t
JOIN beneficiaries_payout_account a ON a.id = t.payout_account_id
JOIN reference_bank bank ON bank.bin = t.creditor_agent
WHERE t.id = ANY (%s) ORDER BY t.id
"""
BY_SERVICE = """
SELECT t.id, t.end_to_end_id, t.creditor_name, t.instructed_amount, m.id, m.national_id_encrypted, m.birth_date,
       coalesce(m.address, ''), coalesce(n.name, ''), t.delivery, w.service_code
FROM payments_transfer t
JOIN beneficiaries_payment_way w ON w.id = t.payment_way_id
JOIN beneficiaries_payee p ON p.id = t.payee_id
LEFT JOIN beneficiaries_person m ON m.id = p.person_id
LEFT JOIN reference_neighbourhood n ON n.id = m.neighbourhood_id
WHERE t.id = ANY (%s) ORDER BY t.id
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One payment as a list tells it."""

    transfer_id: int
    amount: int
    cells: dict[str, str | int] = field(repr=False)


def code_of(end_to_end_id: str) -> str:
    """The code as lists write it: with hyphens no spreadsheet takes it for a number."""
    return str(UUID(hex=end_to_end_id))


@sensitive_variables()
def read_rows(cursor: Any, *, route: Route, batch: PayoutBatch, transfers: list[int]) -> list[Row]:
    """The rows of a new list in the order of the approved one.

    Raises:
        ListTampered: An account is not the approved one, or its number was moved from another row.
    """
    cursor.execute(TO_ACCOUNTS if route == Route.TREASURY_FILE else BY_SERVICE, [transfers])
    found = cursor.fetchall()
    return _to_accounts(batch, found) if route == Route.TREASURY_FILE else _by_service(batch, found)


@sensitive_variables()
def _to_accounts(batch: PayoutBatch, found: Sequence[tuple[Any, ...]]) -> list[Row]:
    for row in found:
        if not row[7]:
            raise ListTampered(batch.pk, row[1], "account of a transfer")
    try:
        numbers = decrypt_many([(row[5], row[6]) for row in found], context="payout_account.number")
    except DecryptionFailed as failure:
        raise ListTampered(batch.pk, found[0][1], "number of an account") from failure
    return [
        Row(
            row[0],
            row[4],
            {
                "name": row[3],
                "account": number,
                "bank": row[8],
                "amount": row[4],
                "arrears": row[9],
                "allowance": row[4] - row[9],
                "note": "",
                "code": code_of(row[2]),
            },
        )
        for row, number in zip(found, numbers, strict=True)
    ]


@sensitive_variables()
def _by_service(batch: PayoutBatch, found: Sequence[tuple[Any, ...]]) -> list[Row]:
    people = [(row[4], row[5]) for row in found if row[4] is not None]
    numbers = dict(zip((pk for pk, _ in people), decrypt_many(people, context="person.national_id"), strict=True))
    return [
        Row(
            row[0],
            row[3],
            {
                "name": row[2],
                "birth": _year(row[6]),
                "national_id": mask_national_id(numbers[row[4]]) if row[4] in numbers else "",
                "address": row[7],
                "neighbourhood": row[8],
                "delivery": str(Delivery(row[9]).label),
                "service_code": row[10],
                "amount": row[3],
                "code": code_of(row[1]),
            },
        )
        for row in found
    ]


def _year(day: date | None) -> str:
    return f"{day:%Y}" if day else ""


def heading_of(
    *, batch: PayoutBatch, route: Route, number: int, version: int, rows: Sequence[Row], at: datetime
) -> dict[str, Any]:
    """What stands above and below the rows, as it is on this day."""
    texts = city_texts()
    unit = batch.unit.full_name if batch.unit else texts["city"]["name"]
    day = at.astimezone(CITY_TIME)
    whom = (
        [f"Mã ĐVQHNS: {batch.fund.budget_code}", f"Tài khoản tại Kho bạc: {batch.fund.debtor_account}"]
        if route == Route.TREASURY_FILE
        else [f"Tổ chức dịch vụ chi trả: {texts['payment_service']['name']}", f"Nguồn: {batch.fund.name}"]
    )
    total = sum(row.amount for row in rows)
    return {
        "left": [
            f"ỦY BAN NHÂN DÂN {unit.upper()}",
            *whom,
            texts["titles"]["treasury_list" if route == Route.TREASURY_FILE else "service_list"],
            f"Tháng {batch.period:%m} năm {batch.period:%Y}, bảng kê số {number}, bản {version}",
            f"Lập ngày {day:%d} tháng {day:%m} năm {day:%Y}",
        ],
        "motto": texts["paper"]["motto"],
        "list": f"Đợt {batch.pk}, bản {batch.version}, mã danh sách {bytes(batch.list_hash or b'').hex()[:16]}",
        "count": format_count(len(rows)),
        "sum": total,
        "in_words": amount_in_words(total),
        "signatures": [
            texts["signatures"][key].replace("\n", " – ")
            for key in (
                ("prepared_by", "accountant", "chairman", "treasury")
                if route == Route.TREASURY_FILE
                else ("prepared_by", "accountant", "chairman", "payment_service")
            )
        ],
    }


@sensitive_variables()
def seal_cells(file_id: int, rows: Iterable[Row]) -> list[bytes]:
    """The rows of a file as they are kept; each opens in its own place only."""
    texts = (
        (f"{file_id}:{number}", json.dumps(row.cells, ensure_ascii=False, sort_keys=True))
        for number, row in enumerate(rows, start=1)
    )
    return encrypt_many(texts, context=CONTEXT)


@sensitive_variables()
def open_cells(file_id: int, lines: Iterable[tuple[int, bytes, int, int]]) -> list[Row]:
    """Lines of (number, ciphertext, transfer, amount) as they were read when the file was made.

    Raises:
        DecryptionFailed: A row was changed, or moved from another place.
    """
    kept = list(lines)
    texts = decrypt_many([(f"{file_id}:{number}", secret) for number, secret, _, _ in kept], context=CONTEXT)
    return [
        Row(transfer_id, amount, json.loads(text))
        for (_, _, transfer_id, amount), text in zip(kept, texts, strict=True)
    ]
