"""The first page, and the two questions that machines ask: alive, and ready."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from foundation.reference.files import city_texts


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What the portal is for, for whom, and where to get help."""
    return render(request, "home.html", {"city": city_texts(), "demo": settings.DEMO})


@require_safe
@never_cache
def livez(_request: HttpRequest) -> HttpResponse:
    """The process answers; touches nothing."""
    return HttpResponse("ok", content_type="text/plain")
