"""One line at the beginning and one at the end of a request: its path, and not what was asked for behind the `?`."""

from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware


class RequestLog(RequestMiddleware):
    """Codes of a sign-in, searched names and numbers stand in queries: none of them belongs in a log."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """`GET /kiem-toan/`."""
        return f"{request.method} {request.path}"
