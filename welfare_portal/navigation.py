"""What stands in the head of every page: the sections that the user's roles open, his role and place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.gateway.notices import count_unread
from foundation.users.access import Rights
from foundation.users.models import User
from foundation.users.roles import Permission, Role
from payments.queries.deciding import standing_stop
from welfare_portal.notice_pages import reader_of

P = Permission


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the portal; the first permission that is held opens it."""

    label: str | Promise
    url_name: str
    permissions: tuple[Permission, ...]


STAFF: tuple[Section, ...] = (
    Section(gettext_lazy("Tổng quan"), "staff-home", (P.VIEW_BATCHES,)),
    Section(gettext_lazy("Danh sách hưởng"), "imports", (P.VIEW_REGISTER,)),
    Section(gettext_lazy("Tài khoản"), "accounts-to-confirm", (P.CONFIRM_ACCOUNTS,)),
    Section(gettext_lazy("Đợt chi trả"), "batches", (P.VIEW_BATCHES,)),
    Section(gettext_lazy("Người thứ hai"), "proposals", (P.VIEW_BATCHES,)),
    Section(gettext_lazy("Nguồn kinh phí"), "funds", (P.VIEW_BATCHES,)),
    Section(gettext_lazy("Đối soát"), "reconciliation", (P.VIEW_BATCHES,)),
    Section(gettext_lazy("Chưa đăng ký"), "not-registered", (P.ASSIST_REGISTRATION,)),
    Section(gettext_lazy("Tra cứu"), "trace-search", (P.TRACE,)),
    Section(gettext_lazy("Cảnh báo"), "alarms", (P.VIEW_BATCHES,)),
    Section(gettext_lazy("Hệ thống"), "system-status", (P.VIEW_SYSTEM,)),
    Section(gettext_lazy("Thông báo"), "notices", (P.READ_NOTICES,)),
)
CITIZENS: tuple[Section, ...] = (
    Section(gettext_lazy("Trang của tôi"), "citizen-home", (P.VIEW_OWN_WELFARE,)),
    Section(gettext_lazy("Các khoản tiền"), "my-payments", (P.VIEW_OWN_WELFARE,)),
    Section(gettext_lazy("Thông báo"), "my-notices", (P.VIEW_OWN_WELFARE,)),
)


@dataclass(frozen=True, slots=True)
class Item:
    """A link of the head."""

    label: str
    address: str
    current: bool
    unread: int = 0


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Template variable `nav`: what the page's door has found out, what is not read yet, and whether payments are stopped."""
    user, rights = getattr(request, "user", None), getattr(request, "rights", None)
    if not isinstance(user, User) or not isinstance(rights, Rights):
        is_staff = isinstance(user, User) and user.kind == User.Kind.STAFF
        return {"nav": {"items": [], "is_staff": is_staff, "role": "", "idle_seconds": settings.SESSION_IDLE_SECONDS}}
    staff = user.kind == User.Kind.STAFF
    return {
        "nav": {
            "items": _items(
                request.path, STAFF if staff else CITIZENS, rights, unread=count_unread(reader=reader_of(user))
            ),
            "is_staff": staff,
            "role": _roles(rights),
            "stop": SimpleLazyObject(standing_stop) if staff else None,
            "may_stop": P.HOLD_BATCH in rights,
            "idle_seconds": settings.SESSION_IDLE_SECONDS,
        }
    }


def _items(path: str, sections: Sequence[Section], rights: Rights, *, unread: int) -> list[Item]:
    opened = [
        (str(section.label), reverse(section.url_name))
        for section in sections
        if any(permission in rights for permission in section.permissions)
    ]
    # The longest address that the page's own begins with is the section that it belongs to.
    current = max((address for _, address in opened if path.startswith(address)), key=len, default="")
    inboxes = {reverse("notices"), reverse("my-notices")}
    return [Item(label, address, address == current, unread if address in inboxes else 0) for label, address in opened]


def _roles(rights: Rights) -> str:
    """`Người phê duyệt · Bến Thành`, one part a role."""
    return ", ".join(
        f"{Role(held.role).label} · {held.unit.name if held.unit else _('Toàn thành phố')}" for held in rights.roles
    )
