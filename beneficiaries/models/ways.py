"""How a payee wants to be paid: dated rows that are never changed. A new wish is a new row."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models.people import Payee
from beneficiaries.states import Delivery, Way, WaySource
from foundation.audit.clock import PortalNow
from foundation.audit.protection import append_only


class PaymentWay(models.Model):
    """From a day on, a payee is paid this way; the newest row of those that have begun holds (`HOLDING_WAY`).

    Nobody has a row who never said anything: his account is paid into, and where there is none he comes to the ward.
    `service_code` is the customer's number with the payment service, never the number of a card.
    """

    payee = models.ForeignKey(Payee, on_delete=models.PROTECT, related_name="payment_ways", db_index=False)
    way = models.CharField(_("cách nhận tiền"), max_length=15, choices=Way)
    delivery = models.CharField(_("hình thức"), max_length=9, choices=Delivery, blank=True, db_default="")
    service_code = models.CharField(_("mã khách hàng tại tổ chức dịch vụ chi trả"), max_length=20, blank=True)
    valid_from = models.DateField(_("từ ngày"))
    source = models.CharField(max_length=7, choices=WaySource)
    reason = models.CharField(_("lý do"), max_length=300, blank=True)
    recorded_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "beneficiaries_payment_way"
        constraints = [
            models.CheckConstraint(
                name="payment_way_delivery_of_service",
                condition=Q(way=Way.PAYMENT_SERVICE, delivery__in=Delivery.values)
                | (~Q(way=Way.PAYMENT_SERVICE) & Q(delivery="", service_code="")),
            ),
            # Ten digits at most: a card has 16 or 19, and its number has no business here.
            models.CheckConstraint(
                name="payment_way_service_code_form", condition=Q(service_code__regex="^[A-Z]{0,6}[0-9]{0,10}$")
            ),
            models.CheckConstraint(
                name="payment_way_card_has_code", condition=~Q(delivery=Delivery.CARD) | ~Q(service_code="")
            ),
            models.CheckConstraint(
                name="payment_way_officer_says_why",
                condition=~Q(source=WaySource.OFFICER) | (~Q(reason="") & Q(recorded_by__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="payment_way_holding", fields=["payee", "-valid_from", "-id"])]
        triggers = append_only("beneficiaries_payment_way")
        verbose_name = _("cách nhận tiền")
        verbose_name_plural = _("cách nhận tiền")

    def __str__(self) -> str:
        return f"{self.way} {self.delivery}".strip()
