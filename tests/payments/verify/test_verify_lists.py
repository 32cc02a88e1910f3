"""I-2 to I-7 and I-17 to I-23 as `verify` recomputes them: one thing changed past every guard turns the right line red."""

import pytest

from tests.payments.verify.conftest import Ward

# A settled transfer of the main list, and an account beside the one that it was paid to.
ONE = "id = (SELECT min(id) FROM payments_transfer WHERE state = 'SETTLED')"
ITS_ACCOUNT = "id = (SELECT payout_account_id FROM payments_transfer WHERE id = 3)"


class TestI02:
    @pytest.mark.parametrize(
        ("sql", "past", "also"),
        [
            (
                "INSERT INTO payments_payout_line (batch_id, entitlement_id, period, kind, amount, transfer_id) "
                "SELECT batch_id, entitlement_id, period, kind, amount, transfer_id FROM payments_payout_line WHERE id = 3",
                "payout_line_once_while_live",
                {"I-15", "G"},
            ),
            (
                "UPDATE payments_payout_line_move SET from_transfer_id = "
                "(SELECT id FROM payments_transfer WHERE state = 'SETTLED' LIMIT 1)",
                "",
                set(),
            ),
            ("UPDATE payments_payout_line SET live = false WHERE transfer_id = 3", "", set()),
        ],
        ids=["a second live line", "a line taken from a paid transfer", "a paid line that could be listed again"],
    )
    def test_finds(self, ward: Ward, sql: str, past: str, also: set[str]) -> None:
        assert ward.red_after(sql, past=past) == {"I-2"} | also


class TestI03:
    def test_finds_a_replacement_of_what_was_paid(self, ward: Ward) -> None:
        paid = f"(SELECT id FROM payments_transfer WHERE {ONE})"
        replacement = "(SELECT max(id) FROM payments_transfer WHERE replaces_id IS NOT NULL)"
        assert ward.red_after(f"UPDATE payments_transfer SET replaces_id = {paid} WHERE id = {replacement}") == {"I-3"}


class TestI04:
    @pytest.mark.parametrize("change", ["creditor_name = 'TRAN VAN GIAN'", "remittance_information = 'khac'"])
    def test_finds_a_changed_payment(self, ward: Ward, change: str) -> None:
        assert ward.red_after(f"UPDATE payments_transfer SET {change} WHERE id = 3") == {"I-4"}

    def test_finds_a_changed_amount_in_every_sum_as_well(self, ward: Ward) -> None:
        sql = "UPDATE payments_transfer SET instructed_amount = instructed_amount + 1 WHERE id = 3"
        assert ward.red_after(sql) == {"I-4", "I-14", "I-15", "I-30"}


class TestI05:
    def test_finds_a_code_that_is_not_ours(self, ward: Ward) -> None:
        never_sent = "id = (SELECT min(id) FROM payments_transfer WHERE route = 'WARD_CASH')"
        sql = f"UPDATE payments_transfer SET end_to_end_id = repeat('0', 32) WHERE {never_sent}"
        assert ward.red_after(sql) == {"I-5", "I-4"}  # the code is hashed too

    def test_finds_a_code_that_is_used_twice(self, ward: Ward) -> None:
        sql = (
            "UPDATE payments_transfer SET end_to_end_id = (SELECT end_to_end_id FROM payments_transfer WHERE id = 3) "
            "WHERE id = 4"
        )
        red = ward.red_after(sql, past="payments_transfer_end_to_end_id_key")
        assert red >= {"I-5", "I-4", "I-30"}


class TestI06:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE payments_transfer SET ended_at = NULL WHERE id = 3",
            "UPDATE payments_payout_batch SET started_at = NULL WHERE id = 1",
            "UPDATE payments_payout_batch SET drained_at = portal_now() WHERE id = 1",
        ],
    )
    def test_finds_a_state_without_the_way_to_it(self, ward: Ward, sql: str) -> None:
        assert ward.red_after(sql) == {"I-6"}

    def test_finds_a_graph_with_an_edge_more(self, ward: Ward) -> None:
        with ward.criminal.cursor() as cursor:
            cursor.execute("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname ~ 'pgtrigger_transfer_moves'")
            (definition,) = cursor.fetchone()
        name = definition.split()[2]
        bent = definition.replace("'PLANNED>READY'", "'PLANNED>READY'::text, 'REJECTED>READY'")
        drop = f"DROP TRIGGER {name} ON payments_transfer"
        with ward.changed(f"{drop}; {bent}", undo=f"{drop}; {definition}"):
            line = ward.lines()["I-6"]
            assert (line.broken, "transfer: REJECTED>READY" in line.finding) == (1, True)


class TestI07:
    @pytest.mark.parametrize(
        ("sql", "also"),
        [
            ("DELETE FROM payments_transfer_return", set()),
            ("UPDATE payments_transfer_return SET returned_amount = returned_amount - 1", set()),
            (
                "INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at) SELECT fund_id, "
                "'VOID', 'RESERVED', 'FUNDING', amount, transfer_id, at FROM payments_ledger_entry WHERE kind = 'POST' "
                "ORDER BY id LIMIT 1",
                {"I-15"},
            ),
        ],
        ids=["a return taken away", "a return of less", "paid and not paid"],
    )
    def test_finds(self, ward: Ward, sql: str, also: set[str]) -> None:
        assert ward.red_after(sql) == {"I-7"} | also


class TestI17:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE payments_approval SET person_fingerprint = (SELECT u.person_fingerprint FROM users_user u "
            "JOIN payments_payout_batch b ON b.submitted_by_id = u.id LIMIT 1)",
            "UPDATE payments_payout_batch SET submitted_by_id = (SELECT decided_by_id FROM payments_approval LIMIT 1)",
        ],
        ids=["approved by the submitter", "submitted by the approver"],
    )
    def test_finds_a_maker_who_approved(self, ward: Ward, sql: str) -> None:
        assert ward.red_after(sql) == {"I-17", "I-19"}  # the day's sums are of other people now

    def test_finds_money_that_one_person_brought_and_confirmed(self, ward: Ward) -> None:
        sql = "UPDATE payments_funding_voucher SET decided_by_person = recorded_by_person WHERE state = 'CONFIRMED'"
        assert ward.red_after(sql, past="funding_voucher_decided_by_second_person") == {"I-17", "G"}

    def test_finds_a_proposal_that_one_person_made_and_agreed_to(self, ward: Ward) -> None:
        sql = "UPDATE payments_proposal SET decided_by_person = proposed_by_person WHERE state = 'CONFIRMED'"
        assert ward.red_after(sql, past="proposal_decided_by_second_person") == {"I-17", "G"}


class TestI18:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE users_role_assignment SET valid_to = date '2026-01-02' WHERE role = 'APPROVER'",
            "UPDATE users_role_assignment SET unit_id = '25747' WHERE role = 'APPROVER'",
            "UPDATE payments_payout_batch SET started_at = started_at - interval '2 years' WHERE id = 1",
        ],
        ids=["of another day", "of another ward", "gone when the list began"],
    )
    def test_finds_an_approval_without_authority(self, ward: Ward, sql: str) -> None:
        assert ward.red_after(sql) == {"I-18"}


class TestI19:
    @pytest.mark.parametrize(
        "sql", ["UPDATE payments_approval_day SET amount = 1", "DELETE FROM payments_approval_day"]
    )
    def test_finds_sums_that_are_not_those_of_the_approvals(self, ward: Ward, sql: str) -> None:
        assert ward.red_after(sql) == {"I-19"}

    def test_finds_a_day_above_the_limit(self, ward: Ward) -> None:
        assert ward.red_after("UPDATE payments_approval_limit SET amount = 1") == {"I-19"}


class TestI20:
    @pytest.mark.parametrize(
        ("sql", "also"),
        [
            ("UPDATE payments_payout_batch SET list_hash = 'another'::bytea WHERE id = 1", {"I-18", "I-21"}),
            ("UPDATE payments_approval SET list_hash = 'another'::bytea WHERE id = 1", {"I-18", "I-21"}),
            ("UPDATE payments_dispatch_chunk SET hash_path = ''::bytea WHERE id = 2", set()),
        ],
        ids=["another list", "another approval", "a chunk of no list"],
    )
    def test_finds(self, ward: Ward, sql: str, also: set[str]) -> None:
        assert ward.red_after(sql) == {"I-20"} | also

    def test_finds_a_chunk_that_was_added_with_a_hash_of_its_own(self, ward: Ward) -> None:
        sql = (
            "INSERT INTO payments_dispatch_chunk (batch_id, number, route, list_hash, hash_path) "
            "SELECT 1, 99, 'WARD_CASH', payments_chunk_hash(0), hash_path FROM payments_dispatch_chunk WHERE id = 1"
        )
        assert ward.red_after(sql) == {"I-20"}

    def test_finds_that_the_whole_list_is_another_when_a_chunk_is_gone(self, ward: Ward) -> None:
        red = ward.red_after("DELETE FROM payments_dispatch_chunk WHERE id = 2")
        assert red >= {"I-20", "I-14"}


class TestI21:
    def test_finds_a_list_that_nobody_approved(self, ward: Ward) -> None:
        assert ward.red_after("DELETE FROM payments_approval WHERE id = 1") == {"I-18", "I-19", "I-21"}

    def test_finds_a_quorum_that_is_not_that_of_the_rule(self, ward: Ward) -> None:
        sql = "UPDATE payments_payout_batch SET approvals_required = 2 WHERE id = 1"
        assert ward.red_after(sql) == {"I-18", "I-21"}

    def test_finds_two_decisions_of_one_person(self, ward: Ward) -> None:
        sql = (
            "INSERT INTO payments_approval (batch_id, decision, decided_by_id, person_fingerprint, role_assignment_id, "
            "list_hash, number_of_transactions, control_sum, reason, decided_at) SELECT batch_id, decision, decided_by_id, "
            "person_fingerprint, role_assignment_id, list_hash, number_of_transactions, control_sum, reason, decided_at "
            "FROM payments_approval WHERE id = 1"
        )
        assert ward.red_after(sql, past="approval_one_per_person") >= {"I-21", "I-17", "G"}


class TestI22:
    @pytest.mark.parametrize(
        ("sql", "also"),
        [
            (
                "UPDATE payments_transfer SET payout_account_id = "
                "(SELECT payout_account_id FROM payments_transfer WHERE id = 4) WHERE id = 3",
                {"I-4"},
            ),
            (
                f"UPDATE beneficiaries_payout_account SET activated_at = activated_at + interval '3 days' WHERE {ITS_ACCOUNT}",
                set(),
            ),
            (
                f"UPDATE beneficiaries_payout_account SET cooling_until = activated_at + interval '1 day' WHERE {ITS_ACCOUNT}",
                set(),
            ),
            (
                "UPDATE beneficiaries_payout_account SET number_encrypted = (SELECT number_encrypted "
                f"FROM beneficiaries_payout_account WHERE NOT {ITS_ACCOUNT} LIMIT 1) WHERE {ITS_ACCOUNT}",
                set(),
            ),
            (f"UPDATE beneficiaries_payout_account SET bank_id = '970416' WHERE {ITS_ACCOUNT}", set()),
        ],
        ids=["another account", "in use after the list", "not cooled off", "a number of another row", "another bank"],
    )
    def test_finds(self, ward: Ward, sql: str, also: set[str]) -> None:
        assert ward.red_after(sql) == {"I-22"} | also


class TestI23:
    def test_finds_a_payee_with_two_accounts_in_use(self, ward: Ward) -> None:
        others = "(SELECT payee_id FROM beneficiaries_payout_account WHERE id = 4)"
        sql = f"UPDATE beneficiaries_payout_account SET payee_id = {others}, version = 7 WHERE id = 5"
        assert ward.red_after(sql, past="payout_account_one_active") == {"I-23", "I-22", "G"}

    def test_finds_a_number_with_two_holders(self, ward: Ward) -> None:
        sql = (
            "UPDATE beneficiaries_payout_account SET number_index = "
            "(SELECT number_index FROM beneficiaries_payout_account WHERE id = 4) WHERE id = 5"
        )
        assert ward.red_after(sql, past="payout_account_one_holder") == {"I-23", "I-22", "G"}


def test_everything_was_put_back(ward: Ward) -> None:
    assert ward.red() == set()
