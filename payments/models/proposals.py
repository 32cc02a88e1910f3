"""What one person proposes and another decides, with the papers that speak for it: one table for every such act.

An act that needs two persons asks here for a confirmed proposal of its own kind and subject; its trigger does so as well.
"""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from foundation.audit.protection import append_only
from foundation.reference.models import Unit
from payments.models.visible import UnitQuerySet
from payments.states import PROPOSAL_MOVES, ProposalKind, ProposalState


class EvidenceFile(models.Model):
    """A paper that was handed in with a proposal, encrypted (context "evidence_file.content", row id = pk). Never changed."""

    name = models.CharField(_("tên tệp"), max_length=120)
    media_type = models.CharField(max_length=80)
    size = models.PositiveIntegerField()
    sha256 = models.BinaryField(max_length=32, help_text="of the bytes as they were handed in")
    content_encrypted = models.BinaryField()
    uploaded_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "payments_evidence_file"
        constraints = [
            models.CheckConstraint(name="evidence_file_size", condition=Q(size__gte=1, size__lte=5 * 1024 * 1024)),
        ]
        triggers = append_only("payments_evidence_file")
        verbose_name = _("tài liệu chứng minh")
        verbose_name_plural = _("tài liệu chứng minh")

    def __str__(self) -> str:
        return self.name


class Proposal(models.Model):
    """One act on one subject, proposed by one human and decided by another.

    `outcome` says which of several ends is proposed (a transfer in review: SETTLED, REJECTED, UNKNOWN, CANCELLED); `details`
    what else belongs to the act. Neither changes after it was proposed: what is confirmed is what was read.
    """

    kind = models.CharField(max_length=20, choices=ProposalKind)
    subject_kind = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, help_text="empty: the whole city")
    outcome = models.CharField(max_length=12, blank=True)
    details = models.JSONField(default=dict)
    reason = models.CharField(_("lý do"), max_length=300)
    evidence = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=ProposalState, default=ProposalState.PROPOSED)
    proposed_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    proposed_by_person = models.BinaryField(max_length=32)
    proposed_at = models.DateTimeField(db_default=PortalNow())
    decided_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    decided_by_person = models.BinaryField(max_length=32, null=True)
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=300, blank=True)

    objects = UnitQuerySet.as_manager()

    class Meta:
        db_table = "payments_proposal"
        constraints = [
            models.UniqueConstraint(
                name="proposal_one_open_per_subject",
                fields=["subject_kind", "subject_id"],
                condition=Q(state=ProposalState.PROPOSED),
            ),
            models.CheckConstraint(
                name="proposal_decided_by_second_person",
                condition=Q(state="PROPOSED", decided_by=None, decided_by_person=None, decided_at=None)
                | Q(
                    state="WITHDRAWN",
                    decided_by__isnull=False,
                    decided_by_person=F("proposed_by_person"),
                    decided_at__isnull=False,
                )
                | (
                    Q(state__in=["CONFIRMED", "REFUSED"])
                    & Q(decided_by__isnull=False, decided_by_person__isnull=False, decided_at__isnull=False)
                    & ~Q(decided_by_person=F("proposed_by_person"))
                ),
            ),
            models.CheckConstraint(
                name="proposal_decision_has_evidence",
                condition=~Q(kind="DECIDE_TRANSFER") | Q(evidence__isnull=False) & ~Q(outcome=""),
            ),
            models.CheckConstraint(name="proposal_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="proposal_refusal_has_reason", condition=~Q(state="REFUSED") | ~Q(decision_reason="")
            ),
        ]
        indexes = [
            models.Index(name="proposal_subject", fields=["subject_kind", "subject_id", "kind"]),
            models.Index(name="proposal_waiting", fields=["id"], condition=Q(state=ProposalState.PROPOSED)),
        ]
        triggers = [
            *only_allowed_moves("proposal", PROPOSAL_MOVES, initial=["PROPOSED"]),
            frozen_columns(
                "proposal",
                [
                    "kind",
                    "subject_kind",
                    "subject_id",
                    "unit_id",
                    "outcome",
                    "details",
                    "reason",
                    "evidence_id",
                    "proposed_by_id",
                    "proposed_by_person",
                    "proposed_at",
                ],
            ),
            frozen_columns(
                "proposal_verdict",  # sorts after the graph's own trigger, whose words say more
                ["state", "decided_by_id", "decided_by_person", "decided_at", "decision_reason"],
                when="OLD.state <> 'PROPOSED'",
            ),
            # A human is who the users' table says, not who the row claims.
            pgtrigger.Trigger(
                name="proposal_by_known_humans",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF (TG_OP = 'INSERT' AND NOT EXISTS (SELECT 1 FROM users_user
                            WHERE id = NEW.proposed_by_id AND is_active AND person_fingerprint = NEW.proposed_by_person))
                        OR (NEW.decided_by_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users_user
                            WHERE id = NEW.decided_by_id AND is_active AND person_fingerprint = NEW.decided_by_person))
                    THEN
                        RAISE EXCEPTION 'proposal_by_known_humans: %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Protect(name="proposal_kept", operation=pgtrigger.Delete),
        ]
        verbose_name = _("đề nghị")
        verbose_name_plural = _("đề nghị")

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_kind} {self.subject_id}"
