"""The code tables as files: `national/` holds what is the same everywhere, `city/` what is Ho Chi Minh City's own.

Each CSV has a header of field names; days are ISO, an empty cell is "not given". A file that breaks this is a fault of
the release, so reading raises at once and nothing is loaded.
"""

import csv
import datetime
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NATIONAL = HERE / "national"
CITY = HERE / "city"


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    """A scheme; `public_name` is neutral: it says nothing of health or violence."""

    code: str
    name: str
    public_name: str
    period: str
    authority: str
    legal_basis: str
    valid_from: datetime.date
    valid_to: datetime.date | None


@dataclass(frozen=True, slots=True)
class ProgrammeLineRow:
    """A group of people in a scheme. The month's amount is the rate of `standard` times `coefficient`.

    `unit` is what one coefficient counts (PERSON, CHILD, HOUSEHOLD, DAY); `min_age` is inclusive and `max_age`
    exclusive, in full years of the beneficiary; `payee` is SELF, CARER, HOUSEHOLDER or ORGANISER; `sensitive` lines
    tell of health or violence and show only `public_name` outside the office.
    """

    code: str
    programme: str
    name: str
    name_en: str
    coefficient: Decimal
    standard: str
    unit: str
    period: str
    min_age: int | None
    max_age: int | None
    payee: str
    sensitive: bool
    public_name: str
    legal_basis: str
    valid_from: datetime.date
    valid_to: datetime.date | None


@dataclass(frozen=True, slots=True)
class RateRow:
    """A standard amount in đồng, from a day to a day (both inclusive). Of NATIONAL and CITY the larger is paid.

    `confidence`: V read in the law or in an official paper, R in a secondary source, K own knowledge.
    """

    scope: str
    standard: str
    amount: int
    valid_from: datetime.date
    valid_to: datetime.date | None
    legal_basis: str
    confidence: str


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file as text by header name.

    Raises:
        ValueError: A row is longer or shorter than the header.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(
                    f"{path.name}, line {reader.line_num}: the number of cells differs from the header's."
                )
            yield row


def day(text: str) -> datetime.date | None:
    """An ISO day, or None for an empty cell."""
    return datetime.date.fromisoformat(text) if text else None


def programmes(city: Path = CITY) -> list[ProgrammeRow]:
    """The city's schemes, in the order of the file."""
    return [
        ProgrammeRow(**row | {"valid_from": _first_day(row), "valid_to": day(row["valid_to"])})  # type: ignore[arg-type]
        for row in rows(city / "programmes.csv")
    ]


def programme_lines(city: Path = CITY) -> list[ProgrammeLineRow]:
    """The lines of the city's schemes. A line with an amount of its own (a table, a fixed sum) is its own standard."""
    lines = []
    for row in rows(city / "programme_lines.csv"):
        own = row["base"] in {"FIXED", "TABLE"}
        lines.append(
            ProgrammeLineRow(
                code=row["code"],
                programme=row["programme"],
                name=row["name"],
                name_en=row["name_en"],
                coefficient=Decimal(row["coefficient"] or 1),
                standard=row["code"] if own else row["base"],
                unit=row["unit"],
                period=row["period"],
                min_age=int(row["min_age"]) if row["min_age"] else None,
                max_age=int(row["max_age"]) if row["max_age"] else None,
                payee=row["payee"],
                sensitive=row["sensitive"] == "1",
                public_name=row["public_name"],
                legal_basis=row["legal_basis"],
                valid_from=_first_day(row),
                valid_to=day(row["valid_to"]),
            )
        )
    return lines


def rates(city: Path = CITY) -> list[RateRow]:
    """All dated amounts of the whole city: standards of nation and city, merit tables, fixed sums.

    Standards of a former province (`area`) are left out: they are history for arrears of before 1/9/2025 and would
    overlap the city's own.
    """
    found = [_rate("NATIONAL", row["code"], row) for row in rows(NATIONAL / "standards.csv")] + [
        _rate("CITY", row["code"], row) for row in rows(city / "standards.csv") if not row["area"]
    ]
    found += [_rate("NATIONAL", row["line"], row) for row in rows(NATIONAL / "merit_rates.csv")]
    found += [
        _rate("NATIONAL", row["code"], row | {"confidence": "V"})
        for row in rows(city / "programme_lines.csv")
        if row["base"] == "FIXED"
    ]
    return found


def city_texts(city: Path = CITY) -> dict[str, Any]:
    """Names, help line, headings, titles and seal texts of the city: the tables of `city.toml`."""
    return tomllib.loads((city / "city.toml").read_text(encoding="utf-8"))


def _first_day(row: dict[str, str]) -> datetime.date:
    return datetime.date.fromisoformat(row["valid_from"])


def _rate(scope: str, standard: str, row: dict[str, str]) -> RateRow:
    return RateRow(
        scope=scope,
        standard=standard,
        amount=int(row["amount"]),
        valid_from=_first_day(row),
        valid_to=day(row["valid_to"]),
        legal_basis=row["legal_basis"],
        confidence=row["confidence"],
    )
