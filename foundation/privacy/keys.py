"""The keys of personal data: where they come from, what they must look like, which one writes.

`FIELD_KEYS` is a list of `id:base64 of 32 bytes`. The first key encrypts, every key reads, so a rotation is: put a new
key first, rewrite the rows at leisure, drop the old key once nothing needs it. `BLIND_INDEX_KEY` is one key that never
rotates silently: another key means other fingerprints, so every fingerprint has to be computed again.

A wrong key is found at the first use (and by the system check of the roof), never as a row that cannot be read later.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

KEY_BYTES = 32
KEY_ID = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class FieldKey:
    """One AES-256 key, ready to work; its bytes stay inside the cipher object and out of every repr."""

    id: str
    cipher: AESGCM = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key that encrypts, and all keys that decrypt, by id as it stands in a ciphertext."""

    current: FieldKey
    by_id: Mapping[bytes, FieldKey] = field(repr=False)


@cache
def field_keys() -> KeyRing:
    """The key ring of `settings.FIELD_KEYS`.

    Raises:
        ImproperlyConfigured: No key, an unreadable one, a repeated id, or the same bytes under two ids.
    """
    keys: dict[bytes, FieldKey] = {}
    seen: set[bytes] = set()
    current: FieldKey | None = None
    for position, entry in enumerate(settings.FIELD_KEYS, start=1):
        name = f"FIELD_KEYS, entry {position}"
        key_id, colon, encoded = entry.strip().partition(":")
        if not colon:
            raise ImproperlyConfigured(f"{name}: expected `id:base64`, found no colon.")
        if not KEY_ID.fullmatch(key_id):
            raise ImproperlyConfigured(f"{name}: the id must be 1 to 8 characters of a-z and 0-9.")
        secret = _key_bytes(encoded, name=name)
        if key_id.encode() in keys:
            raise ImproperlyConfigured(f"{name}: the id {key_id!r} stands twice.")
        if secret in seen:
            raise ImproperlyConfigured(f"{name}: the same key stands under another id; a rotation needs a new key.")
        seen.add(secret)
        keys[key_id.encode()] = FieldKey(key_id, AESGCM(secret))
        current = current or keys[key_id.encode()]
    if current is None:
        raise ImproperlyConfigured("FIELD_KEYS is empty: personal data cannot be stored or read without a key.")
    return KeyRing(current, keys)


@cache
def blind_index_key() -> bytes:
    """The 32 bytes of `settings.BLIND_INDEX_KEY`.

    Raises:
        ImproperlyConfigured: It is missing or unreadable, or it is also a field key.
    """
    if not settings.BLIND_INDEX_KEY:
        raise ImproperlyConfigured("BLIND_INDEX_KEY is empty: nobody can be found by an identity or account number.")
    secret = _key_bytes(settings.BLIND_INDEX_KEY.strip(), name="BLIND_INDEX_KEY")
    for entry in settings.FIELD_KEYS:
        # One key for two purposes: whoever is handed the key for searching could also read every number.
        if _key_bytes(entry.strip().partition(":")[2], name="FIELD_KEYS") == secret:
            raise ImproperlyConfigured("BLIND_INDEX_KEY is also one of FIELD_KEYS; the two must be different keys.")
    return secret


def _key_bytes(encoded: str, *, name: str) -> bytes:
    try:
        secret = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ImproperlyConfigured(f"{name}: the key is not base64.") from None
    if len(secret) != KEY_BYTES:
        raise ImproperlyConfigured(f"{name}: the key has {len(secret)} bytes, it must have {KEY_BYTES}.")
    if len(set(secret)) == 1:
        raise ImproperlyConfigured(f"{name}: the key is one byte repeated; make it from a random source.")
    return secret


def forget_keys(*, setting: str, **_: Any) -> None:
    """Read the keys again after a test or a reload changed the setting."""
    if setting in {"FIELD_KEYS", "BLIND_INDEX_KEY"}:
        field_keys.cache_clear()
        blind_index_key.cache_clear()


setting_changed.connect(forget_keys, dispatch_uid="foundation.privacy.keys")
