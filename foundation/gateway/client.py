"""The gateway over HTTP: one attempt, one deadline, and the strictest reading of every answer.

The order of suspicion: a call is *not sent* only when the socket or the contract proves it; it is *refused* only by a
listed code that carries the gateway's word `"processed": false`; an answer counts only when it is exactly of the
contract. All else leaves the outcome unknown, because a credit that is wrongly believed unpaid is paid twice.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import httpx2
import structlog
from django.conf import settings
from django.core.signals import setting_changed

from foundation.gateway import reading, wire
from foundation.gateway.calling import Caller, begin, reading_answer
from foundation.gateway.codes import ENQUIRY_REFUSALS
from foundation.gateway.errors import Exchange, Refused
from foundation.gateway.port import (
    BulkAnswer,
    CitizenNotice,
    Gateway,
    LinkAnswer,
    LinkRemoval,
    NameEnquiryAnswer,
    NoticesAnswer,
    TransferInstruction,
)
from foundation.gateway.signatures import Secret, signing_secret
from foundation.gateway.transport import DeadlineTransport
from foundation.gateway.wire_notices import notices_message, read_codes

log = structlog.get_logger(__name__)


class HttpGateway:
    """`port.Gateway` over the contract's HTTP. Safe to share between threads; make a new one after a fork."""

    def __init__(
        self,
        *,
        base_url: str,
        secret: Secret,
        transport: httpx2.BaseTransport | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Calls go to `base_url` + `/bank/v1/…`, signed with `secret` at the time of `wall_clock` (Unix seconds)."""
        self._wall_clock = wall_clock
        self._caller = Caller(
            base_url=base_url, secret=secret, transport=transport or DeadlineTransport(), wall_clock=wall_clock
        )

    def close(self) -> None:
        """Let go of the sockets."""
        self._caller.close()

    # --- Credits -----------------------------------------------------------------------------------------------------
    def submit(
        self,
        *,
        message_id: str,
        debtor_account: str,
        not_after: datetime,
        transfers: Sequence[TransferInstruction],
        deadline_seconds: float,
    ) -> BulkAnswer:
        """See `port.Gateway.submit`."""
        call = begin(deadline_seconds)
        body = wire.credits_message(
            message_id=message_id,
            created_at=datetime.fromtimestamp(self._wall_clock(), UTC),
            not_after=not_after,
            debtor_account=debtor_account,
            transfers=transfers,
        )
        document, exchange = self._caller.post(
            reading.CREDITS, "/credits", message_id=message_id, body=body, call=call, lines=len(transfers)
        )
        expected = {transfer.end_to_end_id: transfer.instructed_amount for transfer in transfers}
        with reading_answer(exchange):
            if document.get("message_id") != message_id:
                raise wire.NotOfContract("message_id")
            answer = wire.read_results(
                message_id=message_id,
                answered_at=wire.read_instant(document, "received_at"),
                results=wire.read_list(document, "results"),
                expected=expected,
                inquiry=False,
            )
        return _checked(answer, exchange)

    def inquire(
        self,
        *,
        message_id: str,
        end_to_end_ids: Sequence[str],
        deadline_seconds: float,
        amounts: Mapping[str, int] | None = None,
    ) -> BulkAnswer:
        """See `port.Gateway.inquire`."""
        call = begin(deadline_seconds)
        body = wire.inquiry_message(end_to_end_ids)
        document, exchange = self._caller.post(
            reading.INQUIRIES, "/inquiries", message_id=message_id, body=body, call=call, lines=len(end_to_end_ids)
        )
        with reading_answer(exchange):
            answer = wire.read_results(
                message_id=message_id,
                answered_at=wire.read_instant(document, "answered_at"),
                results=wire.read_list(document, "results"),
                expected={end_to_end_id: (amounts or {}).get(end_to_end_id) for end_to_end_id in end_to_end_ids},
                inquiry=True,
            )
        return _checked(answer, exchange)

    # --- Accounts ----------------------------------------------------------------------------------------------------
    def enquire_name(
        self,
        *,
        enquiry_id: str,
        creditor_agent: str,
        creditor_account: str,
        national_id: str | None,
        old_id_number: str | None = None,
        deadline_seconds: float,
    ) -> NameEnquiryAnswer:
        """See `port.Gateway.enquire_name`."""
        call = begin(deadline_seconds)
        body = wire.enquiry_message(
            enquiry_id=enquiry_id,
            creditor_agent=creditor_agent,
            creditor_account=creditor_account,
            national_id=national_id,
            old_id_number=old_id_number,
        )
        document, exchange = self._caller.post(
            reading.VERIFY, "/accounts/verify", message_id=_fresh_id(), body=body, call=call
        )
        with reading_answer(exchange):
            _echo(document, "enquiry_id", enquiry_id)
            found = document.get("outcome") == "FOUND"
            code = document.get("code")
            if not found and (document.get("outcome") != "REFUSED" or code not in ENQUIRY_REFUSALS):
                raise wire.NotOfContract("outcome")
            if found and code is not None:
                raise wire.NotOfContract("code")
            return NameEnquiryAnswer(
                enquiry_id=enquiry_id,
                found=found,
                code=code,
                holder_name=wire.read_name(document, "holder_name") if found else None,
                answered_at=wire.read_instant(document, "answered_at"),
                exchange=exchange,
            )

    def link_account(
        self,
        *,
        link_id: str,
        creditor_agent: str,
        creditor_account: str,
        national_id: str,
        holder_name: str,
        consent_token: str,
        consent_given_at: datetime,
        deadline_seconds: float,
    ) -> LinkAnswer:
        """See `port.Gateway.link_account`."""
        call = begin(deadline_seconds)
        body = wire.link_message(
            link_id=link_id,
            creditor_agent=creditor_agent,
            creditor_account=creditor_account,
            national_id=national_id,
            holder_name=holder_name,
            consent_token=consent_token,
            consent_given_at=consent_given_at,
        )
        try:
            document, exchange = self._caller.post(
                reading.LINKS, "/links", message_id=_fresh_id(), body=body, call=call
            )
        except Refused as refused:
            if refused.code not in ENQUIRY_REFUSALS:
                raise
            return LinkAnswer(link_id, False, refused.code, None, None, refused.exchange)
        with reading_answer(exchange):
            _echo(document, "link_id", link_id)
            _echo(document, "status", "LINKED")
            replaced = document.get("replaced_link_id")
            return LinkAnswer(
                link_id=link_id,
                linked=True,
                code=None,
                linked_at=wire.read_instant(document, "linked_at"),
                replaced_link_id=(
                    None if replaced is None else wire.read_text(document, "replaced_link_id", wire.EXTERNAL_ID)
                ),
                exchange=exchange,
            )

    def remove_link(self, *, link_id: str, reason: str, deadline_seconds: float) -> LinkRemoval:
        """See `port.Gateway.remove_link`."""
        call = begin(deadline_seconds)
        body = wire.removal_message(link_id=link_id, reason=reason)
        path = f"/links/{link_id}/remove"
        document, exchange = self._caller.post(reading.REMOVAL, path, message_id=_fresh_id(), body=body, call=call)
        with reading_answer(exchange):
            _echo(document, "link_id", link_id)
            _echo(document, "status", "REMOVED")
            return LinkRemoval(link_id, wire.read_instant(document, "removed_at"), exchange)

    # --- Notices -----------------------------------------------------------------------------------------------------
    def send_notices(
        self, *, message_id: str, notices: Sequence[CitizenNotice], deadline_seconds: float
    ) -> NoticesAnswer:
        """See `port.Gateway.send_notices`."""
        call = begin(deadline_seconds)
        body = notices_message(message_id=message_id, notices=notices)
        document, exchange = self._caller.post(
            reading.NOTICES, "/notices", message_id=message_id, body=body, call=call, lines=len(notices)
        )
        with reading_answer(exchange):
            _echo(document, "message_id", message_id)
            codes = read_codes(document, ours=frozenset(notice.notice_id for notice in notices))
        return NoticesAnswer(codes, exchange)

    # --- Statements --------------------------------------------------------------------------------------------------
    def fetch_statement(
        self,
        day: date,
        *,
        debtor_account: str | None = None,
        interim: bool = False,
        deadline_seconds: float = 600,
    ) -> Iterator[bytes]:
        """See `port.Gateway.fetch_statement`; nothing happens before the first chunk is asked for."""
        call = begin(deadline_seconds)
        query = {"debtor_account": debtor_account, "interim": "1" if interim else None}
        parameters = httpx2.QueryParams({name: value for name, value in query.items() if value is not None})
        path = f"/statements/{day.isoformat()}" + (f"?{parameters}" if parameters else "")
        yield from self._caller.stream(reading.STATEMENTS, path, message_id=_fresh_id(), call=call)


def _checked(answer: BulkAnswer, exchange: Exchange) -> BulkAnswer:
    """Keep what travelled with the answer, and say aloud what is wrong with it."""
    if not answer.is_clean:
        log.warning(
            "gateway.answer_not_clean",
            message_id=answer.message_id,
            answered=len(answer.answers),
            missing=len(answer.missing),
            duplicates=len(answer.duplicates),
            mismatched=len(answer.mismatched),
            unreadable=len(answer.unreadable),
            foreign=len(answer.foreign),
        )
    return replace(answer, exchange=exchange)


def _echo(document: Mapping[str, Any], name: str, expected: str) -> None:
    if document.get(name) != expected:
        raise wire.NotOfContract(name)


def _fresh_id() -> str:
    return uuid4().hex


@cache
def gateway() -> Gateway:
    """The gateway of the settings, one a process."""
    return HttpGateway(base_url=settings.GATEWAY_URL, secret=signing_secret())


def forget_gateway(*, setting: str = "GATEWAY_URL", **_: Any) -> None:
    """Make a new one: after a changed setting, and in a forked worker, which must not share its parent's sockets."""
    if setting in {"GATEWAY_URL", "GATEWAY_KEY_ID", "GATEWAY_SIGNING_SECRETS"}:
        gateway.cache_clear()


setting_changed.connect(forget_gateway, dispatch_uid="foundation.gateway.client")
os.register_at_fork(after_in_child=forget_gateway)
