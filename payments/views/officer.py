"""Officers' pages about payout batches."""

from django.http import Http404, HttpResponse

from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission


@page(Permission.VIEW_BATCHES)
def batches(request: PortalRequest) -> HttpResponse:
    """Batches of the units that the officer sees."""
    raise Http404
