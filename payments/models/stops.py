"""The stop of all sending in the city: one row a stop, open until two persons of the whole city resume it."""

from typing import Any

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns
from payments.models.proposals import Proposal

# Whoever stops takes this lock alone, whoever sends shares it until his commit: when the stop is committed, every claim before it
# is committed too and every later one sees it. A queue of PostgreSQL's own, so that busy workers cannot keep a stop waiting.
GATE = 7_714_001


def refused_while_stopped(name: str, operation: Any, condition: str) -> pgtrigger.Trigger:
    """A trigger that lets nothing new go out while the city's payments are stopped."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=operation,
        condition=pgtrigger.Condition(condition),
        func=f"""
            IF payments_are_stopped() THEN
                RAISE EXCEPTION '{name}' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        """,
    )


class PaymentsStop(models.Model):
    """Nothing new is sent, handed over or started in the city, from `stopped_at` until it is resumed. Kept as history.

    What is with banks already is still asked about and settled.
    """

    stopped_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    stopped_at = models.DateTimeField(db_default=PortalNow())
    reason = models.CharField(_("lý do"), max_length=300)
    resumed_at = models.DateTimeField(null=True)
    resumed_with = models.OneToOneField(Proposal, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "payments_stop"
        constraints = [
            models.UniqueConstraint(
                name="payments_stop_one_open",
                fields=["resumed_at"],
                condition=Q(resumed_at__isnull=True),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="payments_stop_resumed_with_proposal",
                condition=Q(resumed_at=None, resumed_with=None)
                | Q(resumed_at__isnull=False, resumed_with__isnull=False),
            ),
            models.CheckConstraint(name="payments_stop_has_reason", condition=~Q(reason="")),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="payments_stop_waits_for_claims",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=f"PERFORM pg_advisory_xact_lock({GATE}); RETURN NEW;",
            ),
            frozen_columns("payments_stop", ["stopped_by_id", "stopped_at", "reason"]),
            frozen_columns("payments_stop_over", ["resumed_at", "resumed_with_id"], when="OLD.resumed_at IS NOT NULL"),
            pgtrigger.Trigger(
                name="payments_stop_resumed_by_two",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.resumed_at IS NULL AND NEW.resumed_at IS NOT NULL"),
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM payments_proposal
                        WHERE id = NEW.resumed_with_id AND kind = 'RESUME_PAYMENTS' AND subject_kind = 'stop'
                          AND subject_id = NEW.id AND state = 'CONFIRMED')
                    THEN
                        RAISE EXCEPTION 'payments_stop_resumed_by_two: stop %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Protect(name="payments_stop_kept", operation=pgtrigger.Delete),
        ]
        verbose_name = _("lần dừng chi trả toàn thành phố")
        verbose_name_plural = _("lần dừng chi trả toàn thành phố")

    def __str__(self) -> str:
        return f"{self.stopped_at:%d/%m/%Y %H:%M}"
