"""The acts on money that need two persons, with the proposals that begin them: what goes back to the budget, what is let go."""

from collections.abc import Mapping
from datetime import datetime

from foundation.users.models import User
from payments.models import Fund, Proposal, Recovery
from payments.operations import recover, remit
from payments.operations.proposals import Effect, propose
from payments.states import LedgerAccount, ProposalKind

MONEY_EFFECTS: Mapping[ProposalKind, Effect] = {
    ProposalKind.REMIT_FUNDS: remit.REMIT_FUNDS,
    ProposalKind.STOP_RECOVERY: recover.STOP_RECOVERY,
}


def propose_remittance(
    *, fund_id: int, account: LedgerAccount, amount: int, outcome: str, reason: str, by: User, at: datetime
) -> Proposal:
    """Propose that so much of an account goes back to the budget, and with `outcome` CLOSE that the year is closed. Raises as
    `propose` and the act's check do.
    """
    return propose(
        effects=MONEY_EFFECTS,
        kind=ProposalKind.REMIT_FUNDS,
        subject=remit.subject_of(Fund.objects.get(pk=fund_id)),
        outcome=outcome,
        details=remit.details_of(account=account, amount=amount),
        reason=reason,
        by=by,
        at=at,
    )


def propose_stop(*, recovery_id: int, reason: str, by: User, at: datetime) -> Proposal:
    """Propose that the rest of a recovery is let go. Raises as `propose` and the act's check do."""
    recovery = Recovery.objects.select_related("entitlement").get(pk=recovery_id)
    return propose(
        effects=MONEY_EFFECTS,
        kind=ProposalKind.STOP_RECOVERY,
        subject=recover.subject_of(recovery),
        reason=reason,
        by=by,
        at=at,
    )
