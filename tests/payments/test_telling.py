"""F44: money that came back is told to the payee once, whichever way the news came, in words that name no scheme."""

from datetime import date

import pytest
from django.db import connection, transaction

from foundation.gateway.models import Notice
from foundation.gateway.notices import Channel, take_notices
from foundation.gateway.port import ReturnNotice
from payments.models import DispatchChunk, Transfer
from payments.operations.returns import record_returns
from tests.factories import Office, build_batch, make_citizen, make_entitled, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import send_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(office: Office) -> Transfer:
    make_entitled(1)
    start(office, build_batch(office))
    send_all(FakeGateway())
    return Transfer.objects.get()


def come_back(office: Office, transfer: Transfer, return_id: str = "ret-1") -> int:
    notice = ReturnNotice(
        return_id=return_id,
        end_to_end_id=transfer.end_to_end_id,
        instructed_amount=transfer.instructed_amount,
        status_reason="AC06",
        at=office.at(),
        value_date=date(2026, 11, 25),
    )
    with transaction.atomic(), connection.cursor() as cursor:
        return record_returns(cursor, chunk_ids=[DispatchChunk.objects.get().pk], notices=[notice])[0]


def test_the_payee_is_told_once_in_neutral_words(office: Office, paid: Transfer) -> None:
    assert come_back(office, paid) == 1
    assert come_back(office, paid, "ret-2") == 0, "a second return of the same money is none"
    notices = Notice.objects.filter(event=f"transfer.returned:{paid.pk}")
    assert notices.count() == 1
    told = next(one for one in take_notices(channel=Channel.VNEID, limit=9) if one.pk == notices.get().pk)
    assert told.words.title == "Khoản tiền bị ngân hàng trả lại"
    assert "650.000 đ của tháng 11/2026" in told.words.text
    assert "hưu trí" not in told.words.text
    assert told.words.path == f"/cua-toi/khoan-chi/{paid.end_to_end_id}/"


def test_the_page_that_the_notice_leads_to_is_the_payees_own(office: Office, paid: Transfer) -> None:
    from django.test import Client

    come_back(office, paid)
    citizen = make_citizen(paid.payee.person)
    client = Client()
    client.force_login(citizen)
    inbox = client.get("/cua-toi/thong-bao/").content.decode()
    path = f"/cua-toi/khoan-chi/{paid.end_to_end_id}/"
    assert path in inbox
    assert client.get(path).status_code == 200


def test_a_payment_that_arrives_is_told_by_the_bank_and_not_by_us(paid: Transfer) -> None:
    assert paid.state == "SETTLED"
    assert not Notice.objects.exists()
