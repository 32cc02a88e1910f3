"""How a list travels: the chunks, each of which one message carries, and every attempt to send or to ask."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from payments.models.batches import PayoutBatch
from payments.models.stops import refused_while_stopped
from payments.states import (
    CHUNK_LEASED,
    CHUNK_MOVES,
    AttemptKind,
    AttemptOutcome,
    ChunkState,
    Route,
)


class DispatchChunk(models.Model):
    """At most DISPATCH_CHUNK_SIZE transfers of one batch, route and bank: what one message carries, one hash covers.

    `fence` rises with every claim; whoever writes with an older one writes nothing. Counts of ends are kept here, so that a
    page about a million transfers adds up two thousand chunks.
    """

    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    route = models.CharField(max_length=15, choices=Route)
    creditor_agent = models.CharField(
        max_length=6, blank=True, db_default="", help_text="BIN of the bank; empty for cash"
    )
    state = models.CharField(
        max_length=15, choices=ChunkState, default=ChunkState.PLANNED, db_default=ChunkState.PLANNED
    )
    list_hash = models.BinaryField(max_length=32, null=True)
    hash_path = models.BinaryField(null=True, help_text="from this chunk's hash up to the list hash that was approved")
    number_of_transactions = models.PositiveIntegerField(default=0, db_default=0)
    control_sum = models.BigIntegerField(default=0, db_default=0)
    fence = models.PositiveIntegerField(default=0, db_default=0)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(db_default=PortalNow())
    send_limit = models.PositiveIntegerField(
        null=True, help_text="lines of one message while a refused line is looked for; empty: all"
    )
    last_send_deadline = models.DateTimeField(null=True, help_text="no send of an earlier claim can begin after it")
    doubted_at = models.DateTimeField(
        null=True, help_text="a restore: what was ready then may have been sent by the database that was lost"
    )
    settled_count = models.PositiveIntegerField(default=0, db_default=0)
    settled_sum = models.BigIntegerField(default=0, db_default=0)
    rejected_count = models.PositiveIntegerField(default=0, db_default=0)
    rejected_sum = models.BigIntegerField(default=0, db_default=0)
    returned_count = models.PositiveIntegerField(default=0, db_default=0)
    returned_sum = models.BigIntegerField(default=0, db_default=0)
    cancelled_count = models.PositiveIntegerField(default=0, db_default=0)
    cancelled_sum = models.BigIntegerField(default=0, db_default=0)
    review_count = models.PositiveIntegerField(default=0, db_default=0, help_text="payments that wait for people")
    answered_count = models.PositiveIntegerField(default=0, db_default=0, help_text="paid by the bank's own answer")
    answered_sum = models.BigIntegerField(default=0, db_default=0)
    matched_count = models.PositiveIntegerField(default=0, db_default=0, help_text="paid ones that a statement shows")
    matched_sum = models.BigIntegerField(default=0, db_default=0, help_text="of them, as the statement has it")
    credited_count = models.PositiveIntegerField(default=0, db_default=0, help_text="returns that a statement shows")
    credited_sum = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "payments_dispatch_chunk"
        constraints = [
            models.UniqueConstraint(name="dispatch_chunk_number", fields=["batch", "number"]),
            models.CheckConstraint(
                name="dispatch_chunk_leased_with_lease",
                condition=Q(state__in=CHUNK_LEASED, lease_until__isnull=False)
                | (~Q(state__in=CHUNK_LEASED) & Q(lease_until=None)),
            ),
            models.CheckConstraint(
                name="dispatch_chunk_only_gateway_is_sent",
                condition=Q(route=Route.GATEWAY) & ~Q(creditor_agent="")
                | ~Q(route=Route.GATEWAY) & ~Q(state__in=[*CHUNK_LEASED, ChunkState.INQUIRY]),
            ),
            models.CheckConstraint(
                name="dispatch_chunk_done_adds_up",
                condition=~Q(state=ChunkState.DONE)
                | Q(
                    number_of_transactions=F("settled_count")
                    + F("rejected_count")
                    + F("returned_count")
                    + F("cancelled_count"),
                    control_sum=F("settled_sum") + F("rejected_sum") + F("returned_sum") + F("cancelled_sum"),
                ),
            ),
        ]
        indexes = [
            # Money that came back by the bank's word and that no statement has shown yet.
            models.Index(
                name="dispatch_chunk_return_unseen",
                fields=["batch"],
                condition=Q(route=Route.GATEWAY, returned_count__gt=F("credited_count")),
            ),
            models.Index(name="dispatch_chunk_review", fields=["id"], condition=Q(review_count__gt=0)),
            models.Index(
                name="dispatch_chunk_due",
                fields=["due_at", "id"],
                condition=Q(route=Route.GATEWAY, state__in=["READY", "INQUIRY", "LEASED_SEND", "LEASED_INQUIRY"]),
            ),
        ]
        triggers = [
            *only_allowed_moves("dispatch_chunk", CHUNK_MOVES, initial=["PLANNED"]),
            pgtrigger.Trigger(
                name="dispatch_chunk_fence_rises",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.fence < OLD.fence OR NEW.fence > OLD.fence + 1 OR (NEW.state IN ('LEASED_SEND', 'LEASED_INQUIRY') "
                    "AND OLD.state NOT IN ('LEASED_SEND', 'LEASED_INQUIRY') AND NEW.fence <> OLD.fence + 1)"
                ),
                func="RAISE EXCEPTION 'dispatch_chunk_fence_rises: chunk %', OLD.id USING ERRCODE = 'check_violation';",
            ),
            pgtrigger.Trigger(
                name="dispatch_chunk_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.hash_path IS NOT NULL AND (OLD.list_hash IS DISTINCT FROM NEW.list_hash "
                    "OR OLD.hash_path IS DISTINCT FROM NEW.hash_path "
                    "OR OLD.batch_id IS DISTINCT FROM NEW.batch_id OR OLD.route IS DISTINCT FROM NEW.route "
                    "OR OLD.creditor_agent IS DISTINCT FROM NEW.creditor_agent "
                    "OR OLD.control_sum IS DISTINCT FROM NEW.control_sum "
                    "OR OLD.number_of_transactions IS DISTINCT FROM NEW.number_of_transactions)"
                ),
                func="RAISE EXCEPTION 'dispatch_chunk_frozen: chunk %', OLD.id USING ERRCODE = 'check_violation';",
            ),
            # After a restore nothing is sent before the bank, asked since, has said that it never saw it.
            pgtrigger.Trigger(
                name="dispatch_chunk_asked_after_restore",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "NEW.state = 'LEASED_SEND' AND OLD.state <> 'LEASED_SEND' AND NEW.doubted_at IS NOT NULL"
                ),
                func="""
                    IF EXISTS (SELECT 1 FROM payments_transfer t
                               LEFT JOIN payments_dispatch_attempt a ON a.id = t.proof_id
                               WHERE t.chunk_id = NEW.id AND t.state = 'READY'
                                 AND (a.intent_at > NEW.doubted_at) IS NOT TRUE)
                    THEN
                        RAISE EXCEPTION 'dispatch_chunk_asked_after_restore: chunk %', NEW.id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="dispatch_chunk_doubt_stays",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.doubted_at IS NOT NULL AND (NEW.doubted_at IS NULL OR NEW.doubted_at < OLD.doubted_at)"
                ),
                func="RAISE EXCEPTION 'dispatch_chunk_doubt_stays: chunk %', OLD.id USING ERRCODE = 'check_violation';",
            ),
            # The kept counts are compared with the transfers themselves when a chunk ends (I-14).
            pgtrigger.Trigger(
                name="dispatch_chunk_done_counts_true",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("NEW.state = 'DONE' AND OLD.state <> 'DONE'"),
                func="""
                    IF (SELECT (count(*) FILTER (WHERE state = 'SETTLED'), count(*) FILTER (WHERE state = 'REJECTED'),
                                count(*) FILTER (WHERE state = 'RETURNED'), count(*) FILTER (WHERE state = 'CANCELLED'),
                                coalesce(sum(instructed_amount) FILTER (WHERE state = 'SETTLED'), 0),
                                count(*) FILTER (WHERE state <> 'EXCLUDED'))
                        FROM payments_transfer WHERE chunk_id = NEW.id)
                        IS DISTINCT FROM (NEW.settled_count::bigint, NEW.rejected_count::bigint, NEW.returned_count::bigint,
                                          NEW.cancelled_count::bigint, NEW.settled_sum::numeric,
                                          NEW.number_of_transactions::bigint)
                    THEN
                        RAISE EXCEPTION 'dispatch_chunk_done_counts_true: chunk %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
        verbose_name = _("gói chi")
        verbose_name_plural = _("gói chi")

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.number}"


class DispatchAttempt(models.Model):
    """One claim of a chunk to send it or to ask about it: written and committed before the first byte leaves (I-8)."""

    chunk = models.ForeignKey(DispatchChunk, on_delete=models.PROTECT, related_name="attempt_rows", db_index=False)
    fence = models.PositiveIntegerField()
    kind = models.CharField(max_length=7, choices=AttemptKind)
    message_id = models.CharField(max_length=40, unique=True)
    number_of_transactions = models.PositiveIntegerField()
    control_sum = models.BigIntegerField()
    intent_at = models.DateTimeField(db_default=PortalNow())
    not_after = models.DateTimeField(null=True)
    outcome = models.CharField(
        max_length=8, choices=AttemptOutcome, default=AttemptOutcome.PENDING, db_default=AttemptOutcome.PENDING
    )
    detail = models.CharField(max_length=200, blank=True, db_default="")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payments_dispatch_attempt"
        constraints = [
            models.UniqueConstraint(name="dispatch_attempt_one_per_fence", fields=["chunk", "fence"]),
            models.CheckConstraint(
                name="dispatch_attempt_send_has_deadline", condition=~Q(kind="SEND") | Q(not_after__isnull=False)
            ),
        ]
        triggers = [
            frozen_columns(
                "dispatch_attempt",
                [
                    "chunk_id",
                    "fence",
                    "kind",
                    "message_id",
                    "number_of_transactions",
                    "control_sum",
                    "intent_at",
                    "not_after",
                ],
            ),
            pgtrigger.Trigger(
                name="dispatch_attempt_recorded_once",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.outcome <> 'PENDING'"),
                func="RAISE EXCEPTION 'dispatch_attempt_recorded_once: %', OLD.message_id USING ERRCODE = 'check_violation';",
            ),
            pgtrigger.Protect(name="dispatch_attempt_kept", operation=pgtrigger.Delete),
            refused_while_stopped("dispatch_attempt_not_sent_while_stopped", pgtrigger.Insert, "NEW.kind = 'SEND'"),
        ]
        verbose_name = _("lần gửi")
        verbose_name_plural = _("lần gửi")

    def __str__(self) -> str:
        return self.message_id
