"""The portal as a relying party of VNeID: OpenID Connect with Authlib, and what is believed of its answer.

Authlib proves signature, issuer, audience, expiry, nonce, state and PKCE. What it leaves to the application stands here: the
subject of userinfo is compared with the ID token's, and every claim is read strictly.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import OAuthError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from joserfc.errors import JoseError
from requests import RequestException

from foundation.reference.births import parse_birth
from foundation.reference.values import InvalidValue

SCOPE = "openid profile citizen address phone"
SECONDS = 10.0  # for each call to the provider
LEVEL_NEEDED = 2
_SUBJECT = re.compile(r"[\x21-\x7e]{1,200}")
_NATIONAL_ID = re.compile(r"[0-9]{12}")
_UNIT = re.compile(r"[0-9]{5}")
_PHONE = re.compile(r"\+84[0-9]{9,10}")


class SignInRefused(Exception):
    """The answer of the provider proves nothing; the text says why, for the log, without a claim's value."""


class SignInDenied(Exception):
    """The citizen pressed «refuse» at VNeID."""


class ProviderSilent(Exception):
    """VNeID could not be reached or did not answer in time: try again."""


@dataclass(frozen=True, slots=True)
class ProvenIdentity:
    """Who VNeID says somebody is, after every check. Numbers stay out of reprs, and so out of logs."""

    issuer: str
    subject: str
    level: int
    full_name: str = field(repr=False)
    national_id: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    birth_precision: str
    sex: str
    address: str = field(repr=False)
    unit_code: str
    phone: str = field(repr=False)


@cache
def _client() -> Any:
    oauth = OAuth()
    oauth.register(
        "vneid",
        client_id=settings.VNEID_CLIENT_ID,
        client_secret=settings.VNEID_CLIENT_SECRET,
        server_metadata_url=f"{settings.VNEID_ISSUER}/.well-known/openid-configuration",
        client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", "default_timeout": SECONDS},
    )
    return oauth.vneid


def begin(request: HttpRequest, *, redirect_uri: str) -> HttpResponse:
    """Send the citizen to VNeID; state, nonce and PKCE verifier wait in the session.

    Raises:
        ProviderSilent: VNeID's description of itself could not be fetched.
    """
    try:
        answer: HttpResponse = _client().authorize_redirect(request, redirect_uri)
    except (RequestException, ValueError) as error:
        raise ProviderSilent(type(error).__name__) from error
    return answer


def finish(request: HttpRequest) -> ProvenIdentity:
    """Take up the citizen's way back: exchange the code, check the ID token, compare userinfo with it.

    Raises:
        SignInDenied: The citizen refused.
        SignInRefused: Something is not as it must be; nobody may be signed in.
        ProviderSilent: VNeID did not answer.
    """
    client = _client()
    try:
        token = client.authorize_access_token(request, claims_options=_must_hold())
        proven = token.get("userinfo")
        if proven is None:
            raise SignInRefused("no ID token")
        told = client.userinfo(token=token)
    except OAuthError as error:
        if error.error == "access_denied":
            raise SignInDenied from error
        raise SignInRefused(f"OAuth: {error.error or 'no state'}") from error
    except RequestException as error:
        if error.response is not None and error.response.status_code < 500:
            raise SignInRefused(f"HTTP {error.response.status_code}") from error
        raise ProviderSilent(type(error).__name__) from error
    except (JoseError, AuthlibBaseError, ValueError, KeyError, TypeError) as error:
        raise SignInRefused(type(error).__name__) from error
    # OpenID Connect Core 5.3.2: userinfo may be believed only when it speaks of the same subject.
    if told.get("sub") != proven.get("sub"):
        raise SignInRefused("userinfo speaks of somebody else")
    return _read(dict(proven), dict(told))


def _must_hold() -> dict[str, Any]:
    return {
        "iss": {"essential": True, "value": settings.VNEID_ISSUER},
        "aud": {"essential": True, "value": settings.VNEID_CLIENT_ID},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "nonce": {"essential": True},
        "acr": {"essential": True},
    }


def _read(proven: dict[str, Any], told: dict[str, Any]) -> ProvenIdentity:
    """Identity comes from the signed token; address and phone, which only userinfo has, decide nothing."""
    name, national_id, level = proven.get("name"), proven.get("national_id"), proven.get("acr")
    if not (isinstance(national_id, str) and _NATIONAL_ID.fullmatch(national_id)):
        raise SignInRefused("national_id")
    if not (isinstance(name, str) and name.strip() and name.isprintable()):
        raise SignInRefused("name")
    if not _SUBJECT.fullmatch(str(proven["sub"])):
        raise SignInRefused("sub")
    if level not in ("1", "2"):
        raise SignInRefused("acr")
    try:
        birth = parse_birth(str(proven["birthdate"])) if proven.get("birthdate") else None
    except InvalidValue as wrong:
        raise SignInRefused("birthdate") from wrong
    address = told.get("address")
    address = address if isinstance(address, dict) else {}
    unit_code, phone = str(address.get("ward_code", "")), str(told.get("phone_number", ""))
    return ProvenIdentity(
        issuer=settings.VNEID_ISSUER,
        subject=str(proven["sub"]),
        level=int(level),
        full_name=" ".join(name.split())[:120],
        national_id=national_id,
        birth_date=birth.date if birth else None,
        birth_precision=birth.precision if birth else "",
        sex={"male": "M", "female": "F"}.get(str(proven.get("gender")), ""),
        address="".join(mark for mark in str(address.get("formatted", "")) if mark.isprintable())[:250],
        unit_code=unit_code if _UNIT.fullmatch(unit_code) else "",
        phone=phone if _PHONE.fullmatch(phone) else "",
    )


def end_session_address(*, back_to: str) -> str | None:
    """Where VNeID ends its own session and sends the citizen back; None when it cannot be asked."""
    try:
        found: str = _client().create_logout_url(post_logout_redirect_uri=back_to, client_id=settings.VNEID_CLIENT_ID)[
            "url"
        ]
    except (RequestException, RuntimeError, ValueError):
        return None
    return found


def forget_client(**_: Any) -> None:
    """Read the settings anew; tests point the portal at providers of their own."""
    _client.cache_clear()
