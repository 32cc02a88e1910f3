"""A relying party made of Authlib's client and joserfc, and a citizen's browser: what a portal does to sign somebody in."""

import re
import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.mock_gateway.conftest import CLIENT_SECRET, REDIRECT_URI, Gateway

SCOPE = "openid profile citizen address phone"
HOA, PASSCODE = "079144100238", "120344"


class Page(HTMLParser):
    """What a test needs to know of a page: its forms' fields and its addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    def hidden(self, name: str) -> str:
        return next(str(field["value"]) for field in self.all("input") if field.get("name") == name)


@dataclass
class RelyingParty:
    """One sign-in under way."""

    gateway: Gateway
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def __post_init__(self) -> None:
        self.issuer = f"{self.gateway.url}/vneid"
        self.browser = httpx2.Client(timeout=10, trust_env=False, follow_redirects=False)
        self.metadata = self.browser.get(f"{self.issuer}/.well-known/openid-configuration").json()
        self.session = OAuth2Session(
            "welfare-portal", CLIENT_SECRET, scope=SCOPE, redirect_uri=REDIRECT_URI, code_challenge_method="S256"
        )
        self.session.trust_env = False

    def close(self) -> None:
        self.browser.close()
        self.session.close()

    def address(self, **changes: str | None) -> str:
        """Where the portal sends the citizen; a change to None leaves a parameter out."""
        address, _ = self.session.create_authorization_url(
            self.metadata["authorization_endpoint"], state=self.state, nonce=self.nonce, code_verifier=self.verifier
        )
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
        return str(
            httpx2.URL(
                self.metadata["authorization_endpoint"], params={k: v for k, v in query.items() if v is not None}
            )
        )

    def submit(self, address: str | None = None, **changes: str) -> httpx2.Response:
        """Open the screen and send its form as the citizen would."""
        address = address or self.address()
        screen = self.browser.get(address)
        assert screen.status_code == 200, screen.text
        [form] = Page(screen.text).all("form")
        content = {"national_id": HOA, "passcode": PASSCODE, "consent": "yes", "decision": "allow"} | changes
        return self.browser.post(urljoin(address, str(form["action"])), data=content)

    def way_back(self, **changes: str) -> str:
        """Sign in and return the address at the portal to which the citizen is sent."""
        answer = self.submit(**changes)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def token(self, way_back: str, **changes: Any) -> dict[str, Any]:
        """Exchange the code."""
        return dict(
            self.session.fetch_token(
                self.metadata["token_endpoint"],
                authorization_response=way_back,
                state=self.state,
                **{"code_verifier": self.verifier, **changes},
            )
        )

    def exchange(self, code: str, /, **changes: str | None) -> httpx2.Response:
        """Exchange a code by hand, with mistakes."""
        content = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": self.verifier,
            "client_id": "welfare-portal",
            "client_secret": CLIENT_SECRET,
        } | changes
        return self.browser.post(
            self.metadata["token_endpoint"], data={k: v for k, v in content.items() if v is not None}
        )

    def userinfo(self, access_token: str) -> httpx2.Response:
        return self.browser.get(
            self.metadata["userinfo_endpoint"], headers={"authorization": f"Bearer {access_token}"}
        )

    def check(self, token: dict[str, Any]) -> dict[str, Any]:
        """Believe an ID token as a careful portal does; raises whatever is wrong with it."""
        keys = KeySet.import_key_set(self.browser.get(self.metadata["jwks_uri"]).json())
        decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": "welfare-portal"},
                "nonce": {"essential": True, "value": self.nonce},
            },
            {"nonce": self.nonce, "client_id": "welfare-portal", "access_token": token["access_token"]},
        )
        claims.validate(leeway=60)
        told = self.userinfo(token["access_token"]).json()
        if told["sub"] != claims["sub"]:
            msg = "userinfo speaks of somebody else"
            raise PermissionError(msg)
        return dict(claims)


def code_of(way_back: str) -> str:
    found = re.search(r"[?&]code=([^&]+)", way_back)
    assert found, way_back
    return found.group(1)
