"""The first page, and the questions that machines ask: alive, ready, still here."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from foundation.audit import clock
from foundation.reference.files import city_texts
from foundation.users import access
from foundation.users.models import User
from foundation.users.pages import public
from foundation.users.roles import Permission


@public
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What the portal is for, for whom, and where to get help; who is signed in goes to his own work."""
    user = request.user
    if isinstance(user, User):
        return HttpResponseRedirect(reverse(_own_page(user)))
    return render(request, "home.html", {"city": city_texts(), "demo": settings.DEMO})


def _own_page(user: User) -> str:
    if user.kind == User.Kind.CITIZEN:
        return "citizen-home"
    rights = access.rights(user=user, at=clock.now())
    firsts = ((Permission.TRACE, "trace-search"), (Permission.ASSIST_REGISTRATION, "not-registered"))
    return next((page for permission, page in firsts if permission in rights), "staff-home")


@public
@require_safe
@never_cache
def livez(_request: HttpRequest) -> HttpResponse:
    """The process answers; touches nothing."""
    return HttpResponse("ok", content_type="text/plain")


@public
@require_safe
def still_here(request: HttpRequest) -> HttpResponse:
    """Somebody pressed «go on»: the session lasts on, unless it is over."""
    answer = HttpResponse(status=204 if request.user.is_authenticated else 401)
    patch_cache_control(answer, no_store=True)
    return answer
