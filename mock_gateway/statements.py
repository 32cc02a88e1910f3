"""The daily statement, camt.053.001.08, streamed from the bookings (contract, section 6)."""

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from lxml import etree

from mock_gateway.clock import CITY, iso
from mock_gateway.faults import STATEMENTS, Faults
from mock_gateway.transfers import bank_reference

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
OPENING_BALANCE = 10_000_000_000_000
PORTION = 500
MISSING, EXTRA, MISMATCH = STATEMENTS
WRONG_BY = 1_000


class Entry(NamedTuple):
    """A line of a statement."""

    reference: str
    amount: int
    direction: str
    message_id: str
    end_to_end_id: str
    return_id: str | None
    return_reason: str | None
    creditor_name: str
    account_number: str
    bank_bin: str


class Totals(NamedTuple):
    """What the entries of a statement add up to."""

    credits: int
    credited: int
    debits: int
    debited: int


Marks = Callable[[str, str], bool]


def debtor_accounts(connection: sqlite3.Connection, day: date) -> list[str]:
    """The accounts that had an entry on or before the day."""
    rows = connection.execute(
        "SELECT DISTINCT debtor_account FROM bookings WHERE booked_on <= ? ORDER BY debtor_account", (day.isoformat(),)
    )
    return [row[0] for row in rows]


def stream(
    connection: sqlite3.Connection, day: date, accounts: list[str], *, at: int, faults: Faults
) -> Iterator[bytes]:
    """Write the statement of a day piece by piece, whatever its length."""
    created = iso(at)
    sink = _Sink()
    with etree.xmlfile(sink, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element(_q("Document"), nsmap={None: NAMESPACE}), xml.element(_q("BkToCstmrStmt")):
            xml.write(_node("GrpHdr", _leaf("MsgId", f"stm_{secrets.token_hex(12)}"), _leaf("CreDtTm", created)))
            for account in accounts:
                yield from _statement(xml, sink, connection, day, account, created=created, marks=faults.marks)
    yield sink.take()


def _statement(
    xml: "etree._IncrementalFileWriter",
    sink: "_Sink",
    connection: sqlite3.Connection,
    day: date,
    account: str,
    *,
    created: str,
    marks: Marks,
) -> Iterator[bytes]:
    totals = _totals(_entries(connection, day, account, marks))
    opening = OPENING_BALANCE + _moved_before(connection, day, account)
    closing = opening + totals.credited - totals.debited
    start = datetime(day.year, day.month, day.day, tzinfo=CITY)
    end = start + timedelta(days=1) - timedelta(milliseconds=1)
    with xml.element(_q("Stmt")):
        xml.write(_leaf("Id", f"{account}-{day:%Y%m%d}"))
        xml.write(_leaf("ElctrncSeqNb", str(day.toordinal())))
        xml.write(_leaf("CreDtTm", created))
        xml.write(_node("FrToDt", _leaf("FrDtTm", start.isoformat()), _leaf("ToDtTm", end.isoformat())))
        xml.write(_node("Acct", _node("Id", _node("Othr", _leaf("Id", account))), _leaf("Ccy", "VND")))
        xml.write(_balance("OPBD", opening, day))
        xml.write(_balance("CLBD", closing, day))
        xml.write(
            _node(
                "TxsSummry",
                _node("TtlCdtNtries", _leaf("NbOfNtries", str(totals.credits)), _leaf("Sum", str(totals.credited))),
                _node("TtlDbtNtries", _leaf("NbOfNtries", str(totals.debits)), _leaf("Sum", str(totals.debited))),
            )
        )
        for number, entry in enumerate(_entries(connection, day, account, marks), start=1):
            xml.write(_entry(entry, day))
            if number % PORTION == 0:
                xml.flush()
                yield sink.take()


def _entries(connection: sqlite3.Connection, day: date, account: str, marks: Marks) -> Iterator[Entry]:
    """The bookings of a day as the statement shows them, faults included."""
    rows = connection.execute(
        """
        SELECT bookings.id AS booking, direction, bookings.amount AS booked_amount, credits.*
        FROM bookings JOIN credits USING (end_to_end_id)
        WHERE booked_on = ? AND bookings.debtor_account = ? ORDER BY bookings.id
        """,
        (day.isoformat(), account),
    )
    for row in rows:
        end_to_end_id = row["end_to_end_id"]
        if marks(MISSING, end_to_end_id):
            continue
        returned = row["direction"] == "CRDT"
        yield Entry(
            reference=f"N{row['booking']:015d}",
            amount=row["booked_amount"] + (WRONG_BY if marks(MISMATCH, end_to_end_id) else 0),
            direction=row["direction"],
            message_id=row["message_id"],
            end_to_end_id=end_to_end_id,
            return_id=row["return_id"] if returned else None,
            return_reason=row["return_reason"] if returned else None,
            creditor_name=row["creditor_name"],
            account_number=row["account_number"],
            bank_bin=row["bank_bin"],
        )
    if marks(EXTRA, f"{day} {account}"):
        reference = f"X{day:%Y%m%d}{account}"[:35]
        yield Entry(
            reference,
            250_000,
            "DBIT",
            "unknown",
            f"X{day:%Y%m%d}",
            None,
            None,
            "NGUYEN VAN LA",
            "0009990001",
            "970436",
        )


def _totals(entries: Iterator[Entry]) -> Totals:
    credits_ = credited = debits = debited = 0
    for entry in entries:
        if entry.direction == "CRDT":
            credits_, credited = credits_ + 1, credited + entry.amount
        else:
            debits, debited = debits + 1, debited + entry.amount
    return Totals(credits_, credited, debits, debited)


def _moved_before(connection: sqlite3.Connection, day: date, account: str) -> int:
    row = connection.execute(
        """
        SELECT COALESCE(SUM(CASE direction WHEN 'CRDT' THEN amount ELSE -amount END), 0) FROM bookings
        WHERE booked_on < ? AND debtor_account = ?
        """,
        (day.isoformat(), account),
    ).fetchone()
    return int(row[0])


def _entry(entry: Entry, day: date) -> "etree._Element":
    refs = [
        _leaf("MsgId", entry.message_id),
        _leaf("AcctSvcrRef", bank_reference(entry.end_to_end_id)),
        _leaf("EndToEndId", entry.end_to_end_id),
    ]
    if entry.return_id is not None:
        refs.append(_leaf("TxId", entry.return_id))
    details = [
        _node("Refs", *refs),
        _amount(entry.amount),
        _leaf("CdtDbtInd", entry.direction),
        _node(
            "RltdPties",
            _node("Cdtr", _node("Pty", _leaf("Nm", entry.creditor_name))),
            _node("CdtrAcct", _node("Id", _node("Othr", _leaf("Id", entry.account_number)))),
        ),
        _node(
            "RltdAgts",
            _node("CdtrAgt", _node("FinInstnId", _node("ClrSysMmbId", _leaf("MmbId", entry.bank_bin)))),
        ),
    ]
    if entry.return_reason is not None:
        details.append(_node("RtrInf", _node("Rsn", _leaf("Cd", entry.return_reason))))
    family, sub_family = ("RCDT", "RRTN") if entry.direction == "CRDT" else ("ICDT", "DMCT")
    code = _node(
        "BkTxCd",
        _node("Domn", _leaf("Cd", "PMNT"), _node("Fmly", _leaf("Cd", family), _leaf("SubFmlyCd", sub_family))),
    )
    return _node(
        "Ntry",
        _leaf("NtryRef", entry.reference),
        _amount(entry.amount),
        _leaf("CdtDbtInd", entry.direction),
        _node("Sts", _leaf("Cd", "BOOK")),
        _node("BookgDt", _leaf("Dt", day.isoformat())),
        _node("ValDt", _leaf("Dt", day.isoformat())),
        code,
        _node("NtryDtls", _node("TxDtls", *details)),
    )


def _balance(kind: str, amount: int, day: date) -> "etree._Element":
    return _node(
        "Bal",
        _node("Tp", _node("CdOrPrtry", _leaf("Cd", kind))),
        _amount(abs(amount)),
        _leaf("CdtDbtInd", "CRDT" if amount >= 0 else "DBIT"),
        _node("Dt", _leaf("Dt", day.isoformat())),
    )


def _amount(amount: int) -> "etree._Element":
    element = _leaf("Amt", str(amount))
    element.set("Ccy", "VND")
    return element


def _q(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _leaf(name: str, text: str) -> "etree._Element":
    element = etree.Element(_q(name))
    element.text = text
    return element


def _node(name: str, *children: "etree._Element") -> "etree._Element":
    element = etree.Element(_q(name))
    element.extend(children)
    return element


class _Sink:
    """Collects what the writer wrote since the last look."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> None:
        self._parts.append(part)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
