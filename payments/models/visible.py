"""Which batches and transfers a user may see, and through what they belong to a unit."""

from typing import TypeVar

from django.db import models

from foundation.users import visible
from foundation.users.roles import Permission

_Row = TypeVar("_Row", bound=models.Model)


class UnitQuerySet(visible.UnitQuerySet[_Row]):
    """Rows of the units where somebody may view batches, or trace them."""

    permissions = (Permission.VIEW_BATCHES, Permission.TRACE)


class BatchUnitQuerySet(UnitQuerySet[_Row]):
    """Rows that belong to a unit through their batch."""

    unit_path = "batch__unit"
