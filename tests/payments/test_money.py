"""I-12 to I-16: every row of the ledger has two sides, each thing is booked once, counts are true, funds never overdraw."""

from datetime import date
from typing import Any

import pytest

from foundation.users.roles import Role
from payments.errors import FourEyesViolation, FundTooLow, InvalidMove, NotInAuthority, WrongInput
from payments.models import FundBalance, FundingVoucher, LedgerEntry
from payments.operations import dispatch, funding, release
from payments.states import ENTRY_ACCOUNTS, BatchKind
from tests.factories import Office, approve, build_batch, make_entitled, make_office, make_staff, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import (
    as_criminal,
    at_once,
    balances,
    broken,
    entries,
    kinds,
    read,
    refused,
    run,
    send_all,
    state_of,
    states,
)

BOOK = (
    "INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, batch_id, transfer_id, voucher_id) "
    "SELECT fund_id, %s, %s, %s, %s, {batch}, {transfer}, {voucher} FROM payments_payout_batch"
)
OF_BATCH = BOOK.format(batch="id", transfer="NULL", voucher="NULL")
OF_TRANSFER = BOOK.format(batch="NULL", transfer="(SELECT min(id) FROM payments_transfer)", voucher="NULL")


class TestI12EveryEntryHasTwoSides:
    def test_of_the_accounts_that_its_kind_has(self, office: Office) -> None:
        make_entitled(1)
        build_batch(office)
        refused(OF_BATCH, "RESERVE", "FUNDING", "FUNDING", 1, by="ledger_entry_accounts_of_kind")
        refused(OF_BATCH, "RESERVE", "RESERVED", "FUNDING", 1, by="ledger_entry_accounts_of_kind")
        for amount in (0, -5):
            refused(OF_BATCH, "RESERVE", "FUNDING", "RESERVED", amount, by="ledger_entry_amount_positive")
        for sources in ("batch", "none"):
            both = BOOK.format(
                batch="id" if sources == "batch" else "NULL",
                transfer="(SELECT min(id) FROM payments_transfer)" if sources == "batch" else "NULL",
                voucher="NULL",
            )
            refused(both, "RESERVE", "FUNDING", "RESERVED", 1, by="ledger_entry_one_source")

    def test_so_all_accounts_of_a_fund_add_up_to_nothing(self, office: Office) -> None:
        make_entitled(3, numbers=["1000000101", "1000000102", "1000000103"])
        gateway = FakeGateway(statuses={"1000000102": ("RJCT", "AC04"), "1000000103": ("ACSP", None)})
        start(office, build_batch(office))
        send_all(gateway)
        assert sum(balances(office).values()) == 0
        assert balances(office) == balances(office) | {"PAID": 650_000, "RESERVED": 650_000, "RETURNS": 0}

    def test_the_ledger_is_only_added_to(self, office: Office) -> None:
        refused("UPDATE payments_ledger_entry SET amount = amount + 1", by="permission denied")
        refused("DELETE FROM payments_ledger_entry", by="permission denied")
        refused("TRUNCATE payments_ledger_entry", by="permission denied")

    def test_not_even_by_the_owner(self, committed: None, superuser: Any) -> None:
        make_office()
        with superuser.cursor() as cursor:
            for sql in ("UPDATE payments_ledger_entry SET amount = 1", "DELETE FROM payments_ledger_entry"):
                with pytest.raises(Exception, match=r"[Cc]annot"):
                    cursor.execute(sql)
            with pytest.raises(Exception, match="cannot be emptied"):
                cursor.execute("TRUNCATE payments_ledger_entry CASCADE")

    def test_balances_are_written_by_the_ledger_alone(self, office: Office) -> None:
        refused("UPDATE payments_fund_balance SET balance = balance + 1", by="fund_balance_written_by_ledger")
        refused("DELETE FROM payments_fund_balance", by="fund_balance_written_by_ledger")


class TestI13EachThingIsBookedOnce:
    @pytest.mark.parametrize(("kind", "reason"), [("POST", None), ("VOID", "AB05")])
    def test_a_transfer(self, office: Office, kind: str, reason: str | None) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT" if reason else "ACCC", reason=reason))
        debit, credit = ENTRY_ACCOUNTS[kind]  # type: ignore[index]
        refused(OF_TRANSFER, kind, debit, credit, 650_000, by="ledger_entry_once_per_transfer")

    def test_a_reservation(self, office: Office) -> None:
        make_entitled(1)
        batch = start(office, build_batch(office))
        refused(OF_BATCH, "RESERVE", "FUNDING", "RESERVED", 650_000, by="ledger_entry_once_per_batch")
        with pytest.raises(InvalidMove):
            release.reserve_batch(batch_id=batch.pk, at=office.at())
        assert entries() == {"FUND": 1, "RESERVE": 1}

    def test_the_same_answer_twice(self, office: Office, gateway: FakeGateway) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        for _ in range(2):
            dispatch.send(claim=claim, gateway=gateway)
        assert entries()["POST"] == 2
        assert broken(gateway) == []

    def test_two_reservations_of_one_list_at_once(self, committed: None) -> None:
        office = make_office()
        make_entitled(1)
        batch = approve(office, build_batch(office))
        results = at_once(*[lambda: release.reserve_batch(batch_id=batch.pk, at=office.at())] * 3)
        assert kinds(results) == ["InvalidMove", "InvalidMove", "None"]
        assert entries() == {"FUND": 1, "RESERVE": 1}


class TestI14WhatIsDoneAddsUp:
    def test_a_chunk_is_not_done_while_a_transfer_is_open(self, office: Office) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        refused("UPDATE payments_dispatch_chunk SET state = 'DONE'", by="dispatch_chunk_done")
        refused(
            "UPDATE payments_dispatch_chunk SET state = 'DONE', settled_count = 2, settled_sum = control_sum",
            by="dispatch_chunk_done_counts_true",
        )

    def test_counts_of_a_done_chunk_cannot_be_bent_out_of_sum(self, office: Office) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        send_all(FakeGateway())
        for change in ("settled_count = 1", "settled_sum = settled_sum - 1", "rejected_count = 1", "returned_sum = 5"):
            refused(f"UPDATE payments_dispatch_chunk SET {change}", by="dispatch_chunk_done_adds_up")

    def test_a_batch_is_not_drained_while_a_chunk_is_open(self, office: Office, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        make_entitled(2)
        batch = start(office, build_batch(office))
        claim = dispatch.claim_to_send()
        assert claim is not None
        dispatch.send(claim=claim, gateway=FakeGateway())
        assert release.drain_batches() == []
        refused("UPDATE payments_payout_batch SET state = 'DRAINED'", by="payout_batch_drained_adds_up")
        send_all(FakeGateway())
        assert release.drain_batches() == [batch.pk]

    def test_a_batch_whose_chunks_lost_money_is_not_drained(self, committed: None, superuser: Any) -> None:
        office = make_office()
        make_entitled(2)
        batch = start(office, build_batch(office))
        send_all(FakeGateway())
        assert as_criminal(
            superuser,
            "UPDATE payments_dispatch_chunk SET settled_sum = settled_sum - 1, control_sum = control_sum - 1",
        )
        with pytest.raises(Exception, match="payout_batch_drained_adds_up"):
            release.drain_batches()
        assert state_of(batch) == "DISPATCHING"


class TestI16AFundIsNeverOverdrawn:
    def test_the_database_refuses_to_reserve_more_than_there_is(self, db: None) -> None:
        office = make_office(money=1)
        make_entitled(1)
        build_batch(office)
        refused(OF_BATCH, "RESERVE", "FUNDING", "RESERVED", 2, by="fund_balance_never_negative")
        assert run(OF_BATCH, "RESERVE", "FUNDING", "RESERVED", 1) == 1

    def test_a_batch_is_not_reserved_without_its_entry(self, office: Office) -> None:
        make_entitled(1)
        approve(office, build_batch(office))
        refused("UPDATE payments_payout_batch SET state = 'RESERVED'", by="payout_batch_reserved_in_ledger")

    def test_two_batches_at_once_for_the_last_money(self, committed: None) -> None:
        office = make_office(money=3 * 650_000)
        make_entitled(2)
        first = approve(office, build_batch(office))
        make_entitled(2)
        second = approve(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        results = at_once(
            *[
                lambda batch=batch: release.reserve_batch(batch_id=batch.pk, at=office.at())
                for batch in (first, second)
            ]
        )
        assert kinds(results) == ["FundTooLow", "None"]
        assert sorted([state_of(first), state_of(second)]) == ["APPROVED", "RESERVED"]
        assert balances(office)["FUNDING"] == 650_000
        # The one that waits gets its turn when money comes.
        voucher = funding.record_voucher(
            fund_id=office.fund.pk, number="CT-2", voucher_date=date(2026, 11, 2), amount=650_000,
            by=office.accountant, at=office.at(),
        )  # fmt: skip
        funding.confirm_voucher(voucher_id=voucher.pk, by=office.approver, at=office.at())
        waiting = first if state_of(first) == "APPROVED" else second
        release.reserve_batch(batch_id=waiting.pk, at=office.at())
        assert balances(office)["FUNDING"] == 0

    def test_money_of_a_rejected_transfer_is_there_for_the_next_list(self, db: None) -> None:
        office = make_office(money=650_000)
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway(status="RJCT", reason="AB05"))
        again = approve(office, build_batch(office, kind=BatchKind.REPLACEMENT))
        release.reserve_batch(batch_id=again.pk, at=office.at())
        assert balances(office)["FUNDING"] == 0


class TestFundingTakesTwoPersons:
    def voucher(self, office: Office, **fields: Any) -> FundingVoucher:
        given: dict[str, Any] = {"number": "CT-7", "amount": 5_000_000, "voucher_date": date(2026, 11, 1)}
        return funding.record_voucher(fund_id=office.fund.pk, by=office.accountant, at=office.at(), **(given | fields))

    def test_recorded_money_does_not_count_yet(self, office: Office) -> None:
        before = balances(office)
        voucher = self.voucher(office)
        assert balances(office) == before
        funding.confirm_voucher(voucher_id=voucher.pk, by=office.approver, at=office.at())
        assert balances(office)["FUNDING"] == before["FUNDING"] + 5_000_000

    def test_the_same_human_under_another_login_is_refused(self, office: Office) -> None:
        recorder = make_staff(Role.ACCOUNTANT, person="079185000001")
        twin = make_staff(Role.AUDITOR, person="079185000009")
        voucher = funding.record_voucher(
            fund_id=office.fund.pk,
            number="CT-8",
            voucher_date=date(2026, 11, 1),
            amount=1,
            by=recorder,
            at=office.at(),
        )
        type(twin).objects.filter(pk=twin.pk).update(person_fingerprint=recorder.person_fingerprint)
        twin.refresh_from_db()
        with pytest.raises(NotInAuthority):
            funding.confirm_voucher(voucher_id=voucher.pk, by=twin, at=office.at())
        # Even if a role let him: the database counts humans.
        refused(
            "UPDATE payments_funding_voucher SET state = 'CONFIRMED', decided_by_id = %s, decided_at = now(), "
            "decided_by_person = recorded_by_person WHERE id = %s",
            twin.pk, voucher.pk,
            by="funding_voucher_decided_by_second_person",
        )  # fmt: skip

    def test_a_person_who_could_do_both_may_not(self, office: Office) -> None:
        person = "079185000777"
        recorder = make_staff(Role.ACCOUNTANT, person=person)
        voucher = funding.record_voucher(
            fund_id=office.fund.pk,
            number="CT-9",
            voucher_date=date(2026, 11, 1),
            amount=1,
            by=recorder,
            at=office.at(),
        )
        recorder.role_assignments.update(valid_to=date(2026, 6, 30))
        approver = make_staff(Role.APPROVER, person="079185000778")
        type(approver).objects.filter(pk=approver.pk).update(person_fingerprint=recorder.person_fingerprint)
        approver.refresh_from_db()
        with pytest.raises(FourEyesViolation):
            funding.confirm_voucher(voucher_id=voucher.pk, by=approver, at=office.at())
        voucher.refresh_from_db()
        assert voucher.state == "RECORDED"

    def test_a_paper_counts_once(self, office: Office) -> None:
        self.voucher(office)
        with pytest.raises(WrongInput):
            self.voucher(office)
        voucher = FundingVoucher.objects.get(number="CT-7")
        funding.confirm_voucher(voucher_id=voucher.pk, by=office.approver, at=office.at())
        with pytest.raises(InvalidMove):
            funding.confirm_voucher(voucher_id=voucher.pk, by=office.approver, at=office.at())
        assert LedgerEntry.objects.filter(voucher=voucher).count() == 1

    def test_two_confirmations_at_once_count_once(self, committed: None) -> None:
        office = make_office(money=0)
        voucher = self.voucher(office)
        other = make_staff(Role.APPROVER)
        results = at_once(
            *[
                lambda by=by: funding.confirm_voucher(voucher_id=voucher.pk, by=by, at=office.at())
                for by in (office.approver, other)
            ]
        )
        assert kinds(results) == ["AlreadyDecided", "None"]
        assert balances(office)["FUNDING"] == 5_000_000

    @pytest.mark.parametrize("wrong", [{"amount": 0}, {"amount": -1}, {"number": "  "}])
    def test_nonsense_is_refused(self, office: Office, wrong: dict[str, Any]) -> None:
        with pytest.raises(WrongInput):
            self.voucher(office, **wrong)

    def test_only_those_who_may(self, office: Office) -> None:
        with pytest.raises(NotInAuthority):
            funding.record_voucher(
                fund_id=office.fund.pk, number="X", voucher_date=date(2026, 11, 1), amount=1,
                by=office.preparer, at=office.at(),
            )  # fmt: skip
        with pytest.raises(NotInAuthority):
            funding.record_voucher(
                fund_id=office.fund.pk, number="X", voucher_date=date(2026, 11, 1), amount=1,
                by=make_staff(Role.ACCOUNTANT, unit="26740"), at=office.at(),
            )  # fmt: skip
        with pytest.raises(NotInAuthority):
            funding.confirm_voucher(voucher_id=self.voucher(office).pk, by=office.accountant, at=office.at())

    def test_what_a_paper_says_never_changes(self, office: Office) -> None:
        self.voucher(office)
        for change in ("amount = amount * 10", "number = 'X'", "recorded_by_person = 'x'::bytea"):
            refused(
                f"UPDATE payments_funding_voucher SET {change} WHERE state = 'RECORDED'", by="funding_voucher_frozen"
            )

    def test_a_fund_begins_with_nothing_on_every_account(self, db: None) -> None:
        office = make_office(money=0)
        assert set(balances(office).values()) == {0}
        assert FundBalance.objects.filter(fund=office.fund).count() == 8
        make_entitled(1)
        batch = approve(office, build_batch(office))
        with pytest.raises(FundTooLow):
            release.reserve_batch(batch_id=batch.pk, at=office.at())
        assert states() == {"PLANNED": 1}
        assert read("SELECT count(*) FROM payments_ledger_entry") == [(0,)]
