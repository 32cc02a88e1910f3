"""I-2, I-3, I-4, I-5, I-22: one live line for what is owed, one transfer for a line, and a list that stands as approved."""

import re
from datetime import timedelta
from typing import Any

import pytest

from beneficiaries.models import Payee, PayoutAccount
from beneficiaries.operations.accounts import end_cooling
from beneficiaries.states import AccountState
from payments.errors import EmptyList
from payments.models import DispatchChunk, PayoutLine, PayoutLineMove, Transfer
from payments.operations import decide, dispatch
from payments.operations.build import start_build
from payments.states import BatchKind
from tests.conftest import Clock
from tests.factories import PERIOD, WARD, Office, approve, build_batch, make_account, make_entitled, make_office, start
from tests.fake_gateway import FakeGateway
from tests.payments.helpers import as_criminal, at_once, kinds, read, refused, run, send_all, states

COPY_OF_TRANSFER = """
INSERT INTO payments_transfer SELECT (jsonb_populate_record(t, jsonb_build_object(
    'id', nextval(pg_get_serial_sequence('payments_transfer', 'id')), 'end_to_end_id', replace(uuidv7()::text, '-', ''),
    'batch_id', %s::bigint, 'chunk_id', %s::bigint, 'state', 'PLANNED', 'due_at', now(), 'settlement_level', '',
    'ended_at', NULL, 'replaces_id', t.id))).*
FROM payments_transfer t WHERE t.id = %s
"""


def ended_unpaid(office: Office) -> Transfer:
    """The transfer of one payee, rejected by his bank."""
    (payee,) = make_entitled(1)
    start(office, build_batch(office))
    send_all(FakeGateway(status="RJCT", reason="AB05"))
    transfer = Transfer.objects.get(payee=payee)
    assert transfer.state == "REJECTED"
    return transfer


def open_batch(office: Office) -> tuple[int, int]:
    """A replacement list that is being built: its id, and that of an empty chunk of it."""
    batch = start_build(
        fund_id=office.fund.pk,
        unit_code=WARD,
        period=PERIOD,
        kind=BatchKind.REPLACEMENT,
        execution_date=office.at().date(),
        by=office.preparer,
        at=office.at(),
    )
    chunk = DispatchChunk.objects.create(batch=batch, number=1, route="GATEWAY", creditor_agent="970436")
    return batch.pk, chunk.pk


class TestI02OneLiveLineForWhatIsOwed:
    def test_a_second_list_finds_nothing_left(self, office: Office) -> None:
        make_entitled(3)
        build_batch(office)
        again = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        assert (again.number_of_transactions, PayoutLine.objects.filter(live=True).count()) == (0, 3)

    def test_the_database_refuses_a_second_live_line(self, office: Office) -> None:
        make_entitled(1)
        build_batch(office)
        refused(
            "INSERT INTO payments_payout_line (batch_id, entitlement_id, period, kind, amount, live, transfer_id) "
            "SELECT batch_id, entitlement_id, period, kind, amount, true, transfer_id FROM payments_payout_line",
            by="payout_line_once_while_live|payout_line_added_while_building",
        )

    def test_the_database_refuses_it_also_while_both_lists_are_being_built(self, office: Office) -> None:
        make_entitled(1)
        build_batch(office)
        other, _ = open_batch(office)
        refused(
            "INSERT INTO payments_payout_line (batch_id, entitlement_id, period, kind, amount, live, transfer_id) "
            "SELECT %s, entitlement_id, period, kind, amount, true, transfer_id FROM payments_payout_line",
            other,
            by="payout_line_once_while_live",
        )

    def test_a_line_that_is_being_paid_moves_nowhere(self, office: Office) -> None:
        make_entitled(2)
        start(office, build_batch(office))
        first, second = Transfer.objects.order_by("id")
        for sql in ("transfer_id = %s", "transfer_id = NULLIF(%s, 0), live = false"):
            refused(
                f"UPDATE payments_payout_line SET {sql} WHERE transfer_id = %s", second.pk, first.pk,
                by="payout_line_one_live_transfer",
            )  # fmt: skip
        refused("UPDATE payments_payout_line SET live = false", by="payout_line_one_live_transfer")

    def test_a_line_that_was_paid_moves_nowhere(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        send_all(FakeGateway())
        refused("UPDATE payments_payout_line SET live = false", by="payout_line_one_live_transfer")

    def test_a_line_whose_transfer_ended_unpaid_may_pass_on_and_leaves_a_trace(self, office: Office) -> None:
        old = ended_unpaid(office)
        batch, chunk = open_batch(office)
        run(COPY_OF_TRANSFER, batch, chunk, old.pk)
        new = Transfer.objects.get(replaces=old)
        run("UPDATE payments_payout_line SET transfer_id = %s", new.pk)
        move = PayoutLineMove.objects.get()
        assert (move.from_transfer_id, move.to_transfer_id) == (old.pk, new.pk)
        refused("UPDATE payments_payout_line SET transfer_id = %s", old.pk, by="payout_line_one_live_transfer")

    def test_a_line_that_was_taken_out_never_comes_back(self, office: Office) -> None:
        make_entitled(1)
        decide.withdraw_batch(
            batch_id=build_batch(office).pk, by=office.preparer, reason="Danh sách sai", at=office.at()
        )
        refused("UPDATE payments_payout_line SET live = true", by="payout_line_one_live_transfer")

    @pytest.mark.parametrize(
        "column", ["amount = amount + 1", "period = period + interval '1 month'", "kind = 'GIFT'"]
    )
    def test_what_a_line_says_never_changes(self, office: Office, column: str) -> None:
        make_entitled(1)
        build_batch(office)
        refused(f"UPDATE payments_payout_line SET {column}", by="payout_line_frozen")

    def test_a_line_of_a_submitted_list_is_not_deleted(self, office: Office) -> None:
        make_entitled(1)
        decide.submit_batch(batch_id=build_batch(office).pk, by=office.preparer, at=office.at())
        refused("DELETE FROM payments_payout_line", by="payout_line_deleted_while_draft")

    def test_nothing_is_added_to_a_list_that_is_built(self, office: Office) -> None:
        make_entitled(1)
        batch = build_batch(office)
        refused(
            "INSERT INTO payments_payout_line (batch_id, entitlement_id, period, kind, amount, live, exclusion_reason) "
            "SELECT batch_id, entitlement_id, '2026-09-01', kind, amount, false, 'NO_RATE' FROM payments_payout_line",
            by="payout_line_added_while_building",
        )
        transfer = Transfer.objects.get(batch=batch)
        refused(
            COPY_OF_TRANSFER.replace("'replaces_id', t.id", "'replaces_id', NULL"),
            batch.pk, transfer.chunk_id, transfer.pk,
            by="transfer_added_while_building",
        )  # fmt: skip

    def test_two_lists_built_at_once_take_each_line_once(self, committed: None) -> None:
        office = make_office()
        make_entitled(5)
        lists = at_once(*[lambda: build_batch(office, kind=BatchKind.SUPPLEMENTARY)] * 2)
        built = [batch for batch in lists if not isinstance(batch, Exception)]
        assert built
        assert {type(other).__name__ for other in lists if isinstance(other, Exception)} <= {
            "BatchExists",
            "IntegrityError",
        }
        assert PayoutLine.objects.filter(live=True).count() == 5
        assert sum(batch.number_of_transactions for batch in built) == 5


class TestI03AReplacementIsANewTransfer:
    def test_it_follows_one_that_ended_without_paying(self, office: Office) -> None:
        old = ended_unpaid(office)
        batch, chunk = open_batch(office)
        assert run(COPY_OF_TRANSFER, batch, chunk, old.pk) == 1
        assert Transfer.objects.get(replaces=old).end_to_end_id != old.end_to_end_id

    def test_it_cannot_follow_one_that_may_still_pay(self, office: Office) -> None:
        make_entitled(1)
        start(office, build_batch(office))
        batch, chunk = open_batch(office)
        live = Transfer.objects.get()
        refused(COPY_OF_TRANSFER, batch, chunk, live.pk, by="transfer_replaces_an_ended_one")
        send_all(FakeGateway())
        refused(COPY_OF_TRANSFER, batch, chunk, live.pk, by="transfer_replaces_an_ended_one")

    def test_two_replacements_at_once_make_one(self, committed: None) -> None:
        office = make_office()
        old = ended_unpaid(office)
        first, second = open_batch(office), open_batch(office)
        results = at_once(
            lambda: run(COPY_OF_TRANSFER, *first, old.pk), lambda: run(COPY_OF_TRANSFER, *second, old.pk)
        )
        assert kinds(results) == ["1", "IntegrityError"]
        assert Transfer.objects.filter(replaces=old).count() == 1

    def test_a_new_list_pays_again_what_was_not_paid(self, office: Office) -> None:
        old = ended_unpaid(office)
        again = build_batch(office, kind=BatchKind.REPLACEMENT)
        assert again.number_of_transactions == 1
        new = Transfer.objects.get(batch=again)
        assert (new.replaces_id, new.instructed_amount) == (old.pk, old.instructed_amount)
        assert new.end_to_end_id != old.end_to_end_id
        start(office, again)
        send_all(FakeGateway())
        assert states() == {"REJECTED": 1, "SETTLED": 1}


FROZEN = {
    "end_to_end_id": "replace(uuidv7()::text, '-', '')",
    "instructed_amount": "instructed_amount + 1",
    "account_fingerprint": "'another'::bytea",
    "payout_account_id": "NULL",
    "creditor_agent": "'970416'",
    "creditor_name": "'TRAN VAN GIAN'",
    "remittance_information": "'khac'",
    "payee_id": "payee_id + 1",
    "route": "'WARD_CASH'",
    "batch_id": "batch_id + 1",
    "replaces_id": "id",
}


class TestI04WhereMoneyGoesIsWrittenOnce:
    @pytest.mark.parametrize("stage", ["draft", "submitted", "approved", "paid"])
    def test_no_column_that_decides_it_changes(self, office: Office, stage: str) -> None:
        make_entitled(1)
        batch = build_batch(office)
        if stage == "submitted":
            decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        if stage == "approved":
            approve(office, batch)
        if stage == "paid":
            start(office, batch)
            send_all(FakeGateway())
        for column, value in FROZEN.items():
            refused(f"UPDATE payments_transfer SET {column} = {value}", by="transfer_frozen")

    @pytest.mark.parametrize(
        "change",
        [
            "list_hash = 'other'::bytea", "control_sum = control_sum + 1", "approvals_required = 2",
            "number_of_transactions = number_of_transactions - 1", "submitted_by_id = submitted_by_id + 1",
            "requested_execution_date = requested_execution_date + 1",
        ],
    )  # fmt: skip
    def test_no_figure_of_a_submitted_list_changes(self, office: Office, change: str) -> None:
        make_entitled(2)
        decide.submit_batch(batch_id=build_batch(office).pk, by=office.preparer, at=office.at())
        refused(f"UPDATE payments_payout_batch SET {change}", by="payout_batch_list_frozen")

    @pytest.mark.parametrize(
        "change",
        ["fund_id = fund_id + 1", "period = '2026-10-01'", "unit_id = NULL", "kind = 'CAMPAIGN'", "version = 9"],
    )
    def test_a_list_never_becomes_that_of_another_fund_unit_or_month(self, office: Office, change: str) -> None:
        make_entitled(1)
        build_batch(office)
        refused(f"UPDATE payments_payout_batch SET {change}", by="payout_batch_frozen")

    @pytest.mark.parametrize(
        "change",
        [
            "list_hash = 'other'::bytea", "hash_path = 'other'::bytea", "creditor_agent = '970416'",
            "control_sum = control_sum + 1", "number_of_transactions = 7", "route = 'TREASURY_FILE'",
        ],
    )  # fmt: skip
    def test_no_figure_of_a_submitted_chunk_changes(self, office: Office, change: str) -> None:
        make_entitled(2)
        decide.submit_batch(batch_id=build_batch(office).pk, by=office.preparer, at=office.at())
        refused(f"UPDATE payments_dispatch_chunk SET {change}", by="dispatch_chunk_frozen")

    def test_a_transfer_of_a_submitted_list_is_not_deleted(self, office: Office) -> None:
        make_entitled(1)
        decide.submit_batch(batch_id=build_batch(office).pk, by=office.preparer, at=office.at())
        refused("DELETE FROM payments_transfer", by="transfer_deleted_while_draft")

    @pytest.mark.parametrize("column", ["number_index = 'x'::bytea", "bank_id = '970416'", "payee_id = payee_id + 1"])
    def test_an_account_never_changes_in_place(self, office: Office, column: str) -> None:
        make_entitled(1)
        refused(f"UPDATE beneficiaries_payout_account SET {column}", by="payout_account_frozen")

    def test_the_application_switches_no_trigger_off(self, office: Office) -> None:
        refused("ALTER TABLE payments_transfer DISABLE TRIGGER ALL", by="must be owner")
        refused("SET session_replication_role = replica", by="permission denied")
        refused("CREATE OR REPLACE FUNCTION portal_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'", by="must be owner|permission denied")  # fmt: skip  # noqa: E501
        refused("TRUNCATE payments_transfer CASCADE", by="permission denied")


class TestI05EndToEndId:
    def test_is_a_uuid_of_version_7_in_32_hexadecimal_digits(self, office: Office) -> None:
        make_entitled(20)
        build_batch(office)
        ids = list(Transfer.objects.values_list("end_to_end_id", flat=True))
        assert len(set(ids)) == 20
        assert all(re.fullmatch(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", one) for one in ids)
        assert max(len(one) for one in ids) <= 35  # ISO 20022, Max35Text

    def test_is_made_with_the_row_and_is_the_one_that_is_sent(self, office: Office) -> None:
        make_entitled(2)
        batch = build_batch(office)
        made = set(Transfer.objects.values_list("end_to_end_id", flat=True))
        gateway = FakeGateway()
        start(office, batch)
        send_all(gateway)
        assert set(gateway.credits) == made

    def test_the_database_refuses_another_form_and_a_second_use(self, office: Office) -> None:
        old = ended_unpaid(office)
        batch, chunk = open_batch(office)
        made = "replace(uuidv7()::text, '-', '')"
        for value, rule in (
            ("uuidv7()::text", "too long"),
            ("upper(replace(uuidv7()::text, '-', ''))", "transfer_end_to_end_id_form"),
            ("'1'", "transfer_end_to_end_id_form"),
            ("t.end_to_end_id", "duplicate key"),
        ):
            refused(COPY_OF_TRANSFER.replace(made, value), batch, chunk, old.pk, by=rule)


def relink(payee: Payee) -> PayoutAccount:
    """The payee's account gives way to another, as when the safe time of a new one is over."""
    payee.accounts.filter(state="ACTIVE").update(state=AccountState.SUPERSEDED)
    return make_account(payee)


class TestI22TheAccountIsTheOneThatWasListed:
    def test_a_payee_whose_account_changed_after_the_build_is_taken_out_at_submit(self, office: Office) -> None:
        changed, _same = make_entitled(2)
        batch = build_batch(office)
        relink(changed)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        batch.refresh_from_db()
        assert states() == {"EXCLUDED": 1, "PLANNED": 1}
        assert (batch.number_of_transactions, batch.control_sum, batch.number_excluded) == (1, 650_000, 1)
        line = PayoutLine.objects.get(live=False)
        assert line.exclusion_reason == "ACCOUNT_CHANGED"
        assert line.transfer is not None
        assert line.transfer.payee == changed

    def test_nobody_left_means_no_list(self, office: Office) -> None:
        (changed,) = make_entitled(1)
        batch = build_batch(office)
        relink(changed)
        with pytest.raises(EmptyList):
            decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        assert states() == {"PLANNED": 1}

    @pytest.mark.parametrize(
        ("change", "values"),
        [
            ("UPDATE beneficiaries_entitlement SET state = 'SUSPENDED' WHERE person_id = %s", 1),
            ("UPDATE beneficiaries_entitlement SET state = 'ENDED' WHERE person_id = %s", 1),
            ("UPDATE beneficiaries_person SET deceased_date = '2026-11-03' WHERE id = %s", 1),
        ],
    )
    def test_a_right_that_fell_away_after_the_build_is_taken_out_at_submit(
        self, office: Office, change: str, values: int
    ) -> None:
        gone, _stays = make_entitled(2)
        batch = build_batch(office)
        run(change, gone.person_id)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        assert states() == {"EXCLUDED": 1, "PLANNED": 1}
        assert PayoutLine.objects.get(live=False).exclusion_reason == "ENTITLEMENT_CHANGED"

    def test_whoever_was_taken_out_is_owed_again(self, office: Office) -> None:
        changed, _same = make_entitled(2)
        batch = build_batch(office)
        new = relink(changed)
        decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at())
        again = build_batch(office, kind=BatchKind.SUPPLEMENTARY)
        assert Transfer.objects.get(batch=again).payout_account_id == new.pk

    def test_an_account_changed_after_submit_does_not_change_the_list(self, office: Office) -> None:
        (payee,) = make_entitled(1, numbers=["1000000077"])
        start(office, build_batch(office))
        relink(payee)
        gateway = FakeGateway()
        send_all(gateway)
        assert [sent.creditor_account for sent in gateway.credits.values()] == ["1000000077"]

    def test_submit_and_the_end_of_a_safe_time_at_once_never_send_to_the_old_account_unseen(
        self, committed: None, clock: Clock
    ) -> None:
        office = make_office()
        (payee,) = make_entitled(1)
        make_entitled(1)
        old = payee.accounts.get()
        batch = build_batch(office)
        new = make_account(payee, state="REQUESTED")
        new.state = "ACCOUNT_CHECKED"
        new.save()
        new.state, new.replaces, new.cooling_until = "COOLING", old, office.at() + timedelta(hours=72)
        new.save()
        clock.shift("73 hours")
        results = at_once(
            lambda: decide.submit_batch(batch_id=batch.pk, by=office.preparer, at=office.at()), end_cooling
        )
        assert not [result for result in results if isinstance(result, Exception)]
        transfer = Transfer.objects.get(payee=payee)
        # Whoever came first: in the list the account is the frozen version, or the payee is out of it.
        assert (transfer.state, transfer.payout_account_id) in {("PLANNED", old.pk), ("EXCLUDED", old.pk)}
        old.refresh_from_db()
        new.refresh_from_db()
        assert (old.state, new.state) == ("SUPERSEDED", "ACTIVE")


class TestI20TheListSentIsTheListApproved:
    """A criminal administrator changes rows past every trigger, after the approval: the batch is held, nothing leaves."""

    CHANGES = {
        "an amount": "UPDATE payments_transfer SET instructed_amount = instructed_amount + 1 WHERE id = (SELECT min(id) FROM payments_transfer)",  # noqa: E501
        "the fingerprint of an account": "UPDATE payments_transfer SET account_fingerprint = 'x' WHERE id = (SELECT min(id) FROM payments_transfer)",  # noqa: E501
        "an account for another payee's": "UPDATE payments_transfer t SET payout_account_id = o.payout_account_id, account_fingerprint = o.account_fingerprint FROM payments_transfer o WHERE o.id > t.id",  # noqa: E501
        "a name": "UPDATE payments_transfer SET creditor_name = 'TRAN VAN GIAN'",
        "the account's own row": "UPDATE beneficiaries_payout_account SET number_index = 'x' || id::text::bytea",
        "the account's bank": "UPDATE beneficiaries_payout_account SET bank_id = '970416'",
        "the chunk's hash": "UPDATE payments_dispatch_chunk SET list_hash = sha256('x')",
        "the chunk's path": "UPDATE payments_dispatch_chunk SET hash_path = list_hash",
        "the batch's hash": "UPDATE payments_payout_batch SET list_hash = sha256('x')",
        "whose transfer it is": "UPDATE payments_transfer SET state = 'EXCLUDED' WHERE id = (SELECT min(id) FROM payments_transfer)",  # noqa: E501
    }  # fmt: skip

    @pytest.mark.parametrize("what", CHANGES)
    def test_after_somebody_changed(self, committed: None, superuser: Any, what: str) -> None:
        office = make_office()
        make_entitled(2)
        batch = start(office, build_batch(office))
        assert as_criminal(superuser, self.CHANGES[what]) >= 1
        self.expect_held(batch.pk)

    def test_after_somebody_changed_a_line_and_worked_out_its_chunk_again(
        self, committed: None, superuser: Any
    ) -> None:
        office = make_office()
        make_entitled(2)
        batch = start(office, build_batch(office))
        as_criminal(superuser, "UPDATE payments_transfer SET instructed_amount = instructed_amount + 1000")
        as_criminal(superuser, "UPDATE payments_dispatch_chunk SET list_hash = payments_chunk_hash(id)")
        self.expect_held(batch.pk)

    def test_after_somebody_added_a_payment(self, committed: None, superuser: Any) -> None:
        office = make_office()
        make_entitled(2)
        batch = start(office, build_batch(office))
        one = Transfer.objects.order_by("id")[0]
        copy = COPY_OF_TRANSFER.replace("'replaces_id', t.id", "'replaces_id', NULL").replace("PLANNED", "READY")
        assert as_criminal(superuser, copy, batch.pk, one.chunk_id, one.pk) == 1
        self.expect_held(batch.pk)

    def test_a_number_swapped_with_its_fingerprint_does_not_open(self, committed: None, superuser: Any) -> None:
        office = make_office()
        make_entitled(2, numbers=["1000000011", "1000000022"])
        batch = start(office, build_batch(office))
        swapped = as_criminal(
            superuser,
            "UPDATE beneficiaries_payout_account a SET number_encrypted = o.number_encrypted "
            "FROM beneficiaries_payout_account o WHERE o.id <> a.id",
        )
        assert swapped == 2
        self.expect_held(batch.pk)

    def test_the_other_chunks_of_the_list_stop_too(self, committed: None, superuser: Any, settings: Any) -> None:
        settings.DISPATCH_CHUNK_SIZE = 1
        office = make_office()
        make_entitled(3)
        batch = start(office, build_batch(office))
        first = Transfer.objects.order_by("chunk__due_at", "chunk_id")[0]
        as_criminal(superuser, "UPDATE payments_transfer SET instructed_amount = 1 WHERE id = %s", first.pk)
        self.expect_held(batch.pk)

    @staticmethod
    def expect_held(batch_id: int) -> None:
        before, gateway = states(), FakeGateway()
        with pytest.raises(dispatch.ListTampered):
            send_all(gateway)
        assert dispatch.claim_to_send() is None
        assert read("SELECT state, held_from FROM payments_payout_batch WHERE id = %s", batch_id) == [
            ("HELD", "DISPATCHING")
        ]
        assert read("SELECT count(*) FROM audit_event WHERE kind = 'batch.tampered'") == [(1,)]
        assert gateway.messages == []
        assert states() == before
