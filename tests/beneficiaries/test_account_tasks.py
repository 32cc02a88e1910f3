"""The workers' door: citizens first, nothing lost with a bell, and what is kept in order by the way."""

from typing import Any

import pytest
from django.conf import settings
from kombu.exceptions import OperationalError

from beneficiaries import tasks
from beneficiaries.models import AccountDraft, EnquiryCount, Payee, PayoutAccount
from beneficiaries.operations.accounts import expire_requests
from beneficiaries.operations.registration import purge_drafts
from foundation.audit.clock import PortalNow
from foundation.audit.models import AuditEvent
from foundation.gateway.errors import OutcomeUnknown
from tests.beneficiaries.registering import NUMBER, OTHER, Bank, Citizen, make_citizen
from tests.conftest import Clock
from tests.factories import make_account, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def citizen() -> Citizen:
    return make_citizen()


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch) -> Bank:
    bank = Bank()
    monkeypatch.setattr(tasks, "gateway", lambda: bank)
    return bank


def listed(number: str) -> PayoutAccount:
    return make_account(Payee.objects.create(person=make_person()), number=number, state="REQUESTED")


class TestLookUp:
    def test_asks_for_citizens_before_lists(self, citizen: Citizen, bank: Bank) -> None:
        accounts = [listed(f"30000000{n:02d}") for n in range(7)]
        citizen.asked()
        assert tasks.drain(budget_seconds=30) == 8
        assert bank.asked[0]["creditor_account"] == NUMBER
        assert citizen.draft().state == "ANSWERED"
        states = PayoutAccount.objects.filter(pk__in=[account.pk for account in accounts]).values_list("state")
        assert set(states) == {("ACCOUNT_CHECKED",)}

    def test_finds_a_citizen_who_comes_in_the_middle_of_a_list(self, citizen: Citizen, bank: Bank) -> None:
        for n in range(12):
            listed(f"30000000{n:02d}")

        def come() -> None:
            if len(bank.asked) == 3:
                citizen.asked()

        bank.before = come
        tasks.drain(budget_seconds=30)
        assert [question["creditor_account"] for question in bank.asked].index(NUMBER) == 5

    def test_lets_go_when_its_time_is_spent(self, citizen: Citizen, bank: Bank) -> None:
        citizen.asked()
        assert tasks.drain(budget_seconds=0) == 0
        tasks.look_up(argument_of_a_newer_release=1)
        assert citizen.draft().state == "ANSWERED"

    def test_goes_on_past_a_bank_that_is_silent(self, citizen: Citizen, bank: Bank) -> None:
        listed("3000000001")
        citizen.asked()

        def fail_once() -> None:
            if len(bank.asked) == 1:
                raise OutcomeUnknown("TIMEOUT")

        bank.before = fail_once
        assert tasks.drain(budget_seconds=30) == 2
        assert citizen.draft().state == "WAITING"
        assert PayoutAccount.objects.get().state == "ACCOUNT_CHECKED"

    def test_keeps_a_listed_account_whose_bank_asks_for_patience(self, bank: Bank) -> None:
        account = listed("3000000001")
        bank.codes = {"3000000001": "TEMPORARY"}
        tasks.drain(budget_seconds=30)
        account.refresh_from_db()
        assert (account.state, account.attempts) == ("REQUESTED", 1)


class TestBells:
    def test_a_broker_that_is_down_is_no_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def down(**_: Any) -> None:
            raise OperationalError("no broker")

        monkeypatch.setattr(tasks.look_up, "apply_async", down)
        tasks.ring()
        tasks.sweep()

    def test_sweep_rings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rung: list[dict[str, Any]] = []
        monkeypatch.setattr(tasks.look_up, "apply_async", lambda **given: rung.append(given))
        tasks.sweep(argument_of_a_newer_release=1)
        assert rung == [{"retry": False}]

    def test_beat_knows_both_tasks_and_their_queue(self) -> None:
        planned = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
        assert {tasks.sweep.name, tasks.housekeep.name} <= planned
        assert settings.CELERY_TASK_ROUTES["beneficiaries.tasks.*"] == {"queue": "accounts"}


class TestHousekeeping:
    def test_ends_the_safe_time(self, citizen: Citizen, clock: Clock) -> None:
        citizen.register()
        new = citizen.register(OTHER)
        clock.shift("73 hours")
        tasks.housekeep(argument_of_a_newer_release=1)
        new.refresh_from_db()
        assert new.state == "ACTIVE"

    def test_forgets_a_registration_that_was_left_for_a_month(self, citizen: Citizen, clock: Clock) -> None:
        draft = citizen.asked()
        clock.shift("29 days")
        assert purge_drafts() == 0
        clock.shift("31 days")
        assert purge_drafts() == 1
        assert not AccountDraft.objects.filter(pk=draft.pk).exists()
        assert not EnquiryCount.objects.exists()
        assert AuditEvent.objects.get(kind="drafts.purged").payload == {"drafts": 1}

    def test_keeps_one_that_was_touched_since(self, citizen: Citizen, clock: Clock) -> None:
        citizen.asked()
        clock.shift("31 days")
        AccountDraft.objects.update(saved_at=PortalNow())
        assert purge_drafts() == 0

    def test_lets_requests_that_nobody_finished_expire(self, citizen: Citizen, clock: Clock) -> None:
        review = citizen.register(at=Bank("HOA NGUYEN THI"))
        waiting, used = listed("3000000001"), make_citizen().register(OTHER)
        clock.shift("29 days")
        assert expire_requests() == 0
        clock.shift("31 days")
        assert expire_requests() == 2
        states = [PayoutAccount.objects.get(pk=account.pk).state for account in (review, waiting, used)]
        assert states == ["EXPIRED", "EXPIRED", "ACTIVE"]
        assert AuditEvent.objects.filter(kind="account.expired").count() == 2
