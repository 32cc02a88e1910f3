"""Money: funds, the vouchers by which it enters, and the append-only ledger.

One ledger row has both sides; it flows from `debit` to `credit`, so the books sum to zero by construction. Balances are kept
beside it by the database, and no account but the Treasury's can fall below zero whatever races.
"""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models import Programme
from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns, only_allowed_moves
from foundation.audit.protection import append_only
from foundation.reference.models import Unit
from payments.states import ENTRY_ACCOUNTS, VOUCHER_MOVES, EntryKind, LedgerAccount, VoucherState


class Fund(models.Model):
    """Money of one source and budget code, of a ward or of the whole city."""

    code = models.CharField(_("mã nguồn"), max_length=30, unique=True)
    name = models.CharField(_("tên nguồn"), max_length=200)
    budget_code = models.CharField(_("mã quan hệ ngân sách"), max_length=20)
    debtor_account = models.CharField(_("tài khoản chi tại Kho bạc"), max_length=34)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, help_text="empty: the whole city")
    programmes = models.ManyToManyField(Programme, related_name="funds")
    year = models.PositiveSmallIntegerField(_("năm ngân sách"))
    is_open = models.BooleanField(default=True)

    class Meta:
        db_table = "payments_fund"
        constraints = [
            models.CheckConstraint(
                name="fund_debtor_account_form", condition=Q(debtor_account__regex="^[A-Za-z0-9.]{1,34}$")
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="fund_has_balances",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                func=f"""
                    INSERT INTO payments_fund_balance (fund_id, account, balance)
                    SELECT NEW.id, account, 0
                    FROM unnest(ARRAY[{", ".join(f"'{a}'" for a in LedgerAccount.values)}]) AS account;
                    RETURN NEW;
                """,
            )
        ]
        verbose_name = _("nguồn kinh phí")
        verbose_name_plural = _("nguồn kinh phí")

    def __str__(self) -> str:
        return self.name


class FundBalance(models.Model):
    """What an account of a fund holds, in đồng; written by the ledger's trigger and by nothing else."""

    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, related_name="balances")
    account = models.CharField(max_length=10, choices=LedgerAccount)
    balance = models.BigIntegerField(default=0)

    class Meta:
        db_table = "payments_fund_balance"
        constraints = [
            models.UniqueConstraint(name="fund_balance_one_per_account", fields=["fund", "account"]),
            models.CheckConstraint(
                name="fund_balance_never_negative", condition=Q(balance__gte=0) | Q(account=LedgerAccount.TREASURY)
            ),
        ]
        triggers = [
            # Depth 1 is a statement of somebody's; deeper is the ledger's own trigger.
            pgtrigger.Trigger(
                name="fund_balance_written_by_ledger",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Insert | pgtrigger.Delete,
                condition=pgtrigger.Condition("pg_trigger_depth() = 0"),
                func="RAISE EXCEPTION 'fund_balance_written_by_ledger' USING ERRCODE = 'check_violation';",
            )
        ]
        verbose_name = _("số dư")
        verbose_name_plural = _("số dư")

    def __str__(self) -> str:
        return f"{self.account} {self.balance}"


class FundingVoucher(models.Model):
    """A Treasury paper by which money enters a fund; it counts when a second person has confirmed it."""

    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, related_name="vouchers")
    number = models.CharField(_("số chứng từ"), max_length=60)
    voucher_date = models.DateField(_("ngày chứng từ"))
    amount = models.BigIntegerField(_("số tiền"))
    state = models.CharField(max_length=10, choices=VoucherState, default=VoucherState.RECORDED)
    recorded_by = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")
    recorded_by_person = models.BinaryField(max_length=32)
    recorded_at = models.DateTimeField(db_default=PortalNow())
    decided_by = models.ForeignKey("users.User", on_delete=models.PROTECT, null=True, related_name="+")
    decided_by_person = models.BinaryField(max_length=32, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payments_funding_voucher"
        constraints = [
            models.UniqueConstraint(
                name="funding_voucher_once", fields=["fund", "number"], condition=~Q(state="REFUSED")
            ),
            models.CheckConstraint(name="funding_voucher_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="funding_voucher_decided_by_second_person",
                condition=Q(state="RECORDED", decided_by=None, decided_by_person=None, decided_at=None)
                | (
                    ~Q(state="RECORDED")
                    & Q(decided_by__isnull=False, decided_by_person__isnull=False, decided_at__isnull=False)
                    & ~Q(decided_by_person=F("recorded_by_person"))
                ),
            ),
        ]
        triggers = [
            *only_allowed_moves("funding_voucher", VOUCHER_MOVES, initial=["RECORDED"]),
            frozen_columns(
                "funding_voucher",
                ["fund_id", "number", "voucher_date", "amount", "recorded_by_id", "recorded_by_person"],
            ),
        ]
        verbose_name = _("chứng từ cấp kinh phí")
        verbose_name_plural = _("chứng từ cấp kinh phí")

    def __str__(self) -> str:
        return self.number


def _accounts_of_kinds() -> Q:
    condition = Q()
    for kind, (debit, credit) in ENTRY_ACCOUNTS.items():
        condition |= Q(kind=kind, debit=debit, credit=credit)
    return condition


class LedgerEntry(models.Model):
    """One movement of a fund's money. Never changed, never deleted: a correction is a new row.

    Its source is a voucher, a batch (reserve once for the whole list) or a transfer (post, void, return).
    """

    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=10, choices=EntryKind)
    debit = models.CharField(max_length=10, choices=LedgerAccount)
    credit = models.CharField(max_length=10, choices=LedgerAccount)
    amount = models.BigIntegerField()
    voucher = models.ForeignKey(FundingVoucher, on_delete=models.PROTECT, null=True, db_index=False)
    batch = models.ForeignKey("PayoutBatch", on_delete=models.PROTECT, null=True, db_index=False)
    transfer = models.ForeignKey("Transfer", on_delete=models.PROTECT, null=True, db_index=False)
    at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "payments_ledger_entry"
        constraints = [
            models.CheckConstraint(name="ledger_entry_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="ledger_entry_accounts_of_kind", condition=_accounts_of_kinds()),
            models.CheckConstraint(
                name="ledger_entry_one_source",
                condition=Q(voucher__isnull=False, batch=None, transfer=None)
                | Q(voucher=None, batch__isnull=False, transfer=None)
                | Q(voucher=None, batch=None, transfer__isnull=False),
            ),
            models.UniqueConstraint(
                name="ledger_entry_once_per_transfer", fields=["transfer", "kind"], condition=Q(transfer__isnull=False)
            ),
            models.UniqueConstraint(
                name="ledger_entry_once_per_batch", fields=["batch", "kind"], condition=Q(batch__isnull=False)
            ),
            models.UniqueConstraint(
                name="ledger_entry_once_per_voucher", fields=["voucher", "kind"], condition=Q(voucher__isnull=False)
            ),
        ]
        triggers = [
            *append_only("payments_ledger_entry"),
            # Once per statement, in the order of fund and account: two workers cannot wait for each other.
            pgtrigger.Trigger(
                name="ledger_entry_moves_balances",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="added"),
                declare=[("changed", "record")],
                func="""
                    FOR changed IN
                        SELECT fund_id, account, sum(amount) AS amount
                        FROM (
                            SELECT fund_id, debit AS account, -amount AS amount FROM added
                            UNION ALL
                            SELECT fund_id, credit, amount FROM added
                        ) AS sides
                        GROUP BY fund_id, account
                        ORDER BY fund_id, account
                    LOOP
                        UPDATE payments_fund_balance SET balance = balance + changed.amount
                        WHERE fund_id = changed.fund_id AND account = changed.account;
                    END LOOP;
                    RETURN NULL;
                """,
            ),
        ]
        verbose_name = _("bút toán")
        verbose_name_plural = _("sổ cái")

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"
