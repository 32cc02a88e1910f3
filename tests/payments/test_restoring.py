"""F49: a restored copy is older than what the banks did. It starts held, asks first, and pays nothing twice."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from foundation.audit.models import Alarm
from foundation.gateway.camt053 import UnreadableStatement
from foundation.gateway.errors import NotSent
from payments.errors import InvalidMove, RestoreNotEnded, WrongInput
from payments.models import DispatchAttempt, DispatchChunk, PayoutBatch, Restore, Transfer
from payments.operations import decide, dispatch, release
from payments.operations.cancelling import cancel_chunks
from payments.operations.restoring import RestoreUnexplained, end_restore, start_after_restore
from payments.states import BatchKind, ProposalKind
from tests.conftest import Clock
from tests.factories import Office, approve, build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway
from tests.payments.deciding import cancel, let_go_on, propose
from tests.payments.helpers import ask_all, broken, refused, run, send_all, state_of, states
from tests.payments.statements import Line, camt

WHY = "Máy chủ hỏng, lấy bản sao lưu lúc 2 giờ"


@dataclass
class RememberingBank(FakeGateway):
    """A bank that outlives our database: it has statements, and keeps what the lost database told it to pay."""

    strangers: list[tuple[str, int]] = field(default_factory=list)
    days: list[date] = field(default_factory=list)
    spoilt: Callable[[bytes], bytes] = bytes

    def fetch_statement(self, day: date, *, interim: bool = False, **_: Any) -> Iterator[bytes]:
        self.days.append(day)
        paid = [(key, self.credits[key].instructed_amount) for key in self.times] + self.strangers
        if not paid:
            raise NotSent("NOT_FOUND")
        lines = [Line(amount, key, reference=f"N{number}") for number, (key, amount) in enumerate(paid)]
        yield self.spoilt(camt(lines, day=day))

    def pay_for_the_lost_database(self, *transfers: Transfer) -> None:
        """What was sent after the copy had been made: this database never learns of it by itself."""
        for transfer in transfers:
            self.credits[transfer.end_to_end_id] = transfer  # type: ignore[assignment]
            transfer.creditor_account = ""  # type: ignore[attr-defined]
            self.times[transfer.end_to_end_id] += 1


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


@pytest.fixture
def bank() -> RememberingBank:
    return RememberingBank()


@pytest.fixture
def batch(office: Office) -> PayoutBatch:
    """A list of three that this copy has opened and believes unsent."""
    make_entitled(3)
    return start(office, build_batch(office))


def after_the_last_message(bank: RememberingBank, clock: Clock) -> None:
    """The moment from which 'never seen' is proof."""
    clock.shift("5 minutes")
    bank.clock = lambda: datetime.now(UTC) + timedelta(minutes=5)


class TestF49AfterARestore:
    def test_every_list_on_its_way_is_held_and_nothing_is_ready(self, batch: PayoutBatch) -> None:
        restore = start_after_restore(reason=WHY)
        assert (restore.batches_held, restore.transfers_in_doubt) == (1, 3)
        assert state_of(batch) == "HELD"
        assert states() == {"UNKNOWN": 3}
        assert Alarm.objects.values_list("code", "severity").get() == ("payments.restored", "CRITICAL")
        assert dispatch.claim_to_send() is None

    def test_what_the_lost_database_paid_is_found_and_the_rest_is_sent_once(
        self, office: Office, batch: PayoutBatch, bank: RememberingBank, clock: Clock
    ) -> None:
        bank.pay_for_the_lost_database(Transfer.objects.order_by("id")[0])
        start_after_restore(reason=WHY)
        after_the_last_message(bank, clock)
        ask_all(bank)
        assert states() == {"SETTLED": 1, "READY": 2}
        end_restore(gateway=bank, at=office.at())
        let_go_on(office, batch)
        clock.shift("20 minutes")
        bank.clock = lambda: datetime.now(UTC) + timedelta(minutes=20)
        send_all(bank)
        assert states() == {"SETTLED": 3}
        assert set(bank.times.values()) == {1}
        assert broken(bank) == []

    def test_the_bank_is_asked_again_until_no_message_of_the_lost_workers_can_arrive(
        self, batch: PayoutBatch, bank: RememberingBank
    ) -> None:
        start_after_restore(reason=WHY)
        ask_all(bank)
        assert states() == {"UNKNOWN": 3}

    def test_a_chunk_that_had_yet_to_be_opened_is_asked_about_too(
        self, office: Office, bank: RememberingBank, clock: Clock
    ) -> None:
        make_entitled(2)
        batch = approve(office, build_batch(office))
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        bank.pay_for_the_lost_database(*Transfer.objects.all())
        start_after_restore(reason=WHY)
        end_restore(gateway=bank, at=office.at())
        let_go_on(office, batch)
        release.start_batch(batch_id=batch.pk, at=office.at())
        release.open_chunks()
        assert states() == {"UNKNOWN": 2}
        after_the_last_message(bank, clock)
        ask_all(bank)
        assert states() == {"SETTLED": 2}
        assert bank.messages != []
        assert set(bank.times.values()) == {1}

    def test_a_list_that_was_only_submitted_then_is_asked_about_when_it_starts(
        self, office: Office, bank: RememberingBank, clock: Clock
    ) -> None:
        make_entitled(2)
        batch = build_batch(office)
        bank.pay_for_the_lost_database(*Transfer.objects.all())
        seen = decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        start_after_restore(reason=WHY)
        with pytest.raises(RestoreUnexplained, match="2 payments"):
            end_restore(gateway=bank, at=office.at())
        end_restore(gateway=bank, at=office.at(), accepted=2, reason="Danh sách đã được chi sau bản sao lưu")
        decide.approve_batch(batch_id=batch.pk, by=office.approver, seen_hash=seen, at=office.at())
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        release.start_batch(batch_id=batch.pk, at=office.at())
        release.open_chunks()
        after_the_last_message(bank, clock)
        ask_all(bank)
        assert states() == {"SETTLED": 2}

    def test_a_list_made_after_it_is_paid_as_ever(self, office: Office, bank: RememberingBank) -> None:
        start_after_restore(reason=WHY)
        end_restore(gateway=bank, at=office.at())
        make_entitled(2)
        start(office, build_batch(office))
        send_all(bank)
        assert states() == {"SETTLED": 2}

    def test_a_list_that_is_given_up_then_is_asked_about_before_it_is_cancelled(
        self, office: Office, bank: RememberingBank, clock: Clock
    ) -> None:
        make_entitled(2)
        batch = approve(office, build_batch(office))
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        bank.pay_for_the_lost_database(Transfer.objects.order_by("id")[0])
        start_after_restore(reason=WHY)
        end_restore(gateway=bank, at=office.at())
        cancel(office, batch)
        assert cancel_chunks() == 1
        assert states() == {"UNKNOWN": 2}
        after_the_last_message(bank, clock)
        ask_all(bank)
        while cancel_chunks():
            pass
        assert states() == {"SETTLED": 1, "CANCELLED": 1}
        assert broken(bank) == []

    def test_cash_is_not_a_matter_of_the_bank(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        start_after_restore(reason=WHY)
        assert state_of(batch) == "HELD"
        assert states() == {"READY": 1}

    def test_messages_have_numbers_that_the_lost_database_cannot_have_used(
        self, office: Office, batch: PayoutBatch, bank: RememberingBank, clock: Clock
    ) -> None:
        start_after_restore(reason=WHY)
        after_the_last_message(bank, clock)
        ask_all(bank)
        assert all(message.endswith("-r1") for message in bank.messages)


class TestTheDatabaseItself:
    def test_refuses_to_lease_for_sending_what_nobody_asked_about(self, batch: PayoutBatch) -> None:
        DispatchChunk.objects.update(doubted_at=batch.started_at)
        refused(
            "UPDATE payments_dispatch_chunk SET state = 'LEASED_SEND', fence = fence + 1, lease_until = portal_now()",
            by="dispatch_chunk_asked_after_restore",
        )

    def test_refuses_an_answer_from_before_the_restore_as_proof(
        self, office: Office, batch: PayoutBatch, bank: RememberingBank, clock: Clock
    ) -> None:
        start_after_restore(reason=WHY)
        after_the_last_message(bank, clock)
        ask_all(bank)
        assert states() == {"READY": 3}
        run("UPDATE payments_dispatch_chunk SET doubted_at = portal_now() + interval '1 hour'")
        refused(
            "UPDATE payments_dispatch_chunk SET state = 'LEASED_SEND', fence = fence + 1, lease_until = portal_now()",
            by="dispatch_chunk_asked_after_restore",
        )

    def test_lets_no_doubt_be_taken_back(self, batch: PayoutBatch) -> None:
        start_after_restore(reason=WHY)
        refused("UPDATE payments_dispatch_chunk SET doubted_at = NULL", by="dispatch_chunk_doubt_stays")
        earlier = "UPDATE payments_dispatch_chunk SET doubted_at = doubted_at - interval '1 day'"
        refused(earlier, by="dispatch_chunk_doubt_stays")

    def test_knows_no_doubt_without_a_restore(self, batch: PayoutBatch) -> None:
        refused(
            "UPDATE payments_transfer SET state = 'UNKNOWN', sent_count = 1, first_sent_at = portal_now()",
            by="transfer_in_doubt_after_restore",
        )

    def test_lets_no_list_start_or_be_given_up_meanwhile(self, office: Office) -> None:
        make_entitled(1)
        batch = approve(office, build_batch(office))
        make_entitled(1)
        draft = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        start_after_restore(reason=WHY)
        move = "UPDATE payments_payout_batch SET state = %s, held_from = '', held_reason = '' WHERE id = %s"
        for pk, state in ((draft.pk, "WITHDRAWN"), (self.reserved_since(office), "DISPATCHING")):
            refused(move, state, pk, by="payout_batch_waits_for_restore")
        assert state_of(batch) == "HELD"

    def reserved_since(self, office: Office) -> int:
        """A list that was approved and reserved while the restore is open."""
        make_entitled(1)
        batch = approve(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        return int(batch.pk)

    def test_knows_one_open_restore_that_ends_once_and_stays(self, office: Office, bank: RememberingBank) -> None:
        start_after_restore(reason=WHY)
        refused(
            "INSERT INTO payments_restore (known_until, reason, batches_held, transfers_in_doubt) "
            "VALUES (portal_now() - interval '1 hour', 'x', 0, 0)",
            by="restore_one_at_a_time",
        )
        end_restore(gateway=bank, at=office.at())
        refused("UPDATE payments_restore SET end_reason = 'x'", by="restore_ended_once")
        refused("DELETE FROM payments_restore", by="restore_kept")


class TestWhileItHasNotEnded:
    def test_no_list_starts_and_no_list_is_withdrawn(self, office: Office) -> None:
        make_entitled(1)
        approve(office, build_batch(office))
        start_after_restore(reason=WHY)
        make_entitled(1)
        other = approve(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        release.reserve_batch(batch_id=other.pk, at=office.at())
        with pytest.raises(RestoreNotEnded):
            release.start_batch(batch_id=other.pk, at=office.at())
        make_entitled(1)
        other = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        with pytest.raises(RestoreNotEnded):
            decide.withdraw_batch(batch_id=other.pk, by=office.preparer, reason="lập lại danh sách", at=office.at())

    @pytest.mark.parametrize("kind", [ProposalKind.RELEASE_BATCH, ProposalKind.CANCEL_BATCH])
    def test_nobody_lets_a_held_list_go_on_or_gives_it_up(
        self, office: Office, batch: PayoutBatch, kind: ProposalKind
    ) -> None:
        start_after_restore(reason=WHY)
        with pytest.raises(RestoreNotEnded):
            propose(office, batch, kind)

    def test_a_second_one_is_refused(self, batch: PayoutBatch) -> None:
        start_after_restore(reason=WHY)
        with pytest.raises(InvalidMove):
            start_after_restore(reason=WHY)

    def test_it_needs_a_reason(self, batch: PayoutBatch) -> None:
        with pytest.raises(WrongInput):
            start_after_restore(reason=" ")


class TestTheBanksStatements:
    def test_of_every_day_since_the_copy_are_read(
        self, office: Office, batch: PayoutBatch, bank: RememberingBank, clock: Clock
    ) -> None:
        clock.shift("2 days")
        start_after_restore(reason=WHY)
        end_restore(gateway=bank, at=office.at())
        assert len(bank.days) == 3
        assert bank.days == sorted(bank.days)

    def test_with_a_payment_that_the_copy_never_heard_of_keep_everything_held(
        self, office: Office, batch: PayoutBatch, bank: RememberingBank
    ) -> None:
        start_after_restore(reason=WHY)
        bank.strangers = [("f" * 32, 650_000), ("", 1)]  # the second names no payment at all
        with pytest.raises(RestoreUnexplained) as found:
            end_restore(gateway=bank, at=office.at())
        assert found.value.count == 2
        assert ("f" * 32, 650_000, "unknown here") in {
            (e.end_to_end_id, e.amount, e.why) for e in found.value.examples
        }
        assert Restore.objects.get().ended_at is None

    def test_with_a_payment_of_a_draft_keep_everything_held(self, office: Office, bank: RememberingBank) -> None:
        make_entitled(1)
        build_batch(office)
        bank.pay_for_the_lost_database(Transfer.objects.get())
        start_after_restore(reason=WHY)
        with pytest.raises(RestoreUnexplained) as found:
            end_restore(gateway=bank, at=office.at())
        assert [one.why for one in found.value.examples] == ["list is DRAFT"]

    def test_with_another_amount_keep_everything_held(
        self, office: Office, batch: PayoutBatch, bank: RememberingBank
    ) -> None:
        start_after_restore(reason=WHY)
        bank.strangers = [(Transfer.objects.order_by("id")[0].end_to_end_id, 1)]
        with pytest.raises(RestoreUnexplained):
            end_restore(gateway=bank, at=office.at())

    def test_may_be_taken_upon_oneself_by_their_exact_number_and_a_reason(
        self, office: Office, batch: PayoutBatch, bank: RememberingBank
    ) -> None:
        start_after_restore(reason=WHY)
        bank.strangers = [("f" * 32, 650_000)]
        with pytest.raises(RestoreUnexplained):
            end_restore(gateway=bank, at=office.at(), accepted=2, reason="đã tra từng khoản")
        with pytest.raises(WrongInput):
            end_restore(gateway=bank, at=office.at(), accepted=1)
        ended = end_restore(gateway=bank, at=office.at(), accepted=1, reason="đã tra từng khoản")
        assert (ended.debits_unexplained, ended.end_reason) == (1, "đã tra từng khoản")

    @pytest.mark.parametrize(
        ("spoilt", "code"),
        [
            (lambda content: content[: len(content) // 2], "CUT"),
            (lambda content: content.replace(b"camt.053", b"camt.052"), "NOT_CAMT053"),
            (lambda content: content.replace(b"<Sum>650000", b"<Sum>650001"), "SUMS"),
        ],
    )
    def test_that_cannot_be_believed_end_nothing(
        self,
        office: Office,
        batch: PayoutBatch,
        bank: RememberingBank,
        spoilt: Callable[[bytes], bytes],
        code: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        start_after_restore(reason=WHY)
        bank.pay_for_the_lost_database(Transfer.objects.order_by("id")[0])
        bank.spoilt = spoilt
        with pytest.raises(UnreadableStatement, match=code):
            end_restore(gateway=bank, at=office.at())
        monkeypatch.setattr("payments.management.commands.end_restore.gateway", lambda: bank)
        with pytest.raises(CommandError, match=code):
            call_command("end_restore")
        assert Restore.objects.get().ended_at is None

    def test_that_do_not_come_end_nothing(
        self, office: Office, batch: PayoutBatch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def closed(self: Any, day: date, **_: Any) -> Iterator[bytes]:
            yield b"<Document>"
            raise NotSent("CONNECT")

        monkeypatch.setattr(RememberingBank, "fetch_statement", closed)
        start_after_restore(reason=WHY)
        with pytest.raises(NotSent):
            end_restore(gateway=RememberingBank(), at=office.at())
        assert Restore.objects.get().ended_at is None


class TestTheCommands:
    def test_say_what_was_held_and_what_to_do_next(self, batch: PayoutBatch) -> None:
        told = io.StringIO()
        call_command("start_after_restore", "--reason", WHY, stdout=told)
        assert "Lists held: 1. Payments that are asked about before they are sent: 3" in told.getvalue()
        with pytest.raises(CommandError, match="has not ended"):
            call_command("start_after_restore", "--reason", WHY)

    def test_end_names_what_cannot_be_explained(
        self, batch: PayoutBatch, bank: RememberingBank, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("payments.management.commands.end_restore.gateway", lambda: bank)
        with pytest.raises(CommandError, match="no restore is open"):
            call_command("end_restore")
        start_after_restore(reason=WHY)
        bank.strangers = [("f" * 32, 650_000)]
        told = io.StringIO()
        with pytest.raises(CommandError, match="1 payments"):
            call_command("end_restore", stderr=told)
        assert "f" * 32 in told.getvalue()
        bank.strangers = []
        call_command("end_restore", stdout=told)
        assert "Held lists may be let go on" in told.getvalue()


def test_a_worker_that_was_sending_when_the_copy_was_made_is_asked_about(
    office: Office, batch: PayoutBatch, bank: RememberingBank, clock: Clock
) -> None:
    claim = dispatch.claim_to_send()
    assert claim is not None
    start_after_restore(reason=WHY)
    assert states() == {"SENDING": 3}
    after_the_last_message(bank, clock)
    dispatch.sweep_leases()
    ask_all(bank)
    assert states() == {"READY": 3}
    assert DispatchAttempt.objects.filter(kind="INQUIRE").count() == 1
