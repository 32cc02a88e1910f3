"""The tables that other rooms point at are filled with the schema: a portal without units and banks can do nothing."""

from django.db import migrations

from foundation.reference import loading


def load(apps, schema_editor):
    loading.load_units(apps.get_model("reference", "Unit"))
    loading.load_banks(apps.get_model("reference", "Bank"))
    loading.load_identity_prefixes(apps.get_model("reference", "IdentityPrefix"))
    loading.load_holidays(apps.get_model("reference", "Holiday"))
    loading.load_unit_aliases(apps.get_model("reference", "UnitAlias"))


class Migration(migrations.Migration):
    dependencies = [("reference", "0001_initial")]
    # Going back leaves the rows: they go with their tables, and others may point at them until then.
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
