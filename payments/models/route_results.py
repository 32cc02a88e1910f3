"""What the Treasury and the payment service answer: their files, the lines of those, and the word that each transfer got."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from foundation.audit.protection import append_only
from payments.models.batches import PayoutBatch
from payments.models.transfers import Transfer
from payments.models.visible import BatchUnitQuerySet
from payments.states import RESULT_FILE_MOVES, ROUTES_BY_FILE, PaidOrNot, ResultFileState, Route, Verdict


class ResultFile(models.Model):
    """A file that came back: read, shown, and taken over by a person, or given up. Of its rows only what is ours is kept."""

    batch = models.ForeignKey(PayoutBatch, on_delete=models.PROTECT, related_name="result_files")
    route = models.CharField(_("cách chi"), max_length=15, choices=Route)
    file_name = models.CharField(_("tên tệp"), max_length=200)
    sha256 = models.BinaryField(max_length=32)
    number_of_lines = models.PositiveIntegerField(_("số dòng"), default=0)
    state = models.CharField(max_length=9, choices=ResultFileState, default=ResultFileState.CHECKED)
    uploaded_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(db_default=PortalNow())
    decided_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    objects = BatchUnitQuerySet.as_manager()

    class Meta:
        db_table = "payments_result_file"
        constraints = [
            models.CheckConstraint(name="result_file_route", condition=Q(route__in=ROUTES_BY_FILE)),
            models.UniqueConstraint(
                name="result_file_once", fields=["batch", "route", "sha256"], condition=~Q(state="CANCELLED")
            ),
            models.CheckConstraint(
                name="result_file_decided_by_somebody",
                condition=Q(state="CHECKED", decided_by=None, decided_at=None)
                | (~Q(state="CHECKED") & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
        ]
        triggers = [
            *only_allowed_moves("result_file", RESULT_FILE_MOVES, initial=["CHECKED"]),
            frozen_columns("result_file", ["batch_id", "route", "file_name", "sha256", "uploaded_by_id"]),
            pgtrigger.Protect(name="result_file_kept", operation=pgtrigger.Delete),
        ]
        verbose_name = _("tệp kết quả")
        verbose_name_plural = _("tệp kết quả")

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.route}/{self.pk}"


class ResultLine(models.Model):
    """One row of a file: of which payment it speaks, and what it says. `verdict` is written when the file is taken over."""

    result_file = models.ForeignKey(ResultFile, on_delete=models.PROTECT, related_name="lines", db_index=False)
    row = models.PositiveIntegerField(_("dòng"))
    end_to_end_id = models.CharField(max_length=32)
    outcome = models.CharField(_("kết quả"), max_length=8, choices=PaidOrNot)
    amount = models.BigIntegerField(_("số tiền"))
    reason_code = models.CharField(max_length=4, blank=True)
    reason = models.CharField(_("lý do"), max_length=120, blank=True)
    paid_date = models.DateField(_("ngày chi"), null=True)
    reference = models.CharField(_("số chứng từ"), max_length=35, blank=True)
    verdict = models.CharField(max_length=12, choices=Verdict, blank=True, db_default="")

    class Meta:
        db_table = "payments_result_line"
        constraints = [
            models.UniqueConstraint(name="result_line_once_a_payment", fields=["result_file", "end_to_end_id"]),
            models.CheckConstraint(name="result_line_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="result_line_not_paid_says_why", condition=Q(outcome=PaidOrNot.PAID) | ~Q(reason_code="")
            ),
        ]
        indexes = [models.Index(name="result_line_by_row", fields=["result_file", "row"])]
        triggers = [
            frozen_columns(
                "result_line",
                [
                    "result_file_id",
                    "row",
                    "end_to_end_id",
                    "outcome",
                    "amount",
                    "reason_code",
                    "reason",
                    "paid_date",
                    "reference",
                ],
            ),
            pgtrigger.Protect(name="result_line_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="result_line_judged_once",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__verdict=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.result_file_id}/{self.row}"


class TransferResult(models.Model):
    """What was said of one payment, once a word: PAID, NOT_PAID. Two rows contradict each other and wait for people.

    Never changed. A payment of a list of ours ends by such a row and by nothing else (`transfer_ended_by_result`).
    """

    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="results", db_index=False)
    outcome = models.CharField(max_length=8, choices=PaidOrNot)
    line = models.OneToOneField(ResultLine, on_delete=models.PROTECT, related_name="result")
    contradicts = models.BooleanField(default=False, help_text="another end was written already; nothing was moved")
    recorded_at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "payments_transfer_result"
        constraints = [
            models.UniqueConstraint(name="transfer_result_once_a_word", fields=["transfer", "outcome"]),
            models.UniqueConstraint(
                name="transfer_result_one_that_moves", fields=["transfer"], condition=Q(contradicts=False)
            ),
        ]
        triggers = [
            *append_only("payments_transfer_result"),
            pgtrigger.Trigger(
                name="transfer_result_of_its_line",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                func="""
                    IF EXISTS (SELECT 1 FROM added JOIN payments_transfer t ON t.id = added.transfer_id
                               JOIN payments_result_line l ON l.id = added.line_id
                               JOIN payments_result_file f ON f.id = l.result_file_id
                               WHERE t.end_to_end_id <> l.end_to_end_id OR t.instructed_amount <> l.amount
                                  OR l.outcome <> added.outcome OR t.batch_id <> f.batch_id OR t.route <> f.route
                                  OR f.state <> 'COMMITTED')
                    THEN
                        RAISE EXCEPTION 'transfer_result_of_its_line' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]
        verbose_name = _("kết quả chi")
        verbose_name_plural = _("kết quả chi")

    def __str__(self) -> str:
        return f"{self.transfer_id} {self.outcome}"
