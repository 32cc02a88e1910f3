"""A notice is a row beside the event that it tells of: once a person, sent later, tried again, and given up with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction

from foundation.gateway import notices, sending
from foundation.gateway.errors import MessageRefused, OutcomeUnknown, Problem
from foundation.gateway.models import Notice
from foundation.gateway.notices import Channel, Citizen, Message, Reader, Staff, add_notices, take_notices
from foundation.gateway.port import CitizenNotice, NoticesAnswer
from tests.conftest import Clock
from tests.payments.helpers import at_once, read, refused, run

HOA = Citizen(b"h" * 32, "079144100238", ("+84901234567", "+84907654321"))
BAY = Citizen(b"b" * 32, "079040200517")
HOA_READS = Reader(1, HOA.person_index)


def told(event: str = "transfer.returned:1", to: Staff | Citizen = HOA, **changes: Any) -> Message:
    return Message(event, to, **{"title": "Tiền bị trả lại", "text": "Khoản 650.000 đ bị trả lại."} | changes)


@dataclass
class Vneid:
    """Takes every notice, unless it is told a code for a person, that it is down, or that a text spoils the message."""

    codes: dict[str, str] = field(default_factory=dict)
    error: Exception | None = None
    poison: str = ""
    names_the_line: bool = True
    shown: list[CitizenNotice] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def send_notices(
        self, *, message_id: str, notices: Sequence[CitizenNotice], deadline_seconds: float
    ) -> NoticesAnswer:
        self.sizes.append(len(notices))
        if self.error is not None:
            raise self.error
        bad = [line for line, one in enumerate(notices, start=1) if self.poison and self.poison in one.text]
        if bad:
            problems = tuple(Problem(line, "text", "bad") for line in bad) if self.names_the_line else ()
            raise MessageRefused("INVALID_MESSAGE", problems=problems)
        self.shown += notices
        return NoticesAnswer({one.notice_id: self.codes.get(one.national_id) for one in notices})


@pytest.fixture
def vneid() -> Vneid:
    return Vneid()


def states() -> list[tuple[str, str]]:
    return list(Notice.objects.order_by("id").values_list("state", "outcome"))


@pytest.mark.django_db
class TestWriting:
    def test_tells_each_person_once_of_an_event_however_often_it_is_said(self) -> None:
        assert add_notices([told(), told(to=BAY)]) == 2
        assert add_notices([told(), told(to=BAY)]) == 0
        assert add_notices([told("transfer.returned:2")]) == 1

    def test_writes_nothing_for_nobody(self) -> None:
        assert add_notices([]) == 0

    def test_keeps_words_and_address_unreadable_at_rest(self) -> None:
        add_notices([told()])
        ((stored,),) = read("SELECT gateway_notice::text FROM gateway_notice")
        plain = ["Khoản", "650.000", HOA.national_id, "901234567"]
        assert [word for word in plain if word in stored or word.encode().hex() in stored] == []

    def test_a_notice_of_what_was_rolled_back_is_none(self) -> None:
        with transaction.atomic():
            add_notices([told()])
            transaction.set_rollback(True)
        assert not Notice.objects.exists()

    def test_an_officer_without_an_address_reads_it_here_and_nothing_is_sent(self) -> None:
        add_notices([told(to=Staff(7))])
        notice = Notice.objects.get()
        assert (notice.channel, notice.state, notice.due_at) == ("PORTAL", "SENT", None)


@pytest.mark.django_db
class TestTheDatabase:
    def test_refuses_a_second_notice_of_one_event_to_one_person(self) -> None:
        add_notices([told()])
        with pytest.raises(IntegrityError, match="notice_once_per_person"), transaction.atomic():
            run(
                "INSERT INTO gateway_notice (event, person_index, channel, text_encrypted, address_encrypted, state, "
                "attempts, outcome) SELECT event, person_index, channel, text_encrypted, address_encrypted, state, 0, '' "
                "FROM gateway_notice"
            )

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ("user_id = 7", "notice_(frozen|has_one_recipient)"),
            ("event = 'other'", "notice_frozen"),
            ("state = 'SENT'", "notice_due_until_it_ends"),
            ("state = 'GIVEN_UP', due_at = NULL, ended_at = portal_now()", "notice_given_up_has_reason"),
        ],
    )
    def test_refuses(self, change: str, rule: str) -> None:
        add_notices([told()])
        refused(f"UPDATE gateway_notice SET {change}", by=rule)

    def test_lets_nothing_out_of_an_end(self) -> None:
        add_notices([told(to=Staff(7))])
        refused(
            "UPDATE gateway_notice SET state = 'WAITING', due_at = portal_now(), ended_at = NULL", by="notice_moves"
        )


@pytest.mark.usefixtures("committed")
class TestSending:
    def test_hands_words_and_phones_to_vneid(self, vneid: Vneid) -> None:
        add_notices([told(), told(to=BAY)])
        assert sending.send_some(gateway=vneid) == 2  # type: ignore[arg-type]
        assert [(one.national_id, one.phone_numbers, one.text) for one in vneid.shown] == [
            (HOA.national_id, HOA.phones, "Khoản 650.000 đ bị trả lại."),
            (BAY.national_id, (), "Khoản 650.000 đ bị trả lại."),
        ]
        assert states() == [("SENT", "")] * 2
        assert sending.send_some(gateway=vneid) == 0  # type: ignore[arg-type]

    def test_tries_again_later_and_later_while_the_gateway_is_down_and_then_gives_up(
        self, vneid: Vneid, clock: Clock
    ) -> None:
        add_notices([told()])
        vneid.error = OutcomeUnknown("TIMEOUT")
        hours = 0
        for attempt in range(1, notices.MOST_ATTEMPTS + 1):
            assert sending.send_some(gateway=vneid) == 1, attempt  # type: ignore[arg-type]
            assert sending.send_some(gateway=vneid) == 0, "not before its time"  # type: ignore[arg-type]
            hours += 5
            clock.shift(f"{hours} hours")
        assert states() == [("GIVEN_UP", "OutcomeUnknown")]

    def test_keeps_the_id_of_a_notice_that_is_sent_again(self, vneid: Vneid, clock: Clock) -> None:
        add_notices([told()])
        vneid.error = OutcomeUnknown("TIMEOUT")
        sending.send_some(gateway=vneid)  # type: ignore[arg-type]
        assert states() == [("FAILED", "OutcomeUnknown")]
        vneid.error = None
        clock.shift("5 minutes")
        sending.send_some(gateway=vneid)  # type: ignore[arg-type]
        assert [one.notice_id for one in vneid.shown] == [f"notice-{Notice.objects.get().pk}"]
        assert states() == [("SENT", "")]

    def test_gives_up_what_vneid_refuses_for_good(self, vneid: Vneid) -> None:
        add_notices([told(), told(to=BAY)])
        vneid.codes = {BAY.national_id: "NO_EID"}
        sending.send_some(gateway=vneid)  # type: ignore[arg-type]
        assert states() == [("SENT", ""), ("GIVEN_UP", "NO_EID")]

    @pytest.mark.parametrize("names_the_line", [True, False])
    def test_one_notice_that_spoils_the_message_keeps_no_other_back(
        self, vneid: Vneid, clock: Clock, names_the_line: bool
    ) -> None:
        add_notices([told(f"e:{n}", text="hỏng" if n == 3 else f"lời {n}") for n in range(7)])
        vneid.poison, vneid.names_the_line = "hỏng", names_the_line
        sending.send_some(gateway=vneid)  # type: ignore[arg-type]
        clock.shift("5 minutes")
        sending.send_some(gateway=vneid)  # type: ignore[arg-type]
        assert [state for state, _ in states()] == ["SENT"] * 3 + ["GIVEN_UP"] + ["SENT"] * 3

    def test_two_workers_never_take_the_same_notice(self) -> None:
        add_notices([told(f"e:{n}") for n in range(20)])
        taken = at_once(*[lambda: take_notices(channel=Channel.VNEID, limit=20)] * 2)
        assert sorted(len(some) for some in taken)[-1] <= 20
        ids = [one.pk for some in taken for one in some]
        assert len(ids) == len(set(ids))

    def test_a_worker_that_comes_back_late_writes_nothing(self, clock: Clock) -> None:
        add_notices([told()])
        late = take_notices(channel=Channel.VNEID, limit=1)
        clock.shift("3 minutes")
        again = take_notices(channel=Channel.VNEID, limit=1)
        assert notices.record_sent([notices.Sent(late[0], gone=True)]) == 0
        assert notices.record_sent([notices.Sent(again[0], gone=True)]) == 1

    def test_is_never_done_inside_a_transaction(self, vneid: Vneid) -> None:
        add_notices([told(to=Staff(7, "a@tphcm.gov.vn"))])
        with transaction.atomic(), pytest.raises(Exception, match="durable"):
            sending.send_some(gateway=vneid)  # type: ignore[arg-type]


@pytest.mark.usefixtures("committed")
class TestLetters:
    def test_say_what_it_is_about_and_where_to_read_it_and_no_more(self, vneid: Vneid, settings: Any) -> None:
        add_notices([told(to=Staff(7, "a@tphcm.gov.vn"), path="/he-thong/canh-bao/3/")])
        sending.send_some(gateway=vneid)  # type: ignore[arg-type]
        (letter,) = mail.outbox
        assert (letter.to, letter.subject) == (["a@tphcm.gov.vn"], "Tiền bị trả lại")
        assert f"{settings.SITE_URL}/he-thong/canh-bao/3/" in letter.body
        assert "650.000" not in letter.body
        assert states() == [("SENT", "")]

    def test_an_address_that_is_refused_is_given_up_and_the_others_go(
        self, vneid: Vneid, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = EmailMessage.send

        def send(letter: Any, *rest: Any) -> Any:
            if letter.to == ["x@x"]:
                raise SMTPRecipientsRefused({})
            return whole(letter, *rest)

        monkeypatch.setattr(EmailMessage, "send", send)
        add_notices([told(to=Staff(7, "x@x")), told(to=Staff(8, "a@tphcm.gov.vn"))])
        sending.send_some(gateway=vneid)  # type: ignore[arg-type]
        assert states() == [("GIVEN_UP", "RECIPIENT_REFUSED"), ("SENT", "")]

    def test_a_mail_server_that_breaks_off_leaves_the_rest_for_later(
        self, vneid: Vneid, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = EmailMessage.send

        def send(letter: Any, *rest: Any) -> Any:
            if letter.to == ["b@b"]:
                raise SMTPServerDisconnected
            return whole(letter, *rest)

        monkeypatch.setattr(EmailMessage, "send", send)
        add_notices([told(to=Staff(n, address)) for n, address in enumerate(["a@a", "b@b", "c@c"])])
        sending.send_some(gateway=vneid)  # type: ignore[arg-type]
        broken = ("FAILED", "SMTPServerDisconnected")
        assert states() == [("SENT", ""), broken, broken]


@pytest.mark.django_db
class TestTheInbox:
    def test_shows_a_person_his_own_the_newest_first(self) -> None:
        add_notices([told("e:1"), told("e:2", title="Sau"), told("e:2", to=BAY), told("e:3", to=Staff(7))])
        mine = notices.read_inbox(reader=HOA_READS, after=None, limit=10)
        assert [one.words.title for one in mine] == ["Sau", "Tiền bị trả lại"]
        assert [one.words.title for one in notices.read_inbox(reader=Reader(7), after=None, limit=10)] == [
            "Tiền bị trả lại"
        ]

    def test_counts_what_is_not_read_and_marks_only_ones_own(self) -> None:
        add_notices([told("e:1"), told("e:2"), told("e:1", to=BAY)])
        everything = list(Notice.objects.values_list("id", flat=True))
        assert notices.mark_read(reader=HOA_READS, ids=everything) == 2
        assert notices.count_unread(reader=HOA_READS) == 0
        assert notices.count_unread(reader=Reader(2, BAY.person_index)) == 1
