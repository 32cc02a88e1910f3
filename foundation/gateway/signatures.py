"""Signing what we send and verifying what comes in: Standard Webhooks 1.0, symmetric, plus a key id (contract 1).

Always over the raw bytes that travel: a body that was parsed and written again has another signature. The two
directions have different secrets. A message is refused before its body is read as anything.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

TOLERANCE_SECONDS = 300

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
KEY_ID_HEADER = "webhook-key-id"
SIGNATURE_HEADER = "webhook-signature"
_HEADERS = (ID_HEADER, TIMESTAMP_HEADER, KEY_ID_HEADER, SIGNATURE_HEADER)

MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_VERSION = re.compile(r"v[0-9]{1,3}[a-z]{0,2}")
_MAXIMUM_SIGNATURES = 10  # so that a header cannot make us compute for long


class SignatureRefused(Exception):
    """A message is not proven to come from the gateway; `why` is one of the codes below and never a secret.

    MISSING_HEADER, DOUBLED_HEADER, MALFORMED_HEADER, UNKNOWN_KEY, TOO_OLD, TOO_NEW, NO_MATCH.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"signature refused: {why}")
        self.why = why


@dataclass(frozen=True, slots=True)
class Secret:
    """One shared secret and its id."""

    key_id: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """What the headers proved: which message, when it was sent, under which key."""

    message_id: str
    timestamp: int
    key_id: str


def parse_secrets(entries: Iterable[str], *, name: str) -> dict[str, Secret]:
    """Secrets by key id from `key-id:whsec_<base64 of 24 to 64 bytes>`; `name` is the setting, for the error.

    Raises:
        ImproperlyConfigured: None, an unreadable one, or an id that stands twice.
    """
    secrets: dict[str, Secret] = {}
    for position, entry in enumerate(entries, start=1):
        key_id, _, rest = entry.strip().partition(":")
        if not _KEY_ID.fullmatch(key_id) or not rest.startswith("whsec_"):
            raise ImproperlyConfigured(f"{name}, entry {position}: expected `key-id:whsec_…`.")
        try:
            key = base64.b64decode(rest.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            raise ImproperlyConfigured(f"{name}, entry {position}: the secret is not base64.") from None
        if not 24 <= len(key) <= 64:
            raise ImproperlyConfigured(f"{name}, entry {position}: the secret must have 24 to 64 bytes.")
        if key_id in secrets:
            raise ImproperlyConfigured(f"{name}, entry {position}: the id {key_id!r} stands twice.")
        secrets[key_id] = Secret(key_id, key)
    if not secrets:
        raise ImproperlyConfigured(f"{name} is empty: nothing can be signed or believed.")
    return secrets


def signing_secret() -> Secret:
    """The secret that signs our requests, chosen by `GATEWAY_KEY_ID` among `GATEWAY_SIGNING_SECRETS`."""
    secrets = parse_secrets(settings.GATEWAY_SIGNING_SECRETS, name="GATEWAY_SIGNING_SECRETS")
    if settings.GATEWAY_KEY_ID not in secrets:
        raise ImproperlyConfigured("GATEWAY_KEY_ID names no entry of GATEWAY_SIGNING_SECRETS.")
    return secrets[settings.GATEWAY_KEY_ID]


def callback_secrets() -> dict[str, Secret]:
    """The secrets that callbacks may be signed with: during a rotation the old and the new one."""
    return parse_secrets(settings.GATEWAY_CALLBACK_SECRETS, name="GATEWAY_CALLBACK_SECRETS")


def sign_request(
    *, secret: Secret, message_id: str, timestamp: int, method: str, target: str, body: bytes
) -> dict[str, str]:
    """The four headers of a request; `target` is path and query exactly as sent, so they fit no other address."""
    return _headers(secret, message_id, timestamp, f"{method} {target}.".encode() + body)


def sign_callback(*, secret: Secret, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The four headers of a callback, as the gateway makes them; here for tests and for tools that replay."""
    return _headers(secret, message_id, timestamp, body)


def verify_callback(
    *, headers: Mapping[str, str] | Iterable[tuple[str, str]], body: bytes, secrets: Mapping[str, Secret], now: float
) -> Verified:
    """Believe a callback or refuse it; `now` is our wall clock in Unix seconds.

    Raises:
        SignatureRefused: With the reason, which goes to the log and never to the sender.
    """
    found = _collect(headers)
    message_id, timestamp, key_id = found[ID_HEADER], found[TIMESTAMP_HEADER], found[KEY_ID_HEADER]
    if not (MESSAGE_ID.fullmatch(message_id) and _TIMESTAMP.fullmatch(timestamp) and _KEY_ID.fullmatch(key_id)):
        raise SignatureRefused("MALFORMED_HEADER")
    given = _signatures(found[SIGNATURE_HEADER])
    secret = secrets.get(key_id)
    if secret is None:
        raise SignatureRefused("UNKNOWN_KEY")
    age = now - int(timestamp)
    if age > TOLERANCE_SECONDS:
        raise SignatureRefused("TOO_OLD")
    if age < -TOLERANCE_SECONDS:
        raise SignatureRefused("TOO_NEW")
    expected = _digest(secret, message_id, timestamp, body)
    # Every candidate is compared, without a short way out: the time tells nothing about which one came close.
    matches = [hmac.compare_digest(expected, candidate) for candidate in given]
    if not any(matches):
        raise SignatureRefused("NO_MATCH")
    return Verified(message_id, int(timestamp), key_id)


def _headers(secret: Secret, message_id: str, timestamp: int, rest: bytes) -> dict[str, str]:
    digest = _digest(secret, message_id, str(timestamp), rest)
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp),
        KEY_ID_HEADER: secret.key_id,
        SIGNATURE_HEADER: f"v1,{base64.b64encode(digest).decode()}",
    }


def _digest(secret: Secret, message_id: str, timestamp: str, rest: bytes) -> bytes:
    return hmac.digest(secret.key, f"{message_id}.{timestamp}.".encode() + rest, hashlib.sha256)


def _collect(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """Our four headers by lower-case name; each must stand once."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    found: dict[str, str] = {}
    for raw_name, value in pairs:
        name = raw_name.lower()
        if name in _HEADERS:
            if name in found:
                raise SignatureRefused("DOUBLED_HEADER")
            found[name] = value
    if len(found) < len(_HEADERS):
        raise SignatureRefused("MISSING_HEADER")
    return found


def _signatures(header: str) -> list[bytes]:
    """Digests of the `v1` entries; other versions are skipped, anything malformed spoils the whole header."""
    entries = header.split(" ")
    if len(entries) > _MAXIMUM_SIGNATURES:
        raise SignatureRefused("MALFORMED_HEADER")
    digests = []
    for entry in entries:
        version, comma, encoded = entry.partition(",")
        if not comma or not _VERSION.fullmatch(version):
            raise SignatureRefused("MALFORMED_HEADER")
        if version != "v1":
            continue
        try:
            digest = base64.b64decode(encoded.encode("ascii"), validate=True)
        except (binascii.Error, ValueError):
            raise SignatureRefused("MALFORMED_HEADER") from None
        # Base64 has spare bits and loose padding: only the one canonical spelling of a digest is accepted.
        if base64.b64encode(digest).decode() != encoded or len(digest) != hashlib.sha256().digest_size:
            raise SignatureRefused("MALFORMED_HEADER")
        digests.append(digest)
    return digests
