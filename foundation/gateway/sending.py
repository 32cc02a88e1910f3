"""Sending notices: letters by Django's mail backend, VNeID messages through the gateway. No transaction is open meanwhile."""

from smtplib import SMTPException, SMTPRecipientsRefused
from uuid import uuid4

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from foundation.gateway.calling import refuse_open_transactions
from foundation.gateway.errors import GatewayError, MessageRefused
from foundation.gateway.notices import Channel, Outgoing, Sent, record_sent, take_notices
from foundation.gateway.port import CitizenNotice, Gateway

log = structlog.get_logger(__name__)

AT_ONCE = 100
STAFF_INBOX = "/can-bo/thong-bao/"
DEADLINE_SECONDS = 15.0


def send_some(*, gateway: Gateway) -> int:
    """Send some of the notices that are due, a set each way; how many were taken up."""
    citizens = take_notices(channel=Channel.VNEID, limit=AT_ONCE)
    if citizens:
        record_sent(_to_vneid(citizens, gateway))
    letters = take_notices(channel=Channel.EMAIL, limit=AT_ONCE)
    if letters:
        record_sent(_by_mail(letters))
    return len(citizens) + len(letters)


def _to_vneid(notices: list[Outgoing], gateway: Gateway) -> list[Sent]:
    try:
        answer = gateway.send_notices(
            message_id=uuid4().hex, notices=[_told(notice) for notice in notices], deadline_seconds=DEADLINE_SECONDS
        )
    except MessageRefused as refused:
        return _one_spoils_it(notices, refused, gateway)
    except GatewayError as error:
        return [Sent(notice, gone=False, code=type(error).__name__) for notice in notices]
    return [_answered(notice, answer.codes) for notice in notices]


def _told(notice: Outgoing) -> CitizenNotice:
    return CitizenNotice(
        notice_id=_name(notice),
        national_id=notice.national_id,
        phone_numbers=notice.phones,
        title=notice.words.title,
        text=notice.words.text,
    )


def _name(notice: Outgoing) -> str:
    """The id by which VNeID knows the notice: the same for every attempt, so that it is shown once."""
    return f"notice-{notice.pk}"


def _answered(notice: Outgoing, codes: dict[str, str | None]) -> Sent:
    if _name(notice) not in codes:
        return Sent(notice, gone=False, code="NOT_ANSWERED")
    code = codes[_name(notice)]
    return Sent(notice, gone=code is None, code=code or "", again=False)


def _one_spoils_it(notices: list[Outgoing], refused: MessageRefused, gateway: Gateway) -> list[Sent]:
    """A message that is refused whole: the notices to blame are given up, the others go again, without them or by halves."""
    if len(notices) == 1:
        return [Sent(notices[0], gone=False, code=refused.code, again=False)]
    blamed = {line - 1 for line in refused.lines if line <= len(notices)}
    if blamed:
        return [
            Sent(notice, gone=False, code=refused.code, again=index not in blamed)
            for index, notice in enumerate(notices)
        ]
    half = len(notices) // 2
    return _to_vneid(notices[:half], gateway) + _to_vneid(notices[half:], gateway)


def _by_mail(notices: list[Outgoing]) -> list[Sent]:
    """One connection to the mail server for the set; when it breaks, what has not gone is tried again."""
    refuse_open_transactions()
    results: list[Sent] = []
    server = get_connection()
    try:
        server.open()
        results.extend(
            _post(notice, server) for notice in notices
        )  # what went before one breaks off stays in the list
    except (SMTPException, OSError) as error:
        log.warning("mail server fails", error=type(error).__name__, left=len(notices) - len(results))
        results += [Sent(notice, gone=False, code=type(error).__name__) for notice in notices[len(results) :]]
    finally:
        server.close()
    return results


def _post(notice: Outgoing, server: BaseEmailBackend) -> Sent:
    """A letter says what it is about and where to read it: what a mail server on the way may see is no more than that."""
    letter = EmailMessage(
        subject=notice.words.title,
        body=f"{notice.words.title}\n\n{settings.SITE_URL.rstrip('/')}{notice.words.path or STAFF_INBOX}\n",
        to=[notice.email],
        connection=server,
        headers={"Message-ID": f"<notice-{notice.pk}@{settings.EMAIL_DOMAIN}>"},
    )
    try:
        letter.send()
    except SMTPRecipientsRefused:
        return Sent(notice, gone=False, code="RECIPIENT_REFUSED", again=False)
    return Sent(notice, gone=True)
