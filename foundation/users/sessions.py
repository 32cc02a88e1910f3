"""How long a session lasts: fifteen minutes without a sign of life, eight hours altogether (TCVN 14423:2026, level 3)."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

BEGAN, SEEN = "session_began", "session_seen"
WRITE_EVERY = 30  # seconds: a request does not cost a write


class SessionLimits:
    """Ends sessions that were left, and those that are old. What a page asks by itself is no sign of life.

    Wall-clock seconds on purpose: cookies and VNeID count them too, and no row of money depends on them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Look at the session before the page, and count the request after it."""
        if request.user.is_authenticated:
            now = int(time.time())
            began, seen = request.session.get(BEGAN), request.session.get(SEEN)
            if began is None or seen is None:
                request.session[BEGAN] = request.session[SEEN] = now
            elif now - seen > settings.SESSION_IDLE_SECONDS or now - began > settings.SESSION_COOKIE_AGE:
                logout(request)
            elif now - seen > WRITE_EVERY and "X-Asked-By-Page" not in request.headers:
                request.session[SEEN] = now
        answer = self.get_response(request)
        if request.user.is_authenticated and not answer.has_header("Cache-Control"):
            add_never_cache_headers(answer)  # no browser, proxy or back button keeps what somebody saw
        return answer
