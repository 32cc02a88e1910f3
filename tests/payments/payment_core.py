"""The whole payment core as a machine: real operations on a real database, a bank that goes wrong in every way, workers that die,
freeze and come back late, messages in any order and number, forged ones among them, and a clock that jumps.

After each step the books are compared with the bank's own. At the end everything that was begun is driven to its end, and what is
left for people is what only people can decide. `REACHED` is what a whole run must have seen; `test_machine` runs it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from foundation.audit.models import AuditEvent
from foundation.audit.sealing import seal_events
from foundation.gateway.models import GatewayMessage
from foundation.gateway.port import BulkAnswer
from foundation.gateway.signatures import Secret, SignatureRefused
from payments.models import PayoutBatch, Transfer
from payments.operations import decide, dispatch, release
from payments.operations.dispatch import Claim
from payments.operations.messages import apply_messages
from payments.operations.verification import Credit, GatewayBook
from payments.operations.verification.running import examine
from payments.states import BatchKind
from tests.conftest import Clock, empty_tables
from tests.factories import ACB, VCB, Office, build_batch, make_entitled, make_office, start
from tests.gateway.messages import deliver
from tests.payments.faulty_bank import Entry, Fate, Fault, FaultyBank
from tests.payments.helpers import run
from tests.payments.test_messages import AT, body_of

# What can break between two steps; the rest is looked at when everything has ended.
AFTER_EACH_STEP = (
    "I-1",
    "I-2",
    "I-7",
    "I-8",
    "I-10",
    "I-11",
    "I-13",
    "I-14",
    "I-15",
    "I-16",
    "I-25",
    "I-26",
    "I-27",
    "I-30",
)
SEVERAL_LISTS = 3
LISTS_CHUNKS = 5  # of the first list: each can go wrong in a way of its own
PLACES = st.integers(min_value=0, max_value=1_000)  # which of those that there are, counted round
ASKED = (Fault.NONE, Fault.NO_CONNECTION, Fault.LOST_AFTER, Fault.CUT)  # what can happen to a question

# What a run must have reached at least once.
REACHED = {
    *(f"sent: {fault.value}" for fault in Fault),
    *(f"asked: {fault.value}" for fault in ASKED),
    *(f"the bank said {fate.name}" for fate in Fate),
    "the bank never saw it",
    "a frozen worker was refused by not_after",
    "a worker died before its message left",
    "a worker died with the answer in its hand",
    "an answer came too late",
    "a lease ran out",
    "sent again with proof",
    "news before our own answer",
    "the same message twice",
    "old news after newer",
    "a forged message",
    "a lie set aside",
    "money came back",
    "a list for what was not paid",
    "left for people",
    "a list was drained",
}


class PaymentCore(RuleBasedStateMachine):
    """One ward, three lists at most, one bank."""

    clock: ClassVar[Clock]
    superuser: ClassVar[Any]
    reached: ClassVar["Counter[str]"]

    def __init__(self) -> None:
        super().__init__()
        self.bank = FaultyBank(reached=self._reach)
        self.office: Office | None = None
        self.frozen: list[Claim] = []
        self.late: list[tuple[Claim, BulkAnswer]] = []
        self.delivered: list[tuple[str, bytes]] = []
        self.elapsed = self.messages = 0
        self.faults: Iterator[Fault] = cycle([Fault.NONE])
        self.is_sound = True

    @classmethod
    def _reach(cls, what: str) -> None:
        cls.reached[what] += 1

    @contextmanager
    def _step(self) -> Iterator[None]:
        """A step that fails leaves the machine where it is: nothing is driven to an end from there."""
        self.is_sound = False
        yield
        self.is_sound = True

    @initialize(faults=st.permutations(list(Fault)), fates=st.permutations(list(Fate) * 2))
    def begin(self, faults: list[Fault], fates: list[Fate]) -> None:
        """In each example every fault and every fate has its turn, in an order of its own."""
        with self._step():
            self.faults, self.bank.fates = cycle(faults), cycle(fates)
            self.office = make_office()
            make_entitled(6, bank=VCB)
            make_entitled(3, bank=ACB)
            start(self.office, build_batch(self.office))

    # --- Workers. No rule waits for a state: what is drawn never depends on what the database says; a run can be repeated.
    @rule(times=st.integers(1, 3))
    def send(self, times: int) -> None:
        with self._step():
            for _ in range(times):
                if claim := dispatch.claim_to_send():
                    self.bank.fault = next(self.faults)
                    dispatch.send(claim=claim, gateway=self.bank)

    @rule(has_sent=st.booleans())
    def die(self, has_sent: bool) -> None:
        with self._step():
            if claim := dispatch.claim_to_send():
                if has_sent:
                    self._submit(claim)
                self._reach(
                    "a worker died " + ("with the answer in its hand" if has_sent else "before its message left")
                )

    def _submit(self, claim: Claim) -> None:
        assert claim.not_after is not None
        self.bank.submit(
            message_id=claim.message_id,
            debtor_account=claim.debtor_account,
            not_after=claim.not_after,
            transfers=claim.instructions,
            deadline_seconds=1,
        )

    @rule(thaws=st.booleans())
    def freeze_or_thaw(self, thaws: bool) -> None:
        """A worker stops before its message leaves; or goes on from there, without asking whether it still may."""
        with self._step():
            if thaws and self.frozen:
                dispatch.send(claim=self.frozen.pop(0), gateway=self.bank)
            elif claim := dispatch.claim_to_send():
                self.frozen.append(claim)

    @rule(fault=st.sampled_from(ASKED))
    def ask(self, fault: Fault) -> None:
        with self._step():
            if claim := dispatch.claim_to_ask():
                self.bank.fault = fault if claim.amounts else Fault.NONE
                dispatch.ask(claim=claim, gateway=self.bank)

    @rule(records=st.booleans())
    def ask_and_record_later(self, records: bool) -> None:
        with self._step():
            if records and self.late:
                claim, answer = self.late.pop(0)
                dispatch.record_answer(claim=claim, answer=answer)
            elif (asked := dispatch.claim_to_ask()) and asked.amounts:
                answer = self.bank.inquire(
                    message_id=asked.message_id, end_to_end_ids=list(asked.amounts), deadline_seconds=1
                )
                self.late.append((asked, answer))

    @rule(seconds=st.sampled_from([5, 40, 1_200, 10_000]), sweeps=st.booleans())
    def wait(self, seconds: int, sweeps: bool) -> None:
        with self._step():
            self._pass(seconds)
            if sweeps:
                dispatch.sweep_leases()
                release.open_chunks()
                release.drain_batches()

    def _pass(self, seconds: int) -> None:
        self.elapsed += seconds
        self.clock.shift(f"{self.elapsed} seconds")

    # --- The bank
    @rule(place=PLACES, fate=st.sampled_from(Fate))
    def make_up_its_mind(self, place: int, fate: Fate) -> None:
        """What was only accepted gets its last word; else what was debited arrives; else something comes back."""
        with self._step():
            if code := self._some(place, lambda entry: entry.word[0] == "ACSP"):
                self.bank.decide(code, fate)
            elif fate in (Fate.CREDITED, Fate.DEBITED) and (
                code := self._some(place, lambda entry: entry.word[0] == "ACSC")
            ):
                self.bank.credit_at_last(code)
            elif code := self._some(place, lambda entry: entry.times > 0 and not entry.returned):
                entry = self.bank.book[code]
                entry.returned = True
                self._deliver("payment.return", {"returns": [_return(code, entry)]})

    def _some(self, place: int, fits: Callable[[Entry], bool]) -> str | None:
        codes = sorted(code for code, entry in self.bank.book.items() if fits(entry))
        return codes[place % len(codes)] if codes else None

    # --- Messages
    @rule(
        places=st.lists(PLACES, min_size=1, max_size=4), age=st.integers(min_value=0, max_value=2), reads=st.booleans()
    )
    def tell(self, places: list[int], age: int, reads: bool) -> None:
        """News of some payments, as they are or as they were; read at once or later."""
        with self._step():
            codes = {self._some(place, lambda entry: True) for place in places} - {None}
            statuses = []
            for code in sorted(str(code) for code in codes):
                entry = self.bank.book[code]
                statuses.append(_status(code, entry, entry.said[max(0, len(entry.said) - 1 - age)]))
                if age and len(entry.said) > age:
                    self._reach("old news after newer")
            if statuses:
                if Transfer.objects.filter(end_to_end_id__in=codes, state="SENDING").exists():
                    self._reach("news before our own answer")
                self._deliver("payment.status", {"statuses": statuses})
            if reads:
                apply_messages()

    @rule(place=PLACES)
    def tell_again(self, place: int) -> None:
        with self._step():
            if self.delivered:
                identifier, body = self.delivered[place % len(self.delivered)]
                assert deliver(body, identifier).state == "DUPLICATE"
                self._reach("the same message twice")
            apply_messages()

    @rule(lie=st.sampled_from(["another sum", "not ours", "never sent", "forged"]), place=PLACES)
    def lie(self, lie: str, place: int) -> None:
        with self._step():
            code = self._some(place, lambda entry: True)
            unsent = Transfer.objects.filter(sent_count=0).order_by("id").first()
            if lie == "never sent" and unsent:
                item = {"end_to_end_id": unsent.end_to_end_id, "amount": unsent.instructed_amount}
            elif lie == "never sent" or code is None:
                return
            else:
                amount = self.bank.book[code].instruction.instructed_amount
                item = {
                    "end_to_end_id": "0" * 32 if lie == "not ours" else code,
                    "amount": amount + (lie == "another sum"),
                }
            told = {"statuses": [item | {"status": "ACCC", "reason": None, "at": AT}]}
            if lie != "forged":
                self._deliver("payment.status", told)
                return
            body = body_of("forged", "payment.status", told)
            with pytest.raises(SignatureRefused):
                deliver(body, "forged", secret=Secret("c1", bytes(32)))
            self._reach("a forged message")

    def _deliver(self, kind: str, data: dict[str, Any]) -> None:
        self.messages += 1
        identifier = f"m-{self.messages}"
        body = body_of(identifier, kind, data)
        assert deliver(body, identifier).state == "STORED"
        self.delivered.append((identifier, body))

    # --- People
    @rule()
    def list_again(self) -> None:
        """A new list for what was not paid, approved anew."""
        with self._step():
            assert self.office is not None
            unpaid = Transfer.objects.filter(state__in=["REJECTED", "RETURNED"], replaced_by=None, route="GATEWAY")
            if not unpaid.exists() or PayoutBatch.objects.count() >= SEVERAL_LISTS:
                return
            batch = build_batch(self.office, kind=BatchKind.REPLACEMENT)
            if batch.number_of_transactions:
                start(self.office, batch)
                self._reach("a list for what was not paid")
            else:
                decide.withdraw_batch(
                    batch_id=batch.pk, by=self.office.preparer, reason="Không có khoản nào", at=self.office.at()
                )

    # --- What must always hold
    @invariant()
    def nobody_is_paid_twice(self) -> None:
        twice = [code for code, entry in self.bank.book.items() if entry.times > 1]
        assert twice == [], "credited twice by the bank's own book"
        kept = Counter(
            payee
            for code, payee in Transfer.objects.values_list("end_to_end_id", "payee_id")
            if (entry := self.bank.book.get(code)) and entry.times and not entry.returned
        )
        assert [payee for payee, times in kept.items() if times > 1] == [], "two payments for one month"

    @invariant()
    def the_books_agree_with_the_banks(self) -> None:
        if self.office is not None:
            assert [line.words for line in examine(book=self._book(), only=AFTER_EACH_STEP) if not line.holds] == []

    def _book(self) -> GatewayBook:
        return GatewayBook(
            source="LOG",
            taken_at=self.office.at() if self.office else None,  # type: ignore[arg-type]
            lines=[
                Credit(
                    end_to_end_id=code,
                    amount=entry.instruction.instructed_amount,
                    times_credited=entry.times,
                    returned=entry.returned,
                    bank_bin=entry.instruction.creditor_agent,
                    account_number=entry.instruction.creditor_account,
                )
                for code, entry in self.bank.book.items()
            ],
        )

    # --- The end
    def teardown(self) -> None:
        try:
            if self.is_sound and self.office is not None:
                self._drive_to_the_end()
                self._look_back()
        finally:
            self.clock.shift("0 seconds")
            empty_tables(self.superuser)

    def _drive_to_the_end(self) -> None:
        """The faults are over: frozen workers come back, everybody works, time passes."""
        for claim in self.frozen:
            dispatch.send(claim=claim, gateway=self.bank)
        for claim, answer in self.late:
            dispatch.record_answer(claim=claim, answer=answer)
        self.bank.fault, self.bank.fates = Fault.NONE, cycle([Fate.CREDITED])
        for _ in range(40):
            self._pass(1_200)
            for code in sorted(self.bank.book):
                self.bank.decide(code, Fate.CREDITED)
            self._work()
            open_still = Transfer.objects.filter(state__in=["READY", "SENDING", "ACCEPTED", "UNKNOWN"])
            if not open_still.exists() and not GatewayMessage.objects.filter(state="RECEIVED").exists():
                break
        self._work()

    def _work(self) -> None:
        dispatch.sweep_leases()
        release.open_chunks()
        while claim := dispatch.claim_to_send():
            dispatch.send(claim=claim, gateway=self.bank)
        while claim := dispatch.claim_to_ask():
            dispatch.ask(claim=claim, gateway=self.bank)
        run("UPDATE gateway_message SET due_at = portal_now() WHERE state = 'RECEIVED'")
        while apply_messages():
            pass
        release.drain_batches()

    def _look_back(self) -> None:
        for transfer in Transfer.objects.exclude(state="EXCLUDED").order_by("id"):
            entry = self.bank.book.get(transfer.end_to_end_id)
            word = entry.word[0] if entry else "NOTFOUND"
            paid = bool(entry and entry.times)
            match transfer.state:
                case "SETTLED" | "RETURNED":
                    assert (paid, entry.returned if entry else None) == (True, transfer.state == "RETURNED"), transfer
                case "REJECTED":
                    assert word == "RJCT", transfer
                case (
                    "REVIEW"
                ):  # only what people must decide: a strange refusal, a line that no bank takes, five sends
                    strange = entry is not None and entry.word == ("RJCT", Fate.STRANGE.value)
                    unfit = transfer.end_to_end_id in self.bank.poisoned or transfer.sent_count >= dispatch.MAX_SENDS
                    assert strange or (unfit and not paid), transfer
                    self._reach("left for people")
                case state:
                    raise AssertionError(f"{transfer} did not end: {state}")
            if transfer.sent_count > 1:
                self._reach("sent again with proof")
        self._count_what_the_trail_tells()
        while seal_events():
            pass
        assert [line.words for line in examine(book=self._book()) if not line.holds] == []
        for batch in PayoutBatch.objects.exclude(state="WITHDRAWN"):
            assert (batch.state == "DRAINED") == (not batch.transfers.filter(state="REVIEW").exists())

    def _count_what_the_trail_tells(self) -> None:
        for kind, what in {
            "chunk.stale_answer": "an answer came too late",
            "chunk.lease_expired": "a lease ran out",
            "chunk.returned": "money came back",
            "gateway_message.quarantined": "a lie set aside",
            "batch.drained": "a list was drained",
        }.items():
            self.reached[what] += AuditEvent.objects.filter(kind=kind).count()


def _status(code: str, entry: Entry, said: tuple[str, str | None]) -> dict[str, Any]:
    status, reason = said
    return {
        "end_to_end_id": code,
        "amount": entry.instruction.instructed_amount,
        "status": status,
        "reason": reason,
        "at": AT,
    }


def _return(code: str, entry: Entry) -> dict[str, Any]:
    return {
        "return_id": f"RT-{code[-8:]}",
        "end_to_end_id": code,
        "amount": entry.instruction.instructed_amount,
        "reason": "AM04",
        "at": AT,
        "value_date": AT[:10],
    }
