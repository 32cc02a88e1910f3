"""The city's rules about approving, read from its files, repeatable: how many approve a list, and how much one may in a day.

A rule once in force is never changed by loading: a new rule is a new dated row.
"""

import csv
import datetime

from foundation.reference.files import CITY
from payments.models import ApprovalLimit, ApprovalPolicy


def load_policies() -> None:
    """Write the bands of `approval_policies.csv` and the limits of `approval_limits.csv` in the city's folder."""
    ApprovalPolicy.objects.bulk_create(
        [
            ApprovalPolicy(
                amount_from=int(row["amount_from"]),
                approvals_required=int(row["approvals_required"]),
                valid_from=datetime.date.fromisoformat(row["valid_from"]),
                valid_to=_last_day(row),
            )
            for row in _rows("approval_policies.csv")
        ],
        ignore_conflicts=True,
    )
    ApprovalLimit.objects.bulk_create(
        [
            ApprovalLimit(
                counted=row["counted"],
                whole_city=row["whole_city"] == "true",
                amount=int(row["amount"]),
                valid_from=datetime.date.fromisoformat(row["valid_from"]),
                valid_to=_last_day(row),
            )
            for row in _rows("approval_limits.csv")
        ],
        ignore_conflicts=True,
    )


def _rows(name: str) -> list[dict[str, str]]:
    with CITY.joinpath(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _last_day(row: dict[str, str]) -> datetime.date | None:
    return datetime.date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
