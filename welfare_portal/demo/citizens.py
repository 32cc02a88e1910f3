"""The citizens who can sign in at the mocked VNeID, as lines of the ward's list: entitled, and still paid in cash.

Who registers an account sees the next payment arrive in it. Names and numbers are the mock's own data.
"""

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings

from foundation.reference.births import parse_birth
from welfare_portal.demo.people import PERIOD, Human, ListedPayee, ListedPerson, Ward

CITIZENS = Path(settings.BASE_DIR) / "mock_gateway" / "data" / "citizens.json"
WARD = "26743"
# What each of them draws: the line, and for single parents the number of children.
DRAWS: dict[str, tuple[str, int | None]] = {
    "079144100238": ("HTXH", None),
    "079040200517": ("HTXH", None),
    "079168300426": ("KT-B", None),
    "066185400319": ("DT", 2),
    "079079500642": ("KT-B", None),
    "077150600815": ("HTXH", None),
    "074090700254": ("KT-B", None),
    "079048800733": ("HTXH", None),
    "079136900147": ("HTXH", None),
    "079055012973": ("NCC-TB-41", None),
}
FOSTER_MOTHER = "079193011586"


def listed_citizens() -> Iterator[ListedPerson]:
    """Their lines, the same in every run; the foster mother receives for a child and for her care."""
    ward = Ward(random.Random("citizens"), WARD, PERIOD, home=900_000)  # noqa: S311  invented people need no secrecy
    for row in json.loads(CITIZENS.read_text(encoding="utf-8")):
        if row["national_id"] in DRAWS:
            code, children = DRAWS[row["national_id"]]
            yield ward.line(code, _human(row), coefficient=Decimal(children) if children else None)
        elif row["national_id"] == FOSTER_MOTHER:
            child = ward.human(5, 9)
            child.address, child.neighbourhood = _home(row)
            mother = ListedPayee(row["name"], row["national_id"], "Người nhận nuôi dưỡng")
            for code in ("TE-A2", "CS-TE2"):
                yield ward.line(code, child, payee=mother)


def _human(row: dict[str, Any]) -> Human:
    address, neighbourhood = _home(row)
    return Human(
        full_name=row["name"],
        birth=parse_birth(row["birthdate"]),
        sex="F" if row["gender"] == "female" else "M",
        national_id=row["national_id"],
        address=address,
        neighbourhood=neighbourhood,
        phone=row["phone_number"],
    )


def _home(row: dict[str, Any]) -> tuple[str, str]:
    street, _, neighbourhood = row["street_address"].rpartition(", ")
    return street, neighbourhood
