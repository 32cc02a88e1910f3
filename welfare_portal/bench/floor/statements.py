"""A statement brought in: its entries read from the file with nothing checked, and written beside the payments they name."""

import io
from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

from lxml import etree
from psycopg2.extensions import connection

from foundation.gateway.camt053 import NAMESPACE
from welfare_portal.bench.floor.tables import SCHEMA

PORTION = 20_000
READ = 64 * 1024
NTRY = f"{{{NAMESPACE}}}Ntry"
STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS floor_line (
    ordinal bigint, entry_reference text, direction text, amount bigint, booking_date date, value_date date, end_to_end_id text,
    bank_reference text);
TRUNCATE floor_line
"""
WRITE = f"""
INSERT INTO {SCHEMA}.payments_statement_entry (statement_id, account, day, entry_reference, detail_number, direction, amount,
    booking_date, value_date, end_to_end_id, bank_reference, return_id, reason, bank_code, account_fingerprint,
    transfer_id, matched_how, applied_at)
SELECT %(statement)s, %(account)s, d.booking_date, d.entry_reference, 1, d.direction, d.amount, d.booking_date, d.value_date,
       d.end_to_end_id, d.bank_reference, '', '', '', t.account_fingerprint, t.id,
       CASE WHEN t.id IS NULL THEN '' ELSE 'END_TO_END' END, now()
FROM floor_line d LEFT JOIN {SCHEMA}.payments_transfer t USING (end_to_end_id)
ORDER BY d.ordinal
"""
# Where an entry of the gateway keeps what is written, counted among all its members.
REFERENCE, AMOUNT, DIRECTION, BOOKED, VALUED = "NtryRef", "Amt", "CdtDbtInd", "BookgDt", "ValDt"


def match(server: connection, *, content: bytes, statement_id: int, account: str) -> None:
    """Every entry of a statement, with the payment whose end-to-end id it names, a portion a transaction."""
    lines = _lines(content)
    with server.cursor() as writer:
        while portion := list(islice(lines, PORTION)):
            writer.execute(STAGE)
            writer.copy_expert("COPY floor_line FROM STDIN", io.StringIO("".join(portion)))
            writer.execute(WRITE, {"statement": statement_id, "account": account})
            server.commit()


def _lines(content: bytes) -> Iterator[str]:
    parser = etree.XMLPullParser(events=("end",), tag=NTRY)
    ordinal = 0
    for start in range(0, len(content), READ):
        parser.feed(content[start : start + READ])
        for _, entry in cast("Iterator[Any]", parser.read_events()):
            ordinal += 1
            found = {member.tag[len(NAMESPACE) + 2 :]: (member.text or "").strip() for member in entry.iter()}
            booked, valued = (entry.find(f"{{{NAMESPACE}}}{name}")[0].text[:10] for name in (BOOKED, VALUED))
            yield (
                f"{ordinal}\t{found[REFERENCE]}\t{found[DIRECTION]}\t{found[AMOUNT]}\t{booked}\t{valued}\t"
                f"{found.get('EndToEndId', '')}\t{found.get('AcctSvcrRef', '')}\n"
            )
            entry.clear()
            while entry.getprevious() is not None:
                del entry.getparent()[0]
