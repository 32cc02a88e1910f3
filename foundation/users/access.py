"""Who may do what, where and when: the one question that views and operations ask."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from foundation.users.models import RoleAssignment, User
from foundation.users.roles import PERMISSIONS, Permission, Role, roles_with

CITY_TIME = ZoneInfo("Asia/Ho_Chi_Minh")


class NotAllowed(Exception):
    """The user does not hold the permission there at that moment."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a user may do on a day, all of it from one query: the roles held then, and their permissions."""

    roles: tuple[RoleAssignment, ...]
    permissions: frozenset[Permission]

    def __contains__(self, permission: object) -> bool:
        return permission in self.permissions

    def units(self, permission: Permission) -> set[str] | None:
        """Codes of the units where the permission holds; None stands for the whole city."""
        found = {role.unit_id for role in self.roles if permission in PERMISSIONS[Role(role.role)]}
        return None if None in found else {unit for unit in found if unit is not None}

    def reaches(self, permission: Permission, unit_code: str | None) -> bool:
        """Whether the permission holds in a unit (None: a matter of the whole city), as pages show acts by it."""
        units = self.units(permission) if permission in self else set()
        return units is None or unit_code in units

    def role_with(self, *permissions: Permission, everywhere: bool = False) -> str | None:
        """The role that gives the first of these permissions that is held at all; `everywhere`: in the whole city."""
        for permission in permissions:
            for held in self.roles:
                if (held.unit_id is None or not everywhere) and permission in PERMISSIONS[Role(held.role)]:
                    return held.role
        return None


def rights(*, user: User, at: datetime) -> Rights:
    """What `user` may do on the day of `at`; every citizen may do what a citizen may."""
    if not user.is_active:
        return Rights((), frozenset())
    if user.kind == User.Kind.CITIZEN:
        return Rights((), PERMISSIONS[Role.CITIZEN])
    held = tuple(_on(at.astimezone(CITY_TIME).date()).filter(user=user).select_related("unit"))
    granted: frozenset[Permission] = frozenset().union(*(PERMISSIONS[Role(role.role)] for role in held))
    return Rights(held, granted)


def _on(day: date) -> QuerySet[RoleAssignment]:
    return RoleAssignment.objects.valid_on(day).order_by("id")


def assignments(*, user: User, permission: Permission, at: datetime) -> QuerySet[RoleAssignment]:
    """The user's role assignments that give `permission` on the day of `at`, anywhere."""
    day = at.astimezone(CITY_TIME).date()
    return _on(day).filter(user=user, user__is_active=True, role__in=roles_with(permission))


def require(*, user: User, permission: Permission, unit_code: str | None, at: datetime) -> RoleAssignment:
    """The assignment that lets `user` do this in the unit (None: a matter of the whole city).

    Raises:
        NotAllowed: There is none.
    """
    reach = Q(unit=None) if unit_code is None else Q(unit=None) | Q(unit_id=unit_code)
    found = assignments(user=user, permission=permission, at=at).filter(reach).first()
    if found is None:
        raise NotAllowed(f"{permission} {unit_code or 'city'}")
    return found


def reachable_units(*, user: User, permission: Permission, at: datetime) -> set[str] | None:
    """Codes of the units where the user holds the permission; None stands for the whole city."""
    units = set(assignments(user=user, permission=permission, at=at).values_list("unit_id", flat=True))
    return None if None in units else {unit for unit in units if unit is not None}
