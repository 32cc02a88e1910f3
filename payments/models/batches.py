"""Lists: the payout batch, its approvals, and its lines, which are what the law pays."""

from datetime import date

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models import Entitlement
from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from foundation.audit.protection import append_only
from foundation.audit.ranges import days_in_order
from foundation.reference.models import Unit
from payments.models.funds import Fund
from payments.models.limits import WITHIN_DAILY_LIMIT
from payments.models.visible import UnitQuerySet
from payments.states import (
    BATCH_DEAD,
    BATCH_MOVES,
    BATCH_OPEN_FOR_CHANGE,
    TRANSFER_FREES_LINES,
    BatchKind,
    BatchState,
    ExclusionReason,
    LineKind,
)

FIRST_PERIOD = date(2025, 9, 1)  # the city pays by one standard since then; what was owed before was settled on paper


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


class PayoutBatch(models.Model):
    """The payments of one fund, ward (or the whole city), period and kind; approved whole, by its hash.

    Lines and transfers are made while BUILDING; submitting freezes list, count, sum and hash. A list that comes back is
    dead: its correction is a new version.
    """

    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, related_name="batches")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, help_text="empty: the whole city")
    period = models.DateField(_("kỳ chi trả"), help_text="first day of the month")
    kind = models.CharField(max_length=15, choices=BatchKind)
    sequence = models.PositiveIntegerField(default=1)
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=12, choices=BatchState, default=BatchState.BUILDING)
    requested_execution_date = models.DateField(_("ngày chi"))
    number_of_transactions = models.PositiveIntegerField(_("số khoản"), default=0)
    control_sum = models.BigIntegerField(_("tổng số tiền"), default=0)
    number_of_lines = models.PositiveIntegerField(default=0)
    number_excluded = models.PositiveIntegerField(default=0)
    list_hash = models.BinaryField(max_length=32, null=True)
    approvals_required = models.PositiveSmallIntegerField(null=True)
    prepared_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField(db_default=PortalNow())
    submitted_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    reserved_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    drained_at = models.DateTimeField(null=True)
    held_from = models.CharField(max_length=12, blank=True, help_text="the state to which a release leads back")
    held_reason = models.CharField(max_length=300, blank=True)
    held_by = models.ForeignKey(
        "users.User", models.PROTECT, null=True, related_name="+", help_text="empty: the system"
    )

    objects = UnitQuerySet.as_manager()

    class Meta:
        db_table = "payments_payout_batch"
        constraints = [
            models.CheckConstraint(name="payout_batch_period_is_month", condition=Q(period__day=1)),
            models.UniqueConstraint(
                name="payout_batch_identity",
                fields=["fund", "unit", "period", "kind", "sequence", "version"],
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                name="payout_batch_one_live_regular",
                fields=["fund", "unit", "period"],
                condition=Q(kind=BatchKind.REGULAR) & ~Q(state__in=BATCH_DEAD),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="payout_batch_frozen_when_submitted",
                condition=Q(state__in=[*BATCH_OPEN_FOR_CHANGE, BatchState.WITHDRAWN])
                | Q(
                    list_hash__isnull=False,
                    submitted_by__isnull=False,
                    submitted_at__isnull=False,
                    approvals_required__gte=1,
                    number_of_transactions__gte=1,
                    control_sum__gte=1,
                ),
            ),
            models.CheckConstraint(
                name="payout_batch_held_from_somewhere",
                condition=Q(state="HELD") & ~Q(held_from="") & ~Q(held_reason="")
                | ~Q(state="HELD") & Q(held_from="", held_by__isnull=True),
            ),
        ]
        triggers = [
            *only_allowed_moves("payout_batch", BATCH_MOVES, initial=["BUILDING"]),
            frozen_columns(
                "payout_batch", ["fund_id", "unit_id", "period", "kind", "sequence", "version", "prepared_by_id"]
            ),
            pgtrigger.Trigger(
                name="payout_batch_list_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NOT OLD.state = ANY (ARRAY['BUILDING', 'DRAFT']) AND (OLD.list_hash IS DISTINCT FROM NEW.list_hash "
                    "OR OLD.control_sum IS DISTINCT FROM NEW.control_sum OR OLD.number_of_transactions IS DISTINCT FROM "
                    "NEW.number_of_transactions OR OLD.approvals_required IS DISTINCT FROM NEW.approvals_required "
                    "OR OLD.submitted_by_id IS DISTINCT FROM NEW.submitted_by_id "
                    "OR OLD.requested_execution_date IS DISTINCT FROM NEW.requested_execution_date)"
                ),
                func="RAISE EXCEPTION 'payout_batch_list_frozen: batch % is frozen', OLD.id "
                "USING ERRCODE = 'check_violation';",
            ),
            # The band is read by the database itself, so that nobody can submit with fewer approvers than the rule asks.
            pgtrigger.Trigger(
                name="payout_batch_quorum_of_policy",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("OLD.state = 'DRAFT' AND NEW.state = 'SUBMITTED'"),
                func="""
                    SELECT approvals_required INTO NEW.approvals_required
                    FROM payments_approval_policy
                    WHERE amount_from <= NEW.control_sum AND valid_from <= NEW.submitted_at::date
                      AND (valid_to IS NULL OR valid_to >= NEW.submitted_at::date)
                    ORDER BY amount_from DESC, valid_from DESC LIMIT 1;
                    IF NEW.approvals_required IS NULL THEN
                        RAISE EXCEPTION 'payout_batch_quorum_of_policy: no policy for %', NEW.control_sum
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="payout_batch_approved_by_quorum",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("OLD.state = 'SUBMITTED' AND NEW.state = 'APPROVED'"),
                func="""
                    IF (SELECT count(*) FROM payments_approval
                        WHERE batch_id = NEW.id AND decision = 'APPROVED' AND list_hash = NEW.list_hash)
                        < NEW.approvals_required
                    THEN
                        RAISE EXCEPTION 'payout_batch_approved_by_quorum: batch %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="payout_batch_reserved_in_ledger",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("OLD.state = 'APPROVED' AND NEW.state = 'RESERVED'"),
                func="""
                    IF NOT EXISTS (SELECT 1 FROM payments_ledger_entry WHERE batch_id = NEW.id AND kind = 'RESERVE'
                                   AND amount = NEW.control_sum AND fund_id = NEW.fund_id)
                    THEN
                        RAISE EXCEPTION 'payout_batch_reserved_in_ledger: batch %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # I-14: a batch has run dry when every chunk is done, and the chunks add up to what was approved.
            pgtrigger.Trigger(
                name="payout_batch_drained_adds_up",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("NEW.state = 'DRAINED' AND OLD.state <> 'DRAINED'"),
                func="""
                    IF (SELECT (count(*) FILTER (WHERE state <> 'DONE')::numeric,
                                coalesce(sum(settled_count + rejected_count + returned_count + cancelled_count), 0)::numeric,
                                coalesce(sum(settled_sum + rejected_sum + returned_sum + cancelled_sum), 0))
                        FROM payments_dispatch_chunk WHERE batch_id = NEW.id)
                        IS DISTINCT FROM (0::numeric, NEW.number_of_transactions::numeric, NEW.control_sum::numeric)
                    THEN
                        RAISE EXCEPTION 'payout_batch_drained_adds_up: batch %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
        verbose_name = _("đợt chi trả")
        verbose_name_plural = _("đợt chi trả")

    def __str__(self) -> str:
        return f"{self.fund} {self.period:%m/%Y}"


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
                    IF batch.state <> 'SUBMITTED' OR batch.list_hash IS DISTINCT FROM NEW.list_hash
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
        ]
        indexes = [
            models.Index(name="payout_line_excluded", fields=["batch", "id"], condition=~Q(exclusion_reason="")),
        ]
        triggers = [
            frozen_columns("payout_line", ["batch_id", "entitlement_id", "period", "kind", "amount"]),
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
