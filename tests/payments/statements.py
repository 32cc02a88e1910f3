"""Statements for tests: camt.053 files as a bank writes them, and taking them in."""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from foundation.audit import clock
from foundation.privacy.encryption import decrypt
from foundation.users.access import CITY_TIME
from foundation.users.models import User
from payments import tasks
from payments.models import StatementFile, Transfer
from payments.operations.import_statements import import_one
from payments.operations.statement_files import upload_statement
from payments.operations.take_up import take_up_waiting

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
ACCOUNT = "3713.0.1055555"
OPENING = 50_000_000_000
_references = itertools.count(1)


@dataclass(frozen=True)
class Line:
    """One entry with one line; `parts` makes it one entry that books several."""

    amount: int
    end_to_end_id: str = ""
    direction: str = "DBIT"
    reference: str = ""
    account: tuple[str, str] | None = None
    bank_reference: str = ""
    return_id: str = ""
    reason: str = ""
    day: date | None = None
    parts: "tuple[Line, ...]" = ()

    def but(self, **changed: Any) -> "Line":
        return dataclasses.replace(self, **changed)


def today() -> date:
    return clock.now().astimezone(CITY_TIME).date()


def debit(transfer: Transfer, **changed: Any) -> Line:
    """The entry by which a bank shows that it paid this."""
    account = transfer.payout_account
    assert account is not None
    number = decrypt(account.number_encrypted, context="payout_account.number", row_id=account.pk)
    line = Line(
        amount=transfer.instructed_amount,
        end_to_end_id=transfer.end_to_end_id,
        reference=f"N{next(_references):015d}",
        account=(transfer.creditor_agent, number),
        bank_reference=f"FT{transfer.end_to_end_id[-12:].upper()}",
    )
    return line.but(**changed)


def credit(transfer: Transfer, *, return_id: str = "R-1", **changed: Any) -> Line:
    """The entry by which a bank shows that this came back."""
    line = debit(transfer, direction="CRDT", return_id=return_id, reason="AC04")
    return line.but(**changed)


def camt(
    lines: Sequence[Line],
    *,
    day: date | None = None,
    account: str = ACCOUNT,
    opening: int = OPENING,
    closing: int | None = None,
    sequence: int | None = None,
    told: dict[str, tuple[int, int]] | None = None,
) -> bytes:
    """A file with one statement; what it says of itself is true unless `closing` or `told` say otherwise."""
    return document(
        [statement(lines, day=day, account=account, opening=opening, closing=closing, sequence=sequence, told=told)]
    )


def document(statements: Iterable[str]) -> bytes:
    head = "<GrpHdr><MsgId>stm_1</MsgId><CreDtTm>2026-11-26T01:00:00Z</CreDtTm></GrpHdr>"
    body = f'<Document xmlns="{NAMESPACE}"><BkToCstmrStmt>{head}{"".join(statements)}</BkToCstmrStmt></Document>'
    return f"<?xml version='1.0' encoding='utf-8'?>\n{body}".encode()


def statement(
    lines: Sequence[Line],
    *,
    day: date | None = None,
    account: str = ACCOUNT,
    opening: int = OPENING,
    closing: int | None = None,
    sequence: int | None = None,
    told: dict[str, tuple[int, int]] | None = None,
) -> str:
    day = day or today()
    sums = {
        direction: (
            sum(line.direction == direction for line in lines),
            sum(line.amount for line in lines if line.direction == direction),
        )
        for direction in ("CRDT", "DBIT")
    } | (told or {})
    if closing is None:
        closing = opening + sum(line.amount * (1 if line.direction == "CRDT" else -1) for line in lines)
    totals = "".join(
        f"<{name}><NbOfNtries>{sums[direction][0]}</NbOfNtries><Sum>{sums[direction][1]}</Sum></{name}>"
        for name, direction in (("TtlCdtNtries", "CRDT"), ("TtlDbtNtries", "DBIT"))
    )
    return (
        f"<Stmt><Id>{account}-{day:%Y%m%d}</Id><ElctrncSeqNb>{sequence or day.toordinal()}</ElctrncSeqNb>"
        f"<FrToDt><FrDtTm>{day}T00:00:00+07:00</FrDtTm><ToDtTm>{day}T23:59:59+07:00</ToDtTm></FrToDt>"
        f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>VND</Ccy></Acct>"
        f"{_balance('OPBD', opening, day)}{_balance('CLBD', closing, day)}<TxsSummry>{totals}</TxsSummry>"
        f"{''.join(_entry(line, day) for line in lines)}</Stmt>"
    )


def _balance(kind: str, amount: int, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(abs(amount))}"
        f"<CdtDbtInd>{'CRDT' if amount >= 0 else 'DBIT'}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(line: Line, day: date) -> str:
    details = "".join(_details(part) for part in line.parts or (line,))
    booked = line.day or day
    return (
        f"<Ntry><NtryRef>{escape(line.reference)}</NtryRef>{_amount(line.amount)}<CdtDbtInd>{line.direction}</CdtDbtInd>"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{booked}</Dt></BookgDt><ValDt><Dt>{booked}</Dt></ValDt>"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def _details(line: Line) -> str:
    refs = f"<MsgId>chunk-1</MsgId><AcctSvcrRef>{line.bank_reference or 'FT0'}</AcctSvcrRef>"
    refs += f"<EndToEndId>{escape(line.end_to_end_id or 'NOTPROVIDED')}</EndToEndId>"
    refs += f"<TxId>{line.return_id}</TxId>" if line.return_id else ""
    parties = ""
    if line.account:
        agent, number = line.account
        parties = (
            "<RltdPties><Cdtr><Pty><Nm>NGUYEN VAN A</Nm></Pty></Cdtr>"
            f"<CdtrAcct><Id><Othr><Id>{number}</Id></Othr></Id></CdtrAcct></RltdPties><RltdAgts><CdtrAgt><FinInstnId>"
            f"<ClrSysMmbId><MmbId>{agent}</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt></RltdAgts>"
        )
    reason = f"<RtrInf><Rsn><Cd>{line.reason}</Cd></Rsn></RtrInf>" if line.reason else ""
    return f"<TxDtls><Refs>{refs}</Refs>{_amount(line.amount)}<CdtDbtInd>{line.direction}</CdtDbtInd>{parties}{reason}</TxDtls>"


def _amount(amount: int) -> str:
    return f'<Amt Ccy="VND">{amount}</Amt>'


def take_in(content: bytes, *, by: User, name: str = "sao-ke.xml") -> StatementFile:
    """Hand a file in and let the worker import it, as the portal does."""
    file = upload_statement(content=lambda: [content], name=name, by=by, at=clock.now())
    while import_one():
        pass
    take_up_waiting()
    file.refresh_from_db()
    return file


def finish() -> None:
    """What the sweep does at the end of lists."""
    while tasks._close_batches():
        pass
