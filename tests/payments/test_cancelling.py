"""A list that is given up on the word of two: what has not left is cancelled in steps, the rest runs to its end; all adds up."""

from typing import Any

import pytest

from foundation.audit.models import AuditEvent
from foundation.users.roles import Role
from payments.errors import InvalidMove, NotInAuthority
from payments.models import LedgerEntry, PayoutBatch, PayoutLine, Transfer
from payments.operations import cancelling, cash, dispatch, release
from payments.states import BatchKind, ProposalKind
from tests.factories import Office, approve, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway, time_out
from tests.payments.deciding import cancel, confirm, propose
from tests.payments.helpers import (
    ask_all,
    at_once,
    balances,
    broken,
    entries,
    refused,
    run,
    send_all,
    state_of,
    states,
)

CANCEL = ProposalKind.CANCEL_BATCH
MONEY = 10_000_000_000


def cancel_all() -> int:
    """Steps until there is nothing left to cancel; how many chunks."""
    chunks = 0
    while step := cancelling.cancel_chunks():
        chunks += step
    return chunks


class TestACancelledList:
    def test_ends_what_has_not_left_and_its_money_goes_back(self, office: Office) -> None:
        make_entitled(3)
        batch = start(office, build_batch(office))
        cancel(office, batch)
        assert batch.state == "CANCELLING"
        assert dispatch.claim_to_send() is None
        assert cancel_all() == 1
        assert states() == {"CANCELLED": 3}
        assert entries() == {"FUND": 1, "RESERVE": 1, "VOID": 3}
        assert balances(office)["FUNDING"] == MONEY
        assert balances(office)["RESERVED"] == 0
        assert release.drain_batches() == [batch.pk]
        assert state_of(batch) == "DRAINED"
        assert broken(FakeGateway()) == []

    def test_that_was_only_approved_has_no_money_to_give_back(self, office: Office) -> None:
        make_entitled(2)
        batch = approve(office, build_batch(office))
        cancel(office, batch)
        assert cancel_all() == 1
        assert states() == {"CANCELLED": 2}
        assert entries() == {"FUND": 1}
        assert release.drain_batches() == [batch.pk]
        assert broken(FakeGateway()) == []

    def test_that_was_reserved_but_not_begun_gives_it_back(self, office: Office) -> None:
        make_entitled(2)
        batch = approve(office, build_batch(office))
        release.reserve_batch(batch_id=batch.pk, at=office.at())
        cancel(office, batch)
        cancel_all()
        assert balances(office)["FUNDING"] == MONEY
        assert release.drain_batches() == [batch.pk]

    def test_that_was_held_is_held_no_more(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        release.hold_batch(batch_id=batch.pk, by=office.accountant, reason="Nghi có sai sót", at=office.at())
        cancel(office, batch)
        assert (batch.state, batch.held_from, batch.held_at, batch.held_by_id) == ("CANCELLING", "", None, None)
        cancel_all()
        assert release.drain_batches() == [batch.pk]

    def test_follows_what_has_left_to_its_end(self, office: Office, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        make_entitled(3)
        batch = start(office, build_batch(office))
        gateway = FakeGateway()
        gateway.after = time_out
        claim = dispatch.claim_to_send()
        assert claim is not None
        dispatch.send(claim=claim, gateway=gateway)
        held_by_worker = dispatch.claim_to_send()
        assert held_by_worker is not None
        cancel(office, batch)
        assert cancel_all() == 1  # neither the one that a worker holds nor the one that is asked about
        assert states() == {"UNKNOWN": 1, "SENDING": 1, "CANCELLED": 1}
        assert release.drain_batches() == []
        gateway.after = lambda: None
        run("UPDATE payments_dispatch_chunk SET due_at = now() - interval '1 minute' WHERE state = 'INQUIRY'")
        dispatch.send(claim=held_by_worker, gateway=gateway)
        ask_all(gateway)
        assert states() == {"SETTLED": 2, "CANCELLED": 1}
        assert release.drain_batches() == [batch.pk]
        assert broken(gateway) == []

    def test_lets_cash_at_the_desk_be_signed_for(self, office: Office) -> None:
        make_entitled(2, cash=True)
        make_entitled(1)
        batch = start(office, build_batch(office))
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        cancel(office, batch)
        assert cancel_all() == 1
        assert states() == {"HANDED_OVER": 2, "CANCELLED": 1}
        one = Transfer.objects.filter(state="HANDED_OVER").order_by("id")[0]
        signed = cash.Collected(one.pk, "Nguyễn Văn Hai", "", office.at().date())
        cash.mark_collected(batch_id=batch.pk, collected=[signed], by=office.accountant, at=office.at())
        cash.carry_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        assert states() == {"SETTLED": 1, "CANCELLED": 2}
        assert release.drain_batches() == [batch.pk]

    def test_frees_its_lines_for_a_new_list(self, office: Office) -> None:
        make_entitled(2)
        batch = start(office, build_batch(office))
        cancel(office, batch)
        cancel_all()
        again = build_batch(office, kind=BatchKind.REPLACEMENT)
        assert (again.number_of_transactions, again.control_sum) == (2, batch.control_sum)
        assert set(PayoutLine.objects.values_list("transfer__batch_id", flat=True)) == {again.pk}
        assert set(again.transfers.values_list("replaces__batch_id", flat=True)) == {batch.pk}

    def test_is_cancelled_in_steps_that_each_add_up(
        self, office: Office, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        monkeypatch.setattr(cancelling, "CHUNKS_AT_ONCE", 2)
        make_entitled(5)
        batch = start(office, build_batch(office))
        cancel(office, batch)
        for done in (2, 4, 5):
            assert cancelling.cancel_chunks() > 0
            assert states().get("CANCELLED") == done
            assert LedgerEntry.objects.filter(kind="VOID").count() == done
        assert cancelling.cancel_chunks() == 0
        assert AuditEvent.objects.filter(kind="batch.lines_cancelled").count() == 3


class TestWhoCancels:
    def test_two_humans_of_the_ward_one_of_them_an_approver(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        with pytest.raises(NotInAuthority):
            propose(office, batch, CANCEL, by=make_staff(Role.APPROVER, unit="26740"))
        proposal = propose(office, batch, CANCEL)
        with pytest.raises(NotInAuthority):
            confirm(office, proposal, by=office.preparer)
        assert state_of(batch) == "DISPATCHING"

    def test_nobody_by_writing_to_the_table(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        propose(office, batch, CANCEL)  # which nobody has confirmed
        refused("UPDATE payments_payout_batch SET state = 'CANCELLING'", by="payout_batch_cancelled_by_two")

    def test_nobody_a_list_that_is_not_approved_or_has_ended(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        with pytest.raises(InvalidMove):
            propose(office, batch, CANCEL)
        start(office, batch)
        send_all(FakeGateway())
        release.drain_batches()
        with pytest.raises(InvalidMove):
            propose(office, batch, CANCEL)


class TestRaces:
    def test_workers_side_by_side_cancel_each_payment_once(self, committed: None, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        office = make_office()
        make_entitled(6)
        batch = start(office, build_batch(office))
        cancel(office, batch)
        assert sorted(at_once(cancel_all, cancel_all)) != []
        cancel_all()
        assert states() == {"CANCELLED": 6}
        assert entries()["VOID"] == 6
        assert balances(office)["RESERVED"] == 0

    def test_a_confirmed_cancellation_and_a_claim_at_once_leave_no_payment_between_two_books(
        self, committed: None
    ) -> None:
        office = make_office()
        make_entitled(2)
        batch: PayoutBatch = start(office, build_batch(office))
        proposal = propose(office, batch, CANCEL)
        gateway = FakeGateway()
        at_once(lambda: confirm(office, proposal), lambda: send_all(gateway))
        cancel_all()
        send_all(gateway)
        ends = states()
        assert ends in ({"CANCELLED": 2}, {"SETTLED": 2})
        assert len(gateway.credits) == ends.get("SETTLED", 0)
        assert broken(gateway) == []
