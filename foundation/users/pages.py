"""The door of every page: who may come in, and what those hear who may not.

A view names one permission; reading an address table against these marks is how a test knows that none was forgotten.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from foundation.audit import clock
from foundation.users import access
from foundation.users.models import User
from foundation.users.refusals import ActRefused
from foundation.users.roles import Permission

FOR_CITIZENS = {Permission.VIEW_OWN_WELFARE, Permission.LINK_OWN_ACCOUNT}
P = ParamSpec("P")


class PortalRequest(HttpRequest):
    """A request that has passed the door: who asks, what he may, and the moment that counts for the whole request."""

    user: User
    at: datetime
    rights: access.Rights
    htmx: HtmxDetails


View = Callable[Concatenate[PortalRequest, P], HttpResponse]
Door = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def page(permission: Permission, *, methods: str = "GET") -> Callable[[View[P]], Door[P]]:
    """Let in who holds `permission` somewhere; `methods` are the words of HTTP that the page knows, with spaces.

    Which unit's rows he sees is for `visible_to`; whether he may act on one is for the operation. A refusal of either is
    answered here: 401 when the session has ended, 403 without the right, the refusal's own status otherwise.
    """

    def put(view: View[P]) -> Door[P]:
        allowed = {*methods.split()} | ({"HEAD"} if "GET" in methods else set())

        @wraps(view)
        def door(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in allowed:
                return _no_such_method(request, allowed)
            if not request.user.is_authenticated:
                return _signed_out(request, permission)
            asked = cast("PortalRequest", request)
            asked.at = clock.now()
            asked.rights = access.rights(user=asked.user, at=asked.at)
            answer = _stopped(asked, permission)
            if answer is None:
                try:
                    answer = view(asked, *args, **kwargs)
                except access.NotAllowed:
                    answer = forbidden(asked)
                except ActRefused as refusal:
                    answer = refused(asked, refusal)
            add_never_cache_headers(answer)
            return answer

        door.permission = permission  # type: ignore[attr-defined]
        return cast("Door[P]", door)

    return put


def public(view: Callable[Concatenate[HttpRequest, P], HttpResponseBase]) -> Door[P]:
    """A page for everybody, said on purpose."""
    view.permission = None  # type: ignore[attr-defined]
    return view


def for_staff(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """One of allauth's pages, for staff and for whoever is not signed in yet: citizens have VNeID and nothing beside it."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, User) and request.user.kind != User.Kind.STAFF:
            return forbidden(request)
        return view(request, *args, **kwargs)

    door.permission = None  # type: ignore[attr-defined]
    return door


def _signed_out(request: HttpRequest, permission: Permission) -> HttpResponse:
    entrance = reverse("citizen-sign-in") if permission in FOR_CITIZENS else reverse("account_login")
    htmx = bool(request.headers.get("HX-Request"))
    if request.method in ("GET", "HEAD") and not htmx:
        return cast("HttpResponse", redirect_to_login(request.get_full_path(), entrance))
    answer = render(request, "session_ended.html", {"entrance": entrance}, status=401)
    if htmx:
        answer["HX-Refresh"] = "true"  # the page itself then leads to the entrance
    return answer


def lacks_second_factor(user: User) -> bool:
    """Whether the user may not work yet: staff, outside the demonstration, without a second factor."""
    return settings.MFA_REQUIRED and user.kind == User.Kind.STAFF and not is_mfa_enabled(user)


def _no_such_method(request: HttpRequest, allowed: set[str]) -> HttpResponse:
    answer = render(request, "405.html", {"back": _came_from(request)}, status=405)
    answer["Allow"] = ", ".join(sorted(allowed))
    return answer


def _stopped(request: PortalRequest, permission: Permission) -> HttpResponse | None:
    if permission not in request.rights:
        return forbidden(request)
    if lacks_second_factor(request.user):
        if request.method not in ("GET", "HEAD"):
            return forbidden(request)
        messages.warning(request, _("Trước khi làm việc, ông, bà phải đăng ký xác thực lớp thứ hai."))
        return HttpResponseRedirect(reverse("mfa_index"))
    return None


def forbidden(request: HttpRequest) -> HttpResponse:
    """The page for somebody who is known and may not."""
    return render(request, "403.html", status=403)


def refused(request: HttpRequest, refusal: ActRefused) -> HttpResponse:
    """The page that says why an act was refused, what to do, and that nothing was written."""
    return render(request, "refused.html", {"refusal": refusal, "back": _came_from(request)}, status=refusal.status)


def _came_from(request: HttpRequest) -> str:
    """The page of ours whose form was sent, else the first page."""
    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure()):
        return referer
    return reverse("home")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that this browser did not get from us, or got too long ago."""
    return render(request, "csrf_failed.html", {"back": _came_from(request)}, status=403)
