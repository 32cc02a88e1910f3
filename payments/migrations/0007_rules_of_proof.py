"""Rules on statements, differences and verifications."""

import pgtrigger.compiler
from django.db import migrations

from foundation.audit.protection import AddTrigger


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0006_rules_of_payment"),
    ]

    operations = [
        AddTrigger(
            model_name="statementfile",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_file_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['ORDERED>RECEIVING', 'RECEIVED>IMPORTED', 'RECEIVED>REFUSED', 'RECEIVED>UNCHANGED', 'RECEIVING>ABSENT', 'RECEIVING>ORDERED', 'RECEIVING>RECEIVED', 'RECEIVING>REFUSED']))",
                    func="RAISE EXCEPTION 'statement_file_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="8973118a72a3ee7460e13d7102dac2c69695f780",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_statement_file_moves_ef31c",
                    table="payments_statement_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statementfile",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_file_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['ORDERED', 'RECEIVED']))",
                    func="RAISE EXCEPTION 'statement_file_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="c3e3139102ff2d878ee7c943d3d018613b869573",
                    operation="INSERT",
                    pgid="pgtrigger_statement_file_starts_c3460",
                    table="payments_statement_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statementfile",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_file_received_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.state NOT IN ('ORDERED', 'RECEIVING')) AND (OLD.sha256 IS DISTINCT FROM NEW.sha256 OR OLD.size IS DISTINCT FROM NEW.size OR OLD.name IS DISTINCT FROM NEW.name OR OLD.received_by_id IS DISTINCT FROM NEW.received_by_id))",
                    func="RAISE EXCEPTION 'statement_file_received_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="fa48e42321e00378dd3f5a069ad8c62c9d89f023",
                    operation="UPDATE",
                    pgid="pgtrigger_statement_file_received_frozen_66509",
                    table="payments_statement_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statementfile",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_file_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="d27352532403056c6c297189d2facbb0d258ac53",
                    operation="DELETE",
                    pgid="pgtrigger_statement_file_kept_b2578",
                    table="payments_statement_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statementfilepart",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_file_part_unchanged",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="849470065e2501d38ae8566e6da83e0a751af901",
                    operation="UPDATE",
                    pgid="pgtrigger_statement_file_part_unchanged_1e193",
                    table="payments_statement_file_part",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statementfilepart",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_file_part_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF (SELECT state FROM payments_statement_file WHERE id = OLD.file_id) <> 'RECEIVING' THEN\n                        RAISE EXCEPTION 'statement_file_part_kept: %', OLD.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN OLD;\n                ",
                    hash="978aa58819f1ada6a620f6b90cd7bad1d5851926",
                    operation="DELETE",
                    pgid="pgtrigger_statement_file_part_kept_c1266",
                    table="payments_statement_file_part",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statement",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_statement_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="ffcba7d9343b5f2e94bbed2c07acc2410149f3ab",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_statement_append_only_1f02a",
                    table="payments_statement",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statement",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_statement_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_statement cannot be emptied';",
                    hash="d0031f9215c9385a02d3cef48485930302dcb17e",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_statement_no_truncate_f68d2",
                    table="payments_statement",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statement",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_versions_without_gap",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF NEW.version <> 1 + coalesce((SELECT max(version) FROM payments_statement\n                                                    WHERE account = NEW.account AND day = NEW.day), 0) THEN\n                        RAISE EXCEPTION 'statement_versions_without_gap: % %', NEW.account, NEW.day\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="66e480a7a87b8ae33ddfe3be5a1f8c954066fcee",
                    operation="INSERT",
                    pgid="pgtrigger_statement_versions_without_gap_ce1d2",
                    table="payments_statement",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statemententry",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_entry_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.statement_id IS DISTINCT FROM NEW.statement_id OR OLD.account IS DISTINCT FROM NEW.account OR OLD.day IS DISTINCT FROM NEW.day OR OLD.entry_reference IS DISTINCT FROM NEW.entry_reference OR OLD.detail_number IS DISTINCT FROM NEW.detail_number OR OLD.direction IS DISTINCT FROM NEW.direction OR OLD.amount IS DISTINCT FROM NEW.amount OR OLD.booking_date IS DISTINCT FROM NEW.booking_date OR OLD.value_date IS DISTINCT FROM NEW.value_date OR OLD.end_to_end_id IS DISTINCT FROM NEW.end_to_end_id OR OLD.bank_reference IS DISTINCT FROM NEW.bank_reference OR OLD.return_id IS DISTINCT FROM NEW.return_id OR OLD.reason IS DISTINCT FROM NEW.reason OR OLD.bank_code IS DISTINCT FROM NEW.bank_code OR OLD.account_fingerprint IS DISTINCT FROM NEW.account_fingerprint))",
                    func="RAISE EXCEPTION 'statement_entry_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="365d7089e1951d2cb260274a68c65cfe55a8551e",
                    operation="UPDATE",
                    pgid="pgtrigger_statement_entry_frozen_28883",
                    table="payments_statement_entry",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statemententry",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_entry_match_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.transfer_id IS NOT NULL) AND (OLD.transfer_id IS DISTINCT FROM NEW.transfer_id OR OLD.matched_how IS DISTINCT FROM NEW.matched_how))",
                    func="RAISE EXCEPTION 'statement_entry_match_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="88b8fca46a9c3ca861acfd6b7a1ac5d9fcb32eea",
                    operation="UPDATE",
                    pgid="pgtrigger_statement_entry_match_frozen_61b37",
                    table="payments_statement_entry",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statemententry",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_entry_end_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.superseded_by_id IS NOT NULL) AND (OLD.superseded_by_id IS DISTINCT FROM NEW.superseded_by_id))",
                    func="RAISE EXCEPTION 'statement_entry_end_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="68c6ee4f2080cda4164ef27b1dc207430bc13be0",
                    operation="UPDATE",
                    pgid="pgtrigger_statement_entry_end_frozen_6f5c1",
                    table="payments_statement_entry",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="statemententry",
            trigger=pgtrigger.compiler.Trigger(
                name="statement_entry_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="0a942c6c3d81136669eb8506b8ec6645dfcb8665",
                    operation="DELETE",
                    pgid="pgtrigger_statement_entry_kept_1aa1f",
                    table="payments_statement_entry",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="reconciliationdifference",
            trigger=pgtrigger.compiler.Trigger(
                name="difference_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['OPEN>CLOSED']))",
                    func="RAISE EXCEPTION 'difference_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="8c40d0efe1f52e74c6838f401ab433641dc81453",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_difference_moves_ef08c",
                    table="payments_difference",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="reconciliationdifference",
            trigger=pgtrigger.compiler.Trigger(
                name="difference_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['OPEN']))",
                    func="RAISE EXCEPTION 'difference_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="da53044eee28815dacefce7c07b887ec627d0fe8",
                    operation="INSERT",
                    pgid="pgtrigger_difference_starts_4fe5c",
                    table="payments_difference",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="reconciliationdifference",
            trigger=pgtrigger.compiler.Trigger(
                name="difference_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.kind IS DISTINCT FROM NEW.kind OR OLD.subject_key IS DISTINCT FROM NEW.subject_key OR OLD.unit_id IS DISTINCT FROM NEW.unit_id OR OLD.fund_id IS DISTINCT FROM NEW.fund_id OR OLD.batch_id IS DISTINCT FROM NEW.batch_id OR OLD.account IS DISTINCT FROM NEW.account OR OLD.day IS DISTINCT FROM NEW.day OR OLD.statement_id IS DISTINCT FROM NEW.statement_id OR OLD.entry_id IS DISTINCT FROM NEW.entry_id OR OLD.transfer_id IS DISTINCT FROM NEW.transfer_id OR OLD.expected_amount IS DISTINCT FROM NEW.expected_amount OR OLD.found_amount IS DISTINCT FROM NEW.found_amount OR OLD.details IS DISTINCT FROM NEW.details OR OLD.raised_at IS DISTINCT FROM NEW.raised_at OR OLD.due_at IS DISTINCT FROM NEW.due_at))",
                    func="RAISE EXCEPTION 'difference_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="6bab7360f64264fca3ee0b68fa57dde83cbb03ab",
                    operation="UPDATE",
                    pgid="pgtrigger_difference_frozen_0664d",
                    table="payments_difference",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="reconciliationdifference",
            trigger=pgtrigger.compiler.Trigger(
                name="difference_decision_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.state = 'CLOSED') AND (OLD.outcome IS DISTINCT FROM NEW.outcome OR OLD.proposal_id IS DISTINCT FROM NEW.proposal_id OR OLD.closed_at IS DISTINCT FROM NEW.closed_at))",
                    func="RAISE EXCEPTION 'difference_decision_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="46bb6684204d9f1d1c905cb1fe286141f50ce14e",
                    operation="UPDATE",
                    pgid="pgtrigger_difference_decision_frozen_63869",
                    table="payments_difference",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="reconciliationdifference",
            trigger=pgtrigger.compiler.Trigger(
                name="difference_closed_with_proof",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'OPEN' AND NEW.state = 'CLOSED')",
                    func="\n                    IF NOT (CASE NEW.outcome\n                        WHEN 'FOUND' THEN NEW.kind IN ('MISSING_IN_STATEMENT', 'RETURN_MISSING') AND EXISTS (\n                            SELECT 1 FROM payments_statement_entry WHERE transfer_id = NEW.transfer_id\n                            AND direction = CASE NEW.kind WHEN 'RETURN_MISSING' THEN 'CRDT' ELSE 'DBIT' END\n                            AND superseded_by_id IS NULL)\n                        WHEN 'REPLACED' THEN NEW.kind NOT IN ('VANISHED', 'CHANGED') AND (\n                            EXISTS (SELECT 1 FROM payments_statement_entry\n                                    WHERE id = NEW.entry_id AND superseded_by_id IS NOT NULL)\n                            OR NEW.entry_id IS NULL AND EXISTS (\n                                SELECT 1 FROM payments_statement former JOIN payments_statement later\n                                    ON later.account = former.account AND later.day = former.day\n                                    AND later.version > former.version\n                                WHERE former.id = NEW.statement_id))\n                        WHEN 'PAID' THEN NEW.kind = 'STATE' AND EXISTS (\n                            SELECT 1 FROM payments_transfer WHERE id = NEW.transfer_id AND state IN ('SETTLED', 'RETURNED'))\n                        ELSE EXISTS (\n                            SELECT 1 FROM payments_proposal WHERE id = NEW.proposal_id AND state = 'CONFIRMED'\n                            AND kind = 'DECIDE_DIFFERENCE' AND subject_kind = 'difference' AND subject_id = NEW.id\n                            AND outcome = NEW.outcome)\n                        END)\n                    THEN\n                        RAISE EXCEPTION 'difference_closed_with_proof: %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="b46fc44bb4d8d8c160e5ce83006d51674bd64b7a",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_difference_closed_with_proof_bbd31",
                    table="payments_difference",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="reconciliationdifference",
            trigger=pgtrigger.compiler.Trigger(
                name="difference_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="d8846e9a6ffc483652b345d3f28a96db3622f7ab",
                    operation="DELETE",
                    pgid="pgtrigger_difference_kept_b65de",
                    table="payments_difference",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="differencecomment",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_difference_comment_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="032d569c3bb689ceaf37c27a3b8398f7228b18df",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_difference_comment_append_only_c0a57",
                    table="payments_difference_comment",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="differencecomment",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_difference_comment_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_difference_comment cannot be emptied';",
                    hash="26f978907f760cd3c8b13b4b3ceace1338014b39",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_difference_comment_no_truncate_00e63",
                    table="payments_difference_comment",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="verificationrun",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_verification_run_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="2a1637cfd90996780a48c7cfb33637227b41ecd4",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_verification_run_append_only_59dff",
                    table="payments_verification_run",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="verificationrun",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_verification_run_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_verification_run cannot be emptied';",
                    hash="e0a0d101ba6f125032d556055b40b91cd61a200c",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_verification_run_no_truncate_55601",
                    table="payments_verification_run",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="verificationresult",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_verification_result_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="fc59dce258432cfb03878654f347af001ee59872",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_verification_result_append_only_7f238",
                    table="payments_verification_result",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="verificationresult",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_verification_result_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_verification_result cannot be emptied';",
                    hash="5f8a2b80de7d5fd9d471c36a7dc5d548e75b7ed4",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_verification_result_no_truncate_b491b",
                    table="payments_verification_result",
                    when="BEFORE",
                ),
            ),
        ),
    ]
