"""Auditors' pages: one search box, and the story of a transfer."""

from django.http import Http404, HttpResponse

from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission


@page(Permission.TRACE)
def search(request: PortalRequest) -> HttpResponse:
    """Search by any code."""
    raise Http404
