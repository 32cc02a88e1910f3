"""Who decided on a list, and how many must: approvals over its hash, and the city's rule as data."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.protection import append_only
from foundation.audit.ranges import days_in_order
from payments.models.batches import PayoutBatch
from payments.models.limits import WITHIN_DAILY_LIMIT


class ApprovalPolicy(models.Model):
    """How many approvers a list of a given total needs, from a day on: the city's rule as data."""

    amount_from = models.BigIntegerField(_("từ số tiền"))
    approvals_required = models.PositiveSmallIntegerField(_("số người duyệt"))
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    class Meta:
        db_table = "payments_approval_policy"
        constraints = [
            models.CheckConstraint(name="approval_policy_asks_for_somebody", condition=Q(approvals_required__gte=1)),
            models.UniqueConstraint(name="approval_policy_band", fields=["amount_from", "valid_from"]),
            days_in_order("approval_policy_dates"),
        ]
        verbose_name = _("mức phê duyệt")
        verbose_name_plural = _("mức phê duyệt")

    def __str__(self) -> str:
        return f"{self.amount_from}: {self.approvals_required}"


class Approval(models.Model):
    """One person's decision on one frozen list, over its hash, count and sum. Never changed."""

    class Decision(models.TextChoices):
        APPROVED = "APPROVED", _("Phê duyệt")
        REJECTED = "REJECTED", _("Trả lại")

    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="approvals")
    decision = models.CharField(max_length=10, choices=Decision)
    decided_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    person_fingerprint = models.BinaryField(max_length=32)
    role_assignment = models.ForeignKey("users.RoleAssignment", on_delete=models.PROTECT, related_name="+")
    list_hash = models.BinaryField(max_length=32)
    number_of_transactions = models.PositiveIntegerField()
    control_sum = models.BigIntegerField()
    reason = models.CharField(_("lý do"), max_length=500, blank=True)
    decided_at = models.DateTimeField(db_default=PortalNow())
    opened_at = models.DateTimeField(
        null=True, help_text="when the decider's page of this list was opened; empty: unknown"
    )

    class Meta:
        db_table = "payments_approval"
        constraints = [
            models.UniqueConstraint(name="approval_one_per_person", fields=["batch", "person_fingerprint"]),
            models.CheckConstraint(
                name="approval_rejection_has_reason", condition=~Q(decision="REJECTED") | ~Q(reason="")
            ),
        ]
        triggers = [
            *append_only("payments_approval"),
            WITHIN_DAILY_LIMIT,
            pgtrigger.Trigger(
                name="approval_by_another_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("batch", "payments_payout_batch"), ("held", "users_role_assignment"), ("own", "bytea")],
                func="""
                    SELECT * INTO batch FROM payments_payout_batch WHERE id = NEW.batch_id;
                    IF NOT (batch.state = 'SUBMITTED' OR (batch.state = 'HELD' AND NEW.decision = 'APPROVED'))
                        OR batch.list_hash IS DISTINCT FROM NEW.list_hash
                        OR batch.control_sum <> NEW.control_sum OR batch.number_of_transactions <> NEW.number_of_transactions
                    THEN
                        RAISE EXCEPTION 'approval_of_the_frozen_list: batch %', NEW.batch_id USING ERRCODE = 'check_violation';
                    END IF;
                    SELECT person_fingerprint INTO own FROM users_user WHERE id = NEW.decided_by_id AND is_active;
                    IF own IS DISTINCT FROM NEW.person_fingerprint OR EXISTS (
                        SELECT 1 FROM users_user
                        WHERE id IN (batch.prepared_by_id, batch.submitted_by_id) AND person_fingerprint = own)
                    THEN
                        RAISE EXCEPTION 'approval_by_another_person: batch %', NEW.batch_id USING ERRCODE = 'check_violation';
                    END IF;
                    SELECT * INTO held FROM users_role_assignment WHERE id = NEW.role_assignment_id;
                    IF held.user_id <> NEW.decided_by_id OR held.role <> 'APPROVER'
                        OR (held.unit_id IS NOT NULL AND held.unit_id IS DISTINCT FROM batch.unit_id)
                        OR NOT (NEW.decided_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
                               BETWEEN held.valid_from AND coalesce(held.valid_to, 'infinity')
                    THEN
                        RAISE EXCEPTION 'approval_within_authority: batch %', NEW.batch_id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
        verbose_name = _("quyết định duyệt")
        verbose_name_plural = _("quyết định duyệt")

    def __str__(self) -> str:
        return f"{self.decision} {self.batch_id}"
