"""Reading camt.053 statements (contract, section 6) as a stream: whatever the size of the file, memory stays the same.

A file from outside is hostile until proven otherwise: no DTD, no entities, no network, no huge nodes, and never much text
without an entry. What is read is checked as it goes: the entries of each statement must add up to its own totals and balances.
Nothing read may be used before the last event came.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, NamedTuple, cast

from lxml import etree

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
FEED = 64 * 1024
FIRST_FEED = 256
MAX_SILENCE = 1024 * 1024  # bytes without an entry or the end of a statement: the tree holds no more than that
MAX_STATEMENTS = 1_000
MEMBERS = ("Document", "Stmt", "Id", "ElctrncSeqNb", "FrToDt", "Acct", "Bal", "TxsSummry", "Ntry", "TxDtls")
MAX_AMOUNT = 10**15

PREFIX = len(NAMESPACE) + 2  # of `{namespace}` before a name

_AMOUNT = re.compile(r"[0-9]{1,16}(?:\.0{1,5})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNT = re.compile(r"[0-9]{1,15}")
_ACCOUNT = re.compile(r"[A-Za-z0-9.]{1,34}")
_REFERENCE = re.compile(r"[!-~](?:[ -~]{0,33}[!-~])?")  # printable ASCII, no space at the ends
_CODE = re.compile(r"[A-Z0-9]{4}")
NO_REFERENCE = "NOTPROVIDED"  # ISO 20022's word for an end-to-end id that nobody gave


class UnreadableStatement(Exception):
    """The file is no statement that may be believed; `code` says why, `line` where the reader stood."""

    def __init__(self, code: str, *, line: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.line = line


class EntryLine(NamedTuple):
    """One line: an entry, or one of those that an entry books together. `statement` counts from 0, `ordinal` from 1."""

    statement: int
    ordinal: int
    entry_reference: str
    detail_number: int
    direction: str
    amount: int
    booking_date: date
    value_date: date
    end_to_end_id: str
    bank_reference: str
    return_id: str
    reason: str
    bank_code: str
    creditor_agent: str
    creditor_account: str


@dataclass(slots=True)
class Head:
    """A statement as a whole; `digest` is of what it says, whatever file it came in, and complete when it ended."""

    number: int
    statement_id: str = ""
    sequence_number: int | None = None
    account: str = ""
    day: date | None = None
    opening_balance: int | None = None
    closing_balance: int | None = None
    told: dict[str, tuple[int, int]] = field(default_factory=dict)  # direction -> entries and sum, as it says itself
    debit_count: int = 0
    debit_sum: int = 0
    credit_count: int = 0
    credit_sum: int = 0
    lines: int = 0
    digest: bytes = b""


def read_statements(content: Iterable[bytes]) -> Iterator[EntryLine | Head]:
    """The lines of every statement as they come, each statement's `Head` after its last line.

    Raises:
        UnreadableStatement: `NOT_XML`, `CUT`, `DTD`, `NOT_CAMT053`, `NO_STATEMENT`, `TOO_MANY`, `TOO_MUCH`, `CURRENCY`,
            `FIELD`, `NOT_BOOKED`, `SUMS`, `BALANCES`, `BATCH_SUM`.
    """
    return _Reader(content).run()


class _Reader:
    def __init__(self, content: Iterable[bytes]) -> None:
        self._content = content
        self._parser = etree.XMLPullParser(
            events=("start", "end"),
            tag=[_q(name) for name in MEMBERS],
            resolve_entities="internal",  # type: ignore[arg-type]  # and no DTD: only the five that XML knows
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        self._head: Head | None = None
        self._hash: Any = None
        self._entry: _Entry | None = None
        self._statements = 0
        self._root_seen = False
        self._silence = 0

    def run(self) -> Iterator[EntryLine | Head]:
        whole = False  # what breaks before the end is no XML, what only lacks its end was cut
        try:
            for part in self._content:
                for piece in self._pieces(part):
                    self._silence += len(piece)
                    self._parser.feed(piece)
                    yield from self._events()
                    if self._silence > MAX_SILENCE:
                        raise UnreadableStatement("TOO_MUCH")
            whole = True
            self._parser.close()
            yield from self._events()
        except etree.XMLSyntaxError as error:
            raise UnreadableStatement("CUT" if whole and self._root_seen else "NOT_XML", line=error.lineno) from None
        if not self._statements:
            raise UnreadableStatement("NO_STATEMENT" if self._root_seen else "NOT_CAMT053")

    def _pieces(self, part: bytes) -> Iterator[bytes]:
        """Small ones until the root is seen: a DTD is refused before anything could use what it declares."""
        at = 0
        while at < len(part):
            size = FEED if self._root_seen else FIRST_FEED
            yield part[at : at + size]
            at += size

    def _events(self) -> Iterator[EntryLine | Head]:
        for event, element in cast("Iterator[Any]", self._parser.read_events()):
            if event == "start":
                self._start(element.tag[PREFIX:], element)
            else:
                yield from self._end(element.tag[PREFIX:], element)

    def _start(self, name: str, element: Any) -> None:
        if not self._root_seen:
            tree = element.getroottree()
            if tree.docinfo.internalDTD is not None or tree.docinfo.doctype:
                raise UnreadableStatement("DTD")
            if name != "Document" or element is not tree.getroot():
                raise UnreadableStatement("NOT_CAMT053")
            self._root_seen = True
        elif name == "Stmt":
            if self._head is not None:
                raise UnreadableStatement("FIELD", line=element.sourceline)
            self._statements += 1
            if self._statements > MAX_STATEMENTS:
                raise UnreadableStatement("TOO_MANY")
            self._head, self._hash = Head(self._statements - 1), hashlib.sha256()
        elif name == "Ntry":
            if self._head is None or self._entry is not None:
                raise UnreadableStatement("FIELD", line=element.sourceline)
            self._entry = _Entry()

    def _end(self, name: str, element: Any) -> Iterator[EntryLine | Head]:
        head, entry = self._head, self._entry
        if head is None:
            return
        if name == "TxDtls" and entry is not None:
            yield from self._line(entry, head, element)
        elif name == "Ntry" and entry is not None:
            yield from self._finish_entry(entry, head, element)
        elif entry is None and name == "Stmt":
            yield self._finish(head, element)
        elif entry is None and element.getparent() is not None and element.getparent().tag == _q("Stmt"):
            _of_statement(head, name, element)
        else:
            return  # an Id inside of something else
        if name in ("TxDtls", "Ntry", "Stmt"):
            self._silence = 0
            _forget(element)

    def _line(self, entry: "_Entry", head: Head, element: Any) -> Iterator[EntryLine]:
        container = element.getparent().getparent()
        if container is None or container.tag != _q("Ntry"):
            raise UnreadableStatement("FIELD", line=element.sourceline)
        if not entry.is_read:
            entry.read(container)
        yield self._counted(entry.line(head, element))

    def _finish_entry(self, entry: "_Entry", head: Head, element: Any) -> Iterator[EntryLine]:
        if not entry.is_read:
            entry.read(element)
        if entry.lines == 0:
            yield self._counted(entry.line(head, None))
        if entry.sum != entry.amount:
            raise UnreadableStatement("BATCH_SUM", line=element.sourceline)
        if entry.direction == "DBIT":
            head.debit_count, head.debit_sum = head.debit_count + 1, head.debit_sum + entry.amount
        else:
            head.credit_count, head.credit_sum = head.credit_count + 1, head.credit_sum + entry.amount
        self._entry = None

    def _counted(self, line: EntryLine) -> EntryLine:
        self._hash.update("\x1f".join(map(str, line[1:])).encode() + b"\x1e")
        return line

    def _finish(self, head: Head, element: Any) -> Head:
        if not head.account or head.day is None or not head.statement_id:
            raise UnreadableStatement("FIELD", line=element.sourceline)
        told = {"DBIT": (head.debit_count, head.debit_sum), "CRDT": (head.credit_count, head.credit_sum)}
        if any(told[direction] != figures for direction, figures in head.told.items()):
            raise UnreadableStatement("SUMS", line=element.sourceline)
        opening, closing = head.opening_balance, head.closing_balance
        if opening is None or closing is None or opening + head.credit_sum - head.debit_sum != closing:
            raise UnreadableStatement("BALANCES", line=element.sourceline)
        self._hash.update(f"{head.account}|{head.day}|{opening}|{closing}|{head.sequence_number}".encode())
        head.digest, self._head = self._hash.digest(), None
        return head


@dataclass(slots=True)
class _Entry:
    """The entry that is being read: its own members, and how much of it has been told in lines."""

    is_read: bool = False
    reference: str = ""
    amount: int = 0
    direction: str = ""
    booking_date: date = date.min
    value_date: date = date.min
    bank_code: str = ""
    lines: int = 0
    sum: int = 0

    def read(self, element: Any) -> None:
        """What stands before the details (the order of the members is the schema's)."""
        found = _children(element)
        line = element.sourceline
        if _inside(found.get("Sts"), "Cd") != "BOOK":
            raise UnreadableStatement("NOT_BOOKED", line=line)
        self.is_read = True
        self.reference = _formed(found.get("NtryRef"), _REFERENCE, line)
        self.amount = _amount(found.get("Amt"), line)
        self.direction = _direction(found.get("CdtDbtInd"), line)
        self.booking_date = _date(found.get("BookgDt"), line)
        self.value_date = _date(found["ValDt"], line) if "ValDt" in found else self.booking_date
        domain = _children(_member(found.get("BkTxCd"), "Domn"))
        family = _children(domain.get("Fmly"))
        codes = (domain.get("Cd"), family.get("Cd"), family.get("SubFmlyCd"))
        self.bank_code = "/".join(code.text for code in codes if code is not None and _CODE.fullmatch(code.text or ""))

    def line(self, head: Head, element: Any | None) -> EntryLine:
        """A line with what is its own; what it does not say is the entry's."""
        self.lines += 1
        head.lines += 1
        amount, found = self.amount, _children(element)
        at = None if element is None else element.sourceline
        if "Amt" in found:
            amount = _amount(found["Amt"], at)
        if amount <= 0 or ("CdtDbtInd" in found and _direction(found["CdtDbtInd"], at) != self.direction):
            raise UnreadableStatement("FIELD", line=at)
        self.sum += amount
        refs = _children(found.get("Refs"))
        end_to_end_id = _optional(refs.get("EndToEndId"), at)
        reason = _inside(found.get("RtrInf"), "Rsn", "Cd")
        return EntryLine(
            statement=head.number,
            ordinal=head.lines,
            entry_reference=self.reference,
            detail_number=self.lines,
            direction=self.direction,
            amount=amount,
            booking_date=self.booking_date,
            value_date=self.value_date,
            end_to_end_id="" if end_to_end_id == NO_REFERENCE else end_to_end_id,
            bank_reference=_optional(refs.get("AcctSvcrRef"), at),
            return_id=_optional(refs.get("TxId"), at),
            reason=reason if _CODE.fullmatch(reason) else "",
            bank_code=self.bank_code,
            creditor_agent=_inside(found.get("RltdAgts"), "CdtrAgt", "FinInstnId", "ClrSysMmbId", "MmbId"),
            creditor_account=_inside(found.get("RltdPties"), "CdtrAcct", "Id", "Othr", "Id"),
        )


def _of_statement(head: Head, name: str, element: Any) -> None:
    line, found = element.sourceline, _children(element)
    if name == "Id":
        head.statement_id = _optional(element, line)
    elif name == "ElctrncSeqNb":
        text = (element.text or "").strip()
        head.sequence_number = int(text) if _COUNT.fullmatch(text) else None
    elif name == "FrToDt":
        head.day = _day(_inside(element, "FrDtTm")[:10], line)
    elif name == "Acct":
        head.account = _inside(element, "Id", "Othr", "Id")
        if not _ACCOUNT.fullmatch(head.account) or _inside(element, "Ccy") not in ("VND", ""):
            raise UnreadableStatement("FIELD", line=line)
    elif name == "Bal":
        kind = _inside(element, "Tp", "CdOrPrtry", "Cd")
        amount = _amount(found.get("Amt"), line) * (1 if _direction(found.get("CdtDbtInd"), line) == "CRDT" else -1)
        if kind == "OPBD":
            head.opening_balance = amount
        elif kind == "CLBD":
            head.closing_balance = amount
            head.day = head.day or _date(found.get("Dt"), line)
    elif name == "TxsSummry":
        for total, direction in (("TtlCdtNtries", "CRDT"), ("TtlDbtNtries", "DBIT")):
            if total in found:
                told = _children(found[total])
                head.told[direction] = (
                    int(_formed(told.get("NbOfNtries"), _COUNT, line)),
                    _whole(told.get("Sum"), line),
                )


@cache
def _q(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _children(element: Any | None) -> dict[str, Any]:
    """The members of an element by their names without the namespace; of several with one name the last."""
    return {} if element is None else {child.tag[PREFIX:]: child for child in element}


def _member(element: Any | None, name: str) -> Any | None:
    return None if element is None else next(element.iterchildren(_q(name)), None)


def _inside(element: Any | None, *names: str) -> str:
    """The text at the end of a path of members, empty where there is none."""
    for name in names:
        element = _member(element, name)
    return "" if element is None else (element.text or "").strip()[:64]


def _forget(element: Any) -> None:
    """Let go of what has been read, and of everything before it in the same parent; an entry's own members stay until its end."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]
    if element.tag == _q("TxDtls"):
        details = element.getparent()
        while (former := details.getprevious()) is not None and former.tag == details.tag:
            details.getparent().remove(former)


def _formed(element: Any | None, form: "re.Pattern[str]", line: int | None) -> str:
    text = "" if element is None else element.text or ""
    if not form.fullmatch(text):
        raise UnreadableStatement("FIELD", line=line)
    return text


def _optional(element: Any | None, line: int | None) -> str:
    """A reference that may be missing, but not be nonsense."""
    text = "" if element is None else (element.text or "").strip()
    if text and not _REFERENCE.fullmatch(text):
        raise UnreadableStatement("FIELD", line=line)
    return text


def _amount(element: Any | None, line: int | None) -> int:
    if element is not None and element.get("Ccy") != "VND":
        raise UnreadableStatement("CURRENCY", line=line)
    return _whole(element, line)


def _whole(element: Any | None, line: int | None) -> int:
    amount = int(_formed(element, _AMOUNT, line).partition(".")[0])
    if amount > MAX_AMOUNT:
        raise UnreadableStatement("FIELD", line=line)
    return amount


def _direction(element: Any | None, line: int | None) -> str:
    text = "" if element is None else element.text or ""
    if text not in ("DBIT", "CRDT"):
        raise UnreadableStatement("FIELD", line=line)
    return text


def _date(element: Any | None, line: int | None) -> date:
    return _day(_inside(element, "Dt") or _inside(element, "DtTm")[:10], line)


def _day(text: str, line: int | None) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UnreadableStatement("FIELD", line=line)
