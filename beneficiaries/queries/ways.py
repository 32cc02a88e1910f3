"""How a payee wants to be paid on a day, as SQL: said once, for the build, the register's import and the pages."""

from datetime import date

from beneficiaries.models import Payee, PaymentWay

TODAY = "(portal_now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date"

# A join: the newest of a payee's rows that have begun. `{payee}` is his column, `{day}` a parameter or expression.
HOLDING_WAY = """
    LEFT JOIN LATERAL (
        SELECT w.id, w.way, w.delivery, w.source FROM beneficiaries_payment_way w
        WHERE w.payee_id = {payee} AND w.valid_from <= {day}
        ORDER BY w.valid_from DESC, w.id DESC LIMIT 1
    ) AS chosen ON true
"""


def holding_way(*, payee: Payee, day: date) -> PaymentWay | None:
    """The way that holds for a payee on a day; None: he never said, the usual one holds."""
    return payee.payment_ways.filter(valid_from__lte=day).order_by("-valid_from", "-id").first()
