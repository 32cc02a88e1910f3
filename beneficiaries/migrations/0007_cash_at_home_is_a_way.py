"""Who asked for cash at home is brought it by the payment service from now on: a way like the others."""

from django.db import migrations

CARRY = """
INSERT INTO beneficiaries_payment_way (payee_id, way, delivery, service_code, valid_from, source, reason)
SELECT id, 'PAYMENT_SERVICE', 'HOME', '', (portal_now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, 'FILE', ''
FROM beneficiaries_payee WHERE cash_at_home
"""
BACK = """
UPDATE beneficiaries_payee p SET cash_at_home = true
FROM (SELECT DISTINCT ON (payee_id) payee_id, delivery FROM beneficiaries_payment_way
      ORDER BY payee_id, valid_from DESC, id DESC) AS w
WHERE w.payee_id = p.id AND w.delivery = 'HOME'
"""


class Migration(migrations.Migration):
    dependencies = [("beneficiaries", "0006_payment_way")]

    operations = [migrations.RunSQL(CARRY, BACK)]
