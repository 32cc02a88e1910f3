"""The seal over the trail: committed events get a dense place in one Merkle tree, and each head of it is signed.

Whoever changes, removes or reorders an event, even as the database's superuser, is found out by `verify_trail`; whoever does
it and seals everything anew is found out by a head that was noted elsewhere before. Events carry a random salt, so that a leaf
tells nothing of what it covers.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import connection, transaction

from foundation.audit import merkle
from foundation.audit.models import TreeHead

BATCH = 5_000
# How long a transaction that wrote an event may stay open and still be sealed by the tick; what comes later is a finding.
LATEST_COMMIT = "1 day"
UNSEALED_AFTER = "10 minutes"  # an event older than this that has no place yet means that nobody seals

_FIELDS = (
    "id", "at", "kind", "actor_kind", "actor_id", "actor_label", "subject_kind", "subject_id", "payload", "version", "salt",
    "request_id",
)  # fmt: skip
_EVENT = ", ".join(f"e.{name}" for name in _FIELDS)


class NoSealingKey(Exception):
    """AUDIT_SIGNING_KEYS names no key to sign with."""


def canonical(event: Mapping[str, Any]) -> bytes:
    """Version 1 of the text that is sealed: the event's members as JSON with sorted names, times in UTC to the microsecond."""
    told = {name: event[name] for name in _FIELDS if name != "salt"}
    told["at"] = event["at"].astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


def leaf_of(event: Mapping[str, Any]) -> bytes:
    """The leaf hash of an event: over its canonical text and its salt."""
    salt = event["salt"]
    return merkle.leaf(canonical(event) + (salt if isinstance(salt, UUID) else UUID(str(salt))).bytes)


# A sequence's order is not the order of commits, so what is looked for is whatever has no place, not what has a higher id.
FIND_UNSEALED = f"""
SELECT {_EVENT} FROM audit_event e
WHERE e.id > %(through)s AND NOT EXISTS (SELECT 1 FROM audit_sealed_event s WHERE s.event_id = e.id)
ORDER BY e.id LIMIT %(limit)s
"""  # noqa: S608  names of our own columns

PLACE = """
INSERT INTO audit_sealed_event (tree_index, event_id, event_at, leaf)
SELECT * FROM unnest(%(indexes)s::bigint[], %(ids)s::bigint[], %(times)s::timestamptz[], %(leaves)s::bytea[])
"""

SEALED_THROUGH = f"""
SELECT coalesce(max(event_id), %(through)s), portal_now() FROM audit_sealed_event
WHERE event_id > %(through)s AND event_at < portal_now() - interval '{LATEST_COMMIT}'
"""  # noqa: S608  a constant


@transaction.atomic(durable=True)
def seal_events(*, limit: int = BATCH) -> int:
    """Give committed events that have no place yet theirs, and sign the new head; how many. One sealer at a time.

    Raises:
        NoSealingKey: There is nothing to sign with.
    """
    key_id, key = signing_key()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('audit.seal'))")
        if not cursor.fetchone()[0]:
            return 0
        last = TreeHead.objects.order_by("-size").first()
        size, through = (last.size, last.sealed_through) if last else (0, 0)
        cursor.execute(FIND_UNSEALED, {"through": through, "limit": limit})
        events = [_event(row) for row in cursor.fetchall()]
        if not events:
            return 0
        leaves = [leaf_of(event) for event in events]
        cursor.execute(
            PLACE,
            {
                "indexes": list(range(size, size + len(events))),
                "ids": [event["id"] for event in events],
                "times": [event["at"] for event in events],
                "leaves": leaves,
            },
        )
        before = merkle.frontier_at(size, (bytes(node) for node in last.frontier)) if last else []
        frontier = merkle.extend(before, leaves)
        cursor.execute(SEALED_THROUGH, {"through": through})
        sealed_through, at = cursor.fetchone()
    grown, root = size + len(events), merkle.head(frontier)
    TreeHead.objects.create(
        size=grown,
        root=root,
        frontier=[node for _, node in frontier],
        previous_size=size,
        sealed_through=sealed_through,
        at=at,
        key_id=key_id,
        signature=key.sign(_statement(grown, root, at, size)),
    )
    return len(events)


def _event(row: tuple[Any, ...]) -> dict[str, Any]:
    event = dict(zip(_FIELDS, row, strict=True))
    if isinstance(event["payload"], str):
        event["payload"] = orjson.loads(event["payload"])
    return event


def _statement(size: int, root: bytes, at: datetime, previous_size: int) -> bytes:
    """What the signature covers."""
    return orjson.dumps(
        {
            "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "previous_size": previous_size,
            "root": root.hex(),
            "size": size,
        },
        option=orjson.OPT_SORT_KEYS,
    )


# --- Keys ------------------------------------------------------------------------------------------------------------
def signing_key() -> tuple[str, Ed25519PrivateKey]:
    """The key that signs now: the first of AUDIT_SIGNING_KEYS.

    Raises:
        NoSealingKey: There is none.
    """
    if not settings.AUDIT_SIGNING_KEYS:
        raise NoSealingKey
    key_id, _, encoded = settings.AUDIT_SIGNING_KEYS[0].partition(":")
    return key_id, _private(encoded)


def public_keys() -> dict[str, Ed25519PublicKey]:
    """Every key that has signed, by id. Who verifies elsewhere has AUDIT_VERIFY_KEYS and no private one."""
    ours = (entry.partition(":") for entry in settings.AUDIT_SIGNING_KEYS)
    others = (entry.partition(":") for entry in settings.AUDIT_VERIFY_KEYS)
    return {
        **{key_id: Ed25519PublicKey.from_public_bytes(base64.b64decode(text)) for key_id, _, text in others},
        **{key_id: _private(text).public_key() for key_id, _, text in ours},
    }


@lru_cache(maxsize=16)
def _private(encoded: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(encoded, validate=True))


# --- Verification ----------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class TrailCheck:
    """What a verification saw; `findings` in plain words, empty when everything holds."""

    events: int = 0
    heads: int = 0
    size: int = 0
    root: bytes = b""
    findings: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def find(self, what: str) -> None:
        """Note a finding; after a thousand the rest are only counted by the last one."""
        if len(self.findings) < 1_000:
            self.findings.append(what)


READ_TREE = f"""
SELECT s.tree_index, s.event_id, s.leaf, {_EVENT}
FROM audit_sealed_event s LEFT JOIN audit_event e ON e.id = s.event_id AND e.at = s.event_at
WHERE s.tree_index >= %(first)s ORDER BY s.tree_index LIMIT %(limit)s
"""  # noqa: S608  names of our own columns

LEFT_OUT = f"""
SELECT count(*) FROM audit_event e
WHERE e.at < portal_now() - interval '{UNSEALED_AFTER}'
  AND NOT EXISTS (SELECT 1 FROM audit_sealed_event s WHERE s.event_id = e.id)
"""  # noqa: S608  a constant


def verify_trail(*, noted: Iterable[tuple[int, bytes]] = ()) -> TrailCheck:
    """Recompute the whole tree from the events and compare every head with it, in bounded memory. Reads only.

    Args:
        noted: Heads (size, root) that were written down elsewhere; the tree must still pass through each of them.
    """
    check, frontier = TrailCheck(), merkle.Frontier()
    heads: Iterator[TreeHead] = iter(TreeHead.objects.order_by("size").iterator(chunk_size=1_000))
    keys, elsewhere = public_keys(), dict(noted)
    head = next(heads, None)
    for index, event_id, leaf, event in _places():
        if index != check.events:
            check.find(f"place {check.events} is missing; {index} follows")
            check.events = index
        told = leaf if event is None else leaf_of(event)
        if event is None:
            check.find(f"event {event_id} at place {index} is gone or has another time")
        elif told != leaf:
            check.find(f"event {event_id} at place {index} is not what was sealed")
        frontier = merkle.extend(frontier, [told])
        check.events += 1
        here = merkle.head(frontier) if check.events in elsewhere or (head and head.size == check.events) else b""
        if check.events in elsewhere and elsewhere.pop(check.events) != here:
            check.find(f"the head of {check.events} events is not the one that was noted")
        if head is not None and head.size == check.events:
            _check_head(check, head, here, keys)
            head = next(heads, None)
    for left in [head, *heads]:
        if left is not None:
            check.find(f"a head of {left.size} events stands over {check.events}")
    for size in elsewhere:
        check.find(f"the tree has no {size} events, as was noted")
    if check.events != check.size:
        check.find(f"{check.events - check.size} places have no signed head")
    with connection.cursor() as cursor:
        cursor.execute(LEFT_OUT)
        left_out = int(cursor.fetchone()[0])
    if left_out:
        check.find(f"{left_out} events have no place in the tree")
    return check


def _places() -> Iterator[tuple[int, int, bytes, dict[str, Any] | None]]:
    """Every place of the tree with its event, in order, read in portions."""
    first = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(READ_TREE, {"first": first, "limit": BATCH})
            rows = cursor.fetchall()
        for index, event_id, leaf, *event in rows:
            yield index, event_id, bytes(leaf), _event(tuple(event)) if event[0] is not None else None
        if len(rows) < BATCH:
            return
        first = rows[-1][0] + 1


def _check_head(check: TrailCheck, head: TreeHead, here: bytes, keys: Mapping[str, Ed25519PublicKey]) -> None:
    check.heads += 1
    if head.previous_size != check.size:
        check.find(f"the head of {head.size} events does not follow that of {check.size}")
    if bytes(head.root) != here:
        check.find(f"the head of {head.size} events is not that of the events")
    key = keys.get(head.key_id)
    try:
        if key is None:
            raise InvalidSignature
        key.verify(bytes(head.signature), _statement(head.size, bytes(head.root), head.at, head.previous_size))
    except InvalidSignature:
        check.find(f"the head of {head.size} events is not signed by a key of ours")
    check.size, check.root = head.size, bytes(head.root)
