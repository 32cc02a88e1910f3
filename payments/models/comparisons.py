"""How a list differs from the one before it: what an approver is shown beside count and sum, kept with the list."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from payments.models.batches import PayoutBatch


class BatchComparison(models.Model):
    """A regular list beside the last one that was paid, counted by payee, in đồng; frozen when the list is submitted.

    A payee whose amount and account both changed is counted under `amount`, under `account`, and once more under `both`, so
    that the parts add up. Without a `former` list everybody is new.
    """

    batch = models.OneToOneField(PayoutBatch, on_delete=models.PROTECT, related_name="comparison")
    former = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    before_count = models.PositiveIntegerField(_("số người kỳ trước"))
    before_sum = models.BigIntegerField()
    after_count = models.PositiveIntegerField(_("số người kỳ này"))
    after_sum = models.BigIntegerField()
    new_count = models.PositiveIntegerField(_("người mới"))
    new_sum = models.BigIntegerField()
    gone_count = models.PositiveIntegerField(_("người thôi nhận"))
    gone_sum = models.BigIntegerField()
    amount_count = models.PositiveIntegerField(_("đổi số tiền"))
    amount_before_sum = models.BigIntegerField()
    amount_after_sum = models.BigIntegerField()
    account_count = models.PositiveIntegerField(_("đổi nơi nhận"))
    account_before_sum = models.BigIntegerField()
    account_after_sum = models.BigIntegerField()
    both_count = models.PositiveIntegerField(_("đổi cả hai"))
    both_before_sum = models.BigIntegerField()
    both_after_sum = models.BigIntegerField()
    unchanged_count = models.PositiveIntegerField(_("không đổi"))
    unchanged_sum = models.BigIntegerField()
    compared_at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "payments_batch_comparison"
        constraints = [
            models.CheckConstraint(
                name="batch_comparison_adds_up",
                condition=Q(
                    before_count=F("gone_count")
                    + F("amount_count")
                    + F("account_count")
                    - F("both_count")
                    + F("unchanged_count"),
                    after_count=F("new_count")
                    + F("amount_count")
                    + F("account_count")
                    - F("both_count")
                    + F("unchanged_count"),
                    before_sum=F("gone_sum")
                    + F("amount_before_sum")
                    + F("account_before_sum")
                    - F("both_before_sum")
                    + F("unchanged_sum"),
                    after_sum=F("new_sum")
                    + F("amount_after_sum")
                    + F("account_after_sum")
                    - F("both_after_sum")
                    + F("unchanged_sum"),
                ),
            ),
            models.CheckConstraint(
                name="batch_comparison_of_two_lists", condition=Q(former=None) | ~Q(former=F("batch"))
            ),
        ]
        triggers = [
            # The share lock waits for whoever is submitting the list, and then sees that it is submitted.
            pgtrigger.Trigger(
                name="batch_comparison_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                declare=[("place", "text")],
                func="""
                    SELECT state INTO place FROM payments_payout_batch
                    WHERE id = coalesce(OLD.batch_id, NEW.batch_id) FOR SHARE;
                    IF place NOT IN ('BUILDING', 'DRAFT') OR (TG_OP = 'UPDATE' AND OLD.batch_id <> NEW.batch_id) THEN
                        RAISE EXCEPTION 'batch_comparison_frozen: batch %', coalesce(OLD.batch_id, NEW.batch_id)
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN coalesce(NEW, OLD);
                """,
            ),
        ]
        verbose_name = _("so sánh với kỳ trước")
        verbose_name_plural = _("so sánh với kỳ trước")

    def __str__(self) -> str:
        return f"{self.batch_id} ← {self.former_id}"
