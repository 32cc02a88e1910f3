"""The code tables that a list is checked against, read once: a few hundred rows for any number of lines."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from beneficiaries.models import ProgrammeLine, Rate
from beneficiaries.register_file.columns import folded
from foundation.reference.models import Bank, IdentityPrefix, Neighbourhood, Unit, UnitAlias
from foundation.reference.names import place_key
from foundation.reference.rates import RateTable


@dataclass(frozen=True, slots=True)
class LineTable:
    """What the check needs of a programme line; ages in full years, `max_age` exclusive."""

    id: int
    code: str
    programme: str
    standard: str
    coefficient: Decimal
    counted_unit: str
    period: str
    payee_role: str
    min_age: int | None
    max_age: int | None
    valid_from: datetime.date
    valid_to: datetime.date | None


@dataclass(frozen=True, slots=True)
class BankTable:
    """A bank as the check needs it; `bin` is the one that fingerprints are made with."""

    bin: str
    short_name: str
    payable: bool


@dataclass(frozen=True)
class Tables:
    """Everything that a ward's list may name. Lookups are by what officers write: names in any capitals, or codes."""

    unit_code: str
    unit_name: str
    units: Mapping[str, str]
    neighbourhoods: Mapping[str, int]
    banks: Mapping[str, BankTable]
    lines: Mapping[str, LineTable]
    prefixes: frozenset[str]
    rates: RateTable

    def bank(self, text: str) -> BankTable | None:
        """The bank that a BIN, code, name or alias names; `Ngân hàng`, `NH` and `TMCP` in front do not count."""
        plain = folded(text)
        found = self.banks.get(plain)
        while found is None:
            for prefix in ("ngan hang ", "nh ", "tmcp ", "tnhh mtv ", "bank "):
                if plain.startswith(prefix):
                    plain = plain.removeprefix(prefix)
                    found = self.banks.get(plain)
                    break
            else:
                return None
        return found

    def neighbourhood(self, text: str) -> int | None:
        """The id of the unit's khu phố or ấp of that name; `KP 3`, `3` and `Khu phố 03` are all `Khu phố 3`."""
        exact = self.neighbourhoods.get(place_key(text))
        if exact is not None:
            return exact
        for name in (f"Khu phố {text}", f"Ấp {text}", f"Khu phố {folded(text).removeprefix('kp').strip()}"):
            found = self.neighbourhoods.get(place_key(name))
            if found is not None:
                return found
        return None

    @cached_property
    def unit_keys(self) -> frozenset[str]:
        """The keys of what may stand in a unit column for this unit: its code, its name with and without its kind."""
        return frozenset(key for key, code in self.units.items() if code == self.unit_code)


def unit_keys(code: str, name: str, full_name: str) -> tuple[str, ...]:
    """How a unit is recognised: by code, or by name with its marks (Thanh An and Thạnh An are two communes)."""
    return code, place_key(name), place_key(full_name)


def line_key(code: str) -> str:
    """A programme line's code as it is looked up: capitals, no spaces; the plus counts, `KT-A+` is not `KT-A`."""
    return "".join(code[:60].upper().replace("–", "-").split())


def load_tables(unit_code: str, *, day: datetime.date) -> Tables:
    """The tables as they hold on `day` for a list of the unit.

    Raises:
        Unit.DoesNotExist: There is no such unit on that day.
    """
    unit = Unit.objects.valid_on(day).get(code=unit_code)
    units: dict[str, str] = {}
    for other in Unit.objects.valid_on(day):
        units.update(dict.fromkeys(unit_keys(other.code, other.name, other.full_name), other.code))
    # A former name serves where the whole former unit went into one of today's; never in place of a present name.
    for alias in UnitAlias.objects.filter(whole=True):
        units.setdefault(place_key(alias.old_name), alias.unit_id)
    return Tables(
        unit_code=unit.code,
        unit_name=unit.full_name,
        units=units,
        neighbourhoods={
            place_key(name): pk
            for pk, name in Neighbourhood.objects.valid_on(day).filter(unit=unit).values_list("pk", "name")
        },
        banks=_banks(day),
        lines={
            line_key(line.code): LineTable(
                id=line.pk,
                code=line.code,
                programme=line.programme.code,
                standard=line.standard,
                coefficient=line.coefficient,
                counted_unit=line.counted_unit,
                period=line.period,
                payee_role=line.payee_role,
                min_age=line.min_age,
                max_age=line.max_age,
                valid_from=line.valid_from,
                valid_to=line.valid_to,
            )
            for line in ProgrammeLine.objects.select_related("programme")
        },
        prefixes=frozenset(IdentityPrefix.objects.values_list("code", flat=True)),
        rates=RateTable(Rate.objects.all()),
    )


def _banks(day: datetime.date) -> dict[str, BankTable]:
    """Banks by every way to write them; where a bank has two BINs, both mean the one that it was issued."""
    found: dict[str, BankTable] = {}
    for bank in Bank.objects.valid_on(day).order_by("bin"):
        entry = BankTable(bank.bin, bank.short_name, bank.payable)
        for name in (bank.bin, bank.short_name, bank.code, bank.name, *bank.aliases):
            key = folded(name)
            # A bank with two BINs has one of its own and one that only routes: an account must not have two names.
            if bank.routing_bin:
                found[key] = found[bank.routing_bin] = entry
            found.setdefault(key, entry)
            found.setdefault(key.removeprefix("ngan hang ").removeprefix("tmcp "), entry)
    return found
