"""Which rows of a unit a user may see: the one filter that every list and every look-up goes through."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Generic, Self, TypeVar

from django.db import models
from django.db.models import Q

from foundation.users import access
from foundation.users.models import User
from foundation.users.roles import Permission

_Row = TypeVar("_Row", bound=models.Model)


class UnitQuerySet(models.QuerySet[_Row, _Row], Generic[_Row]):
    """Rows that belong to a unit through `unit_path`; strangers see none of them, so they get a 404.

    A class of its own for each noun names the permissions; any one of them is enough.
    """

    unit_path: ClassVar[str] = "unit"
    permissions: ClassVar[Sequence[Permission]] = ()

    def visible_to(self, user: User, *, at: datetime) -> Self:
        """Rows of the units where the user holds a permission of this class; a city-wide row is for city-wide roles."""
        reach: set[str] = set()
        for permission in self.permissions:
            units = access.reachable_units(user=user, permission=permission, at=at)
            if units is None:
                return self.all()
            reach |= units
        return self.filter(Q(**{f"{self.unit_path}__in": reach}))
