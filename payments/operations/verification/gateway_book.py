"""The other side: the gateway's own book of what it credited, as log or as statement, brought beside ours for comparison.

The book is the oracle: balanced books of ours would not notice a double payment. It is read before the checks begin, outside
any transaction, so everything in it was sent before what they see; what we learnt after `taken_at` it need not know yet.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

import orjson
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from foundation.privacy.blind_index import NotNormal, account_fingerprint
from payments.models.verifications import against
from payments.operations.verification.invariants import Check, Invariant, Remedy

PORTION = 20_000


@dataclass(frozen=True, slots=True)
class Credit:
    """What the gateway says of one end_to_end_id; several of the same add up."""

    end_to_end_id: str
    amount: int
    times_credited: int
    returned: bool = False
    message_id: str | None = None
    bank_bin: str = ""
    account_number: str = field(default="", repr=False)  # leaves memory as a fingerprint only


@dataclass(frozen=True, slots=True)
class Stored:
    """Lines that the database holds already: a SELECT of the columns of `gateway_line`; none of them passes through here."""

    select: str
    given: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayBook:
    """The gateway's side of a comparison: what it is (log, statement), for which time it is complete, and its lines, streamed.

    What ended after `taken_at`, was sent before `since`, or may have been booked on one of the `gaps`, it need not know; nor a
    return after `returns_until`.
    """

    source: str
    taken_at: datetime
    lines: Iterable[Credit] = ()
    stored: Stored | None = None  # in the place of `lines`
    since: datetime | None = None  # empty: complete from the beginning
    until: date | None = None  # of statements: the last day for which every account has one
    gaps: Sequence[date] = ()
    returns_until: datetime | None = None  # empty: as `taken_at`

    @property
    def words(self) -> str:
        """What was compared with, and until when."""
        return against(source=self.source, until=self.until, days_missing=len(self.gaps))


def read_log(lines: Iterable[str | bytes]) -> Iterator[Credit]:
    """A credit log as JSON lines, one a credit, as docs/operations.md describes it; what a line says beside that is left out.

    Raises:
        NotALog: A line is no JSON object, or lacks the code, the amount or the number of times.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
            yield Credit(
                end_to_end_id=str(row["end_to_end_id"]),
                amount=int(row["amount"]),
                times_credited=int(row["times_credited"]),
                returned=bool(row.get("returned", False)),
                message_id=row.get("message_id"),
                bank_bin=str(row.get("bank_bin", "")),
                account_number=str(row.get("account", "")),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise NotALog(number) from error


class NotALog(Exception):
    """A line of a log cannot be read; holds its number and never its content."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


TABLES = """
DROP TABLE IF EXISTS pg_temp.gateway_line, pg_temp.gateway_credit;
CREATE TEMPORARY TABLE gateway_line (
    end_to_end_id text, amount bigint, times_credited integer, returned boolean, message_id text, account_fingerprint bytea);
"""
BRING_STORED = "INSERT INTO gateway_line {select}"
ADD_UP = """
CREATE TEMPORARY TABLE gateway_credit AS
SELECT end_to_end_id, max(amount) AS amount, min(amount) AS least, sum(times_credited) AS times_credited,
       bool_or(returned) AS returned, min(message_id) AS message_id, min(account_fingerprint) AS account_fingerprint
FROM gateway_line GROUP BY end_to_end_id;
DROP TABLE gateway_line;
ANALYZE gateway_credit;
"""
FORGET = "DROP TABLE IF EXISTS pg_temp.gateway_line, pg_temp.gateway_credit"


def load(cursor: Any, book: GatewayBook) -> int:
    """Bring the book into a temporary table, by one statement or a portion at a time; how many lines."""
    cursor.execute(TABLES)
    if book.stored is not None:
        cursor.execute(BRING_STORED.format(select=book.stored.select), book.stored.given)
        count = int(cursor.rowcount)
    else:
        count = _copy(cursor, book.lines)
    cursor.execute(ADD_UP)
    return count


def _copy(cursor: Any, credits_: Iterable[Credit]) -> int:
    lines, count = iter(credits_), 0
    while rows := list(_rows(islice(lines, PORTION))):
        count += len(rows)
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        text.seek(0)
        cursor.copy_expert("COPY gateway_line FROM STDIN (FORMAT csv)", text)
    return count


@sensitive_variables()
def _rows(portion: Iterable[Credit]) -> Iterator[tuple[object, ...]]:
    for line in portion:
        mark = ""
        if line.account_number:
            try:
                found = account_fingerprint(creditor_agent=line.bank_bin, creditor_account=line.account_number)
            except NotNormal:
                found = b"\0"  # nobody's
            mark = "\\x" + found.hex()
        yield line.end_to_end_id, line.amount, line.times_credited, line.returned, line.message_id, mark


# A list of another route is paid by nobody's gateway: what is credited under its code is paid by two routes.
OURS = """
SELECT g.end_to_end_id, t.id IS NULL OR t.route <> 'GATEWAY' OR t.instructed_amount <> g.amount OR g.least <> g.amount
FROM gateway_credit g LEFT JOIN payments_transfer t USING (end_to_end_id) WHERE g.times_credited > 0"""

SETTLED = """
SELECT t.end_to_end_id, coalesce(g.times_credited, 0) <> 1
FROM payments_transfer t LEFT JOIN gateway_credit g USING (end_to_end_id)
WHERE t.route = 'GATEWAY' AND t.state IN ('SETTLED', 'RETURNED') AND t.ended_at < %(taken_at)s
  AND t.first_sent_at >= %(since)s
  AND NOT %(gaps)s::datemultirange && daterange((t.first_sent_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date,
                                                (t.ended_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, '[]')"""

# What was credited may still be on its way to us; what we hold for unpaid, or are about to send, may not have been credited.
UNPAID = """
SELECT t.end_to_end_id, coalesce(g.times_credited, 0) <> 0
FROM payments_transfer t LEFT JOIN gateway_credit g USING (end_to_end_id)
WHERE t.state IN ('REJECTED', 'CANCELLED', 'EXCLUDED', 'PLANNED', 'READY', 'HANDED_OVER')"""

RETURNED = """
SELECT t.end_to_end_id, NOT g.returned FROM payments_transfer t JOIN gateway_credit g USING (end_to_end_id)
WHERE t.state = 'RETURNED' AND t.ended_at < %(returns_until)s"""

I01 = Invariant(
    "I-1",
    _("Mỗi mã giao dịch được cổng ghi có nhiều nhất một lần"),
    (
        Check(
            _("Ghi có nhiều nhất một lần"),
            "SELECT end_to_end_id, times_credited > 1 FROM gateway_credit",
            of_gateway=True,
        ),
    ),
    ("transfer_ready_again_with_proof",),
    Remedy.STOP,
)
I30 = Invariant(
    "I-30",
    _("Cổng ghi có đúng những gì ở đây là đã chi, và không gì khác"),
    (
        Check(_("Mỗi lần ghi có là một khoản chi của ta, đúng số tiền"), OURS, of_gateway=True),
        Check(_("Đã chi ở đây thì đã ghi có ở đó, một lần"), SETTLED, of_gateway=True),
        Check(_("Không chi ở đây thì không ghi có ở đó"), UNPAID, of_gateway=True),
        Check(_("Bị trả lại ở đây thì cũng bị trả lại ở đó"), RETURNED, of_gateway=True),
    ),
    (
        "statement_entry_one_per_transfer",
        "statement_adds_up",
        "difference_once",
        "difference_closed_with_proof",
    ),
    Remedy.STOP,
)
GATEWAY = (I01, I30)
