"""What the bank's statements say: the files as they came, one row a statement and version, one row an entry.

An entry is written once. A statement that is issued again with other content is a new version: entries that are new or
changed are added, those that changed or vanished are marked as superseded, and each of them is a difference for people.
"""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from foundation.audit.protection import append_only
from foundation.reference.models import Unit
from payments.models.transfers import Transfer
from payments.models.visible import UnitQuerySet
from payments.statement_states import (
    FILE_MOVES,
    FILE_OPEN,
    AdjustmentKind,
    EntryDirection,
    FileSource,
    FileState,
    MatchedHow,
)


class StatementFile(models.Model):
    """One file of statements: ordered from the gateway for an account and a day, or handed in by somebody."""

    source = models.CharField(max_length=8, choices=FileSource)
    state = models.CharField(max_length=9, choices=FileState)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, help_text="empty: the whole city")
    name = models.CharField(_("tên tệp"), max_length=120, blank=True)
    account = models.CharField(
        _("tài khoản"), max_length=34, blank=True, help_text="what was ordered; empty: uploaded"
    )
    day = models.DateField(_("ngày"), null=True, help_text="what was ordered; empty: uploaded")
    size = models.BigIntegerField(default=0)
    sha256 = models.BinaryField(max_length=32, null=True)
    lines = models.BigIntegerField(_("số bút toán"), default=0)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_default=PortalNow(), help_text="when an ordered one is fetched")
    refusal = models.CharField(max_length=30, blank=True, help_text="code of what is wrong with it")
    received_by = models.ForeignKey(
        "users.User", models.PROTECT, null=True, related_name="+", help_text="empty: the system"
    )
    received_at = models.DateTimeField(db_default=PortalNow())

    objects = UnitQuerySet.as_manager()

    class Meta:
        db_table = "payments_statement_file"
        constraints = [
            models.UniqueConstraint(
                name="statement_file_ordered_once",
                fields=["account", "day"],
                condition=Q(source=FileSource.FETCHED, state__in=FILE_OPEN),
            ),
            models.CheckConstraint(
                name="statement_file_ordered_for_a_day",
                condition=Q(source=FileSource.FETCHED, day__isnull=False) & ~Q(account="")
                | Q(source=FileSource.UPLOADED, received_by__isnull=False),
            ),
            models.CheckConstraint(
                name="statement_file_has_a_hash",
                condition=Q(state__in=["ORDERED", "RECEIVING", "ABSENT", "REFUSED"]) | Q(sha256__isnull=False),
            ),
            models.CheckConstraint(
                name="statement_file_refused_with_a_reason", condition=~Q(state="REFUSED") | ~Q(refusal="")
            ),
        ]
        indexes = [
            models.Index(
                name="statement_file_due", fields=["due_at"], condition=Q(state__in=["ORDERED", "RECEIVING"])
            ),
        ]
        triggers = [
            *only_allowed_moves("statement_file", FILE_MOVES, initial=["ORDERED", "RECEIVED"]),
            frozen_columns(
                "statement_file_received",
                ["sha256", "size", "name", "received_by_id"],
                when="OLD.state NOT IN ('ORDERED', 'RECEIVING')",
            ),
            pgtrigger.Protect(name="statement_file_kept", operation=pgtrigger.Delete),
        ]
        verbose_name = _("tệp sao kê")
        verbose_name_plural = _("tệp sao kê")

    def __str__(self) -> str:
        return self.name or f"{self.account} {self.day}"


class StatementFilePart(models.Model):
    """A piece of a file, packed and encrypted (context "statement_file.part", row id = pk), so that no size sits in memory."""

    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    content_encrypted = models.BinaryField()

    class Meta:
        db_table = "payments_statement_file_part"
        constraints = [models.UniqueConstraint(name="statement_file_part_number", fields=["file", "number"])]
        triggers = [
            pgtrigger.Protect(name="statement_file_part_unchanged", operation=pgtrigger.Update),
            # A fetch that broke off is begun anew; what came whole stays.
            pgtrigger.Trigger(
                name="statement_file_part_kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func="""
                    IF (SELECT state FROM payments_statement_file WHERE id = OLD.file_id) <> 'RECEIVING' THEN
                        RAISE EXCEPTION 'statement_file_part_kept: %', OLD.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN OLD;
                """,
            ),
        ]
        verbose_name = _("phần tệp sao kê")
        verbose_name_plural = _("phần tệp sao kê")

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"


class StatementDraftLine(models.Model):
    """A line of a file that is being read; gone when the file is imported or refused. Nothing else looks at it."""

    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="+", db_index=False)
    statement_number = models.PositiveIntegerField()
    ordinal = models.BigIntegerField()
    entry_reference = models.CharField(max_length=35)
    detail_number = models.PositiveIntegerField()
    direction = models.CharField(max_length=4)
    amount = models.BigIntegerField()
    booking_date = models.DateField()
    value_date = models.DateField()
    end_to_end_id = models.CharField(max_length=35)
    bank_reference = models.CharField(max_length=35)
    return_id = models.CharField(max_length=40)
    reason = models.CharField(max_length=4)
    bank_code = models.CharField(max_length=14)
    account_fingerprint = models.BinaryField(max_length=32, null=True)

    class Meta:
        db_table = "payments_statement_draft_line"
        constraints = [
            models.UniqueConstraint(
                name="statement_draft_line_ordinal", fields=["file", "statement_number", "ordinal"]
            ),
        ]
        verbose_name = _("dòng đang đọc")
        verbose_name_plural = _("dòng đang đọc")

    def __str__(self) -> str:
        return self.entry_reference


class Statement(models.Model):
    """A day of one account as the bank tells it, one row a version. Never changed."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, help_text="empty: the whole city")
    account = models.CharField(_("tài khoản"), max_length=34)
    day = models.DateField(_("ngày"))
    statement_id = models.CharField(_("số sao kê"), max_length=50)
    sequence_number = models.BigIntegerField(null=True)
    version = models.PositiveIntegerField(default=1)
    opening_balance = models.BigIntegerField()
    closing_balance = models.BigIntegerField()
    debit_count = models.BigIntegerField()
    debit_sum = models.BigIntegerField()
    credit_count = models.BigIntegerField()
    credit_sum = models.BigIntegerField()
    content_sha256 = models.BinaryField(max_length=32, help_text="of what it says, whatever file it came in")
    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="statements")
    imported_at = models.DateTimeField(db_default=PortalNow())

    objects = UnitQuerySet.as_manager()

    class Meta:
        db_table = "payments_statement"
        constraints = [
            models.UniqueConstraint(name="statement_version", fields=["account", "day", "version"]),
            models.CheckConstraint(
                name="statement_adds_up",
                condition=Q(closing_balance=F("opening_balance") + F("credit_sum") - F("debit_sum")),
            ),
        ]
        triggers = [
            *append_only("payments_statement"),
            pgtrigger.Trigger(
                name="statement_versions_without_gap",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW.version <> 1 + coalesce((SELECT max(version) FROM payments_statement
                                                    WHERE account = NEW.account AND day = NEW.day), 0) THEN
                        RAISE EXCEPTION 'statement_versions_without_gap: % %', NEW.account, NEW.day
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
        verbose_name = _("sao kê")
        verbose_name_plural = _("sao kê")

    def __str__(self) -> str:
        return f"{self.account} {self.day:%d/%m/%Y}"


class StatementEntry(models.Model):
    """One line of a statement: an entry, or a line of an entry that books many at once.

    What the bank said never changes. What we found out is written once each: which payment it is, that its effect was taken
    up, and which later version of the statement no longer says so.
    """

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="entries", db_index=False)
    account = models.CharField(max_length=34)
    day = models.DateField(_("ngày sao kê"))
    entry_reference = models.CharField(_("số bút toán"), max_length=35)
    detail_number = models.PositiveIntegerField(default=1, help_text="line of an entry that books many at once")
    direction = models.CharField(max_length=4, choices=EntryDirection)
    amount = models.BigIntegerField(_("số tiền"))
    booking_date = models.DateField(_("ngày hạch toán"))
    value_date = models.DateField(_("ngày giá trị"))
    end_to_end_id = models.CharField(max_length=35, blank=True)
    bank_reference = models.CharField(max_length=35, blank=True)
    return_id = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=4, blank=True)
    bank_code = models.CharField(max_length=14, blank=True)
    account_fingerprint = models.BinaryField(max_length=32, null=True, help_text="of the receiver's account")
    transfer = models.ForeignKey(
        Transfer, on_delete=models.PROTECT, null=True, related_name="statement_entries", db_index=False
    )
    matched_how = models.CharField(max_length=11, choices=MatchedHow, blank=True)
    applied_at = models.DateTimeField(null=True, help_text="its effect is taken up, or is a difference")
    superseded_by = models.ForeignKey(
        Statement, on_delete=models.PROTECT, null=True, related_name="superseded", db_index=False
    )

    class Meta:
        db_table = "payments_statement_entry"
        constraints = [
            models.UniqueConstraint(
                name="statement_entry_once_per_account",
                fields=["account", "entry_reference", "detail_number"],
                condition=Q(superseded_by=None),
            ),
            # I-30: a payment is debited once; a second entry for it is a difference.
            models.UniqueConstraint(
                name="statement_entry_one_per_transfer",
                fields=["transfer", "direction"],
                condition=Q(transfer__isnull=False, superseded_by=None),
            ),
            models.CheckConstraint(name="statement_entry_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="statement_entry_matched_somehow",
                condition=Q(transfer=None, matched_how="") | Q(transfer__isnull=False) & ~Q(matched_how=""),
            ),
        ]
        indexes = [
            models.Index(name="statement_entry_statement", fields=["statement", "id"]),
            models.Index(
                name="statement_entry_to_apply", fields=["id"], condition=Q(applied_at=None, superseded_by=None)
            ),
            models.Index(
                name="statement_entry_superseded", fields=["superseded_by"], condition=Q(superseded_by__isnull=False)
            ),
        ]
        triggers = [
            frozen_columns(
                "statement_entry",
                [
                    "statement_id",
                    "account",
                    "day",
                    "entry_reference",
                    "detail_number",
                    "direction",
                    "amount",
                    "booking_date",
                    "value_date",
                    "end_to_end_id",
                    "bank_reference",
                    "return_id",
                    "reason",
                    "bank_code",
                    "account_fingerprint",
                ],
            ),
            frozen_columns(
                "statement_entry_match", ["transfer_id", "matched_how"], when="OLD.transfer_id IS NOT NULL"
            ),
            frozen_columns("statement_entry_end", ["superseded_by_id"], when="OLD.superseded_by_id IS NOT NULL"),
            pgtrigger.Protect(name="statement_entry_kept", operation=pgtrigger.Delete),
        ]
        verbose_name = _("bút toán sao kê")
        verbose_name_plural = _("bút toán sao kê")

    def __str__(self) -> str:
        return self.entry_reference


class DayComparison(models.Model):
    """I-30 of one account and day, as last worked out: what the statement debited, the bank had answered, we hold as paid."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, help_text="empty: the whole city")
    account = models.CharField(_("tài khoản"), max_length=34)
    day = models.DateField(_("ngày"))
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+", db_index=False)
    statement_count = models.BigIntegerField()
    statement_sum = models.BigIntegerField()
    answered_count = models.BigIntegerField()
    answered_sum = models.BigIntegerField()
    paid_count = models.BigIntegerField()
    paid_sum = models.BigIntegerField()
    returned_count = models.BigIntegerField()
    returned_sum = models.BigIntegerField()
    computed_at = models.DateTimeField(db_default=PortalNow())

    objects = UnitQuerySet.as_manager()

    class Meta:
        db_table = "payments_day_comparison"
        constraints = [models.UniqueConstraint(name="day_comparison_once", fields=["account", "day"])]
        verbose_name = _("đối soát ngày")
        verbose_name_plural = _("đối soát ngày")

    def __str__(self) -> str:
        return f"{self.account} {self.day:%d/%m/%Y}"

    @property
    def agrees(self) -> bool:
        """Whether the three say the same."""
        return (
            (self.statement_count, self.statement_sum)
            == (self.answered_count, self.answered_sum)
            == (self.paid_count, self.paid_sum)
        )


class BatchAdjustment(models.Model):
    """What became of a payment after its list was reconciled: money that came back, or that had been paid after all.

    The list stays as it was sealed, this is its sequel. Never changed.
    """

    batch = models.ForeignKey("PayoutBatch", on_delete=models.PROTECT, related_name="adjustments")
    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="adjustments", db_index=False)
    kind = models.CharField(max_length=8, choices=AdjustmentKind, db_default=AdjustmentKind.RETURNED)
    amount = models.BigIntegerField()
    at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "payments_batch_adjustment"
        constraints = [
            models.CheckConstraint(name="batch_adjustment_amount_positive", condition=Q(amount__gt=0)),
            models.UniqueConstraint(name="batch_adjustment_once", fields=["transfer", "kind"]),
        ]
        triggers = append_only("payments_batch_adjustment")
        verbose_name = _("điều chỉnh sau khi đóng")
        verbose_name_plural = _("điều chỉnh sau khi đóng")

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.amount}"
