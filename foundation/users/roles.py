"""Roles and what each may do, on one page. A view names one permission; who holds it is read here."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What somebody is in the portal; held in one unit or the whole city, from a day to a day."""

    CITIZEN = "CITIZEN", _("Công dân")
    ASSISTANT = "ASSISTANT", _("Tổ công nghệ số cộng đồng, Công an phường")
    PREPARER = "PREPARER", _("Người lập danh sách")
    ACCOUNTANT = "ACCOUNTANT", _("Kế toán")
    APPROVER = "APPROVER", _("Người phê duyệt")
    AUDITOR = "AUDITOR", _("Kiểm toán")
    ADMINISTRATOR = "ADMINISTRATOR", _("Quản trị hệ thống")


class Permission(StrEnum):
    """Acts, as a view or an operation names them."""

    VIEW_OWN_WELFARE = "view_own_welfare"
    LINK_OWN_ACCOUNT = "link_own_account"
    ASSIST_REGISTRATION = "assist_registration"
    VIEW_REGISTER = "view_register"
    IMPORT_REGISTER = "import_register"
    CONFIRM_ACCOUNTS = "confirm_accounts"
    RECORD_WAY = "record_way"
    VIEW_BATCHES = "view_batches"
    PREPARE_BATCH = "prepare_batch"
    APPROVE_BATCH = "approve_batch"
    HOLD_BATCH = "hold_batch"
    PROPOSE_ACT = "propose_act"
    RESUME_PAYMENTS = "resume_payments"
    RECORD_FUNDING = "record_funding"
    CONFIRM_FUNDING = "confirm_funding"
    RECORD_CASH = "record_cash"
    RECORD_RESULTS = "record_results"
    IMPORT_STATEMENT = "import_statement"
    RECONCILE = "reconcile"
    DECIDE_DIFFERENCE = "decide_difference"
    TRACE = "trace"
    MANAGE_USERS = "manage_users"
    VIEW_SYSTEM = "view_system"
    MANAGE_ALARMS = "manage_alarms"
    MANAGE_CHANNELS = "manage_channels"
    READ_NOTICES = "read_notices"


P = Permission
_OF_ALL_STAFF = frozenset({P.READ_NOTICES})
_OF_ROLES: dict[Role, frozenset[Permission]] = {
    Role.CITIZEN: frozenset({P.VIEW_OWN_WELFARE, P.LINK_OWN_ACCOUNT}),
    Role.ASSISTANT: frozenset({P.ASSIST_REGISTRATION}),
    Role.PREPARER: frozenset(
        {
            P.VIEW_REGISTER,
            P.IMPORT_REGISTER,
            P.RECORD_WAY,
            P.VIEW_BATCHES,
            P.PREPARE_BATCH,
            P.HOLD_BATCH,
            P.PROPOSE_ACT,
        }
    ),
    Role.ACCOUNTANT: frozenset(
        {
            P.VIEW_REGISTER,
            P.VIEW_BATCHES,
            P.RECORD_FUNDING,
            P.RECORD_CASH,
            P.RECORD_RESULTS,
            P.IMPORT_STATEMENT,
            P.RECONCILE,
            P.HOLD_BATCH,
            P.PROPOSE_ACT,
        }
    ),
    Role.APPROVER: frozenset(
        {
            P.VIEW_REGISTER,
            P.CONFIRM_ACCOUNTS,
            P.VIEW_BATCHES,
            P.APPROVE_BATCH,
            P.CONFIRM_FUNDING,
            P.DECIDE_DIFFERENCE,
            P.HOLD_BATCH,
            P.PROPOSE_ACT,
            P.RESUME_PAYMENTS,
        }
    ),
    Role.AUDITOR: frozenset({P.VIEW_REGISTER, P.VIEW_BATCHES, P.TRACE, P.VIEW_SYSTEM}),
    Role.ADMINISTRATOR: frozenset(
        {
            P.VIEW_BATCHES,
            P.TRACE,
            P.MANAGE_USERS,
            P.VIEW_SYSTEM,
            P.IMPORT_STATEMENT,
            P.HOLD_BATCH,
            P.RESUME_PAYMENTS,
            P.MANAGE_ALARMS,
            P.MANAGE_CHANNELS,
        }
    ),
}
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    role: permissions if role == Role.CITIZEN else permissions | _OF_ALL_STAFF
    for role, permissions in _OF_ROLES.items()
}

# One person never holds both roles of a pair at the same time: who prepares does not decide, who looks does not act.
INCOMPATIBLE: frozenset[frozenset[Role]] = frozenset(
    frozenset(pair)
    for pair in [
        (Role.PREPARER, Role.APPROVER),
        (Role.PREPARER, Role.AUDITOR),
        (Role.ACCOUNTANT, Role.APPROVER),
        (Role.ACCOUNTANT, Role.AUDITOR),
        (Role.APPROVER, Role.AUDITOR),
        (Role.ADMINISTRATOR, Role.PREPARER),
        (Role.ADMINISTRATOR, Role.ACCOUNTANT),
        (Role.ADMINISTRATOR, Role.APPROVER),
        (Role.ASSISTANT, Role.PREPARER),
        (Role.ASSISTANT, Role.APPROVER),
    ]
)


def roles_with(permission: Permission) -> list[Role]:
    """The roles that may do `permission`."""
    return [role for role, permissions in PERMISSIONS.items() if permission in permissions]
