"""F29 of returns: money that a bank told of as come back, and that no statement shows in time, is a difference for people."""

from datetime import date, timedelta

import pytest

from payments.models import PayoutBatch, ReconciliationDifference
from payments.operations import release
from payments.queries.reconciling import DifferenceFilter, differences_visible
from payments.statement_states import DifferenceKind
from tests.factories import Office, build_batch, make_entitled, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import refused, send_all, state_of
from tests.payments.statements import OPENING, camt, credit, debit, take_in, today
from tests.payments.test_closing import come_back
from tests.payments.test_statements import transfers

DAYS = 3


@pytest.fixture
def batch(office: Office, gateway: FakeGateway) -> PayoutBatch:
    """Two people paid, shown by the statement; one payment came back, as a callback says."""
    make_entitled(2)
    batch = start(office, build_batch(office))
    send_all(gateway)
    release.drain_batches()
    take_in(camt([debit(transfer) for transfer in transfers()]), by=office.accountant)
    assert come_back(transfers()[0]) == 1
    return batch


def later(days: int) -> date:
    return today() + timedelta(days=days)


def show(office: Office, day: date, *lines: object, opening: int) -> None:
    take_in(camt(list(lines), day=day, opening=opening), by=office.accountant)  # type: ignore[arg-type]


def missing() -> list[ReconciliationDifference]:
    return list(ReconciliationDifference.objects.filter(kind="RETURN_MISSING"))


def left(batch: PayoutBatch) -> int:
    return OPENING - batch.control_sum


class TestAReturnThatNoStatementShows:
    def test_is_waited_for_as_long_as_banks_may_take(self, office: Office, batch: PayoutBatch) -> None:
        show(office, later(DAYS - 1), opening=left(batch))
        assert missing() == []

    def test_is_then_a_difference_with_its_payment_and_sum(self, office: Office, batch: PayoutBatch) -> None:
        show(office, later(DAYS), opening=left(batch))
        (found,) = missing()
        back = transfers()[0]
        assert (found.transfer, found.batch, found.unit_id) == (back, batch, batch.unit_id)
        assert (found.expected_amount, found.found_amount) == (back.instructed_amount, None)
        assert found.details["days"] == DAYS
        assert state_of(batch) == "DRAINED"  # it waits for people

    def test_is_raised_once_whatever_comes_after(self, office: Office, batch: PayoutBatch) -> None:
        for days in (DAYS, DAYS + 1, DAYS + 2):
            show(office, later(days), opening=left(batch))
        assert len(missing()) == 1

    def test_is_shown_among_the_differences(self, office: Office, batch: PayoutBatch) -> None:
        show(office, later(DAYS), opening=left(batch))
        chosen = DifferenceFilter(kind=DifferenceKind.RETURN_MISSING)
        page = differences_visible(user=office.accountant, at=office.at(), chosen=chosen, after=None)
        assert [row.pk for row in page.rows] == [found.pk for found in missing()]

    def test_ends_when_a_later_statement_shows_it(self, office: Office, batch: PayoutBatch) -> None:
        show(office, later(DAYS), opening=left(batch))
        (found,) = missing()
        closing = "UPDATE payments_difference SET state = 'CLOSED', outcome = 'FOUND', closed_at = now() WHERE id = %s"
        refused(closing, found.pk, by="difference_closed_with_proof")
        show(office, later(DAYS + 1), credit(transfers()[0]), opening=left(batch))
        found.refresh_from_db()
        assert (found.state, found.outcome) == ("CLOSED", "FOUND")

    def test_is_none_when_the_statement_had_it_in_time(self, office: Office, batch: PayoutBatch) -> None:
        show(office, later(1), credit(transfers()[0]), opening=left(batch))
        show(office, later(DAYS), opening=left(batch) + transfers()[0].instructed_amount)
        assert missing() == []
