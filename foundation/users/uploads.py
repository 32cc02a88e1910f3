"""Files that people hand in: refused by their announced size before a byte is read, and never laid into a temporary file."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpResponse

from foundation.users.pages import PortalRequest
from foundation.users.refusals import ActRefused

AROUND_THE_FILE = 64 * 1024  # the other fields of the form, and what separates them
P = ParamSpec("P")
View = Callable[Concatenate[PortalRequest, P], HttpResponse]


class KeptInMemory(MemoryFileUploadHandler):
    """A list or a paper holds personal data: it never lies in a temporary file."""

    def handle_raw_input(self, *_arguments: Any, **_options: Any) -> None:
        """Take every size: what is too large was refused before a byte was read."""
        self.activated = True


def takes_files(*, most: int, too_large: type[ActRefused]) -> Callable[[View[P]], View[P]]:
    """For a view, inside its door and before `csrf_protect`: files of `most` bytes and no more, kept in memory.

    The door itself is `csrf_exempt`, so that the token of the form is looked at when it is clear who sends how much.
    """

    def put(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: PortalRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if int(request.META.get("CONTENT_LENGTH") or 0) > most + AROUND_THE_FILE:
                raise too_large
            request.upload_handlers = [KeptInMemory(request)]
            return view(request, *args, **kwargs)

        return cast("View[P]", guarded)

    return put
