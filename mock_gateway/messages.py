"""Reading what the portal sends: strict, whole, before anything is done (contract, sections 2 to 4)."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from mock_gateway.clock import parse_instant

MAX_LINES = 1_000
MAX_NOTICES = 100
MAX_BODY = 2 * 1024 * 1024
MAX_AMOUNT = 999_999_999_999
MAX_PROBLEMS = 20
DAY_MS = 86_400_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_E2E = re.compile(r"[A-Za-z0-9]{1,35}").fullmatch
_BIN = re.compile(r"[0-9]{6}").fullmatch
_ACCOUNT = re.compile(r"[A-Za-z0-9]{1,19}").fullmatch
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,35}").fullmatch
_DEBTOR = re.compile(r"[A-Za-z0-9.]{1,34}").fullmatch
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}").fullmatch
_NATIONAL_ID = re.compile(r"[0-9]{12}").fullmatch
_PHONE = re.compile(r"\+84[0-9]{8,10}").fullmatch
_OLD_ID = re.compile(r"[0-9]{9}").fullmatch

REMOVE_REASONS = ("CONSENT_WITHDRAWN", "REPLACED", "ACCOUNT_CLOSED", "DECEASED", "OTHER")


class Refusal(Exception):
    """An answer of the contract's section 2: nothing of the request was done."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.body: dict[str, Any] = {"code": code, "message": message, "processed": False, **more}


class Line(NamedTuple):
    """One credit of a message."""

    end_to_end_id: str
    amount: int
    bank_bin: str
    account_number: str
    creditor_name: str
    remittance_text: str


class Message(NamedTuple):
    """A bulk message, found to keep the contract."""

    message_id: str
    not_after: int
    debtor_account: str
    lines: list[Line]


def invalid(field: str, problem: str) -> Refusal:
    """A 400 with one reason."""
    return Refusal(
        400, "INVALID_MESSAGE", f"{field}: {problem}", problems=[{"line": None, "field": field, "problem": problem}]
    )


def parse_object(body: bytes) -> dict[str, Any]:
    """Read a request body as a JSON object.

    Raises:
        Refusal: 400.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid("body", "is not JSON") from error
    if not isinstance(value, dict):
        raise invalid("body", "must be an object")
    return value


def parse_credits(body: bytes, *, webhook_id: str) -> Message:
    """Read a bulk message.

    Raises:
        Refusal: 400 with the problems found, at most twenty; 413 above 1,000 lines.
    """
    value = parse_object(body)
    take = _members(
        value,
        {
            "message_id",
            "created_at",
            "not_after",
            "debtor_account",
            "number_of_transactions",
            "control_sum",
            "credits",
        },
    )
    message_id = take("message_id", _text(_MESSAGE_ID))
    if message_id != webhook_id:
        raise invalid("message_id", "must equal webhook-id")
    take("created_at", _instant)
    not_after = take("not_after", _instant)
    debtor_account = take("debtor_account", _text(_DEBTOR))
    credits_ = value["credits"]
    if not isinstance(credits_, list) or not credits_:
        raise invalid("credits", "must be a list of 1 to 1,000 lines")
    if len(credits_) > MAX_LINES:
        raise Refusal(413, "TOO_LARGE", "more than 1,000 lines")
    problems: list[dict[str, Any]] = []
    lines: list[Line] = []
    seen: set[str] = set()
    for number, item in enumerate(credits_, start=1):
        problem = _line_problem(item, seen)
        if problem is None:
            line = Line(**item)
            seen.add(line.end_to_end_id)
            lines.append(line)
        elif len(problems) < MAX_PROBLEMS:
            problems.append({"line": number, "field": problem[0], "problem": problem[1]})
    if problems:
        raise Refusal(
            400, "INVALID_MESSAGE", f"line {problems[0]['line']}: {problems[0]['problem']}", problems=problems
        )
    if value["number_of_transactions"] != len(lines) or type(value["number_of_transactions"]) is not int:
        raise invalid("number_of_transactions", "does not equal the lines")
    if value["control_sum"] != sum(line.amount for line in lines) or type(value["control_sum"]) is not int:
        raise invalid("control_sum", "does not equal the lines")
    return Message(message_id, not_after, debtor_account, lines)


def parse_inquiry(body: bytes) -> list[str]:
    """Read the ids of a status inquiry, each once, in the order asked."""
    value = parse_object(body)
    _members(value, {"end_to_end_ids"})
    ids = value["end_to_end_ids"]
    if not isinstance(ids, list) or not 1 <= len(ids) <= MAX_LINES:
        raise invalid("end_to_end_ids", "must be a list of 1 to 1,000 ids")
    if not all(isinstance(item, str) and _E2E(item) for item in ids):
        raise invalid("end_to_end_ids", "an id is malformed")
    return list(dict.fromkeys(ids))


class Enquiry(NamedTuple):
    """A name enquiry."""

    enquiry_id: str
    bank_bin: str
    account_number: str
    national_id: str | None
    old_id_number: str | None


def parse_enquiry(body: bytes) -> Enquiry:
    """Read a name enquiry."""
    value = parse_object(body)
    take = _members(value, {"enquiry_id", "bank_bin", "account_number", "national_id"}, optional={"old_id_number"})
    return Enquiry(
        take("enquiry_id", _text(_ID)),
        take("bank_bin", _text(_BIN)),
        take("account_number", _text(_ACCOUNT)),
        take("national_id", _or_null(_text(_NATIONAL_ID))),
        take("old_id_number", _or_null(_text(_OLD_ID))) if "old_id_number" in value else None,
    )


class LinkRequest(NamedTuple):
    """The portal tells the bank which account a citizen chose."""

    link_id: str
    bank_bin: str
    account_number: str
    national_id: str
    holder_name: str
    consent_token: str


def parse_link(body: bytes) -> LinkRequest:
    """Read an account link.

    Raises:
        Refusal: 400, or 422 `CONSENT_REQUIRED` where there is no token.
    """
    value = parse_object(body)
    names = {
        "link_id",
        "bank_bin",
        "account_number",
        "national_id",
        "holder_name",
        "consent_token",
        "consent_given_at",
    }
    if not value.get("consent_token") or not value.get("consent_given_at"):
        raise Refusal(422, "CONSENT_REQUIRED", "a link needs the citizen's consent: token and time")
    take = _members(value, names)
    take("consent_given_at", _instant)
    return LinkRequest(
        take("link_id", _text(_ID)),
        take("bank_bin", _text(_BIN)),
        take("account_number", _text(_ACCOUNT)),
        take("national_id", _text(_NATIONAL_ID)),
        take("holder_name", _plain(1, 70)),
        take("consent_token", _text(_TOKEN)),
    )


def parse_remove(body: bytes) -> str:
    """Read why a link is removed."""
    value = parse_object(body)
    _members(value, {"reason"})
    if value["reason"] not in REMOVE_REASONS:
        raise invalid("reason", f"must be one of {', '.join(REMOVE_REASONS)}")
    return str(value["reason"])


class NoticeLine(NamedTuple):
    """What one citizen is told."""

    notice_id: str
    national_id: str
    phone_numbers: list[str]
    title: str
    text: str


def parse_notices(body: bytes, *, webhook_id: str) -> list[NoticeLine]:
    """Read a message of notices; one line that is wrong refuses it whole, and is named."""
    value = parse_object(body)
    take = _members(value, {"message_id", "notices"})
    if take("message_id", _text(_MESSAGE_ID)) != webhook_id:
        raise invalid("message_id", "must equal webhook-id")
    items = value["notices"]
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_NOTICES:
        raise invalid("notices", f"must be a list of 1 to {MAX_NOTICES}")
    lines = []
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise invalid("notices", "must hold objects")
        try:
            read = _members(item, set(NoticeLine._fields))
            lines.append(
                NoticeLine(
                    read("notice_id", _text(_ID)),
                    read("national_id", _text(_NATIONAL_ID)),
                    read("phone_numbers", _phones),
                    read("title", _plain(1, 100)),
                    read("text", _plain(1, 500)),
                )
            )
        except Refusal as refusal:
            for problem in refusal.body["problems"]:
                problem["line"] = number
            raise
    return lines


def _phones(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 2 or not all(isinstance(one, str) and _PHONE(one) for one in value):
        msg = "must be at most two numbers in the form +84…"
        raise ValueError(msg)
    return value


_LINE_MEMBERS = frozenset(Line._fields)


def _line_problem(item: Any, seen: set[str]) -> tuple[str, str] | None:  # noqa: PLR0911  one return a rule reads best
    """What is wrong with a line; written flat because it runs for every credit."""
    if not isinstance(item, dict) or item.keys() != _LINE_MEMBERS:
        return "credits", f"must have exactly the members {', '.join(sorted(_LINE_MEMBERS))}"
    e2e, amount = item["end_to_end_id"], item["amount"]
    if not isinstance(e2e, str) or not _E2E(e2e):
        return "end_to_end_id", "must be 1 to 35 letters and digits"
    if e2e in seen:
        return "end_to_end_id", "stands twice in the message"
    if type(amount) is not int or not 1 <= amount <= MAX_AMOUNT:
        return "amount", "must be whole đồng, 1 to 999,999,999,999"
    if not isinstance(item["bank_bin"], str) or not _BIN(item["bank_bin"]):
        return "bank_bin", "must be 6 digits"
    if not isinstance(item["account_number"], str) or not _ACCOUNT(item["account_number"]):
        return "account_number", "must be 1 to 19 letters and digits"
    name, text = item["creditor_name"], item["remittance_text"]
    if not isinstance(name, str) or not 1 <= len(name) <= 70 or _CONTROL.search(name):
        return "creditor_name", "must be 1 to 70 characters without control characters"
    if not isinstance(text, str) or len(text) > 140 or _CONTROL.search(text):
        return "remittance_text", "must be 0 to 140 characters without control characters"
    return None


Reader = Callable[[Any], Any]


def _members(
    value: Mapping[str, Any], names: set[str], optional: set[str] | None = None
) -> Callable[[str, Reader], Any]:
    """Check that exactly these members stand, and return what reads one of them."""
    missing = names - value.keys()
    if missing:
        raise invalid(min(missing), "is missing")
    foreign = value.keys() - names - (optional or set())
    if foreign:
        raise invalid(min(foreign), "is not known")

    def take(name: str, read: Reader) -> Any:
        try:
            return read(value[name])
        except ValueError as error:
            raise invalid(name, str(error)) from error

    return take


def _text(matches: Callable[[str], object]) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not matches(value):
            msg = "is malformed"
            raise ValueError(msg)
        return value

    return read


def _plain(shortest: int, longest: int) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not shortest <= len(value) <= longest or _CONTROL.search(value):
            msg = f"must be {shortest} to {longest} characters without control characters"
            raise ValueError(msg)
        return value

    return read


def _or_null(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


def _instant(value: Any) -> int:
    parsed = parse_instant(value) if isinstance(value, str) else None
    if parsed is None:
        msg = "must be an RFC 3339 instant in UTC with Z"
        raise ValueError(msg)
    return parsed
