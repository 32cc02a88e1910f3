"""The app role adds rows to the append-only tables and reads them, nothing else."""

from django.db import migrations

from foundation.audit.protection import revoke_changes

APPEND_ONLY = ("beneficiaries_consent", "beneficiaries_register_import_file", "beneficiaries_payment_way")


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0002_rules")]

    operations = [*map(revoke_changes, APPEND_ONLY)]
