"""I-12 to I-16 as `verify` recomputes them: books with themselves, with the transfers, and with what the law pays."""

import pytest

from tests.payments.verify.conftest import Ward


class TestI12:
    def test_finds_an_entry_between_the_wrong_accounts(self, ward: Ward) -> None:
        sql = "UPDATE payments_ledger_entry SET credit = 'SUSPENSE' WHERE kind = 'POST'"
        assert ward.red_after(sql, past="ledger_entry_accounts_of_kind") == {"I-12", "I-15", "G"}

    def test_finds_books_that_do_not_add_up_to_nothing(self, ward: Ward) -> None:
        sql = "UPDATE payments_fund_balance SET balance = balance + 1 WHERE account = 'PAID'"
        assert ward.red_after(sql) == {"I-12", "I-15"}


class TestI13:
    def test_finds_what_was_booked_twice(self, ward: Ward) -> None:
        sql = (
            "INSERT INTO payments_ledger_entry (fund_id, kind, debit, credit, amount, transfer_id, at) SELECT fund_id, kind, "
            "debit, credit, amount, transfer_id, at FROM payments_ledger_entry WHERE kind = 'POST' LIMIT 1"
        )
        assert ward.red_after(sql, past="ledger_entry_once_per_transfer") == {"I-13", "I-15", "G"}


class TestI14:
    def test_finds_counts_that_are_not_those_of_the_transfers(self, ward: Ward) -> None:
        sql = (
            "UPDATE payments_dispatch_chunk SET settled_count = settled_count - 1, rejected_count = rejected_count + 1 "
            "WHERE id = (SELECT min(id) FROM payments_dispatch_chunk WHERE settled_count > 0)"
        )
        assert ward.red_after(sql) == {"I-14"}

    def test_finds_a_list_that_is_not_the_sum_of_its_chunks(self, ward: Ward) -> None:
        sql = "UPDATE payments_payout_batch SET control_sum = control_sum + 1 WHERE id = 1"
        assert ward.red_after(sql) == {"I-14", "I-16", "I-20"}  # reserved and approved was another sum

    def test_finds_a_drained_list_with_something_open(self, ward: Ward) -> None:
        sql = "UPDATE payments_payout_batch SET state = 'DRAINED', drained_at = portal_now() WHERE id = 1"
        assert ward.red_after(sql) == {"I-14"}


class TestI15:
    """One row changed by a superuser is found within one run, and by this line."""

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE payments_ledger_entry SET amount = amount + 1 WHERE kind = 'POST'",
            "UPDATE payments_ledger_entry SET kind = 'VOID', credit = 'FUNDING' "
            "WHERE id = (SELECT min(id) FROM payments_ledger_entry WHERE kind = 'POST')",
            "DELETE FROM payments_ledger_entry WHERE kind = 'VOID' "
            "AND transfer_id IN (SELECT id FROM payments_transfer WHERE state = 'REJECTED')",
            "DELETE FROM payments_ledger_entry WHERE kind = 'RETURN'",
            "UPDATE payments_fund_balance SET balance = balance + CASE account WHEN 'PAID' THEN 1 ELSE -1 END "
            "WHERE account IN ('PAID', 'FUNDING')",
            "UPDATE payments_payout_line SET amount = amount + 1 WHERE id = 3",
            "UPDATE payments_funding_voucher SET amount = amount + 1 WHERE state = 'CONFIRMED'",
            "UPDATE payments_funding_voucher SET state = 'CONFIRMED', decided_by_id = recorded_by_id + 1, decided_at = "
            "portal_now(), decided_by_person = 'another'::bytea WHERE state = 'RECORDED'",
        ],
        ids=[
            "an entry of another sum",
            "paid booked as unpaid",
            "money never given back",
            "a return never booked",
            "money moved between accounts",
            "a line of another sum",
            "a paper of another sum",
            "a paper that brought nothing",
        ],
    )
    def test_finds(self, ward: Ward, sql: str) -> None:
        assert ward.red_after(sql) == {"I-15"}

    def test_finds_money_never_taken_again_for_what_was_paid_after_all(self, ward: Ward) -> None:
        assert ward.red_after("DELETE FROM payments_ledger_entry WHERE kind = 'UNVOID'") == {"I-7", "I-15"}

    def test_says_how_many_and_which(self, ward: Ward) -> None:
        with ward.criminal.cursor() as cursor:
            cursor.execute("SELECT end_to_end_id FROM payments_transfer WHERE id = 3")
            (code,) = cursor.fetchone()
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                "UPDATE payments_ledger_entry SET amount = amount + 1 WHERE kind = 'POST' AND transfer_id = 3"
            )
            line = ward.lines()["I-15"]
            cursor.execute(
                "UPDATE payments_ledger_entry SET amount = amount - 1 WHERE kind = 'POST' AND transfer_id = 3"
            )
        assert line.broken == 3  # the payment, and two accounts whose sum is another now
        assert code in line.finding
        assert "Số dư bằng tổng bút toán" in line.finding


class TestI16:
    def test_finds_a_fund_below_zero(self, ward: Ward) -> None:
        sql = (
            "UPDATE payments_fund_balance SET balance = balance + CASE account WHEN 'RETURNS' THEN -1 ELSE 1 END "
            "WHERE account IN ('RETURNS', 'PAID')"
        )
        assert ward.red_after(sql, past="fund_balance_never_negative") == {"I-16", "I-15", "G"}

    @pytest.mark.parametrize(
        "sql",
        [
            "DELETE FROM payments_ledger_entry WHERE kind = 'RESERVE'",
            "UPDATE payments_payout_batch SET reserved_at = NULL WHERE id = 1",
        ],
    )
    def test_finds_a_list_that_is_paid_without_its_money_set_aside(self, ward: Ward, sql: str) -> None:
        assert ward.red_after(sql) == {"I-16", "I-15"}


def test_everything_was_put_back(ward: Ward) -> None:
    assert ward.red() == set()
