"""I-6, I-7: only the moves of the declared graphs are taken, whoever writes; every ordered pair of states is tried.

A row is put into each old state past the triggers (as only the owner of the server can), then the application tries to
move it. A forbidden pair must fail by the graph's own trigger; an allowed one passes, or fails for the reason named here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg2
import pytest

from beneficiaries.models import PayoutAccount
from beneficiaries.states import ACCOUNT_MOVES, ENTITLEMENT_MOVES
from payments.errors import InvalidMove
from payments.models import FundingVoucher
from payments.operations import cash, dispatch, funding
from payments.states import (
    BATCH_CANCELLABLE,
    BATCH_MOVES,
    CHUNK_MOVES,
    PROPOSAL_MOVES,
    RECOVERY_MOVES,
    RESULT_FILE_MOVES,
    TRANSFER_MOVES,
    VOUCHER_MOVES,
    BatchKind,
    ProposalKind,
    TransferState,
)
from tests.factories import Office, approve, build_batch, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway
from tests.payments.by_file import NOT_PAID, answered, bring, given, said
from tests.payments.deciding import propose
from tests.payments.helpers import read, refused, run, send_all, states
from tests.payments.papers import entitlement_of, record

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def office(committed: None) -> Office:
    return make_office()


class Laboratory:
    """Puts one row into any state, lets the application try to move it, and takes everything back."""

    def __init__(self, server: Any, table: str, trigger: str, moves: Mapping[Any, Any]) -> None:
        self.server, self.table, self.trigger, self.moves = server, table, trigger, moves

    def pairs(self) -> Iterator[tuple[str, str]]:
        return ((str(old), str(new)) for old in self.moves for new in self.moves if old != new)

    def allows(self, old: str, new: str) -> bool:
        return new in {str(state) for state in self.moves[old]}

    def attempt(self, row: int, old: str, new: str, *, setting: str) -> str:
        """Nothing when the move is taken, else the words of the refusal; `setting` fills what a state needs beside it."""
        with self.server.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute(f"UPDATE {self.table} SET {setting.format(state=old)} WHERE id = %s", [row])
                assert cursor.rowcount == 1
                cursor.execute("SET LOCAL session_replication_role = origin")
                cursor.execute("SET LOCAL ROLE welfare_app")
                try:
                    cursor.execute(f"UPDATE {self.table} SET {setting.format(state=new)} WHERE id = %s", [row])
                except psycopg2.Error as refusal:
                    return str(refusal)
                return ""
            finally:
                cursor.execute("ROLLBACK")

    def walk(self, row_for: Any, *, setting: str, reasons: Mapping[tuple[str, str], str] | None = None) -> list[str]:
        """What is wrong with the graph in the database; empty when all pairs behave."""
        wrong = []
        for old, new in self.pairs():
            said = self.attempt(row_for(old, new), old, new, setting=setting)
            if not self.allows(old, new):
                if f"{self.trigger}: {old} to {new} is no move of the graph" not in said:
                    wrong.append(f"{old} > {new} should be refused by the graph, but: {said or 'it was taken'}")
            elif (reason := (reasons or {}).get((old, new), "")) not in said or (said and not reason):
                wrong.append(f"{old} > {new} should give {reason or 'no refusal'}, but: {said or 'it was taken'}")
        return wrong


class TestI06OnlyMovesOfTheGraph:
    def test_of_a_batch(self, office: Office, superuser: Any) -> None:
        make_entitled(1)
        batch = build_batch(office)
        approve(office, batch)
        with superuser.cursor() as cursor:  # a list that adds up, so that only the graph can stand in the way
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "UPDATE payments_dispatch_chunk SET state = 'DONE', cancelled_count = number_of_transactions, "
                "cancelled_sum = control_sum"
            )
        laboratory = Laboratory(superuser, "payments_payout_batch", "payout_batch_moves", BATCH_MOVES)
        wrong = laboratory.walk(
            lambda *_: batch.pk,
            setting="state = '{state}', held_reason = 'x', held_from = CASE '{state}' WHEN 'HELD' THEN 'APPROVED' ELSE '' END, "
            "held_at = CASE '{state}' WHEN 'HELD' THEN now() END",
            reasons={
                ("APPROVED", "RESERVED"): "payout_batch_reserved_in_ledger",
                ("RECONCILED", "CLOSED"): "payout_batch_closed_adds_up",
                ("HELD", "APPROVED"): "payout_batch_released_by_two",
                ("HELD", "RESERVED"): "payout_batch_released_by_two",
                ("HELD", "DISPATCHING"): "payout_batch_released_by_two",
                **{(str(old), "CANCELLING"): "payout_batch_cancelled_by_two" for old in BATCH_CANCELLABLE},
            },
        )
        assert wrong == []

    def test_of_a_batch_that_nobody_approved(self, office: Office, superuser: Any) -> None:
        make_entitled(1)
        batch = build_batch(office)
        laboratory = Laboratory(superuser, "payments_payout_batch", "payout_batch_moves", BATCH_MOVES)
        setting = (
            "state = '{state}', list_hash = 'h', submitted_by_id = prepared_by_id, submitted_at = now(), "
            "approvals_required = 1"
        )
        refusal = laboratory.attempt(batch.pk, "SUBMITTED", "APPROVED", setting=setting)
        assert "payout_batch_approved_by_quorum" in refusal

    def test_of_a_transfer(self, office: Office, superuser: Any) -> None:
        make_entitled(1)
        make_entitled(1, cash=True)
        build_batch(office)
        rows = dict(read("SELECT route, id FROM payments_transfer"))

        def row_for(old: str, new: str) -> int:
            by_hand = "HANDED_OVER" in (old, new) and old not in {"SENDING", "ACCEPTED", "UNKNOWN", "REJECTED"}
            return int(rows["WARD_CASH" if by_hand else "GATEWAY"])

        laboratory = Laboratory(superuser, "payments_transfer", "transfer_moves", TRANSFER_MOVES)
        wrong = laboratory.walk(
            row_for,
            setting="state = '{state}', due_at = now(), settlement_level = 'DEBTOR', sent_count = 1, first_sent_at = now()",
            reasons={
                ("SENDING", "READY"): "transfer_ready_again_with_proof",
                ("UNKNOWN", "READY"): "transfer_ready_again_with_proof",
                ("READY", "UNKNOWN"): "transfer_in_doubt_after_restore",
                ("SETTLED", "RETURNED"): "transfer_returned_by_return",
                **{("REVIEW", str(new)): "transfer_decided_by_two" for new in TRANSFER_MOVES[TransferState.REVIEW]},
                ("HANDED_OVER", "SETTLED"): "transfer_cash_settled_by_signature",
                ("REJECTED", "SETTLED"): "transfer_decided_by_two",
                ("CANCELLED", "SETTLED"): "transfer_decided_by_two",
                ("HANDED_OVER", "REJECTED"): "transfer_rejected_by_a_bank",  # the row is one of cash
            },
        )
        assert wrong == []

    def test_of_a_chunk(self, office: Office, superuser: Any) -> None:
        make_entitled(1)
        build_batch(office)
        with superuser.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("UPDATE payments_transfer SET state = 'CANCELLED'")
            cursor.execute(
                "UPDATE payments_dispatch_chunk SET cancelled_count = number_of_transactions, cancelled_sum = control_sum "
                "RETURNING id"
            )
            chunk = cursor.fetchone()[0]
        laboratory = Laboratory(superuser, "payments_dispatch_chunk", "dispatch_chunk_moves", CHUNK_MOVES)
        wrong = laboratory.walk(
            lambda *_: chunk,
            setting="state = '{state}', fence = fence + 1, "
            "lease_until = CASE WHEN '{state}' IN ('LEASED_SEND', 'LEASED_INQUIRY') THEN now() END",
        )
        assert wrong == []

    def test_of_an_account(self, office: Office, superuser: Any) -> None:
        (payee,) = make_entitled(1)
        account = payee.accounts.get()
        laboratory = Laboratory(superuser, "beneficiaries_payout_account", "payout_account_moves", ACCOUNT_MOVES)
        wrong = laboratory.walk(
            lambda *_: account.pk,
            setting="state = '{state}', cooling_until = timestamptz '2099-01-01', due_at = now()",
            reasons={("COOLING", "ACTIVE"): "payout_account_cools_off"},  # its safe time is not over
        )
        assert wrong == []

    def test_of_an_entitlement(self, office: Office, superuser: Any) -> None:
        make_entitled(1)
        row = read("SELECT id FROM beneficiaries_entitlement")[0][0]
        laboratory = Laboratory(superuser, "beneficiaries_entitlement", "entitlement_moves", ENTITLEMENT_MOVES)
        assert laboratory.walk(lambda *_: row, setting="state = '{state}'") == []

    def test_of_a_funding_voucher(self, office: Office, superuser: Any) -> None:
        voucher = FundingVoucher.objects.get()
        laboratory = Laboratory(superuser, "payments_funding_voucher", "funding_voucher_moves", VOUCHER_MOVES)
        decided = "CASE '{state}' WHEN 'RECORDED' THEN NULL ELSE"
        wrong = laboratory.walk(
            lambda *_: voucher.pk,
            setting=f"state = '{{state}}', decided_by_id = {decided} {office.approver.pk} END, "
            f"decided_by_person = {decided} 'another'::bytea END, decided_at = {decided} now() END, decision_reason = 'x'",
        )
        assert wrong == []

    def test_of_a_recovery(self, office: Office, superuser: Any) -> None:
        row = record(office, entitlement_of(make_entitled(1)[0])).pk
        laboratory = Laboratory(superuser, "payments_recovery", "recovery_moves", RECOVERY_MOVES)
        decided = "CASE '{state}' WHEN 'RECORDED' THEN NULL ELSE"
        wrong = laboratory.walk(
            lambda *_: row,
            setting=f"state = '{{state}}', decided_by_id = {decided} {office.approver.pk} END, "
            f"decided_by_person = {decided} 'another'::bytea END, decided_at = {decided} now() END, decision_reason = 'x'",
            reasons={("CONFIRMED", "STOPPED"): "recovery_stopped_by_two"},
        )
        assert wrong == []

    def test_of_a_proposal(self, office: Office, superuser: Any) -> None:
        make_entitled(1)
        proposal = propose(office, start(office, build_batch(office)), ProposalKind.CANCEL_BATCH)
        own, other = office.accountant.pk, office.approver.pk
        who = f"CASE '{{state}}' WHEN 'WITHDRAWN' THEN {own} WHEN 'PROPOSED' THEN NULL ELSE {other} END"
        laboratory = Laboratory(superuser, "payments_proposal", "proposal_moves", PROPOSAL_MOVES)
        wrong = laboratory.walk(
            lambda *_: proposal.pk,
            setting="state = '{state}', decision_reason = CASE '{state}' WHEN 'PROPOSED' THEN '' ELSE 'x' END, "
            f"decided_by_id = {who}, decided_by_person = (SELECT person_fingerprint FROM users_user WHERE id = {who}), "
            "decided_at = CASE '{state}' WHEN 'PROPOSED' THEN NULL ELSE timestamptz '2026-11-25' END",
        )
        assert wrong == []

    def test_of_a_result_file(self, office: Office, superuser: Any) -> None:
        batch, _, (first, _) = given(office)
        kept = bring(office, batch, said(first))
        laboratory = Laboratory(superuser, "payments_result_file", "result_file_moves", RESULT_FILE_MOVES)
        decided = "CASE '{state}' WHEN 'CHECKED' THEN NULL ELSE"
        wrong = laboratory.walk(
            lambda *_: kept.pk,
            setting=f"state = '{{state}}', decided_by_id = {decided} {office.accountant.pk} END, "
            f"decided_at = {decided} now() END",
        )
        assert wrong == []

    def test_of_a_payment_with_the_treasury_is_a_refusal_of_the_bank_by_its_word(self, office: Office) -> None:
        batch, _, (first, _) = given(office)
        refused("UPDATE payments_transfer SET state = 'REJECTED', due_at = NULL", by="transfer_ended_by_result")
        answered(office, batch, said(first, NOT_PAID))
        assert states() == {"REJECTED": 1, "HANDED_OVER": 1}

    @pytest.mark.parametrize(
        ("table", "rule", "moves", "first"),
        [
            ("payments_payout_batch", "payout_batch_starts", BATCH_MOVES, {"BUILDING"}),
            ("payments_transfer", "transfer_starts", TRANSFER_MOVES, {"PLANNED"}),
            ("payments_dispatch_chunk", "dispatch_chunk_starts", CHUNK_MOVES, {"PLANNED"}),
            ("beneficiaries_payout_account", "payout_account_starts", ACCOUNT_MOVES, {"REQUESTED"}),
            ("beneficiaries_entitlement", "entitlement_starts", ENTITLEMENT_MOVES, {"DRAFT", "ACTIVE"}),
            ("payments_funding_voucher", "funding_voucher_starts", VOUCHER_MOVES, {"RECORDED"}),
            ("payments_proposal", "proposal_starts", PROPOSAL_MOVES, {"PROPOSED"}),
            ("payments_result_file", "result_file_starts", RESULT_FILE_MOVES, {"CHECKED"}),
            ("payments_recovery", "recovery_starts", RECOVERY_MOVES, {"RECORDED"}),
        ],
    )
    def test_a_row_begins_where_the_graph_begins(
        self, office: Office, table: str, rule: str, moves: Mapping[Any, Any], first: set[str]
    ) -> None:
        if table == "payments_result_file":
            batch, _, (transfer, _) = given(office)
            bring(office, batch, said(transfer))
        record(office, entitlement_of(make_entitled(1)[0]))
        started = start(office, build_batch(office, kind=BatchKind.SUPPLEMENTARY))
        propose(office, started, ProposalKind.CANCEL_BATCH)
        for state in {str(state) for state in moves} - first:
            refused(
                f"INSERT INTO {table} SELECT (jsonb_populate_record(r, jsonb_build_object('id', -1, 'state', %s))).* "
                f"FROM {table} r LIMIT 1",
                state,
                by=rule,
            )


class TestI07NoWayBackFromAnEnd:
    def test_a_settled_transfer_stays_settled(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway())
        for state in set(map(str, TRANSFER_MOVES)) - {"SETTLED", "RETURNED"}:
            refused("UPDATE payments_transfer SET state = %s, due_at = now()", state, by="transfer_moves")
        refused("UPDATE payments_transfer SET state = 'RETURNED'", by="transfer_returned_by_return")
        assert states() == {"SETTLED": 1}

    def test_a_return_is_written_once_and_never_changed(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway())
        insert = (
            "INSERT INTO payments_transfer_return (transfer_id, return_id, returned_amount, return_reason, returned_at) "
            "SELECT id, %s, instructed_amount + %s, 'AC04', now() FROM payments_transfer"
        )
        refused(insert, "R-0", -1, by="transfer_return_whole_amount")
        assert run(insert, "R-1", 0) == 1
        refused(insert, "R-2", 0, by="duplicate key")
        refused("UPDATE payments_transfer_return SET return_reason = 'AC06'", by="permission denied")
        refused("DELETE FROM payments_transfer_return", by="permission denied")
        assert run("UPDATE payments_transfer SET state = 'RETURNED'") == 1
        for state in set(map(str, TRANSFER_MOVES)) - {"RETURNED"}:
            refused("UPDATE payments_transfer SET state = %s, due_at = now()", state, by="transfer_moves")

    def test_a_cancelled_cash_payment_cannot_be_signed_for(self, office: Office) -> None:
        make_entitled(1, cash=True)
        batch = start(office, build_batch(office))
        cash.hand_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        cash.carry_over(batch_id=batch.pk, by=office.accountant, at=office.at())
        refused(
            "UPDATE payments_transfer SET state = 'SETTLED', settlement_level = 'CASH'",
            by="transfer_cash_settled_by_signature",
        )

    def test_a_done_chunk_is_never_claimed_again(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway())
        refused(
            "UPDATE payments_dispatch_chunk SET state = 'LEASED_SEND', fence = fence + 1, lease_until = now()",
            by="dispatch_chunk_moves",
        )
        assert dispatch.claim_to_send() is None

    def test_a_closed_account_never_comes_back(self, office: Office) -> None:
        make_entitled(1)
        run("UPDATE beneficiaries_payout_account SET state = 'CLOSED'")
        refused("UPDATE beneficiaries_payout_account SET state = 'ACTIVE'", by="payout_account_moves")
        assert PayoutAccount.objects.get().state == "CLOSED"

    def test_a_voucher_is_decided_once(self, office: Office) -> None:
        refused("UPDATE payments_funding_voucher SET state = 'REFUSED'", by="funding_voucher_moves")
        with pytest.raises(InvalidMove):
            funding.confirm_voucher(voucher_id=FundingVoucher.objects.get().pk, by=office.approver, at=office.at())
