"""Signing in with VNeID, and leaving. Staff sign in at allauth's pages (urls.py)."""

import structlog
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from foundation.audit import clock
from foundation.users import operations, vneid
from foundation.users.pages import public

log = structlog.get_logger(__name__)

NEXT = "vneid_next"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@public
@require_GET
def sign_in(request: HttpRequest) -> HttpResponse:
    """Send the citizen to VNeID; the page that was wanted waits in the session."""
    wanted = request.GET.get(REDIRECT_FIELD_NAME, "")
    request.session[NEXT] = wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else ""
    try:
        return _fresh(vneid.begin(request, redirect_uri=request.build_absolute_uri(reverse("vneid-callback"))))
    except vneid.ProviderSilent as error:
        log.warning("VNeID is silent", why=str(error))
        return _problem(request, "silent", 503)


@public
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """The way back from VNeID: who is proven, at level 2, is signed in; anybody else reads why not and what to do."""
    try:
        proven = vneid.finish(request)
        user = operations.sign_in_citizen(proven=proven, at=clock.now())
    except vneid.SignInDenied:
        return _problem(request, "denied", 403)
    except vneid.ProviderSilent as error:
        log.warning("VNeID is silent", why=str(error))
        return _problem(request, "silent", 503)
    except operations.LevelTooLow:
        return _problem(request, "level", 403)
    except (vneid.SignInRefused, operations.IdentityChanged) as error:
        log.warning("sign-in refused", why=f"{type(error).__name__}: {error}")
        return _problem(request, "refused", 400)
    wanted = request.session.get(NEXT, "")
    request.session.flush()  # whoever used this browser before leaves nothing behind
    login(request, user, backend=BACKEND)
    return _fresh(HttpResponseRedirect(wanted or reverse("home")))


@public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session here; the next page offers to end VNeID's as well."""
    by_vneid = request.user.is_authenticated and request.user.kind == request.user.Kind.CITIZEN
    logout(request)
    target = reverse("signed-out")
    return HttpResponseRedirect(f"{target}?vneid=1" if by_vneid else target)


@public
@require_GET
def signed_out(request: HttpRequest) -> HttpResponse:
    """It is done."""
    vneid_exit = None
    if request.GET.get("vneid") == "1" and not request.user.is_authenticated:
        vneid_exit = vneid.end_session_address(back_to=request.build_absolute_uri("/"))
    return _fresh(render(request, "users/signed_out.html", {"vneid_exit": vneid_exit}))


def _problem(request: HttpRequest, why: str, status: int) -> HttpResponse:
    context = {"why": why, "demo": settings.DEMO}
    return _fresh(render(request, "users/sign_in_problem.html", context, status=status))


def _fresh(answer: HttpResponse) -> HttpResponse:
    add_never_cache_headers(answer)
    return answer
