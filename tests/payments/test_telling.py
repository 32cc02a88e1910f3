"""F44: money that was refused or came back is told to the payee once, whichever way the news came, naming no scheme."""

from datetime import date

import pytest
from django.db import connection, transaction
from django.utils import translation

from foundation.gateway.models import Notice
from foundation.gateway.notices import Channel, take_notices
from foundation.gateway.port import ReturnNotice
from payments.models import DispatchChunk, Transfer
from payments.operations.returns import record_returns
from payments.operations.telling import tell_of_rejections
from payments.states import TransferState
from tests.factories import Office, build_batch, make_citizen, make_entitled, start
from tests.fake_gateway import FakeGateway
from tests.payments.by_file import NOT_PAID, answered, given, said
from tests.payments.deciding import decide
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


class TestAPaymentThatTheBankRefused:
    def refuse(self, office: Office, reason: str) -> Transfer:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason=reason))
        return Transfer.objects.get()

    @pytest.mark.parametrize(
        ("reason", "advice"),
        [
            ("AC04", "liên kết một tài khoản khác đang hoạt động"),
            ("AC01", "kiểm tra lại số tài khoản"),
            ("AB05", "không cần làm gì"),
        ],
    )
    def test_is_told_with_what_to_do_by_the_banks_reason(self, office: Office, reason: str, advice: str) -> None:
        refused = self.refuse(office, reason)
        notice = Notice.objects.get(event=f"transfer.rejected:{refused.pk}")
        (told,) = (one for one in take_notices(channel=Channel.VNEID, limit=9) if one.pk == notice.pk)
        assert told.words.title == "Khoản tiền chưa vào được tài khoản"
        assert "650.000 đ của tháng 11/2026" in told.words.text
        assert advice in told.words.text
        assert "hưu trí" not in told.words.text
        assert told.words.path == f"/cua-toi/khoan-chi/{refused.end_to_end_id}/"

    def test_is_told_once(self, office: Office) -> None:
        refused = self.refuse(office, "AC04")
        assert tell_of_rejections(transfer_ids=[refused.pk]) == 0
        assert Notice.objects.filter(event=f"transfer.rejected:{refused.pk}").count() == 1

    def test_is_told_in_vietnamese_whoever_took_the_answer_over(self, office: Office) -> None:
        batch, _, (first, second) = given(office)
        with translation.override("en"):
            answered(office, batch, said(first, NOT_PAID), said(second))
        notice = Notice.objects.get(event=f"transfer.rejected:{first.pk}")
        (told,) = (one for one in take_notices(channel=Channel.VNEID, limit=9) if one.pk == notice.pk)
        assert "Tiền không mất" in told.words.text
        assert "Your" not in told.words.text
        assert "please" not in told.words.text.lower()

    def test_is_told_when_two_persons_find_it_out(self, office: Office) -> None:
        doubtful = self.refuse(office, "FRAD")
        assert (doubtful.state, Notice.objects.count()) == ("REVIEW", 0)
        decide(office, doubtful, TransferState.REJECTED)
        assert Notice.objects.filter(event=f"transfer.rejected:{doubtful.pk}").count() == 1
