"""What somebody was told: the inbox of a citizen and of an officer, the same in all but the frame around it."""

from django.http import HttpResponse
from django.shortcuts import redirect, render

from foundation.gateway import notices
from foundation.gateway.notices import Reader
from foundation.users.models import User
from foundation.users.pages import PortalRequest, page
from foundation.users.paging import after_key, cut
from foundation.users.roles import Permission

SHOWN = 20


@page(Permission.VIEW_OWN_WELFARE, methods="GET POST")
def my_notices(request: PortalRequest) -> HttpResponse:
    """A citizen's inbox; known by the person, so that what was told before the first sign-in is there too."""
    return _inbox(request, "my-notices", "base.html")


@page(Permission.READ_NOTICES, methods="GET POST")
def staff_notices(request: PortalRequest) -> HttpResponse:
    """An officer's inbox."""
    return _inbox(request, "notices", "staff.html")


def reader_of(user: User) -> Reader:
    """By what the inbox of a user is found."""
    is_citizen = user.kind == User.Kind.CITIZEN and user.person_fingerprint
    return Reader(user.pk, bytes(user.person_fingerprint or b"") if is_citizen else None)


def _inbox(request: PortalRequest, name: str, frame: str) -> HttpResponse:
    """Reading changes nothing; the button says that what is shown has been read."""
    reader = reader_of(request.user)
    if request.method == "POST":
        told = [int(text) for text in request.POST.getlist("id")[:SHOWN] if text.isdecimal() and len(text) <= 18]
        notices.mark_read(reader=reader, ids=told)
        return redirect(name)
    after = after_key(request)
    found = cut(
        notices.read_inbox(reader=reader, after=after, limit=SHOWN + 1),
        limit=SHOWN,
        key=lambda notice: notice.pk,
    )
    context = {
        "rows": found.rows,
        "next": found.next,
        "first": after is None,
        "frame": frame,
        "unread": any(notice.read_at is None for notice in found.rows),
    }
    return render(request, "notices/inbox.html", context)
