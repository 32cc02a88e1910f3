"""What the process is told from outside: environment variables, of which the command line overrides two."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DEFAULT_PORT = 8010
DEFAULT_DATA = Path("var/gateway")
DAY = 86_400


class SettingsError(ValueError):
    """A setting is missing or unreadable; the message names it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A shared secret of one direction, with the id under which both sides know it."""

    key_id: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set before the start; what tests change while it runs is in `mock_gateway.faults`."""

    portal_secrets: tuple[Secret, ...]
    callback_secrets: tuple[Secret, ...] = ()
    callback_url: str | None = None
    port: int = DEFAULT_PORT
    data: Path = DEFAULT_DATA
    public_url: str = f"http://127.0.0.1:{DEFAULT_PORT}"
    settlement: Literal["callback", "sync"] = "callback"
    callback_delay_ms: int = 200
    late_seconds: int = 30
    return_seconds: int = 2 * DAY
    control_token: str | None = None
    vneid_client_id: str = "welfare-portal"
    vneid_client_secret: str | None = None
    vneid_redirect_uris: tuple[str, ...] = ()
    vneid_logout_uris: tuple[str, ...] = ()

    @property
    def issuer(self) -> str:
        """The OpenID Connect issuer, without a trailing slash."""
        return f"{self.public_url}/vneid"


def read_settings(environ: Mapping[str, str], *, port: int | None = None, data: Path | None = None) -> Settings:
    """Read `MOCK_GATEWAY_*`.

    Raises:
        SettingsError: A variable is missing or cannot be understood.
    """

    def get(name: str, default: str = "") -> str:
        return environ.get(f"MOCK_GATEWAY_{name}", "").strip() or default

    def number(name: str, default: int) -> int:
        text = get(name, str(default))
        if not (text.isascii() and text.isdigit()):
            msg = f"MOCK_GATEWAY_{name} must be a whole number of 0 or more"
            raise SettingsError(msg)
        return int(text)

    portal_secrets = parse_secrets("MOCK_GATEWAY_PORTAL_SECRETS", get("PORTAL_SECRETS"))
    if not portal_secrets:
        msg = "MOCK_GATEWAY_PORTAL_SECRETS must name at least one `key-id:whsec_…`, which the portal signs with"
        raise SettingsError(msg)
    callback_secrets = parse_secrets("MOCK_GATEWAY_CALLBACK_SECRETS", get("CALLBACK_SECRETS"))
    callback_url = get("CALLBACK_URL") or None
    if callback_url and not callback_secrets:
        msg = "MOCK_GATEWAY_CALLBACK_URL is set: MOCK_GATEWAY_CALLBACK_SECRETS must say what to sign with"
        raise SettingsError(msg)
    settlement = get("SETTLEMENT", "callback")
    if settlement not in ("callback", "sync"):
        msg = "MOCK_GATEWAY_SETTLEMENT is `callback` or `sync`"
        raise SettingsError(msg)
    port = number("PORT", DEFAULT_PORT) if port is None else port
    return Settings(
        portal_secrets=portal_secrets,
        callback_secrets=callback_secrets,
        callback_url=callback_url,
        port=port,
        data=data or Path(get("DATA", str(DEFAULT_DATA))),
        public_url=get("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        settlement="sync" if settlement == "sync" else "callback",
        callback_delay_ms=number("CALLBACK_DELAY_MS", 200),
        late_seconds=number("LATE_SECONDS", 30),
        return_seconds=number("RETURN_SECONDS", 2 * DAY),
        control_token=get("CONTROL_TOKEN") or None,
        vneid_client_id=get("VNEID_CLIENT_ID", "welfare-portal"),
        vneid_client_secret=get("VNEID_CLIENT_SECRET") or None,
        vneid_redirect_uris=_list(get("VNEID_REDIRECT_URIS", _both_hosts("/vneid/callback"))),
        vneid_logout_uris=_list(get("VNEID_LOGOUT_URIS", _both_hosts("/"))),
    )


def parse_secrets(name: str, text: str) -> tuple[Secret, ...]:
    """Read `key-id:whsec_<base64>`, several separated by commas; the first is the one to sign with."""
    secrets: list[Secret] = []
    for item in _list(text):
        key_id, _, rest = item.partition(":")
        encoded = rest.removeprefix("whsec_")
        if not key_id or encoded == rest:
            msg = f"{name}: each secret is written `key-id:whsec_<base64>`"
            raise SettingsError(msg)
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            msg = f"{name}: the secret `{key_id}` is not base64"
            raise SettingsError(msg) from error
        if not 24 <= len(key) <= 64:
            msg = f"{name}: the secret `{key_id}` must have 24 to 64 bytes"
            raise SettingsError(msg)
        secrets.append(Secret(key_id, key))
    if len({secret.key_id for secret in secrets}) != len(secrets):
        msg = f"{name}: a key id stands twice"
        raise SettingsError(msg)
    return tuple(secrets)


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _both_hosts(path: str) -> str:
    return f"http://127.0.0.1:8000{path},http://localhost:8000{path}"
