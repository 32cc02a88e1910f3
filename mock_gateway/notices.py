"""What the portal tells citizens: taken once, shown in the VNeID app, and sent as short messages that nobody but the control
API reads (contract, 4.4)."""

import hashlib
import sqlite3
from typing import Any

import orjson

from mock_gateway.messages import NoticeLine
from mock_gateway.people import citizens


def take(connection: sqlite3.Connection, lines: list[NoticeLine], *, at: int) -> list[dict[str, Any]]:
    """Keep each notice that is new and say what became of each. Who has no e-ID cannot be told there."""
    return [_one(connection, line, at=at) for line in lines]


def _one(connection: sqlite3.Connection, line: NoticeLine, *, at: int) -> dict[str, Any]:
    digest = hashlib.sha256(orjson.dumps(list(line))).digest()
    old = connection.execute("SELECT digest FROM notices WHERE notice_id = ?", (line.notice_id,)).fetchone()
    code = None
    if old is not None:
        code = None if old["digest"] == digest else "NOTICE_ID_REUSED"
    elif not _has_eid(connection, line.national_id):
        code = "NO_EID"
    else:
        connection.execute(
            "INSERT INTO notices (notice_id, national_id, phone_numbers, title, text, digest, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                line.notice_id,
                line.national_id,
                orjson.dumps(line.phone_numbers).decode(),
                line.title,
                line.text,
                digest,
                at,
            ),
        )
    return {"notice_id": line.notice_id, "status": "REFUSED" if code else "ACCEPTED", "code": code}


def _has_eid(connection: sqlite3.Connection, national_id: str) -> bool:
    """Whether VNeID knows the person: one of the invented citizens, or whoever holds an account."""
    held = connection.execute("SELECT 1 FROM accounts WHERE national_id = ? LIMIT 1", (national_id,)).fetchone()
    return held is not None or national_id in citizens()


def latest(connection: sqlite3.Connection, national_id: str) -> list[sqlite3.Row]:
    """A person's last notices, the newest first."""
    return connection.execute(
        "SELECT title, text, at FROM notices WHERE national_id = ? ORDER BY id DESC LIMIT 20", (national_id,)
    ).fetchall()
