"""The city's rule of how many approve a list: read from its file, repeatable."""

import csv
import datetime

from foundation.reference.files import CITY
from payments.models import ApprovalPolicy


def load_policies() -> int:
    """Write the bands of `approval_policies.csv` in the city's folder; returns how many there are.

    A band once in force is never changed by loading: a new rule is a new dated row.
    """
    path = CITY / "approval_policies.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ApprovalPolicy.objects.bulk_create(
        [
            ApprovalPolicy(
                amount_from=int(row["amount_from"]),
                approvals_required=int(row["approvals_required"]),
                valid_from=datetime.date.fromisoformat(row["valid_from"]),
                valid_to=datetime.date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )
    return len(rows)
