"""I-17, I-18, I-21: who may submit, take back, approve, send back and hold a list; humans are counted, not logins."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from foundation.users.models import RoleAssignment, User
from foundation.users.roles import Role
from payments.errors import (
    BatchChanged,
    BatchExists,
    EmptyList,
    FourEyesViolation,
    InvalidMove,
    NotInAuthority,
    WrongInput,
)
from payments.models import Approval, PayoutBatch
from payments.operations import decide, dispatch, release
from tests.factories import (
    Office,
    approve,
    build_batch,
    make_entitled,
    make_entitlement,
    make_office,
    make_person,
    start,
)
from tests.factories import make_staff as staff
from tests.fake_gateway import FakeGateway, time_out
from tests.payments.helpers import ask_all, at_once, kinds, read, refused, run, send_all, state_of, states

DECIDE = (
    "INSERT INTO payments_approval (batch_id, decision, decided_by_id, person_fingerprint, role_assignment_id, list_hash, "
    "number_of_transactions, control_sum, reason, decided_at) "
    "SELECT b.id, 'APPROVED', u.id, {person}, r.id, {hash}, {count}, {sum}, '', {at} "
    "FROM payments_payout_batch b, users_user u, users_role_assignment r WHERE u.id = %s AND r.id = %s"
)


def approval(**changes: str) -> str:
    return DECIDE.format(
        **{
            "person": "u.person_fingerprint",
            "hash": "b.list_hash",
            "count": "b.number_of_transactions",
            "sum": "b.control_sum",
            "at": "portal_now()",
        }
        | changes
    )


def submitted(office: Office, people: int = 1) -> tuple[PayoutBatch, bytes]:
    make_entitled(people)
    batch = build_batch(office)
    seen = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
    batch.refresh_from_db()
    return batch, seen


def twin_of(user: User, role: Role) -> User:
    """Another login of the same human: what somebody has who got a second account past the rules for roles."""
    twin = staff(role)
    User.objects.filter(pk=twin.pk).update(person_fingerprint=user.person_fingerprint)
    twin.refresh_from_db()
    return twin


def ask_for_two() -> None:
    """From a sum on that a small list reaches, two people approve."""
    run(
        "INSERT INTO payments_approval_policy (amount_from, approvals_required, valid_from) VALUES (600000, 2, '2026-06-01')"
    )


def role_of(user: User) -> int:
    return RoleAssignment.objects.get(user=user).pk


class TestI17MakerAndApproversAreDifferentHumans:
    def test_whoever_prepared_and_submitted_may_not_approve(self, office: Office) -> None:
        batch, seen = submitted(office)
        with pytest.raises(NotInAuthority):
            decide.approve_batch(batch_id=batch.pk, by=office.preparer, seen_hash=seen, at=office.at())

    def test_nor_under_a_second_login(self, office: Office) -> None:
        batch, seen = submitted(office)
        twin = twin_of(office.preparer, Role.APPROVER)
        with pytest.raises(FourEyesViolation):
            decide.approve_batch(batch_id=batch.pk, by=twin, seen_hash=seen, at=office.at())
        with pytest.raises(FourEyesViolation):
            decide.reject_batch(batch_id=batch.pk, by=twin, seen_hash=seen, reason="Danh sách sai", at=office.at())
        assert state_of(batch) == "SUBMITTED"

    def test_nor_whoever_prepared_what_another_submitted(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        twin = twin_of(office.preparer, Role.APPROVER)
        seen = decide.submit_batch(batch_id=batch.pk, by=staff(Role.PREPARER), at=office.at())
        with pytest.raises(FourEyesViolation):
            decide.approve_batch(batch_id=batch.pk, by=twin, seen_hash=seen, at=office.at())

    def test_two_logins_of_one_human_are_one_approval(self, office: Office) -> None:
        ask_for_two()
        batch, seen = submitted(office)
        assert not decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at())
        twin = twin_of(office.approver, Role.APPROVER)
        assert not decide.approve_batch(batch_id=batch.pk, by=twin, seen_hash=seen, at=office.at())
        refused(approval(), twin.pk, role_of(twin), by="approval_one_per_person")
        assert (Approval.objects.count(), state_of(batch)) == (1, "SUBMITTED")
        assert decide.approve_batch(batch_id=batch.pk, by=staff(Role.APPROVER), seen_hash=seen, at=office.at())

    def test_the_database_refuses_the_maker_by_every_door(self, office: Office) -> None:
        submitted(office)
        twin = twin_of(office.preparer, Role.APPROVER)
        refused(approval(), twin.pk, role_of(twin), by="approval_by_another_person")
        borrowed = approval(person=r"'\x00'::bytea")
        refused(borrowed, office.approver.pk, role_of(office.approver), by="approval_by_another_person")

    def test_the_database_refuses_approval_without_enough_people(self, office: Office) -> None:
        submitted(office)
        refused("UPDATE payments_payout_batch SET state = 'APPROVED'", by="payout_batch_approved_by_quorum")

    def test_a_decision_is_never_changed_nor_removed(self, office: Office) -> None:
        make_entitled(1)
        approve(office, build_batch(office))
        refused("UPDATE payments_approval SET reason = 'x'", by="permission denied")
        refused("DELETE FROM payments_approval", by="permission denied")


class TestQuorum:
    def test_of_a_band_is_read_from_the_rule(self, office: Office) -> None:
        ask_for_two()
        batch, seen = submitted(office)
        assert batch.approvals_required == 2
        assert not decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at())
        assert state_of(batch) == "SUBMITTED"
        assert decide.approve_batch(batch_id=batch.pk, by=staff(Role.APPROVER), seen_hash=seen, at=office.at())
        assert state_of(batch) == "APPROVED"

    def test_below_the_band_one_is_enough(self, office: Office) -> None:
        batch, seen = submitted(office)
        assert batch.approvals_required == 1
        assert decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at())

    def test_the_city_wants_two_from_five_billion_on(self, office: Office) -> None:
        assert read(
            "SELECT approvals_required FROM payments_approval_policy WHERE amount_from = 5000000000 AND valid_to IS NULL"
        ) == [(2,)]

    def test_is_that_of_the_citys_day(self, office: Office) -> None:
        """At seven in the evening of Greenwich it is the next day in the city, and so is the rule."""
        run("UPDATE payments_approval_policy SET valid_to = '2026-11-30'")
        run(
            "INSERT INTO payments_approval_policy (amount_from, approvals_required, valid_from) VALUES (0, 3, '2026-12-01')"
        )
        make_entitled(1)
        batch = build_batch(office)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=datetime(2026, 11, 30, 19, tzinfo=UTC))
        batch.refresh_from_db()
        assert batch.approvals_required == 3

    def test_cannot_be_chosen_at_submit(self, office: Office) -> None:
        ask_for_two()
        make_entitled(1)
        batch = build_batch(office)
        run(
            "UPDATE payments_payout_batch SET state = 'SUBMITTED', list_hash = sha256('x'), submitted_by_id = %s, "
            "submitted_at = now(), approvals_required = 1",
            office.preparer.pk,
        )
        batch.refresh_from_db()
        assert batch.approvals_required == 2

    def test_of_two_at_once_is_reached_once(self, committed: None) -> None:
        ask_for_two()
        try:
            office = make_office()
            batch, seen = submitted(office)
            results = at_once(
                *[
                    lambda by=by: decide.approve_batch(batch_id=batch.pk, by=by, seen_hash=seen, at=office.at())
                    for by in (office.approver, staff(Role.APPROVER))
                ]
            )
            assert kinds(results) == ["False", "True"]
            assert state_of(batch) == "APPROVED"
        finally:
            run("DELETE FROM payments_approval_policy WHERE amount_from = 600000")


class TestI18AuthorityAtTheMomentOfDecision:
    def test_of_another_ward_is_none(self, office: Office) -> None:
        batch, seen = submitted(office)
        with pytest.raises(NotInAuthority):
            decide.approve_batch(
                batch_id=batch.pk, by=staff(Role.APPROVER, unit="26740"), seen_hash=seen, at=office.at()
            )

    def test_that_is_over_or_has_not_begun_is_none(self, office: Office) -> None:
        batch, seen = submitted(office)
        today = office.at().date()
        for dates in (
            {"valid_to": today - timedelta(days=1)},
            {"valid_from": today + timedelta(days=2), "valid_to": None},
        ):
            RoleAssignment.objects.filter(user=office.approver).update(**dates)
            with pytest.raises(NotInAuthority):
                decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at())

    def test_of_a_dismissed_officer_is_none(self, office: Office) -> None:
        batch, seen = submitted(office)
        User.objects.filter(pk=office.approver.pk).update(is_active=False)
        with pytest.raises(NotInAuthority):
            decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at())
        refused(approval(), office.approver.pk, role_of(office.approver), by="approval_by_another_person")

    def test_of_the_city_reaches_every_ward(self, office: Office) -> None:
        batch, seen = submitted(office)
        assert decide.approve_batch(
            batch_id=batch.pk, by=staff(Role.APPROVER, unit=None), seen_hash=seen, at=office.at()
        )

    @pytest.mark.parametrize("role", [Role.ACCOUNTANT, Role.AUDITOR, Role.ADMINISTRATOR, Role.ASSISTANT])
    def test_of_another_role_is_none(self, office: Office, role: Role) -> None:
        batch, seen = submitted(office)
        other = staff(role)
        with pytest.raises(NotInAuthority):
            decide.approve_batch(batch_id=batch.pk, by=other, seen_hash=seen, at=office.at())
        refused(approval(), other.pk, role_of(other), by="approval_within_authority")

    def test_the_database_looks_at_the_role_that_is_named(self, office: Office) -> None:
        submitted(office)
        elsewhere, over = staff(Role.APPROVER, unit="26740"), staff(Role.APPROVER)
        RoleAssignment.objects.filter(user=over).update(valid_to=date(2026, 1, 2))
        rule = "approval_within_authority"
        refused(approval(), elsewhere.pk, role_of(elsewhere), by=rule)
        refused(approval(), over.pk, role_of(over), by=rule)
        refused(approval(), office.approver.pk, role_of(elsewhere), by=rule)
        past = approval(at="'2025-12-31 12:00+07'")
        refused(past, office.approver.pk, role_of(office.approver), by=rule)

    def test_the_database_wants_the_frozen_list(self, office: Office) -> None:
        submitted(office)
        for change in (
            {"hash": "sha256('x')"},
            {"sum": "b.control_sum + 1"},
            {"count": "b.number_of_transactions + 1"},
        ):
            refused(approval(**change), office.approver.pk, role_of(office.approver), by="approval_of_the_frozen_list")

    def test_the_day_is_that_of_the_city(self, office: Office) -> None:
        """At 18:00 UTC on 30 June it is 1 July in Ho Chi Minh City: the role of July holds."""
        batch, _ = submitted(office)
        RoleAssignment.objects.filter(user=office.approver).update(valid_from=date(2026, 7, 1))
        late = approval(at="'2026-06-30 18:00+00'")
        early = approval(at="'2026-06-30 16:00+00'")
        refused(early, office.approver.pk, role_of(office.approver), by="approval_within_authority")
        assert run(late, office.approver.pk, role_of(office.approver)) == 1
        assert state_of(batch) == "SUBMITTED"


class TestI21OneDecisionPerPersonAndList:
    def test_a_double_click_counts_once_and_is_no_error(self, office: Office) -> None:
        batch, seen = submitted(office)
        for _ in range(2):
            assert decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at())
        assert Approval.objects.count() == 1
        assert read("SELECT count(*) FROM audit_event WHERE kind = 'batch.approved'") == [(1,)]

    def test_a_double_click_at_the_same_moment_counts_once(self, committed: None) -> None:
        office = make_office()
        batch, seen = submitted(office)
        results = at_once(
            *[lambda: decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at())] * 4
        )
        assert results == [True] * 4
        assert Approval.objects.count() == 1
        assert state_of(batch) == "APPROVED"

    def test_yes_and_no_at_the_same_moment_are_one_decision(self, committed: None) -> None:
        office = make_office()
        batch, seen = submitted(office)
        other = staff(Role.APPROVER)
        results = at_once(
            lambda: decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at()),
            lambda: decide.reject_batch(
                batch_id=batch.pk, by=other, seen_hash=seen, reason="Danh sách sai", at=office.at()
            ),
        )
        assert sum(isinstance(result, InvalidMove) for result in results) == 1
        assert set(states()) == ({"PLANNED"} if state_of(batch) == "APPROVED" else {"CANCELLED"})

    def test_approve_and_withdraw_at_the_same_moment_are_one_decision(self, committed: None) -> None:
        office = make_office()
        batch, seen = submitted(office)
        results = at_once(
            lambda: decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at()),
            lambda: decide.withdraw_batch(
                batch_id=batch.pk, by=office.preparer, reason="Danh sách sai", at=office.at()
            ),
        )
        assert sum(isinstance(result, InvalidMove) for result in results) == 1
        assert state_of(batch) in ("APPROVED", "WITHDRAWN")

    def test_a_list_that_is_not_the_one_that_was_seen_is_refused(self, office: Office) -> None:
        batch, _ = submitted(office)
        for act in (decide.approve_batch, lambda **call: decide.reject_batch(reason="Danh sách sai", **call)):
            with pytest.raises(BatchChanged):
                act(batch_id=batch.pk, by=office.approver, seen_hash=b"x" * 32, at=office.at())
        assert Approval.objects.count() == 0


class TestSubmit:
    def test_freezes_hash_count_and_sum(self, office: Office) -> None:
        batch, seen = submitted(office, people=3)
        assert (state_of(batch), batch.number_of_transactions, batch.control_sum) == ("SUBMITTED", 3, 1_950_000)
        assert batch.list_hash is not None
        assert bytes(batch.list_hash) == seen
        assert len(seen) == 32

    def test_the_same_people_next_time_have_another_hash(self, office: Office) -> None:
        batch, seen = submitted(office)
        decide.withdraw_batch(batch_id=batch.pk, by=office.preparer, reason="Danh sách sai", at=office.at())
        again = build_batch(office)
        assert again.version == batch.version + 1
        assert decide.submit_batch(batch_id=again.pk, by=office.preparer, at=office.at()) != seen

    def test_is_for_those_who_prepare_lists_of_the_ward(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        for by in (office.approver, office.accountant, staff(Role.PREPARER, unit="26740")):
            with pytest.raises(NotInAuthority):
                decide.submit_batch(batch_id=batch.pk, by=by, at=office.at())
        assert state_of(batch) == "DRAFT"

    def test_once(self, office: Office) -> None:
        batch, _ = submitted(office)
        with pytest.raises(InvalidMove):
            decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())

    def test_of_nothing_is_refused(self, office: Office) -> None:
        batch = build_batch(office)
        with pytest.raises(EmptyList):
            decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())

    def test_twice_at_the_same_moment_is_once(self, committed: None) -> None:
        office = make_office()
        make_entitled(1)
        batch = build_batch(office)
        results = at_once(*[lambda: decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())] * 2)
        assert [type(result).__name__ for result in results].count("InvalidMove") == 1


class TestTakingBackAndSendingBack:
    def test_a_withdrawn_list_frees_its_lines_for_the_next_version(self, office: Office) -> None:
        batch, _ = submitted(office, people=2)
        decide.withdraw_batch(batch_id=batch.pk, by=office.preparer, reason="thiếu người", at=office.at())
        assert states() == {"CANCELLED": 2}
        again = build_batch(office)
        assert (again.version, again.sequence, again.number_of_transactions) == (2, 1, 2)

    def test_a_rejected_list_frees_its_lines_and_keeps_the_reason(self, office: Office) -> None:
        batch, seen = submitted(office)
        decide.reject_batch(
            batch_id=batch.pk, by=office.approver, seen_hash=seen, reason="Danh sách sai", at=office.at()
        )
        assert (state_of(batch), Approval.objects.get().reason) == ("REJECTED", "Danh sách sai")
        assert build_batch(office).number_of_transactions == 1

    @pytest.mark.parametrize("reason", [" ", "ngắn", "x" * 301, "Căn cước 079 148 000 123 ghi sai"])
    def test_needs_a_reason_that_may_stay_in_the_trail(self, office: Office, reason: str) -> None:
        batch, seen = submitted(office)
        with pytest.raises(WrongInput):
            decide.reject_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, reason=reason, at=office.at())
        with pytest.raises(WrongInput):
            decide.withdraw_batch(batch_id=batch.pk, by=office.preparer, reason=reason, at=office.at())
        assert state_of(batch) == "SUBMITTED"

    def test_what_is_approved_is_not_taken_back(self, office: Office) -> None:
        make_entitled(1)
        batch = approve(office, build_batch(office))
        with pytest.raises(InvalidMove):
            decide.withdraw_batch(batch_id=batch.pk, by=office.preparer, reason="Danh sách sai", at=office.at())
        with pytest.raises(InvalidMove):
            decide.reject_batch(
                batch_id=batch.pk, by=staff(Role.APPROVER), seen_hash=b"", reason="Danh sách sai", at=office.at()
            )

    def test_another_ward_takes_nothing_back(self, office: Office) -> None:
        batch, _ = submitted(office)
        with pytest.raises(NotInAuthority):
            decide.withdraw_batch(
                batch_id=batch.pk, by=staff(Role.PREPARER, unit="26740"), reason="Danh sách sai", at=office.at()
            )

    def test_a_draft_is_neither_approved_nor_reserved_nor_started(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        with pytest.raises(InvalidMove):
            decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=b"", at=office.at())
        acts: list[Callable[..., Any]] = [release.reserve_batch, release.start_batch]
        for act in acts:
            with pytest.raises(InvalidMove):
                act(batch_id=batch.pk, at=office.at())

    def test_a_second_regular_list_is_refused_while_one_lives(self, office: Office) -> None:
        submitted(office)
        with pytest.raises(BatchExists):
            build_batch(office)

    def test_two_regular_lists_at_once_are_one(self, committed: None) -> None:
        office = make_office()
        make_entitled(1)
        results = at_once(*[lambda: build_batch(office)] * 3)
        assert [type(result).__name__ for result in results].count("BatchExists") == 2
        assert PayoutBatch.objects.count() == 1

    def test_the_database_refuses_a_second_regular_list(self, office: Office) -> None:
        submitted(office)
        refused(
            'INSERT INTO payments_payout_batch SELECT (jsonb_populate_record(b, \'{"id": -1, "sequence": 2, '
            '"state": "BUILDING"}\')).* FROM payments_payout_batch b',
            by="payout_batch_one_live_regular",
        )


class TestHold:
    def test_stops_new_sends_and_lets_questions_go_on(self, office: Office, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        make_entitled(2)
        batch = start(office, build_batch(office))
        gateway = FakeGateway(after=time_out)
        claim = dispatch.claim_to_send()
        assert claim is not None
        dispatch.send(claim=claim, gateway=gateway)
        release.hold_batch(batch_id=batch.pk, by=office.accountant, reason="Danh sách sai", at=office.at())
        assert dispatch.claim_to_send() is None
        run("UPDATE payments_dispatch_chunk SET due_at = now() WHERE state = 'INQUIRY'")
        ask_all(gateway)
        assert states() == {"SETTLED": 1, "READY": 1}
        assert len(gateway.times) == 1

    def test_remembers_where_it_was(self, office: Office) -> None:
        make_entitled(1)
        batch = approve(office, build_batch(office))
        release.hold_batch(batch_id=batch.pk, by=office.approver, reason="Danh sách sai", at=office.at())
        batch.refresh_from_db()
        assert (batch.state, batch.held_from, batch.held_reason) == ("HELD", "APPROVED", "Danh sách sai")
        refused("UPDATE payments_payout_batch SET held_from = ''", by="payout_batch_held_from_somewhere")

    def test_needs_a_reason_and_an_officer_of_the_ward(self, office: Office) -> None:
        make_entitled(1)
        batch = approve(office, build_batch(office))
        with pytest.raises(WrongInput):
            release.hold_batch(batch_id=batch.pk, by=office.approver, reason="  ", at=office.at())
        for by in (staff(Role.AUDITOR), staff(Role.APPROVER, unit="26740")):
            with pytest.raises(NotInAuthority):
                release.hold_batch(batch_id=batch.pk, by=by, reason="Danh sách sai", at=office.at())

    def test_is_not_for_a_list_that_has_ended(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        send_all(FakeGateway())
        assert release.drain_batches() == [batch.pk]
        with pytest.raises(InvalidMove):
            release.hold_batch(batch_id=batch.pk, by=office.approver, reason="Danh sách sai", at=office.at())

    def test_a_batch_held_for_a_lost_authority_can_be_seen_in_the_trail(self, office: Office) -> None:
        make_entitlement(make_person())
        batch = approve(office, build_batch(office))
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        RoleAssignment.objects.filter(user=office.approver).update(valid_to=date(2026, 1, 2))
        release.start_batch(batch_id=batch.pk, at=office.at())
        assert state_of(batch) == "HELD"
        assert read("SELECT count(*) FROM audit_event WHERE kind = 'batch.authority_lost'") == [(1,)]
