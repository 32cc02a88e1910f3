"""What is handed to those who pay by a list of ours: the Treasury and the payment service. One transfer is in one live list.

The lines hold what the list said, encrypted, so that the file can be made again byte for byte whatever has changed since.
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns
from foundation.audit.protection import append_only
from payments.models.batches import PayoutBatch
from payments.models.transfers import Transfer
from payments.models.visible import BatchUnitQuerySet
from payments.states import ROUTES_BY_FILE, Route


class PayoutFile(models.Model):
    """One list of one batch and route. Never changed: a list that is given out anew is the next version of its number.

    `heading` are the words above and below the rows as they stood on that day; the two hashes are of the CSV and of the .xlsx.
    """

    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="files", db_index=False)
    route = models.CharField(_("cách chi"), max_length=15, choices=Route)
    number = models.PositiveIntegerField(_("số"))
    version = models.PositiveIntegerField(_("bản"), default=1)
    number_of_transactions = models.PositiveIntegerField(_("số khoản"))
    control_sum = models.BigIntegerField(_("tổng số tiền"))
    heading = models.JSONField()
    sha256 = models.BinaryField(max_length=32)
    sheet_sha256 = models.BinaryField(max_length=32)
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    reason = models.CharField(_("lý do"), max_length=300, blank=True, help_text="why it takes another's place")
    made_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=PortalNow())

    objects = BatchUnitQuerySet.as_manager()

    class Meta:
        db_table = "payments_payout_file"
        constraints = [
            models.UniqueConstraint(name="payout_file_number", fields=["batch", "route", "number", "version"]),
            models.CheckConstraint(name="payout_file_route", condition=Q(route__in=ROUTES_BY_FILE)),
            models.CheckConstraint(
                name="payout_file_holds_something", condition=Q(number_of_transactions__gte=1, control_sum__gte=1)
            ),
            models.CheckConstraint(
                name="payout_file_new_version_says_why",
                condition=Q(version=1, replaces=None, reason="")
                | (Q(version__gt=1, replaces__isnull=False) & ~Q(reason="")),
            ),
        ]
        triggers = [
            *append_only("payments_payout_file"),
            pgtrigger.Trigger(
                name="payout_file_of_a_batch_being_paid",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF (SELECT state FROM payments_payout_batch WHERE id = NEW.batch_id) <> 'DISPATCHING' THEN
                        RAISE EXCEPTION 'payout_file_of_a_batch_being_paid: batch %', NEW.batch_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    IF NEW.replaces_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM payments_payout_file former JOIN users_user maker ON maker.id = former.made_by_id
                        JOIN users_user own ON own.id = NEW.made_by_id
                        WHERE former.id = NEW.replaces_id AND former.batch_id = NEW.batch_id AND former.route = NEW.route
                          AND former.number = NEW.number AND former.version = NEW.version - 1
                          AND maker.person_fingerprint <> own.person_fingerprint)
                    THEN
                        RAISE EXCEPTION 'payout_file_replaced_by_another_person: file %', NEW.replaces_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # At the end of the transaction, when the lines are there too.
            pgtrigger.Trigger(
                name="payout_file_adds_up",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func="""
                    IF (SELECT (count(*), coalesce(sum(amount), 0)) FROM payments_payout_file_line WHERE file_id = NEW.id)
                        IS DISTINCT FROM (NEW.number_of_transactions::bigint, NEW.control_sum::numeric)
                    THEN
                        RAISE EXCEPTION 'payout_file_adds_up: file %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]
        verbose_name = _("tệp gửi đi")
        verbose_name_plural = _("tệp gửi đi")

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.route}/{self.number}.{self.version}"


class PayoutFileLine(models.Model):
    """One payment in one list. `cells_encrypted` is the row as JSON (context "payout_file_line.cells", row "file:number")."""

    file = models.ForeignKey(PayoutFile, on_delete=models.PROTECT, related_name="lines", db_index=False)
    number = models.PositiveIntegerField()
    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="file_lines")
    amount = models.BigIntegerField()
    cells_encrypted = models.BinaryField()
    live = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "payments_payout_file_line"
        constraints = [
            models.UniqueConstraint(name="payout_file_line_number", fields=["file", "number"]),
            models.UniqueConstraint(name="payout_file_line_one_live", fields=["transfer"], condition=Q(live=True)),
        ]
        triggers = [
            frozen_columns("payout_file_line", ["file_id", "number", "transfer_id", "amount", "cells_encrypted"]),
            pgtrigger.Protect(name="payout_file_line_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="payout_file_line_never_again",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__live=False, new__live=True),
            ),
            pgtrigger.Trigger(
                name="payout_file_line_of_its_list",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                func="""
                    IF EXISTS (SELECT 1 FROM added JOIN payments_payout_file f ON f.id = added.file_id
                               JOIN payments_transfer t ON t.id = added.transfer_id
                               WHERE t.batch_id <> f.batch_id OR t.route <> f.route OR t.instructed_amount <> added.amount
                                  OR t.state <> CASE WHEN f.replaces_id IS NULL THEN 'READY' ELSE 'HANDED_OVER' END)
                    THEN
                        RAISE EXCEPTION 'payout_file_line_of_its_list' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"
