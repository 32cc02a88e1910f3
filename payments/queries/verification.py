"""What the last verification found, and whether those before it held: two queries, whatever there is to pay."""

from collections.abc import Sequence
from dataclasses import dataclass

from payments.models import VerificationResult, VerificationRun

RECENT = 14


@dataclass(frozen=True, slots=True)
class LastVerification:
    """The last run with its lines, those that do not hold first; and the runs of the last days."""

    run: VerificationRun
    results: Sequence[VerificationResult]
    recent: Sequence[VerificationRun]


def last_verification() -> LastVerification | None:
    """None: nobody has ever verified."""
    recent = list(VerificationRun.objects.order_by("-id")[:RECENT])
    if not recent:
        return None
    order = {VerificationResult.Outcome.BROKEN: 0, VerificationResult.Outcome.NOT_COMPARED: 1}
    results = VerificationResult.objects.filter(run=recent[0]).order_by("id")
    return LastVerification(recent[0], sorted(results, key=lambda result: order.get(result.outcome, 2)), recent)  # type: ignore[call-overload]
