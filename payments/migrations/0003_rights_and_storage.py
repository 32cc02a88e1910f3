"""Rights on the append-only tables, and room on the pages of rows that change often."""

from django.db import migrations

from foundation.audit.protection import revoke_changes

# A transfer is updated some four times within minutes: free room on its page keeps these updates out of the indexes (HOT).
STORAGE = """
ALTER TABLE payments_transfer SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE payments_dispatch_chunk SET (fillfactor = 70);
ALTER TABLE payments_fund_balance SET (fillfactor = 50);
"""


# What is hashed is what decides where money goes, of every transfer in the order of its id. Names hold no control characters
# (foundation.reference.names), so the separators cannot be forged.
CHUNK_HASH = """
CREATE FUNCTION payments_chunk_hash(chunk bigint) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(coalesce(string_agg(
        concat_ws(chr(31), end_to_end_id, route, payee_id, coalesce(payout_account_id, 0), encode(account_fingerprint, 'hex'),
                  creditor_agent, creditor_name, instructed_amount, remittance_information),
        chr(30) ORDER BY id), ''), 'UTF8'))
    FROM payments_transfer WHERE chunk_id = chunk AND state <> 'EXCLUDED'
$$;
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
        migrations.RunSQL(CHUNK_HASH, "DROP FUNCTION payments_chunk_hash(bigint)"),
    ]
