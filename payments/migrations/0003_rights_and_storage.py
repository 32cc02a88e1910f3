"""Rights on the append-only tables, and room on the pages of rows that change often."""

from django.db import migrations

from foundation.audit.protection import revoke_changes

# A transfer is updated some four times within minutes: free room on its page keeps these updates out of the indexes (HOT).
STORAGE = """
ALTER TABLE payments_transfer SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE payments_dispatch_chunk SET (fillfactor = 70);
ALTER TABLE payments_fund_balance SET (fillfactor = 50);
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_initial")]

    operations = [
        revoke_changes("payments_ledger_entry"),
        revoke_changes("payments_approval"),
        revoke_changes("payments_payout_line_move"),
        revoke_changes("payments_transfer_return"),
        revoke_changes("payments_cash_collection"),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
