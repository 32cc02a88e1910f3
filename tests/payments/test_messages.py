"""I-24 to I-26 and returns: what the gateway tells counts once, in any order, and only of what we sent, as we sent it."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from foundation.gateway.inbox import ReceiptState
from foundation.gateway.models import GatewayMessage
from foundation.gateway.signatures import Secret, SignatureRefused
from payments.models import LedgerEntry, Transfer, TransferReturn
from payments.operations import decide, dispatch, release
from payments.operations.messages import apply_messages
from payments.states import BatchKind
from tests.conftest import Clock
from tests.factories import Office, build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway, time_out
from tests.gateway.messages import CALLBACK_ENTRY, deliver
from tests.payments.helpers import (
    ask_all,
    at_once,
    balances,
    broken,
    entries,
    read,
    run,
    send_all,
    state_of,
    states,
    taken_back,
)

AT = "2026-11-23T02:15:02Z"


@pytest.fixture(autouse=True)
def _secrets(settings: Any) -> None:
    settings.GATEWAY_CALLBACK_SECRETS = [CALLBACK_ENTRY]


def body_of(identifier: str, kind: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"id": identifier, "type": kind, "created_at": AT, "data": data}).encode()


def status(transfer: Transfer, word: str, reason: str | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "end_to_end_id": transfer.end_to_end_id,
        "amount": transfer.instructed_amount,
        "status": word,
        "reason": reason,
        "at": AT,
    } | changes


def returned(transfer: Transfer, return_id: str = "RT-1", **changes: Any) -> dict[str, Any]:
    return {
        "return_id": return_id,
        "end_to_end_id": transfer.end_to_end_id,
        "amount": transfer.instructed_amount,
        "reason": "AC04",
        "at": AT,
        "value_date": "2026-11-23",
    } | changes


def tell(identifier: str, *statuses: dict[str, Any]) -> ReceiptState:
    return deliver(body_of(identifier, "payment.status", {"statuses": list(statuses)}), identifier).state


def tell_returns(identifier: str, *returns: dict[str, Any]) -> ReceiptState:
    return deliver(body_of(identifier, "payment.return", {"returns": list(returns)}), identifier).state


def apply_all() -> None:
    while apply_messages():
        pass


def apply_also_what_waits() -> None:
    """As if time had passed: messages that were put off are taken up again."""
    for _ in range(3):
        apply_all()
        run("UPDATE gateway_message SET due_at = portal_now() WHERE state = 'RECEIVED'")
    apply_all()


def outcome(identifier: str = "m-1") -> tuple[str, str]:
    return GatewayMessage.objects.values_list("state", "outcome").get(message_id=identifier)


def sent(office: Office, people: int = 1, *, answer: str = "ACSP") -> list[Transfer]:
    """Transfers that are with the bank."""
    make_entitled(people)
    start(office, build_batch(office))
    send_all(FakeGateway(status=answer))
    return list(Transfer.objects.order_by("id"))


class TestI24AMessageCountsOnce:
    def test_replayed_a_thousand_times(self, office: Office) -> None:
        (transfer,) = sent(office)
        assert tell("m-1", status(transfer, "ACCC")) is ReceiptState.STORED
        replies = {tell("m-1", status(transfer, "ACCC")) for _ in range(500)}
        apply_all()
        replies |= {tell("m-1", status(transfer, "ACCC")) for _ in range(500)}
        assert replies == {ReceiptState.DUPLICATE}
        assert apply_messages() == 0
        assert (GatewayMessage.objects.count(), states(), entries()["POST"]) == (1, {"SETTLED": 1}, 1)

    def test_the_same_news_under_many_ids_is_booked_once(self, office: Office) -> None:
        (transfer,) = sent(office)
        for number in range(45):
            tell(f"m-{number}", status(transfer, "ACCC"))
        apply_all()
        assert set(GatewayMessage.objects.values_list("state", flat=True)) == {"APPLIED"}
        assert entries() == {"FUND": 1, "RESERVE": 1, "POST": 1}
        assert balances(office)["PAID"] == transfer.instructed_amount

    def test_the_same_id_with_another_body_is_an_alarm_and_changes_nothing(self, office: Office) -> None:
        (transfer,) = sent(office)
        tell("m-1", status(transfer, "ACCC"))
        assert tell("m-1", status(transfer, "RJCT", "AC04")) is ReceiptState.CONFLICT
        apply_all()
        assert states() == {"SETTLED": 1}
        assert read("SELECT count(*) FROM audit_event WHERE kind = 'gateway_message.conflict'") == [(1,)]

    def test_two_workers_at_once_apply_it_once(self, committed: None) -> None:
        office = make_office()
        transfers = sent(office, 6)
        for number, transfer in enumerate(transfers):
            tell(f"m-{number}", status(transfer, "ACCC"))
        results = at_once(*[apply_all] * 3)
        assert results == [None] * 3
        assert states() == {"SETTLED": 6}
        assert entries()["POST"] == 6

    def test_it_and_our_own_answer_at_once_settle_once(self, committed: None) -> None:
        office, gateway = make_office(), FakeGateway()
        make_entitled(3)
        start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        tell("m-1", *[status(transfer, "ACCC") for transfer in Transfer.objects.all()])
        results = at_once(apply_all, lambda: dispatch.send(claim=claim, gateway=gateway))
        assert results == [None, None]
        assert states() == {"SETTLED": 3}
        assert entries()["POST"] == 3
        assert broken(gateway) == []


NEWS: dict[str, tuple[Sequence[tuple[str, str | None]], str]] = {
    "on the way and there": (
        [("ACSP", None), ("ACSC", None), ("ACCC", None), ("PDNG", None), ("ACTC", None)],
        "SETTLED",
    ),
    "refused": ([("RCVD", None), ("ACSP", None), ("RJCT", "AC04"), ("ACTC", None)], "REJECTED"),
    "only on the way": ([("RCVD", None), ("ACSP", None), ("PDNG", None)], "ACCEPTED"),
    "left the fund": ([("ACSP", None), ("ACSC", None), ("ACSC", None)], "SETTLED"),
}


class TestI25OrderDoesNotMatter:
    @pytest.mark.parametrize("case", NEWS)
    @pytest.mark.parametrize("answer", ["ACSP", "nothing"])
    def test_every_order_of_messages_ends_the_same(self, office: Office, case: str, answer: str) -> None:
        words, expected = NEWS[case]
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway(status="ACSP") if answer == "ACSP" else FakeGateway(after=time_out))
        transfer = Transfer.objects.get()
        ends = set()
        for order in itertools.permutations(words):
            with taken_back():
                for number, (word, reason) in enumerate(order):
                    tell(f"m-{number}", status(transfer, word, reason))
                apply_all()
                transfer.refresh_from_db()
                ends.add(
                    (
                        transfer.state,
                        transfer.settlement_level,
                        transfer.conflicting_status,
                        tuple(sorted(entries().items())),
                        tuple(sorted(balances(office).items())),
                    )
                )
                assert set(GatewayMessage.objects.values_list("state", flat=True)) == {"APPLIED"}
        assert len(ends) == 1
        assert next(iter(ends))[0] == expected

    def test_the_highest_word_of_settlement_is_kept(self, office: Office) -> None:
        (transfer,) = sent(office)
        for number, word in enumerate(["ACSC", "ACCC", "ACSC", "ACSP"]):
            tell(f"m-{number}", status(transfer, word))
            apply_all()
        transfer.refresh_from_db()
        assert (transfer.state, transfer.settlement_level, transfer.transaction_status) == (
            "SETTLED",
            "CREDITOR",
            "ACCC",
        )

    @pytest.mark.parametrize(
        ("order", "end"),
        [
            ([("ACCC", None), ("RJCT", "AC04")], ("SETTLED", "RJCT", "POST")),
            ([("RJCT", "AC04"), ("ACCC", None)], ("REJECTED", "ACCC", "VOID")),
        ],
    )
    def test_two_finals_that_contradict_are_shown_to_people_and_book_once(
        self, office: Office, order: list[tuple[str, str | None]], end: tuple[str, str, str]
    ) -> None:
        (transfer,) = sent(office)
        for number, (word, reason) in enumerate(order):
            tell(f"m-{number}", status(transfer, word, reason))
            apply_all()
        transfer.refresh_from_db()
        booked = LedgerEntry.objects.get(transfer=transfer).kind
        assert (transfer.state, transfer.conflicting_status, booked) == end
        assert "I-25" in {line.invariant.code for line in broken(FakeGateway())}

    def test_what_may_have_been_paid_after_all_is_not_paid_again(self, office: Office) -> None:
        (transfer,) = sent(office)
        tell("m-1", status(transfer, "RJCT", "AB05"))
        tell("m-2", status(transfer, "ACCC"))
        apply_all()
        for kind in (BatchKind.REPLACEMENT, BatchKind.SUPPLEMENTARY):
            assert build_batch(office, kind=kind).number_of_transactions == 0

    def test_news_that_come_before_our_own_answer_are_kept(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        transfer = Transfer.objects.get()
        tell("m-1", status(transfer, "ACCC"))
        apply_all()
        assert states() == {"SETTLED": 1}
        dispatch.send(claim=claim, gateway=FakeGateway(status="ACSP"))
        assert states() == {"SETTLED": 1}
        assert read("SELECT state, settled_count FROM payments_dispatch_chunk") == [("DONE", 1)]

    def test_news_that_come_before_our_time_out_are_kept(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        tell("m-1", status(Transfer.objects.get(), "RJCT", "AC04"))
        apply_all()
        dispatch.send(claim=claim, gateway=FakeGateway(after=time_out))
        assert states() == {"REJECTED": 1}
        assert entries() == {"FUND": 1, "RESERVE": 1, "VOID": 1}
        assert read("SELECT state FROM payments_dispatch_chunk") == [("DONE",)]

    def test_news_that_come_while_we_ask_are_kept(self, office: Office, clock: Clock) -> None:
        sent(office)
        clock.shift("1 hour")
        claim = dispatch.claim_to_ask()
        assert claim is not None
        tell("m-1", status(Transfer.objects.get(), "ACCC"))
        apply_all()
        dispatch.ask(claim=claim, gateway=FakeGateway())  # which knows nothing of it: NOTFOUND
        assert states() == {"SETTLED": 1}


class TestI26NothingIsSettledFromWhatCannotBeTrue:
    def test_a_transfer_that_is_not_ours(self, office: Office) -> None:
        (transfer,) = sent(office)
        tell("m-1", status(transfer, "ACCC", end_to_end_id="a" * 32))
        apply_all()
        assert outcome() == ("QUARANTINED", "a transfer that we never sent")
        assert states() == {"ACCEPTED": 1}

    def test_a_transfer_that_we_have_not_sent_yet(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        tell("m-1", status(Transfer.objects.get(), "ACCC"))
        apply_all()
        assert outcome()[0] == "QUARANTINED"
        assert states() == {"READY": 1}

    @pytest.mark.parametrize("difference", [1, -1, 1_000_000])
    def test_another_amount(self, office: Office, difference: int) -> None:
        (transfer,) = sent(office)
        tell("m-1", status(transfer, "ACCC", amount=transfer.instructed_amount + difference))
        apply_all()
        assert outcome() == ("QUARANTINED", "another amount than we sent")
        assert states() == {"ACCEPTED": 1}

    def test_a_transfer_that_was_sent_only_after_the_message_came(self, office: Office, gateway: FakeGateway) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        tell("m-1", status(Transfer.objects.get(), "ACCC"))
        gateway.status = "ACSP"
        send_all(gateway)
        apply_all()
        assert outcome() == ("QUARANTINED", "a transfer that we never sent")
        assert states() == {"ACCEPTED": 1}

    def test_one_wrong_item_sets_the_whole_message_aside(self, office: Office) -> None:
        first, second = sent(office, 2)
        tell("m-1", status(first, "ACCC"), status(second, "ACCC", amount=1))
        apply_all()
        assert outcome()[0] == "QUARANTINED"
        assert states() == {"ACCEPTED": 2}
        assert "POST" not in entries()

    def test_a_forged_message(self, office: Office) -> None:
        (transfer,) = sent(office)
        body = body_of("m-1", "payment.status", {"statuses": [status(transfer, "ACCC")]})
        with pytest.raises(SignatureRefused):
            deliver(body, "m-1", secret=Secret("c1", bytes(32)))
        with pytest.raises(SignatureRefused):
            deliver(body, "m-1", age=3600)
        apply_all()
        assert GatewayMessage.objects.count() == 0
        assert states() == {"ACCEPTED": 1}

    def test_a_message_set_aside_stops_no_other(self, office: Office) -> None:
        first, second = sent(office, 2)
        tell("m-1", status(first, "ACCC", amount=1))
        tell("m-2", status(second, "ACCC"))
        apply_all()
        assert states() == {"ACCEPTED": 1, "SETTLED": 1}

    def test_an_unknown_word_of_the_bank_leaves_the_transfer_where_it_is(self, office: Office) -> None:
        (transfer,) = sent(office)
        tell("m-1", status(transfer, "ZZZZ"))
        apply_all()
        assert outcome()[0] == "QUARANTINED"
        assert states() == {"ACCEPTED": 1}

    @pytest.mark.parametrize("reason", ["FRAD", "NARR", "ZZ99"])
    def test_a_rejection_for_people_goes_to_people(self, office: Office, reason: str) -> None:
        (transfer,) = sent(office)
        tell("m-1", status(transfer, "RJCT", reason))
        apply_all()
        assert states() == {"REVIEW": 1}
        assert "VOID" not in entries()

    @pytest.mark.parametrize("reason", ["AM05", "DUPL", "DU04"])
    def test_a_rejected_duplicate_is_no_rejection(self, office: Office, clock: Clock, reason: str) -> None:
        """The bank refused the second message, not the first: what became of the first is asked."""
        make_entitled(1)
        start(office, build_batch(office))
        gateway = FakeGateway(status="RJCT", reason=reason)
        send_all(gateway)
        assert states() == {"UNKNOWN": 1}
        gateway.status, gateway.reason = "ACCC", None
        clock.shift("1 hour")
        ask_all(gateway)
        assert states() == {"SETTLED": 1}


class TestMoneyThatComesBack:
    def settled(self, office: Office, people: int = 1) -> list[Transfer]:
        transfers = sent(office, people, answer="ACCC")
        assert states() == {"SETTLED": people}
        return transfers

    def test_returns_to_the_fund_once(self, office: Office) -> None:
        before = balances(office)
        (transfer,) = self.settled(office)
        tell_returns("m-1", returned(transfer))
        apply_all()
        assert states() == {"RETURNED": 1}
        assert balances(office) == before
        assert entries() == {"FUND": 1, "RESERVE": 1, "POST": 1, "RETURN": 1, "REFUND": 1}

    def test_told_twice_is_taken_once(self, office: Office) -> None:
        (transfer,) = self.settled(office)
        tell_returns("m-1", returned(transfer))
        tell_returns("m-2", returned(transfer))
        tell_returns("m-3", returned(transfer, "RT-2"))
        apply_all()
        assert (TransferReturn.objects.count(), states()) == (1, {"RETURNED": 1})
        assert entries() == {"FUND": 1, "RESERVE": 1, "POST": 1, "RETURN": 1, "REFUND": 1}

    def test_told_twice_in_one_message_is_taken_once(self, office: Office) -> None:
        (transfer,) = self.settled(office)
        tell_returns("m-1", returned(transfer), returned(transfer, "RT-2"))
        apply_all()
        assert (TransferReturn.objects.count(), entries()["REFUND"]) == (1, 1)

    def test_told_twice_at_once_is_taken_once(self, committed: None) -> None:
        office = make_office()
        (transfer,) = self.settled(office)
        tell_returns("m-1", returned(transfer))
        tell_returns("m-2", returned(transfer, "RT-2"))
        assert at_once(*[apply_all] * 2) == [None] * 2
        apply_also_what_waits()
        assert (states(), entries()["REFUND"], TransferReturn.objects.count()) == ({"RETURNED": 1}, 1, 1)

    def test_one_number_for_two_returns_is_set_aside(self, office: Office) -> None:
        first, second = self.settled(office, 2)
        tell_returns("m-1", returned(first))
        apply_all()
        tell_returns("m-2", returned(second))
        apply_all()
        assert outcome("m-2")[0] == "QUARANTINED"
        assert states() == {"RETURNED": 1, "SETTLED": 1}

    def test_before_the_settlement_is_known_waits_for_it(self, office: Office) -> None:
        (transfer,) = sent(office)
        tell_returns("m-1", returned(transfer))
        apply_all()
        assert outcome() == ("RECEIVED", "returned before it was known to be settled")
        assert states() == {"ACCEPTED": 1}
        tell("m-2", status(transfer, "ACCC"))
        apply_also_what_waits()
        assert states() == {"RETURNED": 1}
        assert entries() == {"FUND": 1, "RESERVE": 1, "POST": 1, "RETURN": 1, "REFUND": 1}

    @pytest.mark.parametrize("difference", [1, -1, -649_999])
    def test_of_another_amount_is_set_aside(self, office: Office, difference: int) -> None:
        (transfer,) = self.settled(office)
        tell_returns("m-1", returned(transfer, amount=transfer.instructed_amount + difference))
        apply_all()
        assert outcome()[0] == "QUARANTINED"
        assert states() == {"SETTLED": 1}

    def test_of_what_was_never_paid_is_set_aside(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason="AB05"))
        tell_returns("m-1", returned(Transfer.objects.get()))
        apply_all()
        assert outcome()[0] == "QUARANTINED"
        assert entries() == {"FUND": 1, "RESERVE": 1, "VOID": 1}

    def test_closes_the_account_that_it_came_back_from(self, office: Office) -> None:
        (transfer,) = self.settled(office)
        tell_returns("m-1", returned(transfer))
        apply_all()
        assert transfer.payout_account is not None
        transfer.payout_account.refresh_from_db()
        assert transfer.payout_account.state == "CLOSED"

    def test_after_the_batch_has_ended_leaves_it_adding_up(self, office: Office) -> None:
        first, _ = self.settled(office, 2)
        assert release.drain_batches() == [first.batch_id]
        tell_returns("m-1", returned(first))
        apply_all()
        assert state_of(first.batch) == "DRAINED"
        assert read("SELECT state, settled_count, returned_count FROM payments_dispatch_chunk") == [("DONE", 1, 1)]

    def test_is_paid_again_by_a_new_list(self, office: Office) -> None:
        (transfer,) = self.settled(office)
        tell_returns("m-1", returned(transfer))
        apply_all()
        again = build_batch(office, kind=BatchKind.REPLACEMENT)
        new = Transfer.objects.get(batch=again)
        assert (new.replaces_id, new.route) == (transfer.pk, "WARD_CASH")  # his account is closed
        decide.submit_batch(batch_id=again.pk, by=office.preparer, at=office.at())
        assert build_batch(office, kind=BatchKind.SUPPLEMENTARY).number_of_transactions == 0

    def test_news_of_settlement_and_return_end_the_same_in_every_order(self, office: Office) -> None:
        (transfer,) = sent(office)
        ends = set()
        told = [
            lambda: tell("m-1", status(transfer, "ACSP")),
            lambda: tell("m-2", status(transfer, "ACSC")),
            lambda: tell("m-3", status(transfer, "ACCC")),
            lambda: tell_returns("m-4", returned(transfer)),
        ]
        for order in itertools.permutations(told):
            with taken_back():
                for message in order:
                    message()
                apply_also_what_waits()
                ends.add((*states().items(), *sorted(entries().items()), *sorted(balances(office).items())))
        assert len(ends) == 1
        assert ("RETURNED", 1) in next(iter(ends))
