"""I-8 to I-11 and I-24 to I-29 as `verify` recomputes them from what each step leaves behind."""

import pytest

from tests.payments.verify.conftest import Ward


class TestI08:
    @pytest.mark.parametrize(
        ("sql", "also"),
        [
            ("UPDATE payments_transfer SET first_sent_at = first_sent_at - interval '1 day' WHERE id = 3", set()),
            ("UPDATE payments_transfer SET sent_count = sent_count + 9 WHERE id = 3", {"I-10"}),
            ("DELETE FROM payments_dispatch_attempt WHERE kind = 'SEND' AND chunk_id = 1", {"I-10", "I-11"}),
            ("UPDATE audit_event SET payload = '{}' WHERE kind = 'chunk.send_intended'", {"I-29"}),
            (
                "UPDATE payments_dispatch_attempt SET answered_at = intent_at - interval '1 second' WHERE kind = 'SEND'",
                set(),
            ),
            ("UPDATE payments_transfer SET sent_count = 0 WHERE id = 3", {"I-26"}),
        ],
        ids=[
            "sent before it was intended",
            "sent more often than intended",
            "sent without intent",
            "an intent that the trail does not know",
            "an answer before the intent",
            "known at the gateway and never sent",
        ],
    )
    def test_finds(self, ward: Ward, sql: str, also: set[str]) -> None:
        assert ward.red_after(sql) == {"I-8"} | also


class TestI09:
    def test_finds_sessions_that_nobody_cuts_off(self, ward: Ward) -> None:
        limit = "ALTER ROLE welfare_app IN DATABASE {} SET idle_in_transaction_session_timeout = '{}'"
        name = ward.criminal.get_dsn_parameters()["dbname"]
        with ward.changed(limit.format(name, "0"), undo=limit.format(name, "60s")):
            assert ward.red() == {"I-9"}


class TestI10:
    @pytest.mark.parametrize(
        ("sql", "also"),
        [
            ("UPDATE payments_transfer SET proof_id = NULL WHERE sent_count > 1", set()),
            ("UPDATE payments_dispatch_attempt SET outcome = 'UNKNOWN' WHERE outcome = 'NOT_SENT'", set()),
            (
                "UPDATE payments_transfer SET sent_count = 2, proof_id = (SELECT id FROM payments_dispatch_attempt "
                "WHERE kind = 'INQUIRE' AND outcome = 'ANSWERED' AND chunk_id <> 2 LIMIT 1) WHERE id = 6",
                set(),
            ),
        ],
        ids=[
            "sent again without proof",
            "sent again by what proves nothing",
            "sent again by the answer about another",
        ],
    )
    def test_finds(self, ward: Ward, sql: str, also: set[str]) -> None:
        assert ward.red_after(sql) == {"I-10"} | also

    def test_finds_never_seen_said_too_early(self, ward: Ward) -> None:
        sql = (
            "UPDATE payments_transfer t SET sent_count = 1, state = 'READY', ended_at = NULL, due_at = portal_now(), "
            "proof_id = a.id FROM payments_dispatch_attempt a WHERE a.chunk_id = t.chunk_id AND a.kind = 'INQUIRE' AND t.id = 6"
        )
        early = "UPDATE payments_dispatch_attempt SET answered_at = '2026-01-01', intent_at = '2026-01-01' WHERE kind = 'INQUIRE'"
        assert "I-10" not in ward.red_after(sql)
        assert "I-10" in ward.red_after(sql, early)


class TestI11:
    @pytest.mark.parametrize(
        ("sql", "also"),
        [
            ("UPDATE payments_dispatch_chunk SET fence = fence + 1 WHERE id = 1", set()),
            ("UPDATE payments_dispatch_attempt SET fence = fence + 9 WHERE id = 1", {"I-10"}),
            (
                """UPDATE audit_event SET payload = payload || '{"moved": {"SETTLED": 1}}' WHERE kind = 'chunk.stale_answer'""",
                {"I-29"},
            ),
        ],
        ids=["a claim that left no intent", "two orders of claims", "a late answer that moved something"],
    )
    def test_finds(self, ward: Ward, sql: str, also: set[str]) -> None:
        assert ward.red_after(sql) - also == {"I-11"}


class TestI24:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE gateway_message_body SET body = (SELECT body FROM gateway_message_body WHERE part = 'CALLBACK' LIMIT 1) "
            "WHERE part = 'CALLBACK'",
            "DELETE FROM gateway_message_body WHERE part = 'CALLBACK'",
            "UPDATE gateway_message SET payload_hash = sha256('another')",
        ],
        ids=["a body moved from another message", "a body taken away", "another hash"],
    )
    def test_finds(self, ward: Ward, sql: str) -> None:
        assert ward.red_after(sql) == {"I-24"}

    def test_finds_a_message_that_counts_twice(self, ward: Ward) -> None:
        sql = "UPDATE gateway_message SET message_id = 'm-1' WHERE message_id = 'm-2'"
        assert ward.red_after(sql, past="gateway_message_once_per_provider") == {"I-24", "G"}


EVIDENCE = "proposal_decision_has_evidence"


class TestI25:
    @pytest.mark.parametrize(
        "change", ["transaction_status = 'RJCT'", "settlement_level = 'DEBTOR'", "conflicting_status = 'RJCT'"]
    )
    def test_finds_a_state_against_the_banks_last_word(self, ward: Ward, change: str) -> None:
        assert ward.red_after(f"UPDATE payments_transfer SET {change} WHERE id = 3") == {"I-25"}

    def test_finds_a_last_word_that_was_not_taken(self, ward: Ward) -> None:
        assert ward.red_after("UPDATE payments_transfer SET transaction_status = 'ACCC' WHERE state = 'UNKNOWN'") == {
            "I-25"
        }

    def test_takes_what_two_persons_decided_in_the_place_of_the_banks_word(self, ward: Ward) -> None:
        word = (
            "UPDATE payments_transfer SET transaction_status = 'RJCT', "
            "decision_id = (SELECT id FROM payments_proposal WHERE kind = 'RELEASE_BATCH') WHERE id = 3"
        )
        decided = (
            "UPDATE payments_proposal SET kind = 'DECIDE_TRANSFER', subject_kind = 'transfer', subject_id = 3, "
            "outcome = '{}' WHERE kind = 'RELEASE_BATCH'"
        )
        assert ward.red_after(word, decided.format("SETTLED"), past=EVIDENCE) == {"G"}
        assert ward.red_after(word, decided.format("REJECTED"), past=EVIDENCE) == {"I-25", "G"}


class TestI26:
    def test_finds_an_effect_of_a_message_that_never_came(self, ward: Ward) -> None:
        assert ward.red_after("DELETE FROM gateway_message WHERE state = 'APPLIED'") == {"I-26"}

    def test_finds_an_effect_of_a_message_that_was_set_aside(self, ward: Ward) -> None:
        sql = "UPDATE gateway_message SET state = 'QUARANTINED', applied_at = NULL WHERE state = 'APPLIED'"
        assert ward.red_after(sql) == {"I-26"}

    def test_finds_an_effect_of_a_statement_that_never_said_so(self, ward: Ward) -> None:
        assert ward.red_after("UPDATE payments_statement_entry SET direction = 'DBIT'") == {"I-26"}

    def test_finds_an_end_that_nobody_told(self, ward: Ward) -> None:
        answers = "UPDATE payments_dispatch_attempt SET outcome = 'UNKNOWN' WHERE outcome = 'ANSWERED'"
        told = "UPDATE audit_event SET kind = 'chunk.silent' WHERE kind = 'chunk.told'"
        assert ward.red_after(answers, told) >= {"I-26", "I-29"}


class TestI26OnTheOtherRoutes:
    """How a payment by list or in cash ended is what was said of it, by whom it was said."""

    @pytest.mark.parametrize(
        "sql",
        [
            "DELETE FROM payments_transfer_result WHERE NOT contradicts AND outcome = 'PAID'",
            "DELETE FROM payments_transfer_result WHERE NOT contradicts AND outcome = 'NOT_PAID'",
            "UPDATE payments_result_file SET state = 'CHECKED', decided_by_id = NULL, decided_at = NULL",
            "UPDATE payments_result_line SET outcome = 'PAID' WHERE outcome = 'NOT_PAID'",
            "UPDATE payments_result_line SET amount = amount + 1",
            "UPDATE payments_result_line SET end_to_end_id = reverse(end_to_end_id)",
            "UPDATE payments_result_file SET route = CASE route WHEN 'TREASURY_FILE' THEN 'PAYMENT_SERVICE' "
            "ELSE 'TREASURY_FILE' END",
            "UPDATE payments_transfer SET settlement_level = 'CASH' WHERE settlement_level = 'TREASURY'",
            "UPDATE payments_transfer SET decision_id = NULL WHERE route = 'PAYMENT_SERVICE'",
        ],
        ids=[
            "paid, and nobody said so",
            "not paid, and nobody said so",
            "a file that nobody took over",
            "a word that was turned round",
            "another amount",
            "another payment's word",
            "another route's file",
            "the signature of another route",
            "a contradiction that nobody decided",
        ],
    )
    def test_finds_by_lists(self, ward: Ward, sql: str) -> None:
        assert ward.red_after(sql) == {"I-26"}

    def test_finds_a_word_that_was_not_taken(self, ward: Ward) -> None:
        other = "UPDATE payments_transfer SET state = 'HANDED_OVER', due_at = portal_now() WHERE settlement_level = 'TREASURY'"
        assert "I-26" in ward.red_after(other)

    @pytest.mark.parametrize(
        "sql",
        [
            "DELETE FROM payments_cash_collection",
            "UPDATE payments_transfer SET settlement_level = 'SERVICE' WHERE settlement_level = 'CASH'",
            "UPDATE payments_cash_collection SET transfer_id = "
            "(SELECT id FROM payments_transfer WHERE state = 'HANDED_OVER')",
        ],
        ids=["nobody signed", "another route's word", "somebody signed for another payment"],
    )
    def test_finds_in_cash(self, ward: Ward, sql: str) -> None:
        assert ward.red_after(sql) == {"I-26"}


class TestI27:
    def test_finds_work_that_no_sweep_would_find(self, ward: Ward) -> None:
        sql = "UPDATE payments_dispatch_chunk SET state = 'DONE' WHERE state = 'INQUIRY'"
        assert ward.red_after(sql, past="dispatch_chunk_done_adds_up") == {"I-27", "I-14", "G"}

    def test_finds_a_question_that_nobody_would_ask(self, ward: Ward) -> None:
        assert ward.red_after("UPDATE payments_dispatch_chunk SET state = 'PARKED' WHERE state = 'INQUIRY'") == {
            "I-27"
        }


class TestI28:
    @pytest.mark.parametrize(
        ("sql", "past"),
        [
            ("UPDATE payments_transfer SET due_at = NULL WHERE state = 'UNKNOWN'", "transfer_live_is_due"),
            ("UPDATE payments_dispatch_chunk SET due_at = due_at - interval '1 day' WHERE state = 'INQUIRY'", ""),
            ("UPDATE gateway_message SET due_at = due_at - interval '1 day' WHERE state = 'RECEIVED'", ""),
            (
                "UPDATE beneficiaries_payout_account SET due_at = NULL WHERE state = 'REQUESTED'",
                "payout_account_waiting_is_due",
            ),
        ],
        ids=[
            "a payment without its next look",
            "a chunk that nobody takes",
            "a message that nobody reads",
            "an account",
        ],
    )
    def test_finds_what_would_wait_for_ever(self, ward: Ward, sql: str, past: str) -> None:
        assert ward.red_after(sql, past=past) == {"I-28"} | ({"G"} if past else set())


class TestI29:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE audit_event SET actor_label = 'x' WHERE kind = 'batch.approved'",
            "DELETE FROM audit_event WHERE kind = 'batch.reserved'",
            "DELETE FROM audit_sealed_event WHERE tree_index = 3",
            "UPDATE audit_tree_head SET root = sha256('another')",
        ],
    )
    def test_finds_a_trail_that_is_not_what_was_sealed(self, ward: Ward, sql: str) -> None:
        assert ward.red_after(sql) == {"I-29"}


def test_everything_was_put_back(ward: Ward) -> None:
    assert ward.red() == set()
