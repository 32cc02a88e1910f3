"""Looking into what is kept of citizens' payments, with the note of who looked: a search by any code, and the raw messages.

Both write to the log of readings (foundation.privacy) in the transaction that reads. The numbers themselves are not noted.
"""

from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from foundation.gateway.exchanges import open_body
from foundation.gateway.models import GatewayMessageBody
from foundation.privacy.encryption import DecryptionFailed
from foundation.privacy.operations import record_access, record_accesses
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission
from payments.errors import NotInAuthority, WrongInput
from payments.queries import searching
from payments.queries.evidence import Evidence
from payments.queries.searching import SearchResult

TRACE = "trace"  # the purpose of a search, as the log of readings names it


@transaction.atomic(durable=True)
@sensitive_variables("code")
def search(*, code: str, by: User, at: datetime, after: int | None = None, limit: int = 50) -> SearchResult:
    """Find by any code what `by` may see; whose number was recognised is noted, also when nothing may be shown.

    Raises:
        NotInAuthority: `by` may neither trace payments nor view batches anywhere.
    """
    role = _role(by, at, Permission.TRACE, Permission.VIEW_BATCHES)
    found = searching.search(code=code, user=by, at=at, after=after, limit=limit)
    for subject, ids, name in (("person", found.persons, "national_id"), ("account", found.accounts, "number")):
        if ids:
            record_accesses(
                by=by.actor, role=role, subject_kind=subject, subject_ids=ids, fields=[name], purpose=TRACE
            )
    return found


@transaction.atomic(durable=True)
def read_evidence(*, reference: str, by: User, purpose: str, at: datetime) -> tuple[Evidence, ...]:
    """Open all that travelled under one message id, oldest first: numbers of citizens stand in it, so the reading is noted.

    Args:
        reference: The message id of an attempt, or of a message from the gateway (`TimelineEntry.evidence`).
        by: Who reads.
        purpose: Why, in words that an auditor can check.
        at: Now.

    Raises:
        NotInAuthority: `by` may not trace payments in the whole city; a message holds payments of many wards.
        WrongInput: No purpose is given.
    """
    role = _role(by, at, Permission.TRACE, everywhere=True)
    if not purpose.strip():
        raise WrongInput("purpose")
    bodies = list(GatewayMessageBody.objects.filter(reference=reference).order_by("at", "id")) if reference else []
    if bodies:
        came_in = bodies[0].message_id
        record_access(
            by=by.actor,
            role=role,
            subject_kind="gateway_message" if came_in else "dispatch_message",
            subject_id=came_in or reference,
            fields=["body"],
            purpose=purpose.strip()[:200],
        )
    return tuple(_evidence(body) for body in bodies)


def _role(by: User, at: datetime, *permissions: Permission, everywhere: bool = False) -> str:
    """The role under which `by` holds the first of these permissions that he holds."""
    role = access.rights(user=by, at=at).role_with(*permissions, everywhere=everywhere)
    if role is None:
        raise NotInAuthority(str(permissions[0]))
    return role


@sensitive_variables()
def _evidence(body: GatewayMessageBody) -> Evidence:
    try:
        text, intact = open_body(body).decode(), True
    except DecryptionFailed:
        text, intact = "", False
    except UnicodeDecodeError:
        text, intact = "", True
    return Evidence.of(body, text=text, is_intact=intact)
