from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import IntegrityError, connection, transaction

from foundation.audit.clock import now
from foundation.gateway.channels import (
    FAILURES_TO_OPEN,
    PROBE_SECONDS,
    add_channels,
    claim_tokens,
    report_failure,
    report_success,
    report_throttled,
)
from foundation.gateway.models import BankChannel

BANK, OTHER = "970436", "970415"
HANOI = timezone(timedelta(hours=7))


@pytest.fixture(autouse=True)
def usual_rate(settings):
    """200 lines a second and a bucket of 1,000, so that a test can empty it."""
    settings.BANK_RATE = 200


def channel(bank: str = BANK) -> BankChannel:
    return BankChannel.objects.get(pk=bank)


def granted(lines: int = 1, bank: str = BANK) -> int:
    return claim_tokens(bank=bank, lines=lines).lines


def seconds_until_again(lines: int = 1) -> float:
    grant = claim_tokens(bank=BANK, lines=lines)
    assert not grant.is_granted
    assert grant.again_at is not None
    return (grant.again_at - now()).total_seconds()


def open_circuit(bank: str = BANK) -> None:
    for _ in range(FAILURES_TO_OPEN):
        report_failure(bank=bank)


@pytest.mark.django_db
class TestTokens:
    def test_a_bank_that_was_never_heard_of_gets_a_channel(self):
        assert granted(500) == 500
        assert channel().state == "CLOSED"

    def test_are_all_or_none_until_the_bucket_has_filled_again(self, clock):
        assert [granted(500), granted(500), granted(500)] == [500, 500, 0]
        wait = seconds_until_again(500)
        assert 2.0 < wait <= 2.5
        clock.shift("1 second")
        assert granted(500) == 0
        clock.shift(f"{wait + 0.1} seconds")
        assert granted(500) == 500

    def test_do_not_pile_up_beyond_the_bucket(self, clock):
        granted(1000)
        clock.shift("1 day")
        assert [granted(500), granted(500), granted(500)] == [500, 500, 0]

    def test_a_chunk_larger_than_the_bucket_passes_and_leaves_a_debt(self, clock):
        add_channels([BANK])
        BankChannel.objects.update(burst=100, tokens=100, rate=100, rate_limit=100)
        assert granted(500) == 500
        assert 3.5 < seconds_until_again(1) < 4.2
        clock.shift("3 seconds")
        assert granted(1) == 0
        clock.shift("6 seconds")
        assert granted(1) == 1

    def test_of_one_bank_are_not_those_of_another(self):
        assert granted(1000) == 1000
        assert granted(1000) == 0
        assert granted(1000, OTHER) == 1000


class TestTokensAtOnce:
    def test_are_never_given_twice(self, committed):
        add_channels([BANK])
        BankChannel.objects.update(rate=1, rate_limit=1)

        def work(_):
            try:
                return granted(20)
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as threads:
            total = sum(threads.map(work, range(80)))
        assert total == 1000

    def test_only_one_worker_gets_the_probe(self, committed, clock):
        open_circuit()
        clock.shift("1 hour")

        def work(_):
            try:
                return granted(20)
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as threads:
            assert sorted(threads.map(work, range(12))) == [0] * 11 + [1]


@pytest.mark.django_db
class TestCircuit:
    def test_opens_after_failures_in_a_row_for_that_bank_only(self):
        answers = [report_failure(bank=BANK) for _ in range(FAILURES_TO_OPEN)]
        assert answers == [False] * (FAILURES_TO_OPEN - 1) + [True]
        assert granted() == 0
        assert 0 < seconds_until_again() <= 5
        assert granted(bank=OTHER) == 1

    def test_forgets_failures_at_each_success(self):
        for _ in range(3):
            for _ in range(FAILURES_TO_OPEN - 1):
                report_failure(bank=BANK)
            report_success(bank=BANK)
        assert (channel().state, channel().failures) == ("CLOSED", 0)

    def test_lets_one_line_through_after_the_pause_and_closes_on_its_success(self, clock):
        open_circuit()
        clock.shift("10 seconds")
        assert granted(500) == 1
        assert channel().state == "HALF_OPEN"
        assert granted(500) == 0
        report_success(bank=BANK)
        assert channel().state == "CLOSED"
        assert granted(500) == 500

    def test_pauses_longer_when_the_one_line_fails_too(self, clock, settings):
        open_circuit()
        pauses = []
        for hour in range(1, 12):
            clock.shift(f"{hour} hours")
            assert granted() == 1
            assert report_failure(bank=BANK)
            pauses.append(seconds_until_again())
        assert pauses[0] < 10.1
        assert all(5 * 2**n / 2 - 1 < pause <= 5 * 2**n for n, pause in enumerate(pauses[:7], start=1))
        longest = settings.DISPATCH_LONGEST_WAIT
        assert all(longest / 2 - 1 < pause <= longest for pause in pauses[8:])

    def test_tries_another_line_when_nobody_reports_on_the_first(self, clock):
        open_circuit()
        clock.shift("10 seconds")
        assert granted() == 1
        clock.shift(f"{PROBE_SECONDS + 15} seconds")
        assert granted() == 1

    def test_waits_as_long_as_the_bank_asks(self):
        for _ in range(FAILURES_TO_OPEN):
            report_failure(bank=BANK, retry_after=3600)
        assert 3590 < seconds_until_again() <= 3600

    def test_late_failures_do_not_push_the_pause_out(self):
        open_circuit()
        before = channel().retry_at
        for _ in range(20):
            report_failure(bank=BANK)
        assert channel().retry_at == before
        report_failure(bank=BANK, retry_after=3600)
        assert seconds_until_again() > 3590


@pytest.mark.django_db
class TestRate:
    def test_is_halved_by_too_many_and_rises_by_steps(self):
        granted()
        report_throttled(bank=BANK, retry_after=0)
        report_throttled(bank=BANK, retry_after=0)
        assert channel().rate == 50
        report_success(bank=BANK)
        assert channel().rate == 60
        for _ in range(40):
            report_success(bank=BANK)
        assert channel().rate == channel().rate_limit == 200

    def test_never_falls_below_one_a_second(self):
        for _ in range(30):
            report_throttled(bank=BANK)
        assert channel().rate == 1

    def test_nothing_is_sent_while_the_gateway_asks_to_wait(self, clock):
        report_throttled(bank=BANK, retry_after=30)
        assert 30 < seconds_until_again(100) < 31.1
        clock.shift("29 seconds")
        assert granted(100) == 0
        clock.shift("32 seconds")
        assert granted(100) == 100

    def test_a_success_when_all_is_well_writes_nothing(self):
        granted()
        with connection.cursor() as cursor:
            cursor.execute("SELECT xmin FROM gateway_bank_channel")
            before = cursor.fetchall()
            report_success(bank=BANK)
            cursor.execute("SELECT ctid, xmin FROM gateway_bank_channel")
            assert [row[1:] for row in cursor.fetchall()] == before


@pytest.mark.django_db
class TestHours:
    """Local times of Ho Chi Minh City, whatever the time zone of the session."""

    def at(self, clock, hour: int, minute: int = 0) -> None:
        target = datetime.now(HANOI).replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(days=1)
        clock.shift(f"{(target - datetime.now(UTC)).total_seconds()} seconds")

    def test_nothing_is_sent_before_opening_and_after_closing(self, clock):
        add_channels([BANK])
        BankChannel.objects.update(opens_at="08:00", closes_at="16:30")
        self.at(clock, 7, 59)
        assert granted() == 0
        assert 50 < seconds_until_again() <= 60
        self.at(clock, 8, 1)
        assert granted() == 1
        self.at(clock, 16, 31)
        assert granted() == 0
        assert 15.4 < seconds_until_again() / 3600 < 15.5

    def test_nothing_is_sent_after_the_cut_off(self, clock):
        add_channels([BANK])
        BankChannel.objects.update(cut_off="15:00")
        self.at(clock, 14, 59)
        assert granted() == 1
        self.at(clock, 15, 1)
        assert granted() == 0
        assert 8.9 < seconds_until_again() / 3600 < 9


@pytest.mark.django_db
class TestDatabase:
    @pytest.mark.parametrize(
        ("changes", "what"),
        [
            ({"bank_bin": "97043"}, "six_digits"),
            ({"bank_bin": "97043a"}, "six_digits"),
            ({"state": "OPEN"}, "times_fit_state"),
            ({"retry_at": datetime(2026, 1, 1, tzinfo=UTC)}, "times_fit_state"),
            ({"rate": 0.5}, "rate_within_limit"),
            ({"rate": 201}, "rate_within_limit"),
            ({"tokens": 1001}, "tokens_within_burst"),
            ({"opens_at": "09:00", "closes_at": "08:00"}, "hours_in_order"),
        ],
    )
    def test_refuses_a_channel_that_makes_no_sense(self, changes, what):
        with pytest.raises(IntegrityError, match=what), transaction.atomic():
            BankChannel.objects.create(**{"bank_bin": BANK, **changes})
