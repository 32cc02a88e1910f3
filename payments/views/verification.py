"""Administrators' and auditors' page of the last verification: what holds, what does not, and what to do first."""

from django.http import HttpResponse
from django.shortcuts import render

from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission
from payments.operations.verification import INVARIANTS, Proof
from payments.queries.verification import last_verification
from payments.watchers import VERIFY_HOURS

GUIDE = "docs/operations.md"


@page(Permission.VIEW_SYSTEM)
def verification(request: PortalRequest) -> HttpResponse:
    """The last run, the lines that do not hold first. Nothing is worked out here: a run takes minutes."""
    told = {invariant.code: invariant for invariant in INVARIANTS}
    found = last_verification()
    rows = [(result, told.get(result.code)) for result in found.results] if found else []
    context = {
        "run": found.run if found else None,
        "rows": rows,
        "broken": [(result, invariant) for result, invariant in rows if result.broken],
        "runs": found.recent if found else [],
        "is_late": found is not None and (request.at - found.run.finished_at).total_seconds() > VERIFY_HOURS * 3_600,
        "by_guard": Proof.GUARD,
        "guide": GUIDE,
    }
    return render(request, "system/verification.html", context)
