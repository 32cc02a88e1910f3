"""Notices to citizens over the port and the real gateway's process: taken once, refused by name, shown in the app."""

from typing import Any
from uuid import uuid4

import pytest

from foundation.gateway.client import HttpGateway
from foundation.gateway.errors import MessageRefused, OutcomeUnknown
from foundation.gateway.port import CitizenNotice, NoticesAnswer

HOA, STRANGER = "079144100238", "079000000000"


def notice(**changes: Any) -> CitizenNotice:
    given: dict[str, Any] = {
        "notice_id": f"notice-{uuid4().hex[:12]}",
        "national_id": HOA,
        "title": "Khoản tiền bị ngân hàng trả lại",
        "text": "Khoản 650.000 đ của tháng 11/2026 đã bị trả lại.",
        "phone_numbers": ("+84901234567",),
    }
    return CitizenNotice(**(given | changes))


def send(gateway: HttpGateway, *notices: CitizenNotice) -> NoticesAnswer:
    return gateway.send_notices(message_id=uuid4().hex, notices=notices, deadline_seconds=5.0)


def kept(mock: Any) -> list[dict[str, Any]]:
    return list(mock.control.rows("/notices"))


class TestNotices:
    def test_are_taken_and_kept_with_the_phones_that_were_given(self, http, mock):
        one = notice()
        assert send(http, one).codes == {one.notice_id: None}
        assert kept(mock) == [
            {
                "notice_id": one.notice_id,
                "national_id": HOA,
                "phone_numbers": '["+84901234567"]',
                "title": one.title,
                "text": one.text,
            }
        ]

    def test_are_shown_once_however_often_they_are_sent(self, http, mock):
        one = notice()
        assert send(http, one).codes == send(http, one).codes == {one.notice_id: None}
        assert len(kept(mock)) == 1

    def test_are_refused_one_by_one(self, http, mock):
        known, stranger = notice(), notice(national_id=STRANGER)
        assert send(http, known, stranger).codes == {known.notice_id: None, stranger.notice_id: "NO_EID"}
        assert send(http, notice(notice_id=known.notice_id, text="Khác")).codes == {
            known.notice_id: "NOTICE_ID_REUSED"
        }
        assert len(kept(mock)) == 1

    @pytest.mark.parametrize(
        "changes",
        [
            {"national_id": "12"},
            {"title": ""},
            {"text": "x" * 501},
            {"text": "a\nb"},
            {"phone_numbers": ("0901234567",)},
            {"phone_numbers": ("+84901234567",) * 3},
        ],
        ids=str,
    )
    def test_that_break_the_contract_are_named_and_never_leave(self, http, mock, changes):
        with pytest.raises(MessageRefused) as refused:
            send(http, notice(), notice(**changes))
        assert refused.value.lines == {2}
        assert kept(mock) == []

    def test_without_an_answer_may_have_been_taken_and_the_next_try_is_the_same_notice(self, http, mock):
        one = notice()
        mock.control.faults(armed={one.notice_id: "truncated_body"})
        with pytest.raises(OutcomeUnknown):
            send(http, one)
        mock.control.faults()
        assert send(http, one).codes == {one.notice_id: None}
        assert len(kept(mock)) == 1
