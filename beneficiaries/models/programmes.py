"""Schemes and their dated rates, all of it data: the law changes more often than the code."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.ranges import days_in_order, overlapping_days, same_text


class Programme(models.Model):
    """A scheme of social welfare, with the neutral name that messages, bank texts and posted lists carry."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(_("tên"), max_length=200)
    public_name = models.CharField(_("tên công khai"), max_length=60)
    legal_basis = models.CharField(_("căn cứ pháp lý"), max_length=300, blank=True)

    class Meta:
        db_table = "beneficiaries_programme"
        verbose_name = _("chương trình")
        verbose_name_plural = _("chương trình")

    def __str__(self) -> str:
        return self.name


class ProgrammeLine(models.Model):
    """One line of a programme: a group of people, and how its amount follows from a dated rate."""

    class Period(models.TextChoices):
        MONTH = "MONTH", _("hằng tháng")
        ONCE = "ONCE", _("một lần")
        DAY = "DAY", _("theo ngày")

    class PayeeRole(models.TextChoices):
        SELF = "SELF", _("người hưởng")
        CARER = "CARER", _("người chăm sóc")
        HOUSEHOLDER = "HOUSEHOLDER", _("chủ hộ")
        ORGANISER = "ORGANISER", _("người tổ chức mai táng")

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="lines")
    code = models.CharField(_("mã đối tượng"), max_length=20, unique=True)
    name = models.CharField(_("tên"), max_length=300)
    name_en = models.CharField(max_length=300, blank=True)
    public_name = models.CharField(_("tên công khai"), max_length=60)
    bank_narration = models.CharField(max_length=60, help_text="the public name in the letters that banks carry")
    sensitive = models.BooleanField(default=False)
    standard = models.CharField(_("mức chuẩn"), max_length=40, help_text="which Rate rows set its amount")
    coefficient = models.DecimalField(_("hệ số"), max_digits=5, decimal_places=2)
    period = models.CharField(max_length=5, choices=Period)
    counted_unit = models.CharField(
        max_length=10, help_text="what one coefficient counts: PERSON, CHILD, HOUSEHOLD, DAY"
    )
    payee_role = models.CharField(max_length=12, choices=PayeeRole)
    min_age = models.PositiveSmallIntegerField(null=True, help_text="full years of the beneficiary, inclusive")
    max_age = models.PositiveSmallIntegerField(null=True, help_text="exclusive")
    legal_basis = models.CharField(_("căn cứ pháp lý"), max_length=300, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    class Meta:
        db_table = "beneficiaries_programme_line"
        constraints = [
            days_in_order("programme_line_dates"),
            models.CheckConstraint(name="programme_line_coefficient", condition=Q(coefficient__gt=0)),
        ]
        verbose_name = _("đối tượng hưởng")
        verbose_name_plural = _("đối tượng hưởng")

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Rate(models.Model):
    """A standard amount in đồng, of the nation or the city, from a day to a day. The larger of the two is paid."""

    class Scope(models.TextChoices):
        NATIONAL = "NATIONAL", _("Cả nước")
        CITY = "CITY", _("Thành phố")

    scope = models.CharField(max_length=8, choices=Scope)
    standard = models.CharField(max_length=40)
    amount = models.BigIntegerField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    legal_basis = models.CharField(max_length=300)

    class Meta:
        db_table = "beneficiaries_rate"
        constraints = [
            models.CheckConstraint(name="rate_amount_positive", condition=Q(amount__gt=0)),
            days_in_order("rate_dates"),
            ExclusionConstraint(
                name="rate_one_at_a_time", expressions=[same_text("standard", "scope"), overlapping_days()]
            ),
        ]
        indexes = [
            models.Index(name="rate_standard", fields=["standard", "valid_from"])
        ]  # looked up for every month owed
        verbose_name = _("mức chuẩn")
        verbose_name_plural = _("mức chuẩn")

    def __str__(self) -> str:
        return f"{self.standard} {self.amount}"
