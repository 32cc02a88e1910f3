"""An officer's first look: his batches, what waits for him, how a list is getting on; and the months for a chart."""

from datetime import date, timedelta

import pytest

from foundation.audit.models import Job
from foundation.users.models import User
from foundation.users.roles import Role
from payments.models import PayoutBatch
from payments.operations import build, decide, release
from payments.queries.overview import batches_visible, fund_shortfall, unit_history, work_queue
from payments.queries.progress import Group, batch_progress
from payments.queries.totals import Part
from payments.states import BatchKind, BatchState, Route
from tests.conftest import Clock
from tests.factories import WARD, Office, approve, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway, time_out
from tests.payments.helpers import send_all
from tests.payments.months import NOVEMBER, OCTOBER, build_month, pay_month, people_since

OTHER_WARD = "26740"
RATE = 650_000


def ids(items: tuple) -> list[int]:
    return [item.batch.pk for item in items]


class TestBatches:
    def test_come_newest_month_first_with_their_totals(self, office: Office) -> None:
        people_since(OCTOBER, 2)
        october = pay_month(office, OCTOBER)
        november = build_month(office, NOVEMBER)
        rows = batches_visible(user=office.preparer, at=office.at()).rows
        assert [row.batch for row in rows] == [november, october]
        assert rows[1].totals.settled == Part(2, 2 * RATE)
        assert rows[0].totals.open == Part(2, 2 * RATE)

    def test_are_picked_by_unit_month_and_state(self, office: Office) -> None:
        people_since(OCTOBER, 1)
        pay_month(office, OCTOBER)
        november = build_month(office, NOVEMBER)
        auditor = make_staff(Role.AUDITOR, unit=None)

        def seen(**picked) -> list[int]:
            return ids(batches_visible(user=auditor, at=office.at(), **picked).rows)

        assert seen(period=NOVEMBER) == seen(states=[BatchState.DRAFT]) == [november.pk]
        assert len(seen(unit_code=WARD)) == 2
        assert seen(unit_code=OTHER_WARD) == []

    def test_of_another_ward_are_not_seen(self, office: Office) -> None:
        make_entitled(1)
        build_batch(office)
        stranger = make_staff(Role.APPROVER, unit=OTHER_WARD)
        assert batches_visible(user=stranger, at=office.at()).rows == ()
        citizen = User.objects.create_user("citizen", kind="CITIZEN")
        assert batches_visible(user=citizen, at=office.at()).rows == ()

    def test_come_by_pages_also_within_a_month(self, office: Office) -> None:
        make_entitled(1)
        build_month(office)
        for _ in range(3):
            build_month(office, kind=BatchKind.SUPPLEMENTARY)
        build_month(office, OCTOBER, kind=BatchKind.SUPPLEMENTARY)
        seen, after = [], None
        while True:
            page = batches_visible(user=office.preparer, at=office.at(), after=after, limit=2)
            seen += ids(page.rows)
            if page.next is None:
                break
            after = page.next
        assert len(seen) == len(set(seen)) == 5
        assert batches_visible(user=office.preparer, at=office.at(), after=10**9).rows == ()

    @pytest.mark.parametrize("batches", [1, 12])
    def test_cost_the_same_for_one_and_for_many(
        self, office: Office, batches: int, django_assert_max_num_queries
    ) -> None:
        for _ in range(batches):
            build_month(office, kind=BatchKind.SUPPLEMENTARY)
        at = office.at()
        with django_assert_max_num_queries(4):
            assert len(batches_visible(user=office.preparer, at=at).rows) == batches


class TestWork:
    def test_moves_on_with_the_list(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        assert ids(work_queue(user=office.preparer, at=office.at()).drafts) == [batch.pk]
        assert ids(work_queue(user=office.approver, at=office.at()).to_approve) == []
        seen = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        assert ids(work_queue(user=office.approver, at=office.at()).to_approve) == [batch.pk]
        assert work_queue(user=office.preparer, at=office.at()).to_approve == ()
        decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at())
        queue = work_queue(user=office.approver, at=office.at())
        assert (ids(queue.to_approve), ids(queue.being_paid)) == ([], [batch.pk])

    def test_of_approval_is_never_for_the_human_who_prepared_it(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        # The same human by another login, whom an old list of roles made an approver.
        User.objects.filter(pk=office.approver.pk).update(person_fingerprint=office.preparer.person_fingerprint)
        twin = User.objects.get(pk=office.approver.pk)
        assert work_queue(user=twin, at=office.at()).to_approve == ()

    def test_of_approval_is_not_for_somebody_who_has_decided(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        seen = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        second = make_staff(Role.APPROVER)
        decide.reject_batch(batch_id=batch.pk, by=second, seen_hash=seen, reason="Danh sách sai", at=office.at())
        assert ids(work_queue(user=office.preparer, at=office.at()).sent_back) == [batch.pk]
        build_batch(office)
        assert work_queue(user=office.preparer, at=office.at()).sent_back == ()

    def test_that_is_held_tells_since_when(self, office: Office, clock: Clock) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        clock.shift("2 days")
        release.hold_batch(batch_id=batch.pk, by=office.accountant, reason="Chờ kiểm tra", at=office.at())
        a_day_later = office.at() + timedelta(days=1)
        (item,) = work_queue(user=office.approver, at=a_day_later).held
        assert item.batch == batch
        assert timedelta(hours=23) < item.age < timedelta(hours=25)

    def test_for_want_of_money_tells_how_much(self, db: None) -> None:
        poor = make_office(money=1_000_000)
        make_entitled(2)
        batch = approve(poor, build_batch(poor))
        assert fund_shortfall(batch=batch) == 300_000
        queue = work_queue(user=poor.accountant, at=poor.at())
        assert [(item.batch, item.shortfall) for item in queue.fund_too_low] == [(batch, 300_000)]
        assert queue.being_paid == ()

    def test_is_none_where_the_money_is_there_or_set_aside(self, office: Office) -> None:
        make_entitled(1)
        batch = approve(office, build_batch(office))
        assert fund_shortfall(batch=batch) == 0
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        assert fund_shortfall(batch=batch) == 0

    def test_is_nobodys_in_another_ward(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        for stranger in (make_staff(Role.APPROVER, unit=OTHER_WARD), make_staff(Role.PREPARER, unit=OTHER_WARD)):
            queue = work_queue(user=stranger, at=office.at())
            assert not any((queue.drafts, queue.to_approve, queue.being_paid, queue.held, queue.sent_back))

    def test_is_at_most_twenty_of_each(self, office: Office, django_assert_max_num_queries) -> None:
        for _ in range(22):
            build_month(office, kind=BatchKind.SUPPLEMENTARY)
        at = office.at()
        with django_assert_max_num_queries(7):
            drafts = work_queue(user=office.preparer, at=at).drafts
        assert len(drafts) == 20
        assert ids(drafts) == sorted(ids(drafts))


class TestProgress:
    def groups(self, batch: PayoutBatch, office: Office) -> dict[str, int]:
        batch.refresh_from_db()
        return {group.group.value: group.part.count for group in batch_progress(batch=batch, at=office.at()).groups}

    def test_of_building_is_that_of_its_job(self, office: Office) -> None:
        make_entitled(1)
        batch = build.start_build(
            fund_id=office.fund.pk, unit_code=WARD, period=NOVEMBER, kind=BatchKind.REGULAR,
            execution_date=office.at().date(), by=office.preparer, at=office.at(),
        )  # fmt: skip
        Job.objects.update(state="RUNNING", done=30, total=120)
        progress = batch_progress(batch=batch, at=office.at())
        assert progress.build is not None
        assert (progress.build.percent, progress.build.failed, progress.groups) == (25, False, ())

    def test_of_paying_tells_every_end(self, office: Office) -> None:
        make_entitled(3, numbers=["1000009901", "1000000002", "1000000003"])
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        assert self.groups(batch, office) == {"WAITING": 3, "CASH": 1}
        send_all(FakeGateway(statuses={"1000009901": ("RJCT", "AC04"), "1000000002": ("ACSP", None)}))
        assert self.groups(batch, office) == {"SETTLED": 1, "AT_BANK": 1, "CASH": 1, "REJECTED": 1}
        progress = batch_progress(batch=batch, at=office.at())
        assert progress.percent == 50
        assert sum(group.part.amount for group in progress.groups) == batch.control_sum

    def test_guesses_the_time_left_from_what_was_answered_of_late(
        self, office: Office, clock: Clock, settings
    ) -> None:
        settings.DISPATCH_CHUNK_SIZE = 2
        make_entitled(6)
        batch = start(office, build_batch(office))
        assert batch_progress(batch=batch, at=office.at()).per_minute is None
        gateway = FakeGateway()
        sent = 0

        def stop_after_two() -> None:
            nonlocal sent
            sent += 1
            if sent > 2:
                time_out()

        gateway.before = stop_after_two
        send_all(gateway)
        progress = batch_progress(batch=batch, at=office.at() + timedelta(minutes=1))
        assert (progress.per_minute, progress.seconds_left) in [(4, None), (3, None)]
        assert {group.group for group in progress.groups} == {Group.SETTLED, Group.AT_BANK}
        assert batch_progress(batch=batch, at=office.at() + timedelta(hours=1)).per_minute is None

    def test_costs_two_queries(self, office: Office, django_assert_num_queries) -> None:
        make_entitled(2)
        batch = start(office, build_batch(office))
        at = office.at()
        with django_assert_num_queries(2):
            batch_progress(batch=batch, at=at)


class TestHistory:
    def test_has_every_month_and_route(self, office: Office) -> None:
        people_since(OCTOBER, 2)
        people_since(OCTOBER, 1, cash=True)
        pay_month(office, OCTOBER)
        start(office, build_month(office, NOVEMBER))
        build_month(office, NOVEMBER, kind=BatchKind.SUPPLEMENTARY)
        months = unit_history(unit_code=WARD, fund_id=office.fund.pk, through=NOVEMBER)
        assert [month.period for month in months][:2] == [date(2025, 12, 1), date(2026, 1, 1)]
        assert len(months) == 12
        october, november = months[-2:]
        assert (october.planned, october.settled) == (Part(3, 3 * RATE), Part(2, 2 * RATE))
        assert {route.route: route.settled.count for route in october.routes} == {Route.GATEWAY: 2, Route.WARD_CASH: 0}
        assert (november.planned.count, november.settled.count) == (3, 0)
        assert months[0].planned == Part(0, 0)

    def test_leaves_out_what_nobody_approved_and_other_wards(self, office: Office) -> None:
        make_entitled(1)
        build_batch(office)
        assert unit_history(unit_code=WARD, through=NOVEMBER)[-1].planned == Part(0, 0)
        start(office, PayoutBatch.objects.get())
        assert unit_history(unit_code=None, through=NOVEMBER)[-1].planned.count == 1
        assert unit_history(unit_code=OTHER_WARD, through=NOVEMBER)[-1].planned.count == 0
