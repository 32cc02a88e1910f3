"""Telling the portal: reports become signed callbacks in a durable outbox, which one loop delivers and repeats
(contract, section 5)."""

import asyncio
import secrets
import sqlite3
import time
from typing import Any

import httpx2
import orjson

from mock_gateway.clock import Clock, iso
from mock_gateway.faults import CALLBACKS, Faults
from mock_gateway.settings import Secret, Settings
from mock_gateway.signatures import callback_text, signed_headers
from mock_gateway.store import Store

MAX_ITEMS = 1_000
TIMEOUT_SECONDS = 10
RETRY_SECONDS = (1, 5, 15, 60, 300, 900)
HOURLY_SECONDS = 3_600
EVENT_FAULTS = ("callback_lost", "callback_duplicate", "callback_late", "callback_forged", "callback_replayed")
GIVE_UP_MS = 72 * HOURLY_SECONDS * 1000
REPLAYED_AGE_SECONDS = 3_600
IDLE_SECONDS = 0.5
PAUSE_SECONDS = (0.1, 5.0)
NEXT = """
SELECT * FROM outbox WHERE state = 'PENDING' AND next_at <= ? AND treatment IS NOT 'NEW' ORDER BY next_at, id LIMIT 10
"""


def compose(connection: sqlite3.Connection, *, at: int, faults: Faults) -> int:
    """Make callbacks of the reports that are ready, up to a thousand statuses each, and return how many reports were
    used.

    A report that a fault hits travels alone, so that the fault depends on its message and not on its neighbours.
    """
    rows = connection.execute(
        "SELECT id, message_id, items, statuses FROM reports WHERE ready_at <= ? ORDER BY id LIMIT 100", (at,)
    ).fetchall()
    group: list[bytes] = []
    size = 0
    for row in rows:
        ids = (
            [status["end_to_end_id"] for status in orjson.loads(b"[%b]" % row["statuses"])] if faults.any_armed else []
        )
        kind = faults.first(CALLBACKS, row["message_id"], ids)
        if kind is not None:
            _put_spoilt(connection, kind, row["statuses"], at=at, late_ms=faults.options.callback_late_seconds * 1000)
            continue
        if size + row["items"] > MAX_ITEMS:
            _put(connection, b",".join(group), at=at)
            group, size = [], 0
        group.append(row["statuses"])
        size += row["items"]
    if group:
        _put(connection, b",".join(group), at=at)
    connection.executemany("DELETE FROM reports WHERE id = ?", [(row["id"],) for row in rows])
    return len(rows) + _treat_new(connection, at=at, faults=faults)


def _treat_new(connection: sqlite3.Connection, *, at: int, faults: Faults) -> int:
    """Let faults strike the events that are not statuses (returns, links), and release them."""
    rows = connection.execute(
        "SELECT id, event_id, type, body, fault_key FROM outbox WHERE treatment = 'NEW' AND state = 'PENDING' LIMIT 99"
    ).fetchall()
    for row in rows:
        kind = faults.first(EVENT_FAULTS, row["fault_key"], (row["fault_key"],))
        treatment = {"callback_duplicate": "TWICE", "callback_replayed": "REPLAY"}.get(kind or "")
        late_ms = faults.options.callback_late_seconds * 1000 if kind == "callback_late" else 0
        connection.execute(
            "UPDATE outbox SET treatment = ?, state = ?, next_at = ? WHERE id = ?",
            (treatment, "LOST" if kind == "callback_lost" else "PENDING", at + late_ms, row["id"]),
        )
        if kind == "callback_forged":
            forged_id = f"evt_{secrets.token_hex(12)}"
            connection.execute(
                """
                INSERT INTO outbox (event_id, type, body, items, treatment, created_at, next_at)
                VALUES (?, ?, ?, 1, 'FORGED', ?, ?)
                """,
                (
                    forged_id,
                    row["type"],
                    row["body"].replace(row["event_id"].encode(), forged_id.encode()),
                    at,
                    at - 1,
                ),
            )
    return len(rows)


def _put(
    connection: sqlite3.Connection,
    statuses: bytes,
    *,
    at: int,
    next_at: int | None = None,
    treatment: str | None = None,
    state: str = "PENDING",
) -> None:
    event_id = f"evt_{secrets.token_hex(12)}"
    body = b'{"id":"%b","type":"payment.status","created_at":"%b","data":{"statuses":[%b]}}' % (
        event_id.encode(),
        iso(at).encode(),
        statuses,
    )
    items = statuses.count(b'"end_to_end_id"')
    connection.execute(
        """
        INSERT INTO outbox (event_id, type, body, items, treatment, state, created_at, next_at)
        VALUES (?, 'payment.status', ?, ?, ?, ?, ?, ?)
        """,
        (event_id, body, items, treatment, state, at, at if next_at is None else next_at),
    )


def _put_spoilt(connection: sqlite3.Connection, kind: str, raw: bytes, *, at: int, late_ms: int) -> None:
    """Put a report into the outbox in the way of a fault; the true report follows wherever the fault leaves one."""
    statuses: list[dict[str, Any]] = orjson.loads(b"[%b]" % raw)
    match kind:
        case "callback_lost":
            _put(connection, raw, at=at, state="LOST")
        case "callback_late":
            _put(connection, raw, at=at, next_at=at + late_ms)
        case "callback_duplicate":
            _put(connection, raw, at=at, treatment="TWICE")
        case "callback_replayed":
            _put(connection, raw, at=at, treatment="REPLAY")
        case "callback_out_of_order":
            _put(connection, raw, at=at)
            _put(connection, _changed(statuses, status="ACSP", reason=None), at=at, next_at=at + 1)
        case "callback_forged":
            _put(connection, _changed(statuses, status="RJCT", reason="AC04"), at=at, treatment="FORGED")
            _put(connection, raw, at=at)
        case "callback_foreign":
            _put(connection, _changed(statuses[:1], end_to_end_id=secrets.token_hex(16)), at=at)
            _put(connection, raw, at=at)
        case "callback_amount_differs":
            wrong = [{**status, "amount": status["amount"] + 1_000} for status in statuses]
            _put(connection, orjson.dumps(wrong)[1:-1], at=at)
        case _:
            msg = f"no such callback fault: {kind}"
            raise AssertionError(msg)


def _changed(statuses: list[dict[str, Any]], **changes: Any) -> bytes:
    return orjson.dumps([{**status, **changes} for status in statuses])[1:-1]


class Callbacks:
    """The delivery loop: one at a time over one kept connection, oldest first, never in the way of an answer."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, faults: Faults) -> None:
        self._settings = settings
        self._clock = clock
        self._store = store
        self._faults = faults
        self._ready = asyncio.Event()

    def wake(self) -> None:
        """Something may be ready to go."""
        self._ready.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        if self._settings.callback_url is None:
            return
        timeout = httpx2.Timeout(TIMEOUT_SECONDS)
        pause = PAUSE_SECONDS[0]
        async with httpx2.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False) as client:
            while True:
                self._ready.clear()
                reached, more = await self._deliver_due(client)
                if not reached:
                    # The portal is down: one message a pause finds out when it is back, instead of each waiting for
                    # its time-out.
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, PAUSE_SECONDS[1])
                    continue
                pause = PAUSE_SECONDS[0]
                if not more:
                    await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            pass

    async def _deliver_due(self, client: httpx2.AsyncClient) -> tuple[bool, bool]:
        """Deliver up to ten; says whether the portal was reached, and whether more may be due."""
        rows = await self._store.run(lambda connection: connection.execute(NEXT, (self._clock.now(),)).fetchall())
        for row in rows:
            answer = await self._deliver(client, row)
            if answer is None:
                return False, True
        return True, len(rows) == 10

    async def _deliver(self, client: httpx2.AsyncClient, row: sqlite3.Row) -> int | None:
        secret = self._settings.callback_secrets[0]
        if row["treatment"] == "FORGED":
            # Sent once and forgotten: a forger does not keep the retry schedule.
            answer = await self._post(client, row, Secret(secret.key_id, secrets.token_bytes(32)))
            await self._store.run(lambda connection: _settle(connection, row, "DELIVERED", str(answer)))
            return answer
        answer = await self._post(client, row, secret)
        if answer is not None and 200 <= answer < 300 and row["treatment"] in ("TWICE", "REPLAY"):
            age = REPLAYED_AGE_SECONDS if row["treatment"] == "REPLAY" else 0
            answer_again = await self._post(client, row, secret, age=age)
            await self._store.run(
                lambda connection: _settle(connection, row, "DELIVERED", f"{answer}, again {answer_again}")
            )
            return answer
        await self._store.run(lambda connection: _record(connection, row, answer, at=self._clock.now()))
        return answer

    async def _post(self, client: httpx2.AsyncClient, row: sqlite3.Row, secret: Secret, *, age: int = 0) -> int | None:
        """One attempt: the HTTP status, or None when the portal was not reached."""
        timestamp = int(time.time()) - age
        headers = signed_headers(
            secret, row["event_id"], timestamp, callback_text(row["event_id"], timestamp, row["body"])
        )
        url = self._settings.callback_url
        if url is None:
            return None
        try:
            response = await client.post(
                url, content=row["body"], headers={**headers, "content-type": "application/json"}
            )
        except httpx2.HTTPError:
            return None
        return response.status_code


def _record(connection: sqlite3.Connection, row: sqlite3.Row, answer: int | None, *, at: int) -> None:
    """Write down how an attempt went, and when the next one is."""
    if answer is not None and 200 <= answer < 300:
        _settle(connection, row, "DELIVERED", str(answer))
    elif answer == 410 or at - row["created_at"] >= GIVE_UP_MS:
        _settle(connection, row, "PARKED", str(answer))
    else:
        attempts = row["attempts"] + 1
        wait = RETRY_SECONDS[attempts - 1] if attempts <= len(RETRY_SECONDS) else HOURLY_SECONDS
        connection.execute(
            "UPDATE outbox SET attempts = ?, next_at = ?, last_answer = ? WHERE id = ? AND event_id = ?",
            (attempts, at + wait * 1000, "no answer" if answer is None else str(answer), row["id"], row["event_id"]),
        )


def _settle(connection: sqlite3.Connection, row: sqlite3.Row, state: str, answer: str) -> None:
    """End a message's life; the body of a delivered one is not needed any more and would fill the disk.

    Its own only: while it was on its way a reset may have given its number to another.
    """
    connection.execute(
        """
        UPDATE outbox SET state = ?, attempts = attempts + 1, last_answer = ?,
          body = CASE WHEN ? = 'DELIVERED' THEN NULL ELSE body END
        WHERE id = ? AND event_id = ?
        """,
        (state, answer, state, row["id"], row["event_id"]),
    )
