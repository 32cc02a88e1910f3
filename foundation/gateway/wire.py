"""The portal's words to the contract's members and back (docs/gateway-contract.md); no network and no database here.

What we send is checked against the contract first, so that one bad line is named here and does not cost a refused
message. What we read is believed line by line: a result counts when it is ours, stands once, has our amount and
breaks no rule.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from foundation.gateway.codes import NOT_FOUND, REJECTED, TRANSACTION_STATUSES
from foundation.gateway.errors import MessageRefused, Problem, Refused
from foundation.gateway.port import LONGEST_NAME, BulkAnswer, ReturnNotice, TransferAnswer, TransferInstruction

MAXIMUM_LINES = 1000
MAXIMUM_AMOUNT = 999_999_999_999
MAXIMUM_BODY = 2 * 1024 * 1024
LONGEST_VALIDITY = timedelta(hours=24)
REMOVAL_REASONS = ("CONSENT_WITHDRAWN", "REPLACED", "ACCOUNT_CLOSED", "DECEASED", "OTHER")
UNREADABLE_ID = "(unreadable)"

_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,35}")
END_TO_END_ID = re.compile(r"[A-Za-z0-9]{1,35}")
_DEBTOR_ACCOUNT = re.compile(r"[A-Za-z0-9.]{1,34}")
BANK_BIN = re.compile(r"[0-9]{6}")
ACCOUNT = re.compile(r"[A-Za-z0-9]{1,19}")
NATIONAL_ID = re.compile(r"[0-9]{12}")
_OLD_ID_NUMBER = re.compile(r"[0-9]{9}")
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
CONSENT_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
_REASON = re.compile(r"[A-Z0-9]{4,10}")
_BANK_REFERENCE = re.compile(r"[A-Z0-9]{1,35}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class NotOfContract(ValueError):
    """A member of an answer or callback is missing or wrong; the text names the member and never its value."""


# --- What we send ----------------------------------------------------------------------------------------------------
def credits_message(
    *,
    message_id: str,
    created_at: datetime,
    not_after: datetime,
    debtor_account: str,
    transfers: Sequence[TransferInstruction],
) -> bytes:
    """The body of `POST /credits`.

    Raises:
        MessageRefused: It breaks the contract; `lines` names the transfers at fault.
    """
    problems = [
        *_problem(0, "message_id", _MESSAGE_ID.fullmatch(message_id)),
        *_problem(0, "debtor_account", _DEBTOR_ACCOUNT.fullmatch(debtor_account)),
        *_problem(0, "not_after", _is_soon(created_at, not_after)),
        *_problem(0, "number_of_transactions", 1 <= len(transfers) <= MAXIMUM_LINES),
    ]
    counts = Counter(transfer.end_to_end_id for transfer in transfers)
    for line, transfer in enumerate(transfers, start=1):
        amount = transfer.instructed_amount
        end_to_end_id = transfer.end_to_end_id
        problems += _problem(line, "end_to_end_id", END_TO_END_ID.fullmatch(end_to_end_id))
        problems += _problem(line, "end_to_end_id", counts[end_to_end_id] == 1, "stands twice")
        problems += _problem(line, "amount", type(amount) is int and 1 <= amount <= MAXIMUM_AMOUNT)
        problems += _problem(line, "bank_bin", BANK_BIN.fullmatch(transfer.creditor_agent))
        problems += _problem(line, "account_number", ACCOUNT.fullmatch(transfer.creditor_account))
        problems += _problem(line, "creditor_name", is_text(transfer.creditor_name, 1, LONGEST_NAME))
        problems += _problem(line, "remittance_text", is_text(transfer.remittance_information, 0, 140))
    if problems:
        raise MessageRefused("INVALID_MESSAGE", problems=tuple(problems))
    body = orjson.dumps(
        {
            "message_id": message_id,
            "created_at": write_instant(created_at),
            "not_after": write_instant(not_after),
            "debtor_account": debtor_account,
            "number_of_transactions": len(transfers),
            "control_sum": sum(transfer.instructed_amount for transfer in transfers),
            "credits": [
                {
                    "end_to_end_id": transfer.end_to_end_id,
                    "amount": transfer.instructed_amount,
                    "bank_bin": transfer.creditor_agent,
                    "account_number": transfer.creditor_account,
                    "creditor_name": transfer.creditor_name,
                    "remittance_text": transfer.remittance_information,
                }
                for transfer in transfers
            ],
        }
    )
    if len(body) > MAXIMUM_BODY:
        raise MessageRefused("TOO_LARGE")
    return body


def inquiry_message(end_to_end_ids: Sequence[str]) -> bytes:
    """The body of `POST /inquiries`; raises MessageRefused as `credits_message` does."""
    problems = _problem(0, "end_to_end_ids", 1 <= len(end_to_end_ids) <= MAXIMUM_LINES)
    counts = Counter(end_to_end_ids)
    for line, end_to_end_id in enumerate(end_to_end_ids, start=1):
        problems += _problem(line, "end_to_end_id", END_TO_END_ID.fullmatch(end_to_end_id))
        problems += _problem(line, "end_to_end_id", counts[end_to_end_id] == 1, "stands twice")
    if problems:
        raise MessageRefused("INVALID_MESSAGE", problems=tuple(problems))
    return orjson.dumps({"end_to_end_ids": list(end_to_end_ids)})


def enquiry_message(
    *, enquiry_id: str, creditor_agent: str, creditor_account: str, national_id: str | None, old_id_number: str | None
) -> bytes:
    """The body of `POST /accounts/verify`; raises Refused when it breaks the contract."""
    _refuse(
        *_problem(0, "enquiry_id", EXTERNAL_ID.fullmatch(enquiry_id)),
        *_problem(0, "bank_bin", BANK_BIN.fullmatch(creditor_agent)),
        *_problem(0, "account_number", ACCOUNT.fullmatch(creditor_account)),
        *_problem(0, "national_id", national_id is None or NATIONAL_ID.fullmatch(national_id)),
        *_problem(0, "old_id_number", old_id_number is None or _OLD_ID_NUMBER.fullmatch(old_id_number)),
    )
    return orjson.dumps(
        {
            "enquiry_id": enquiry_id,
            "bank_bin": creditor_agent,
            "account_number": creditor_account,
            "national_id": national_id,
            "old_id_number": old_id_number,
        }
    )


def link_message(
    *,
    link_id: str,
    creditor_agent: str,
    creditor_account: str,
    national_id: str,
    holder_name: str,
    consent_token: str,
    consent_given_at: datetime,
) -> bytes:
    """The body of `POST /links`; raises Refused when it breaks the contract."""
    _refuse(
        *_problem(0, "link_id", EXTERNAL_ID.fullmatch(link_id)),
        *_problem(0, "bank_bin", BANK_BIN.fullmatch(creditor_agent)),
        *_problem(0, "account_number", ACCOUNT.fullmatch(creditor_account)),
        *_problem(0, "national_id", NATIONAL_ID.fullmatch(national_id)),
        *_problem(0, "holder_name", is_text(holder_name, 1, LONGEST_NAME)),
        *_problem(0, "consent_token", CONSENT_TOKEN.fullmatch(consent_token)),
        *_problem(0, "consent_given_at", consent_given_at.tzinfo is not None),
    )
    return orjson.dumps(
        {
            "link_id": link_id,
            "bank_bin": creditor_agent,
            "account_number": creditor_account,
            "national_id": national_id,
            "holder_name": holder_name,
            "consent_token": consent_token,
            "consent_given_at": write_instant(consent_given_at),
        }
    )


def removal_message(*, link_id: str, reason: str) -> bytes:
    """The body of `POST /links/{link_id}/remove`; raises Refused when it breaks the contract."""
    _refuse(*_problem(0, "link_id", EXTERNAL_ID.fullmatch(link_id)), *_problem(0, "reason", reason in REMOVAL_REASONS))
    return orjson.dumps({"reason": reason})


def write_instant(moment: datetime) -> str:
    """RFC 3339 in UTC with `Z` and milliseconds, rounded down so that no validity grows."""
    if moment.tzinfo is None:
        raise ValueError("An instant needs a time zone.")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _problem(line: int, name: str, fine: object, problem: str = "breaks the contract") -> list[Problem]:
    return [] if fine else [Problem(line, name, problem)]


def _refuse(*problems: Problem) -> None:
    if problems:
        raise Refused("INVALID_MESSAGE", problems=problems)


def _is_soon(created_at: datetime, not_after: datetime) -> bool:
    return not_after.tzinfo is not None and created_at < not_after <= created_at + LONGEST_VALIDITY


def is_text(value: str, shortest: int, longest: int) -> bool:
    """Unicode NFC of that many characters, none of them a control, a lone surrogate or unassigned."""
    if not shortest <= len(value) <= longest:
        return False
    if value.isascii():
        return value.isprintable()
    return unicodedata.is_normalized("NFC", value) and not any(
        unicodedata.category(char) in _UNSENDABLE for char in value
    )


_UNSENDABLE = frozenset({"Cc", "Cs", "Cn", "Co", "Zl", "Zp"})


# --- What we read ----------------------------------------------------------------------------------------------------
def read_instant(document: Mapping[str, Any], name: str) -> datetime:
    """A member that is an RFC 3339 instant in UTC."""
    value = document.get(name)
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise NotOfContract(name)
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise NotOfContract(name) from None


def read_day(document: Mapping[str, Any], name: str) -> date:
    """A member that is a date."""
    value = document.get(name)
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise NotOfContract(name)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise NotOfContract(name) from None


def read_text(document: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    """A member that is text of a form."""
    value = document.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise NotOfContract(name)
    return value


def read_name(document: Mapping[str, Any], name: str) -> str:
    """A member that is a person's name, up to 140 characters, without controls; as NFC."""
    value = document.get(name)
    if not isinstance(value, str) or not is_text(unicodedata.normalize("NFC", value), 1, 140):
        raise NotOfContract(name)
    return unicodedata.normalize("NFC", value)


def read_amount(document: Mapping[str, Any], name: str = "amount") -> int:
    """A member that is a whole number of đồng; true, 1.0 and "1" are none."""
    value = document.get(name)
    if type(value) is not int or not 1 <= value <= MAXIMUM_AMOUNT:
        raise NotOfContract(name)
    return value


def read_list(document: Mapping[str, Any], name: str) -> list[Any]:
    """A member that is a list."""
    value = document.get(name)
    if not isinstance(value, list):
        raise NotOfContract(name)
    return value


def read_status(result: Mapping[str, Any], *, may_be_unknown: bool = False) -> TransferAnswer:
    """One result of 3.1 or item of 5.1; `may_be_unknown` admits the NOTFOUND of an inquiry.

    Raises:
        NotOfContract: A member is wrong, the status is not in our table, or reason and status contradict each other.
    """
    end_to_end_id = read_text(result, "end_to_end_id", END_TO_END_ID)
    status = result.get("status")
    reason = result.get("reason")
    if status == NOT_FOUND and may_be_unknown:
        if not (result.get("amount") is result.get("at") is reason is None):
            raise NotOfContract("status")
        return TransferAnswer(end_to_end_id, NOT_FOUND, None, None, None)
    if not isinstance(status, str) or status not in TRANSACTION_STATUSES:
        raise NotOfContract("status")
    # A rejection without a reason could be a rejected duplicate, and a reason with another status contradicts it.
    if status == REJECTED:
        reason = read_text(result, "reason", _REASON)
    elif reason is not None:
        raise NotOfContract("reason")
    returned = result.get("return")
    if returned is not None and not (may_be_unknown and isinstance(returned, dict)):
        raise NotOfContract("return")
    answer = TransferAnswer(
        end_to_end_id=end_to_end_id,
        transaction_status=status,
        status_reason=reason,
        instructed_amount=read_amount(result),
        at=read_instant(result, "at"),
        returned=read_return(returned) if returned is not None else None,
        bank_reference=None
        if result.get("bank_reference") is None
        else read_text(result, "bank_reference", _BANK_REFERENCE),
    )
    if answer.returned and (answer.returned.end_to_end_id, answer.returned.instructed_amount) != (
        answer.end_to_end_id,
        answer.instructed_amount,
    ):
        raise NotOfContract("return")
    return answer


def read_return(item: Mapping[str, Any]) -> ReturnNotice:
    """One item of 5.2; raises NotOfContract."""
    return ReturnNotice(
        return_id=read_text(item, "return_id", EXTERNAL_ID),
        end_to_end_id=read_text(item, "end_to_end_id", END_TO_END_ID),
        instructed_amount=read_amount(item),
        status_reason=read_text(item, "reason", _REASON),
        at=read_instant(item, "at"),
        value_date=read_day(item, "value_date"),
    )


def read_results(
    *, message_id: str, answered_at: datetime, results: list[Any], expected: Mapping[str, int | None], inquiry: bool
) -> BulkAnswer:
    """Sort the results of a message or inquiry: what may be applied, and why the rest may not.

    `expected` maps each of our ids to its amount, or to None where no amount is known to compare.
    """
    sightings: Counter[str] = Counter()
    foreign: set[str] = set()
    unreadable: set[str] = set()
    mismatched: set[str] = set()
    believed: dict[str, TransferAnswer] = {}
    for result in results:
        end_to_end_id = result.get("end_to_end_id") if isinstance(result, dict) else None
        if not isinstance(end_to_end_id, str) or end_to_end_id not in expected:
            known = isinstance(end_to_end_id, str) and END_TO_END_ID.fullmatch(end_to_end_id)
            foreign.add(str(end_to_end_id) if known else UNREADABLE_ID)
            continue
        sightings[end_to_end_id] += 1
        try:
            answer = read_status(result, may_be_unknown=inquiry)
        except NotOfContract:
            unreadable.add(end_to_end_id)
            continue
        amount = expected[end_to_end_id]
        if answer.transaction_status != NOT_FOUND and amount is not None and answer.instructed_amount != amount:
            mismatched.add(end_to_end_id)
            continue
        believed[end_to_end_id] = answer
    duplicates = {end_to_end_id for end_to_end_id, times in sightings.items() if times > 1}
    return BulkAnswer(
        message_id=message_id,
        answered_at=answered_at,
        answers=tuple(answer for end_to_end_id, answer in believed.items() if end_to_end_id not in duplicates),
        missing=frozenset(expected.keys() - sightings.keys()),
        duplicates=frozenset(duplicates),
        mismatched=frozenset(mismatched - duplicates),
        unreadable=frozenset(unreadable - duplicates),
        foreign=frozenset(foreign),
    )
