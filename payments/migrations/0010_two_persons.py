"""Acts that need two persons, held by the database: release, cancel, decide, resume; and the stop of all payments."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import foundation.audit.clock

# The one question of the gate: it takes the lock that a stop waits for, then looks with a fresh snapshot.
IS_STOPPED = """
CREATE FUNCTION payments_are_stopped() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7714001);
    RETURN EXISTS (SELECT 1 FROM payments_stop WHERE resumed_at IS NULL);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("beneficiaries", "0004_account_drafts"),
        ("payments", "0009_proposals"),
        ("reference", "0002_load_tables"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(IS_STOPPED, "DROP FUNCTION payments_are_stopped()"),
        migrations.CreateModel(
            name="PaymentsStop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stopped_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                ("reason", models.CharField(max_length=300, verbose_name="lý do")),
                ("resumed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "lần dừng chi trả toàn thành phố",
                "verbose_name_plural": "lần dừng chi trả toàn thành phố",
                "db_table": "payments_stop",
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="approval",
            name="approval_by_another_person",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="proposal",
            name="proposal_decision_frozen",
        ),
        migrations.RemoveConstraint(
            model_name="payoutbatch",
            name="payout_batch_held_from_somewhere",
        ),
        migrations.RemoveConstraint(
            model_name="proposal",
            name="proposal_decided_by_second_person",
        ),
        migrations.AddField(
            model_name="dispatchchunk",
            name="review_count",
            field=models.PositiveIntegerField(db_default=0, default=0, help_text="payments that wait for people"),
        ),
        migrations.AddField(
            model_name="payoutbatch",
            name="held_at",
            field=models.DateTimeField(help_text="written by the database", null=True),
        ),
        migrations.AddField(
            model_name="transfer",
            name="decision",
            field=models.ForeignKey(
                db_index=False,
                help_text="what two persons decided last about a transfer in review, or about one that the bank contradicted",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="payments.proposal",
            ),
        ),
        migrations.AddIndex(
            model_name="dispatchchunk",
            index=models.Index(
                condition=models.Q(("review_count__gt", 0)), fields=["id"], name="dispatch_chunk_review"
            ),
        ),
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(condition=models.Q(("state", "PROPOSED")), fields=["id"], name="proposal_waiting"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("conflicting_status", ""), _negated=True), fields=["id"], name="transfer_conflict"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        migrations.RunSQL(
            "UPDATE payments_payout_batch SET held_at = portal_now() WHERE state = 'HELD'", migrations.RunSQL.noop
        ),
        migrations.AddConstraint(
            model_name="payoutbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("held_at__isnull", False),
                        ("state", "HELD"),
                        models.Q(("held_from", ""), _negated=True),
                        models.Q(("held_reason", ""), _negated=True),
                    ),
                    models.Q(
                        models.Q(("state", "HELD"), _negated=True),
                        ("held_at__isnull", True),
                        ("held_by__isnull", True),
                        ("held_from", ""),
                    ),
                    _connector="OR",
                ),
                name="payout_batch_held_from_somewhere",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_at", None), ("decided_by", None), ("decided_by_person", None), ("state", "PROPOSED")
                    ),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("decided_by_person", models.F("proposed_by_person")),
                        ("state", "WITHDRAWN"),
                    ),
                    models.Q(
                        ("state__in", ["CONFIRMED", "REFUSED"]),
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("decided_by_person__isnull", False),
                        models.Q(("decided_by_person", models.F("proposed_by_person")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="proposal_decided_by_second_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="proposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "DECIDE_TRANSFER"), _negated=True),
                    models.Q(("evidence__isnull", False), models.Q(("outcome", ""), _negated=True)),
                    _connector="OR",
                ),
                name="proposal_decision_has_evidence",
            ),
        ),
        migrations.AddField(
            model_name="paymentsstop",
            name="resumed_with",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.proposal"
            ),
        ),
        migrations.AddField(
            model_name="paymentsstop",
            name="stopped_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentsstop",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resumed_at__isnull", True)),
                fields=("resumed_at",),
                name="payments_stop_one_open",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentsstop",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("resumed_at", None), ("resumed_with", None)),
                    models.Q(("resumed_at__isnull", False), ("resumed_with__isnull", False)),
                    _connector="OR",
                ),
                name="payments_stop_resumed_with_proposal",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentsstop",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="payments_stop_has_reason"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        pgtrigger.migrations.AddTrigger(
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
        migrations.RunSQL(
            "UPDATE payments_dispatch_chunk c SET review_count = n.count FROM (SELECT chunk_id, count(*) FROM payments_transfer "
            "WHERE state = 'REVIEW' GROUP BY chunk_id) AS n WHERE n.chunk_id = c.id",
            migrations.RunSQL.noop,
        ),
    ]
