"""Lists: the payout batch."""

from datetime import date

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from foundation.reference.models import Unit
from foundation.users.models import User
from payments.models.funds import Fund
from payments.models.stops import refused_while_stopped
from payments.models.visible import UnitQuerySet
from payments.states import (
    BATCH_DEAD,
    BATCH_MOVES,
    BATCH_OPEN_FOR_CHANGE,
    ROUTES_TO_ACCOUNTS,
    BatchKind,
    BatchState,
    Route,
)

FIRST_PERIOD = date(2025, 9, 1)  # the city pays by one standard since then; what was owed before was settled on paper


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
    accounts_by = models.CharField(
        _("chuyển khoản qua"),
        max_length=15,
        choices=[(route.value, route.label) for route in ROUTES_TO_ACCOUNTS],
        default=Route.GATEWAY,
        db_default=Route.GATEWAY,
    )
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
    reconciled_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    held_from = models.CharField(max_length=12, blank=True, help_text="the state to which a release leads back")
    held_reason = models.CharField(max_length=300, blank=True)
    held_by = models.ForeignKey(
        "users.User", models.PROTECT, null=True, related_name="+", help_text="empty: the system"
    )
    held_at = models.DateTimeField(null=True, help_text="written by the database")

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
                condition=Q(state="HELD", held_at__isnull=False) & ~Q(held_from="") & ~Q(held_reason="")
                | ~Q(state="HELD") & Q(held_from="", held_by__isnull=True, held_at__isnull=True),
            ),
        ]
        triggers = [
            *only_allowed_moves("payout_batch", BATCH_MOVES, initial=["BUILDING"]),
            frozen_columns(
                "payout_batch",
                ["fund_id", "unit_id", "period", "kind", "sequence", "version", "accounts_by", "prepared_by_id"],
            ),
            # A list is of a unit and month that its fund pays for; waits for a closing that is under way.
            pgtrigger.Trigger(
                name="payout_batch_fund_is_open",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    PERFORM 1 FROM payments_fund WHERE id = NEW.fund_id AND is_open AND extract(year FROM NEW.period) <= year
                        AND (unit_id IS NULL OR unit_id = NEW.unit_id) FOR SHARE;
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'payout_batch_fund_is_open: fund %', NEW.fund_id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
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
                    WHERE amount_from <= NEW.control_sum
                      AND valid_from <= (NEW.submitted_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date
                      AND (valid_to IS NULL OR valid_to >= (NEW.submitted_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)
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
            pgtrigger.Trigger(
                name="payout_batch_held_since",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("OLD.state <> NEW.state AND 'HELD' IN (OLD.state, NEW.state)"),
                func="""
                    NEW.held_at := CASE WHEN NEW.state = 'HELD' THEN portal_now() END;
                    RETURN NEW;
                """,
            ),
            # A held list goes on from where it was, and only on the word of two humans that is newer than the hold.
            pgtrigger.Trigger(
                name="payout_batch_released_by_two",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "OLD.state = 'HELD' AND NEW.state IN ('APPROVED', 'RESERVED', 'DISPATCHING')"
                ),
                func="""
                    IF NEW.state <> OLD.held_from OR NOT EXISTS (
                        SELECT 1 FROM payments_proposal
                        WHERE kind = 'RELEASE_BATCH' AND subject_kind = 'batch' AND subject_id = NEW.id
                          AND state = 'CONFIRMED' AND proposed_at >= OLD.held_at)
                    THEN
                        RAISE EXCEPTION 'payout_batch_released_by_two: batch %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="payout_batch_cancelled_by_two",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "OLD.state IN ('APPROVED', 'RESERVED', 'DISPATCHING', 'HELD') AND NEW.state = 'CANCELLING'"
                ),
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM payments_proposal
                        WHERE kind = 'CANCEL_BATCH' AND subject_kind = 'batch' AND subject_id = NEW.id AND state = 'CONFIRMED')
                    THEN
                        RAISE EXCEPTION 'payout_batch_cancelled_by_two: batch %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            refused_while_stopped(
                "payout_batch_not_started_while_stopped",
                pgtrigger.UpdateOf("state"),
                "OLD.state = 'RESERVED' AND NEW.state = 'DISPATCHING'",
            ),
            # A restored copy does not know what was paid since: no list goes on, and none is given up, before that is known.
            pgtrigger.Trigger(
                name="payout_batch_waits_for_restore",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "OLD.state <> NEW.state AND NEW.state IN ('DISPATCHING', 'CANCELLING', 'WITHDRAWN')"
                ),
                func="""
                    IF EXISTS (SELECT 1 FROM payments_restore WHERE ended_at IS NULL) THEN
                        RAISE EXCEPTION 'payout_batch_waits_for_restore: batch %', NEW.id USING ERRCODE = 'check_violation';
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
            # The statement agrees: each payment that left by the gateway stands in a statement, or two persons said why not, and
            # nothing is in dispute. Cash and files have their own proof: the signature, the result file.
            pgtrigger.Trigger(
                name="payout_batch_reconciled_by_statement",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("OLD.state = 'DRAINED' AND NEW.state = 'RECONCILED'"),
                func="""
                    IF EXISTS (SELECT 1 FROM payments_difference WHERE batch_id = NEW.id AND state = 'OPEN')
                        OR EXISTS (
                            SELECT 1 FROM payments_transfer t
                            WHERE t.batch_id = NEW.id AND t.route = 'GATEWAY' AND t.state IN ('SETTLED', 'RETURNED')
                              AND NOT EXISTS (
                                  SELECT 1 FROM payments_statement_entry e WHERE e.transfer_id = t.id
                                  AND e.direction = 'DBIT' AND e.superseded_by_id IS NULL)
                              AND NOT EXISTS (
                                  SELECT 1 FROM payments_difference d WHERE d.transfer_id = t.id AND d.state = 'CLOSED'
                                  AND d.kind IN ('MISSING_IN_STATEMENT', 'VANISHED')))
                    THEN
                        RAISE EXCEPTION 'payout_batch_reconciled_by_statement: batch %', NEW.id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # What is closed adds up by count and by sum, from the transfers themselves, and its figures are sealed in the trail.
            pgtrigger.Trigger(
                name="payout_batch_closed_adds_up",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("OLD.state = 'RECONCILED' AND NEW.state = 'CLOSED'"),
                func="""
                    IF (SELECT (count(*) FILTER (WHERE state NOT IN ('SETTLED', 'REJECTED', 'RETURNED', 'CANCELLED')),
                                count(*), coalesce(sum(instructed_amount), 0))
                        FROM payments_transfer WHERE batch_id = NEW.id AND state <> 'EXCLUDED')
                        IS DISTINCT FROM (0::bigint, NEW.number_of_transactions::bigint, NEW.control_sum::numeric)
                        OR NOT EXISTS (
                            SELECT 1 FROM audit_event a JOIN audit_sealed_event s ON s.event_id = a.id
                            WHERE a.subject_kind = 'batch' AND a.subject_id = NEW.id::text AND a.kind = 'batch.reconciled')
                    THEN
                        RAISE EXCEPTION 'payout_batch_closed_adds_up: batch %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
        verbose_name = _("đợt chi trả")
        verbose_name_plural = _("đợt chi trả")

    def __str__(self) -> str:
        return f"{self.fund} {self.period:%m/%Y}"

    def is_list_of(self, user: User) -> bool:
        """Whether this user, counted as a human, prepared or submitted the list: he neither approves it nor lets it go on."""
        hands = (self.prepared_by, self.submitted_by)
        return any(user.is_human_of(hand.person_fingerprint) for hand in hands if hand is not None)
