"""The wire of notices to citizens (docs/gateway-contract.md, 4.4): the message that goes out, and its answer."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from foundation.gateway.errors import MessageRefused, Problem
from foundation.gateway.port import CitizenNotice
from foundation.gateway.wire import EXTERNAL_ID, NATIONAL_ID, NotOfContract, is_text, read_list, read_text

MOST_NOTICES = 100
PHONE = re.compile(r"\+84[0-9]{8,10}")
_CODE = re.compile(r"[A-Z_]{3,40}")


def notices_message(*, message_id: str, notices: Sequence[CitizenNotice]) -> bytes:
    """The body of `POST /notices`.

    Raises:
        MessageRefused: It breaks the contract; its lines name the notices to blame.
    """
    problems = [] if 1 <= len(notices) <= MOST_NOTICES else [Problem(0, "notices", "1 to 100")]
    for line, notice in enumerate(notices, start=1):
        checks = {
            "notice_id": EXTERNAL_ID.fullmatch(notice.notice_id),
            "national_id": NATIONAL_ID.fullmatch(notice.national_id),
            "phone_numbers": len(notice.phone_numbers) <= 2 and all(map(PHONE.fullmatch, notice.phone_numbers)),
            "title": is_text(notice.title, 1, 100),
            "text": is_text(notice.text, 1, 500),
        }
        problems += [Problem(line, name, "breaks the contract") for name, fine in checks.items() if not fine]
    if problems:
        raise MessageRefused("INVALID_MESSAGE", problems=tuple(problems))
    return orjson.dumps(
        {
            "message_id": message_id,
            "notices": [
                {
                    "notice_id": notice.notice_id,
                    "national_id": notice.national_id,
                    "phone_numbers": list(notice.phone_numbers),
                    "title": notice.title,
                    "text": notice.text,
                }
                for notice in notices
            ],
        }
    )


def read_codes(document: Mapping[str, Any], *, ours: frozenset[str]) -> dict[str, str | None]:
    """What became of each notice: None for one that was taken, else the code of its refusal. Those of others do not count."""
    codes: dict[str, str | None] = {}
    for result in read_list(document, "results"):
        if not isinstance(result, dict):
            raise NotOfContract("results")
        name, status = read_text(result, "notice_id", EXTERNAL_ID), result.get("status")
        if status not in ("ACCEPTED", "REFUSED") or (status == "ACCEPTED") != (result.get("code") is None):
            raise NotOfContract("status")
        if name in ours:
            codes[name] = None if status == "ACCEPTED" else read_text(result, "code", _CODE)
    return codes
