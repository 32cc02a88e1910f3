"""What the gateway tells us of itself (contract 5): one frozen dataclass a kind of callback.

Read when a worker takes the message up, not when it arrives: a signed message that breaks the contract is evidence
and is kept, in quarantine.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from foundation.gateway import wire
from foundation.gateway.port import ReturnNotice, TransferAnswer
from foundation.gateway.wire import NotOfContract

MAXIMUM_ITEMS = 1000
_REMOVAL_REASON = re.compile(r"[A-Z_]{1,40}")


@dataclass(frozen=True, slots=True)
class PaymentStatuses:
    """`payment.status`: news of transfers, in any order; apply by `codes.STATUS_RANK`."""

    statuses: tuple[TransferAnswer, ...]


@dataclass(frozen=True, slots=True)
class PaymentReturns:
    """`payment.return`: credits that came back."""

    returns: tuple[ReturnNotice, ...]


@dataclass(frozen=True, slots=True)
class AccountLinked:
    """`account.linked`: the citizen chose this account in the VNeID app; it may take the place of another link."""

    link_id: str
    national_id: str = field(repr=False)
    creditor_agent: str
    creditor_account: str = field(repr=False)
    holder_name: str = field(repr=False)
    eid_level: int
    consent_token: str = field(repr=False)
    at: datetime
    replaced_link_id: str | None


@dataclass(frozen=True, slots=True)
class AccountRemoved:
    """`account.removed`: the citizen took the link back in the VNeID app."""

    link_id: str
    national_id: str = field(repr=False)
    creditor_agent: str
    creditor_account: str = field(repr=False)
    holder_name: str = field(repr=False)
    eid_level: int
    consent_token: str = field(repr=False)
    at: datetime
    reason: str


Event = PaymentStatuses | PaymentReturns | AccountLinked | AccountRemoved


def read_event(document: Mapping[str, Any]) -> Event:
    """The event in a callback's document.

    Raises:
        NotOfContract: The type is unknown, or a member is missing or wrong.
    """
    kind, data = document.get("type"), document.get("data")
    if not isinstance(kind, str) or kind not in READERS:
        raise NotOfContract("type")
    if not isinstance(data, dict):
        raise NotOfContract("data")
    return READERS[kind](data)


def _read_statuses(data: dict[str, Any]) -> PaymentStatuses:
    return PaymentStatuses(tuple(wire.read_status(item) for item in _items(data, "statuses")))


def _read_returns(data: dict[str, Any]) -> PaymentReturns:
    return PaymentReturns(tuple(wire.read_return(item) for item in _items(data, "returns")))


def _read_linked(data: dict[str, Any]) -> AccountLinked:
    replaced = data.get("replaced_link_id")
    return AccountLinked(
        **_account(data),
        replaced_link_id=wire.read_text(data, "replaced_link_id", wire.EXTERNAL_ID) if replaced is not None else None,
    )


def _read_removed(data: dict[str, Any]) -> AccountRemoved:
    return AccountRemoved(**_account(data), reason=wire.read_text(data, "reason", _REMOVAL_REASON))


def _account(data: dict[str, Any]) -> dict[str, Any]:
    eid_level = data.get("eid_level")
    if type(eid_level) is not int or eid_level not in (1, 2):
        raise NotOfContract("eid_level")
    return {
        "link_id": wire.read_text(data, "link_id", wire.EXTERNAL_ID),
        "national_id": wire.read_text(data, "national_id", wire.NATIONAL_ID),
        "creditor_agent": wire.read_text(data, "bank_bin", wire.BANK_BIN),
        "creditor_account": wire.read_text(data, "account_number", wire.ACCOUNT),
        "holder_name": wire.read_name(data, "holder_name"),
        "eid_level": eid_level,
        "consent_token": wire.read_text(data, "consent_token", wire.CONSENT_TOKEN),
        "at": wire.read_instant(data, "at"),
    }


def _items(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = wire.read_list(data, name)
    if not 1 <= len(items) <= MAXIMUM_ITEMS or not all(isinstance(item, dict) for item in items):
        raise NotOfContract(name)
    return items


READERS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "payment.status": _read_statuses,
    "payment.return": _read_returns,
    "account.linked": _read_linked,
    "account.removed": _read_removed,
}
KINDS = tuple(READERS)
