"""The app role adds rows of lists and results and changes none; a list's hash covers by what delivery the money goes.

Rows without a delivery hash as before, so what was approved before this migration still proves itself.
"""

from django.db import migrations

from foundation.audit.protection import revoke_changes

HASH = """
CREATE OR REPLACE FUNCTION payments_chunk_hash(chunk bigint) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(coalesce(string_agg(
        concat_ws(chr(31), end_to_end_id, route, payee_id, coalesce(payout_account_id, 0), encode(account_fingerprint, 'hex'),
                  creditor_agent, creditor_name, instructed_amount, remittance_information{way}),
        chr(30) ORDER BY id), ''), 'UTF8'))
    FROM payments_transfer WHERE chunk_id = chunk AND state <> 'EXCLUDED'
$$;
"""
WAY = ", CASE WHEN delivery <> '' THEN delivery || payment_way_id END"


class Migration(migrations.Migration):
    dependencies = [("payments", "0011_routes_by_file")]

    operations = [
        revoke_changes("payments_payout_file"),
        revoke_changes("payments_transfer_result"),
        migrations.RunSQL(HASH.replace("{way}", WAY), HASH.replace("{way}", "")),
    ]
