"""What was paid in error and is taken back: a dated decision with its total, of which each month gives at most so much.

How much has come back is counted by the database, in the row itself: by lines that stand in a list, by papers of money handed
back. A line whose transfer did not pay stops counting, so nobody repays what he has not received.
"""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models import Entitlement
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from payments.models.second_person import RecordedThenDecided, decided_by_second_person
from payments.models.visible import UnitQuerySet
from payments.states import RECOVERY_MOVES, RecoveryBasis, RecoveryState


class RecoveryQuerySet(UnitQuerySet["Recovery"]):
    """Recoveries of the units whose entitlements they are about."""

    unit_path = "entitlement__unit"


class Recovery(RecordedThenDecided):
    """A decision, or a person's own written consent, to take back `total_amount` that one entitlement was paid in error."""

    entitlement = models.ForeignKey(Entitlement, on_delete=models.PROTECT, related_name="recoveries")
    basis = models.CharField(_("căn cứ"), max_length=10, choices=RecoveryBasis)
    number = models.CharField(_("số văn bản"), max_length=60)
    paper_date = models.DateField(_("ngày văn bản"))
    total_amount = models.BigIntegerField(_("tổng số tiền phải thu"))
    monthly_amount = models.BigIntegerField(_("mỗi tháng trừ nhiều nhất"))
    first_period = models.DateField(_("trừ từ kỳ"), help_text="first day of the month")
    recovered_amount = models.BigIntegerField(default=0, db_default=0)
    state = models.CharField(max_length=10, choices=RecoveryState, default=RecoveryState.RECORDED)

    objects = RecoveryQuerySet.as_manager()

    class Meta:
        db_table = "payments_recovery"
        constraints = [
            *decided_by_second_person("recovery"),
            models.UniqueConstraint(
                name="recovery_once", fields=["entitlement", "number"], condition=~Q(state="REFUSED")
            ),
            models.CheckConstraint(
                name="recovery_amounts",
                condition=Q(total_amount__gt=0, monthly_amount__gt=0, monthly_amount__lte=F("total_amount")),
            ),
            models.CheckConstraint(
                name="recovery_never_more_than_total",
                condition=Q(recovered_amount__gte=0, recovered_amount__lte=F("total_amount")),
            ),
            models.CheckConstraint(
                name="recovery_counted_once_decided",
                condition=Q(recovered_amount=0) | Q(state__in=["CONFIRMED", "STOPPED"]),
            ),
            models.CheckConstraint(name="recovery_first_period_is_month", condition=Q(first_period__day=1)),
        ]
        indexes = [
            models.Index(name="recovery_open", fields=["entitlement"], condition=Q(state="CONFIRMED")),
        ]
        triggers = [
            *only_allowed_moves("recovery", RECOVERY_MOVES, initial=["RECORDED"]),
            frozen_columns(
                "recovery",
                [
                    "entitlement_id",
                    "basis",
                    "number",
                    "paper_date",
                    "total_amount",
                    "monthly_amount",
                    "first_period",
                    "recorded_by_id",
                    "recorded_by_person",
                ],
            ),
            # Depth 0 is a statement of somebody's; deeper are the triggers of lines and papers.
            pgtrigger.Trigger(
                name="recovery_counted_by_lines_and_papers",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("recovered_amount"),
                condition=pgtrigger.Condition(
                    "pg_trigger_depth() = 0 AND OLD.recovered_amount IS DISTINCT FROM NEW.recovered_amount"
                ),
                func="RAISE EXCEPTION 'recovery_counted_by_lines_and_papers' USING ERRCODE = 'check_violation';",
            ),
            pgtrigger.Trigger(
                name="recovery_stopped_by_two",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("NEW.state = 'STOPPED' AND OLD.state <> 'STOPPED'"),
                func="""
                    IF NOT EXISTS (SELECT 1 FROM payments_proposal WHERE kind = 'STOP_RECOVERY' AND state = 'CONFIRMED'
                                   AND subject_kind = 'recovery' AND subject_id = NEW.id)
                    THEN
                        RAISE EXCEPTION 'recovery_stopped_by_two: %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Protect(name="recovery_kept", operation=pgtrigger.Delete),
        ]
        verbose_name = _("khoản phải thu hồi")
        verbose_name_plural = _("khoản phải thu hồi")

    def __str__(self) -> str:
        return f"{self.number} {self.total_amount}"

    @property
    def remaining_amount(self) -> int:
        """What is still to come back."""
        return self.total_amount - self.recovered_amount


# On a list's lines: what a recovery line takes is counted while the line is live, and must be what the decision allows.
COUNTED_BY_LINES = [
    pgtrigger.Trigger(
        name="payout_line_recovery_as_decided",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("NEW.kind = 'RECOVERY' AND NEW.live"),
        func="""
            UPDATE payments_recovery SET recovered_amount = recovered_amount - NEW.amount
            WHERE id = NEW.recovery_id AND entitlement_id = NEW.entitlement_id AND state = 'CONFIRMED'
              AND -NEW.amount <= monthly_amount AND first_period <= NEW.period;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'payout_line_recovery_as_decided: line %', NEW.id USING ERRCODE = 'check_violation';
            END IF;
            RETURN NULL;
        """,
    ),
    pgtrigger.Trigger(
        name="payout_line_recovery_given_up",
        when=pgtrigger.After,
        operation=pgtrigger.Update | pgtrigger.Delete,
        condition=pgtrigger.Condition("OLD.kind = 'RECOVERY' AND OLD.live"),
        func="""
            IF TG_OP = 'DELETE' OR NOT NEW.live THEN
                UPDATE payments_recovery SET recovered_amount = recovered_amount + OLD.amount WHERE id = OLD.recovery_id;
            END IF;
            RETURN NULL;
        """,
    ),
]
