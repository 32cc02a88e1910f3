"""Rules on what is paid: chunks, transfers, files of the routes, results, returns and cash."""

import pgtrigger.compiler
from django.db import migrations

from foundation.audit.protection import AddTrigger


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0005_rules_of_two_persons"),
    ]

    operations = [
        AddTrigger(
            model_name="dispatchchunk",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_chunk_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['INQUIRY>DONE', 'INQUIRY>LEASED_INQUIRY', 'INQUIRY>PARKED', 'INQUIRY>READY', 'LEASED_INQUIRY>DONE', 'LEASED_INQUIRY>INQUIRY', 'LEASED_INQUIRY>PARKED', 'LEASED_INQUIRY>READY', 'LEASED_SEND>DONE', 'LEASED_SEND>INQUIRY', 'LEASED_SEND>PARKED', 'LEASED_SEND>READY', 'PARKED>DONE', 'PARKED>INQUIRY', 'PARKED>READY', 'PLANNED>DONE', 'PLANNED>READY', 'READY>DONE', 'READY>INQUIRY', 'READY>LEASED_SEND', 'READY>PARKED']))",
                    func="RAISE EXCEPTION 'dispatch_chunk_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="fc9b564bd6394c8e4318ca74de9b00a9b39fc5f6",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_dispatch_chunk_moves_57653",
                    table="payments_dispatch_chunk",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="dispatchchunk",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_chunk_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['PLANNED']))",
                    func="RAISE EXCEPTION 'dispatch_chunk_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="5390f08cc49722524addc0c599d9b1a2c313904f",
                    operation="INSERT",
                    pgid="pgtrigger_dispatch_chunk_starts_e5c9b",
                    table="payments_dispatch_chunk",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="dispatchchunk",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_chunk_fence_rises",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.fence < OLD.fence OR NEW.fence > OLD.fence + 1 OR (NEW.state IN ('LEASED_SEND', 'LEASED_INQUIRY') AND OLD.state NOT IN ('LEASED_SEND', 'LEASED_INQUIRY') AND NEW.fence <> OLD.fence + 1))",
                    func="RAISE EXCEPTION 'dispatch_chunk_fence_rises: chunk %', OLD.id USING ERRCODE = 'check_violation';",
                    hash="08d5f01828c372e2e22c0042e7e502cfd3420c99",
                    operation="UPDATE",
                    pgid="pgtrigger_dispatch_chunk_fence_rises_c089c",
                    table="payments_dispatch_chunk",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="dispatchchunk",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_chunk_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.hash_path IS NOT NULL AND (OLD.list_hash IS DISTINCT FROM NEW.list_hash OR OLD.hash_path IS DISTINCT FROM NEW.hash_path OR OLD.batch_id IS DISTINCT FROM NEW.batch_id OR OLD.route IS DISTINCT FROM NEW.route OR OLD.creditor_agent IS DISTINCT FROM NEW.creditor_agent OR OLD.control_sum IS DISTINCT FROM NEW.control_sum OR OLD.number_of_transactions IS DISTINCT FROM NEW.number_of_transactions))",
                    func="RAISE EXCEPTION 'dispatch_chunk_frozen: chunk %', OLD.id USING ERRCODE = 'check_violation';",
                    hash="15bedf984053713fb6973105640af042e52760b0",
                    operation="UPDATE",
                    pgid="pgtrigger_dispatch_chunk_frozen_3d793",
                    table="payments_dispatch_chunk",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="dispatchchunk",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_chunk_asked_after_restore",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'LEASED_SEND' AND OLD.state <> 'LEASED_SEND' AND NEW.doubted_at IS NOT NULL)",
                    func="\n                    IF EXISTS (SELECT 1 FROM payments_transfer t\n                               LEFT JOIN payments_dispatch_attempt a ON a.id = t.proof_id\n                               WHERE t.chunk_id = NEW.id AND t.state = 'READY'\n                                 AND (a.intent_at > NEW.doubted_at) IS NOT TRUE)\n                    THEN\n                        RAISE EXCEPTION 'dispatch_chunk_asked_after_restore: chunk %', NEW.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="dbd8304b7cb33822c7aa9d9faff590097fb00f81",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_dispatch_chunk_asked_after_restore_b75bd",
                    table="payments_dispatch_chunk",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="dispatchchunk",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_chunk_doubt_stays",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.doubted_at IS NOT NULL AND (NEW.doubted_at IS NULL OR NEW.doubted_at < OLD.doubted_at))",
                    func="RAISE EXCEPTION 'dispatch_chunk_doubt_stays: chunk %', OLD.id USING ERRCODE = 'check_violation';",
                    hash="0635620398b8287ef8da3547aae979f4d75c95ad",
                    operation="UPDATE",
                    pgid="pgtrigger_dispatch_chunk_doubt_stays_cbd7f",
                    table="payments_dispatch_chunk",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="dispatchchunk",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_chunk_done_counts_true",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'DONE' AND OLD.state <> 'DONE')",
                    func="\n                    IF (SELECT (count(*) FILTER (WHERE state = 'SETTLED'), count(*) FILTER (WHERE state = 'REJECTED'),\n                                count(*) FILTER (WHERE state = 'RETURNED'), count(*) FILTER (WHERE state = 'CANCELLED'),\n                                coalesce(sum(instructed_amount) FILTER (WHERE state = 'SETTLED'), 0),\n                                count(*) FILTER (WHERE state <> 'EXCLUDED'))\n                        FROM payments_transfer WHERE chunk_id = NEW.id)\n                        IS DISTINCT FROM (NEW.settled_count::bigint, NEW.rejected_count::bigint, NEW.returned_count::bigint,\n                                          NEW.cancelled_count::bigint, NEW.settled_sum::numeric,\n                                          NEW.number_of_transactions::bigint)\n                    THEN\n                        RAISE EXCEPTION 'dispatch_chunk_done_counts_true: chunk %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="26ff79055b7b161564aa2e3e7306b58d9330f1ae",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_dispatch_chunk_done_counts_true_71311",
                    table="payments_dispatch_chunk",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="dispatchattempt",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_attempt_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.chunk_id IS DISTINCT FROM NEW.chunk_id OR OLD.fence IS DISTINCT FROM NEW.fence OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.message_id IS DISTINCT FROM NEW.message_id OR OLD.number_of_transactions IS DISTINCT FROM NEW.number_of_transactions OR OLD.control_sum IS DISTINCT FROM NEW.control_sum OR OLD.intent_at IS DISTINCT FROM NEW.intent_at OR OLD.not_after IS DISTINCT FROM NEW.not_after))",
                    func="RAISE EXCEPTION 'dispatch_attempt_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="ae495a5c8e3d8cbdd96cdebecd824eba1a7d43e4",
                    operation="UPDATE",
                    pgid="pgtrigger_dispatch_attempt_frozen_777ca",
                    table="payments_dispatch_attempt",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="dispatchattempt",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_attempt_recorded_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.outcome <> 'PENDING')",
                    func="RAISE EXCEPTION 'dispatch_attempt_recorded_once: %', OLD.message_id USING ERRCODE = 'check_violation';",
                    hash="ce32748f36ea1c6097276beb433b20de95be9906",
                    operation="UPDATE",
                    pgid="pgtrigger_dispatch_attempt_recorded_once_06406",
                    table="payments_dispatch_attempt",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="dispatchattempt",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_attempt_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="bfd8892b5efb1c7fed766a728be79525973ebd23",
                    operation="DELETE",
                    pgid="pgtrigger_dispatch_attempt_kept_d3b23",
                    table="payments_dispatch_attempt",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="dispatchattempt",
            trigger=pgtrigger.compiler.Trigger(
                name="dispatch_attempt_not_sent_while_stopped",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.kind = 'SEND')",
                    func="\n            IF payments_are_stopped() THEN\n                RAISE EXCEPTION 'dispatch_attempt_not_sent_while_stopped' USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="1aa9107de3d25e3a0d1020432f08696a5249a187",
                    operation="INSERT",
                    pgid="pgtrigger_dispatch_attempt_not_sent_while_stopped_9b08e",
                    table="payments_dispatch_attempt",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['ACCEPTED>REJECTED', 'ACCEPTED>REVIEW', 'ACCEPTED>SETTLED', 'ACCEPTED>UNKNOWN', 'CANCELLED>SETTLED', 'HANDED_OVER>CANCELLED', 'HANDED_OVER>REJECTED', 'HANDED_OVER>SETTLED', 'PLANNED>CANCELLED', 'PLANNED>EXCLUDED', 'PLANNED>READY', 'READY>CANCELLED', 'READY>HANDED_OVER', 'READY>REVIEW', 'READY>SENDING', 'READY>UNKNOWN', 'REJECTED>SETTLED', 'REVIEW>CANCELLED', 'REVIEW>REJECTED', 'REVIEW>SETTLED', 'REVIEW>UNKNOWN', 'SENDING>ACCEPTED', 'SENDING>READY', 'SENDING>REJECTED', 'SENDING>REVIEW', 'SENDING>SETTLED', 'SENDING>UNKNOWN', 'SETTLED>RETURNED', 'UNKNOWN>ACCEPTED', 'UNKNOWN>READY', 'UNKNOWN>REJECTED', 'UNKNOWN>REVIEW', 'UNKNOWN>SETTLED']))",
                    func="RAISE EXCEPTION 'transfer_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="4ac267c317fb38321c427ae7add71d2c8c57e11b",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_moves_0a6b6",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['PLANNED']))",
                    func="RAISE EXCEPTION 'transfer_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="40bb6334ebf8bb013af9efe96f050c2ec051fd6a",
                    operation="INSERT",
                    pgid="pgtrigger_transfer_starts_99d19",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.end_to_end_id IS DISTINCT FROM NEW.end_to_end_id OR OLD.batch_id IS DISTINCT FROM NEW.batch_id OR OLD.payee_id IS DISTINCT FROM NEW.payee_id OR OLD.route IS DISTINCT FROM NEW.route OR OLD.delivery IS DISTINCT FROM NEW.delivery OR OLD.payment_way_id IS DISTINCT FROM NEW.payment_way_id OR OLD.payout_account_id IS DISTINCT FROM NEW.payout_account_id OR OLD.account_fingerprint IS DISTINCT FROM NEW.account_fingerprint OR OLD.creditor_name IS DISTINCT FROM NEW.creditor_name OR OLD.creditor_agent IS DISTINCT FROM NEW.creditor_agent OR OLD.instructed_amount IS DISTINCT FROM NEW.instructed_amount OR OLD.remittance_information IS DISTINCT FROM NEW.remittance_information OR OLD.replaces_id IS DISTINCT FROM NEW.replaces_id))",
                    func="RAISE EXCEPTION 'transfer_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="79e16ee7fbcb24614e80f62cf9de205b048f8a27",
                    operation="UPDATE",
                    pgid="pgtrigger_transfer_frozen_f9f3d",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_ready_again_with_proof",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'READY' AND OLD.state IN ('SENDING', 'UNKNOWN'))",
                    func="\n                    IF NEW.proof_id IS NULL OR NEW.proof_id IS NOT DISTINCT FROM OLD.proof_id OR NOT EXISTS (\n                        SELECT 1 FROM payments_dispatch_attempt\n                        WHERE id = NEW.proof_id AND chunk_id = NEW.chunk_id\n                          AND ((OLD.state = 'SENDING' AND kind = 'SEND' AND outcome IN ('NOT_SENT', 'REFUSED'))\n                            OR (OLD.state = 'UNKNOWN' AND kind = 'INQUIRE' AND outcome = 'ANSWERED')))\n                    THEN\n                        RAISE EXCEPTION 'transfer_ready_again_with_proof: transfer %', OLD.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="4b830188630ff1601e0915934cc3889cd0dea20f",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_ready_again_with_proof_1ddc7",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_leaves_review_by_two",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'REVIEW' AND NEW.state IN ('SETTLED', 'REJECTED', 'UNKNOWN', 'CANCELLED'))",
                    func="\n    IF NEW.decision_id IS NULL OR NEW.decision_id <= coalesce(OLD.decision_id, 0) OR NOT EXISTS (\n        SELECT 1 FROM payments_proposal\n        WHERE id = NEW.decision_id AND kind = 'DECIDE_TRANSFER' AND subject_kind = 'transfer' AND subject_id = NEW.id\n          AND outcome = NEW.state AND state = 'CONFIRMED')\n    THEN\n        RAISE EXCEPTION 'transfer_decided_by_two: transfer %', OLD.id USING ERRCODE = 'check_violation';\n    END IF;\n\n                    IF NEW.state = 'SETTLED' AND NEW.bank_reference = '' THEN\n                        RAISE EXCEPTION 'transfer_settled_with_reference: transfer %', OLD.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="0250ff6b3a37c3397c98b215e131048c00b3d9d0",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_leaves_review_by_two_c9784",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_not_sent_while_former_disputed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'READY' AND NEW.state IN ('SENDING', 'HANDED_OVER'))",
                    func="\n                    IF EXISTS (\n                        SELECT 1 FROM (\n                            SELECT (former.state = 'SETTLED' OR former.state IN ('REJECTED', 'CANCELLED') AND former.conflicting_status IN ('ACSC', 'ACCC', 'BOOK')) AS is_disputed FROM payments_transfer former\n                            WHERE former.id <> NEW.id AND former.id IN (\n                                SELECT m.from_transfer_id FROM payments_payout_line l\n                                JOIN payments_payout_line_move m ON m.line_id = l.id WHERE l.transfer_id = NEW.id)\n                            ORDER BY former.id FOR SHARE) AS been\n                        WHERE is_disputed)\n                    THEN\n                        RAISE EXCEPTION 'transfer_not_sent_while_former_disputed: transfer %', OLD.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="3bdebae7715132db11762d50178d22c956c5c8c4",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_not_sent_while_former_disputed_60f3e",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_found_paid_by_two",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IN ('REJECTED', 'CANCELLED') AND NEW.state = 'SETTLED')",
                    func="\n    IF NEW.decision_id IS NULL OR NEW.decision_id <= coalesce(OLD.decision_id, 0) OR NOT EXISTS (\n        SELECT 1 FROM payments_proposal\n        WHERE id = NEW.decision_id AND kind = 'DECIDE_TRANSFER' AND subject_kind = 'transfer' AND subject_id = NEW.id\n          AND outcome = NEW.state AND state = 'CONFIRMED')\n    THEN\n        RAISE EXCEPTION 'transfer_decided_by_two: transfer %', OLD.id USING ERRCODE = 'check_violation';\n    END IF;\n\n                    IF OLD.conflicting_status NOT IN ('ACSC', 'ACCC', 'BOOK')\n                        OR NEW.conflicting_status <> '' OR NEW.bank_reference = ''\n                    THEN\n                        RAISE EXCEPTION 'transfer_found_paid_by_two: transfer %', OLD.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="3a841e463e2312710015e61ab9d297440c0f2f8d",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_found_paid_by_two_e26be",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_conflict_cleared_by_two",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.conflicting_status <> '' AND OLD.conflicting_status <> NEW.conflicting_status)",
                    func="\n    IF NEW.decision_id IS NULL OR NEW.decision_id <= coalesce(OLD.decision_id, 0) OR NOT EXISTS (\n        SELECT 1 FROM payments_proposal\n        WHERE id = NEW.decision_id AND kind = 'DECIDE_TRANSFER' AND subject_kind = 'transfer' AND subject_id = NEW.id\n          AND outcome = NEW.state AND state = 'CONFIRMED')\n    THEN\n        RAISE EXCEPTION 'transfer_decided_by_two: transfer %', OLD.id USING ERRCODE = 'check_violation';\n    END IF;\n RETURN NEW;",
                    hash="99b03ea91c4757d3534a0577ad6254fb097e183f",
                    operation='UPDATE OF "conflicting_status"',
                    pgid="pgtrigger_transfer_conflict_cleared_by_two_15a2c",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_not_handed_over_while_stopped",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'READY' AND NEW.state = 'HANDED_OVER')",
                    func="\n            IF payments_are_stopped() THEN\n                RAISE EXCEPTION 'transfer_not_handed_over_while_stopped' USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="0faf1448aadcf0107c84820cedd9e63163be21bb",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_not_handed_over_while_stopped_dd198",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_in_doubt_after_restore",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'UNKNOWN' AND OLD.state = 'READY')",
                    func="\n                    IF (SELECT doubted_at FROM payments_dispatch_chunk WHERE id = NEW.chunk_id) IS NULL THEN\n                        RAISE EXCEPTION 'transfer_in_doubt_after_restore: transfer %', OLD.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="b00b18f5c7c32b1d11a7157b5c9be7d0ad9ce6f6",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_in_doubt_after_restore_d885b",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_returned_by_return",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'RETURNED' AND OLD.state = 'SETTLED')",
                    func="\n                    IF NOT EXISTS (SELECT 1 FROM payments_transfer_return WHERE transfer_id = NEW.id) THEN\n                        RAISE EXCEPTION 'transfer_returned_by_return: transfer %', OLD.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="a311c01d49e05358b73783aebfb40f31b95f1831",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_returned_by_return_1af84",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_handed_over_by_file",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'HANDED_OVER' AND OLD.state <> 'HANDED_OVER' AND NEW.route IN ('TREASURY_FILE', 'PAYMENT_SERVICE'))",
                    func="\n                    IF NOT EXISTS (SELECT 1 FROM payments_payout_file_line WHERE transfer_id = NEW.id AND live) THEN\n                        RAISE EXCEPTION 'transfer_handed_over_by_file: transfer %', OLD.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="e7422315255ae546489323131845d43e9fbf4e7f",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_handed_over_by_file_ea641",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_ended_by_result",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'HANDED_OVER' AND NEW.state <> 'HANDED_OVER' AND NEW.route IN ('TREASURY_FILE', 'PAYMENT_SERVICE'))",
                    func="\n                    IF NOT EXISTS (SELECT 1 FROM payments_transfer_result\n                                   WHERE transfer_id = NEW.id AND NOT contradicts\n                                     AND outcome = CASE NEW.state WHEN 'SETTLED' THEN 'PAID' ELSE 'NOT_PAID' END)\n                    THEN\n                        RAISE EXCEPTION 'transfer_ended_by_result: transfer %', OLD.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="e81e0487fb23207cecd1c8f31a5017c8078946d0",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_ended_by_result_9326b",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_cash_settled_by_signature",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state <> 'SETTLED' AND NEW.state = 'SETTLED' AND NEW.route = 'WARD_CASH')",
                    func="\n                    IF NOT EXISTS (SELECT 1 FROM payments_cash_collection WHERE transfer_id = NEW.id) THEN\n                        RAISE EXCEPTION 'transfer_cash_settled_by_signature: transfer %', OLD.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="6ea7f5c74f0ce0a8c9486208032d35f4fb562736",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_transfer_cash_settled_by_signature_910b9",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_replaces_an_ended_one",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.replaces_id IS NOT NULL)",
                    func="\n                    IF NOT EXISTS (SELECT 1 FROM payments_transfer WHERE id = NEW.replaces_id\n                                   AND state IN ('REJECTED', 'RETURNED', 'CANCELLED')\n                                   AND batch_id <> NEW.batch_id)\n                    THEN\n                        RAISE EXCEPTION 'transfer_replaces_an_ended_one: %', NEW.replaces_id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="0835a9b35b93040c33afa57d27c0df5a57db7423",
                    operation="INSERT",
                    pgid="pgtrigger_transfer_replaces_an_ended_one_30f37",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_deleted_while_draft",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF (SELECT state FROM payments_payout_batch WHERE id = OLD.batch_id) NOT IN ('BUILDING', 'DRAFT') THEN\n                        RAISE EXCEPTION 'transfer_deleted_while_draft: transfer %', OLD.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN OLD;\n                ",
                    hash="0415d933c9ca9013e6c5d72f223e67aae5f92899",
                    operation="DELETE",
                    pgid="pgtrigger_transfer_deleted_while_draft_11cc6",
                    table="payments_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_added_while_building",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT batch_id FROM added) AS a\n                               JOIN payments_payout_batch b ON b.id = a.batch_id WHERE b.state <> 'BUILDING')\n                    THEN\n                        RAISE EXCEPTION 'transfer_added_while_building' USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="0208f535f3a8afa0f78251d96950524db6ab2b42",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_transfer_added_while_building_e0b15",
                    referencing="REFERENCING NEW TABLE AS added ",
                    table="payments_transfer",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutfile",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_payout_file_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="94cb65e0c6970e10bc8561276971a24de9f7db35",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_payout_file_append_only_0daf5",
                    table="payments_payout_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutfile",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_payout_file_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_payout_file cannot be emptied';",
                    hash="927091488f7ec285e84f51cef7516486e61baea8",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_payout_file_no_truncate_2c60d",
                    table="payments_payout_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutfile",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_file_of_a_batch_being_paid",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF (SELECT state FROM payments_payout_batch WHERE id = NEW.batch_id) <> 'DISPATCHING' THEN\n                        RAISE EXCEPTION 'payout_file_of_a_batch_being_paid: batch %', NEW.batch_id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    IF NEW.replaces_id IS NOT NULL AND NOT EXISTS (\n                        SELECT 1 FROM payments_payout_file former JOIN users_user maker ON maker.id = former.made_by_id\n                        JOIN users_user own ON own.id = NEW.made_by_id\n                        WHERE former.id = NEW.replaces_id AND former.batch_id = NEW.batch_id AND former.route = NEW.route\n                          AND former.number = NEW.number AND former.version = NEW.version - 1\n                          AND maker.person_fingerprint <> own.person_fingerprint)\n                    THEN\n                        RAISE EXCEPTION 'payout_file_replaced_by_another_person: file %', NEW.replaces_id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="b6dcfd1e34dd1282541b0f4a92220e4dfebc7c68",
                    operation="INSERT",
                    pgid="pgtrigger_payout_file_of_a_batch_being_paid_f626d",
                    table="payments_payout_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutfile",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_file_adds_up",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n                    IF (SELECT (count(*), coalesce(sum(amount), 0)) FROM payments_payout_file_line WHERE file_id = NEW.id)\n                        IS DISTINCT FROM (NEW.number_of_transactions::bigint, NEW.control_sum::numeric)\n                    THEN\n                        RAISE EXCEPTION 'payout_file_adds_up: file %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="0479c1dc99c1d8fd1aa2dbaab41942331494bd16",
                    operation="INSERT",
                    pgid="pgtrigger_payout_file_adds_up_1cbf2",
                    table="payments_payout_file",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutfileline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_file_line_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.file_id IS DISTINCT FROM NEW.file_id OR OLD.number IS DISTINCT FROM NEW.number OR OLD.transfer_id IS DISTINCT FROM NEW.transfer_id OR OLD.amount IS DISTINCT FROM NEW.amount OR OLD.cells_encrypted IS DISTINCT FROM NEW.cells_encrypted))",
                    func="RAISE EXCEPTION 'payout_file_line_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="2b24e13363715fe85b5dfe843f08fa4c5e15dcfa",
                    operation="UPDATE",
                    pgid="pgtrigger_payout_file_line_frozen_c220e",
                    table="payments_payout_file_line",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutfileline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_file_line_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="4b430344de3a43e7b1973a7229fe58c6a809169e",
                    operation="DELETE",
                    pgid="pgtrigger_payout_file_line_kept_9f2d3",
                    table="payments_payout_file_line",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutfileline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_file_line_never_again",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NEW."live" AND NOT OLD."live")',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="016583f9f413bfc0732616fd2a002c33ce56ba8a",
                    operation="UPDATE",
                    pgid="pgtrigger_payout_file_line_never_again_8fe83",
                    table="payments_payout_file_line",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutfileline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_file_line_of_its_list",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF EXISTS (SELECT 1 FROM added JOIN payments_payout_file f ON f.id = added.file_id\n                               JOIN payments_transfer t ON t.id = added.transfer_id\n                               WHERE t.batch_id <> f.batch_id OR t.route <> f.route OR t.instructed_amount <> added.amount\n                                  OR t.state <> CASE WHEN f.replaces_id IS NULL THEN 'READY' ELSE 'HANDED_OVER' END)\n                    THEN\n                        RAISE EXCEPTION 'payout_file_line_of_its_list' USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="5525e90ea817a63c72d5ae9764acbe72a84bc8d1",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_payout_file_line_of_its_list_d080a",
                    referencing="REFERENCING NEW TABLE AS added ",
                    table="payments_payout_file_line",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="resultfile",
            trigger=pgtrigger.compiler.Trigger(
                name="result_file_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['CHECKED>CANCELLED', 'CHECKED>COMMITTED']))",
                    func="RAISE EXCEPTION 'result_file_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="d708829704d4fd70860da5e7bfa01af952fc700b",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_result_file_moves_76d84",
                    table="payments_result_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="resultfile",
            trigger=pgtrigger.compiler.Trigger(
                name="result_file_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['CHECKED']))",
                    func="RAISE EXCEPTION 'result_file_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="22449ffed6afa3a77a93417e9dedda57a05f7f6a",
                    operation="INSERT",
                    pgid="pgtrigger_result_file_starts_de84e",
                    table="payments_result_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="resultfile",
            trigger=pgtrigger.compiler.Trigger(
                name="result_file_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.batch_id IS DISTINCT FROM NEW.batch_id OR OLD.route IS DISTINCT FROM NEW.route OR OLD.file_name IS DISTINCT FROM NEW.file_name OR OLD.sha256 IS DISTINCT FROM NEW.sha256 OR OLD.uploaded_by_id IS DISTINCT FROM NEW.uploaded_by_id))",
                    func="RAISE EXCEPTION 'result_file_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="6da8d57a86c40a40fddc8256b73b26d7cf02fc84",
                    operation="UPDATE",
                    pgid="pgtrigger_result_file_frozen_587ef",
                    table="payments_result_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="resultfile",
            trigger=pgtrigger.compiler.Trigger(
                name="result_file_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="e3483b0ca03eee89cb174b19d52c433457a0325b",
                    operation="DELETE",
                    pgid="pgtrigger_result_file_kept_7c8cc",
                    table="payments_result_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="resultline",
            trigger=pgtrigger.compiler.Trigger(
                name="result_line_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.result_file_id IS DISTINCT FROM NEW.result_file_id OR OLD.row IS DISTINCT FROM NEW.row OR OLD.end_to_end_id IS DISTINCT FROM NEW.end_to_end_id OR OLD.outcome IS DISTINCT FROM NEW.outcome OR OLD.amount IS DISTINCT FROM NEW.amount OR OLD.reason_code IS DISTINCT FROM NEW.reason_code OR OLD.reason IS DISTINCT FROM NEW.reason OR OLD.paid_date IS DISTINCT FROM NEW.paid_date OR OLD.reference IS DISTINCT FROM NEW.reference))",
                    func="RAISE EXCEPTION 'result_line_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="8808bedbae687e97b4dc0b3d18b18870184fb361",
                    operation="UPDATE",
                    pgid="pgtrigger_result_line_frozen_b5434",
                    table="payments_result_line",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="resultline",
            trigger=pgtrigger.compiler.Trigger(
                name="result_line_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="c21c5e576da730b368ec5b0ecb34ca0c411097a3",
                    operation="DELETE",
                    pgid="pgtrigger_result_line_kept_30582",
                    table="payments_result_line",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="resultline",
            trigger=pgtrigger.compiler.Trigger(
                name="result_line_judged_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT (OLD.\"verdict\" = ''))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="0ceb5f207b8881b5f72b1959bcebd12d0287189c",
                    operation="UPDATE",
                    pgid="pgtrigger_result_line_judged_once_5bbb8",
                    table="payments_result_line",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transferresult",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_transfer_result_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="c14074c04000a5270d180bad8aea1c0a0623606f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_transfer_result_append_only_23eb9",
                    table="payments_transfer_result",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transferresult",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_transfer_result_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_transfer_result cannot be emptied';",
                    hash="5f78ec1d47408ea048585f5bf3ea3a8d9a118197",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_transfer_result_no_truncate_9151a",
                    table="payments_transfer_result",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transferresult",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_result_of_its_line",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF EXISTS (SELECT 1 FROM added JOIN payments_transfer t ON t.id = added.transfer_id\n                               JOIN payments_result_line l ON l.id = added.line_id\n                               JOIN payments_result_file f ON f.id = l.result_file_id\n                               WHERE t.end_to_end_id <> l.end_to_end_id OR t.instructed_amount <> l.amount\n                                  OR l.outcome <> added.outcome OR t.batch_id <> f.batch_id OR t.route <> f.route\n                                  OR f.state <> 'COMMITTED')\n                    THEN\n                        RAISE EXCEPTION 'transfer_result_of_its_line' USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="bd5b16ac51462e084c7ce2c582e80827b5d3827e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_transfer_result_of_its_line_afd8c",
                    referencing="REFERENCING NEW TABLE AS added ",
                    table="payments_transfer_result",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="transferreturn",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_transfer_return_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="276120f29e4f091175a6dbfd0ef141a161693d07",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_transfer_return_append_only_e8003",
                    table="payments_transfer_return",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transferreturn",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_transfer_return_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_transfer_return cannot be emptied';",
                    hash="03082b04dac7c149b35e1065fd7904844ad46368",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_transfer_return_no_truncate_3311a",
                    table="payments_transfer_return",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="transferreturn",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_return_whole_amount",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF NEW.returned_amount <> (SELECT instructed_amount FROM payments_transfer WHERE id = NEW.transfer_id)\n                    THEN\n                        RAISE EXCEPTION 'transfer_return_whole_amount: transfer %', NEW.transfer_id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="653f382682f2952d21f9d09247eff01062b9c329",
                    operation="INSERT",
                    pgid="pgtrigger_transfer_return_whole_amount_66505",
                    table="payments_transfer_return",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="cashcollection",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_cash_collection_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="86364ad5a8e876c24b03f4cff9541138ce300654",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_cash_collection_append_only_e8633",
                    table="payments_cash_collection",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="cashcollection",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_cash_collection_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_cash_collection cannot be emptied';",
                    hash="abba9a3b48aa9ba9c2ab871548a053725ae0cc8b",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_cash_collection_no_truncate_0c210",
                    table="payments_cash_collection",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="cashcollection",
            trigger=pgtrigger.compiler.Trigger(
                name="cash_collection_of_cash_at_the_desk",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF NOT EXISTS (SELECT 1 FROM payments_transfer\n                                   WHERE id = NEW.transfer_id AND route = 'WARD_CASH' AND state = 'HANDED_OVER')\n                    THEN\n                        RAISE EXCEPTION 'cash_collection_of_cash_at_the_desk: transfer %', NEW.transfer_id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="dc152601e1f5195391134210931e9ce65021797a",
                    operation="INSERT",
                    pgid="pgtrigger_cash_collection_of_cash_at_the_desk_61b3f",
                    table="payments_cash_collection",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="cashcollection",
            trigger=pgtrigger.compiler.Trigger(
                name="cash_collection_settles",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    func="\n                    IF NOT EXISTS (SELECT 1 FROM payments_transfer WHERE id = NEW.transfer_id AND state = 'SETTLED') THEN\n                        RAISE EXCEPTION 'cash_collection_settles: transfer %', NEW.transfer_id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="85a4654ad8b614259fcd472a351d8b19f3499b6e",
                    operation="INSERT",
                    pgid="pgtrigger_cash_collection_settles_5c833",
                    table="payments_cash_collection",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
    ]
