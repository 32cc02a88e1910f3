"""The OpenID Connect provider: Authlib's grants on the gateway's store (contract, section 7).

Authlib is synchronous; its calls run in worker threads and wait there for the store. Codes and tokens are kept as
digests.
"""

import hashlib
import hmac
import secrets
import sqlite3
import time
from collections import defaultdict
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import RSAKey

from mock_gateway.faults import Faults
from mock_gateway.people import Citizen, citizens
from mock_gateway.settings import Settings
from mock_gateway.store import Store
from mock_gateway.vneid.id_tokens import spoil

SCOPES = ("openid", "profile", "citizen", "address", "phone")
CODE_SECONDS = 60
OTHER_SUB = "other_sub_in_userinfo"
TOKEN_SECONDS = 300
METHODS = ("client_secret_basic", "client_secret_post")
Answer = tuple[int, Any, list[tuple[str, str]]]


class Payload(OAuth2Payload):  # type: ignore[misc]  # Authlib is not typed
    """Parameters of a request, with repeats still visible."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._datalist: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._datalist[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        """The first value of each parameter."""
        return {name: values[0] for name, values in self._datalist.items()}

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        """All values of each parameter."""
        return self._datalist


class ProviderRequest(OAuth2Request):  # type: ignore[misc]  # Authlib is not typed
    """A request as Authlib reads it: an authorisation's query, or a token request's form."""

    def __init__(self, method: str, uri: str, headers: dict[str, str], parameters: str) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = Payload(parse_qsl(parameters, keep_blank_values=True))

    @property
    def args(self) -> dict[str, str]:
        """The parameters."""
        data: dict[str, str] = self.payload.data
        return data

    form = args


class Client:
    """The one registered client, the portal."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def get_client_id(self) -> str:
        """Its id."""
        return self._settings.vneid_client_id

    def get_default_redirect_uri(self) -> None:
        """None: the address must always be named."""
        return

    def get_allowed_scope(self, scope: str | None) -> str:
        """The scopes asked for that exist; OpenID Connect wants others passed over."""
        return " ".join(name for name in (scope or "").split() if name in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Equal to a registered one, character by character."""
        return redirect_uri in self._settings.vneid_redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Compare in constant time; without a configured secret nobody is let in."""
        known = self._settings.vneid_client_secret
        return known is not None and hmac.compare_digest(known.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """It must show its secret."""
        return method in METHODS

    def check_response_type(self, response_type: str) -> bool:
        """Only the code flow."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """No refresh tokens."""
        return grant_type == "authorization_code"


class Code(NamedTuple):
    """An authorisation code's content, in the shape that Authlib asks for."""

    digest: str
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str
    auth_time: int
    national_id: str
    code_challenge: str
    code_challenge_method: str

    def get_redirect_uri(self) -> str:
        """Where the code went."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What was granted."""
        return self.scope

    def get_nonce(self) -> str:
        """The sign-in's nonce."""
        return self.nonce

    def get_auth_time(self) -> int:
        """When the passcode was typed."""
        return self.auth_time

    def get_acr(self) -> str:
        """The level of the person's eID."""
        return str(citizens()[self.national_id].eid_level)

    def get_amr(self) -> list[str]:
        """How the person proved it."""
        return ["pin"]


def digest(text: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(text.encode()).hexdigest()


def claims(citizen: Citizen, scope: str, *, for_userinfo: bool) -> dict[str, Any]:
    """What VNeID says of a person under a scope."""
    granted = scope.split()
    said: dict[str, Any] = {"sub": citizen.sub}
    if "profile" in granted:
        said |= {"name": citizen.name, "birthdate": citizen.birthdate, "gender": citizen.gender}
    if "citizen" in granted:
        said |= {"national_id": citizen.national_id, "eid_level": citizen.eid_level}
    if for_userinfo:
        if "address" in granted:
            said["address"] = citizen.address
        if "phone" in granted:
            said["phone_number"] = citizen.phone_number
        said["acr"] = str(citizen.eid_level)
    return said


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib is not typed
    """Codes on the store: single use, sixty seconds."""

    server: "Provider"

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Keep a new code."""
        data = request.payload.data
        content = {
            "client_id": request.client.get_client_id(),
            "redirect_uri": data["redirect_uri"],
            "scope": request.scope,
            "nonce": data["nonce"],
            "auth_time": int(time.time()),
            "national_id": request.user.national_id,
            "code_challenge": data["code_challenge"],
            "code_challenge_method": data["code_challenge_method"],
        }
        self.server.keep_code(digest(code), content)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Find a code and use it up: whoever shows it second, or shows it wrongly, finds it gone."""
        found = self.server.use_code(digest(code))
        return found if found is not None and found.client_id == client.get_client_id() else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It was used up when it was found; its digest stays, to notice a second use."""

    def authenticate_user(self, authorization_code: Code) -> Citizen | None:
        """The person who typed the passcode."""
        return citizens().get(authorization_code.national_id)


class MandatoryS256(CodeChallenge):  # type: ignore[misc]  # Authlib is not typed
    """PKCE that cannot be left out. Authlib's `required` asks it of public clients only, and knows `plain`."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Refuse an authorisation request without an S256 challenge."""
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with S256 is mandatory")
        super().validate_code_challenge(grant, redirect_uri)


class IdToken(OpenIDCode):  # type: ignore[misc]  # Authlib is not typed
    """ID tokens as VNeID signs them; spoilt ones for security tests."""

    def __init__(self, provider: "Provider") -> None:
        super().__init__(require_nonce=True)
        self._provider = provider

    def exists_nonce(self, _nonce: str, _request: OAuth2Request) -> bool:
        """Never: a nonce protects the client, and refusing one here would fail whoever presses the button twice."""
        return False

    def resolve_client_private_key(self, _client: Client) -> RSAKey:
        """The provider's key."""
        return self._provider.key

    def get_client_algorithm(self, _client: Client) -> str:
        """The one algorithm."""
        return "RS256"

    def get_encode_header(self, _client: Client) -> dict[str, Any]:
        """Names the key."""
        return {"alg": "RS256", "kid": self._provider.key.kid, "typ": "JWT"}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        """Who says it to whom, and how long it holds."""
        now = int(time.time())
        return {
            "iss": self._provider.settings.issuer,
            "aud": client.get_client_id(),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }

    def generate_user_info(self, user: Citizen, scope: str) -> dict[str, Any]:
        """The person's claims."""
        return claims(user, scope, for_userinfo=False)

    def encode_id_token(self, token: dict[str, Any], request: OAuth2Request) -> str:
        """Sign, and let a fault spoil what was signed."""
        encoded: str = super().encode_id_token(token, request)
        fault = self._provider.faults.options.id_token
        if fault is None:
            return encoded
        self._provider.faults.fired[f"id_token_{fault}"] += 1
        return spoil(fault, encoded, self._provider.key)


class Provider(AuthorizationServer):  # type: ignore[misc]  # Authlib is not typed
    """Authlib's server on the gateway's store. All methods may wait for the disk: call them in a thread."""

    def __init__(self, settings: Settings, store: Store, faults: Faults, key: RSAKey) -> None:
        super().__init__(scopes_supported=None)
        self.settings = settings
        self.faults = faults
        self.key = key
        self._store = store
        self._client = Client(settings)
        self.register_token_generator(
            "default",
            BearerTokenGenerator(lambda **_: secrets.token_urlsafe(32), expires_generator=TOKEN_SECONDS),
        )
        self.register_grant(CodeGrant, [IdToken(self), MandatoryS256(required=True)])

    def query_client(self, client_id: str) -> Client | None:
        """The portal, under its own id only."""
        return self._client if client_id == self._client.get_client_id() else None

    def create_oauth2_request(self, request: ProviderRequest) -> ProviderRequest:
        """It is one already."""
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        """The HTTP side makes a response of it."""
        return status, body, headers

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def keep_code(self, code_digest: str, content: dict[str, Any]) -> None:
        """Store a new code and forget those that nobody can use any more."""
        now = int(time.time())

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM vneid_codes WHERE expires_at < ?", (now - TOKEN_SECONDS,))
            connection.execute("DELETE FROM vneid_tokens WHERE expires_at < ?", (now,))
            connection.execute(
                "INSERT INTO vneid_codes (code_digest, content, expires_at) VALUES (?, ?, ?)",
                (code_digest, orjson.dumps(content).decode(), now + CODE_SECONDS),
            )

        self._store.submit(work).result()

    def use_code(self, code_digest: str) -> Code | None:
        """Use a code up. A second use gives nothing, and ends the token that the first one gave."""
        now = int(time.time())

        def work(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT * FROM vneid_codes WHERE code_digest = ?", (code_digest,)).fetchone()
            if row is None:
                return None
            if row["used_at"] is not None:
                connection.execute("DELETE FROM vneid_tokens WHERE token_digest = ?", (row["token_digest"],))
                return None
            connection.execute("UPDATE vneid_codes SET used_at = ? WHERE code_digest = ?", (now, code_digest))
            return str(row["content"]) if row["expires_at"] > now else None

        content = self._store.submit(work).result()
        return None if content is None else Code(digest=code_digest, **orjson.loads(content))

    def save_token(self, token: dict[str, Any], request: ProviderRequest) -> None:
        """Keep an access token, tied to the code that gave it."""
        token_digest = digest(token["access_token"])
        content = orjson.dumps({"national_id": request.user.national_id, "scope": token["scope"]}).decode()
        expires_at = int(time.time()) + TOKEN_SECONDS

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO vneid_tokens VALUES (?, ?, ?)", (token_digest, content, expires_at))
            connection.execute(
                "UPDATE vneid_codes SET token_digest = ? WHERE code_digest = ?",
                (token_digest, request.authorization_code.digest),
            )

        self._store.submit(work).result()

    def userinfo(self, access_token: str) -> dict[str, Any] | None:
        """The claims behind a token that still holds."""
        now = int(time.time())

        def work(connection: sqlite3.Connection) -> str | None:
            row = connection.execute(
                "SELECT content FROM vneid_tokens WHERE token_digest = ? AND expires_at > ?",
                (digest(access_token), now),
            ).fetchone()
            return None if row is None else str(row[0])

        content = self._store.submit(work).result()
        if content is None:
            return None
        token = orjson.loads(content)
        said = claims(citizens()[token["national_id"]], token["scope"], for_userinfo=True)
        if self.faults.options.id_token == OTHER_SUB:
            said["sub"] = digest("somebody else")[:32]
        return said
