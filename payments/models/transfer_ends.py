"""How a transfer ended, beside its state: money that came back, or a signature for cash."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.clock import PortalNow
from foundation.audit.protection import append_only
from payments.models.transfers import Transfer


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
        triggers = [
            *append_only("payments_cash_collection"),
            # Signed for is what lies at the desk.
            pgtrigger.Trigger(
                name="cash_collection_of_cash_at_the_desk",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (SELECT 1 FROM payments_transfer
                                   WHERE id = NEW.transfer_id AND route = 'WARD_CASH' AND state = 'HANDED_OVER')
                    THEN
                        RAISE EXCEPTION 'cash_collection_of_cash_at_the_desk: transfer %', NEW.transfer_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # And it is paid by the time that both are there for others to see.
            pgtrigger.Trigger(
                name="cash_collection_settles",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func="""
                    IF NOT EXISTS (SELECT 1 FROM payments_transfer WHERE id = NEW.transfer_id AND state = 'SETTLED') THEN
                        RAISE EXCEPTION 'cash_collection_settles: transfer %', NEW.transfer_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]
        verbose_name = _("ký nhận tiền mặt")
        verbose_name_plural = _("ký nhận tiền mặt")

    def __str__(self) -> str:
        return f"{self.transfer_id} {self.collected_date}"
