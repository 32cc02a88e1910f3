"""Changing how a bank is sent payments: rate, hours and cut-off, with a reason, for all workers at once."""

from datetime import datetime, time

from django.db import transaction

from foundation.audit.operations import record_event
from foundation.gateway.models import BankChannel
from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission

SECONDS_OF_BURST = 5  # an idle channel gathers what it may send in so long


@transaction.atomic(durable=True)
def change_channel(
    *,
    bank: str,
    rate_limit: int,
    opens_at: time | None,
    closes_at: time | None,
    cut_off: time | None,
    reason: str,
    by: User,
    at: datetime,
) -> None:
    """Set a channel's limits; the present rate never stands above the new one, and climbs to it by good answers.

    Raises:
        access.NotAllowed: `by` does not look after channels of the whole city.
    """
    access.require(user=by, permission=Permission.MANAGE_CHANNELS, unit_code=None, at=at)
    channel = BankChannel.objects.select_for_update(of=("self",), no_key=True).get(pk=bank)
    before = _facts(channel)
    channel.rate_limit = rate_limit
    channel.rate = min(channel.rate, rate_limit)
    channel.burst = rate_limit * SECONDS_OF_BURST
    channel.tokens = min(channel.tokens, channel.burst)
    channel.opens_at, channel.closes_at, channel.cut_off = opens_at, closes_at, cut_off
    channel.save(update_fields=["rate_limit", "rate", "burst", "tokens", "opens_at", "closes_at", "cut_off"])
    record_event(
        kind="channel.changed",
        actor=by.actor,
        subject_kind="bank",
        subject_id=bank,
        payload={"before": before, "after": _facts(channel), "reason": reason},
    )


def _facts(channel: BankChannel) -> dict[str, str | int | None]:
    hours = {name: getattr(channel, name) for name in ("opens_at", "closes_at", "cut_off")}
    return {
        "rate_limit": int(channel.rate_limit),
        **{name: value.strftime("%H:%M") if value else None for name, value in hours.items()},
    }
