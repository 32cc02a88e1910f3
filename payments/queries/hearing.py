"""What the bank said of one transfer, read from the messages that are kept as evidence. Two queries.

Events and attempts are those of a chunk; only the messages themselves say what was said of which transfer. They are opened here
for that one transfer's status, reason and amount; nothing else of them is handed on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from foundation.audit.models import AuditEvent
from foundation.gateway import strict_json, wire
from foundation.gateway.events import PaymentReturns, PaymentStatuses, read_event
from foundation.gateway.exchanges import open_body
from foundation.gateway.models import GatewayMessage, GatewayMessageBody
from foundation.gateway.port import ReturnNotice, TransferAnswer
from foundation.privacy.encryption import DecryptionFailed
from payments.models import DispatchAttempt

MOST_MESSAGES = 200  # of one chunk, the newest
Part = GatewayMessageBody.Part


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one attempt: `said` is what it says of this transfer, None where it says nothing that counts."""

    said: TransferAnswer | None
    http_status: int | None
    milliseconds: int | None
    is_intact: bool


@dataclass(frozen=True, slots=True)
class Callback:
    """A message that the gateway sent of its own accord, and what it says of this transfer."""

    message: GatewayMessage
    said: tuple[TransferAnswer, ...]
    returned: tuple[ReturnNotice, ...]


def heard(
    *, end_to_end_id: str, attempts: Iterable[DispatchAttempt], events: Iterable[AuditEvent]
) -> tuple[dict[str, Answer], list[Callback]]:
    """Answers by the message id of their attempt, and the callbacks that speak of this transfer, by time of arrival.

    Callbacks are found by the events of the chunk, which name the message that told them.
    """
    references = [attempt.message_id for attempt in attempts]
    told = [event.payload["gateway_message"] for event in events if "gateway_message" in event.payload][
        -MOST_MESSAGES:
    ]
    messages = {message.pk: message for message in GatewayMessage.objects.filter(pk__in=told)}
    answers: dict[str, Answer] = {}
    callbacks: list[Callback] = []
    bodies = GatewayMessageBody.objects.filter(part=Part.ANSWER, reference__in=references) | (
        GatewayMessageBody.objects.filter(part=Part.CALLBACK, message__in=told)
    )
    for body in bodies.order_by("at", "id"):
        document = _document(body)
        if body.part == Part.ANSWER:
            said = _result(document, end_to_end_id)
            answers[body.reference] = Answer(said, body.http_status, body.milliseconds, document is not None)
        elif body.message_id in messages:
            callbacks += _callback(messages[body.message_id], document, end_to_end_id)
    return answers, callbacks


def _document(body: GatewayMessageBody) -> dict[str, Any] | None:
    """The message as it was; None where it no longer opens, or never was of the contract."""
    try:
        return strict_json.loads_object(open_body(body))
    except (DecryptionFailed, strict_json.NotStrict):
        return None


def _result(document: Mapping[str, Any] | None, end_to_end_id: str) -> TransferAnswer | None:
    results = document.get("results") if document else None
    for result in results if isinstance(results, list) else []:
        if isinstance(result, dict) and result.get("end_to_end_id") == end_to_end_id:
            try:
                return wire.read_status(result, may_be_unknown=True)
            except wire.NotOfContract:
                return None
    return None


def _callback(message: GatewayMessage, document: Mapping[str, Any] | None, end_to_end_id: str) -> Iterable[Callback]:
    try:
        event = read_event(document or {})
    except wire.NotOfContract:
        return
    said = event.statuses if isinstance(event, PaymentStatuses) else ()
    returned = event.returns if isinstance(event, PaymentReturns) else ()
    found = Callback(
        message,
        tuple(item for item in said if item.end_to_end_id == end_to_end_id),
        tuple(item for item in returned if item.end_to_end_id == end_to_end_id),
    )
    if found.said or found.returned:
        yield found
