"""An act that needs a reason and nothing else: its page, which says what the act does, and the act."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from foundation.users.pages import PortalRequest
from payments.forms.batches import ReasonForm


def with_reason(
    request: PortalRequest,
    act: Callable[[str], str],
    *,
    title: str,
    explained: str,
    button: str,
    done: str,
    back: str,
) -> HttpResponse:
    """Show the page; once a fit reason is given, `act` on it, say that it is `done`, and go to the address that `act` returns."""
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        address = act(form.cleaned_data["reason"])
        messages.success(request, done)
        return redirect(address)
    context = {"title": title, "explained": explained, "button": button, "back": back, "form": form}
    return render(request, "funds/reason.html", context, status=422 if form.errors else 200)
