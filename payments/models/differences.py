"""Where our books, the bank's answers and its statement do not agree: a row for people, with an owner and a time until when.

A difference is raised once for what it is about (`subject_key`), however often a statement is imported. Two persons close it;
the system only where the statement itself proves that it is over.
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from foundation.audit.protection import append_only
from foundation.reference.models import Unit
from payments.models.batches import PayoutBatch
from payments.models.funds import Fund
from payments.models.proposals import Proposal
from payments.models.statements import Statement, StatementEntry
from payments.models.transfers import Transfer
from payments.models.visible import UnitQuerySet
from payments.statement_states import DIFFERENCE_MOVES, DifferenceKind, DifferenceOutcome, DifferenceState


class ReconciliationDifference(models.Model):
    """One thing that does not agree. `owner` is who took it over; until then it is the unit's accountants'."""

    kind = models.CharField(max_length=20, choices=DifferenceKind)
    subject_key = models.CharField(
        max_length=100, help_text="what it is about: entry:7, transfer:9, statement:3, day:…"
    )
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, help_text="empty: the whole city")
    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    batch = models.ForeignKey(
        PayoutBatch, on_delete=models.PROTECT, null=True, related_name="differences", db_index=False
    )
    account = models.CharField(max_length=34)
    day = models.DateField(_("ngày"))
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, null=True, related_name="differences", db_index=False
    )
    entry = models.ForeignKey(StatementEntry, on_delete=models.PROTECT, null=True, related_name="differences")
    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, null=True, related_name="differences")
    expected_amount = models.BigIntegerField(null=True, help_text="by our books")
    found_amount = models.BigIntegerField(null=True, help_text="by the statement")
    details = models.JSONField(default=dict, db_default={}, help_text="facts as codes, never a personal number")
    raised_at = models.DateTimeField(db_default=PortalNow())
    due_at = models.DateTimeField()
    owner = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    taken_at = models.DateTimeField(null=True)
    state = models.CharField(
        max_length=6, choices=DifferenceState, default=DifferenceState.OPEN, db_default=DifferenceState.OPEN
    )
    outcome = models.CharField(max_length=10, choices=DifferenceOutcome, blank=True, db_default="")
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, null=True, related_name="difference")
    closed_at = models.DateTimeField(null=True)

    objects = UnitQuerySet.as_manager()

    class Meta:
        db_table = "payments_difference"
        constraints = [
            models.UniqueConstraint(name="difference_once", fields=["kind", "subject_key"]),
            models.CheckConstraint(
                name="difference_taken_by_somebody",
                condition=Q(owner=None, taken_at=None) | Q(owner__isnull=False, taken_at__isnull=False),
            ),
            models.CheckConstraint(
                name="difference_closed_with_an_outcome",
                condition=Q(state="OPEN", closed_at=None, outcome="", proposal=None)
                | Q(state="CLOSED", closed_at__isnull=False) & ~Q(outcome=""),
            ),
        ]
        indexes = [
            models.Index(name="difference_open", fields=["due_at", "id"], condition=Q(state="OPEN")),
            models.Index(name="difference_batch", fields=["batch", "id"], condition=Q(batch__isnull=False)),
            models.Index(name="difference_day", fields=["account", "day"]),
        ]
        triggers = [
            *only_allowed_moves("difference", DIFFERENCE_MOVES, initial=["OPEN"]),
            frozen_columns(
                "difference",
                [
                    "kind",
                    "subject_key",
                    "unit_id",
                    "fund_id",
                    "batch_id",
                    "account",
                    "day",
                    "statement_id",
                    "entry_id",
                    "transfer_id",
                    "expected_amount",
                    "found_amount",
                    "details",
                    "raised_at",
                    "due_at",
                ],
            ),
            frozen_columns(
                "difference_decision", ["outcome", "proposal_id", "closed_at"], when="OLD.state = 'CLOSED'"
            ),
            # Two persons, or what the rows show: found in a later statement, replaced by a later version, or the payment that a
            # statement debited is held as paid since.
            pgtrigger.Trigger(
                name="difference_closed_with_proof",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("OLD.state = 'OPEN' AND NEW.state = 'CLOSED'"),
                func="""
                    IF NOT (CASE NEW.outcome
                        WHEN 'FOUND' THEN NEW.kind IN ('MISSING_IN_STATEMENT', 'RETURN_MISSING') AND EXISTS (
                            SELECT 1 FROM payments_statement_entry WHERE transfer_id = NEW.transfer_id
                            AND direction = CASE NEW.kind WHEN 'RETURN_MISSING' THEN 'CRDT' ELSE 'DBIT' END
                            AND superseded_by_id IS NULL)
                        WHEN 'REPLACED' THEN NEW.kind NOT IN ('VANISHED', 'CHANGED') AND (
                            EXISTS (SELECT 1 FROM payments_statement_entry
                                    WHERE id = NEW.entry_id AND superseded_by_id IS NOT NULL)
                            OR NEW.entry_id IS NULL AND EXISTS (
                                SELECT 1 FROM payments_statement former JOIN payments_statement later
                                    ON later.account = former.account AND later.day = former.day
                                    AND later.version > former.version
                                WHERE former.id = NEW.statement_id))
                        WHEN 'PAID' THEN NEW.kind = 'STATE' AND EXISTS (
                            SELECT 1 FROM payments_transfer WHERE id = NEW.transfer_id AND state IN ('SETTLED', 'RETURNED'))
                        ELSE EXISTS (
                            SELECT 1 FROM payments_proposal WHERE id = NEW.proposal_id AND state = 'CONFIRMED'
                            AND kind = 'DECIDE_DIFFERENCE' AND subject_kind = 'difference' AND subject_id = NEW.id
                            AND outcome = NEW.outcome)
                        END)
                    THEN
                        RAISE EXCEPTION 'difference_closed_with_proof: %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Protect(name="difference_kept", operation=pgtrigger.Delete),
        ]
        verbose_name = _("chênh lệch đối soát")
        verbose_name_plural = _("chênh lệch đối soát")

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_key}"


class DifferenceComment(models.Model):
    """What somebody found out about a difference. Never changed."""

    difference = models.ForeignKey(ReconciliationDifference, on_delete=models.PROTECT, related_name="comments")
    text = models.CharField(_("ghi chú"), max_length=300)
    written_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "payments_difference_comment"
        triggers = append_only("payments_difference_comment")
        verbose_name = _("ghi chú")
        verbose_name_plural = _("ghi chú")

    def __str__(self) -> str:
        return self.text
