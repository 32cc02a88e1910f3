"""Which account a citizen chose for welfare: told by the portal with consent, or chosen in the VNeID app (contract,
4.3 and 5.3)."""

import hashlib
import secrets
import sqlite3
from typing import Any, NamedTuple

import orjson

from mock_gateway.accounts import Answer, enquire
from mock_gateway.clock import iso
from mock_gateway.messages import Enquiry, LinkRequest, Refusal
from mock_gateway.people import citizens
from mock_gateway.transfers import add_event

EID_LEVEL_NEEDED = 2


def link_for_portal(connection: sqlite3.Connection, request: LinkRequest, *, at: int) -> dict[str, Any]:
    """Record the link that the portal asks for, once.

    Raises:
        Refusal: 422 with a code of section 4.2; 409 for an id or a consent token that stands for something else.
    """
    digest = hashlib.sha256(orjson.dumps(list(request))).digest()
    old = connection.execute("SELECT * FROM links WHERE link_id = ?", (request.link_id,)).fetchone()
    if old is not None:
        if old["digest"] != digest:
            raise Refusal(409, "LINK_ID_REUSED", "this link_id stands for other content")
        return _answer(old)
    if connection.execute("SELECT 1 FROM links WHERE consent_token = ?", (request.consent_token,)).fetchone():
        raise Refusal(409, "CONSENT_USED", "this consent was given for another link")
    enquiry = Enquiry(request.link_id, request.bank_bin, request.account_number, request.national_id, None)
    answer = enquire(connection, enquiry)
    if answer.code is not None:
        raise Refusal(422, answer.code, "the bank refuses the account")
    return _answer(_store(connection, request, source="PORTAL", digest=digest, at=at))


def remove_for_portal(connection: sqlite3.Connection, link_id: str, reason: str, *, at: int) -> dict[str, Any]:
    """End a link on the portal's word; ending it again changes nothing.

    Raises:
        Refusal: 404.
    """
    row = connection.execute("SELECT * FROM links WHERE link_id = ?", (link_id,)).fetchone()
    if row is None:
        raise Refusal(404, "NOT_FOUND", "no such link")
    if row["status"] == "LINKED":
        _end(connection, link_id, reason, at=at)
    removed_at = row["removed_at"] or at
    return {"link_id": link_id, "status": "REMOVED", "removed_at": iso(removed_at)}


class Outcome(NamedTuple):
    """What came of a try in the VNeID app."""

    code: str | None
    link_id: str | None = None
    event_id: str | None = None


def link_in_vneid(
    connection: sqlite3.Connection, *, national_id: str, bank_bin: str, account_number: str, at: int
) -> Outcome:
    """A citizen chooses an account in the VNeID app: checked with the bank, kept in the history, told to the
    portal."""
    citizen = citizens().get(national_id)
    level = citizen.eid_level if citizen else EID_LEVEL_NEEDED
    answer = _asked(connection, national_id, bank_bin, account_number, level)
    connection.execute(
        "INSERT INTO link_attempts (national_id, bank_bin, account_number, code, at) VALUES (?, ?, ?, ?, ?)",
        (national_id, bank_bin, account_number, answer.code, at),
    )
    if answer.code is not None or answer.holder_name is None:
        return Outcome(answer.code)
    request = LinkRequest(
        link_id=f"lnk_{secrets.token_hex(12)}",
        bank_bin=bank_bin,
        account_number=account_number,
        national_id=national_id,
        holder_name=answer.holder_name,
        consent_token=secrets.token_urlsafe(24),
    )
    row = _store(connection, request, source="VNEID", digest=b"", at=at)
    data = {**_content(row), "eid_level": level, "at": iso(at), "replaced_link_id": row["replaced_link_id"]}
    event_id = add_event(connection, "account.linked", data, items=1, at=at, key=national_id)
    return Outcome(None, request.link_id, event_id)


def remove_in_vneid(connection: sqlite3.Connection, *, national_id: str, at: int) -> Outcome | None:
    """A citizen removes the linked account in the VNeID app; None where there is none."""
    row = live_link(connection, national_id)
    if row is None:
        return None
    _end(connection, row["link_id"], "CONSENT_WITHDRAWN", at=at)
    citizen = citizens().get(national_id)
    level = citizen.eid_level if citizen else EID_LEVEL_NEEDED
    data = {**_content(row), "eid_level": level, "at": iso(at), "reason": "CONSENT_WITHDRAWN"}
    event_id = add_event(connection, "account.removed", data, items=1, at=at, key=national_id)
    return Outcome(None, row["link_id"], event_id)


def live_link(connection: sqlite3.Connection, national_id: str) -> sqlite3.Row | None:
    """The account that a person has linked just now."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM links WHERE national_id = ? AND status = 'LINKED'", (national_id,)
    ).fetchone()
    return row


def _asked(connection: sqlite3.Connection, national_id: str, bank_bin: str, account_number: str, level: int) -> Answer:
    if level < EID_LEVEL_NEEDED:
        return Answer(None, "EID_LEVEL")
    try:
        return enquire(connection, Enquiry("vneid", bank_bin, account_number, national_id, None))
    except Refusal as error:
        return Answer(None, str(error.body["code"]))


def _store(
    connection: sqlite3.Connection, request: LinkRequest, *, source: str, digest: bytes, at: int
) -> sqlite3.Row:
    """Write a link down; the person's earlier one ends with it."""
    old = live_link(connection, request.national_id)
    if old is not None:
        _end(connection, old["link_id"], "REPLACED", at=at)
    connection.execute(
        """
        INSERT INTO links (link_id, source, status, bank_bin, account_number, national_id, holder_name, consent_token,
          digest, linked_at, replaced_link_id)
        VALUES (?, ?, 'LINKED', ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            request.link_id,
            source,
            request.bank_bin,
            request.account_number,
            request.national_id,
            request.holder_name,
            request.consent_token,
            digest,
            at,
            old["link_id"] if old else None,
        ),
    )
    row: sqlite3.Row = connection.execute("SELECT * FROM links WHERE link_id = ?", (request.link_id,)).fetchone()
    return row


def _end(connection: sqlite3.Connection, link_id: str, reason: str, *, at: int) -> None:
    connection.execute(
        "UPDATE links SET status = 'REMOVED', removed_at = ?, remove_reason = ? WHERE link_id = ?",
        (at, reason, link_id),
    )


def _content(row: sqlite3.Row) -> dict[str, Any]:
    names = ("link_id", "national_id", "bank_bin", "account_number", "holder_name", "consent_token")
    return {name: row[name] for name in names}


def _answer(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "link_id": row["link_id"],
        "status": row["status"],
        "linked_at": iso(row["linked_at"]),
        "replaced_link_id": row["replaced_link_id"],
    }
