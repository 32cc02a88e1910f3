"""Standard Webhooks 1.0 signatures with a key id, both ways (contract, section 1)."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Sequence

from mock_gateway.settings import Secret

TOLERANCE_SECONDS = 300
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NAMES = (b"webhook-id", b"webhook-timestamp", b"webhook-key-id", b"webhook-signature")


class BadSignature(Exception):
    """The request is not from someone who knows a shared secret, or is too old; the message says which, for a log."""


def callback_text(message_id: str, timestamp: int, body: bytes) -> bytes:
    """What is signed for a callback."""
    return f"{message_id}.{timestamp}.".encode() + body


def request_text(message_id: str, timestamp: int, method: str, target: str, body: bytes) -> bytes:
    """What is signed for a request: its address too, so that a signature fits no other call."""
    return f"{message_id}.{timestamp}.{method} {target}.".encode() + body


def signature(key: bytes, text: bytes) -> str:
    """One entry of `webhook-signature`."""
    return "v1," + base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()


def signed_headers(secret: Secret, message_id: str, timestamp: int, text: bytes) -> dict[str, str]:
    """The four headers of a signed message."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-key-id": secret.key_id,
        "webhook-signature": signature(secret.key, text),
    }


def verify_request(
    secrets: Sequence[Secret], headers: Iterable[tuple[bytes, bytes]], *, method: str, target: str, body: bytes
) -> str:
    """Check a request of the portal and return its `webhook-id`.

    Raises:
        BadSignature: A header is missing, doubled or malformed, the time is off, or no signature fits.
    """
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _NAMES:
            found.setdefault(name, []).append(value)
    try:
        message_id, timestamp, key_id, signatures = (_only(found.get(name, []), name) for name in _NAMES)
    except UnicodeDecodeError as error:
        raise BadSignature("a signature header is not ASCII") from error
    if not _ID.fullmatch(message_id):
        raise BadSignature("webhook-id is malformed")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise BadSignature("webhook-timestamp is malformed")
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature("webhook-timestamp is too far from now")
    secret = next((secret for secret in secrets if secret.key_id == key_id), None)
    if secret is None:
        raise BadSignature("webhook-key-id is unknown")
    expected = signature(secret.key, request_text(message_id, int(timestamp), method, target, body)).encode()
    # Every entry is compared, so that the time taken does not tell which one came near.
    fits = [hmac.compare_digest(expected, entry.encode()) for entry in signatures.split(" ")]
    if not any(fits):
        raise BadSignature("no signature fits")
    return message_id


def _only(values: list[bytes], name: bytes) -> str:
    if len(values) != 1:
        raise BadSignature(f"{name.decode()} must stand exactly once")
    return values[0].decode("ascii")
