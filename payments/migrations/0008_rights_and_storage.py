"""Rights on the append-only tables, and room on the pages of rows that change often."""

from django.db import migrations

from foundation.audit.protection import revoke_changes

APPEND_ONLY = (
    "payments_ledger_entry",
    "payments_approval",
    "payments_payout_line_move",
    "payments_transfer_return",
    "payments_cash_collection",
    "payments_evidence_file",
    "payments_payout_file",
    "payments_transfer_result",
    "payments_statement",
    "payments_batch_adjustment",
    "payments_difference_comment",
    "payments_verification_run",
    "payments_verification_result",
)

# What the bank said is written once; only what was found out about it is added later.
STATEMENTS = """
REVOKE UPDATE, DELETE, TRUNCATE ON payments_statement_entry FROM welfare_app;
GRANT UPDATE (transfer_id, matched_how, applied_at, superseded_by_id) ON payments_statement_entry TO welfare_app;
REVOKE UPDATE, TRUNCATE ON payments_statement_file_part FROM welfare_app;
REVOKE DELETE, TRUNCATE ON payments_statement_file FROM welfare_app;
REVOKE DELETE, TRUNCATE ON payments_difference FROM welfare_app;
"""

# A transfer is updated some four times within minutes: free room on its page keeps these updates out of the indexes (HOT).
STORAGE = """
ALTER TABLE payments_transfer SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE payments_dispatch_chunk SET (fillfactor = 70);
ALTER TABLE payments_fund_balance SET (fillfactor = 50);
ALTER TABLE payments_statement_draft_line SET (autovacuum_vacuum_scale_factor = 0.02);
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_rules_of_proof")]

    operations = [
        *map(revoke_changes, APPEND_ONLY),
        migrations.RunSQL(STATEMENTS, migrations.RunSQL.noop),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
