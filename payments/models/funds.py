"""Money: funds and the append-only ledger. By which papers it comes and goes stands in `vouchers` and `proposals`.

One ledger row has both sides; it flows from `debit` to `credit`, so the books sum to zero by construction. Balances are kept
beside it by the database, and no account but the Treasury's can fall below zero whatever races.
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from beneficiaries.models import Programme
from foundation.audit.clock import PortalNow
from foundation.audit.graphs import frozen_columns
from foundation.audit.protection import append_only
from foundation.reference.models import Unit
from payments.models.visible import UnitQuerySet
from payments.states import ENTRY_ACCOUNTS, ENTRY_SOURCES, EntryKind, LedgerAccount


class Fund(models.Model):
    """Money of one source and budget code, of a ward or of the whole city, for one budget year.

    Within a unit, year and budget code each programme has one open fund, so that nobody chooses from which pot a right is paid.
    """

    code = models.CharField(_("mã nguồn"), max_length=30, unique=True)
    name = models.CharField(_("tên nguồn"), max_length=200)
    budget_code = models.CharField(_("mã quan hệ ngân sách"), max_length=20)
    debtor_account = models.CharField(_("tài khoản chi tại Kho bạc"), max_length=34)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, help_text="empty: the whole city")
    programmes = models.ManyToManyField(Programme, related_name="funds")
    year = models.PositiveSmallIntegerField(_("năm ngân sách"))
    is_open = models.BooleanField(default=True)

    objects = UnitQuerySet.as_manager()

    class Meta:
        db_table = "payments_fund"
        constraints = [
            models.CheckConstraint(name="fund_budget_code_form", condition=Q(budget_code__regex="^[0-9]{7}$")),
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
            ),
            frozen_columns("fund", ["code", "budget_code", "year"]),
            # A year is closed by two persons and stays closed.
            pgtrigger.Trigger(
                name="fund_closed_by_two",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("is_open"),
                condition=pgtrigger.Condition("OLD.is_open IS DISTINCT FROM NEW.is_open"),
                func="""
                    IF NEW.is_open OR NOT EXISTS (
                        SELECT 1 FROM payments_proposal WHERE kind = 'REMIT_FUNDS' AND outcome = 'CLOSE'
                        AND state = 'CONFIRMED' AND subject_kind = 'fund' AND subject_id = NEW.id)
                    THEN
                        RAISE EXCEPTION 'fund_closed_by_two: fund %', NEW.id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
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


def _accounts_of_kinds() -> Q:
    condition = Q()
    for kind, (debit, credit) in ENTRY_ACCOUNTS.items():
        condition |= Q(kind=kind, debit=debit, credit=credit)
    return condition


def _sources_of_kinds() -> Q:
    condition = Q()
    for source, kinds in ENTRY_SOURCES.items():
        condition &= Q(**{f"{source}__isnull": False}) | ~Q(kind__in=kinds)
    return condition


class LedgerEntry(models.Model):
    """One movement of a fund's money. Never changed, never deleted: a correction is a new row.

    Its source is a voucher, a batch (reserve once for the whole list), a transfer (post, void, return), what two persons
    decided (money handed back to the budget), or a difference with the bank's statement (suspend, clear).
    """

    fund = models.ForeignKey(Fund, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=10, choices=EntryKind)
    debit = models.CharField(max_length=10, choices=LedgerAccount)
    credit = models.CharField(max_length=10, choices=LedgerAccount)
    amount = models.BigIntegerField()
    voucher = models.ForeignKey("FundingVoucher", on_delete=models.PROTECT, null=True, db_index=False)
    batch = models.ForeignKey("PayoutBatch", on_delete=models.PROTECT, null=True, db_index=False)
    transfer = models.ForeignKey("Transfer", on_delete=models.PROTECT, null=True, db_index=False)
    proposal = models.ForeignKey("Proposal", on_delete=models.PROTECT, null=True, db_index=False)
    difference = models.ForeignKey("ReconciliationDifference", on_delete=models.PROTECT, null=True, db_index=False)
    at = models.DateTimeField(db_default=PortalNow())

    class Meta:
        db_table = "payments_ledger_entry"
        constraints = [
            models.CheckConstraint(name="ledger_entry_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="ledger_entry_accounts_of_kind", condition=_accounts_of_kinds()),
            models.CheckConstraint(
                name="ledger_entry_one_source",
                condition=Q(voucher__isnull=False, batch=None, transfer=None, proposal=None, difference=None)
                | Q(voucher=None, batch__isnull=False, transfer=None, proposal=None, difference=None)
                | Q(voucher=None, batch=None, transfer__isnull=False, proposal=None, difference=None)
                | Q(voucher=None, batch=None, transfer=None, proposal__isnull=False, difference=None)
                | Q(voucher=None, batch=None, transfer=None, proposal=None, difference__isnull=False),
            ),
            models.UniqueConstraint(
                name="ledger_entry_once_per_difference",
                fields=["difference", "kind"],
                condition=Q(difference__isnull=False),
            ),
            models.CheckConstraint(name="ledger_entry_source_of_kind", condition=_sources_of_kinds()),
            models.UniqueConstraint(
                name="ledger_entry_once_per_transfer", fields=["transfer", "kind"], condition=Q(transfer__isnull=False)
            ),
            models.UniqueConstraint(
                name="ledger_entry_once_per_batch", fields=["batch", "kind"], condition=Q(batch__isnull=False)
            ),
            models.UniqueConstraint(
                name="ledger_entry_once_per_voucher", fields=["voucher", "kind"], condition=Q(voucher__isnull=False)
            ),
            models.UniqueConstraint(
                name="ledger_entry_once_per_proposal", fields=["proposal"], condition=Q(proposal__isnull=False)
            ),
        ]
        indexes = [
            models.Index(name="ledger_entry_fund", fields=["fund", "-at", "-id"]),
            models.Index(name="ledger_entry_kind", fields=["fund", "kind", "-at", "-id"]),
        ]
        triggers = [
            *append_only("payments_ledger_entry"),
            # Money comes by a paper, and goes back to the budget, only as two persons have signed it.
            pgtrigger.Trigger(
                name="ledger_entry_as_signed",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.voucher_id IS NOT NULL OR NEW.proposal_id IS NOT NULL"),
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM payments_funding_voucher WHERE id = NEW.voucher_id AND state = 'CONFIRMED'
                        AND fund_id = NEW.fund_id AND kind = NEW.kind AND amount = NEW.amount
                        UNION ALL
                        SELECT 1 FROM payments_proposal WHERE id = NEW.proposal_id AND state = 'CONFIRMED'
                        AND kind = 'REMIT_FUNDS' AND subject_kind = 'fund' AND subject_id = NEW.fund_id
                        AND details ->> 'account' = NEW.debit AND (details ->> 'amount')::bigint = NEW.amount)
                    THEN
                        RAISE EXCEPTION 'ledger_entry_as_signed: % of fund %', NEW.kind, NEW.fund_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # Money that went back to the fund leaves it again for the payment that it belonged to, and only once that is paid.
            pgtrigger.Trigger(
                name="ledger_entry_unvoids_what_was_paid",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.kind = 'UNVOID'"),
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM payments_ledger_entry v JOIN payments_transfer t ON t.id = v.transfer_id
                        WHERE v.transfer_id = NEW.transfer_id AND v.kind = 'VOID' AND v.fund_id = NEW.fund_id
                          AND v.amount = NEW.amount AND t.state = 'SETTLED')
                    THEN
                        RAISE EXCEPTION 'ledger_entry_unvoids_what_was_paid: transfer %', NEW.transfer_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
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
