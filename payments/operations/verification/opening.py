"""What has to be opened or hashed to be compared, read in portions: list hashes, account numbers, kept messages."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from django.views.decorators.debug import sensitive_variables

from foundation.audit import merkle
from foundation.audit.sealing import verify_trail
from foundation.gateway.exchanges import CONTEXT, Part, body_row_id
from foundation.privacy.blind_index import NotNormal, account_fingerprint, account_fingerprint_many
from foundation.privacy.encryption import DecryptionFailed, decrypt, decrypt_bytes, decrypt_many
from payments.operations.verification.invariants import Look

PORTION = 5_000
MESSAGES = 200  # each up to 256 KiB


def _portions(
    cursor: Any, sql: str, *, first: tuple[Any, ...], key: Callable[[Any], tuple[Any, ...]], size: int
) -> Iterator[Any]:
    """Rows of a statement that goes on after a key, in portions of `size`."""
    after = first
    while True:
        cursor.execute(sql, [*after, size])
        rows = cursor.fetchall()
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = key(rows[-1])


CHUNKS = """
SELECT c.batch_id, c.number, c.list_hash, c.hash_path, b.list_hash FROM payments_dispatch_chunk c
JOIN payments_payout_batch b ON b.id = c.batch_id
WHERE (c.batch_id, c.number) > (%s, %s) AND b.submitted_at IS NOT NULL
ORDER BY c.batch_id, c.number LIMIT %s
"""


def list_hashes(cursor: Any) -> Look:
    """Each chunk's path leads to its list's hash, and all chunks of a list together make it: none was added, none is missing."""
    checked = broken = 0
    example = ""
    batch, frozen, frontier = 0, b"", merkle.Frontier()

    def find(what: str) -> None:
        nonlocal broken, example
        broken, example = broken + 1, example or what

    def close() -> None:
        if batch and merkle.head(frontier) != frozen:
            find(f"batch {batch}")

    for rows in _portions(cursor, CHUNKS, first=(0, -1), key=lambda row: (row[0], row[1]), size=PORTION):
        for batch_id, number, list_hash, path, of_list in rows:
            if batch_id != batch:
                close()
                batch, frozen, frontier = batch_id, bytes(of_list or b""), merkle.Frontier()
            leaf = merkle.leaf(bytes(list_hash or b""))
            frontier = merkle.extend(frontier, [leaf])
            checked += 1
            if merkle.root_by_path(leaf, bytes(path or b"")) != frozen:
                find(f"chunk {batch_id}/{number}")
    close()
    return Look(checked, broken, example)


ACCOUNTS = """
SELECT id, number_encrypted, bank_id, number_index FROM beneficiaries_payout_account WHERE id > %s ORDER BY id LIMIT %s
"""


@sensitive_variables()
def account_numbers(cursor: Any) -> Look:
    """Every kept number opens for its own row and has the fingerprint that stands beside it."""
    checked = broken = 0
    example = ""
    for rows in _portions(cursor, ACCOUNTS, first=(0,), key=lambda row: (row[0],), size=PORTION):
        checked += len(rows)
        for pk in _wrong_numbers(rows):
            broken += 1
            example = example or f"account {pk}"
    return Look(checked, broken, example)


@sensitive_variables()
def _wrong_numbers(rows: list[tuple[int, bytes, str, bytes]]) -> list[int]:
    """All at once, which is fast; one by one only when something is wrong among them."""
    try:
        numbers = decrypt_many([(row[0], row[1]) for row in rows], context="payout_account.number")
        found = account_fingerprint_many((row[2], number) for row, number in zip(rows, numbers, strict=True))
    except (DecryptionFailed, NotNormal):
        return [row[0] for row in rows if not _is_right(*row)]
    return [row[0] for row, mark in zip(rows, found, strict=True) if mark != bytes(row[3])]


@sensitive_variables()
def _is_right(pk: int, encrypted: bytes, bank: str, index: bytes) -> bool:
    try:
        number = decrypt(encrypted, context="payout_account.number", row_id=pk)
        return account_fingerprint(creditor_agent=bank, creditor_account=number) == bytes(index)
    except (DecryptionFailed, NotNormal):
        return False


CALLBACKS = """
SELECT m.id, m.message_id, m.payload_hash, b.body FROM gateway_message m
LEFT JOIN gateway_message_body b ON b.message_id = m.id AND b.part = 'CALLBACK' AND b.at = m.received_at
WHERE m.id > %s ORDER BY m.id LIMIT %s
"""


def callback_bodies(cursor: Any) -> Look:
    """The kept bytes of every message are those whose hash was noted when it came."""
    checked = broken = 0
    example = ""
    for rows in _portions(cursor, CALLBACKS, first=(0,), key=lambda row: (row[0],), size=MESSAGES):
        for pk, reference, digest, body in rows:
            checked += 1
            if not _is_kept(pk, reference, bytes(digest), body):
                broken += 1
                example = example or f"message {pk}"
    return Look(checked, broken, example)


def _is_kept(pk: int, reference: str, digest: bytes, body: bytes | None) -> bool:
    if body is None:
        return False
    row_id = body_row_id(part=Part.CALLBACK, reference=reference, message=pk)
    try:
        return sha256(decrypt_bytes(body, context=CONTEXT, row_id=row_id)).digest() == digest
    except DecryptionFailed:
        return False


def trail(_cursor: Any) -> Look:
    """The seal over the trail, worked out from every event."""
    check = verify_trail()
    return Look(check.events, len(check.findings), check.findings[0] if check.findings else "")
