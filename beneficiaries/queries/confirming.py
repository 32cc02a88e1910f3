"""Accounts of lists that wait for the second person: how many where, which of them one officer may confirm.

What may be confirmed is said once, in `READY`, for the page that shows it and the operation that does it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from beneficiaries.models import PayoutAccount
from beneficiaries.queries.accounts import IN_REVIEW, TO_CONFIRM
from beneficiaries.states import AccountSource, AccountState
from foundation.users.models import User

# Parameters: unit, by (id of the officer), own (fingerprint of his ID number).
READY = """
    SELECT a.id, a.payee_id
    FROM beneficiaries_payout_account a
    JOIN beneficiaries_payee p ON p.id = a.payee_id
    LEFT JOIN beneficiaries_person m ON m.id = p.person_id
    WHERE a.state = 'ACCOUNT_CHECKED' AND a.source = 'FILE' AND m.unit_id = %(unit)s
      AND a.requested_by_id IS DISTINCT FROM %(by)s AND m.national_id_index IS DISTINCT FROM %(own)s
      AND NOT EXISTS (  -- one account, one holder: a number that somebody else holds, or two of this list claim, stays
          SELECT 1 FROM beneficiaries_payout_account other
          WHERE other.number_index = a.number_index AND other.id <> a.id
            AND other.state IN ('ACCOUNT_CHECKED', 'COOLING', 'ACTIVE', 'SUSPENDED'))
"""

DIGEST = "coalesce(encode(sha256(convert_to(string_agg({id}::text, ',' ORDER BY {id}), 'UTF8')), 'hex'), '')"
COUNTED = f"SELECT count(*), {DIGEST.format(id='ready.id')} FROM ({READY}) AS ready"  # noqa: S608  parts of this file
AMONG = f"SELECT ready.id FROM ({READY}) AS ready WHERE ready.id = ANY (%(ids)s)"  # noqa: S608  as above


@dataclass(frozen=True, slots=True)
class ReadyAccounts:
    """How many accounts one officer may confirm at once; `digest` stands for exactly these, empty where there are none."""

    count: int
    digest: str


def ready_accounts(*, unit_code: str, by: User) -> ReadyAccounts:
    """What `confirm_listed_accounts` would confirm now. One query."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, parameters(unit_code=unit_code, by=by))
        return ReadyAccounts(*cursor.fetchone())


def ready_among(*, ids: Collection[int], unit_code: str, by: User) -> set[int]:
    """Which of these accounts are among them. One query."""
    with connection.cursor() as cursor:
        cursor.execute(AMONG, parameters(unit_code=unit_code, by=by) | {"ids": list(ids)})
        return {row[0] for row in cursor.fetchall()}


def parameters(*, unit_code: str, by: User) -> dict[str, Any]:
    """The parameters of `READY`."""
    return {"unit": unit_code, "by": by.pk, "own": bytes(by.person_fingerprint or b"")}


@dataclass(frozen=True, slots=True)
class UnitAccounts:
    """Where the accounts of a unit stand on their way into use."""

    unit_code: str
    unit_name: str
    at_bank: int
    checked: int
    near: int
    in_use: int


AT_BANK = Q(state__in=[AccountState.REQUESTED, AccountState.ID_PROVEN], source=AccountSource.FILE)
IN_USE = Q(state=AccountState.ACTIVE)


def accounts_by_unit(*, user: User, at: datetime) -> list[UnitAccounts]:
    """The units that the user may see, with their accounts by where they stand. One query."""
    counted = (
        PayoutAccount.objects.visible_to(user, at=at)
        .filter(AT_BANK | TO_CONFIRM | IN_REVIEW | IN_USE, payee__person__isnull=False)
        .values_list("payee__person__unit", "payee__person__unit__name")
        .annotate(
            at_bank=Count("pk", filter=AT_BANK),
            checked=Count("pk", filter=TO_CONFIRM),
            near=Count("pk", filter=IN_REVIEW),
            in_use=Count("pk", filter=IN_USE),
        )
        .order_by("payee__person__unit__sort_key")
    )
    return [UnitAccounts(*row) for row in counted]
