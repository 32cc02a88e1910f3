"""How officers' pages write differences, hashes and states of lists and payments."""

from datetime import datetime

from django import template
from django.utils import formats
from django.utils.translation import ngettext

from foundation.reference.amounts import format_amount
from payments.queries.progress import Group
from payments.states import BatchState, TransferState, Verdict

register = template.Library()

MINUS = "\u2212"
B, T = BatchState, TransferState
BATCH_COLOURS: dict[str, str] = {
    B.BUILDING: "blue",
    B.DRAFT: "grey",
    B.SUBMITTED: "yellow",
    B.WITHDRAWN: "grey",
    B.REJECTED: "red",
    B.APPROVED: "turquoise",
    B.RESERVED: "turquoise",
    B.DISPATCHING: "blue",
    B.HELD: "red",
    B.CANCELLING: "orange",
    B.DRAINED: "green",
    B.RECONCILED: "green",
    B.CLOSED: "green",
}
TRANSFER_COLOURS: dict[str, str] = {
    T.SETTLED: "green",
    T.REJECTED: "red",
    T.RETURNED: "red",
    T.UNKNOWN: "orange",
    T.REVIEW: "orange",
    T.PLANNED: "grey",
    T.CANCELLED: "grey",
    T.EXCLUDED: "grey",
}
GROUP_COLOURS: dict[str, str] = {
    Group.SETTLED: "done",
    Group.AT_BANK: "busy",
    Group.CASH: "wait",
    Group.TREASURY: "wait",
    Group.SERVICE: "wait",
    Group.WAITING: "open",
    Group.REVIEW: "wait",
    Group.REJECTED: "failed",
    Group.RETURNED: "failed",
    Group.CANCELLED: "open",
}


PAPER_COLOURS: dict[str, str] = {"CONFIRMED": "green", "REFUSED": "red", "STOPPED": "grey", "WITHDRAWN": "grey"}


@register.filter
def paper_colour(state: str) -> str:
    """The colour of the tag of what waits for a second person, or has his word."""
    return PAPER_COLOURS.get(state, "yellow")


@register.filter
def group_colour(group: str) -> str:
    """The part of a drawn bar that stands for a group of payments."""
    return GROUP_COLOURS[group]


@register.filter
def batch_colour(state: str) -> str:
    """The colour of the tag that has the words of a batch's state."""
    return BATCH_COLOURS.get(state, "grey")


@register.filter
def transfer_colour(state: str) -> str:
    """The same for a payment."""
    return TRANSFER_COLOURS.get(state, "blue")


@register.filter
def verdict_colour(verdict: str) -> str:
    """The same for what a row of a result file does."""
    colours = {Verdict.PAID: "green", Verdict.NOT_PAID: "yellow", Verdict.BEFORE: "grey"}
    return colours.get(Verdict(verdict), "red")


@register.filter
def more_or_less(amount: int | None) -> str:
    """`+1.625.000 đ`, `−650.000 đ`, `0 đ`."""
    if amount is None:
        return ""
    return f"{_sign(amount)}{format_amount(abs(amount))}".replace(" ", "\u00a0")


@register.filter
def absolute(amount: int) -> int:
    """Without its sign, where the words say which way it went."""
    return abs(amount)


@register.filter
def more_or_fewer(count: int | None) -> str:
    """`+7`, `−3`, `0`."""
    return "" if count is None else f"{_sign(count)}{abs(count)}"


@register.filter
def tenths(value: int | None) -> str:
    """Tenths of a percent: `16` is `+1,6 %`."""
    if value is None:
        return ""
    whole, rest = divmod(abs(value), 10)
    return f"{_sign(value)}{whole}{formats.get_format('DECIMAL_SEPARATOR')}{rest}\u00a0%"


@register.filter
def minus(one: int, other: int) -> int:
    """The difference of two counts."""
    return one - other


@register.filter
def hexadecimal(digest: bytes | memoryview | None) -> str:
    """A hash as it is written."""
    return bytes(digest).hex() if digest else ""


@register.filter
def waiting_for(seconds: int | None) -> str:
    """Roughly how long: `40 giây`, `3 phút`, `2 giờ`, `4 ngày`."""
    if seconds is None:
        return ""
    if seconds < 60:
        return ngettext("%(count)s giây", "%(count)s giây", seconds) % {"count": seconds}
    if seconds < 3_600:
        return ngettext("%(count)s phút", "%(count)s phút", seconds // 60) % {"count": seconds // 60}
    if seconds < 86_400:
        return ngettext("%(count)s giờ", "%(count)s giờ", seconds // 3_600) % {"count": seconds // 3_600}
    return ngettext("%(count)s ngày", "%(count)s ngày", seconds // 86_400) % {"count": seconds // 86_400}


@register.filter
def since(then: datetime, now: datetime) -> str:
    """How long something has been so."""
    return waiting_for(max(0, int((now - then).total_seconds())))


def _sign(number: int) -> str:
    return "+" if number > 0 else MINUS if number < 0 else ""
