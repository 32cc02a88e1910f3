"""The app role adds rows to the append-only tables and reads them, nothing else."""

from django.db import migrations

from foundation.audit.protection import revoke_changes


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0002_initial")]

    operations = [revoke_changes("beneficiaries_consent"), revoke_changes("beneficiaries_register_import_file")]
