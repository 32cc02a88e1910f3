"""Banks that are slow, closed or down leave the others flowing (F19, F46); one bad line is found and the rest goes on (F38)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from foundation.gateway.channels import FAILURES_TO_OPEN, WHOLE_GATEWAY
from foundation.gateway.errors import MessageRefused, NotSent, OutcomeUnknown, Problem
from foundation.gateway.models import BankChannel
from foundation.gateway.port import BulkAnswer, TransferInstruction
from payments.models import DispatchAttempt, DispatchChunk, Transfer
from payments.operations import dispatch
from tests.conftest import Clock
from tests.factories import ACB, VCB, Office, build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import ask_all, balances, broken, send_all, states


@dataclass
class FussyGateway(FakeGateway):
    """Refuses a message that carries one of the poisoned accounts, and answers nothing of banks that are down."""

    poisoned: set[str] = field(default_factory=set)
    names_the_line: bool = False
    down: dict[str, Exception] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)

    def submit(self, *, transfers: Sequence[TransferInstruction], **rest: Any) -> BulkAnswer:
        self.sizes.append(len(transfers))
        if error := self.down.get(transfers[0].creditor_agent):
            raise error
        bad = [number for number, one in enumerate(transfers, start=1) if one.creditor_account in self.poisoned]
        if bad:
            problems = (
                tuple(Problem(line, "creditor_name", "is not allowed") for line in bad) if self.names_the_line else ()
            )
            raise MessageRefused("INVALID_MESSAGE", problems=problems)
        return super().submit(transfers=transfers, **rest)


@pytest.fixture
def gateway() -> FussyGateway:
    return FussyGateway()


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


def circuit(bank: str) -> str:
    return BankChannel.objects.get(pk=bank).state


class TestPoison:
    @pytest.mark.parametrize("place", [0, 1, 15, 30, 31])
    def test_one_bad_line_is_found_and_the_rest_is_paid(
        self, office: Office, gateway: FussyGateway, place: int
    ) -> None:
        numbers = [f"10{number:08d}" for number in range(32)]
        gateway.poisoned = {numbers[place]}
        make_entitled(32, numbers=numbers)
        start(office, build_batch(office))
        send_all(gateway)
        assert states() == {"SETTLED": 31, "REVIEW": 1}
        bad = Transfer.objects.get(state="REVIEW")
        assert bad.payout_account is not None
        assert bad.payout_account.number_masked.endswith(numbers[place][-4:])
        assert set(gateway.times.values()) == {1}
        assert len(gateway.messages) + gateway.sizes.count(1) < 40
        assert DispatchChunk.objects.get().state == "PARKED"
        assert balances(office)["RESERVED"] == 650_000
        assert broken(gateway) == []

    def test_two_bad_lines_are_found(self, office: Office, gateway: FussyGateway) -> None:
        numbers = [f"10{number:08d}" for number in range(20)]
        gateway.poisoned = {numbers[3], numbers[17]}
        make_entitled(20, numbers=numbers)
        start(office, build_batch(office))
        send_all(gateway)
        assert states() == {"SETTLED": 18, "REVIEW": 2}

    def test_a_line_that_the_gateway_names_needs_no_search(self, office: Office, gateway: FussyGateway) -> None:
        numbers = [f"10{number:08d}" for number in range(20)]
        gateway.poisoned, gateway.names_the_line = {numbers[3], numbers[17]}, True
        make_entitled(20, numbers=numbers)
        start(office, build_batch(office))
        send_all(gateway)
        assert states() == {"SETTLED": 18, "REVIEW": 2}
        assert gateway.sizes == [20, 18]

    def test_messages_grow_again_after_it(self, office: Office, gateway: FussyGateway, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 64
        numbers = [f"10{number:08d}" for number in range(64)]
        gateway.poisoned = {numbers[0]}
        make_entitled(64, numbers=numbers)
        start(office, build_batch(office))
        send_all(gateway)
        assert gateway.sizes[:7] == [64, 32, 16, 8, 4, 2, 1]
        assert gateway.sizes[7:] == [1, 2, 4, 8, 16, 32]
        assert states() == {"SETTLED": 63, "REVIEW": 1}
        assert DispatchChunk.objects.get().send_limit is None

    def test_what_is_refused_whatever_it_is_goes_to_people_at_last(
        self, office: Office, gateway: FussyGateway
    ) -> None:
        numbers = [f"10{number:08d}" for number in range(60)]
        gateway.poisoned = set(numbers)
        make_entitled(60, numbers=numbers)
        start(office, build_batch(office))
        send_all(gateway)
        assert states() == {"REVIEW": 60}
        assert DispatchAttempt.objects.filter(outcome="REFUSED").count() == dispatch.MAX_REFUSALS
        assert not gateway.times


class TestOneBankDown:
    def lists(self, office: Office, settings: Any) -> None:
        """Eight chunks of one line at the bank that is down, four at another."""
        settings.DISPATCH_CHUNK_SIZE = 1
        make_entitled(8, bank=VCB)
        make_entitled(4, bank=ACB)
        start(office, build_batch(office))

    @pytest.mark.parametrize(
        "error",
        [OutcomeUnknown("TIMEOUT"), NotSent("BANK_UNAVAILABLE", bank=VCB)],
        ids=["silent", "says it is closed"],
    )
    def test_leaves_the_others_flowing(
        self, office: Office, gateway: FussyGateway, settings: Any, error: Exception
    ) -> None:
        self.lists(office, settings)
        gateway.down = {VCB: error}
        send_all(gateway)
        assert circuit(VCB) == "OPEN"
        assert Transfer.objects.filter(creditor_agent=ACB, state="SETTLED").count() == 4
        assert len(gateway.sizes) == FAILURES_TO_OPEN + 4
        assert (
            Transfer.objects.filter(creditor_agent=VCB, state="READY", chunk__attempts=0).count()
            == 8 - FAILURES_TO_OPEN
        )

    def test_is_tried_with_one_line_and_then_goes_on(
        self, office: Office, gateway: FussyGateway, settings: Any, clock: Clock
    ) -> None:
        self.lists(office, settings)
        gateway.down = {VCB: NotSent("BANK_UNAVAILABLE", bank=VCB)}
        send_all(gateway)
        gateway.down, gateway.sizes = {}, []
        clock.shift("20 minutes")
        claim = dispatch.claim_to_send()
        assert claim is not None
        assert circuit(VCB) == "HALF_OPEN"
        assert dispatch.claim_to_send() is None, "the others wait for what the one line brings"
        dispatch.send(claim=claim, gateway=gateway)
        assert circuit(VCB) == "CLOSED"
        clock.shift("40 minutes")
        send_all(gateway)
        assert states() == {"SETTLED": 12}
        assert set(gateway.times.values()) == {1}

    def test_a_probe_takes_one_line_of_a_full_chunk(self, office: Office, gateway: FussyGateway, clock: Clock) -> None:
        make_entitled(6, bank=VCB)
        start(office, build_batch(office))
        BankChannel.objects.create(
            bank_bin=VCB,
            state="OPEN",
            failures=5,
            opened_at=office.at(),
            retry_at=office.at(),
            rate=100,
            rate_limit=100,
        )
        claim = dispatch.claim_to_send()
        assert claim is not None
        assert len(claim.instructions) == 1
        dispatch.send(claim=claim, gateway=gateway)
        assert states() == {"SETTLED": 1, "READY": 5}
        send_all(gateway)
        assert states() == {"SETTLED": 6}
        assert gateway.sizes == [1, 5]

    def test_a_gateway_that_cannot_be_reached_stops_every_bank(
        self, office: Office, gateway: FussyGateway, settings: Any, clock: Clock
    ) -> None:
        self.lists(office, settings)
        gateway.down = {VCB: NotSent("CONNECT"), ACB: NotSent("CONNECT")}
        send_all(gateway)
        assert circuit(WHOLE_GATEWAY) == "OPEN"
        assert len(gateway.sizes) == FAILURES_TO_OPEN
        gateway.down = {}
        for hours in range(1, 6):
            clock.shift(f"{hours} hours")
            send_all(gateway)
        assert states() == {"SETTLED": 12}

    def test_too_many_halves_the_rate_of_that_bank_only(
        self, office: Office, gateway: FussyGateway, settings: Any
    ) -> None:
        self.lists(office, settings)
        gateway.down = {VCB: NotSent("TOO_MANY_REQUESTS", retry_after=7.0)}
        send_all(gateway)
        assert BankChannel.objects.get(pk=VCB).rate == settings.BANK_RATE / 2
        assert BankChannel.objects.get(pk=ACB).rate == settings.BANK_RATE
        assert gateway.sizes.count(1) == 1 + 4
        assert Transfer.objects.filter(creditor_agent=ACB, state="SETTLED").count() == 4


class TestHoursAndRate:
    def test_nothing_is_sent_to_a_bank_after_its_cut_off(
        self, office: Office, gateway: FussyGateway, clock: Clock
    ) -> None:
        make_entitled(1, bank=VCB)
        make_entitled(1, bank=ACB)
        start(office, build_batch(office))
        BankChannel.objects.create(bank_bin=VCB, cut_off="00:00:01")
        send_all(gateway)
        assert states() == {"SETTLED": 1, "READY": 1}
        due = DispatchChunk.objects.get(creditor_agent=VCB).due_at
        assert due > office.at(), "it is looked at again when the bank opens"

    def test_a_banks_rate_is_shared_by_all_workers(self, office: Office, gateway: FussyGateway, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 10
        make_entitled(40, bank=VCB)
        start(office, build_batch(office))
        BankChannel.objects.create(bank_bin=VCB, rate=1, rate_limit=1, burst=20, tokens=20)
        send_all(gateway)
        assert states() == {"SETTLED": 20, "READY": 20}

    def test_questions_are_asked_while_a_bank_is_closed(
        self, office: Office, gateway: FussyGateway, clock: Clock
    ) -> None:
        make_entitled(1, bank=VCB)
        start(office, build_batch(office))
        gateway.status = "ACSP"
        send_all(gateway)
        BankChannel.objects.filter(pk=VCB).update(cut_off="00:00:01")
        gateway.status = "ACCC"
        clock.shift("1 hour")
        ask_all(gateway)
        assert states() == {"SETTLED": 1}
