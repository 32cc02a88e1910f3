"""Rules on acts that one person proposes and another confirms, on stops and on restores."""

import pgtrigger.compiler
from django.db import migrations

from foundation.audit.protection import AddTrigger


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0004_rules_of_lists"),
    ]

    operations = [
        AddTrigger(
            model_name="evidencefile",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_evidence_file_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f3dc367892d5e7964780348c1f7bfb6ca104698d",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payments_evidence_file_append_only_4acd6",
                    table="payments_evidence_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="evidencefile",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_evidence_file_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: payments_evidence_file cannot be emptied';",
                    hash="4beb8fcef4f033a3795255be0c3092e808cf345a",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_payments_evidence_file_no_truncate_350f6",
                    table="payments_evidence_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="proposal",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['PROPOSED>CONFIRMED', 'PROPOSED>REFUSED', 'PROPOSED>WITHDRAWN']))",
                    func="RAISE EXCEPTION 'proposal_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="5bc00182094dc29b1162a77227e91b775969c324",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_proposal_moves_685f9",
                    table="payments_proposal",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="proposal",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['PROPOSED']))",
                    func="RAISE EXCEPTION 'proposal_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="e3fbe6dec5a356279c734cf8261a933141fc6952",
                    operation="INSERT",
                    pgid="pgtrigger_proposal_starts_daa23",
                    table="payments_proposal",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="proposal",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.kind IS DISTINCT FROM NEW.kind OR OLD.subject_kind IS DISTINCT FROM NEW.subject_kind OR OLD.subject_id IS DISTINCT FROM NEW.subject_id OR OLD.unit_id IS DISTINCT FROM NEW.unit_id OR OLD.outcome IS DISTINCT FROM NEW.outcome OR OLD.details IS DISTINCT FROM NEW.details OR OLD.reason IS DISTINCT FROM NEW.reason OR OLD.evidence_id IS DISTINCT FROM NEW.evidence_id OR OLD.proposed_by_id IS DISTINCT FROM NEW.proposed_by_id OR OLD.proposed_by_person IS DISTINCT FROM NEW.proposed_by_person OR OLD.proposed_at IS DISTINCT FROM NEW.proposed_at))",
                    func="RAISE EXCEPTION 'proposal_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="88dd0d94d49b3fdcfb656a619368deb1d013962a",
                    operation="UPDATE",
                    pgid="pgtrigger_proposal_frozen_f6c3d",
                    table="payments_proposal",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="proposal",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_verdict_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.state <> 'PROPOSED') AND (OLD.state IS DISTINCT FROM NEW.state OR OLD.decided_by_id IS DISTINCT FROM NEW.decided_by_id OR OLD.decided_by_person IS DISTINCT FROM NEW.decided_by_person OR OLD.decided_at IS DISTINCT FROM NEW.decided_at OR OLD.decision_reason IS DISTINCT FROM NEW.decision_reason))",
                    func="RAISE EXCEPTION 'proposal_verdict_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="a22e9161c5e0758526861bb5f9fddbbed7e1307e",
                    operation="UPDATE",
                    pgid="pgtrigger_proposal_verdict_frozen_7aad2",
                    table="payments_proposal",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="proposal",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_by_known_humans",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    IF (TG_OP = 'INSERT' AND NOT EXISTS (SELECT 1 FROM users_user\n                            WHERE id = NEW.proposed_by_id AND is_active AND person_fingerprint = NEW.proposed_by_person))\n                        OR (NEW.decided_by_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users_user\n                            WHERE id = NEW.decided_by_id AND is_active AND person_fingerprint = NEW.decided_by_person))\n                    THEN\n                        RAISE EXCEPTION 'proposal_by_known_humans: %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="c6072692130099d05aa02abc830a0c3d1e76dd14",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_proposal_by_known_humans_2f9be",
                    table="payments_proposal",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="proposal",
            trigger=pgtrigger.compiler.Trigger(
                name="proposal_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="6536e25dc9e73c5aefd48582efb8eedac89d2de7",
                    operation="DELETE",
                    pgid="pgtrigger_proposal_kept_fc95d",
                    table="payments_proposal",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="paymentsstop",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_stop_waits_for_claims",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="PERFORM pg_advisory_xact_lock(7714001); RETURN NEW;",
                    hash="aef02e9d62c3e00fbb3f38bb875339869e966a9d",
                    operation="INSERT",
                    pgid="pgtrigger_payments_stop_waits_for_claims_74cd7",
                    table="payments_stop",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="paymentsstop",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_stop_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.stopped_by_id IS DISTINCT FROM NEW.stopped_by_id OR OLD.stopped_at IS DISTINCT FROM NEW.stopped_at OR OLD.reason IS DISTINCT FROM NEW.reason))",
                    func="RAISE EXCEPTION 'payments_stop_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="86b022626403f1f34894c883787a5c9d1cebf78d",
                    operation="UPDATE",
                    pgid="pgtrigger_payments_stop_frozen_2c8ea",
                    table="payments_stop",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="paymentsstop",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_stop_over_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.resumed_at IS NOT NULL) AND (OLD.resumed_at IS DISTINCT FROM NEW.resumed_at OR OLD.resumed_with_id IS DISTINCT FROM NEW.resumed_with_id))",
                    func="RAISE EXCEPTION 'payments_stop_over_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="b04d51831e2ac8bdd051606dd2c44b12ac30ce52",
                    operation="UPDATE",
                    pgid="pgtrigger_payments_stop_over_frozen_5535e",
                    table="payments_stop",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="paymentsstop",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_stop_resumed_by_two",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.resumed_at IS NULL AND NEW.resumed_at IS NOT NULL)",
                    func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM payments_proposal\n                        WHERE id = NEW.resumed_with_id AND kind = 'RESUME_PAYMENTS' AND subject_kind = 'stop'\n                          AND subject_id = NEW.id AND state = 'CONFIRMED')\n                    THEN\n                        RAISE EXCEPTION 'payments_stop_resumed_by_two: stop %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="f1387b6ddf4574709245a435846fba7a39d2a9dd",
                    operation="UPDATE",
                    pgid="pgtrigger_payments_stop_resumed_by_two_a286b",
                    table="payments_stop",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="paymentsstop",
            trigger=pgtrigger.compiler.Trigger(
                name="payments_stop_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="4156267640aff5ec0d946f9d2cdc3125e2099713",
                    operation="DELETE",
                    pgid="pgtrigger_payments_stop_kept_0cd15",
                    table="payments_stop",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="restore",
            trigger=pgtrigger.compiler.Trigger(
                name="restore_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.restored_at IS DISTINCT FROM NEW.restored_at OR OLD.known_until IS DISTINCT FROM NEW.known_until OR OLD.reason IS DISTINCT FROM NEW.reason OR OLD.batches_held IS DISTINCT FROM NEW.batches_held OR OLD.transfers_in_doubt IS DISTINCT FROM NEW.transfers_in_doubt))",
                    func="RAISE EXCEPTION 'restore_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="ff93dea2443468b399707bbe68315fff547db159",
                    operation="UPDATE",
                    pgid="pgtrigger_restore_frozen_6baf4",
                    table="payments_restore",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="restore",
            trigger=pgtrigger.compiler.Trigger(
                name="restore_ended_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.ended_at IS NOT NULL)",
                    func="RAISE EXCEPTION 'restore_ended_once: %', OLD.id USING ERRCODE = 'check_violation';",
                    hash="b1ffd7ae22a924d0ba7f670ef3c052871bbefc1b",
                    operation="UPDATE",
                    pgid="pgtrigger_restore_ended_once_d885a",
                    table="payments_restore",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="restore",
            trigger=pgtrigger.compiler.Trigger(
                name="restore_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="1f14fc03f820a71b5fc5c7ef7a4393ae4ceb0486",
                    operation="DELETE",
                    pgid="pgtrigger_restore_kept_e9575",
                    table="payments_restore",
                    when="BEFORE",
                ),
            ),
        ),
    ]
