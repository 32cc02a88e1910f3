"""The two doors of the import, as an officer uses them, and the register as it stands."""

import datetime
from typing import Any

from django.db.models import Model

from beneficiaries.models import Entitlement, Payee, PayoutAccount, Person, Representation
from beneficiaries.operations.import_register import Preview, check_register, commit_register
from foundation.audit import clock
from foundation.users.models import User
from tests.factories import PERIOD, WARD

REGISTER: tuple[type[Model], ...] = (Person, Payee, Representation, Entitlement, PayoutAccount)
SAI_GON = "26740"
DECEMBER = datetime.date(2026, 12, 1)


def check(
    officer: User, content: bytes, *, unit: str = WARD, period: datetime.date = PERIOD, name: str = "danh-sach.xlsx"
) -> Preview:
    return check_register(content=content, file_name=name, unit_code=unit, period=period, by=officer, at=clock.now())


def write(officer: User, preview: Preview) -> dict[str, int]:
    assert preview.import_id is not None, preview.findings.groups()
    return commit_register(import_id=preview.import_id, by=officer, at=clock.now())


def commit(officer: User, content: bytes, *, period: datetime.date = PERIOD) -> dict[str, int]:
    return write(officer, check(officer, content, period=period))


def register() -> list[list[Any]]:
    """Every row of the register, whole."""
    rows = [list(row) for model in REGISTER for row in model._default_manager.order_by("pk").values_list()]
    return [[bytes(value) if isinstance(value, memoryview) else value for value in row] for row in rows]


def codes(preview: Preview) -> set[str]:
    return {problem.code for problem in preview.findings.kept}
