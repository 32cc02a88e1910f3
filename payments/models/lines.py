"""What the law pays: the lines of a list, and where each was before."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models import Entitlement
from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns
from foundation.audit.protection import append_only
from payments.models.batches import PayoutBatch
from payments.models.disputes import disputed
from payments.models.recoveries import COUNTED_BY_LINES, Recovery
from payments.states import (
    TRANSFER_FREES_LINES,
    ExclusionReason,
    LineKind,
)


class PayoutLine(models.Model):
    """One signed amount for one entitlement, period and kind; what the law pays. Unique while live.

    `transfer` is the transfer that carries it now. When that one ended without the money reaching the payee, the line is
    free for a new transfer in a new batch; where it was before is kept in `PayoutLineMove`.
    """

    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="lines", db_index=False)
    entitlement = models.ForeignKey(Entitlement, on_delete=models.PROTECT, related_name="lines", db_index=False)
    period = models.DateField()
    kind = models.CharField(max_length=10, choices=LineKind)
    amount = models.BigIntegerField()
    live = models.BooleanField(default=True, db_default=True)
    exclusion_reason = models.CharField(max_length=30, choices=ExclusionReason, blank=True, db_default="")
    transfer = models.ForeignKey("Transfer", on_delete=models.PROTECT, null=True, related_name="lines")
    recovery = models.ForeignKey(Recovery, on_delete=models.PROTECT, null=True, related_name="lines", db_index=False)

    class Meta:
        db_table = "payments_payout_line"
        constraints = [
            models.UniqueConstraint(
                name="payout_line_once_while_live", fields=["entitlement", "period", "kind"], condition=Q(live=True)
            ),
            models.CheckConstraint(name="payout_line_period_is_month", condition=Q(period__day=1)),
            models.CheckConstraint(
                name="payout_line_paid_or_excluded",
                condition=Q(live=True, exclusion_reason="", transfer__isnull=False) | Q(live=False),
            ),
            models.CheckConstraint(
                name="payout_line_sign_of_kind",
                condition=Q(kind=LineKind.RECOVERY, amount__lt=0)
                | (~Q(kind=LineKind.RECOVERY) & Q(amount__gt=0))
                | (Q(live=False, amount=0) & ~Q(exclusion_reason="")),
            ),
            models.CheckConstraint(
                name="payout_line_recovers_by_decision",
                condition=Q(kind=LineKind.RECOVERY, recovery__isnull=False)
                | (~Q(kind=LineKind.RECOVERY) & Q(recovery=None)),
            ),
        ]
        indexes = [
            models.Index(name="payout_line_excluded", fields=["batch", "id"], condition=~Q(exclusion_reason="")),
            models.Index(name="payout_line_recovery", fields=["recovery"], condition=Q(recovery__isnull=False)),
        ]
        triggers = [
            *COUNTED_BY_LINES,
            frozen_columns("payout_line", ["batch_id", "entitlement_id", "period", "kind", "amount", "recovery_id"]),
            # I-2: a line leaves its transfer only when that one has ended without paying.
            pgtrigger.Trigger(
                name="payout_line_one_live_transfer",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.transfer_id IS DISTINCT FROM NEW.transfer_id OR OLD.live IS DISTINCT FROM NEW.live"
                ),
                func=f"""
                    IF NOT OLD.live AND NEW.live THEN
                        RAISE EXCEPTION 'payout_line_one_live_transfer: line % cannot come back', OLD.id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    IF OLD.transfer_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM payments_transfer WHERE id = OLD.transfer_id
                        AND state IN ({", ".join(f"'{s}'" for s in TRANSFER_FREES_LINES)}))
                    THEN
                        RAISE EXCEPTION 'payout_line_one_live_transfer: line % is being paid', OLD.id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    -- Shared locks: who says that one of these was paid waits, or is waited for.
                    IF OLD.transfer_id IS DISTINCT FROM NEW.transfer_id AND EXISTS (
                        SELECT 1 FROM (
                            SELECT former.id, {disputed("former")} AS is_disputed FROM payments_transfer former
                            WHERE former.id IN (
                                SELECT OLD.transfer_id
                                UNION ALL SELECT from_transfer_id FROM payments_payout_line_move WHERE line_id = OLD.id)
                            ORDER BY former.id FOR SHARE) AS been
                        WHERE is_disputed AND been.id IS DISTINCT FROM NEW.transfer_id)
                    THEN
                        RAISE EXCEPTION 'payout_line_one_live_transfer: line % may have been paid', OLD.id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    IF OLD.transfer_id IS NOT NULL AND OLD.transfer_id IS DISTINCT FROM NEW.transfer_id THEN
                        INSERT INTO payments_payout_line_move (line_id, from_transfer_id, to_transfer_id, at)
                        VALUES (OLD.id, OLD.transfer_id, NEW.transfer_id, portal_now());
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="payout_line_deleted_while_draft",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func="""
                    IF (SELECT state FROM payments_payout_batch WHERE id = OLD.batch_id) NOT IN ('BUILDING', 'DRAFT') THEN
                        RAISE EXCEPTION 'payout_line_deleted_while_draft: line %', OLD.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN OLD;
                """,
            ),
            pgtrigger.Trigger(
                name="payout_line_added_while_building",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                func="""
                    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT batch_id FROM added) AS a
                               JOIN payments_payout_batch b ON b.id = a.batch_id WHERE b.state <> 'BUILDING')
                    THEN
                        RAISE EXCEPTION 'payout_line_added_while_building' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]
        verbose_name = _("khoản hưởng")
        verbose_name_plural = _("khoản hưởng")

    def __str__(self) -> str:
        return f"{self.kind} {self.period:%m/%Y} {self.amount}"


class PayoutLineMove(models.Model):
    """Where a line was before: written by the database when a line passes to a new transfer."""

    line = models.ForeignKey(PayoutLine, on_delete=models.PROTECT, related_name="moves")
    from_transfer = models.ForeignKey("Transfer", on_delete=models.PROTECT, related_name="lines_gone")
    to_transfer = models.ForeignKey("Transfer", on_delete=models.PROTECT, null=True, related_name="lines_come")
    at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "payments_payout_line_move"
        triggers = append_only("payments_payout_line_move")

    def __str__(self) -> str:
        return f"{self.line_id}: {self.from_transfer_id} → {self.to_transfer_id}"
