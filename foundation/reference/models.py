"""The code tables on which both apps stand: administrative units, banks, identity prefixes, working days.

Rows come from the CSV files beside this module (`national/`, `city/`) through `loading.py`, never from the code, so
that a merger, a renamed bank or another city is a change of data. Every table keeps what was once true: papers carry
old names for years.
"""

import datetime
from typing import Generic, Self, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


def _valid_period(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        name=name, condition=Q(valid_to__isnull=True) | Q(valid_from__isnull=True) | Q(valid_to__gte=F("valid_from"))
    )


_Row = TypeVar("_Row", bound=models.Model)


class DatedQuerySet(models.QuerySet[_Row, _Row], Generic[_Row]):
    """Rows with `valid_from` and `valid_to`, both inclusive, both open when null."""

    def valid_on(self, day: datetime.date) -> Self:
        """The rows that hold on `day`."""
        return self.filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=day), Q(valid_to__isnull=True) | Q(valid_to__gte=day)
        )


class UnitKind(models.TextChoices):
    """The three kinds of commune-level unit since 1/7/2025 (Law on organisation of local government)."""

    WARD = "WARD", _("Phường")
    COMMUNE = "COMMUNE", _("Xã")
    SPECIAL_ZONE = "SPECIAL_ZONE", _("Đặc khu")


class Unit(models.Model):
    """A ward, commune or special zone, known by its 5-digit code: names repeat (Thanh An 25807, Thạnh An 27676)."""

    code = models.CharField(_("mã đơn vị"), max_length=5, primary_key=True)
    name = models.CharField(_("tên"), max_length=80)
    kind = models.CharField(_("loại"), max_length=12, choices=UnitKind)
    province_code = models.CharField(_("mã tỉnh, thành phố"), max_length=2)
    sort_key = models.CharField(max_length=160, editable=False, db_collation="C")
    valid_from = models.DateField(_("từ ngày"), null=True)
    valid_to = models.DateField(_("đến ngày"), null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("đơn vị hành chính")
        verbose_name_plural = _("đơn vị hành chính")
        ordering = ["sort_key", "code"]
        constraints = [
            models.CheckConstraint(name="unit_code_is_five_digits", condition=Q(code__regex=r"^[0-9]{5}$")),
            models.CheckConstraint(name="unit_province_is_two_digits", condition=Q(province_code__regex="^[0-9]{2}$")),
            models.CheckConstraint(name="unit_kind_is_known", condition=Q(kind__in=UnitKind.values)),
            _valid_period("unit_period_in_order"),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """Kind and name as on paper: "Phường Phú Lợi"."""
        return f"{self.get_kind_display()} {self.name}"


class NeighbourhoodKind(models.TextChoices):
    """What a unit is divided into: khu phố in wards, ấp in communes."""

    KHU_PHO = "KHU_PHO", _("Khu phố")
    AP = "AP", _("Ấp")


class Neighbourhood(models.Model):
    """A khu phố or ấp: where outreach, home checks and cash points are organised. It has no national code."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="neighbourhoods", verbose_name=_("đơn vị"))
    name = models.CharField(_("tên"), max_length=80)
    kind = models.CharField(_("loại"), max_length=12, choices=NeighbourhoodKind)
    sort_key = models.CharField(max_length=160, editable=False, db_collation="C")
    valid_from = models.DateField(_("từ ngày"), null=True)
    valid_to = models.DateField(_("đến ngày"), null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("khu phố, ấp")
        verbose_name_plural = _("khu phố, ấp")
        ordering = ["unit", "sort_key", "id"]
        constraints = [
            models.UniqueConstraint(name="neighbourhood_one_name_per_unit", fields=["unit", "name"]),
            models.CheckConstraint(name="neighbourhood_kind_is_known", condition=Q(kind__in=NeighbourhoodKind.values)),
            _valid_period("neighbourhood_period_in_order"),
        ]

    def __str__(self) -> str:
        return self.name


class UnitAlias(models.Model):
    """A former unit or spelling, and the unit that holds its people now.

    One old unit may have been split over several new ones: then it has several rows, and only an officer can tell.
    """

    old_code = models.CharField(_("mã cũ"), max_length=5, blank=True)
    old_name = models.CharField(_("tên cũ"), max_length=120)
    old_district = models.CharField(_("quận, huyện cũ"), max_length=80, blank=True)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="aliases", verbose_name=_("đơn vị hiện nay"))
    whole = models.BooleanField(_("toàn bộ đơn vị cũ"), default=True)
    valid_from = models.DateField(_("từ ngày"), null=True, blank=True)
    valid_to = models.DateField(_("đến ngày"), null=True, blank=True)
    source = models.CharField(_("căn cứ"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("tên cũ của đơn vị")
        verbose_name_plural = _("tên cũ của đơn vị")
        ordering = ["old_name", "old_district", "unit"]
        constraints = [
            models.UniqueConstraint(
                name="unitalias_once_per_unit", fields=["old_name", "old_district", "old_code", "unit"]
            ),
            models.CheckConstraint(
                name="unitalias_code_is_five_digits", condition=Q(old_code__regex=r"^([0-9]{5})?$")
            ),
            _valid_period("unitalias_period_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.old_name} → {self.unit_id}"


class BankKind(models.TextChoices):
    """What stands behind a BIN; a finance company holds no payment account."""

    BANK = "BANK", _("Ngân hàng")
    DIGITAL_BRAND = "DIGITAL_BRAND", _("Ngân hàng số")
    WALLET = "WALLET", _("Ví điện tử, tiền di động")
    FINANCE = "FINANCE", _("Công ty tài chính")


class Bank(models.Model):
    """A bank or wallet, known by its 6-digit BIN because names and codes change."""

    bin = models.CharField(_("mã BIN"), max_length=6, primary_key=True)
    code = models.CharField(_("mã"), max_length=20)
    short_name = models.CharField(_("tên ngắn"), max_length=60)
    name = models.CharField(_("tên đầy đủ"), max_length=160)
    kind = models.CharField(_("loại"), max_length=16, choices=BankKind)
    aliases = ArrayField(models.CharField(max_length=80), default=list, blank=True, verbose_name=_("tên gọi khác"))
    payable = models.BooleanField(
        _("nhận được tiền chi trả"), help_text=_("Công ty tài chính không có tài khoản thanh toán.")
    )
    routing_bin = models.CharField(_("mã BIN định tuyến"), max_length=6, blank=True)
    by_gateway = models.BooleanField(
        _("cổng thanh toán chuyển tới được"),
        default=True,
        db_default=True,
        help_text=_("Ngân hàng mà cổng không tới được nhận tiền qua bảng kê Kho bạc."),
    )
    in_vneid_from = models.DateField(_("có trong danh sách VNeID từ"), null=True, blank=True)
    in_vneid_to = models.DateField(_("có trong danh sách VNeID đến"), null=True, blank=True)
    valid_from = models.DateField(_("từ ngày"), null=True, blank=True)
    valid_to = models.DateField(_("đến ngày"), null=True, blank=True)
    note = models.CharField(_("ghi chú"), max_length=200, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("ngân hàng")
        verbose_name_plural = _("ngân hàng")
        ordering = ["short_name", "bin"]
        constraints = [
            models.CheckConstraint(name="bank_bin_is_six_digits", condition=Q(bin__regex=r"^[0-9]{6}$")),
            models.CheckConstraint(name="bank_kind_is_known", condition=Q(kind__in=BankKind.values)),
            models.CheckConstraint(
                name="bank_finance_company_is_not_payable", condition=~Q(kind="FINANCE", payable=True)
            ),
            models.CheckConstraint(
                name="bank_vneid_period_in_order",
                condition=Q(in_vneid_to__isnull=True) | Q(in_vneid_to__gte=F("in_vneid_from")),
            ),
            _valid_period("bank_period_in_order"),
        ]

    def __str__(self) -> str:
        return self.short_name

    def in_vneid_list(self, day: datetime.date) -> bool:
        """Whether VNeID offered this bank on `day`; newspapers differ, so the list is dated configuration."""
        if self.in_vneid_from is None or day < self.in_vneid_from:
            return False
        return self.in_vneid_to is None or day <= self.in_vneid_to


class IdentityPrefix(models.Model):
    """First three digits of a personal ID: where the birth was registered (TT 07/2016/TT-BCA), for life."""

    code = models.CharField(_("mã"), max_length=3, primary_key=True)
    name = models.CharField(_("nơi đăng ký khai sinh"), max_length=60)
    province_code = models.CharField(_("mã tỉnh, thành phố hiện nay"), max_length=2)
    province_name = models.CharField(_("tỉnh, thành phố hiện nay"), max_length=60)

    class Meta:
        verbose_name = _("đầu số định danh")
        verbose_name_plural = _("đầu số định danh")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(name="identityprefix_is_three_digits", condition=Q(code__regex=r"^[0-9]{3}$")),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class DayKind(models.TextChoices):
    """What the calendar says against the ordinary week."""

    HOLIDAY = "HOLIDAY", _("Nghỉ")
    WORKING = "WORKING", _("Làm bù")


class Holiday(models.Model):
    """A day that differs from the ordinary week: a holiday, or a Saturday worked in exchange for a bridge day."""

    date = models.DateField(_("ngày"), primary_key=True)
    kind = models.CharField(_("loại"), max_length=8, choices=DayKind, default=DayKind.HOLIDAY)
    name = models.CharField(_("tên"), max_length=120)
    source = models.CharField(_("căn cứ"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("ngày nghỉ, ngày làm bù")
        verbose_name_plural = _("ngày nghỉ, ngày làm bù")
        ordering = ["date"]
        constraints = [models.CheckConstraint(name="holiday_kind_is_known", condition=Q(kind__in=DayKind.values))]

    def __str__(self) -> str:
        return f"{self.date:%d/%m/%Y} {self.name}"
