"""Each watcher over payments: raised by its trouble, silent without it, ended when it is over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foundation.audit.alarms import KINDS
from foundation.audit.models import Alarm
from foundation.audit.watching import fade, look
from foundation.gateway import alarms as of_gateway
from foundation.gateway.channels import add_channels, report_failure
from foundation.users.models import User
from foundation.users.roles import Role
from payments import watchers
from payments.errors import LimitReached
from payments.models import ApprovalLimit, DispatchChunk, PayoutBatch, Transfer
from payments.operations import decide, dispatch, release
from payments.operations.restoring import end_restore, start_after_restore
from payments.states import BatchKind
from payments.watchers import SLOW_WATCHERS, WATCHERS
from tests.conftest import Clock
from tests.factories import VCB, WARD, Office, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway, time_out
from tests.journeys.test_verification_page import a_run
from tests.payments.deciding import stop
from tests.payments.helpers import ask_all, run, send_all
from tests.payments.test_restoring import RememberingBank
from tests.payments.test_stopping import resume

pytestmark = pytest.mark.django_db
EVERY = {watcher.kind.code: watcher for watcher in (*WATCHERS, *SLOW_WATCHERS, *of_gateway.WATCHERS)}


def alarm(code: str) -> Alarm | None:
    """What the watcher of a kind sees now."""
    look(EVERY[code])
    return Alarm.objects.filter(code=code, closed_at=None).first()


def seen(code: str) -> dict[str, Any]:
    found = alarm(code)
    assert found is not None, code
    return found.details


def test_every_kind_is_watched_or_raised_by_who_meets_it() -> None:
    assert set(EVERY) <= set(KINDS)


class TestAnswers:
    def test_that_name_strangers_are_told_of(self, office: Office, gateway: FakeGateway) -> None:
        """F21: what is ours is applied, what is not is an alarm."""
        make_entitled(1)
        start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        answer = gateway.submit(
            message_id=claim.message_id,
            debtor_account="1",
            not_after=office.at(),
            transfers=claim.instructions,
            deadline_seconds=1,
        )
        dispatch.record_answer(claim=claim, answer=replace(answer, foreign=frozenset({"a" * 32})))
        found = Alarm.objects.get(code="gateway.foreign_ids")
        assert found.details == {"message": claim.message_id, "ids": 1}
        assert Transfer.objects.get().state == "SETTLED"

    @pytest.mark.parametrize(("minutes", "alarms"), [(0, 0), (-2, 1), (2, 1)])
    def test_that_show_another_clock_are_told_of(
        self, office: Office, minutes: int, alarms: int, clock: Clock
    ) -> None:
        """F33: nothing is ordered by a foreign clock, but somebody should set it right."""
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway(clock=lambda: datetime.now(UTC) + timedelta(minutes=minutes)))
        assert Alarm.objects.filter(code="gateway.clock_skew").count() == alarms
        clock.shift("31 minutes")
        assert fade(of_gateway.CLOCK_SKEW, minutes=30) == alarms


class TestReview:
    def test_waits_longer_than_a_day(self, office: Office, gateway: FakeGateway, clock: Clock) -> None:
        make_entitled(2)
        batch = start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason="NARR"))
        assert Transfer.objects.filter(state="REVIEW").count() == 2
        assert alarm("payments.review_waits") is None
        run("UPDATE payments_transfer SET due_at = portal_now() + interval '1 day'")
        clock.shift("25 hours")
        found = alarm("payments.review_waits")
        assert found is not None
        assert (found.subject_kind, found.subject_id, found.unit_code) == ("batch", str(batch.pk), WARD)
        assert (found.details["payments"], found.details["sum"]) == (2, 1_300_000)
        run("UPDATE payments_transfer SET due_at = portal_now() + interval '1 day'")
        assert alarm("payments.review_waits") is None

    def test_leaves_a_parked_chunk(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        assert alarm("payments.chunk_parked") is None
        send_all(FakeGateway(status="RJCT", reason="NARR"))
        assert DispatchChunk.objects.get().state == "PARKED"
        assert seen("payments.chunk_parked") == {"chunks": 1}
        run("UPDATE payments_dispatch_chunk SET state = 'INQUIRY', due_at = portal_now()")
        assert alarm("payments.chunk_parked") is None


class TestUnknown:
    def test_for_longer_than_an_hour(self, office: Office, gateway: FakeGateway, clock: Clock) -> None:
        make_entitled(3)
        start(office, build_batch(office))
        gateway.after = time_out
        send_all(gateway)
        assert alarm("payments.unknown_long") is None
        clock.shift("61 minutes")
        assert seen("payments.unknown_long")["payments"] == 3
        ask_all(gateway)
        assert alarm("payments.unknown_long") is None


class TestNothingClaimed:
    def test_while_work_is_due(self, office: Office, gateway: FakeGateway, clock: Clock) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        assert alarm("payments.nothing_claimed") is None
        clock.shift("11 minutes")
        found = alarm("payments.nothing_claimed")
        assert found is not None
        assert (found.subject_id, found.details["chunks"]) == (VCB, 1)
        send_all(gateway)
        assert alarm("payments.nothing_claimed") is None

    def test_says_nothing_of_a_list_that_is_held(self, office: Office, clock: Clock) -> None:
        make_entitled(2)
        batch = start(office, build_batch(office))
        release.hold_batch(batch_id=batch.pk, by=office.approver, reason="Chờ kiểm tra lại", at=office.at())
        clock.shift("11 minutes")
        assert alarm("payments.nothing_claimed") is None

    def test_says_nothing_of_a_bank_that_takes_nothing_now(self, office: Office, clock: Clock) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        add_channels([VCB])
        for _ in range(9):
            report_failure(bank=VCB)
        clock.shift("1 second")
        assert dispatch.claim_to_send() is None
        run("UPDATE gateway_bank_channel SET retry_at = portal_now() + interval '1 hour' WHERE bank_bin = %s", VCB)
        run("UPDATE payments_dispatch_chunk SET due_at = portal_now() + interval '1 hour'")
        clock.shift("30 minutes")
        assert alarm("payments.nothing_claimed") is None


class TestFunds:
    def test_too_low_for_an_approved_list(self, db: None) -> None:
        poor = make_office(money=100_000)
        make_entitled(2)
        batch = build_batch(poor)
        seen_hash = decide.submit_batch(batch_id=batch.pk, by=poor.preparer, at=poor.at())
        assert alarm("payments.fund_too_low") is None
        decide.approve_batch(batch_id=batch.pk, by=poor.approver, seen_hash=seen_hash, at=poor.at())
        assert seen("payments.fund_too_low")["missing"] == 1_200_000


class TestWhatAnActRaisedEndsWithIt:
    def test_the_stop_of_the_city(self, office: Office) -> None:
        standing = stop(office)
        assert seen("payments.stopped") == {"reason": standing.reason}
        resume(office, standing, *(make_staff(Role.ADMINISTRATOR, unit=None) for _ in range(2)))
        assert alarm("payments.stopped") is None
        assert Alarm.objects.get(code="payments.stopped").ended_by_itself

    def test_a_restore(self, office: Office) -> None:
        start_after_restore(reason="Máy chủ hỏng, lấy bản sao lưu")
        assert "known_until" in seen("payments.restored")
        end_restore(gateway=RememberingBank(), at=office.at())
        assert alarm("payments.restored") is None


class TestApprovals:
    def test_by_nearly_always_the_same_two(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        make_entitled(1)
        batch = build_batch(office)
        seen_hash = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen_hash, at=office.at())
        assert alarm("approvals.same_pair") is None, "one list is no habit"
        monkeypatch.setattr(watchers, "PAIR_LISTS", 1)
        assert seen("approvals.same_pair") == {
            "approver": office.approver.pk,
            "submitter": office.preparer.pk,
            "lists": 1,
            "of": 1,
        }

    def test_given_long_after_the_list_was_opened_are_no_trouble(self, office: Office) -> None:
        approve_after(office, submitted=3_600, opened=120)
        assert alarm("approvals.too_fast") is None

    @pytest.mark.parametrize(("submitted", "opened"), [(9, None), (3_600, 9)])
    def test_given_at_once_cannot_have_been_read(self, office: Office, submitted: int, opened: int | None) -> None:
        """After the list was there, or after it was opened."""
        batch = approve_after(office, submitted=submitted, opened=opened)
        found = alarm("approvals.too_fast")
        assert found is not None
        assert (found.subject_id, found.unit_code, found.severity) == (str(batch.pk), WARD, "WARNING")
        assert found.details == {"approver": office.approver.pk, "seconds": 9}

    def test_of_two_lists_within_seconds_cannot_both_have_been_read(self, office: Office) -> None:
        at = office.at()
        approve_after(office, submitted=3_600, opened=1_800, at=at)
        second = approve_after(office, submitted=3_600, opened=1_800, at=at + timedelta(seconds=4))
        found = alarm("approvals.too_fast")
        assert found is not None
        assert (found.subject_id, found.details["seconds"]) == (str(second.pk), 4)

    def test_by_two_people_within_seconds_are_no_trouble(self, office: Office) -> None:
        at, other = office.at(), make_staff(Role.APPROVER)
        approve_after(office, submitted=3_600, opened=1_800, at=at)
        approve_after(office, submitted=3_600, opened=1_800, at=at + timedelta(seconds=4), by=other)
        assert alarm("approvals.too_fast") is None

    def test_how_fast_is_too_fast_is_the_citys_figure(self, office: Office, settings: Any) -> None:
        settings.APPROVAL_READING_SECONDS = 9
        approve_after(office, submitted=9, opened=None)
        assert alarm("approvals.too_fast") is None

    def test_that_somebody_has_looked_into_do_not_come_again(self, office: Office) -> None:
        approve_after(office, submitted=5, opened=None)
        assert alarm("approvals.too_fast") is not None
        Alarm.objects.update(closed_at=office.at(), closed_by_label="Quản trị", closing_note="Đã hỏi người duyệt")
        assert alarm("approvals.too_fast") is None

    def test_that_meet_the_daily_limit_are_told_of_and_counted(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        seen_hash = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        ApprovalLimit.objects.update(amount=1)
        for _ in range(3):
            with pytest.raises(LimitReached):
                decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen_hash, at=office.at())
        found = Alarm.objects.get(code="approvals.limit_reached")
        assert (found.subject_id, found.unit_code, found.times) == (str(office.approver.pk), WARD, 3)
        assert not batch.approvals.exists()


def approve_after(
    office: Office, *, submitted: int, opened: int | None, at: datetime | None = None, by: User | None = None
) -> PayoutBatch:
    """A list that was approved so many seconds after it was submitted, and after it was opened."""
    at = at or office.at()
    make_entitled(1)
    kind = BatchKind.SUPPLEMENTARY if PayoutBatch.objects.exists() else BatchKind.REGULAR
    batch = build_batch(office, kind=kind)
    seen_hash = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=at - timedelta(seconds=submitted))
    opened_at = None if opened is None else at - timedelta(seconds=opened)
    decide.approve_batch(batch_id=batch.pk, by=by or office.approver, seen_hash=seen_hash, at=at, opened_at=opened_at)
    return batch


class TestVerification:
    def test_that_never_ran_is_late_once_something_was_paid(self, office: Office, clock: Clock) -> None:
        assert alarm("verify.late") is None
        make_entitled(1)
        start(office, build_batch(office))
        assert alarm("verify.late") is None
        clock.shift("27 hours")
        assert seen("verify.late")["last_good"] is None

    @pytest.mark.parametrize(("hours", "is_late"), [(25, False), (27, True)])
    def test_is_late_after_26_hours(self, db: None, clock: Clock, hours: int, is_late: bool) -> None:
        a_run()
        clock.shift(f"{hours} hours")
        assert (alarm("verify.late") is not None) == is_late

    def test_that_finds_something_each_day_is_late_as_well(self, db: None, clock: Clock) -> None:
        a_run()
        clock.shift("20 hours")
        a_run("I-15")
        assert alarm("verify.late") is None
        clock.shift("27 hours")
        assert seen("verify.late")["broken"] == 1
        a_run()
        assert alarm("verify.late") is None
