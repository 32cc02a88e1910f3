"""What the bank sees of a list: transfers. How one ended stands in `transfer_ends`."""

import pgtrigger
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Right
from django.utils.translation import gettext_lazy as _

from beneficiaries.models import Payee, PaymentWay, PayoutAccount
from beneficiaries.states import Delivery
from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from payments.models.batches import PayoutBatch
from payments.models.chunks import DispatchAttempt, DispatchChunk
from payments.models.disputes import disputed
from payments.models.proposals import Proposal
from payments.models.stops import refused_while_stopped
from payments.models.visible import BatchUnitQuerySet
from payments.states import (
    ROUTES_TO_ACCOUNTS,
    SAID_PAID,
    TRANSFER_LIVE,
    TRANSFER_MOVES,
    Route,
    SettlementLevel,
    TransferState,
)

# Each decision counts once: the next one about the same transfer is a newer proposal.
DECIDED = """
    IF NEW.decision_id IS NULL OR NEW.decision_id <= coalesce(OLD.decision_id, 0) OR NOT EXISTS (
        SELECT 1 FROM payments_proposal
        WHERE id = NEW.decision_id AND kind = 'DECIDE_TRANSFER' AND subject_kind = 'transfer' AND subject_id = NEW.id
          AND outcome = NEW.state AND state = 'CONFIRMED')
    THEN
        RAISE EXCEPTION 'transfer_decided_by_two: transfer %', OLD.id USING ERRCODE = 'check_violation';
    END IF;
"""


class NewEndToEndId(Func):
    """A UUIDv7 as 32 hexadecimal digits: time-ordered, and short enough for ISO 20022's Max35Text."""

    template = "replace(uuidv7()::text, '-', '')"
    output_field = models.CharField()


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
    delivery = models.CharField(max_length=9, choices=Delivery, blank=True, db_default="")
    payment_way = models.ForeignKey(PaymentWay, on_delete=models.PROTECT, null=True, db_index=False)
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
    decision = models.ForeignKey(
        Proposal,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        help_text="what two persons decided last about a transfer in review, or about one that the bank contradicted",
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
                condition=Q(
                    route__in=ROUTES_TO_ACCOUNTS, payout_account__isnull=False, account_fingerprint__isnull=False
                )
                & ~Q(creditor_agent="")
                | (
                    ~Q(route__in=ROUTES_TO_ACCOUNTS)
                    & Q(payout_account=None, account_fingerprint=None, creditor_agent="")
                ),
            ),
            models.CheckConstraint(
                name="transfer_delivery_of_service",
                condition=(Q(route=Route.PAYMENT_SERVICE, payment_way__isnull=False) & ~Q(delivery=""))
                | (~Q(route=Route.PAYMENT_SERVICE) & Q(payment_way=None, delivery="")),
            ),
            # Only a bank refuses; what a payment service could not hand out was simply not paid.
            models.CheckConstraint(
                name="transfer_rejected_by_a_bank",
                condition=~Q(state="REJECTED") | Q(route__in=ROUTES_TO_ACCOUNTS),
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
            models.Index(name="transfer_conflict", fields=["id"], condition=~Q(conflicting_status="")),
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
                    "delivery",
                    "payment_way_id",
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
                name="transfer_leaves_review_by_two",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "OLD.state = 'REVIEW' AND NEW.state IN ('SETTLED', 'REJECTED', 'UNKNOWN', 'CANCELLED')"
                ),
                func=f"""{DECIDED}
                    IF NEW.state = 'SETTLED' AND NEW.bank_reference = '' THEN
                        RAISE EXCEPTION 'transfer_settled_with_reference: transfer %', OLD.id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # What takes the place of another leaves only while nobody says that the other was paid. The shared locks make
            # whoever learns of that wait for us, or us for him: neither can pass the other unseen.
            pgtrigger.Trigger(
                name="transfer_not_sent_while_former_disputed",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("OLD.state = 'READY' AND NEW.state IN ('SENDING', 'HANDED_OVER')"),
                func=f"""
                    IF EXISTS (
                        SELECT 1 FROM (
                            SELECT {disputed("former")} AS is_disputed FROM payments_transfer former
                            WHERE former.id <> NEW.id AND former.id IN (
                                SELECT m.from_transfer_id FROM payments_payout_line l
                                JOIN payments_payout_line_move m ON m.line_id = l.id WHERE l.transfer_id = NEW.id)
                            ORDER BY former.id FOR SHARE) AS been
                        WHERE is_disputed)
                    THEN
                        RAISE EXCEPTION 'transfer_not_sent_while_former_disputed: transfer %', OLD.id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # The other word of a bank that contradicted itself: taken as true by two persons, under the bank's reference.
            pgtrigger.Trigger(
                name="transfer_found_paid_by_two",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("OLD.state IN ('REJECTED', 'CANCELLED') AND NEW.state = 'SETTLED'"),
                func=f"""{DECIDED}
                    IF OLD.conflicting_status NOT IN ({", ".join(f"'{code}'" for code in SAID_PAID)})
                        OR NEW.conflicting_status <> '' OR NEW.bank_reference = ''
                    THEN
                        RAISE EXCEPTION 'transfer_found_paid_by_two: transfer %', OLD.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # A contradiction of the bank is cleared by people, never by a later message.
            pgtrigger.Trigger(
                name="transfer_conflict_cleared_by_two",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("conflicting_status"),
                condition=pgtrigger.Condition(
                    "OLD.conflicting_status <> '' AND OLD.conflicting_status <> NEW.conflicting_status"
                ),
                func=f"{DECIDED} RETURN NEW;",
            ),
            refused_while_stopped(
                "transfer_not_handed_over_while_stopped",
                pgtrigger.UpdateOf("state"),
                "OLD.state = 'READY' AND NEW.state = 'HANDED_OVER'",
            ),
            pgtrigger.Trigger(
                name="transfer_in_doubt_after_restore",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition("NEW.state = 'UNKNOWN' AND OLD.state = 'READY'"),
                func="""
                    IF (SELECT doubted_at FROM payments_dispatch_chunk WHERE id = NEW.chunk_id) IS NULL THEN
                        RAISE EXCEPTION 'transfer_in_doubt_after_restore: transfer %', OLD.id
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
            # Another pays by a list of ours: it is with him when it stands in a live list, and ends by his word.
            pgtrigger.Trigger(
                name="transfer_handed_over_by_file",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "NEW.state = 'HANDED_OVER' AND OLD.state <> 'HANDED_OVER' "
                    "AND NEW.route IN ('TREASURY_FILE', 'PAYMENT_SERVICE')"
                ),
                func="""
                    IF NOT EXISTS (SELECT 1 FROM payments_payout_file_line WHERE transfer_id = NEW.id AND live) THEN
                        RAISE EXCEPTION 'transfer_handed_over_by_file: transfer %', OLD.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="transfer_ended_by_result",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "OLD.state = 'HANDED_OVER' AND NEW.state <> 'HANDED_OVER' "
                    "AND NEW.route IN ('TREASURY_FILE', 'PAYMENT_SERVICE')"
                ),
                func="""
                    IF NOT EXISTS (SELECT 1 FROM payments_transfer_result
                                   WHERE transfer_id = NEW.id AND NOT contradicts
                                     AND outcome = CASE NEW.state WHEN 'SETTLED' THEN 'PAID' ELSE 'NOT_PAID' END)
                    THEN
                        RAISE EXCEPTION 'transfer_ended_by_result: transfer %', OLD.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # Cash is paid when somebody has signed for it.
            pgtrigger.Trigger(
                name="transfer_cash_settled_by_signature",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "OLD.state <> 'SETTLED' AND NEW.state = 'SETTLED' AND NEW.route = 'WARD_CASH'"
                ),
                func="""
                    IF NOT EXISTS (SELECT 1 FROM payments_cash_collection WHERE transfer_id = NEW.id) THEN
                        RAISE EXCEPTION 'transfer_cash_settled_by_signature: transfer %', OLD.id
                            USING ERRCODE = 'check_violation';
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
