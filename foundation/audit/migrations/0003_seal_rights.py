"""The app role gives places and heads and reads them, nothing else."""

from django.db import migrations

from foundation.audit.protection import revoke_changes


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_seal")]

    operations = [revoke_changes("audit_sealed_event"), revoke_changes("audit_tree_head")]
