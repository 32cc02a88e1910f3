"""The API's door: the same rights and the same second factor as before a page."""

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.audit import clock
from foundation.users import access
from foundation.users.models import User
from foundation.users.pages import lacks_second_factor
from foundation.users.roles import Permission


def holds(permission: Permission) -> type[BasePermission]:
    """A DRF permission class for views that one permission opens; which rows are seen is for `visible_to`."""

    class Holds(BasePermission):
        """Lets in who holds the permission somewhere, with a second factor where one is asked for."""

        def has_permission(self, request: Request, view: APIView) -> bool:
            """Look the rights up as of now."""
            user = request.user
            if not isinstance(user, User) or lacks_second_factor(user):
                return False
            return permission in access.rights(user=user, at=clock.now())

    Holds.needs = permission  # type: ignore[attr-defined]  # what the table of addresses reads
    return Holds
