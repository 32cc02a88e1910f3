"""Officers' pages about people who are not registered yet."""

from django.http import Http404, HttpResponse

from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission


@page(Permission.ASSIST_REGISTRATION)
def not_registered(request: PortalRequest) -> HttpResponse:
    """People who are paid in cash because no account is known."""
    raise Http404
