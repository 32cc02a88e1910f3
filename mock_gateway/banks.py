"""The banks and wallets that the gateway reaches: a BIN outside this list is an unknown bank."""

import csv
from functools import cache
from importlib import resources
from typing import NamedTuple


class Bank(NamedTuple):
    """A bank or wallet that can hold a payment account; finance companies cannot and are not listed."""

    bin: str
    short_name: str
    name: str


@cache
def banks() -> dict[str, Bank]:
    """All reachable banks by BIN, in the order of the list."""
    text = resources.files("mock_gateway").joinpath("data/banks.csv").read_text(encoding="utf-8")
    return {row["bin"]: Bank(row["bin"], row["short_name"], row["name"]) for row in csv.DictReader(text.splitlines())}
