"""I-19: how much one person may approve in a day, alone and with the same partner, summed over all lists, however they are split.

The sums are kept by the database itself, in rows that are locked as they grow: two approvals at the same moment are counted one
after the other.
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.ranges import days_in_order


class ApprovalLimit(models.Model):
    """The city's rule as data: how many đồng a day, from a day on; lists of a ward and of the whole city are counted apart."""

    class Counted(models.TextChoices):
        OFFICER = "OFFICER", _("một người duyệt trong một ngày")
        PAIR = "PAIR", _("một người duyệt và một người trình trong một ngày")

    counted = models.CharField(max_length=7, choices=Counted)
    whole_city = models.BooleanField()
    amount = models.BigIntegerField(_("số tiền"))
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    class Meta:
        db_table = "payments_approval_limit"
        constraints = [
            models.UniqueConstraint(name="approval_limit_once", fields=["counted", "whole_city", "valid_from"]),
            models.CheckConstraint(name="approval_limit_positive", condition=Q(amount__gt=0)),
            days_in_order("approval_limit_dates"),
        ]
        verbose_name = _("hạn mức phê duyệt")
        verbose_name_plural = _("hạn mức phê duyệt")

    def __str__(self) -> str:
        return f"{self.counted}: {self.amount}"


class ApprovalDay(models.Model):
    """What one human has approved on a day of the city: with everybody (no partner), and with each who submitted."""

    day = models.DateField()
    whole_city = models.BooleanField()
    person_fingerprint = models.BinaryField(max_length=32)
    partner_fingerprint = models.BinaryField(max_length=32, help_text="empty: with everybody")
    amount = models.BigIntegerField(_("số tiền"))

    class Meta:
        db_table = "payments_approval_day"
        constraints = [
            models.UniqueConstraint(
                name="approval_day_once", fields=["day", "whole_city", "person_fingerprint", "partner_fingerprint"]
            ),
        ]
        triggers = [
            # Depth 0 is a statement of somebody's; deeper is the approvals' own trigger.
            pgtrigger.Trigger(
                name="approval_day_written_by_approvals",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Insert | pgtrigger.Delete,
                condition=pgtrigger.Condition("pg_trigger_depth() = 0"),
                func="RAISE EXCEPTION 'approval_day_written_by_approvals' USING ERRCODE = 'check_violation';",
            )
        ]
        verbose_name = _("tổng đã duyệt trong ngày")
        verbose_name_plural = _("tổng đã duyệt trong ngày")

    def __str__(self) -> str:
        return f"{self.day}: {self.amount}"


# On each approval: the day's two sums grow, officer first, always in this order, and must stay within what the city allows that
# day. A day without a rule allows nothing.
WITHIN_DAILY_LIMIT = pgtrigger.Trigger(
    name="approval_within_daily_limit",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.decision = 'APPROVED'"),
    declare=[("city", "boolean"), ("submitter", "bytea"), ("today", "date"), ("kind", "text"), ("total", "bigint")],
    func="""
        SELECT b.unit_id IS NULL, u.person_fingerprint, (NEW.decided_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
            INTO city, submitter, today
            FROM payments_payout_batch b JOIN users_user u ON u.id = b.submitted_by_id WHERE b.id = NEW.batch_id;
        FOREACH kind IN ARRAY ARRAY['OFFICER', 'PAIR'] LOOP
            INSERT INTO payments_approval_day AS d (day, whole_city, person_fingerprint, partner_fingerprint, amount)
            VALUES (today, city, NEW.person_fingerprint, CASE kind WHEN 'PAIR' THEN submitter ELSE ''::bytea END, NEW.control_sum)
            ON CONFLICT (day, whole_city, person_fingerprint, partner_fingerprint)
                DO UPDATE SET amount = d.amount + excluded.amount
            RETURNING amount INTO total;
            IF total > coalesce((SELECT l.amount FROM payments_approval_limit l
                                 WHERE l.counted = kind AND l.whole_city = city
                                   AND today BETWEEN l.valid_from AND coalesce(l.valid_to, 'infinity')
                                 ORDER BY l.valid_from DESC LIMIT 1), 0)
            THEN
                RAISE EXCEPTION 'approval_within_daily_limit: % %', kind, total USING ERRCODE = 'check_violation';
            END IF;
        END LOOP;
        RETURN NULL;
    """,
)
