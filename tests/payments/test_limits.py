"""I-19: how much one person may approve in a day, however the lists are split and whoever presses at the same moment."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from foundation.users.access import CITY_TIME
from foundation.users.roles import Role
from payments.errors import LimitReached
from payments.models import ApprovalDay, ApprovalLimit, PayoutBatch
from payments.operations import decide
from payments.states import BatchKind
from tests.conftest import Clock
from tests.factories import Office, build_batch, make_entitled, make_office, make_staff
from tests.payments.helpers import at_once, kinds, refused, state_of

LINE = 650_000


@pytest.fixture
def limited(superuser: Any) -> Any:
    """Sets the day's limits of ward lists; they are the city's again after the test."""

    def limit(counted: str, amount: int) -> None:
        with superuser.cursor() as cursor:
            cursor.execute(
                "UPDATE payments_approval_limit SET amount = %s WHERE counted = %s AND NOT whole_city",
                [amount, counted],
            )

    before = dict(ApprovalLimit.objects.filter(whole_city=False).values_list("counted", "amount"))
    yield limit
    for counted, amount in before.items():
        limit(counted, amount)


def submitted(office: Office, people: int, *, kind: BatchKind = BatchKind.REGULAR) -> PayoutBatch:
    make_entitled(people)
    batch = build_batch(office, kind=kind)
    decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
    batch.refresh_from_db()
    return batch


def approve(office: Office, batch: PayoutBatch, *, by: Any = None) -> bool:
    seen = bytes(batch.list_hash or b"")
    return decide.approve_batch(batch_id=batch.pk, by=by or office.approver, seen_hash=seen, at=office.at())


@pytest.fixture
def office(committed: None) -> Office:
    return make_office()


class TestI19:
    def test_counts_lists_of_a_day_together(self, office: Office, limited: Callable[[str, int], None]) -> None:
        limited("OFFICER", 3 * LINE)
        first, second = submitted(office, 2), submitted(office, 2, kind=BatchKind.SUPPLEMENTARY)
        assert approve(office, first)
        with pytest.raises(LimitReached):
            approve(office, second)
        assert (state_of(first), state_of(second)) == ("APPROVED", "SUBMITTED")
        assert list(ApprovalDay.objects.values_list("amount", flat=True)) == [2 * LINE, 2 * LINE]

    def test_allows_exactly_the_limit(self, office: Office, limited: Callable[[str, int], None]) -> None:
        limited("OFFICER", 2 * LINE)
        limited("PAIR", 2 * LINE)
        assert approve(office, submitted(office, 2))

    def test_counts_a_pair_apart_from_others(self, office: Office, limited: Callable[[str, int], None]) -> None:
        limited("PAIR", 2 * LINE)
        approve(office, submitted(office, 2))
        more = submitted(office, 1, kind=BatchKind.SUPPLEMENTARY)
        with pytest.raises(LimitReached):
            approve(office, more)
        assert approve(office, more, by=make_staff(Role.APPROVER))

    def test_begins_anew_on_the_next_day(
        self, office: Office, limited: Callable[[str, int], None], clock: Clock
    ) -> None:
        limited("OFFICER", 2 * LINE)
        approve(office, submitted(office, 2))
        more = submitted(office, 2, kind=BatchKind.SUPPLEMENTARY)
        clock.shift("1 day")
        assert approve(office, more)
        assert set(ApprovalDay.objects.values_list("day", flat=True)) == {
            _today(office) - timedelta(days=1),
            _today(office),
        }

    def test_counts_the_human_and_not_the_login(self, office: Office, limited: Callable[[str, int], None]) -> None:
        limited("OFFICER", 3 * LINE)
        approve(office, submitted(office, 2))
        twin = make_staff(Role.APPROVER)
        twin.person_fingerprint = office.approver.person_fingerprint
        twin.save()
        with pytest.raises(LimitReached):
            approve(office, submitted(office, 2, kind=BatchKind.SUPPLEMENTARY), by=twin)

    def test_lets_nobody_approve_on_a_day_without_a_rule(self, office: Office, superuser: Any) -> None:
        batch = submitted(office, 1)
        with superuser.cursor() as cursor:
            cursor.execute("UPDATE payments_approval_limit SET valid_from = '2030-01-01'")
            try:
                with pytest.raises(LimitReached):
                    approve(office, batch)
            finally:
                cursor.execute("UPDATE payments_approval_limit SET valid_from = '2026-01-01'")

    def test_two_lists_at_the_same_moment_do_not_pass_it_together(
        self, office: Office, limited: Callable[[str, int], None]
    ) -> None:
        limited("OFFICER", 3 * LINE)
        lists = [submitted(office, 2), submitted(office, 2, kind=BatchKind.SUPPLEMENTARY)]
        done = at_once(*[lambda batch=batch: approve(office, batch) for batch in lists])
        assert kinds(done) == ["LimitReached", "True"]

    def test_the_sums_are_written_by_approvals_only(self, office: Office) -> None:
        approve(office, submitted(office, 1))
        for sql in (
            "UPDATE payments_approval_day SET amount = 0",
            "DELETE FROM payments_approval_day",
            "INSERT INTO payments_approval_day (day, whole_city, person_fingerprint, partner_fingerprint, amount) "
            "VALUES ('2026-01-01', false, 'x', '', 0)",
        ):
            refused(sql, by="approval_day_written_by_approvals")


def _today(office: Office) -> date:
    return office.at().astimezone(CITY_TIME).date()
