"""Which banks the gateway reaches, from the file."""

from django.db import migrations

from foundation.reference import loading


def load(apps, schema_editor):
    loading.load_banks(apps.get_model("reference", "Bank"))


class Migration(migrations.Migration):
    dependencies = [("reference", "0003_bank_by_gateway")]
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
