"""A month's work of one ward in this very process, to see where the time in the database goes."""

from pathlib import Path

from psycopg2.extensions import connection

from foundation.audit import clock
from foundation.audit.operations import SYSTEM
from foundation.audit.sealing import seal_events
from payments import tasks
from payments.operations import release
from payments.operations.verification.running import verify_books
from payments.states import BatchState
from welfare_portal.bench import city, office, registers, statements
from welfare_portal.bench.plans import Plans
from welfare_portal.bench.servers import servers
from welfare_portal.demo.bank import ControlledGateway
from welfare_portal.demo.main_job import Stuck

ROUNDS = 2  # the second list meets tables that are not empty


def look(*, lines: int, directory: Path) -> Plans:
    """Build, pay, match, verify and import for `lines` people, in two lists, every statement watched.

    Raises:
        Stuck: A list was not paid to its end.
    """
    server: connection = city.owner()
    wards = city.wards(server, people=lines, slices=ROUNDS)
    units = [ward.code for ward in wards]
    city.settle(server, wards)
    desk = office.open_office(units)
    plans = Plans()
    with servers(directory, workers=0):
        for unit in units:
            _pay(desk, unit, plans)
        bank = ControlledGateway()
        try:
            bank.shift_clock(days=1)
            fetched = statements.fetch_all(desk)
            with plans.during("match_statement"):
                for one in fetched:
                    statements.import_next(one)
            while seal_events():
                pass
            with plans.during("verify"):
                verify_books(book=bank.book(), by=SYSTEM)
        finally:
            bank.close()
    for unit, content in zip(units, registers.write_lists(directory, units=units, lines=lines // ROUNDS), strict=True):
        with plans.during("import_list"):
            registers.bring_in(desk, content=content, unit=unit)
    return plans


def _pay(desk: office.Office, unit: str, plans: Plans) -> None:
    with plans.during("build_and_submit"):
        batch = office.build_and_submit(desk, unit)
    office.approve(desk, batch)
    with plans.during("dispatch_to_settled"):
        release.start_batch(batch_id=batch.pk, at=clock.now())
        while tasks.drain(budget_seconds=60):
            pass
    batch.refresh_from_db()
    if batch.state != BatchState.DRAINED:
        raise Stuck(f"batch {batch.pk} is {batch.state}")
