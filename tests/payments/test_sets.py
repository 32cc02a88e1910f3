"""Work is done on sets: a list of fifty costs the same statements as a list of five."""

from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation.gateway.channels import add_channels
from payments.operations import build, decide, dispatch, release
from tests.factories import VCB, Office, build_batch, make_entitled, make_office
from tests.fake_gateway import FakeGateway


def statements(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as seen:
        act()
    return len(seen)


def costs_of_a_month(office: Office, people: int) -> list[int]:
    """How many statements build, submit, approve, reserve, start, open, claim and record take for so many people."""
    make_entitled(people)
    gateway = FakeGateway()
    costs = []

    def build() -> None:
        costs_batch.append(build_batch(office))

    costs_batch: list = []
    costs.append(statements(build))
    batch = costs_batch[0]
    seen: list[bytes] = []
    costs.append(
        statements(lambda: seen.append(decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())))
    )
    costs.append(
        statements(
            lambda: decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen[0], at=office.at())
        )
    )
    costs.append(statements(lambda: release.reserve_batch(batch_id=batch.pk, at=office.at())))
    costs.append(statements(lambda: release.start_batch(batch_id=batch.pk, at=office.at())))
    costs.append(statements(release.open_chunks))

    def send() -> None:
        claim = dispatch.claim_to_send()
        assert claim is not None
        assert len(claim.instructions) == people
        dispatch.send(claim=claim, gateway=gateway)

    costs.append(statements(send))
    costs.append(statements(release.drain_batches))
    return costs


def test_every_step_costs_the_same_for_five_and_for_fifty(office: Office) -> None:
    add_channels([VCB])  # a bank that was never heard of costs one statement more, once
    few = costs_of_a_month(office, 5)
    many = costs_of_a_month(make_office(), 50)  # another fund: its list is a monthly one too
    assert few == many


def test_a_long_list_is_never_joined_row_by_row(office: Office) -> None:
    """Two sets of the size of the list meet in the build: by hash or merge, or a ward of ten thousand takes minutes."""
    make_entitled(120)
    plans = []

    def explain(execute: Callable, statement: str, values: object, many: bool, context: dict) -> object:
        if statement == build.BUILD_STEP:
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (COSTS OFF) {statement}", values)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(statement, values, many, context)

    with connection.execute_wrapper(explain):
        build_batch(office)
    assert len(plans) == 1
    assert "payout_owed" in plans[0]
    assert "Join Filter" not in plans[0]  # how PostgreSQL says that it tries every pair
