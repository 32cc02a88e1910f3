"""Papers by which a fund's money comes, and by which the bank's fees go; each counts when a second person has confirmed it."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.graphs import frozen_columns, only_allowed_moves
from payments.models.funds import Fund
from payments.models.recoveries import Recovery
from payments.models.second_person import RecordedThenDecided, decided_by_second_person
from payments.models.visible import UnitQuerySet
from payments.states import VOUCHER_MOVES, VoucherKind, VoucherState


class VoucherQuerySet(UnitQuerySet["FundingVoucher"]):
    """Papers of the units whose funds they are about."""

    unit_path = "fund__unit"


class FundingVoucher(RecordedThenDecided):
    """A paper about a fund's money: the Treasury's, a bank's invoice, a receipt of what a person paid back."""

    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, related_name="vouchers")
    kind = models.CharField(_("loại chứng từ"), max_length=10, choices=VoucherKind, default=VoucherKind.FUND)
    number = models.CharField(_("số chứng từ"), max_length=60)
    voucher_date = models.DateField(_("ngày chứng từ"))
    amount = models.BigIntegerField(_("số tiền"))
    recovery = models.ForeignKey(Recovery, on_delete=models.PROTECT, null=True, related_name="vouchers")
    state = models.CharField(max_length=10, choices=VoucherState, default=VoucherState.RECORDED)

    objects = VoucherQuerySet.as_manager()

    class Meta:
        db_table = "payments_funding_voucher"
        constraints = [
            *decided_by_second_person("funding_voucher"),
            models.UniqueConstraint(
                name="funding_voucher_once", fields=["fund", "number"], condition=~Q(state="REFUSED")
            ),
            models.CheckConstraint(name="funding_voucher_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="funding_voucher_recovers_by_decision",
                condition=Q(kind=VoucherKind.RECOVER, recovery__isnull=False)
                | (~Q(kind=VoucherKind.RECOVER) & Q(recovery=None)),
            ),
        ]
        indexes = [models.Index(name="funding_voucher_of_fund", fields=["fund", "-id"])]
        triggers = [
            *only_allowed_moves("funding_voucher", VOUCHER_MOVES, initial=["RECORDED"]),
            frozen_columns(
                "funding_voucher",
                [
                    "fund_id",
                    "kind",
                    "number",
                    "voucher_date",
                    "amount",
                    "recovery_id",
                    "recorded_by_id",
                    "recorded_by_person",
                ],
            ),
            # What a person paid back counts against his decision, never more than is left of it.
            pgtrigger.Trigger(
                name="funding_voucher_recovery_counted",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("state"),
                condition=pgtrigger.Condition(
                    "NEW.kind = 'RECOVER' AND NEW.state = 'CONFIRMED' AND OLD.state <> 'CONFIRMED'"
                ),
                func="""
                    UPDATE payments_recovery SET recovered_amount = recovered_amount + NEW.amount
                    WHERE id = NEW.recovery_id AND state = 'CONFIRMED';
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'funding_voucher_recovery_counted: %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]
        verbose_name = _("chứng từ")
        verbose_name_plural = _("chứng từ")

    def __str__(self) -> str:
        return self.number
