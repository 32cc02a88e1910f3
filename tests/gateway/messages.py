"""Callbacks as the gateway makes and signs them."""

import json
import time
from typing import Any

from foundation.gateway.inbox import Receipt, receive
from foundation.gateway.signatures import Secret, sign_callback
from tests.gateway.conftest import TRANSFERS, result

CALLBACK_SECRET = Secret("c1", bytes(range(100, 132)))
CALLBACK_ENTRY = "c1:whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM="


def callback(identifier: str = "evt_1", **changes: Any) -> bytes:
    """A `payment.status` of three accepted transfers, changed at will."""
    statuses = [result(one, status="ACCC") for one in TRANSFERS]
    document = {
        "id": identifier,
        "type": "payment.status",
        "created_at": "2026-11-23T02:15:02Z",
        "data": {"statuses": statuses},
    }
    return json.dumps(document | changes).encode()


def headers_of(
    body: bytes, identifier: str = "evt_1", *, age: int = 0, secret: Secret = CALLBACK_SECRET
) -> dict[str, str]:
    return sign_callback(secret=secret, message_id=identifier, timestamp=int(time.time()) - age, body=body)


def deliver(body: bytes, identifier: str = "evt_1", **options: Any) -> Receipt:
    return receive(headers=headers_of(body, identifier, **options), body=body)
