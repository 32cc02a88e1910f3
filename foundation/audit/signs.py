"""Signs of life: who was last seen at work, in rows that every process and every page can read."""

import json
from typing import Any

from django.db import connection

from foundation.audit.models import SignOfLife

Kind = SignOfLife.Kind

# A process that is rung a hundred times a second writes once in ten: nobody needs it finer.
GIVE = """
INSERT INTO audit_sign_of_life AS s (name, kind, at, details) VALUES (%(name)s, %(kind)s, portal_now(), %(details)s)
ON CONFLICT (name) DO UPDATE SET at = portal_now(), details = excluded.details
WHERE s.at < portal_now() - interval '10 seconds' OR s.details <> excluded.details
"""


def give_sign(*, name: str, kind: SignOfLife.Kind, details: dict[str, Any] | None = None) -> None:
    """Say that `name` is at work now."""
    with connection.cursor() as cursor:
        cursor.execute(GIVE, {"name": name[:100], "kind": str(kind), "details": json.dumps(details or {})})


def forget_old_signs() -> int:
    """Forget workers that have been gone for a week: how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM audit_sign_of_life WHERE kind = %s AND at < portal_now() - interval '7 days'", [Kind.WORKER]
        )
        return int(cursor.rowcount)
