"""What a restored copy of the database does not know: it is older than what the banks did. Decision: docs/adr/022."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns


class Restore(models.Model):
    """The copy of an earlier moment took the place of the database: what it believes unsent may have been sent since.

    While one has not ended no list starts or goes on, and none is given up; banks are asked meanwhile.
    """

    restored_at = models.DateTimeField(db_default=PortalNow())
    known_until = models.DateTimeField(help_text="the last thing that the copy knows")
    reason = models.CharField(max_length=300)
    batches_held = models.PositiveIntegerField()
    transfers_in_doubt = models.PositiveIntegerField(help_text="believed unsent, asked about before they are sent")
    ended_at = models.DateTimeField(null=True)
    debits_unexplained = models.PositiveIntegerField(
        null=True, help_text="payments in the bank's statements that people took upon themselves"
    )
    end_reason = models.CharField(max_length=300, blank=True, db_default="")

    class Meta:
        db_table = "payments_restore"
        constraints = [
            models.UniqueConstraint(
                name="restore_one_at_a_time", fields=["ended_at"], condition=Q(ended_at=None), nulls_distinct=False
            ),
            models.CheckConstraint(name="restore_knows_the_past", condition=Q(known_until__lte=F("restored_at"))),
            models.CheckConstraint(
                name="restore_ended_with_count",
                condition=Q(ended_at=None, debits_unexplained=None)
                | Q(ended_at__isnull=False, debits_unexplained__isnull=False)
                & (Q(debits_unexplained=0) | ~Q(end_reason="")),
            ),
        ]
        triggers = [
            frozen_columns("restore", ["restored_at", "known_until", "reason", "batches_held", "transfers_in_doubt"]),
            pgtrigger.Trigger(
                name="restore_ended_once",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.ended_at IS NOT NULL"),
                func="RAISE EXCEPTION 'restore_ended_once: %', OLD.id USING ERRCODE = 'check_violation';",
            ),
            pgtrigger.Protect(name="restore_kept", operation=pgtrigger.Delete),
        ]
        verbose_name = _("lần khôi phục dữ liệu")
        verbose_name_plural = _("lần khôi phục dữ liệu")

    def __str__(self) -> str:
        return f"{self.restored_at:%d/%m/%Y %H:%M}"
