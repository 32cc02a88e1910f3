"""People, households, and who receives money for whom. All dates are inclusive."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models.visible import PersonQuerySet
from foundation.audit.clock import PortalNow
from foundation.audit.ranges import days_in_order, overlapping_days, same_number, same_text
from foundation.reference.models import DatedQuerySet, Neighbourhood, Unit


class Household(models.Model):
    """People of one address under one householder, with the code that the poverty list knows."""

    code = models.CharField(_("mã hộ"), max_length=30, unique=True)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT)
    head = models.ForeignKey("Person", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "beneficiaries_household"
        verbose_name = _("hộ gia đình")
        verbose_name_plural = _("hộ gia đình")

    def __str__(self) -> str:
        return self.code


class Person(models.Model):
    """A human known by the 12-digit national ID, which is kept encrypted and found by its fingerprint."""

    class Sex(models.TextChoices):
        MALE = "M", _("Nam")
        FEMALE = "F", _("Nữ")

    class BirthPrecision(models.TextChoices):
        DAY = "DAY", _("Ngày")
        MONTH = "MONTH", _("Tháng")
        YEAR = "YEAR", _("Năm")

    national_id_encrypted = models.BinaryField(_("số định danh"))  # context "person.national_id", row id = pk
    national_id_index = models.BinaryField(max_length=32, unique=True)
    full_name = models.CharField(_("họ và tên"), max_length=120)
    name_sort_key = models.CharField(max_length=250, db_collation="C", editable=False)
    birth_date = models.DateField(_("ngày sinh"), null=True)
    birth_precision = models.CharField(max_length=5, choices=BirthPrecision, default=BirthPrecision.DAY)
    sex = models.CharField(_("giới tính"), max_length=1, choices=Sex)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, verbose_name=_("nơi cư trú"))
    neighbourhood = models.ForeignKey(Neighbourhood, on_delete=models.PROTECT, null=True, verbose_name=_("khu phố"))
    address = models.CharField(_("địa chỉ"), max_length=250, blank=True)
    phone_encrypted = models.BinaryField(null=True)  # context "person.phone", row id = pk
    phone_index = models.BinaryField(max_length=32, null=True)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, null=True, related_name="members")
    deceased_date = models.DateField(_("ngày mất"), null=True)
    created_at = models.DateTimeField(db_default=PortalNow())
    updated_at = models.DateTimeField(db_default=PortalNow())

    objects = PersonQuerySet.as_manager()

    class Meta:
        db_table = "beneficiaries_person"
        constraints = [
            models.CheckConstraint(
                name="person_phone_has_index",
                condition=Q(phone_encrypted=None, phone_index=None)
                | Q(phone_encrypted__isnull=False, phone_index__isnull=False),
            ),
            models.CheckConstraint(
                name="person_dies_after_birth",
                condition=Q(deceased_date=None) | Q(birth_date=None) | Q(deceased_date__gte=F("birth_date")),
            ),
        ]
        indexes = [
            models.Index(name="person_unit_name", fields=["unit", "name_sort_key", "id"]),
            models.Index(name="person_phone", fields=["phone_index"], condition=Q(phone_index__isnull=False)),
        ]
        verbose_name = _("người")
        verbose_name_plural = _("người")

    def __str__(self) -> str:
        return self.full_name


class Payee(models.Model):
    """Who receives money: a person, or an organisation such as a funeral organiser. Often not the beneficiary."""

    person = models.OneToOneField(Person, on_delete=models.PROTECT, null=True, related_name="payee")
    organisation_name = models.CharField(_("tên tổ chức"), max_length=200, blank=True)
    organisation_code = models.CharField(_("mã số tổ chức"), max_length=20, blank=True)
    created_at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "beneficiaries_payee"
        constraints = [
            models.CheckConstraint(
                name="payee_is_person_or_organisation",
                condition=Q(person__isnull=False, organisation_name="", organisation_code="")
                | (Q(person=None) & ~Q(organisation_name="")),
            ),
        ]
        verbose_name = _("người nhận")
        verbose_name_plural = _("người nhận")

    def __str__(self) -> str:
        return self.person.full_name if self.person else self.organisation_name


class Representation(models.Model):
    """From a day to a day, `payee` receives for `beneficiary`: everything, or one programme line only."""

    class Relation(models.TextChoices):
        PARENT = "PARENT", _("Cha, mẹ")
        GUARDIAN = "GUARDIAN", _("Người giám hộ")
        CARER = "CARER", _("Người chăm sóc, nuôi dưỡng")
        HOUSEHOLDER = "HOUSEHOLDER", _("Chủ hộ")
        AUTHORISED = "AUTHORISED", _("Người được uỷ quyền")
        LEGAL = "LEGAL", _("Người đại diện theo pháp luật")

    beneficiary = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="representations")
    payee = models.ForeignKey(Payee, on_delete=models.PROTECT, related_name="representations")
    relation = models.CharField(_("quan hệ"), max_length=12, choices=Relation)
    programme_line = models.ForeignKey(
        "ProgrammeLine", on_delete=models.PROTECT, null=True, help_text="empty: all lines"
    )
    document_number = models.CharField(_("số giấy uỷ quyền"), max_length=60, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        db_table = "beneficiaries_representation"
        constraints = [
            days_in_order("representation_dates"),
            ExclusionConstraint(
                name="representation_one_at_a_time",
                expressions=[same_number("beneficiary"), same_text("programme_line_id::text"), overlapping_days()],
            ),
            # An authorisation letter holds for a year at most (QĐ 49/2012/QĐ-UBND).
            models.CheckConstraint(
                name="representation_authority_has_paper",
                condition=~Q(relation="AUTHORISED") | (~Q(document_number="") & Q(valid_to__isnull=False)),
            ),
        ]
        verbose_name = _("người nhận thay")
        verbose_name_plural = _("người nhận thay")

    def __str__(self) -> str:
        return f"{self.payee} ← {self.beneficiary}"
