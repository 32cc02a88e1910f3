"""Paying: bulk messages, what falls due later, and the answers to inquiries.

Money moves in exactly one place, `_book`: it counts the crediting on the credit itself and writes the booking that
the statement shows. Whatever switches deduplication off or goes wrong before it, a second crediting is therefore
visible in both. Functions take an open transaction and run in the store's thread.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mock_gateway.banks import banks
from mock_gateway.clock import day_of, iso
from mock_gateway.messages import DAY_MS, Line, Message, Refusal, invalid
from mock_gateway.scenarios import ACCOUNT_STATUS_REASONS, Move, Payment, payment

WINDOW_MS = 30 * DAY_MS
DUE_AT_ONCE = 1_000
BOOKING = "INSERT INTO bookings (booked_on, debtor_account, direction, end_to_end_id, amount) VALUES (?, ?, ?, ?, ?)"
FINAL = {Move.SETTLE: "ACCC", Move.DEBIT: "ACSC", Move.REJECT: "RJCT"}


def _never(_end_to_end_id: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Rules:
    """How messages are treated just now; the defaults are the contract."""

    sync: bool = False
    late_ms: int = 30_000
    return_ms: int = 2 * DAY_MS
    report_delay_ms: int = 200
    window_ms: int = WINDOW_MS
    forgets: Callable[[str], bool] = _never  # deduplication is off for this id
    answers_duplicate: Callable[[str], bool] = _never  # says AM05 or DU04 to a repeated id instead of its status
    only_half: bool = False


Status = dict[str, Any]


def take_message(
    connection: sqlite3.Connection, message: Message, body: bytes, *, now: Callable[[], int], rules: Rules
) -> list[Status]:
    """Process a message in one transaction and return a result for each line.

    Raises:
        Refusal: 422 when `not_after` has passed, 409 when the message id stands for other content.
    """
    at = now()
    check_time(message, at=at)
    digest = hashlib.sha256(body).digest()
    row = connection.execute("SELECT digest FROM messages WHERE message_id = ?", (message.message_id,)).fetchone()
    if row is None:
        connection.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?)", (message.message_id, digest, at, len(message.lines))
        )
    elif row[0] != digest:
        raise Refusal(409, "MESSAGE_ID_REUSED", "this message_id stands for other content")
    lines = message.lines[: len(message.lines) // 2] if rules.only_half else message.lines

    known = _known(connection, [line.end_to_end_id for line in lines])
    closed = _unpayable(connection, lines)
    moment = iso(at)
    results: list[Status] = []
    fresh: list[tuple[Line, Payment]] = []
    for line in lines:
        old = known.get(line.end_to_end_id)
        if old is not None and at - old["received_at"] < rules.window_ms and not rules.forgets(line.end_to_end_id):
            results.append(_repeated(line, old, message.debtor_account, moment, rules))
            continue
        plan = _plan(line, closed)
        fresh.append((line, plan))
        status = FINAL[plan.move] if rules.sync and not plan.late else "ACSP"
        reason = plan.reason if status == "RJCT" else None
        results.append(_status(line.end_to_end_id, line.amount, status, reason, moment))
    _accept(connection, message, fresh, at=at, rules=rules)
    return results


def check_time(message: Message, *, at: int) -> None:
    """Refuse a message whose time is over, or lies too far ahead to be meant.

    Raises:
        Refusal: 422 or 400.
    """
    if message.not_after <= at:
        raise Refusal(422, "NOT_AFTER_PASSED", f"not_after has passed; it is {iso(at)}")
    if message.not_after > at + DAY_MS:
        raise invalid("not_after", "is more than 24 hours ahead")


def _accept(
    connection: sqlite3.Connection, message: Message, fresh: Sequence[tuple[Line, Payment]], *, at: int, rules: Rules
) -> None:
    """Write down new credits, pay those that are paid at once, and plan the rest."""
    connection.executemany(
        # A credit that is taken a second time (deduplication off, or forgotten) keeps its first amount; its counters
        # tell the truth.
        """
        INSERT INTO credits (end_to_end_id, message_id, debtor_account, amount, bank_bin, account_number,
          creditor_name, remittance_text, status, reason, received_at, status_at, times_credited, amount_credited)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)
        ON CONFLICT (end_to_end_id) DO UPDATE SET message_id = excluded.message_id, status = excluded.status,
          reason = excluded.reason, received_at = excluded.received_at, status_at = excluded.status_at
        """,
        [
            (
                line.end_to_end_id,
                message.message_id,
                message.debtor_account,
                line.amount,
                line.bank_bin,
                line.account_number,
                line.creditor_name,
                line.remittance_text,
                "ACSP" if plan.late else FINAL[plan.move],
                None if plan.late else plan.reason,
                at,
                at,
            )
            for line, plan in fresh
        ],
    )
    at_once = [(line, plan) for line, plan in fresh if not plan.late]
    _book(
        connection,
        [
            (line.end_to_end_id, message.debtor_account, line.amount)
            for line, plan in at_once
            if plan.move is not Move.REJECT
        ],
        at=at,
    )
    planned = [(at + rules.late_ms, plan.move, line.end_to_end_id) for line, plan in fresh if plan.late]
    planned += [(at + rules.return_ms, Move.RETURN, line.end_to_end_id) for line, plan in fresh if plan.returned]
    connection.executemany("INSERT INTO due (due_at, action, end_to_end_id) VALUES (?, ?, ?)", planned)
    if not rules.sync:
        moment = iso(at)
        report(
            connection,
            [
                _status(line.end_to_end_id, line.amount, FINAL[plan.move], plan.reason, moment)
                for line, plan in at_once
            ],
            message_id=message.message_id,
            ready_at=at + rules.report_delay_ms,
        )


def _book(connection: sqlite3.Connection, paid: Sequence[tuple[str, str, int]], *, at: int) -> None:
    """Debit the fund and credit the receivers: (end_to_end_id, debtor_account, amount)."""
    day = day_of(at).isoformat()
    connection.executemany(
        BOOKING,
        [(day, debtor_account, "DBIT", end_to_end_id, amount) for end_to_end_id, debtor_account, amount in paid],
    )
    connection.executemany(
        """
        UPDATE credits SET times_credited = times_credited + 1, amount_credited = amount_credited + ?
        WHERE end_to_end_id = ?
        """,
        [(amount, end_to_end_id) for end_to_end_id, _, amount in paid],
    )


def run_due(connection: sqlite3.Connection, *, at: int) -> int:
    """Do what has fallen due, at the moment at which it fell due, and return how many were done (at most a
    thousand)."""
    rows = connection.execute(
        """
        SELECT due.id, due.due_at, due.action, credits.* FROM due JOIN credits USING (end_to_end_id)
        WHERE due.due_at <= ? ORDER BY due.due_at, due.id LIMIT ?
        """,
        (at, DUE_AT_ONCE),
    ).fetchall()
    statuses: list[Status] = []
    returns: list[Status] = []
    for row in rows:
        move, due_at, e2e = Move(row["action"]), row["due_at"], row["end_to_end_id"]
        if move is Move.RETURN:
            returns += _give_back(connection, row, at=due_at)
            continue
        reason = payment(row["account_number"]).reason if move is Move.REJECT else None
        connection.execute(
            "UPDATE credits SET status = ?, reason = ?, status_at = ? WHERE end_to_end_id = ?",
            (FINAL[move], reason, due_at, e2e),
        )
        if move is not Move.REJECT:
            _book(connection, [(e2e, row["debtor_account"], row["amount"])], at=due_at)
        statuses.append(_status(e2e, row["amount"], FINAL[move], reason, iso(due_at)))
    connection.executemany("DELETE FROM due WHERE id = ?", [(row["id"],) for row in rows])
    report(connection, statuses, message_id="late", ready_at=at)
    for returned in returns:
        add_event(connection, "payment.return", {"returns": [returned]}, items=1, at=at, key=returned["end_to_end_id"])
    return len(rows)


def _give_back(connection: sqlite3.Connection, row: sqlite3.Row, *, at: int) -> list[Status]:
    """Return a settled credit to the fund, once."""
    return_id = f"ret_{secrets.token_hex(12)}"
    reason = payment(row["account_number"]).returned or "AC04"
    # The row may be older than a return in the same portion: the statement itself says whether this is the first.
    first = connection.execute(
        """
        UPDATE credits SET return_id = ?, return_reason = ?, returned_at = ?
        WHERE end_to_end_id = ? AND return_id IS NULL AND times_credited > 0
        """,
        (return_id, reason, at, row["end_to_end_id"]),
    ).rowcount
    if not first:
        return []
    connection.execute(
        BOOKING,
        (day_of(at).isoformat(), row["debtor_account"], "CRDT", row["end_to_end_id"], row["amount"]),
    )
    return [_return(return_id, row["end_to_end_id"], row["amount"], reason, at)]


def inquire(connection: sqlite3.Connection, ids: Sequence[str], *, at: int, rules: Rules) -> list[Status]:
    """The present status of each id; forgotten ones are not found."""
    known = _known(connection, ids)
    results: list[Status] = []
    for end_to_end_id in ids:
        row = known.get(end_to_end_id)
        if row is None or at - row["received_at"] >= rules.window_ms:
            results.append(
                {"end_to_end_id": end_to_end_id, "amount": None, "status": "NOTFOUND", "reason": None, "at": None}
            )
            continue
        result = _present(row)
        if row["return_id"] is not None:
            result["return"] = _return(
                row["return_id"], end_to_end_id, row["amount"], row["return_reason"], row["returned_at"]
            )
        results.append(result)
    return results


def report(connection: sqlite3.Connection, statuses: Sequence[Status], *, message_id: str, ready_at: int) -> None:
    """Leave statuses for the callbacks to tell."""
    if statuses:
        joined = orjson.dumps(statuses)[1:-1]  # without brackets, so that several reports join by commas
        connection.execute(
            "INSERT INTO reports (ready_at, message_id, items, statuses) VALUES (?, ?, ?, ?)",
            (ready_at, message_id, len(statuses), joined),
        )


def add_event(
    connection: sqlite3.Connection, kind: str, data: dict[str, Any], *, items: int, at: int, key: str
) -> str:
    """Put a callback into the outbox and return its id; faults find it by `key`."""
    event_id = f"evt_{secrets.token_hex(12)}"
    body = orjson.dumps({"id": event_id, "type": kind, "created_at": iso(at), "data": data})
    connection.execute(
        """
        INSERT INTO outbox (event_id, type, body, items, fault_key, treatment, created_at, next_at)
        VALUES (?, ?, ?, ?, ?, 'NEW', ?, ?)
        """,
        (event_id, kind, body, items, key, at, at),
    )
    return event_id


def _known(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, sqlite3.Row]:
    rows = connection.execute(
        "SELECT * FROM credits WHERE end_to_end_id IN (SELECT value FROM json_each(?))", (orjson.dumps(ids).decode(),)
    )
    return {row["end_to_end_id"]: row for row in rows}


def _unpayable(connection: sqlite3.Connection, lines: Iterable[Line]) -> dict[tuple[str, str], str]:
    """The accounts among the lines that are known and not active."""
    pairs = orjson.dumps([(line.bank_bin, line.account_number) for line in lines]).decode()
    rows = connection.execute(
        """
        SELECT a.bank_bin, a.account_number, a.status FROM json_each(?) AS asked
        JOIN accounts AS a ON a.bank_bin = asked.value ->> 0 AND a.account_number = asked.value ->> 1
        WHERE a.status <> 'ACTIVE'
        """,
        (pairs,),
    )
    return {(row[0], row[1]): row[2] for row in rows}


def _plan(line: Line, closed: dict[tuple[str, str], str]) -> Payment:
    if line.bank_bin not in banks():
        return Payment(Move.REJECT, "RC01")
    status = closed.get((line.bank_bin, line.account_number))
    if status is not None:
        return Payment(Move.REJECT, ACCOUNT_STATUS_REASONS[status])
    return payment(line.account_number)


def _repeated(line: Line, old: sqlite3.Row, debtor_account: str, moment: str, rules: Rules) -> Status:
    if (old["amount"], old["bank_bin"], old["account_number"], old["debtor_account"]) != (
        line.amount,
        line.bank_bin,
        line.account_number,
        debtor_account,
    ):
        return _status(line.end_to_end_id, line.amount, "RJCT", "DU04", moment)
    if rules.answers_duplicate(line.end_to_end_id):
        code = "AM05" if line.end_to_end_id[-1] in "02468ace" else "DU04"
        return _status(line.end_to_end_id, line.amount, "RJCT", code, moment)
    return _present(old)


def _present(row: sqlite3.Row) -> Status:
    return _status(row["end_to_end_id"], row["amount"], row["status"], row["reason"], iso(row["status_at"]))


def _status(end_to_end_id: str, amount: int, status: str, reason: str | None, moment: str) -> Status:
    return {
        "end_to_end_id": end_to_end_id,
        "amount": amount,
        "status": status,
        "reason": reason,
        "at": moment,
        "bank_reference": bank_reference(end_to_end_id) if status in ("ACSC", "ACCC") else None,
    }


def bank_reference(end_to_end_id: str) -> str:
    """The bank's own name of a credit: the same for ever, and not to be guessed from ours."""
    return "FT" + hashlib.blake2b(f"bank {end_to_end_id}".encode(), digest_size=6).hexdigest().upper()


def _return(return_id: str, end_to_end_id: str, amount: int, reason: str, at: int) -> Status:
    return {
        "return_id": return_id,
        "end_to_end_id": end_to_end_id,
        "amount": amount,
        "reason": reason,
        "at": iso(at),
        "value_date": day_of(at).isoformat(),
    }
