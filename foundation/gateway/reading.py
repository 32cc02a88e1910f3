"""What an HTTP answer proves (contract 2): the document of a 200, or the one error that fits.

`"processed": false` with a listed code is the gateway's word that nothing of this request was done. Any answer
without it proves nothing, whatever its status says: a 502 may come from a proxy behind which the money moved.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx2

from foundation.gateway import strict_json
from foundation.gateway.codes import ENQUIRY_REFUSALS
from foundation.gateway.errors import Exchange, MessageRefused, NotSent, OutcomeUnknown, Problem, Refused
from foundation.gateway.wire import BANK_BIN

LONGEST_RETRY_AFTER = 24 * 3600.0

_RETRY_AFTER = re.compile(r"[0-9]{1,9}")
_CODE = re.compile(r"[A-Z0-9_]{1,40}")
_JSON_TYPE = re.compile(r"application/json(?:\s*;\s*charset\s*=\s*\"?utf-8\"?)?", re.IGNORECASE)
_XML_TYPE = re.compile(r"(?:application|text)/xml(?:\s*;\s*charset\s*=\s*\"?utf-8\"?)?", re.IGNORECASE)

Code = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the contract: which errors mean "later" and which mean "never". Others leave the outcome unknown."""

    name: str
    later: frozenset[Code]
    never: frozenset[Code]


_LATER: frozenset[Code] = frozenset(
    {
        (401, "UNAUTHORISED"),  # after repair of the secret, yes
        (404, "NOT_FOUND"),  # a wrong address of ours, not the fault of a line
        (429, "TOO_MANY_REQUESTS"),
        (503, "UNAVAILABLE"),
        (503, "BANK_UNAVAILABLE"),
        (503, "TEMPORARY"),
    }
)
_NEVER: frozenset[Code] = frozenset({(400, "INVALID_MESSAGE"), (413, "TOO_LARGE")})

# 409 MESSAGE_ID_REUSED is in neither set on purpose: a message id that we believe new and the gateway knows means
# that our own records went back in time (a restored backup), so money may have left. Only an inquiry tells.
CREDITS = Route("credits", _LATER | {(422, "NOT_AFTER_PASSED")}, _NEVER)
INQUIRIES = Route("inquiries", _LATER, _NEVER)
VERIFY = Route("accounts.verify", _LATER, _NEVER)
LINKS = Route(
    "links",
    _LATER,
    _NEVER
    | {(409, "LINK_ID_REUSED"), (409, "CONSENT_USED"), (422, "CONSENT_REQUIRED")}
    | {(422, refusal.code) for refusal in ENQUIRY_REFUSALS.values() if not refusal.try_again},
)
REMOVAL = Route("links.remove", _LATER - {(404, "NOT_FOUND")}, _NEVER | {(404, "NOT_FOUND")})
NOTICES = Route("notices", _LATER, _NEVER)
STATEMENTS = Route("statements", _LATER | {(404, "STATEMENT_NOT_READY")}, _NEVER)


def read_document(route: Route, *, status: int, headers: httpx2.Headers, exchange: Exchange) -> dict[str, Any]:
    """The JSON object of a 200.

    Raises:
        OutcomeUnknown: It is not exactly what the contract allows.
        NotSent: A listed error that says "later".
        MessageRefused: A listed error that says "never".
    """
    if status != 200:
        raise_error(route, status=status, headers=headers, exchange=exchange)
    return _json_object(headers, exchange)


def raise_error(route: Route, *, status: int, headers: httpx2.Headers, exchange: Exchange) -> NoReturn:
    """Turn an answer other than 200 into the error that it proves; raises as `read_document` does."""
    try:
        document = _json_object(headers, exchange)
    except OutcomeUnknown:
        raise OutcomeUnknown(f"HTTP_{status}", exchange=exchange) from None
    code = document.get("code")
    if document.get("processed") is not False or not isinstance(code, str) or not _CODE.fullmatch(code):
        raise OutcomeUnknown(f"HTTP_{status}", exchange=exchange)
    if (status, code) in route.later:
        bank = document.get("bank_bin")
        raise NotSent(
            code,
            retry_after=_retry_after(headers),
            bank=bank if isinstance(bank, str) and BANK_BIN.fullmatch(bank) else None,
            exchange=exchange,
        )
    if (status, code) in route.never:
        problems = _problems(document)
        if route in (CREDITS, INQUIRIES, NOTICES):
            raise MessageRefused(code, problems=problems, exchange=exchange)
        raise Refused(code, problems=problems, exchange=exchange)
    raise OutcomeUnknown(f"HTTP_{status}_{code}", exchange=exchange)


def check_xml(headers: httpx2.Headers, exchange: Exchange) -> None:
    """Refuse an answer that is not XML in UTF-8, or that is packed."""
    if not _is_plain(headers, _XML_TYPE):
        raise OutcomeUnknown("CONTENT_TYPE", exchange=exchange)


def _json_object(headers: httpx2.Headers, exchange: Exchange) -> dict[str, Any]:
    if not _is_plain(headers, _JSON_TYPE):
        raise OutcomeUnknown("CONTENT_TYPE", exchange=exchange)
    try:
        return strict_json.loads_object(exchange.answer or b"")
    except strict_json.NotStrict:
        raise OutcomeUnknown("NOT_JSON", exchange=exchange) from None


def _is_plain(headers: httpx2.Headers, content_type: re.Pattern[str]) -> bool:
    """One content type, the right one, and no packing: we asked for none, and a packed bomb is small on the wire."""
    types = headers.get_list("content-type")
    encodings = [encoding.strip().lower() for encoding in headers.get_list("content-encoding", split_commas=True)]
    return len(types) == 1 and bool(content_type.fullmatch(types[0].strip())) and set(encodings) <= {"identity"}


def _retry_after(headers: httpx2.Headers) -> float | None:
    value = headers.get("retry-after", "")
    return min(float(value), LONGEST_RETRY_AFTER) if _RETRY_AFTER.fullmatch(value) else None


def _problems(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    """The gateway's list of what is wrong; entries that cannot be read are left out, for they decide nothing."""
    listed = document.get("problems")
    problems = []
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict):
            line, field, problem = entry.get("line"), entry.get("field"), entry.get("problem")
            if (line is None or type(line) is int) and isinstance(field, str) and isinstance(problem, str):
                problems.append(Problem(line or 0, field[:60], problem[:200]))
    return tuple(problems[:1000])
