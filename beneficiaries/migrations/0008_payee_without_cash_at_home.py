"""The column has become rows of `payment_way`."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0007_cash_at_home_is_a_way")]

    operations = [migrations.RemoveField(model_name="payee", name="cash_at_home")]
