from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import connection, transaction

from foundation.gateway.client import HttpGateway
from foundation.gateway.errors import CalledInTransaction, Exchange
from foundation.gateway.exchanges import keep_exchange, open_body, read_bodies
from foundation.gateway.models import GatewayMessageBody
from foundation.privacy.encryption import DecryptionFailed
from tests.gateway.conftest import ACCOUNT, SECRET, submit

EXCHANGE = Exchange(
    message_id="8812-3",
    target="POST /bank/v1/credits",
    request=f'{{"account_number": "{ACCOUNT}"}}'.encode(),
    http_status=200,
    answer=b'{"results": []}',
    milliseconds=41,
)


@pytest.mark.django_db
class TestKeepExchange:
    def test_stores_both_ways_encrypted_in_one_insert(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            keep_exchange(EXCHANGE)
        rows = read_bodies("8812-3")
        assert [(row.part, row.http_status, row.milliseconds, body) for row, body in rows] == [
            ("REQUEST", 200, None, EXCHANGE.request),
            ("ANSWER", 200, 41, EXCHANGE.answer),
        ]
        assert all(ACCOUNT.encode() not in bytes(row.body) for row, _ in rows)

    def test_an_answer_that_never_came_has_no_row(self):
        keep_exchange(replace(EXCHANGE, answer=None, http_status=None))
        assert [(row.part, row.http_status) for row, _ in read_bodies("8812-3")] == [("REQUEST", None)]

    def test_an_empty_answer_is_an_answer(self):
        keep_exchange(replace(EXCHANGE, answer=b""))
        assert [body for _, body in read_bodies("8812-3")] == [EXCHANGE.request, b""]

    @pytest.mark.parametrize("changes", [{"reference": "8812-4"}, {"part": "ANSWER"}])
    def test_a_body_opens_only_in_its_place(self, changes):
        keep_exchange(EXCHANGE)
        row = GatewayMessageBody.objects.get(part="REQUEST")
        for name, value in changes.items():
            setattr(row, name, value)
        with pytest.raises(DecryptionFailed):
            open_body(row)


class TestTransactions:
    """No call leaves while a transaction is open: a lock would be held over HTTP (I-8, I-9)."""

    @pytest.mark.django_db
    def test_a_call_inside_an_atomic_block_is_refused(self, scripted):
        with pytest.raises(CalledInTransaction):
            submit(scripted.gateway)
        assert scripted.requests == []

    def test_outside_of_one_it_goes_out(self, scripted, committed):
        connection.ensure_connection()
        assert submit(scripted.gateway).is_clean
        with transaction.atomic(), pytest.raises(CalledInTransaction):
            submit(scripted.gateway)
        assert len(scripted.requests) == 1

    def test_with_autocommit_off_it_is_refused(self, scripted, committed):
        connection.set_autocommit(False)
        try:
            with pytest.raises(CalledInTransaction):
                submit(scripted.gateway)
        finally:
            connection.rollback()
            connection.set_autocommit(True)
        assert scripted.requests == []

    @pytest.mark.django_db
    @pytest.mark.parametrize("method", ["inquire", "enquire_name", "link_account", "remove_link", "fetch_statement"])
    def test_every_call_is_refused(self, scripted, method):
        from datetime import UTC, datetime

        account = {"creditor_agent": "970436", "creditor_account": ACCOUNT, "national_id": "079160012345"}
        arguments: dict[str, dict[str, Any]] = {
            "inquire": {"message_id": "1", "end_to_end_ids": ["a"], "deadline_seconds": 1},
            "enquire_name": {"enquiry_id": "1", **account, "deadline_seconds": 1},
            "link_account": {
                "link_id": "1",
                **account,
                "holder_name": "A",
                "consent_token": "c" * 32,
                "consent_given_at": datetime.now(UTC),
                "deadline_seconds": 1,
            },
            "remove_link": {"link_id": "1", "reason": "OTHER", "deadline_seconds": 1},
            "fetch_statement": {"day": date(2026, 11, 23)},
        }
        with pytest.raises(CalledInTransaction):
            list(getattr(scripted.gateway, method)(**arguments[method]) or [])
        assert scripted.requests == []

    def test_a_statement_stops_when_its_reader_opens_one(self, committed):
        import httpx2

        class Chunks(httpx2.SyncByteStream):
            def __iter__(self):
                yield from [b"<a>", b"</a>"]

        headers = {"content-type": "application/xml"}
        transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, stream=Chunks()))
        gateway = HttpGateway(base_url="http://gateway.test", secret=SECRET, transport=transport)
        connection.ensure_connection()
        chunks = gateway.fetch_statement(date(2026, 11, 23))
        assert next(chunks) == b"<a>"
        with transaction.atomic(), pytest.raises(CalledInTransaction):
            next(chunks)
