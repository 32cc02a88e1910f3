"""The day's statements, one an account: fetched from the gateway, then read, checked, matched and taken up by the import."""

from dataclasses import dataclass

from foundation.audit import clock
from foundation.gateway.client import gateway
from foundation.users import access
from payments.models import Statement, StatementFile
from payments.operations import import_statements, statement_files
from payments.statement_states import FileState
from welfare_portal.bench.office import Office


class NotImported(Exception):
    """A statement of the run's own gateway was refused."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A statement that came whole and waits to be imported."""

    file_id: int
    account: str
    content: bytes


def fetch_all(office: Office) -> list[Fetched]:
    """The statements of today for every account, in the order in which they will be imported. Nothing of this is measured."""
    today = clock.now().astimezone(access.CITY_TIME).date()
    statement_files.order_statements(first=today, last=today, by=office.accountant, at=clock.now())
    bank = gateway()
    while statement_files.fetch_one(gateway=bank):
        pass
    received = StatementFile.objects.filter(state=FileState.RECEIVED).order_by("id")
    return [
        Fetched(file.pk, file.account, b"".join(statement_files.stored_content(file_id=file.pk))) for file in received
    ]


def import_next(fetched: Fetched) -> None:
    """Import the statement whose turn it is.

    Raises:
        NotImported: It was not this one, or it was refused.
    """
    import_statements.import_one()
    file = StatementFile.objects.get(pk=fetched.file_id)
    if file.state != FileState.IMPORTED:
        raise NotImported(f"{file.account}: {file.state} {file.refusal}")


def statement_of(fetched: Fetched) -> int:
    """The row that an imported statement became."""
    return int(Statement.objects.values_list("id", flat=True).get(file_id=fetched.file_id))
