"""Personal data at rest: AES-256-GCM, each ciphertext bound to its column and row.

Layout: version (1 byte) | length of key id (1 byte) | key id | nonce (12 random bytes) | ciphertext and tag (16).
The tag also covers the header, the context (which column) and the row id, so a ciphertext copied to another row or
column does not open: whoever can write to the table but has no key cannot redirect a payment by swapping two accounts.
Random 96-bit nonces allow 2^32 encryptions under one key at a collision risk below 2^-32 (NIST SP 800-38D, 8.3); the
city writes some 10^7 a year.
"""

import os
import re
from collections.abc import Iterable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from django.views.decorators.debug import sensitive_variables

from foundation.privacy.keys import field_keys

VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16
CONTEXT = re.compile(r"[a-z][a-z0-9_.-]{0,62}")

RowId = int | str


class DecryptionFailed(Exception):
    """A ciphertext did not open: damaged, moved from another row or column, or its key is gone.

    Carries the place and the kind of failure only; neither the plaintext nor a key is ever part of it.
    """

    def __init__(self, why: str, *, context: str, row_id: RowId) -> None:
        super().__init__(f"{context} of row {row_id}: {why}")
        self.context = context
        self.row_id = row_id


def encrypt(plaintext: str | bytes, *, context: str, row_id: RowId) -> bytes:
    """Encrypt one value for one column and row with the current key; text is UTF-8.

    `context` names table and column (`account.number`); `row_id` is the primary key or another id that never changes.
    The result is 31 bytes longer than the plaintext, with a key id of one character.
    """
    return encrypt_many([(row_id, plaintext)], context=context)[0]


def decrypt(ciphertext: bytes | memoryview, *, context: str, row_id: RowId) -> str:
    """Open one value as text.

    Raises:
        DecryptionFailed: It is not what was written for this context and row, or it is not text.
    """
    return decrypt_many([(row_id, ciphertext)], context=context)[0]


def decrypt_bytes(ciphertext: bytes | memoryview, *, context: str, row_id: RowId) -> bytes:
    """Open one value as the bytes that were written; raises DecryptionFailed as `decrypt` does."""
    return decrypt_bytes_many([(row_id, ciphertext)], context=context)[0]


@sensitive_variables()
def encrypt_many(rows: Iterable[tuple[RowId, str | bytes]], *, context: str) -> list[bytes]:
    """Encrypt (row id, plaintext) pairs of one column, in order."""
    key = field_keys().current
    header = _header(key.id)
    associated = _associated_data(header, context)
    seal, random = key.cipher.encrypt, os.urandom
    sealed = []
    for row_id, plaintext in rows:
        nonce = random(NONCE_BYTES)
        data = plaintext.encode() if isinstance(plaintext, str) else plaintext
        sealed.append(header + nonce + seal(nonce, data, associated + str(row_id).encode()))
    return sealed


@sensitive_variables()
def decrypt_many(rows: Iterable[tuple[RowId, bytes | memoryview]], *, context: str) -> list[str]:
    """Open (row id, ciphertext) pairs of one column as text, in order; all or nothing.

    Raises:
        DecryptionFailed: Names the first row that does not open.
    """
    pairs = list(rows)
    opened = decrypt_bytes_many(pairs, context=context)
    try:
        return [data.decode() for data in opened]
    except UnicodeDecodeError:
        pass  # re-raised below without the exception, which holds the plaintext
    broken = next(row_id for (row_id, _), data in zip(pairs, opened, strict=True) if not _is_text(data))
    raise DecryptionFailed("the content is not text", context=context, row_id=broken)


@sensitive_variables()
def decrypt_bytes_many(rows: Iterable[tuple[RowId, bytes | memoryview]], *, context: str) -> list[bytes]:
    """Open (row id, ciphertext) pairs of one column as bytes, in order; raises as `decrypt_many` does."""
    ring = field_keys().by_id
    # What is equal for all rows of one key is worked out once: this loop opens the lines of a payout.
    prepared: dict[bytes, tuple[bytes, int, int]] = {}
    openers = {}
    opened = []
    for row_id, raw in rows:
        ciphertext = bytes(raw)
        header = ciphertext[: 2 + ciphertext[1]] if len(ciphertext) > 1 else b""
        if header not in prepared:
            key = ring.get(header[2:])
            if ciphertext[:1] != bytes([VERSION]) or key is None:
                why = "no key for it" if ciphertext[:1] == bytes([VERSION]) else "not a ciphertext of ours"
                raise DecryptionFailed(why, context=context, row_id=row_id)
            prepared[header] = (_associated_data(header, context), len(header), len(header) + NONCE_BYTES)
            openers[header] = key.cipher.decrypt
        associated, start, end = prepared[header]
        if len(ciphertext) < end + TAG_BYTES:
            raise DecryptionFailed("it is cut short", context=context, row_id=row_id)
        try:
            opened.append(openers[header](ciphertext[start:end], ciphertext[end:], associated + str(row_id).encode()))
        except InvalidTag:
            raise DecryptionFailed("changed, or written for another row", context=context, row_id=row_id) from None
    return opened


def needs_rotation(ciphertext: bytes | memoryview) -> bool:
    """Whether the value was written with another key than the current one, or in an older layout."""
    return not bytes(ciphertext[:10]).startswith(_header(field_keys().current.id))


@lru_cache(maxsize=64)
def _header(key_id: str) -> bytes:
    return bytes([VERSION, len(key_id)]) + key_id.encode()


def _associated_data(header: bytes, context: str) -> bytes:
    """Header, context and a separator; the row id follows.

    The header tells its own length and a context holds no NUL, so no two (key, context, row) give the same bytes.
    """
    if not CONTEXT.fullmatch(context):
        raise ValueError("A context is a short lower-case name such as `account.number`.")
    return header + context.encode() + b"\0"


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
