"""What the bank sees: transfers, the chunks in which they travel, every attempt to send or to ask, and returns."""

import pgtrigger
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Right
from django.utils.translation import gettext_lazy as _

from beneficiaries.models import Payee, PayoutAccount
from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from foundation.audit.protection import append_only
from payments.models.batches import PayoutBatch
from payments.models.visible import BatchUnitQuerySet
from payments.states import (
    CHUNK_LEASED,
    CHUNK_MOVES,
    TRANSFER_LIVE,
    TRANSFER_MOVES,
    AttemptKind,
    AttemptOutcome,
    ChunkState,
    Route,
    SettlementLevel,
    TransferState,
)


class NewEndToEndId(Func):
    """A UUIDv7 as 32 hexadecimal digits: time-ordered, and short enough for ISO 20022's Max35Text."""

    template = "replace(uuidv7()::text, '-', '')"
    output_field = models.CharField()


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
    settled_count = models.PositiveIntegerField(default=0, db_default=0)
    settled_sum = models.BigIntegerField(default=0, db_default=0)
    rejected_count = models.PositiveIntegerField(default=0, db_default=0)
    rejected_sum = models.BigIntegerField(default=0, db_default=0)
    returned_count = models.PositiveIntegerField(default=0, db_default=0)
    returned_sum = models.BigIntegerField(default=0, db_default=0)
    cancelled_count = models.PositiveIntegerField(default=0, db_default=0)
    cancelled_sum = models.BigIntegerField(default=0, db_default=0)

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
        ]
        verbose_name = _("lần gửi")
        verbose_name_plural = _("lần gửi")

    def __str__(self) -> str:
        return self.message_id


class Transfer(models.Model):
    """Pays one payee, over one route, the positive sum of his lines of one fund in one batch.

    Everything that decides where money goes is written once, at the insert, and never changes. The account number itself is
    not copied: the row points at the account's version and carries its fingerprint, and the claim compares the two.
    """

    end_to_end_id = models.CharField(max_length=32, unique=True, db_default=NewEndToEndId(), editable=False)
    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="transfers", db_index=False)
    chunk = models.ForeignKey(DispatchChunk, on_delete=models.PROTECT, related_name="transfers")
    payee = models.ForeignKey(Payee, on_delete=models.PROTECT, related_name="transfers")
    route = models.CharField(max_length=15, choices=Route)
    payout_account = models.ForeignKey(PayoutAccount, on_delete=models.PROTECT, null=True, db_index=False)
    account_fingerprint = models.BinaryField(max_length=32, null=True)
    creditor_name = models.CharField(max_length=140)
    creditor_agent = models.CharField(max_length=6, blank=True, db_default="")
    instructed_amount = models.BigIntegerField()
    remittance_information = models.CharField(max_length=140)
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    state = models.CharField(
        max_length=11, choices=TransferState, default=TransferState.PLANNED, db_default=TransferState.PLANNED
    )
    settlement_level = models.CharField(max_length=8, choices=SettlementLevel, blank=True, db_default="")
    transaction_status = models.CharField(
        max_length=4, blank=True, db_default="", help_text="the bank's last word, ISO 20022"
    )
    status_reason = models.CharField(max_length=4, blank=True, db_default="")
    bank_reference = models.CharField(max_length=35, blank=True, db_default="")
    conflicting_status = models.CharField(
        max_length=4, blank=True, db_default="", help_text="a final word that contradicts an earlier one"
    )
    sent_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    first_sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, db_default=PortalNow())
    proof = models.ForeignKey(
        DispatchAttempt,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        help_text="the attempt that proved that nothing had been sent",
    )

    objects = BatchUnitQuerySet.as_manager()

    class Meta:
        db_table = "payments_transfer"
        constraints = [
            models.CheckConstraint(
                name="transfer_end_to_end_id_form", condition=Q(end_to_end_id__regex="^[0-9a-f]{32}$")
            ),
            models.CheckConstraint(name="transfer_amount_positive", condition=Q(instructed_amount__gt=0)),
            models.CheckConstraint(
                name="transfer_route_has_account",
                condition=Q(route=Route.GATEWAY, payout_account__isnull=False, account_fingerprint__isnull=False)
                & ~Q(creditor_agent="")
                | ~Q(route=Route.GATEWAY),
            ),
            # I-28: nothing waits for ever.
            models.CheckConstraint(
                name="transfer_live_is_due", condition=Q(due_at__isnull=False) | ~Q(state__in=TRANSFER_LIVE)
            ),
            models.CheckConstraint(
                name="transfer_settled_has_level",
                condition=~Q(state__in=["SETTLED", "RETURNED"]) | ~Q(settlement_level=""),
            ),
            models.CheckConstraint(
                name="transfer_at_bank_was_sent",
                condition=~Q(state__in=["SENDING", "ACCEPTED", "UNKNOWN"])
                | Q(route=Route.GATEWAY, sent_count__gte=1, first_sent_at__isnull=False),
            ),
            models.CheckConstraint(
                name="transfer_cash_route_of_cash_states",
                condition=~Q(state="HANDED_OVER") | ~Q(route=Route.GATEWAY),
            ),
        ]
        indexes = [
            models.Index(name="transfer_batch", fields=["batch", "id"]),
            # Made with the row and never changed, so it costs the later updates nothing.
            models.Index(Right("end_to_end_id", 12), name="transfer_public_reference"),
            # Written once, when the bank first names it: that one update is not HOT, all others stay so.
            models.Index(name="transfer_bank_reference", fields=["bank_reference"], condition=~Q(bank_reference="")),
        ]
        triggers = [
            *only_allowed_moves("transfer", TRANSFER_MOVES, initial=["PLANNED"]),
            frozen_columns(
                "transfer",
                [
                    "end_to_end_id",
                    "batch_id",
                    "payee_id",
                    "route",
                    "payout_account_id",
                    "account_fingerprint",
                    "creditor_name",
                    "creditor_agent",
                    "instructed_amount",
                    "remittance_information",
                    "replaces_id",
                ],
            ),
            # I-8, I-10: the way back to READY needs an attempt that proved that nothing had been sent.
            pgtrigger.Trigger(
                name="transfer_ready_again_with_proof",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("NEW.state = 'READY' AND OLD.state IN ('SENDING', 'UNKNOWN')"),
                func="""
                    IF NEW.proof_id IS NULL OR NEW.proof_id IS NOT DISTINCT FROM OLD.proof_id OR NOT EXISTS (
                        SELECT 1 FROM payments_dispatch_attempt
                        WHERE id = NEW.proof_id AND chunk_id = NEW.chunk_id
                          AND ((OLD.state = 'SENDING' AND kind = 'SEND' AND outcome IN ('NOT_SENT', 'REFUSED'))
                            OR (OLD.state = 'UNKNOWN' AND kind = 'INQUIRE' AND outcome = 'ANSWERED')))
                    THEN
                        RAISE EXCEPTION 'transfer_ready_again_with_proof: transfer %', OLD.id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="transfer_returned_by_return",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("NEW.state = 'RETURNED' AND OLD.state = 'SETTLED'"),
                func="""
                    IF NOT EXISTS (SELECT 1 FROM payments_transfer_return WHERE transfer_id = NEW.id) THEN
                        RAISE EXCEPTION 'transfer_returned_by_return: transfer %', OLD.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # I-3: a replacement follows one that ended without paying.
            pgtrigger.Trigger(
                name="transfer_replaces_an_ended_one",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.replaces_id IS NOT NULL"),
                func="""
                    IF NOT EXISTS (SELECT 1 FROM payments_transfer WHERE id = NEW.replaces_id
                                   AND state IN ('REJECTED', 'RETURNED', 'CANCELLED')
                                   AND batch_id <> NEW.batch_id)
                    THEN
                        RAISE EXCEPTION 'transfer_replaces_an_ended_one: %', NEW.replaces_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="transfer_deleted_while_draft",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func="""
                    IF (SELECT state FROM payments_payout_batch WHERE id = OLD.batch_id) NOT IN ('BUILDING', 'DRAFT') THEN
                        RAISE EXCEPTION 'transfer_deleted_while_draft: transfer %', OLD.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN OLD;
                """,
            ),
            pgtrigger.Trigger(
                name="transfer_added_while_building",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                func="""
                    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT batch_id FROM added) AS a
                               JOIN payments_payout_batch b ON b.id = a.batch_id WHERE b.state <> 'BUILDING')
                    THEN
                        RAISE EXCEPTION 'transfer_added_while_building' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]
        verbose_name = _("khoản chi")
        verbose_name_plural = _("khoản chi")

    def __str__(self) -> str:
        return self.end_to_end_id

    @property
    def public_reference(self) -> str:
        """What a citizen reads out on the telephone: the random end of the id, in groups of four."""
        tail = self.end_to_end_id[-12:].upper()
        return f"{tail[:4]}-{tail[4:8]}-{tail[8:]}"


class TransferReturn(models.Model):
    """Money that came back after it had been settled (pacs.004): moves its transfer to RETURNED, once. Never changed."""

    transfer = models.OneToOneField(Transfer, on_delete=models.PROTECT, related_name="bank_return")
    return_id = models.CharField(max_length=40, unique=True)
    returned_amount = models.BigIntegerField()
    return_reason = models.CharField(max_length=4)
    returned_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "payments_transfer_return"
        constraints = [
            models.CheckConstraint(name="transfer_return_amount_positive", condition=Q(returned_amount__gt=0)),
        ]
        triggers = [
            *append_only("payments_transfer_return"),
            pgtrigger.Trigger(
                name="transfer_return_whole_amount",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW.returned_amount <> (SELECT instructed_amount FROM payments_transfer WHERE id = NEW.transfer_id)
                    THEN
                        RAISE EXCEPTION 'transfer_return_whole_amount: transfer %', NEW.transfer_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
        verbose_name = _("khoản bị trả lại")
        verbose_name_plural = _("khoản bị trả lại")

    def __str__(self) -> str:
        return self.return_id


class CashCollection(models.Model):
    """A payee, or somebody for him, signed for cash at the ward. Never changed."""

    transfer = models.OneToOneField(Transfer, on_delete=models.PROTECT, related_name="cash_collection")
    receiver_name = models.CharField(_("người ký nhận"), max_length=120)
    relation = models.CharField(_("quan hệ"), max_length=60, blank=True)
    collected_date = models.DateField(_("ngày nhận"))
    recorded_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "payments_cash_collection"
        triggers = append_only("payments_cash_collection")
        verbose_name = _("ký nhận tiền mặt")
        verbose_name_plural = _("ký nhận tiền mặt")

    def __str__(self) -> str:
        return f"{self.transfer_id} {self.collected_date}"
