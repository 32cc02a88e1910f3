"""The state of the system for those who look after it: processes, queues, the seal, the banks' channels."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from foundation.gateway.channels import ANSWERED, NO_ANSWER, TOO_MANY_LINES, WHOLE_GATEWAY
from foundation.gateway.models import BankChannel
from foundation.reference.models import Bank
from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission
from welfare_portal.channel_acts import change_channel
from welfare_portal.system_forms import ChannelForm
from welfare_portal.system_state import state_of_system

CHANNEL_COLOURS = {"CLOSED": "green", "OPEN": "red", "HALF_OPEN": "yellow"}


@page(Permission.VIEW_SYSTEM)
def status(request: PortalRequest) -> HttpResponse:
    """Who was last seen at work, what waits and for how long, what is wrong, and how far the trail is sealed."""
    return render(request, "system/status.html", {"state": state_of_system(), "at": request.at})


@page(Permission.VIEW_SYSTEM)
def channels(request: PortalRequest) -> HttpResponse:
    """How each bank's channel stands; the gateway itself stands on top. As many rows as there are banks."""
    names = dict(Bank.objects.values_list("bin", "short_name"))
    found = list(BankChannel.objects.order_by("bank_bin"))
    rows = [
        {
            "channel": channel,
            "name": _("Cổng kết nối") if channel.pk == WHOLE_GATEWAY else names.get(channel.pk, channel.pk),
            "colour": CHANNEL_COLOURS[channel.state],
            "answered": _last_answer(found if channel.pk == WHOLE_GATEWAY else [channel]),
            "may_change": channel.pk != WHOLE_GATEWAY and Permission.MANAGE_CHANNELS in request.rights,
        }
        for channel in found
    ]
    return render(request, "system/channels.html", {"rows": rows})


def _last_answer(channels: list[BankChannel]) -> tuple[datetime, str] | None:
    """When the latest of them came, and what it was; a code that nobody has words for says most as it is.

    What a bank answers has come through the gateway, whose own row is not written for it.
    """
    heard = [(channel.last_answer_at, channel.last_answer) for channel in channels if channel.last_answer_at]
    if not heard:
        return None
    at, code = max(heard)
    words = {
        ANSWERED: _("Đã trả lời"),
        NO_ANSWER: _("Không trả lời"),
        "TIMEOUT": _("Không trả lời kịp"),
        "CONNECT": _("Không kết nối được"),
        TOO_MANY_LINES: _("Báo gửi quá nhanh"),
    }
    return at, words.get(code, code)


@page(Permission.MANAGE_CHANNELS, methods="GET POST")
def change(request: PortalRequest, bank: str) -> HttpResponse:
    """Rate and hours of one bank, with a reason; all workers follow at their next claim."""
    channel = get_object_or_404(BankChannel.objects.exclude(pk=WHOLE_GATEWAY), pk=bank)
    form = ChannelForm(
        request.POST or None,
        initial={
            "rate_limit": int(channel.rate_limit),
            "opens_at": channel.opens_at,
            "closes_at": channel.closes_at,
            "cut_off": channel.cut_off,
        },
    )
    if request.method == "POST" and form.is_valid():
        change_channel(bank=bank, by=request.user, at=request.at, **form.cleaned_data)
        messages.success(request, _("Đã đổi kênh ngân hàng. Các tiến trình theo ngay từ lần gửi tới."))
        return redirect("channels")
    name = Bank.objects.filter(pk=bank).values_list("short_name", flat=True).first() or bank
    return render(
        request, "system/channel.html", {"form": form, "name": name, "bank": bank}, status=422 if form.errors else 200
    )
