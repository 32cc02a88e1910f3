"""Officers' pages about people: lists brought in, accounts to confirm, who is not registered yet."""

from django.http import Http404, HttpResponse

from foundation.users.pages import PortalRequest, page
from foundation.users.roles import Permission


@page(Permission.VIEW_REGISTER)
def imports(request: PortalRequest) -> HttpResponse:
    """Lists that were brought in."""
    raise Http404


@page(Permission.CONFIRM_ACCOUNTS)
def accounts_to_confirm(request: PortalRequest) -> HttpResponse:
    """Accounts that wait for a second person."""
    raise Http404


@page(Permission.ASSIST_REGISTRATION)
def not_registered(request: PortalRequest) -> HttpResponse:
    """People who are paid in cash because no account is known."""
    raise Http404
