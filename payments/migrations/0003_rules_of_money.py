"""Rules on funds, their papers and the ledger."""

import pgtrigger.compiler
from django.db import migrations

from foundation.audit.protection import AddTrigger


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0002_functions"),
    ]

    operations = [
        AddTrigger(
            model_name="fund",
            trigger=pgtrigger.compiler.Trigger(
                name="fund_has_balances",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    INSERT INTO payments_fund_balance (fund_id, account, balance)\n                    SELECT NEW.id, account, 0\n                    FROM unnest(ARRAY['TREASURY', 'FUNDING', 'RESERVED', 'PAID', 'RETURNS', 'SUSPENSE', 'FEES', 'FEES_PAID']) AS account;\n                    RETURN NEW;\n                ",
                    hash="49f0948706a22923b44cfa9e993928ce431e9ad9",
                    operation="INSERT",
                    pgid="pgtrigger_fund_has_balances_ccd24",
                    table="payments_fund",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="fund",
            trigger=pgtrigger.compiler.Trigger(
                name="fund_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.code IS DISTINCT FROM NEW.code OR OLD.budget_code IS DISTINCT FROM NEW.budget_code OR OLD.year IS DISTINCT FROM NEW.year))",
                    func="RAISE EXCEPTION 'fund_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="7bc1e9a21ae643f25cbc041c0ce64d0894b3264b",
                    operation="UPDATE",
                    pgid="pgtrigger_fund_frozen_3d7b8",
                    table="payments_fund",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="fund",
            trigger=pgtrigger.compiler.Trigger(
                name="fund_closed_by_two",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.is_open IS DISTINCT FROM NEW.is_open)",
                    func="\n                    IF NEW.is_open OR NOT EXISTS (\n                        SELECT 1 FROM payments_proposal WHERE kind = 'REMIT_FUNDS' AND outcome = 'CLOSE'\n                        AND state = 'CONFIRMED' AND subject_kind = 'fund' AND subject_id = NEW.id)\n                    THEN\n                        RAISE EXCEPTION 'fund_closed_by_two: fund %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="c2275b10b2c76ccbf5cbce2bbda48e153d0d436b",
                    operation='UPDATE OF "is_open"',
                    pgid="pgtrigger_fund_closed_by_two_c790b",
                    table="payments_fund",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="fundbalance",
            trigger=pgtrigger.compiler.Trigger(
                name="fund_balance_written_by_ledger",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (pg_trigger_depth() = 0)",
                    func="RAISE EXCEPTION 'fund_balance_written_by_ledger' USING ERRCODE = 'check_violation';",
                    hash="d708905fe59939f755fadd44f4909991fa39d33a",
                    operation="UPDATE OR INSERT OR DELETE",
                    pgid="pgtrigger_fund_balance_written_by_ledger_b6bd9",
                    table="payments_fund_balance",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="batchadjustment",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_batch_adjustment_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="8270b463ba579e0061aac3814058b16aee5c2034",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_batch_adjustment_append_only_e2b16",
                    table="payments_batch_adjustment",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="batchadjustment",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_batch_adjustment_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_batch_adjustment cannot be emptied';",
                    hash="ace718738d1aa19a58039af75a24143920f355f5",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_batch_adjustment_no_truncate_68b86",
                    table="payments_batch_adjustment",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['CONFIRMED>STOPPED', 'RECORDED>CONFIRMED', 'RECORDED>REFUSED']))",
                    func="RAISE EXCEPTION 'recovery_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="7dfb494b6cda832530f9bdd7c50df79f7f14cc4c",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_recovery_moves_7d9b3",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['RECORDED']))",
                    func="RAISE EXCEPTION 'recovery_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="9987f34f2e2ec3d8a05c6e905a39e4c3cb147255",
                    operation="INSERT",
                    pgid="pgtrigger_recovery_starts_f38b6",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.entitlement_id IS DISTINCT FROM NEW.entitlement_id OR OLD.basis IS DISTINCT FROM NEW.basis OR OLD.number IS DISTINCT FROM NEW.number OR OLD.paper_date IS DISTINCT FROM NEW.paper_date OR OLD.total_amount IS DISTINCT FROM NEW.total_amount OR OLD.monthly_amount IS DISTINCT FROM NEW.monthly_amount OR OLD.first_period IS DISTINCT FROM NEW.first_period OR OLD.recorded_by_id IS DISTINCT FROM NEW.recorded_by_id OR OLD.recorded_by_person IS DISTINCT FROM NEW.recorded_by_person))",
                    func="RAISE EXCEPTION 'recovery_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="dbb23b0ddfd97cde25282accab26953943e1e9b9",
                    operation="UPDATE",
                    pgid="pgtrigger_recovery_frozen_77106",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_counted_by_lines_and_papers",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (pg_trigger_depth() = 0 AND OLD.recovered_amount IS DISTINCT FROM NEW.recovered_amount)",
                    func="RAISE EXCEPTION 'recovery_counted_by_lines_and_papers' USING ERRCODE = 'check_violation';",
                    hash="08ce63b6634b6613524fad96bdbe1a10e47ab543",
                    operation='UPDATE OF "recovered_amount"',
                    pgid="pgtrigger_recovery_counted_by_lines_and_papers_30b30",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_stopped_by_two",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'STOPPED' AND OLD.state <> 'STOPPED')",
                    func="\n                    IF NOT EXISTS (SELECT 1 FROM payments_proposal WHERE kind = 'STOP_RECOVERY' AND state = 'CONFIRMED'\n                                   AND subject_kind = 'recovery' AND subject_id = NEW.id)\n                    THEN\n                        RAISE EXCEPTION 'recovery_stopped_by_two: %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="73394a38890bd17c32fd43ad4240527182ee2dd2",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_recovery_stopped_by_two_1feb6",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="cce46fa6d2890b23350cc6c38bbe2a0ae4e76336",
                    operation="DELETE",
                    pgid="pgtrigger_recovery_kept_918fe",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="fundingvoucher",
            trigger=pgtrigger.compiler.Trigger(
                name="funding_voucher_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['RECORDED>CONFIRMED', 'RECORDED>REFUSED']))",
                    func="RAISE EXCEPTION 'funding_voucher_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="e23f896c0bec1738ccbb339a479e0d7d63eae8ed",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_funding_voucher_moves_9103b",
                    table="payments_funding_voucher",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="fundingvoucher",
            trigger=pgtrigger.compiler.Trigger(
                name="funding_voucher_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['RECORDED']))",
                    func="RAISE EXCEPTION 'funding_voucher_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="e949cd70ec7324e40cdb1e92330c0d8968210944",
                    operation="INSERT",
                    pgid="pgtrigger_funding_voucher_starts_074e2",
                    table="payments_funding_voucher",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="fundingvoucher",
            trigger=pgtrigger.compiler.Trigger(
                name="funding_voucher_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.fund_id IS DISTINCT FROM NEW.fund_id OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.number IS DISTINCT FROM NEW.number OR OLD.voucher_date IS DISTINCT FROM NEW.voucher_date OR OLD.amount IS DISTINCT FROM NEW.amount OR OLD.recovery_id IS DISTINCT FROM NEW.recovery_id OR OLD.recorded_by_id IS DISTINCT FROM NEW.recorded_by_id OR OLD.recorded_by_person IS DISTINCT FROM NEW.recorded_by_person))",
                    func="RAISE EXCEPTION 'funding_voucher_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="34dc53c42e35fa357b8f20ccde1a24f6624b08c7",
                    operation="UPDATE",
                    pgid="pgtrigger_funding_voucher_frozen_923d7",
                    table="payments_funding_voucher",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="fundingvoucher",
            trigger=pgtrigger.compiler.Trigger(
                name="funding_voucher_recovery_counted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.kind = 'RECOVER' AND NEW.state = 'CONFIRMED' AND OLD.state <> 'CONFIRMED')",
                    func="\n                    UPDATE payments_recovery SET recovered_amount = recovered_amount + NEW.amount\n                    WHERE id = NEW.recovery_id AND state = 'CONFIRMED';\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'funding_voucher_recovery_counted: %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="f2d52496ff1175e3545a42940886fa2cf69ff100",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_funding_voucher_recovery_counted_101ed",
                    table="payments_funding_voucher",
                    when="AFTER",
                ),
            ),
        ),
        AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_ledger_entry_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="4cef5de5f27a7aba80e0fc0241154977c50dfeb1",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_ledger_entry_append_only_2aca6",
                    table="payments_ledger_entry",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_ledger_entry_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_ledger_entry cannot be emptied';",
                    hash="69c0b0664b44e0fb8094c3928dbe7e0b6c8776e2",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_ledger_entry_no_truncate_f2ea9",
                    table="payments_ledger_entry",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="ledger_entry_as_signed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.voucher_id IS NOT NULL OR NEW.proposal_id IS NOT NULL)",
                    func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM payments_funding_voucher WHERE id = NEW.voucher_id AND state = 'CONFIRMED'\n                        AND fund_id = NEW.fund_id AND kind = NEW.kind AND amount = NEW.amount\n                        UNION ALL\n                        SELECT 1 FROM payments_proposal WHERE id = NEW.proposal_id AND state = 'CONFIRMED'\n                        AND kind = 'REMIT_FUNDS' AND subject_kind = 'fund' AND subject_id = NEW.fund_id\n                        AND details ->> 'account' = NEW.debit AND (details ->> 'amount')::bigint = NEW.amount)\n                    THEN\n                        RAISE EXCEPTION 'ledger_entry_as_signed: % of fund %', NEW.kind, NEW.fund_id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="8b537b824695a8575ae365fa76883f703f38a215",
                    operation="INSERT",
                    pgid="pgtrigger_ledger_entry_as_signed_11991",
                    table="payments_ledger_entry",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="ledger_entry_unvoids_what_was_paid",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.kind = 'UNVOID')",
                    func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM payments_ledger_entry v JOIN payments_transfer t ON t.id = v.transfer_id\n                        WHERE v.transfer_id = NEW.transfer_id AND v.kind = 'VOID' AND v.fund_id = NEW.fund_id\n                          AND v.amount = NEW.amount AND t.state = 'SETTLED')\n                    THEN\n                        RAISE EXCEPTION 'ledger_entry_unvoids_what_was_paid: transfer %', NEW.transfer_id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="6bcbbd1891fd45c16e82a8e730b988e37a07be0e",
                    operation="INSERT",
                    pgid="pgtrigger_ledger_entry_unvoids_what_was_paid_abb22",
                    table="payments_ledger_entry",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="ledger_entry_moves_balances",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE changed record;",
                    func="\n                    FOR changed IN\n                        SELECT fund_id, account, sum(amount) AS amount\n                        FROM (\n                            SELECT fund_id, debit AS account, -amount AS amount FROM added\n                            UNION ALL\n                            SELECT fund_id, credit, amount FROM added\n                        ) AS sides\n                        GROUP BY fund_id, account\n                        ORDER BY fund_id, account\n                    LOOP\n                        UPDATE payments_fund_balance SET balance = balance + changed.amount\n                        WHERE fund_id = changed.fund_id AND account = changed.account;\n                    END LOOP;\n                    RETURN NULL;\n                ",
                    hash="88cffd92546d1e4387be8b5edc2ae181b9f42c53",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_ledger_entry_moves_balances_b3753",
                    referencing="REFERENCING NEW TABLE AS added ",
                    table="payments_ledger_entry",
                    when="AFTER",
                ),
            ),
        ),
    ]
