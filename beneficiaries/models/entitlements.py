"""Why a person is owed what per period: decision, line, rule, days; and the lists that such rows came from."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models.people import Person
from beneficiaries.models.programmes import ProgrammeLine
from beneficiaries.models.visible import ImportQuerySet
from beneficiaries.states import ENTITLEMENT_MOVES, EntitlementState, ImportState
from foundation.audit.clock import PortalNow
from foundation.audit.graphs import only_allowed_moves
from foundation.audit.protection import append_only
from foundation.audit.ranges import days_in_order, overlapping_days, same_number
from foundation.reference.models import Unit


class RegisterImport(models.Model):
    """A list of entitled people that an officer brought: checked first, written only when committed."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT)
    file_name = models.CharField(max_length=200)
    file_sha256 = models.BinaryField(max_length=32)
    period = models.DateField(help_text="first day of the month that the list is for")
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.CHECKED)
    summary = models.JSONField(default=dict, help_text="counts and problems of the preview; no personal numbers")
    uploaded_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(db_default=PortalNow())
    committed_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    committed_at = models.DateTimeField(null=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        db_table = "beneficiaries_register_import"
        constraints = [
            models.CheckConstraint(name="register_import_period_is_month", condition=Q(period__day=1)),
            models.CheckConstraint(
                name="register_import_committed_by_somebody",
                condition=Q(state="COMMITTED", committed_by__isnull=False, committed_at__isnull=False)
                | (~Q(state="COMMITTED") & Q(committed_by=None, committed_at=None)),
            ),
        ]
        verbose_name = _("danh sách nhập")
        verbose_name_plural = _("danh sách nhập")

    def __str__(self) -> str:
        return self.file_name


class RegisterImportFile(models.Model):
    """The original file of an import as it came, encrypted (context "register_import.file", row id = pk)."""

    register_import = models.OneToOneField(
        RegisterImport, on_delete=models.PROTECT, primary_key=True, related_name="file"
    )
    content_encrypted = models.BinaryField()

    class Meta:
        db_table = "beneficiaries_register_import_file"
        triggers = append_only("beneficiaries_register_import_file")

    def __str__(self) -> str:
        return f"{self.register_import_id}"


class Entitlement(models.Model):
    """A person's right to one programme line under one decision, with the rule that sets its amount.

    The amount of a month is `fixed_amount`, or the rate of `standard` (the line's own unless `standard` names another, as
    the merit tables do) times `coefficient`. What was paid before the portal began is told by `paid_through`.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="entitlements")
    programme_line = models.ForeignKey(ProgrammeLine, on_delete=models.PROTECT)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, help_text="whose decision it is and who pays")
    coefficient = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    fixed_amount = models.BigIntegerField(null=True)
    standard = models.CharField(max_length=40, blank=True)
    decision_number = models.CharField(_("số quyết định"), max_length=60)
    decision_date = models.DateField(_("ngày quyết định"), null=True)
    benefit_book_number = models.CharField(_("số sổ lĩnh tiền"), max_length=40, blank=True)
    valid_from = models.DateField(_("hưởng từ"))
    valid_to = models.DateField(_("hưởng đến"), null=True)
    state = models.CharField(max_length=10, choices=EntitlementState, default=EntitlementState.ACTIVE)
    paid_through = models.DateField(null=True, help_text="first day of the last month paid before the portal")
    register_import = models.ForeignKey(
        RegisterImport, on_delete=models.PROTECT, null=True, related_name="entitlements"
    )
    created_at = models.DateTimeField(db_default=PortalNow())
    updated_at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "beneficiaries_entitlement"
        constraints = [
            days_in_order("entitlement_dates"),
            models.CheckConstraint(
                name="entitlement_one_amount_rule",
                condition=Q(coefficient__gt=0, fixed_amount=None)
                | Q(coefficient=None, fixed_amount__gt=0, standard=""),
            ),
            models.CheckConstraint(
                name="entitlement_active_has_decision",
                condition=Q(state="DRAFT") | ~Q(decision_number=""),
            ),
            models.CheckConstraint(
                name="entitlement_paid_through_is_month", condition=Q(paid_through=None) | Q(paid_through__day=1)
            ),
            # A single parent draws once per child: the number of children is the coefficient of one row.
            ExclusionConstraint(
                name="entitlement_once_at_a_time",
                expressions=[same_number("person"), same_number("programme_line"), overlapping_days()],
                condition=~Q(state="ENDED"),
            ),
        ]
        indexes = [
            models.Index(
                name="entitlement_unit", fields=["unit", "programme_line", "id"], condition=Q(state="ACTIVE")
            ),
            models.Index(name="entitlement_person", fields=["person"]),
        ]
        triggers = only_allowed_moves("entitlement", ENTITLEMENT_MOVES, initial=["DRAFT", "ACTIVE"])
        verbose_name = _("mức hưởng")
        verbose_name_plural = _("mức hưởng")

    def __str__(self) -> str:
        return f"{self.decision_number}"
