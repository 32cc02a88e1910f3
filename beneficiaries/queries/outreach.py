"""Whom the community digital teams visit: living people who are owed money every month and have no account to be paid into."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from beneficiaries.queries.receiving import RECEIVED_BY, RECEIVER
from foundation.users.paging import Page, cut

# Who receives, if he may hold an account. Children who
# would receive for themselves cannot hold an account; they need somebody to receive for them, which is another work list.
_RECEIVERS = f"""
    SELECT DISTINCT receiver.id, receiver.full_name, receiver.name_sort_key, receiver.birth_date, receiver.address,
           receiver.neighbourhood_id, receiver.phone_index IS NOT NULL AS has_phone, p.id AS payee_id
    FROM beneficiaries_entitlement e
    JOIN beneficiaries_programme_line line ON line.id = e.programme_line_id AND line.period = 'MONTH'
    JOIN beneficiaries_person person ON person.id = e.person_id AND person.deceased_date IS NULL
    {RECEIVED_BY.format(day="%(day)s")}
    JOIN beneficiaries_payee p ON p.id = {RECEIVER}
    JOIN beneficiaries_person receiver ON receiver.id = p.person_id
    WHERE e.state = 'ACTIVE' AND %(day)s BETWEEN e.valid_from AND coalesce(e.valid_to, 'infinity')
      AND receiver.unit_id = %(unit)s AND receiver.deceased_date IS NULL
      AND NOT (receiver.id = person.id AND coalesce(person.birth_date > %(day)s::date - interval '14 years', false))
"""  # noqa: S608  fragments of ours; values are parameters

_HAS_ACCOUNT = """
    EXISTS (SELECT 1 FROM beneficiaries_payout_account a
            WHERE a.payee_id = r.payee_id AND a.state IN ('ACTIVE', 'COOLING'))
"""

COUNTS = f"""
    WITH r AS ({_RECEIVERS})
    SELECT n.id, coalesce(n.name, ''), count(*), count(*) FILTER (WHERE NOT {_HAS_ACCOUNT})
    FROM r LEFT JOIN reference_neighbourhood n ON n.id = r.neighbourhood_id
    GROUP BY n.id, n.name, n.sort_key ORDER BY n.sort_key NULLS LAST, n.id
"""  # noqa: S608  parts of this file; values are parameters

PEOPLE = f"""
    WITH r AS ({_RECEIVERS})
    SELECT r.id, r.full_name, r.name_sort_key, extract(year FROM r.birth_date)::int, r.address, r.neighbourhood_id,
           coalesce(n.name, ''), r.has_phone, d.id IS NOT NULL
    FROM r LEFT JOIN reference_neighbourhood n ON n.id = r.neighbourhood_id
    LEFT JOIN beneficiaries_account_draft d ON d.person_id = r.id
    WHERE NOT {_HAS_ACCOUNT}
      AND (%(neighbourhood)s IS NULL OR coalesce(r.neighbourhood_id, 0) = %(neighbourhood)s)
      AND (r.name_sort_key, r.id) > (%(after_name)s, %(after_id)s)
    ORDER BY r.name_sort_key, r.id LIMIT %(limit)s
"""  # noqa: S608  as above


@dataclass(frozen=True, slots=True)
class NeighbourhoodCount:
    """How many receive in a khu phố or ấp, and how many of them have no account; `id` is None where it is not known."""

    id: int | None
    name: str
    receivers: int
    without_account: int

    @property
    def with_account(self) -> int:
        """How many are paid into one."""
        return self.receivers - self.without_account


@dataclass(frozen=True, slots=True)
class PersonToVisit:
    """Somebody without an account, as the list shows him; `started` tells of a registration that is half done."""

    person_id: int
    full_name: str
    name_sort_key: str
    birth_year: int | None
    address: str
    neighbourhood_id: int | None
    neighbourhood: str
    has_phone: bool
    started: bool


def count_people_without_account(*, unit_code: str, day: date) -> list[NeighbourhoodCount]:
    """The neighbourhoods of a unit with whoever receives there, by name; who may see the unit is for the caller to ask."""
    return [NeighbourhoodCount(*row) for row in _rows(COUNTS, {"unit": unit_code, "day": day})]


def people_without_account(
    *,
    unit_code: str,
    day: date,
    neighbourhood_id: int | None = None,
    after: tuple[str, int] = ("", 0),
    limit: int = 50,
) -> Page[PersonToVisit, tuple[str, int]]:
    """Who is to be visited, by name; who may see the unit is for the caller to ask.

    Args:
        unit_code: Where they live.
        day: On which they are owed money.
        neighbourhood_id: One khu phố or ấp only; 0 stands for those whose neighbourhood is not known.
        after: Where the last page ended.
        limit: Rows on a page.
    """
    rows = _rows(
        PEOPLE,
        {
            "unit": unit_code,
            "day": day,
            "neighbourhood": neighbourhood_id,
            "after_name": after[0],
            "after_id": after[1],
            "limit": limit + 1,
        },
    )
    people = [PersonToVisit(*row) for row in rows]
    return cut(people, limit=limit, key=lambda person: (person.name_sort_key, person.person_id))


def _rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
