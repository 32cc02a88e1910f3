"""A gateway in memory whose messages are kept as they travelled, so that there is evidence to look at."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from foundation.gateway import wire
from foundation.gateway.errors import Exchange
from foundation.gateway.port import BulkAnswer, TransferInstruction
from tests.fake_gateway import FakeGateway

AT = "2026-11-23T02:15:02Z"


@dataclass
class RecordedGateway(FakeGateway):
    """Credits as the fake does, and keeps request and answer."""

    request: bytes = field(default=b"{}", repr=False)

    def submit(
        self,
        *,
        message_id: str,
        debtor_account: str,
        not_after: datetime,
        transfers: Sequence[TransferInstruction],
        deadline_seconds: float,
    ) -> BulkAnswer:
        self.request = wire.credits_message(
            message_id=message_id,
            created_at=datetime.now(UTC),
            not_after=not_after,
            debtor_account=debtor_account,
            transfers=transfers,
        )
        return super().submit(
            message_id=message_id,
            debtor_account=debtor_account,
            not_after=not_after,
            transfers=transfers,
            deadline_seconds=deadline_seconds,
        )

    def _answer(self, message_id: str, ids: Sequence[str]) -> BulkAnswer:
        answer = super()._answer(message_id, ids)
        results: list[dict[str, Any]] = [
            {
                "end_to_end_id": item.end_to_end_id,
                "status": item.transaction_status,
                "reason": item.status_reason,
                "amount": item.instructed_amount,
                "at": AT,
            }
            for item in answer.answers
        ]
        body = json.dumps({"message_id": message_id, "received_at": AT, "results": results}).encode()
        return replace(answer, exchange=Exchange(message_id, "POST /bank/v1/credits", self.request, 200, body, 41))
