"""The day's statement over the port, against the gateway's own book."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from foundation.gateway.errors import NotSent, OutcomeUnknown
from tests.contract.conftest import transfer
from tests.contract.test_credits import submit

HANOI = timezone(timedelta(hours=7))
NAMESPACE = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}"


def today():
    return datetime.now(UTC).astimezone(HANOI).date()


def entries(document: bytes) -> dict[str, int]:
    found = {}
    for details in etree.fromstring(document).iter(f"{NAMESPACE}TxDtls"):
        found[details.findtext(f".//{NAMESPACE}EndToEndId") or ""] = int(details.findtext(f"{NAMESPACE}Amt") or 0)
    return found


class TestStatement:
    def test_holds_what_was_credited(self, http):
        lines = [transfer(instructed_amount=100_000 + number) for number in range(300)]
        submit(http, *lines)
        document = b"".join(http.fetch_statement(today(), interim=True))
        assert entries(document) == {line.end_to_end_id: line.instructed_amount for line in lines}

    def test_may_be_of_one_account(self, http):
        mine, other = transfer(), transfer()
        submit(http, mine)
        submit(http, other, debtor_account="3713.0.9999999")
        document = b"".join(http.fetch_statement(today(), interim=True, debtor_account="3713.0.9999999"))
        assert set(entries(document)) == {other.end_to_end_id}

    def test_is_for_later_until_the_day_is_over(self, http, mock):
        line = transfer()
        submit(http, line)
        day = today()
        with pytest.raises(NotSent) as caught:
            list(http.fetch_statement(day))
        assert caught.value.reason == "STATEMENT_NOT_READY"
        mock.control.shift(days=1)
        assert entries(b"".join(http.fetch_statement(day))) == {line.end_to_end_id: 650_000}

    @pytest.mark.parametrize("fault", ["drop_before", "e500_before"])
    def test_that_does_not_come_gives_an_error_and_no_document(self, http, mock, fault):
        submit(http, transfer())
        mock.control.faults(**{fault: 1.0}, options={"endpoints": ["statements"], "hold_seconds": 10})
        with pytest.raises(OutcomeUnknown):
            list(http.fetch_statement(today(), interim=True, deadline_seconds=1.0))
