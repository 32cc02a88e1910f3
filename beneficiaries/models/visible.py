"""Which people, accounts and lists an officer may see, and through what they belong to a unit."""

from typing import TypeVar

from django.db import models

from foundation.users.roles import Permission
from foundation.users.visible import UnitQuerySet

_Row = TypeVar("_Row", bound=models.Model)


class PersonQuerySet(UnitQuerySet[_Row]):
    """People of the units where somebody may see the register."""

    permissions = (Permission.VIEW_REGISTER,)


class AccountQuerySet(PersonQuerySet[_Row]):
    """Accounts of those people; an organisation's belong to no unit."""

    unit_path = "payee__person__unit"


class ImportQuerySet(UnitQuerySet[_Row]):
    """Lists of the units where somebody may bring some, or see the register."""

    permissions = (Permission.IMPORT_REGISTER, Permission.VIEW_REGISTER)
