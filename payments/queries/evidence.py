"""A message that travelled, as somebody may read it who has no need of everybody's numbers: one payment of it, numbers masked.

Opening a message in full is `payments.operations.look_up.read_evidence`, which notes who read it and why.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Self

from django.views.decorators.debug import sensitive_variables

from foundation.gateway import strict_json
from foundation.gateway.exchanges import open_body
from foundation.gateway.models import GatewayMessageBody
from foundation.privacy.encryption import DecryptionFailed
from foundation.privacy.masking import mask_account, mask_national_id, mask_phone

MASKS = {
    "account_number": mask_account,
    "national_id": mask_national_id,
    "old_id_number": mask_national_id,
    "phone": mask_phone,
    "consent_token": mask_account,
}
# Members that name messages, payments and our own account, not citizens; anything else that is long and of digits is masked.
SHOWN = frozenset(
    {"message_id", "event_id", "end_to_end_id", "return_id", "debtor_account", "bank_bin", "bank_reference"}
)
_LONG_NUMBER = re.compile(r"\d(?:[ .-]?\d){8,}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One body that travelled, as it travelled. `text` is empty where the bytes are not text, or no longer open."""

    part: str
    label: str
    at: datetime
    target: str
    http_status: int | None
    milliseconds: int | None
    text: str = field(repr=False)
    is_intact: bool

    @classmethod
    def of(cls, body: GatewayMessageBody, *, text: str, is_intact: bool, **more: Any) -> Self:
        """A kept body with what could be read of it."""
        label = str(GatewayMessageBody.Part(body.part).label)
        return cls(
            body.part, label, body.at, body.target, body.http_status, body.milliseconds, text, is_intact, **more
        )


@dataclass(frozen=True, slots=True)
class MaskedMessage(Evidence):
    """One body for one payment. `others` counts the payments of other people that were left out.

    `text` is empty where the body is not of our contract's form; `digest` is the SHA-256 of the bytes themselves.
    """

    others: int
    digest: str


def masked_messages(*, end_to_end_id: str, reference: str) -> tuple[MaskedMessage, ...]:
    """All that travelled under one message id, oldest first; that it speaks of this payment is for the caller to know."""
    bodies = GatewayMessageBody.objects.filter(reference=reference).order_by("at", "id")
    return tuple(_masked(body, end_to_end_id) for body in bodies)


def readable(text: str) -> str:
    """JSON on many lines; anything else as it is."""
    try:
        return json.dumps(strict_json.loads_object(text.encode()), ensure_ascii=False, indent=2)
    except strict_json.NotStrict:
        return text


@sensitive_variables()
def _masked(body: GatewayMessageBody, end_to_end_id: str) -> MaskedMessage:
    text, digest, others, intact = "", "", 0, True
    try:
        raw = open_body(body)
        digest = sha256(raw).hexdigest()
        document, others = _only(strict_json.loads_object(raw), end_to_end_id)
        text = json.dumps(document, ensure_ascii=False, indent=2)
    except DecryptionFailed:
        intact = False
    except strict_json.NotStrict:
        pass  # not shown: what it holds cannot be told
    return MaskedMessage.of(body, text=text, is_intact=intact, others=others, digest=digest)


@sensitive_variables()
def _only(value: Any, end_to_end_id: str, name: str = "") -> tuple[Any, int]:
    """The document without what it says of other payments, numbers masked; and how many payments were left out."""
    if isinstance(value, dict):
        parts = {key: _only(item, end_to_end_id, key) for key, item in value.items()}
        return {key: part for key, (part, _) in parts.items()}, sum(left for _, left in parts.values())
    if isinstance(value, list):
        kept = [item for item in value if _payment(item, name) in (None, end_to_end_id)]
        items = [_only(item, end_to_end_id, name) for item in kept]
        return [item for item, _ in items], len(value) - len(kept) + sum(left for _, left in items)
    return (_mask(value, name) if isinstance(value, str) else value), 0


def _payment(item: Any, name: str) -> str | None:
    """Of which payment an item of a list speaks; None: of none."""
    found = item.get("end_to_end_id") if isinstance(item, dict) else item if name == "end_to_end_ids" else None
    return found if isinstance(found, str) else None


def _mask(text: str, name: str) -> str:
    if name in MASKS:
        return MASKS[name](text)
    if name in SHOWN or name == "end_to_end_ids":
        return text
    return _LONG_NUMBER.sub(lambda found: mask_account(found[0]), text)
