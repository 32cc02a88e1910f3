"""What rules and operations ask of the database: is everything stopped, what does a list say; and one fund for a programme."""

from django.db import migrations

# The one question of the gate: it takes the lock that a stop waits for, then looks with a fresh snapshot.
IS_STOPPED = """
CREATE FUNCTION payments_are_stopped() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7714001);
    RETURN EXISTS (SELECT 1 FROM payments_stop WHERE resumed_at IS NULL);
END $$;
"""

# What is hashed is what decides where money goes, and by what delivery, of every transfer in the order of its id. Names hold
# no control characters (foundation.reference.names), so the separators cannot be forged.
CHUNK_HASH = """
CREATE FUNCTION payments_chunk_hash(chunk bigint) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(coalesce(string_agg(
        concat_ws(chr(31), end_to_end_id, route, payee_id, coalesce(payout_account_id, 0), encode(account_fingerprint, 'hex'),
                  creditor_agent, creditor_name, instructed_amount, remittance_information, CASE WHEN delivery <> '' THEN delivery || payment_way_id END),
        chr(30) ORDER BY id), ''), 'UTF8'))
    FROM payments_transfer WHERE chunk_id = chunk AND state <> 'EXCLUDED'
$$;
"""

# Within a unit, year and budget code a programme has one open fund. Waits for whoever is giving out programmes of the same code.
PROGRAMME_ONCE = """
CREATE FUNCTION payments_fund_programme_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mine payments_fund%ROWTYPE;
BEGIN
    SELECT * INTO mine FROM payments_fund WHERE id = NEW.fund_id;
    PERFORM 1 FROM payments_fund WHERE year = mine.year AND budget_code = mine.budget_code ORDER BY id FOR NO KEY UPDATE;
    IF mine.is_open AND EXISTS (
        SELECT 1 FROM payments_fund f JOIN payments_fund_programmes p ON p.fund_id = f.id
        WHERE f.id <> mine.id AND f.is_open AND f.year = mine.year AND f.budget_code = mine.budget_code
          AND f.unit_id IS NOT DISTINCT FROM mine.unit_id AND p.programme_id = NEW.programme_id)
    THEN
        RAISE EXCEPTION 'fund_programme_once: programme % of fund %', NEW.programme_id, NEW.fund_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fund_programme_once BEFORE INSERT OR UPDATE ON payments_fund_programmes
    FOR EACH ROW EXECUTE FUNCTION payments_fund_programme_once();
"""
NOT_ONCE = """
DROP TRIGGER fund_programme_once ON payments_fund_programmes;
DROP FUNCTION payments_fund_programme_once();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    operations = [
        migrations.RunSQL(IS_STOPPED, "DROP FUNCTION payments_are_stopped()"),
        migrations.RunSQL(CHUNK_HASH, "DROP FUNCTION payments_chunk_hash(bigint)"),
        migrations.RunSQL(PROGRAMME_ONCE, NOT_ONCE),
    ]
