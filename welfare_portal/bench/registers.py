"""Wards' lists as files, and bringing them in: checked with a preview, then written, as an officer does."""

import datetime
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from beneficiaries.operations import import_register
from foundation.audit import clock
from welfare_portal.bench.office import PERIOD, Office
from welfare_portal.demo.list_file import write_xlsx
from welfare_portal.demo.people import ListedPerson, generate_people

SEED = 5


class NotInOrder(Exception):
    """The invented list has errors."""


def write_lists(directory: Path, *, units: list[str], lines: int, period: datetime.date = PERIOD) -> Iterator[bytes]:
    """One list a unit, of `lines` people each whom no other list has; written when its turn has come."""
    people: Iterator[ListedPerson] = generate_people(SEED, lines * len(units), units[0], period=period)
    for unit in units:
        path = directory / f"list-{unit}.xlsx"
        write_xlsx(path, islice(people, lines), ward_code=unit, period=period)
        yield path.read_bytes()


def bring_in(office: Office, *, content: bytes, unit: str, period: datetime.date = PERIOD) -> None:
    """Check a list and write it into the register.

    Raises:
        NotInOrder: It has errors.
    """
    preview = import_register.check_register(
        content=content, file_name="list.xlsx", unit_code=unit, period=period, by=office.preparer, at=clock.now()
    )
    if preview.import_id is None:
        raise NotInOrder(", ".join(str(problem) for problem in preview.findings.stored()))
    import_register.commit_register(import_id=preview.import_id, by=office.preparer, at=clock.now())
