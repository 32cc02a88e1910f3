"""Each watcher over the gateway: raised by its trouble, silent without it, ended when it is over."""

import pytest

from foundation.audit.models import Alarm
from foundation.audit.watching import look
from foundation.gateway import refused
from foundation.gateway.alarms import FORGED_IN_FIVE_MINUTES, WATCHERS
from foundation.gateway.channels import FAILURES_TO_OPEN, WHOLE_GATEWAY, report_failure, report_success
from foundation.gateway.models import RefusedCallbacks
from foundation.gateway.notices import Citizen, Message, add_notices
from foundation.gateway.signatures import Secret, SignatureRefused
from tests.conftest import Clock
from tests.gateway.messages import CALLBACK_ENTRY, callback, deliver
from tests.payments.helpers import run

pytestmark = pytest.mark.django_db
BANK = "970436"
EVERY = {watcher.kind.code: watcher for watcher in WATCHERS}
STRANGER = Secret("c1", b"x" * 32)


@pytest.fixture(autouse=True)
def secrets(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GATEWAY_CALLBACK_SECRETS = [CALLBACK_ENTRY]
    monkeypatch.setattr("foundation.gateway.inbox.TALLY", refused.Tally())


def alarm(code: str) -> Alarm | None:
    """What the watcher of a kind sees now."""
    look(EVERY[code])
    return Alarm.objects.filter(code=code, closed_at=None).first()


class TestChannels:
    @pytest.mark.parametrize(
        ("bank", "code", "minutes"),
        [(BANK, "gateway.bank_down", 16), (WHOLE_GATEWAY, "gateway.unreachable", 3)],
    )
    def test_that_are_open_for_long(self, bank: str, code: str, minutes: int, clock: Clock) -> None:
        for _ in range(FAILURES_TO_OPEN):
            report_failure(bank=bank)
        assert alarm(code) is None, "a short breath is no news"
        clock.shift(f"{minutes} minutes")
        found = alarm(code)
        assert found is not None
        assert found.details["failures"] == FAILURES_TO_OPEN
        report_success(bank=bank)
        assert alarm(code) is None

    def test_one_bank_is_not_the_gateway(self, clock: Clock) -> None:
        for _ in range(FAILURES_TO_OPEN):
            report_failure(bank=BANK)
        clock.shift("1 hour")
        assert alarm("gateway.unreachable") is None
        found = alarm("gateway.bank_down")
        assert found is not None
        assert found.subject_id == BANK


class TestForgeries:
    """F26."""

    def forge(self, times: int) -> None:
        for number in range(times):
            with pytest.raises(SignatureRefused):
                deliver(callback(f"evt_{number}"), f"evt_{number}", secret=STRANGER)

    def test_a_few_are_counted_and_are_no_alarm(self) -> None:
        self.forge(1)
        assert RefusedCallbacks.objects.get().count == 1
        assert alarm("gateway.callbacks_forged") is None

    def test_many_in_a_few_minutes_are_one_and_it_ends_when_they_stop(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(refused, "WRITE_EVERY_SECONDS", 0.0)
        self.forge(FORGED_IN_FIVE_MINUTES)
        found = alarm("gateway.callbacks_forged")
        assert found is not None
        assert found.details == {"refused": FORGED_IN_FIVE_MINUTES, "minutes": 5}
        clock.shift("7 minutes")
        assert alarm("gateway.callbacks_forged") is None

    def test_a_flood_costs_one_write_a_second_however_many_come(self, django_assert_num_queries) -> None:
        with django_assert_num_queries(1):
            self.forge(50)

    def test_counts_are_forgotten_after_a_month(self, clock: Clock) -> None:
        self.forge(1)
        assert refused.forget_old_counts() == 0
        clock.shift("31 days")
        assert refused.forget_old_counts() == 1


class TestTheInbox:
    def test_says_when_an_id_comes_with_another_body(self) -> None:
        """I-24: the gateway contradicts itself, or somebody has its secret."""
        deliver(callback(created_at="2026-11-23T02:15:02Z"))
        deliver(callback(created_at="2026-11-23T02:15:03Z"))
        deliver(callback(created_at="2026-11-23T02:15:04Z"))
        found = Alarm.objects.get(code="gateway.message_conflict")
        assert (found.severity, found.times) == ("CRITICAL", 2)

    def test_says_that_messages_wait_for_people(self) -> None:
        receipt = deliver(callback())
        assert alarm("gateway.messages_quarantined") is None
        run(
            "UPDATE gateway_message SET state = 'QUARANTINED', due_at = NULL, outcome = 'why' WHERE id = %s",
            receipt.message,
        )
        found = alarm("gateway.messages_quarantined")
        assert found is not None
        assert found.details["messages"] == 1
        run("UPDATE gateway_message SET state = 'RECEIVED', due_at = portal_now()")
        assert alarm("gateway.messages_quarantined") is None

    def test_says_that_nobody_takes_messages_up(self, clock: Clock) -> None:
        deliver(callback())
        assert alarm("gateway.inbox_behind") is None
        clock.shift("16 minutes")
        assert alarm("gateway.inbox_behind") is not None
        run("UPDATE gateway_message SET state = 'APPLIED', applied_at = portal_now(), due_at = NULL")
        assert alarm("gateway.inbox_behind") is None


class TestNotices:
    @pytest.fixture(autouse=True)
    def notice(self) -> None:
        add_notices([Message("e:1", Citizen(b"h" * 32, "079144100238"), "Tiền bị trả lại", "Lời")])

    def give_up(self, why: str) -> None:
        run("UPDATE gateway_notice SET state = 'GIVEN_UP', due_at = NULL, ended_at = portal_now(), outcome = %s", why)

    def test_that_do_not_leave(self, clock: Clock) -> None:
        assert alarm("notices.behind") is None
        clock.shift("61 minutes")
        found = alarm("notices.behind")
        assert found is not None
        assert (found.subject_id, found.details["waiting"]) == ("vneid", 1)
        run("UPDATE gateway_notice SET state = 'SENT', due_at = NULL, ended_at = portal_now()")
        assert alarm("notices.behind") is None

    def test_that_were_given_up_are_told_of_for_a_day(self, clock: Clock) -> None:
        self.give_up("INVALID_MESSAGE")
        found = alarm("notices.behind")
        assert found is not None
        assert found.details["given_up"] == 1
        clock.shift("25 hours")
        assert alarm("notices.behind") is None

    def test_whoever_has_no_e_id_is_no_trouble(self) -> None:
        self.give_up("NO_EID")
        assert alarm("notices.behind") is None
