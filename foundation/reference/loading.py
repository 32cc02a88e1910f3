"""Files into tables: repeatable, one statement a table, and nothing is ever deleted.

A row that left the file stays: people, lists and payments point at it. It ends by its `valid_to`, written in the file.
The functions take the model, so that a migration can hand in the one of its own time.
"""

from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Model

from foundation.reference.files import CITY, NATIONAL, day, rows
from foundation.reference.models import Bank, Holiday, IdentityPrefix, Neighbourhood, Unit, UnitAlias
from foundation.reference.names import place_key


@transaction.atomic
def load_reference(*, city: Path = CITY, demo: bool = False) -> dict[str, int]:
    """Bring every code table to the state of the files; how many rows each file holds.

    `demo` adds the generated khu phố of the demonstration ward, which no real city should see.
    """
    counts = {
        "units": load_units(Unit, city=city),
        "banks": load_banks(Bank),
        "identity_prefixes": load_identity_prefixes(IdentityPrefix),
        "holidays": load_holidays(Holiday),
        "unit_aliases": load_unit_aliases(UnitAlias, city=city),
    }
    if demo:
        counts["neighbourhoods"] = load_neighbourhoods(Neighbourhood, city / "demo_neighbourhoods.csv")
    return counts


def load_units(model: Any, *, city: Path = CITY) -> int:
    """Wards, communes and special zones of the city, by code."""
    found = [
        model(
            code=row["code"],
            name=row["name"],
            kind=row["kind"],
            province_code=row["province_code"],
            sort_key=place_key(row["name"]),
            valid_from=day(row["valid_from"]),
            valid_to=day(row["valid_to"]),
        )
        for row in rows(city / "units.csv")
    ]
    return _upsert(model, found, key=["code"])


def load_banks(model: Any) -> int:
    """Banks and wallets of the country, by BIN; a migration's model may be of before a column was there."""
    known = {field.name for field in model._meta.concrete_fields}
    found = [
        model(
            bin=row["bin"],
            code=row["code"],
            short_name=row["short_name"],
            name=row["name"],
            kind=row["kind"],
            aliases=[alias for alias in row["aliases"].split("|") if alias],
            payable=row["payable"] == "1",
            routing_bin=row["routing_bin"],
            in_vneid_from=day(row["in_vneid_from"]),
            in_vneid_to=day(row["in_vneid_to"]),
            note=row["note"],
            **({"by_gateway": row["by_gateway"] == "1"} if "by_gateway" in known else {}),
        )
        for row in rows(NATIONAL / "banks.csv")
    ]
    return _upsert(model, found, key=["bin"])


def load_identity_prefixes(model: Any) -> int:
    """The 63 domestic prefixes of personal IDs."""
    return _upsert(model, [model(**row) for row in rows(NATIONAL / "identity_prefixes.csv")], key=["code"])


def load_holidays(model: Any) -> int:
    """Holidays and worked Saturdays of the years that have been announced."""
    found = [model(**row | {"date": day(row["date"])}) for row in rows(NATIONAL / "holidays.csv")]
    return _upsert(model, found, key=["date"])


def load_unit_aliases(model: Any, *, city: Path = CITY) -> int:
    """Former units and the ones that hold their people now."""
    found = [
        model(
            old_code=row["old_code"],
            old_name=row["old_name"],
            old_district=row["old_district"],
            unit_id=row["unit_code"],
            whole=row["whole"] == "1",
            valid_from=day(row["valid_from"]),
            valid_to=day(row["valid_to"]),
            source=row["source"],
        )
        for row in rows(city / "unit_aliases.csv")
    ]
    return _upsert(model, found, key=["old_name", "old_district", "old_code", "unit"])


def load_neighbourhoods(model: Any, path: Path) -> int:
    """Khu phố and ấp from a file with unit_code, kind and name."""
    found = [
        model(unit_id=row["unit_code"], kind=row["kind"], name=row["name"], sort_key=place_key(row["name"]))
        for row in rows(path)
    ]
    return _upsert(model, found, key=["unit", "name"])


def _upsert(model: type[Model], found: list[Model], *, key: list[str]) -> int:
    written = [
        field.name
        for field in model._meta.concrete_fields
        if field.name not in key and not field.primary_key and field.name != "id"
    ]
    model._default_manager.bulk_create(found, update_conflicts=True, unique_fields=key, update_fields=written)
    return len(found)
