"""A ward in which everything has happened once: what `verify` looks at is there, whatever it looks at."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from foundation.audit import clock as portal_clock
from foundation.audit.sealing import seal_events
from foundation.gateway.errors import NotSent
from foundation.privacy.encryption import decrypt
from foundation.reference.models import Bank
from payments.models import PayoutBatch, Proposal, Transfer
from payments.operations import cash, dispatch, funding
from payments.operations.payout_files import make_file
from payments.operations.verification import GatewayBook
from payments.operations.verification.running import Line, examine
from payments.states import BatchKind, TransferState
from tests.conftest import Clock, owner_of, real_commits
from tests.factories import ACB, VCB, Office, build_batch, make_account, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway, time_out
from tests.gateway.messages import CALLBACK_ENTRY
from tests.payments.by_file import NOT_PAID, S, T, answered, said, to_service
from tests.payments.deciding import decide
from tests.payments.helpers import ask_all, book_of, send_all
from tests.payments.late import REFUSED, credited, say_paid
from tests.payments.statements import camt, credit, take_in
from tests.payments.test_messages import apply_all, returned, status, tell, tell_returns


@dataclass(frozen=True, slots=True)
class Ward:
    """The office, its lists and its gateway, and the door of a criminal administrator."""

    office: Office
    batch: PayoutBatch
    book: GatewayBook
    criminal: Any

    def lines(self, book: GatewayBook | None = None) -> dict[str, Line]:
        return {line.invariant.code: line for line in examine(book=book or self.book)}

    def red(self, book: GatewayBook | None = None) -> set[str]:
        """The lines that do not hold."""
        return {code for code, line in self.lines(book).items() if not line.holds}

    def red_after(self, *statements: str, past: str = "") -> set[str]:
        """The lines that do not hold once rows were changed past every right and trigger; it is undone again.

        `past`: a constraint or unique index that even then stands in the way, and is dropped first.
        """
        with self.criminal.cursor() as cursor, self._without(cursor, past), self._kept(cursor, statements):
            for sql in statements:
                cursor.execute(sql)
                assert cursor.rowcount != 0, f"nothing was hit: {sql}"
            return self.red()

    @contextmanager
    def _kept(self, cursor: Any, statements: tuple[str, ...]) -> Iterator[None]:
        names = sorted({name for sql in statements for name in TABLE.findall(sql)})
        cursor.execute("SET session_replication_role = replica")
        for name in names:
            cursor.execute(f"CREATE TEMP TABLE kept_{name} AS SELECT * FROM {name}")
        try:
            yield
        finally:
            for name in names:
                cursor.execute(
                    f"DELETE FROM {name}; INSERT INTO {name} SELECT * FROM kept_{name}; DROP TABLE kept_{name}"
                )

    @contextmanager
    def _without(self, cursor: Any, rule: str) -> Iterator[None]:
        if not rule:
            yield
            return
        cursor.execute(
            "SELECT conrelid::regclass, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [rule]
        )
        if found := cursor.fetchone():
            drop, add = f"ALTER TABLE {found[0]} DROP CONSTRAINT {rule}", f"ADD CONSTRAINT {rule} {found[1]}"
            add = f"ALTER TABLE {found[0]} {add}"
        else:
            cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [rule])
            drop, add = f"DROP INDEX {rule}", cursor.fetchone()[0]
        with self.changed(drop, undo=add):
            yield

    @contextmanager
    def changed(self, statement: str, *, undo: str) -> Iterator[None]:
        """Do what only a superuser can, and undo it."""
        with self.criminal.cursor() as cursor:
            cursor.execute(statement)
            try:
                yield
            finally:
                cursor.execute(undo)


TABLE = re.compile(r"(?:UPDATE|INTO|DELETE FROM) ([a-z_]+)")


@pytest.fixture(scope="module")
def ward(django_db_setup: None, django_db_blocker: Any) -> Iterator[Ward]:
    """One for all tests of a file: each puts back what it spoils."""
    with (
        real_commits(django_db_blocker),
        override_settings(GATEWAY_CALLBACK_SECRETS=[CALLBACK_ENTRY], DISPATCH_CHUNK_SIZE=4),
        closing(owner_of(connection.settings_dict["NAME"])) as criminal,
    ):
        clock = Clock(criminal)
        try:
            yield _everything(criminal, clock)
        finally:
            clock.shift("0 seconds")


def _everything(criminal: Any, clock: Clock) -> Ward:
    office, gateway = make_office(), FakeGateway(clock=portal_clock.now)
    funding.record_voucher(
        fund_id=office.fund.pk,
        number="CT-2",
        voucher_date=office.at().date(),
        amount=5,
        by=office.accountant,
        at=office.at(),
    )
    people = make_entitled(8, bank=VCB) + make_entitled(2, bank=ACB) + make_entitled(2, cash=True)
    people += make_entitled(1, bank=VCB)
    batch = start(office, build_batch(office))
    gateway.statuses[_number(people[8])] = ("RJCT", "AM04")
    gateway.statuses[_number(people[12])] = REFUSED["status"], REFUSED["reason"]
    _no_connection_and_no_answer(gateway, clock)
    _late_worker(gateway, clock)
    _all_else(gateway, clock)
    _news(gateway)
    _statement(office, gateway)
    _cash(office, batch)
    _late_paid(office, gateway, people[12])
    assert start(office, build_batch(office, kind=BatchKind.REPLACEMENT)).number_of_transactions > 0
    _by_file(office)
    _proposed(office, batch)
    _left_open(office, gateway, people)
    seal_events()
    batch.refresh_from_db()
    return Ward(office, batch, _book(gateway), criminal)


def _book(gateway: FakeGateway) -> GatewayBook:
    """The log, with the message that carried each credit, as a gateway keeps it."""
    carried = {}
    for transfer in Transfer.objects.filter(sent_count__gt=0).select_related("chunk"):
        attempt = transfer.chunk.attempt_rows.filter(kind="SEND").order_by("fence").first()
        assert attempt is not None
        carried[transfer.end_to_end_id] = attempt.message_id
    book = book_of(gateway)
    return replace(book, lines=[replace(line, message_id=carried[line.end_to_end_id]) for line in book.lines])


def _number(payee: Any) -> str:
    account = payee.accounts.get()
    return decrypt(account.number_encrypted, context="payout_account.number", row_id=account.pk)


def _no_connection_and_no_answer(gateway: FakeGateway, clock: Clock) -> None:
    """A chunk: once nobody listens, once the message is lost, then the answer is lost after the work was done."""
    gateway.before = _refuse
    claim = dispatch.claim_to_send()
    assert claim is not None
    dispatch.send(claim=claim, gateway=gateway)
    gateway.before = lambda: None
    gateway.before = time_out
    clock.shift("30 minutes")
    claim = dispatch.claim_to_send()
    assert claim is not None
    dispatch.send(claim=claim, gateway=gateway)
    gateway.before = lambda: None
    clock.shift("45 minutes")
    ask_all(gateway)
    clock.shift("1 hour")
    gateway.after = time_out
    claim = dispatch.claim_to_send()
    assert claim is not None
    dispatch.send(claim=claim, gateway=gateway)
    gateway.after = lambda: None


def _refuse() -> None:
    raise NotSent("CONNECTION_REFUSED")


def _late_worker(gateway: FakeGateway, clock: Clock) -> None:
    """The second chunk: its worker answers when its lease is over and the bank has been asked."""
    claim = dispatch.claim_to_send()
    assert claim is not None
    clock.shift("2 hours")
    assert dispatch.sweep_leases() == [claim.chunk_id]
    dispatch.send(claim=claim, gateway=gateway)


def _all_else(gateway: FakeGateway, clock: Clock) -> None:
    for hours in range(3, 6):
        clock.shift(f"{hours} hours")
        ask_all(gateway)
        send_all(gateway)


def _news(gateway: FakeGateway) -> None:
    """The bank tells once more what it did, and one payment comes back."""
    settled = Transfer.objects.filter(state="SETTLED").order_by("id")
    tell("m-1", *(status(transfer, "ACCC") for transfer in settled))
    back = settled[0]
    tell_returns("m-2", returned(back))
    gateway.returned.add(back.end_to_end_id)
    apply_all()


def _statement(office: Office, gateway: FakeGateway) -> None:
    """What only a statement tells: another payment came back."""
    back = Transfer.objects.filter(state="SETTLED", route="GATEWAY").latest("id")
    take_in(camt([credit(back)]), by=office.accountant)
    gateway.returned.add(back.end_to_end_id)


def _cash(office: Office, batch: PayoutBatch) -> None:
    """One of two came and signed."""
    cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
    first = Transfer.objects.filter(route="WARD_CASH").order_by("id")[0]
    signed = cash.Collected(
        transfer_id=first.pk, receiver_name="Nguyễn Văn Hai", relation="", collected_date=office.at().date()
    )
    cash.mark_collected(batch_id=batch.pk, collected=[signed], by=office.accountant, at=office.at())


def _by_file(office: Office) -> None:
    """Others pay two people each by lists of ours: one was paid, one was not, and one of the words was taken back."""
    to_service(office, 2)
    with not_by_gateway(ACB):
        make_entitled(2, bank=ACB)
        batch = start(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
    for route in (T, S):
        make_file(batch_id=batch.pk, route=route, by=office.accountant, at=office.at())
        first, second = Transfer.objects.filter(batch=batch, route=route).order_by("id")
        answered(office, batch, said(first), said(second, NOT_PAID), route=route)
    taken_back = Transfer.objects.get(batch=batch, route=S, state="SETTLED")
    answered(office, batch, said(taken_back, NOT_PAID), route=S)
    taken_back.refresh_from_db()
    decide(office, taken_back, TransferState.SETTLED)


@contextmanager
def not_by_gateway(bank: str) -> Iterator[None]:
    """Only while a list is built: the other lists reach this bank by the gateway."""
    Bank.objects.filter(bin=bank).update(by_gateway=False)
    try:
        yield
    finally:
        Bank.objects.filter(bin=bank).update(by_gateway=True)


def _proposed(office: Office, batch: PayoutBatch) -> None:
    """What one person proposed and another agreed to."""
    proposal = Proposal.objects.create(
        kind="RELEASE_BATCH",
        subject_kind="batch",
        subject_id=batch.pk,
        unit_id=batch.unit_id,
        reason="Đã đối chiếu xong với ngân hàng",
        proposed_by=office.accountant,
        proposed_by_person=office.accountant.person_fingerprint,
    )
    proposal.state, proposal.decided_by, proposal.decided_at = "CONFIRMED", office.approver, office.at()
    proposal.decided_by_person = office.approver.person_fingerprint
    proposal.save()


def _late_paid(office: Office, gateway: FakeGateway, payee: Any) -> None:
    """The bank had refused, had paid all the same, and two persons found it out."""
    transfer = Transfer.objects.get(payee=payee)
    assert transfer.state == "REJECTED"
    say_paid(transfer)
    decide(office, transfer, TransferState.SETTLED, reference="FT1")
    credited(gateway, transfer)


def _left_open(office: Office, gateway: FakeGateway, people: list[Any]) -> None:
    """What still waits: an answer of the bank, a message, an account."""
    make_account(people[1], number="0071000999999", state="REQUESTED")
    make_entitled(1)
    start(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
    gateway.after = time_out
    send_all(gateway)
    gateway.after = lambda: None
    tell("m-3", status(Transfer.objects.filter(state="UNKNOWN")[0], "ACSP"))


ABOUT_THE_BOOK = {"I-1", "I-8", "I-20", "I-30"}


def marked(said: str, mark: str) -> set[str]:
    """The codes of the lines that a command printed with a mark."""
    return {line.split()[1] for line in said.splitlines() if line.startswith(mark)}
