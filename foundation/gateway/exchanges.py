"""Keeping the evidence: the bytes that we sent and what was answered, encrypted, never changed."""

from foundation.gateway.errors import Exchange
from foundation.gateway.models import GatewayMessageBody
from foundation.privacy.encryption import decrypt_bytes, encrypt

CONTEXT = "gateway.message"
Part = GatewayMessageBody.Part


def body_row_id(*, part: str, reference: str, message: int | None) -> str:
    """What a stored body is bound to: the inbox row of a callback, our message id and direction for what went out."""
    return str(message) if part == Part.CALLBACK else f"{part}:{reference}"


def keep_exchange(exchange: Exchange) -> None:
    """Store what travelled in one call under our message id, in one INSERT; an answer that never came has no row.

    Called in the transaction that records the answer, so evidence and effect stand or fall together.
    """
    rows = [_row(exchange, Part.REQUEST, exchange.request)]
    if exchange.answer is not None:
        rows.append(_row(exchange, Part.ANSWER, exchange.answer))
    GatewayMessageBody.objects.bulk_create(rows)


def read_bodies(reference: str) -> list[tuple[GatewayMessageBody, bytes]]:
    """All that travelled under one message id, oldest first, with the opened bytes; note the reading in DataAccess.

    Raises:
        DecryptionFailed: A body was changed, moved, or its key is gone.
    """
    return [
        (row, open_body(row)) for row in GatewayMessageBody.objects.filter(reference=reference).order_by("at", "id")
    ]


def open_body(row: GatewayMessageBody) -> bytes:
    """The bytes of one stored body; raises DecryptionFailed."""
    row_id = body_row_id(part=row.part, reference=row.reference, message=row.message_id)
    return decrypt_bytes(row.body, context=CONTEXT, row_id=row_id)


def _row(exchange: Exchange, part: str, body: bytes) -> GatewayMessageBody:
    row_id = body_row_id(part=part, reference=exchange.message_id, message=None)
    return GatewayMessageBody(
        part=part,
        reference=exchange.message_id,
        target=exchange.target[:200],
        http_status=exchange.http_status,
        milliseconds=exchange.milliseconds if part == Part.ANSWER else None,
        body=encrypt(body, context=CONTEXT, row_id=row_id),
    )
