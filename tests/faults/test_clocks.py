"""F33: clocks that are wrong. Leases and due times are the database's, deadlines of a call are monotonic, and the gateway's
clock decides only about the gateway's own words."""

from datetime import UTC, datetime, timedelta

import pytest

from payments.operations import dispatch
from tests.conftest import Clock
from tests.factories import Office, build_batch, make_entitled, start
from tests.fake_gateway import ForgetfulGateway, time_out
from tests.payments.helpers import ask_all, send_all, states


def bank_is(gateway: ForgetfulGateway, hours: float) -> None:
    gateway.clock = lambda: datetime.now(UTC) + timedelta(hours=hours)


@pytest.fixture
def gateway() -> ForgetfulGateway:
    """One that pays whatever it is sent: only the portal's own care keeps a second payment away."""
    return ForgetfulGateway()


class TestF33AWrongClock:
    def test_of_a_bank_that_is_behind_makes_never_seen_prove_nothing(
        self, office: Office, gateway: ForgetfulGateway, clock: Clock
    ) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        bank_is(gateway, -1)
        gateway.before = time_out
        send_all(gateway)
        clock.shift("10 minutes")
        ask_all(gateway)
        assert states() == {"UNKNOWN": 1}

    def test_of_a_bank_that_is_ahead_sends_nothing(
        self, office: Office, gateway: ForgetfulGateway, clock: Clock
    ) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        bank_is(gateway, 1)
        claim = dispatch.claim_to_send()
        assert claim is not None
        dispatch.send(claim=claim, gateway=gateway)
        assert (states(), gateway.times) == ({"READY": 1}, {})
        clock.shift("1 hour")
        send_all(gateway)
        assert (states(), set(gateway.times.values())) == ({"SETTLED": 1}, {1})

    def test_of_ours_that_steps_back_delays_and_pays_nothing_twice(
        self, office: Office, gateway: ForgetfulGateway, clock: Clock
    ) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        gateway.after = time_out
        send_all(gateway)
        assert states() == {"UNKNOWN": 2}
        clock.shift("-1 hour")
        dispatch.sweep_leases()
        send_all(gateway)
        ask_all(gateway)
        assert states() == {"UNKNOWN": 2}
        clock.shift("10 minutes")
        bank_is(gateway, 1 / 6)
        ask_all(gateway)
        assert (states(), set(gateway.times.values())) == ({"SETTLED": 2}, {1})

    def test_of_ours_that_jumps_ahead_takes_a_lease_and_no_payment(
        self, office: Office, gateway: ForgetfulGateway, clock: Clock
    ) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        clock.shift("1 hour")
        assert len(dispatch.sweep_leases()) == 1
        dispatch.send(claim=claim, gateway=gateway)  # its holder is still at work: what it brings comes too late
        assert states() == {"UNKNOWN": 2}
        ask_all(gateway)
        assert (states(), set(gateway.times.values())) == ({"SETTLED": 2}, {1})
