"""The citizens of the demonstration: invented, all living in one real ward, with accounts for the good case and for
every refusal."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import orjson

WARD_CODE = "26743"
WARD_NAME = "Phường Bến Thành"
REGION = "Thành phố Hồ Chí Minh"
PROVINCE_CODE = "79"


class DemoAccount(NamedTuple):
    """An account of a citizen, and what it is there to show."""

    bank_bin: str
    account_number: str
    about: str


class Citizen(NamedTuple):
    """What the population database and VNeID know of a person."""

    national_id: str
    passcode: str
    eid_level: int
    name: str
    birthdate: str
    gender: str
    phone_number: str
    street_address: str
    about: str
    accounts: tuple[DemoAccount, ...]

    @property
    def sub(self) -> str:
        """VNeID's name for the person: the same for ever, and not the ID number."""
        return hashlib.blake2b(f"vneid {self.national_id}".encode(), digest_size=16).hexdigest()

    @property
    def address(self) -> dict[str, str]:
        """The permanent residence as an OpenID Connect address claim."""
        return {
            "formatted": f"{self.street_address}, {WARD_NAME}, {REGION}",
            "street_address": self.street_address,
            "locality": WARD_NAME,
            "ward_code": WARD_CODE,
            "region": REGION,
            "province_code": PROVINCE_CODE,
            "country": "VN",
        }

    @property
    def born(self) -> str:
        """The birth date as people write it, as far as it is known."""
        return "/".join(reversed(self.birthdate.split("-")))


@cache
def citizens() -> Mapping[str, Citizen]:
    """All of them by ID number."""
    rows = orjson.loads(resources.files("mock_gateway").joinpath("data/citizens.json").read_bytes())
    return {row["national_id"]: _citizen(row) for row in rows}


def _citizen(row: dict[str, Any]) -> Citizen:
    return Citizen(**{**row, "accounts": tuple(DemoAccount(**account) for account in row["accounts"])})
