"""Who holds which account: the register behind name enquiries, and the enquiry itself (contract, sections 4.1 and
4.2)."""

import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from mock_gateway import scenarios
from mock_gateway.banks import banks
from mock_gateway.messages import Enquiry, Refusal, invalid
from mock_gateway.people import citizens

MEMBERS = frozenset({"bank_bin", "account_number", "national_id", "holder_name", "status"})
STATUSES = frozenset({"ACTIVE", "CLOSED", "BLOCKED", "DORMANT"})
TYPES = frozenset({"PAYMENT", "SAVINGS", "CARD", "FOREIGN_CURRENCY"})
PORTION = 5_000

REGISTER = "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (bank_bin, account_number) "
OVERWRITE = """
DO UPDATE SET national_id = excluded.national_id, holder_name = excluded.holder_name, status = excluded.status,
  account_type = excluded.account_type
"""

AccountRow = tuple[str, str, str, str, str, str]


class Answer(NamedTuple):
    """What a bank says to a name enquiry: a name, or a code of section 4.2."""

    holder_name: str | None
    code: str | None = None


def enquire(connection: sqlite3.Connection, enquiry: Enquiry, *, retry_after: int = 1) -> Answer:
    """Look an account up as its bank would.

    Raises:
        Refusal: 503 `TEMPORARY`.
    """
    if enquiry.bank_bin not in banks():
        return Answer(None, "BANK_NOT_SUPPORTED")
    code = scenarios.REFUSALS.get(scenarios.code_of(enquiry.account_number))
    if code == scenarios.TEMPORARY:
        raise Refusal(503, code, "the bank is busy", retry_after=retry_after)
    if code is not None:
        return Answer(None, code)
    row = connection.execute(
        "SELECT * FROM accounts WHERE bank_bin = ? AND account_number = ?", (enquiry.bank_bin, enquiry.account_number)
    ).fetchone()
    if row is None:
        holder = _scenario_holder(connection, enquiry)
        return Answer(None, "ACC_NOT_FOUND") if holder is None else Answer(_said(holder, enquiry.account_number))
    code = _held_against(row, enquiry)
    return Answer(None, code) if code else Answer(_said(row["holder_name"], enquiry.account_number))


def _held_against(row: sqlite3.Row, enquiry: Enquiry) -> str | None:
    """Why a registered account is refused."""
    if row["account_type"] != "PAYMENT":
        return "ACC_TYPE"
    if row["status"] != "ACTIVE":
        return "ACC_INACTIVE"
    if enquiry.national_id is not None and row["national_id"] not in (enquiry.national_id, enquiry.old_id_number):
        return "ID_MISMATCH"
    return None


def _scenario_holder(connection: sqlite3.Connection, enquiry: Enquiry) -> str | None:
    """A scenario's number needs no register entry: it belongs to the person asked about, when the gateway knows that
    person."""
    if enquiry.national_id is None or not scenarios.is_scenario(enquiry.account_number):
        return None
    citizen = citizens().get(enquiry.national_id)
    if citizen is not None:
        return citizen.name
    row = connection.execute(
        "SELECT holder_name FROM accounts WHERE national_id = ? LIMIT 1", (enquiry.national_id,)
    ).fetchone()
    return None if row is None else str(row[0])


def _said(holder: str, account_number: str) -> str:
    """The name as this bank writes it."""
    code = scenarios.code_of(account_number)
    if code == scenarios.OTHER_NAME:
        return bank_letters(scenarios.OTHER_HOLDER)
    name = bank_letters(holder)
    return near_name(name, int(account_number[-5:-4] or "0", 36)) if code == scenarios.NEAR_NAME else name


def bank_letters(name: str) -> str:
    """Capitals without marks, as core banking systems keep Vietnamese names."""
    plain = name.replace("Đ", "D").replace("đ", "d").replace("Ð", "D")
    decomposed = unicodedata.normalize("NFD", plain)
    spaced = "".join(" " if letter.isspace() or letter == "-" else letter for letter in decomposed)
    return " ".join("".join(letter for letter in spaced if letter.isalnum() or letter == " ").upper().split())


def near_name(name: str, variant: int) -> str:
    """The same person's name as banks garble it: i for y, given name first, cut short, or run together."""
    tokens = name.split()
    last = tokens[-1]
    swapped = {"I": "Y", "Y": "I"}.get(last[-1])
    given_first = " ".join([last, *tokens[:-1]])
    variants = [
        " ".join([*tokens[:-1], last[:-1] + swapped]) if swapped else given_first,
        given_first,
        name[: max(len(name) - 3, 1)].rstrip(),
        " ".join([tokens[0], "".join(tokens[1:])]),
    ]
    return variants[variant % len(variants)]


def read_accounts(lines: Iterable[bytes], *, first: int = 1) -> Iterator[AccountRow]:
    """Read JSON lines of accounts, numbered from `first`.

    Raises:
        Refusal: 400 with the number of the first bad line.
    """
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        try:
            item = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise invalid(f"line {number}", "is not JSON") from error
        problem = _problem(item)
        if problem:
            raise invalid(f"line {number}", problem)
        account_type = item.get("account_type", "PAYMENT")
        yield (
            item["bank_bin"],
            item["account_number"],
            item["national_id"],
            item["holder_name"],
            item["status"],
            account_type,
        )


def _problem(item: Any) -> str | None:
    if not isinstance(item, dict) or not MEMBERS <= item.keys() <= MEMBERS | {"account_type"}:
        return f"must have the members {', '.join(sorted(MEMBERS))} and may have account_type"
    if not all(isinstance(value, str) and value for value in item.values()):
        return "has a member that is not a text"
    if item["status"] not in STATUSES or item.get("account_type", "PAYMENT") not in TYPES:
        return f"status is one of {', '.join(sorted(STATUSES))}, account_type one of {', '.join(sorted(TYPES))}"
    return None


def register(connection: sqlite3.Connection, rows: Iterable[AccountRow], *, replace: bool = True) -> int:
    """Put accounts into the register; one that is there already is brought up to date, or left as it is."""
    before = connection.total_changes
    connection.executemany(REGISTER + (OVERWRITE if replace else "DO NOTHING"), rows)
    return connection.total_changes - before


def register_citizens(connection: sqlite3.Connection) -> None:
    """Give the demonstration's citizens their accounts, where nobody changed them."""
    register(
        connection,
        [
            (account.bank_bin, account.account_number, citizen.national_id, citizen.name, "ACTIVE", "PAYMENT")
            for citizen in citizens().values()
            for account in citizen.accounts
        ],
        replace=False,
    )
