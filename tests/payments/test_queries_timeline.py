"""The story of one transfer in the order of time: also through doubt, cash, returns and a second payment; in nine queries."""

import json
from dataclasses import replace
from typing import Any

import pytest

from foundation.audit.operations import SYSTEM, record_event
from foundation.gateway.codes import Outcome
from foundation.gateway.errors import Exchange
from foundation.gateway.port import BulkAnswer
from payments.models import DispatchAttempt, Transfer
from payments.operations import cash
from payments.operations.cash import Collected
from payments.queries import timeline, trace
from payments.queries.event_words import EVENTS, Tone
from payments.queries.timelines import ENDED, SAID, TOLD_BY_ROWS, TimelineEntry
from payments.states import AttemptOutcome, BatchKind
from tests.conftest import Clock
from tests.factories import Office, build_batch, make_entitled, start
from tests.fake_gateway import FakeGateway, time_out
from tests.gateway.messages import CALLBACK_ENTRY
from tests.payments.helpers import ask_all, send_all
from tests.payments.months import build_month
from tests.payments.test_messages import apply_all, returned, status, tell, tell_returns

AT = "2026-11-23T02:15:02Z"


@pytest.fixture(autouse=True)
def _secrets(settings: Any) -> None:
    settings.GATEWAY_CALLBACK_SECRETS = [CALLBACK_ENTRY]


class RecordedGateway(FakeGateway):
    """One whose answers are kept as they travelled."""

    def _answer(self, message_id: str, ids: Any) -> BulkAnswer:
        answer = super()._answer(message_id, ids)
        results = [
            {
                "end_to_end_id": item.end_to_end_id,
                "status": item.transaction_status,
                "reason": item.status_reason,
                "amount": item.instructed_amount,
                "at": AT if item.at else None,
            }
            for item in answer.answers
        ]
        body = json.dumps({"message_id": message_id, "received_at": AT, "results": results}).encode()
        return replace(answer, exchange=Exchange(message_id, "POST /bank/v1/credits", b"{}", 200, body, 41))


def story(transfer: Transfer) -> list[TimelineEntry]:
    return timeline(trace(end_to_end_id=transfer.end_to_end_id))


def told(transfer: Transfer) -> list[str]:
    return [entry.what for entry in story(transfer)]


def entry(transfer: Transfer, what: str) -> TimelineEntry:
    (found,) = [entry for entry in story(transfer) if entry.what == what]
    return found


class TestOrder:
    def test_from_the_list_to_the_account(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(RecordedGateway())
        transfer = Transfer.objects.get()
        assert told(transfer) == [
            "Bắt đầu lập đợt chi",
            "Lập xong danh sách",
            "Trình phê duyệt",
            "Phê duyệt đợt chi",
            "Ghi sổ: Giữ tiền cho đợt chi",
            "Bắt đầu chi trả",
            "Gửi lệnh sang ngân hàng",
            "Tiền đã vào tài khoản người nhận",
            "Ghi sổ: Đã chi",
        ]
        moments = [item.at for item in story(transfer)]
        assert moments == sorted(moments)

    def test_names_who_decided_in_which_role_over_which_hash(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        decision = entry(Transfer.objects.get(), "Phê duyệt đợt chi")
        assert (decision.actor, decision.role) == (office.approver.full_name, f"Người phê duyệt, {batch.unit}")
        assert decision.digest == bytes(batch.list_hash or b"").hex()
        assert ("Tổng tiền", "650.000 đ") in decision.details
        submitted = entry(Transfer.objects.get(), "Trình phê duyệt")
        assert (submitted.actor, submitted.digest) == (office.preparer.full_name, decision.digest)
        assert submitted.event_id is not None

    def test_through_doubt_and_inquiry(self, office: Office, clock: Clock) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        gateway = RecordedGateway()
        gateway.after = time_out
        send_all(gateway)
        clock.shift("1 minute")
        ask_all(gateway)
        transfer = Transfer.objects.get()
        entries = [item for item in story(transfer) if item.evidence]
        assert [(item.what, item.tone) for item in entries] == [
            ("Gửi lệnh sang ngân hàng", Tone.PLAIN),
            ("Không nhận được trả lời, sẽ hỏi ngân hàng", Tone.WAIT),
            ("Hỏi ngân hàng về kết quả", Tone.PLAIN),
            ("Tiền đã vào tài khoản người nhận", Tone.GOOD),
        ]
        sent, _, asked, answered = entries
        assert sent.evidence == DispatchAttempt.objects.get(kind="SEND").message_id
        assert asked.evidence == answered.evidence == DispatchAttempt.objects.get(kind="INQUIRE").message_id
        assert {("Trạng thái", "ACCC"), ("Số tiền", "650.000 đ"), ("Mất", "41 ms")} <= set(answered.details)

    def test_tells_the_reason_of_a_refusal(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(RecordedGateway(status="RJCT", reason="AC04"))
        refusal = entry(Transfer.objects.get(), "Ngân hàng từ chối")
        assert ("Lý do", "AC04 Tài khoản đã đóng") in refusal.details
        assert "Đóng tài khoản theo báo của ngân hàng" in told(Transfer.objects.get())

    def test_of_cash(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        signed = Collected(Transfer.objects.get().pk, "Nguyễn Văn Con", "Con", office.at().date())
        cash.mark_collected(batch_id=batch.pk, collected=[signed], by=office.accountant, at=office.at())
        transfer = Transfer.objects.get()
        assert "Giao danh sách và tiền mặt cho điểm chi trả" in told(transfer)
        collected = entry(transfer, "Đã ký nhận tiền mặt")
        assert collected.actor == office.accountant.full_name
        assert ("Người ký nhận", "Nguyễn Văn Con") in collected.details

    def test_of_a_payment_made_again(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(RecordedGateway(status="RJCT", reason="AC01"))
        build_month(office, kind=BatchKind.REPLACEMENT)
        old, new = Transfer.objects.order_by("id")
        assert entry(old, "Được đưa vào khoản chi thay thế").details == (("Mã giao dịch", new.end_to_end_id),)
        assert entry(new, "Thay cho khoản chi trước").details == (("Mã giao dịch", old.end_to_end_id),)


class TestBank:
    def sent(self, office: Office, people: int = 2) -> list[Transfer]:
        make_entitled(people)
        start(office, build_batch(office))
        send_all(RecordedGateway(status="ACSP"))
        return list(Transfer.objects.order_by("id"))

    def test_a_callback_stands_with_the_transfer_that_it_speaks_of(self, office: Office) -> None:
        one, other = self.sent(office)
        tell("evt-1", status(one, "ACCC"))
        apply_all()
        callback = next(item for item in story(one) if item.evidence == "evt-1")
        assert (callback.what, callback.role, len(callback.digest)) == (
            "Tiền đã vào tài khoản người nhận",
            "Tự báo",
            64,
        )
        assert ("Mã bản tin", "evt-1") in callback.details
        assert [item for item in story(other) if item.evidence == "evt-1"] == []

    def test_a_return_tells_why_and_what_was_booked(self, office: Office) -> None:
        one, _ = self.sent(office)
        tell("evt-1", status(one, "ACCC"))
        apply_all()
        tell_returns("evt-2", returned(one))
        apply_all()
        notice = next(item for item in story(one) if item.evidence == "evt-2")
        assert (notice.what, notice.tone) == ("Ngân hàng báo tiền bị trả lại", Tone.BAD)
        assert ("Mã trả lại", "RT-1") in notice.details
        assert {"Ghi sổ: Tiền bị trả lại", "Ghi sổ: Nhập lại nguồn"} <= set(told(one))

    def test_what_is_asked_after_a_transfers_end_is_about_others(self, office: Office, clock: Clock) -> None:
        one, other = self.sent(office)
        tell("evt-1", status(one, "ACCC"))
        apply_all()
        clock.shift("1 hour")
        ask_all(RecordedGateway())  # which has forgotten everything
        assert "Hỏi ngân hàng về kết quả" not in told(one)
        assert "Ngân hàng chưa thấy lệnh này" in told(other)

    def test_an_answer_that_was_changed_is_told_as_such(self, office: Office, monkeypatch: Any) -> None:
        one, _ = self.sent(office)
        monkeypatch.setattr("foundation.gateway.exchanges.body_row_id", lambda **_: "another row")
        assert entry(one, "Nội dung trả lời đã lưu không mở được").tone == Tone.BAD

    def test_holds_no_account_number_and_no_id(self, office: Office) -> None:
        make_entitled(1, numbers=["1000009901"])
        start(office, build_batch(office))
        send_all(RecordedGateway())
        assert "1000009901" not in repr(story(Transfer.objects.get()))


class TestWhole:
    def test_an_event_that_is_not_known_is_told_by_its_name(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        record_event(kind="batch.sung_about", actor=SYSTEM, subject_kind="batch", subject_id=batch.pk)
        found = entry(Transfer.objects.get(), "batch.sung_about")
        assert (found.actor, found.tone) == ("Hệ thống", Tone.PLAIN)

    def test_every_word_of_bank_and_attempt_has_its_own(self) -> None:
        assert set(SAID) == set(Outcome)
        assert set(ENDED) == set(AttemptOutcome) - {AttemptOutcome.PENDING}
        assert not TOLD_BY_ROWS & EVENTS.keys()

    @pytest.mark.parametrize("messages", [1, 40])
    def test_costs_nine_queries(self, office: Office, messages: int, clock: Clock, django_assert_num_queries) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        send_all(RecordedGateway(status="ACSP"))
        transfer = Transfer.objects.order_by("id")[0]
        for number in range(messages):
            tell(f"evt-{number}", status(transfer, "ACSP"))
        apply_all()
        with django_assert_num_queries(9):
            entries = story(transfer)
        assert sum(item.evidence.startswith("evt-") for item in entries) == messages
