"""The provider's HTTP side: the citizen's screen, and the endpoints that the portal calls."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import anyio.to_thread
import orjson
from authlib.oauth2.rfc6749 import OAuth2Error
from joserfc import jwt
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mock_gateway import answers
from mock_gateway.gateway import Gateway
from mock_gateway.messages import Refusal
from mock_gateway.people import Citizen, citizens
from mock_gateway.vneid.keys import public_set
from mock_gateway.vneid.pages import WRONG_PASSCODE, page, who
from mock_gateway.vneid.provider import METHODS, SCOPES, Provider, ProviderRequest

SHARED = {
    "profile": "Họ tên, ngày sinh, giới tính",
    "citizen": "Số định danh cá nhân, mức định danh điện tử",
    "address": "Nơi thường trú",
    "phone": "Số điện thoại",
}
FORM_LIMIT = 64 * 1024


async def discovery(request: Request) -> Response:
    """The provider's metadata."""
    issuer = _gateway(request).settings.issuer
    return answers.JSON(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "end_session_endpoint": f"{issuer}/end-session",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": list(METHODS),
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": list(SCOPES),
            "acr_values_supported": ["1", "2"],
            "claims_supported": [
                *("sub", "acr", "auth_time", "amr", "name", "birthdate", "gender"),
                *("national_id", "eid_level", "address", "phone_number"),
            ],
            "ui_locales_supported": ["vi"],
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }
    )


async def jwks(request: Request) -> Response:
    """The public key."""
    return answers.JSON(public_set(_provider(request).key))


async def authorize(request: Request) -> Response:
    """Show the sign-in screen for a good request, and take its form."""
    gateway, provider = _gateway(request), _provider(request)
    query = request.scope["query_string"].decode("latin-1")
    asked = ProviderRequest("GET", str(request.url), dict(request.headers), query)
    try:
        grant = await anyio.to_thread.run_sync(provider.get_consent_grant, asked)
    except OAuth2Error as error:
        return _refused(gateway, error)
    if request.method == "GET":
        return _screen(gateway, asked, national_id=str(asked.payload.data.get("login_hint", "")))
    try:
        form = dict(parse_qsl((await answers.read_body(request, FORM_LIMIT)).decode(), keep_blank_values=True))
    except (Refusal, UnicodeDecodeError):
        return _screen(gateway, asked, errors={"national_id": WRONG_PASSCODE}, status=400)
    citizen: Citizen | None = None
    if form.get("decision") != "deny":
        citizen = who(form.get("national_id", ""), form.get("passcode", ""))
        errors = {}
        if citizen is None:
            errors["national_id"] = WRONG_PASSCODE
        if form.get("consent") != "yes":
            errors["consent"] = "Cần đánh dấu đồng ý chia sẻ thông tin để tiếp tục."
        if errors:
            return _screen(gateway, asked, national_id=form.get("national_id", ""), errors=errors, status=422)
    answer = await anyio.to_thread.run_sync(
        lambda: provider.create_authorization_response(asked, citizen, grant=grant)
    )
    status, _, headers = answer
    if status != 302:
        return page(gateway, "refused.html", status=400, problem="invalid_request")
    # 303: the browser must not send the passcode on to the portal.
    return Response(
        status_code=303, headers={**dict(headers), "cache-control": "no-store", "referrer-policy": "no-referrer"}
    )


def _screen(
    gateway: Gateway,
    asked: ProviderRequest,
    *,
    national_id: str = "",
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    pairs = [(name, value) for name, values in asked.payload.datalist.items() for value in values]
    without_hint = [(name, value) for name, value in pairs if name != "login_hint"]
    scope = str(asked.payload.data.get("scope", "")).split()
    return page(
        gateway,
        "sign_in.html",
        status=status,
        action=f"authorize?{urlencode(pairs)}",
        choose=lambda citizen: f"authorize?{urlencode([*without_hint, ('login_hint', citizen.national_id)])}",
        people=list(citizens().values()),
        chosen=citizens().get(national_id),
        national_id=national_id,
        shared=[text for name, text in SHARED.items() if name in scope],
        errors=errors or {},
    )


def _refused(gateway: Gateway, error: OAuth2Error) -> Response:
    """Send an error back to the portal where its address is certain; else show it here and send nobody anywhere."""
    status, _, headers = error()
    if status == 302:
        return RedirectResponse(dict(headers)["Location"], status_code=303)
    return page(gateway, "refused.html", status=400, problem=f"{error.error}: {error.description}")


async def token(request: Request) -> Response:
    """Give tokens for a code."""
    provider = _provider(request)
    try:
        body = (await answers.read_body(request, FORM_LIMIT)).decode("ascii")
    except (Refusal, UnicodeDecodeError):
        return answers.JSON({"error": "invalid_request"}, status_code=400)
    # Authlib looks the header up by its canonical name.
    headers = {"Authorization": request.headers["authorization"]} if "authorization" in request.headers else {}
    asked = ProviderRequest("POST", str(request.url), headers, body)
    status, content, extra = await anyio.to_thread.run_sync(provider.create_token_response, asked)
    if isinstance(content, str):
        content = orjson.loads(content)
    no_store = {"cache-control": "no-store", "pragma": "no-cache"}
    kept = {name.lower(): value for name, value in extra if name.lower() != "content-type"}
    return answers.JSON(content, status_code=status, headers={**kept, **no_store})


async def userinfo(request: Request) -> Response:
    """The claims behind a bearer token."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    said: dict[str, Any] | None = None
    if scheme.lower() == "bearer" and given:
        said = await anyio.to_thread.run_sync(_provider(request).userinfo, given)
    if said is None:
        headers = {"www-authenticate": 'Bearer error="invalid_token"'}
        return answers.JSON({"error": "invalid_token"}, status_code=401, headers=headers)
    return answers.JSON(said, headers={"cache-control": "no-store"})


async def end_session(request: Request) -> Response:
    """Sign out. The provider keeps no session, so only the way back is left, to a registered address."""
    gateway, provider = _gateway(request), _provider(request)
    query = request.query_params
    target = query.get("post_logout_redirect_uri")
    hint = query.get("id_token_hint")
    known = query.get("client_id") == gateway.settings.vneid_client_id
    if hint is not None:
        try:
            known = jwt.decode(hint, provider.key).claims.get("aud") == gateway.settings.vneid_client_id
        except (JoseError, ValueError):
            known = False
    if target is None:
        return page(gateway, "signed_out.html")
    if not known or target not in gateway.settings.vneid_logout_uris:
        return page(gateway, "refused.html", status=400, problem="invalid_request: post_logout_redirect_uri")
    state = query.get("state")
    if state is not None:
        target += ("&" if "?" in target else "?") + urlencode({"state": state})
    return RedirectResponse(target, status_code=303)


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


def _provider(request: Request) -> Provider:
    provider: Provider = request.app.state.provider
    return provider


routes = [
    Route("/.well-known/openid-configuration", discovery),
    Route("/jwks", jwks),
    Route("/authorize", authorize, methods=["GET", "POST"]),
    Route("/token", token, methods=["POST"]),
    Route("/userinfo", userinfo, methods=["GET", "POST"]),
    Route("/end-session", end_session),
]
