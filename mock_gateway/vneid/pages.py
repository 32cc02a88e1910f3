"""What all of VNeID's pages share: templates, headers, and the check of a passcode."""

import hmac
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from mock_gateway.gateway import Gateway
from mock_gateway.people import Citizen, citizens

templates = Environment(
    loader=PackageLoader("mock_gateway"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
WRONG_PASSCODE = "Số định danh hoặc passcode chưa đúng. Vui lòng kiểm tra và nhập lại."


def page(gateway: Gateway, name: str, *, status: int = 200, **content: Any) -> Response:
    """Render a page that loads nothing from elsewhere and may not be framed."""
    origins = {f"{part.scheme}://{part.netloc}" for part in map(urlsplit, gateway.settings.vneid_redirect_uris)}
    # Browsers apply form-action to where a form's answer redirects, so the way back to the portal must be named.
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {' '.join(sorted(origins))}"
    )
    headers = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(templates.get_template(name).render(**content), status_code=status, headers=headers)


def who(national_id: str, passcode: str) -> Citizen | None:
    """The citizen, when the passcode is theirs."""
    citizen = citizens().get(national_id.strip())
    if citizen is None or not hmac.compare_digest(citizen.passcode.encode(), passcode.strip().encode()):
        return None
    return citizen


async def style(_request: Request) -> Response:
    """The style sheet of all pages."""
    text = templates.get_template("style.css").render()
    return Response(text, media_type="text/css", headers={"cache-control": "max-age=300"})


async def icon(_request: Request) -> Response:
    """The emblem of all pages: drawn for this mock, not VNeID's own."""
    text = templates.get_template("icon.svg").render()
    return Response(text, media_type="image/svg+xml", headers={"cache-control": "max-age=300"})


routes = [Route("/style.css", style), Route("/icon.svg", icon)]
