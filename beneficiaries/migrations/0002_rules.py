"""Rules that the database keeps: decisions that stand, accounts that move only along their states, rows kept for good."""

import pgtrigger.compiler
from django.db import migrations

from foundation.audit.protection import AddTrigger


class Migration(migrations.Migration):
    dependencies = [
        ("beneficiaries", "0001_initial"),
    ]

    operations = [
        AddTrigger(
            model_name="registerimportfile",
            trigger=pgtrigger.compiler.Trigger(
                name="beneficiaries_register_import_file_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="860a68e4c4fa13c00855dcb9e284d08c03886123",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_beneficiaries_register_import_file_append_only_44538",
                    table="beneficiaries_register_import_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="registerimportfile",
            trigger=pgtrigger.compiler.Trigger(
                name="beneficiaries_register_import_file_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: beneficiaries_register_import_file cannot be emptied';",
                    hash="b59a2157c22975d46b561b99f563b4e63f17b934",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_beneficiaries_register_import_file_no_truncate_8db48",
                    table="beneficiaries_register_import_file",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="accountdraft",
            trigger=pgtrigger.compiler.Trigger(
                name="account_draft_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['ANSWERED>NONE', 'ANSWERED>WAITING', 'NONE>WAITING', 'REFUSED>NONE', 'REFUSED>WAITING', 'WAITING>ANSWERED', 'WAITING>NONE', 'WAITING>REFUSED']))",
                    func="RAISE EXCEPTION 'account_draft_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="1d6f708c775dc1be404d07428788f148da107001",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_account_draft_moves_55cea",
                    table="beneficiaries_account_draft",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="accountdraft",
            trigger=pgtrigger.compiler.Trigger(
                name="account_draft_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['NONE']))",
                    func="RAISE EXCEPTION 'account_draft_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="1214fdc7db4288cfcbad306c779eca8cded1f3e5",
                    operation="INSERT",
                    pgid="pgtrigger_account_draft_starts_44006",
                    table="beneficiaries_account_draft",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="accountdraft",
            trigger=pgtrigger.compiler.Trigger(
                name="account_draft_number_asked_anew",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.enquiry_number < OLD.enquiry_number OR NEW.person_id <> OLD.person_id OR NEW.reference <> OLD.reference OR (NEW.number_index IS NOT NULL AND NEW.enquiry_number = OLD.enquiry_number AND (NEW.number_index, NEW.bank_id) IS DISTINCT FROM (OLD.number_index, OLD.bank_id)))",
                    func="RAISE EXCEPTION 'account_draft_number_asked_anew: draft %', OLD.id USING ERRCODE = 'check_violation';",
                    hash="a132d5c4567c3451f64c980e6d9717b1a8f38df3",
                    operation="UPDATE",
                    pgid="pgtrigger_account_draft_number_asked_anew_0b6d6",
                    table="beneficiaries_account_draft",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="consent",
            trigger=pgtrigger.compiler.Trigger(
                name="beneficiaries_consent_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="2cb34a49cc9d173d05a8e8b11f209e72317fe725",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_beneficiaries_consent_append_only_29020",
                    table="beneficiaries_consent",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="consent",
            trigger=pgtrigger.compiler.Trigger(
                name="beneficiaries_consent_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: beneficiaries_consent cannot be emptied';",
                    hash="29b9cf58b59b185d225cdfc889e9a263068ceee7",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_beneficiaries_consent_no_truncate_c94fc",
                    table="beneficiaries_consent",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutaccount",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_account_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['ACCOUNT_CHECKED>ACTIVE', 'ACCOUNT_CHECKED>COOLING', 'ACCOUNT_CHECKED>EXPIRED', 'ACCOUNT_CHECKED>REFUSED', 'ACCOUNT_CHECKED>REVIEW', 'ACCOUNT_CHECKED>REVOKED', 'ACTIVE>CLOSED', 'ACTIVE>REVOKED', 'ACTIVE>SUPERSEDED', 'ACTIVE>SUSPENDED', 'COOLING>ACTIVE', 'COOLING>CLOSED', 'COOLING>REVOKED', 'COOLING>SUPERSEDED', 'COOLING>SUSPENDED', 'ID_PROVEN>ACCOUNT_CHECKED', 'ID_PROVEN>EXPIRED', 'ID_PROVEN>REFUSED', 'ID_PROVEN>REVIEW', 'ID_PROVEN>REVOKED', 'REQUESTED>ACCOUNT_CHECKED', 'REQUESTED>EXPIRED', 'REQUESTED>ID_PROVEN', 'REQUESTED>REFUSED', 'REQUESTED>REVIEW', 'REQUESTED>REVOKED', 'REVIEW>ACCOUNT_CHECKED', 'REVIEW>EXPIRED', 'REVIEW>REFUSED', 'REVIEW>REVOKED', 'SUSPENDED>ACTIVE', 'SUSPENDED>CLOSED', 'SUSPENDED>REVOKED', 'SUSPENDED>SUPERSEDED']))",
                    func="RAISE EXCEPTION 'payout_account_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="fefe288f833173a1870dcd58661193c371de428f",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_payout_account_moves_d6528",
                    table="beneficiaries_payout_account",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutaccount",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_account_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['REQUESTED']))",
                    func="RAISE EXCEPTION 'payout_account_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="370650479e2adacaa5ccb8efeb5e7c3e7a54500d",
                    operation="INSERT",
                    pgid="pgtrigger_payout_account_starts_080f3",
                    table="beneficiaries_payout_account",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutaccount",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_account_cools_off",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.cooling_until IS NOT NULL AND NEW.cooling_until IS DISTINCT FROM OLD.cooling_until) OR (NEW.state = 'COOLING' AND OLD.state <> 'COOLING') OR (NEW.state = 'ACTIVE' AND OLD.state <> 'ACTIVE'))",
                    func="\n                    IF (OLD.cooling_until IS NOT NULL AND NEW.cooling_until IS DISTINCT FROM OLD.cooling_until)\n                       OR (NEW.state = 'COOLING' AND OLD.state <> 'COOLING'\n                           AND NEW.cooling_until < portal_now() + interval '71 hours')\n                       OR (NEW.state = 'ACTIVE' AND OLD.state = 'COOLING' AND NEW.cooling_until > portal_now())\n                       OR (NEW.state = 'ACTIVE' AND OLD.state NOT IN ('COOLING', 'SUSPENDED', 'ACTIVE') AND EXISTS (\n                           SELECT 1 FROM beneficiaries_payout_account earlier\n                           WHERE earlier.id = NEW.replaces_id AND earlier.number_index <> NEW.number_index))\n                    THEN\n                        RAISE EXCEPTION 'payout_account_cools_off: %', OLD.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="cb74a80be68a0177fbd36cf0ab5fa851a1a7bf72",
                    operation="UPDATE",
                    pgid="pgtrigger_payout_account_cools_off_3e902",
                    table="beneficiaries_payout_account",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="payoutaccount",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_account_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.payee_id IS DISTINCT FROM NEW.payee_id OR OLD.version IS DISTINCT FROM NEW.version OR OLD.reference IS DISTINCT FROM NEW.reference OR OLD.source IS DISTINCT FROM NEW.source OR OLD.bank_id IS DISTINCT FROM NEW.bank_id OR OLD.number_index IS DISTINCT FROM NEW.number_index OR OLD.number_masked IS DISTINCT FROM NEW.number_masked))",
                    func="RAISE EXCEPTION 'payout_account_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="f0cd951441bcf4a7a6749556b9b313a6812eef54",
                    operation="UPDATE",
                    pgid="pgtrigger_payout_account_frozen_81594",
                    table="beneficiaries_payout_account",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="entitlement",
            trigger=pgtrigger.compiler.Trigger(
                name="entitlement_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['ACTIVE>ENDED', 'ACTIVE>SUSPENDED', 'DRAFT>ACTIVE', 'DRAFT>ENDED', 'SUSPENDED>ACTIVE', 'SUSPENDED>ENDED']))",
                    func="RAISE EXCEPTION 'entitlement_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="18c26e5949b7198a32b93acfa13f13cf50cd1d94",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_entitlement_moves_8d554",
                    table="beneficiaries_entitlement",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="entitlement",
            trigger=pgtrigger.compiler.Trigger(
                name="entitlement_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['ACTIVE', 'DRAFT']))",
                    func="RAISE EXCEPTION 'entitlement_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="3c1b7990a1b186334cce148345580ee9e2b09d30",
                    operation="INSERT",
                    pgid="pgtrigger_entitlement_starts_1775b",
                    table="beneficiaries_entitlement",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="paymentway",
            trigger=pgtrigger.compiler.Trigger(
                name="beneficiaries_payment_way_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e915492d580268fc8596b55fe3088d43b736f593",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_beneficiaries_payment_way_append_only_aa7e5",
                    table="beneficiaries_payment_way",
                    when="BEFORE",
                ),
            ),
        ),
        AddTrigger(
            model_name="paymentway",
            trigger=pgtrigger.compiler.Trigger(
                name="beneficiaries_payment_way_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: beneficiaries_payment_way cannot be emptied';",
                    hash="13ce9f1ffc03766c84b9d71c9a91d4f8afe1ae6c",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_beneficiaries_payment_way_no_truncate_7d067",
                    table="beneficiaries_payment_way",
                    when="BEFORE",
                ),
            ),
        ),
    ]
