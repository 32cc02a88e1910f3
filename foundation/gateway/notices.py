"""Notices: what people are told, as rows first and messages later.

`add_notices` writes rows inside the transaction of the event, so that nobody is told of what was rolled back and nobody is told
twice. Workers take them in sets (`take_notices`, a transaction with a lease), send without any transaction (`sending`), and
record. A worker that died lets its lease run out; VNeID shows a notice once however often it is sent, by its id.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction

from foundation.gateway.models import Notice
from foundation.privacy.encryption import decrypt_many, encrypt_many
from foundation.privacy.row_ids import allocate

TEXT, ADDRESS = "notice.text", "notice.address"
LONGEST_TITLE, LONGEST_TEXT = 100, 500
LEASE_SECONDS = 120
MOST_ATTEMPTS = 10  # over some nine hours; then people hear of it by an alarm
Channel = Notice.Channel


@dataclass(frozen=True, slots=True)
class Staff:
    """An officer, by user; with an address he gets a letter too, which says no more than that there is something to read."""

    user_id: int
    email: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Citizen:
    """A citizen, by the fingerprint of the ID number; `phones` get the same words as a short message."""

    person_index: bytes = field(repr=False)
    national_id: str = field(repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """What one person is told of one event. `path` is where in the portal more is to be read.

    Never a personal, account or phone number in the words; of a programme, its neutral name or none.
    """

    event: str
    to: Staff | Citizen
    title: str
    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """The opened words of a notice."""

    title: str
    text: str
    path: str


# Once per event and recipient: whoever repeats an event writes nothing.
ADD = """
INSERT INTO gateway_notice
    (id, event, user_id, person_index, channel, text_encrypted, address_encrypted, state, attempts, outcome, due_at, ended_at)
SELECT id, event, user_id, person_index, channel, text, address,
       CASE channel WHEN 'PORTAL' THEN 'SENT' ELSE 'WAITING' END, 0, '',
       CASE channel WHEN 'PORTAL' THEN NULL ELSE portal_now() END,
       CASE channel WHEN 'PORTAL' THEN portal_now() END
FROM unnest(%(ids)s::bigint[], %(events)s::text[], %(users)s::bigint[], %(persons)s::bytea[], %(channels)s::text[],
            %(texts)s::bytea[], %(addresses)s::bytea[]) AS n(id, event, user_id, person_index, channel, text, address)
ON CONFLICT DO NOTHING
"""


def add_notices(messages: Sequence[Message]) -> int:
    """Write the rows of what people are to be told; how many were new. Inner step of the event's own transaction.

    Bounded by the caller: what one message of the gateway or one round of watchers brings.
    """
    if not messages:
        return 0
    ids = allocate(Notice, len(messages))
    addresses = [_address(message.to) for message in messages]
    texts = encrypt_many(zip(ids, map(_words, messages), strict=True), context=TEXT)
    sealed = iter(
        encrypt_many(
            [(pk, address) for pk, (_, address) in zip(ids, addresses, strict=True) if address], context=ADDRESS
        )
    )
    with connection.cursor() as cursor:
        cursor.execute(
            ADD,
            {
                "ids": ids,
                "events": [message.event for message in messages],
                "users": [message.to.user_id if isinstance(message.to, Staff) else None for message in messages],
                "persons": [
                    message.to.person_index if isinstance(message.to, Citizen) else None for message in messages
                ],
                "channels": [str(channel) for channel, _ in addresses],
                "texts": texts,
                "addresses": [next(sealed) if address else None for _, address in addresses],
            },
        )
        return int(cursor.rowcount)


def _words(message: Message) -> str:
    assert len(message.title) <= LONGEST_TITLE, message.event
    assert len(message.text) <= LONGEST_TEXT, message.event
    return json.dumps([message.title, message.text, message.path], ensure_ascii=False)


def _address(to: Staff | Citizen) -> tuple[Notice.Channel, str]:
    if isinstance(to, Citizen):
        return Channel.VNEID, json.dumps({"national_id": to.national_id, "phones": list(to.phones)})
    if to.email:
        return Channel.EMAIL, json.dumps({"email": to.email})
    return Channel.PORTAL, ""


# --- On the way out --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice that this worker sends until its lease ends; `fence` proves the claim."""

    pk: int
    channel: str
    fence: int
    words: Words = field(repr=False)
    email: str = field(default="", repr=False)
    national_id: str = field(default="", repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)


TAKE = """
WITH due AS (
    SELECT id FROM gateway_notice
    WHERE state IN ('WAITING', 'FAILED') AND channel = %(channel)s AND due_at <= portal_now()
    ORDER BY due_at, id LIMIT %(limit)s
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE gateway_notice n SET attempts = attempts + 1, due_at = portal_now() + %(lease)s * interval '1 second'
FROM due WHERE n.id = due.id
RETURNING n.id, n.channel, n.attempts, n.text_encrypted, n.address_encrypted
"""


@transaction.atomic(durable=True)
def take_notices(*, channel: Notice.Channel, limit: int) -> list[Outgoing]:
    """Take notices of a channel that are due; nobody else takes them while the lease lasts."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"channel": str(channel), "limit": limit, "lease": LEASE_SECONDS})
        rows = sorted(cursor.fetchall())
    texts = decrypt_many([(row[0], row[3]) for row in rows], context=TEXT)
    addresses = [json.loads(text) for text in decrypt_many([(row[0], row[4]) for row in rows], context=ADDRESS)]
    return [
        Outgoing(
            pk=pk,
            channel=channel_code,
            fence=attempts,
            words=Words(*json.loads(text)),
            email=address.get("email", ""),
            national_id=address.get("national_id", ""),
            phones=tuple(address.get("phones", ())),
        )
        for (pk, channel_code, attempts, _, _), text, address in zip(rows, texts, addresses, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending one notice: gone, refused for good with a code, or not gone and to be tried again."""

    notice: Outgoing
    gone: bool
    code: str = ""
    again: bool = True


# Tried again after 1, 2, 4 … minutes, at most every four hours.
RECORD = """
UPDATE gateway_notice n
SET state = w.state, outcome = w.outcome,
    ended_at = CASE WHEN w.state = 'FAILED' THEN NULL ELSE portal_now() END,
    due_at = CASE WHEN w.state = 'FAILED'
        THEN portal_now() + least(240, power(2, least(n.attempts, 10) - 1)) * interval '1 minute' END
FROM unnest(%s::bigint[], %s::integer[], %s::text[], %s::text[]) AS w(id, fence, state, outcome)
WHERE n.id = w.id AND n.attempts = w.fence AND n.state IN ('WAITING', 'FAILED')
"""


@transaction.atomic(durable=True)
def record_sent(results: Iterable[Sent]) -> int:
    """Write what came of a set; how many were still this worker's to write."""
    results = list(results)
    with connection.cursor() as cursor:
        cursor.execute(
            RECORD,
            [
                [result.notice.pk for result in results],
                [result.notice.fence for result in results],
                [_state(result) for result in results],
                [result.code[:100] for result in results],
            ],
        )
        return int(cursor.rowcount)


def _state(result: Sent) -> str:
    if result.gone:
        return "SENT"
    return "FAILED" if result.again and result.notice.fence < MOST_ATTEMPTS else "GIVEN_UP"


# --- The inbox -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Reader:
    """Whose inbox: an officer's by the user, a citizen's by the fingerprint of the ID number."""

    user_id: int
    person_index: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Received:
    """A notice as its recipient reads it."""

    pk: int
    at: datetime
    read_at: datetime | None
    words: Words


UNREAD = """
SELECT count(*) FROM (
    SELECT 1 FROM gateway_notice WHERE read_at IS NULL AND (user_id = %(user)s OR person_index = %(person)s) LIMIT 100
) AS counted
"""


def count_unread(*, reader: Reader) -> int:
    """How many notices somebody has not read, up to 100."""
    with connection.cursor() as cursor:
        cursor.execute(UNREAD, _whose(reader))
        return int(cursor.fetchone()[0])


INBOX = """
SELECT id, created_at, read_at, text_encrypted FROM gateway_notice
WHERE (user_id = %(user)s OR person_index = %(person)s) AND id < %(before)s ORDER BY id DESC LIMIT %(limit)s
"""


def read_inbox(*, reader: Reader, after: int | None, limit: int) -> list[Received]:
    """Notices of one person, the newest first; one query."""
    with connection.cursor() as cursor:
        cursor.execute(INBOX, _whose(reader) | {"before": after or 2**62, "limit": limit})
        rows = cursor.fetchall()
    texts = decrypt_many([(row[0], row[3]) for row in rows], context=TEXT)
    return [
        Received(pk, at, read, Words(*json.loads(text))) for (pk, at, read, _), text in zip(rows, texts, strict=True)
    ]


MARK = """
UPDATE gateway_notice SET read_at = portal_now()
WHERE read_at IS NULL AND (user_id = %(user)s OR person_index = %(person)s) AND id = ANY (%(ids)s)
"""


@transaction.atomic(durable=True)
def mark_read(*, reader: Reader, ids: Sequence[int]) -> int:
    """Say that somebody has read these of his own notices; those of others stay as they are."""
    with connection.cursor() as cursor:
        cursor.execute(MARK, _whose(reader) | {"ids": list(ids)})
        return int(cursor.rowcount)


def _whose(reader: Reader) -> dict[str, int | bytes | None]:
    """A citizen's notices are found by the person alone, an officer's by the user alone."""
    return {"user": None if reader.person_index else reader.user_id, "person": reader.person_index}
