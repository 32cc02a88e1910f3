"""Rules on lists, their lines and their approvals."""

import pgtrigger.compiler
from django.db import migrations

from foundation.audit.protection import AddTrigger


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0003_rules_of_money"),
    ]

    operations = [
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['APPROVED>CANCELLING', 'APPROVED>HELD', 'APPROVED>RESERVED', 'BUILDING>DRAFT', 'BUILDING>WITHDRAWN', 'CANCELLING>DRAINED', 'DISPATCHING>CANCELLING', 'DISPATCHING>DRAINED', 'DISPATCHING>HELD', 'DRAFT>SUBMITTED', 'DRAFT>WITHDRAWN', 'DRAINED>RECONCILED', 'HELD>APPROVED', 'HELD>CANCELLING', 'HELD>DISPATCHING', 'HELD>DRAINED', 'HELD>RESERVED', 'RECONCILED>CLOSED', 'RESERVED>CANCELLING', 'RESERVED>DISPATCHING', 'RESERVED>HELD', 'SUBMITTED>APPROVED', 'SUBMITTED>REJECTED', 'SUBMITTED>WITHDRAWN']))",
                    func="RAISE EXCEPTION 'payout_batch_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="c9020ea39a26f550892eb42bc90eddcddc6c937b",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_moves_85248",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['BUILDING']))",
                    func="RAISE EXCEPTION 'payout_batch_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="7b5088552a1223b2c96cfa2f3a8225576f880e44",
                    operation="INSERT",
                    pgid="pgtrigger_payout_batch_starts_b47f4",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.fund_id IS DISTINCT FROM NEW.fund_id OR OLD.unit_id IS DISTINCT FROM NEW.unit_id OR OLD.period IS DISTINCT FROM NEW.period OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.sequence IS DISTINCT FROM NEW.sequence OR OLD.version IS DISTINCT FROM NEW.version OR OLD.accounts_by IS DISTINCT FROM NEW.accounts_by OR OLD.prepared_by_id IS DISTINCT FROM NEW.prepared_by_id))",
                    func="RAISE EXCEPTION 'payout_batch_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="1a45f5031bdc588329138b4c6260a6226b7f0147",
                    operation="UPDATE",
                    pgid="pgtrigger_payout_batch_frozen_ec3b3",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_fund_is_open",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    PERFORM 1 FROM payments_fund WHERE id = NEW.fund_id AND is_open AND extract(year FROM NEW.period) <= year\n                        AND (unit_id IS NULL OR unit_id = NEW.unit_id) FOR SHARE;\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'payout_batch_fund_is_open: fund %', NEW.fund_id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="b8d2ee5aacd551bb068260dd7b9fc3231e68635d",
                    operation="INSERT",
                    pgid="pgtrigger_payout_batch_fund_is_open_99643",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_list_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT OLD.state = ANY (ARRAY['BUILDING', 'DRAFT']) AND (OLD.list_hash IS DISTINCT FROM NEW.list_hash OR OLD.control_sum IS DISTINCT FROM NEW.control_sum OR OLD.number_of_transactions IS DISTINCT FROM NEW.number_of_transactions OR OLD.approvals_required IS DISTINCT FROM NEW.approvals_required OR OLD.submitted_by_id IS DISTINCT FROM NEW.submitted_by_id OR OLD.requested_execution_date IS DISTINCT FROM NEW.requested_execution_date))",
                    func="RAISE EXCEPTION 'payout_batch_list_frozen: batch % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="3c19033ceeb9261a2d4240ab6d647c84f2e3357d",
                    operation="UPDATE",
                    pgid="pgtrigger_payout_batch_list_frozen_34512",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_quorum_of_policy",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'DRAFT' AND NEW.state = 'SUBMITTED')",
                    func="\n                    SELECT approvals_required INTO NEW.approvals_required\n                    FROM payments_approval_policy\n                    WHERE amount_from <= NEW.control_sum\n                      AND valid_from <= (NEW.submitted_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date\n                      AND (valid_to IS NULL OR valid_to >= (NEW.submitted_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)\n                    ORDER BY amount_from DESC, valid_from DESC LIMIT 1;\n                    IF NEW.approvals_required IS NULL THEN\n                        RAISE EXCEPTION 'payout_batch_quorum_of_policy: no policy for %', NEW.control_sum\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="017463b4666dc9d601be5166e76d3ff58fd2ec4d",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_quorum_of_policy_53f6f",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_approved_by_quorum",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'SUBMITTED' AND NEW.state = 'APPROVED')",
                    func="\n                    IF (SELECT count(*) FROM payments_approval\n                        WHERE batch_id = NEW.id AND decision = 'APPROVED' AND list_hash = NEW.list_hash)\n                        < NEW.approvals_required\n                    THEN\n                        RAISE EXCEPTION 'payout_batch_approved_by_quorum: batch %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="ad55e2622d7205430b75990782124dc4c4f979a2",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_approved_by_quorum_b81fa",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_reserved_in_ledger",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'APPROVED' AND NEW.state = 'RESERVED')",
                    func="\n                    IF NOT EXISTS (SELECT 1 FROM payments_ledger_entry WHERE batch_id = NEW.id AND kind = 'RESERVE'\n                                   AND amount = NEW.control_sum AND fund_id = NEW.fund_id)\n                    THEN\n                        RAISE EXCEPTION 'payout_batch_reserved_in_ledger: batch %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="f6c4e0dccdd616a10fe9642ba2269f1400aa69d4",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_reserved_in_ledger_e5175",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_held_since",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state <> NEW.state AND 'HELD' IN (OLD.state, NEW.state))",
                    func="\n                    NEW.held_at := CASE WHEN NEW.state = 'HELD' THEN portal_now() END;\n                    RETURN NEW;\n                ",
                    hash="a8824d8eb6589a25436901e625bf0fdaf36758d7",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_held_since_b90a9",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_released_by_two",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'HELD' AND NEW.state IN ('APPROVED', 'RESERVED', 'DISPATCHING'))",
                    func="\n                    IF NEW.state <> OLD.held_from OR NOT EXISTS (\n                        SELECT 1 FROM payments_proposal\n                        WHERE kind = 'RELEASE_BATCH' AND subject_kind = 'batch' AND subject_id = NEW.id\n                          AND state = 'CONFIRMED' AND proposed_at >= OLD.held_at)\n                    THEN\n                        RAISE EXCEPTION 'payout_batch_released_by_two: batch %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="3444f26e79a3dd26461a2b56a27075413bf6d87e",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_released_by_two_5c621",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_cancelled_by_two",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IN ('APPROVED', 'RESERVED', 'DISPATCHING', 'HELD') AND NEW.state = 'CANCELLING')",
                    func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM payments_proposal\n                        WHERE kind = 'CANCEL_BATCH' AND subject_kind = 'batch' AND subject_id = NEW.id AND state = 'CONFIRMED')\n                    THEN\n                        RAISE EXCEPTION 'payout_batch_cancelled_by_two: batch %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="f147996f943a166b3eb33d31c854f57f904d55f5",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_cancelled_by_two_7b791",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_not_started_while_stopped",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'RESERVED' AND NEW.state = 'DISPATCHING')",
                    func="\n            IF payments_are_stopped() THEN\n                RAISE EXCEPTION 'payout_batch_not_started_while_stopped' USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ",
                    hash="4c6f6ff10ba18058204ad1ca86b8b7fbcfbf6abe",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_not_started_while_stopped_4d85a",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_waits_for_restore",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state <> NEW.state AND NEW.state IN ('DISPATCHING', 'CANCELLING', 'WITHDRAWN'))",
                    func="\n                    IF EXISTS (SELECT 1 FROM payments_restore WHERE ended_at IS NULL) THEN\n                        RAISE EXCEPTION 'payout_batch_waits_for_restore: batch %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="01e55142ee76a603e49a7bb18af67b575fdfe63d",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_waits_for_restore_07591",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_drained_adds_up",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'DRAINED' AND OLD.state <> 'DRAINED')",
                    func="\n                    IF (SELECT (count(*) FILTER (WHERE state <> 'DONE')::numeric,\n                                coalesce(sum(settled_count + rejected_count + returned_count + cancelled_count), 0)::numeric,\n                                coalesce(sum(settled_sum + rejected_sum + returned_sum + cancelled_sum), 0))\n                        FROM payments_dispatch_chunk WHERE batch_id = NEW.id)\n                        IS DISTINCT FROM (0::numeric, NEW.number_of_transactions::numeric, NEW.control_sum::numeric)\n                    THEN\n                        RAISE EXCEPTION 'payout_batch_drained_adds_up: batch %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="a844dd1c985975ddb02209f83d789aaf231a8916",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_drained_adds_up_4e406",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_reconciled_by_statement",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'DRAINED' AND NEW.state = 'RECONCILED')",
                    func="\n                    IF EXISTS (SELECT 1 FROM payments_difference WHERE batch_id = NEW.id AND state = 'OPEN')\n                        OR EXISTS (\n                            SELECT 1 FROM payments_transfer t\n                            WHERE t.batch_id = NEW.id AND t.route = 'GATEWAY' AND t.state IN ('SETTLED', 'RETURNED')\n                              AND NOT EXISTS (\n                                  SELECT 1 FROM payments_statement_entry e WHERE e.transfer_id = t.id\n                                  AND e.direction = 'DBIT' AND e.superseded_by_id IS NULL)\n                              AND NOT EXISTS (\n                                  SELECT 1 FROM payments_difference d WHERE d.transfer_id = t.id AND d.state = 'CLOSED'\n                                  AND d.kind IN ('MISSING_IN_STATEMENT', 'VANISHED')))\n                    THEN\n                        RAISE EXCEPTION 'payout_batch_reconciled_by_statement: batch %', NEW.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="62d8f3fce3aac1d63e852d5eeae9324847dfde2f",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_reconciled_by_statement_61272",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_closed_adds_up",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'RECONCILED' AND NEW.state = 'CLOSED')",
                    func="\n                    IF (SELECT (count(*) FILTER (WHERE state NOT IN ('SETTLED', 'REJECTED', 'RETURNED', 'CANCELLED')),\n                                count(*), coalesce(sum(instructed_amount), 0))\n                        FROM payments_transfer WHERE batch_id = NEW.id AND state <> 'EXCLUDED')\n                        IS DISTINCT FROM (0::bigint, NEW.number_of_transactions::bigint, NEW.control_sum::numeric)\n                        OR NOT EXISTS (\n                            SELECT 1 FROM audit_event a JOIN audit_sealed_event s ON s.event_id = a.id\n                            WHERE a.subject_kind = 'batch' AND a.subject_id = NEW.id::text AND a.kind = 'batch.reconciled')\n                    THEN\n                        RAISE EXCEPTION 'payout_batch_closed_adds_up: batch %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="d069781579437ad42d5e113b0c7863c53414b1fb",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_batch_closed_adds_up_5c10b",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="approvalday",
            trigger=pgtrigger.compiler.Trigger(
                name="approval_day_written_by_approvals",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (pg_trigger_depth() = 0)",
                    func="RAISE EXCEPTION 'approval_day_written_by_approvals' USING ERRCODE = 'check_violation';",
                    hash="b48ca72a1c1362bd979d7bc3335291625493c9ec",
                    operation="UPDATE OR INSERT OR DELETE",
                    pgid="pgtrigger_approval_day_written_by_approvals_6aabd",
                    table="payments_approval_day",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_approval_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="887f2c17ee0816e2e2c0ea1a7518d41ec8d818ee",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_approval_append_only_6d298",
                    table="payments_approval",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_approval_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_approval cannot be emptied';",
                    hash="7ebefd1a0e3112e7aae631b666bcfff0fab924a2",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_approval_no_truncate_f6318",
                    table="payments_approval",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="approval_within_daily_limit",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.decision = 'APPROVED')",
                    declare="DECLARE city boolean; submitter bytea; today date; kind text; total bigint;",
                    func="\n        SELECT b.unit_id IS NULL, u.person_fingerprint, (NEW.decided_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date\n            INTO city, submitter, today\n            FROM payments_payout_batch b JOIN users_user u ON u.id = b.submitted_by_id WHERE b.id = NEW.batch_id;\n        FOREACH kind IN ARRAY ARRAY['OFFICER', 'PAIR'] LOOP\n            INSERT INTO payments_approval_day AS d (day, whole_city, person_fingerprint, partner_fingerprint, amount)\n            VALUES (today, city, NEW.person_fingerprint, CASE kind WHEN 'PAIR' THEN submitter ELSE ''::bytea END, NEW.control_sum)\n            ON CONFLICT (day, whole_city, person_fingerprint, partner_fingerprint)\n                DO UPDATE SET amount = d.amount + excluded.amount\n            RETURNING amount INTO total;\n            IF total > coalesce((SELECT l.amount FROM payments_approval_limit l\n                                 WHERE l.counted = kind AND l.whole_city = city\n                                   AND today BETWEEN l.valid_from AND coalesce(l.valid_to, 'infinity')\n                                 ORDER BY l.valid_from DESC LIMIT 1), 0)\n            THEN\n                RAISE EXCEPTION 'approval_within_daily_limit: % %', kind, total USING ERRCODE = 'check_violation';\n            END IF;\n        END LOOP;\n        RETURN NULL;\n    ",
                    hash="2c93780bfc18921be9b702bbc544af7522c26ef4",
                    operation="INSERT",
                    pgid="pgtrigger_approval_within_daily_limit_7f361",
                    table="payments_approval",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="approval",
            trigger=pgtrigger.compiler.Trigger(
                name="approval_by_another_person",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE batch payments_payout_batch; held users_role_assignment; own bytea;",
                    func="\n                    SELECT * INTO batch FROM payments_payout_batch WHERE id = NEW.batch_id;\n                    IF NOT (batch.state = 'SUBMITTED' OR (batch.state = 'HELD' AND NEW.decision = 'APPROVED'))\n                        OR batch.list_hash IS DISTINCT FROM NEW.list_hash\n                        OR batch.control_sum <> NEW.control_sum OR batch.number_of_transactions <> NEW.number_of_transactions\n                    THEN\n                        RAISE EXCEPTION 'approval_of_the_frozen_list: batch %', NEW.batch_id USING ERRCODE = 'check_violation';\n                    END IF;\n                    SELECT person_fingerprint INTO own FROM users_user WHERE id = NEW.decided_by_id AND is_active;\n                    IF own IS DISTINCT FROM NEW.person_fingerprint OR EXISTS (\n                        SELECT 1 FROM users_user\n                        WHERE id IN (batch.prepared_by_id, batch.submitted_by_id) AND person_fingerprint = own)\n                    THEN\n                        RAISE EXCEPTION 'approval_by_another_person: batch %', NEW.batch_id USING ERRCODE = 'check_violation';\n                    END IF;\n                    SELECT * INTO held FROM users_role_assignment WHERE id = NEW.role_assignment_id;\n                    IF held.user_id <> NEW.decided_by_id OR held.role <> 'APPROVER'\n                        OR (held.unit_id IS NOT NULL AND held.unit_id IS DISTINCT FROM batch.unit_id)\n                        OR NOT (NEW.decided_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date\n                               BETWEEN held.valid_from AND coalesce(held.valid_to, 'infinity')\n                    THEN\n                        RAISE EXCEPTION 'approval_within_authority: batch %', NEW.batch_id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="8032858ad846755756d82e9f95428a57eec7990b",
                    operation="INSERT",
                    pgid="pgtrigger_approval_by_another_person_4436a",
                    table="payments_approval",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="batchcomparison",
            trigger=pgtrigger.compiler.Trigger(
                name="batch_comparison_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE place text;",
                    func="\n                    SELECT state INTO place FROM payments_payout_batch\n                    WHERE id = coalesce(OLD.batch_id, NEW.batch_id) FOR SHARE;\n                    IF place NOT IN ('BUILDING', 'DRAFT') OR (TG_OP = 'UPDATE' AND OLD.batch_id <> NEW.batch_id) THEN\n                        RAISE EXCEPTION 'batch_comparison_frozen: batch %', coalesce(OLD.batch_id, NEW.batch_id)\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN coalesce(NEW, OLD);\n                ",
                    hash="a47e1f1239180e59ed2ec559d2e6db12c262110f",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_batch_comparison_frozen_ab406",
                    table="payments_batch_comparison",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_line_recovery_as_decided",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.kind = 'RECOVERY' AND NEW.live)",
                    func="\n            UPDATE payments_recovery SET recovered_amount = recovered_amount - NEW.amount\n            WHERE id = NEW.recovery_id AND entitlement_id = NEW.entitlement_id AND state = 'CONFIRMED'\n              AND -NEW.amount <= monthly_amount AND first_period <= NEW.period;\n            IF NOT FOUND THEN\n                RAISE EXCEPTION 'payout_line_recovery_as_decided: line %', NEW.id USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="85dd2c0f439a13b33cf1a7970778eaa4b36d1ecf",
                    operation="INSERT",
                    pgid="pgtrigger_payout_line_recovery_as_decided_438e3",
                    table="payments_payout_line",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_line_recovery_given_up",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.kind = 'RECOVERY' AND OLD.live)",
                    func="\n            IF TG_OP = 'DELETE' OR NOT NEW.live THEN\n                UPDATE payments_recovery SET recovered_amount = recovered_amount + OLD.amount WHERE id = OLD.recovery_id;\n            END IF;\n            RETURN NULL;\n        ",
                    hash="379a350f12ee1efa9ab903ffeaeeadf10e02fd54",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payout_line_recovery_given_up_36bb2",
                    table="payments_payout_line",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_line_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.batch_id IS DISTINCT FROM NEW.batch_id OR OLD.entitlement_id IS DISTINCT FROM NEW.entitlement_id OR OLD.period IS DISTINCT FROM NEW.period OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.amount IS DISTINCT FROM NEW.amount OR OLD.recovery_id IS DISTINCT FROM NEW.recovery_id))",
                    func="RAISE EXCEPTION 'payout_line_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="62b7a9c3363d46b991420aae2bdf13b924869a37",
                    operation="UPDATE",
                    pgid="pgtrigger_payout_line_frozen_f1c20",
                    table="payments_payout_line",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_line_one_live_transfer",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.transfer_id IS DISTINCT FROM NEW.transfer_id OR OLD.live IS DISTINCT FROM NEW.live)",
                    func="\n                    IF NOT OLD.live AND NEW.live THEN\n                        RAISE EXCEPTION 'payout_line_one_live_transfer: line % cannot come back', OLD.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    IF OLD.transfer_id IS NOT NULL AND NOT EXISTS (\n                        SELECT 1 FROM payments_transfer WHERE id = OLD.transfer_id\n                        AND state IN ('REJECTED', 'RETURNED', 'CANCELLED', 'EXCLUDED'))\n                    THEN\n                        RAISE EXCEPTION 'payout_line_one_live_transfer: line % is being paid', OLD.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    -- Shared locks: who says that one of these was paid waits, or is waited for.\n                    IF OLD.transfer_id IS DISTINCT FROM NEW.transfer_id AND EXISTS (\n                        SELECT 1 FROM (\n                            SELECT former.id, (former.state = 'SETTLED' OR former.state IN ('REJECTED', 'CANCELLED') AND former.conflicting_status IN ('ACSC', 'ACCC', 'BOOK')) AS is_disputed FROM payments_transfer former\n                            WHERE former.id IN (\n                                SELECT OLD.transfer_id\n                                UNION ALL SELECT from_transfer_id FROM payments_payout_line_move WHERE line_id = OLD.id)\n                            ORDER BY former.id FOR SHARE) AS been\n                        WHERE is_disputed AND been.id IS DISTINCT FROM NEW.transfer_id)\n                    THEN\n                        RAISE EXCEPTION 'payout_line_one_live_transfer: line % may have been paid', OLD.id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    IF OLD.transfer_id IS NOT NULL AND OLD.transfer_id IS DISTINCT FROM NEW.transfer_id THEN\n                        INSERT INTO payments_payout_line_move (line_id, from_transfer_id, to_transfer_id, at)\n                        VALUES (OLD.id, OLD.transfer_id, NEW.transfer_id, portal_now());\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="3610c13702017c8d492e282e8d1c5467febb733f",
                    operation="UPDATE",
                    pgid="pgtrigger_payout_line_one_live_transfer_fb471",
                    table="payments_payout_line",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_line_deleted_while_draft",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF (SELECT state FROM payments_payout_batch WHERE id = OLD.batch_id) NOT IN ('BUILDING', 'DRAFT') THEN\n                        RAISE EXCEPTION 'payout_line_deleted_while_draft: line %', OLD.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN OLD;\n                ",
                    hash="d73e30b1d2e15ca76b64ab73a039fac94bc6b377",
                    operation="DELETE",
                    pgid="pgtrigger_payout_line_deleted_while_draft_919e9",
                    table="payments_payout_line",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_line_added_while_building",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT batch_id FROM added) AS a\n                               JOIN payments_payout_batch b ON b.id = a.batch_id WHERE b.state <> 'BUILDING')\n                    THEN\n                        RAISE EXCEPTION 'payout_line_added_while_building' USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="dce1cb972244cc6dba5e003a0b4e7ab865ecd471",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_payout_line_added_while_building_b0e90",
                    referencing="REFERENCING NEW TABLE AS added ",
                    table="payments_payout_line",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutlinemove",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_payout_line_move_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="38a730717260e1a11edc03d1a4eab9d43dc71e91",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_payout_line_move_append_only_7767e",
                    table="payments_payout_line_move",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutlinemove",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_payout_line_move_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_payout_line_move cannot be emptied';",
                    hash="ae8d113f72a6acba8eac4b3e6c7dd5e28709b97f",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_payout_line_move_no_truncate_9bdfc",
                    table="payments_payout_line_move",
                    when="BEFORE",
                ),
            ),
        ),
    ]
