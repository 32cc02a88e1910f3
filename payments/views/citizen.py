"""A citizen's own payments."""

from django.http import Http404, HttpResponse

from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission


@page(Permission.VIEW_OWN_WELFARE)
def my_payments(request: PortalRequest) -> HttpResponse:
    """What was paid, newest first."""
    raise Http404
