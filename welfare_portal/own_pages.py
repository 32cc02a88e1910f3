"""The first pages of those who are signed in; they join what the rooms below know."""

from django.http import Http404, HttpResponse

from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission


@page(Permission.VIEW_OWN_WELFARE)
def citizen_home(request: PortalRequest) -> HttpResponse:
    """A citizen's account, payments and what there is to do."""
    raise Http404


@page(Permission.VIEW_BATCHES)
def staff_home(request: PortalRequest) -> HttpResponse:
    """What waits for this officer."""
    raise Http404
