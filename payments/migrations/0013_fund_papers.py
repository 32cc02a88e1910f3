"""Papers that two persons sign, recoveries, fees apart, a year that is closed; each kind of entry has its source."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import foundation.audit.clock

# Funds that are there get their new accounts; the rule that balances are the ledger's alone is put aside for this one statement.
NEW_ACCOUNTS = """
ALTER TABLE payments_fund_balance DISABLE TRIGGER USER;
INSERT INTO payments_fund_balance (fund_id, account, balance)
SELECT f.id, a.account, 0 FROM payments_fund f CROSS JOIN (VALUES ('FEES'), ('FEES_PAID')) AS a(account);
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE payments_fund_balance ENABLE TRIGGER USER;
"""

# Within a unit, year and budget code a programme has one open fund. Waits for whoever is giving out programmes of the same code.
PROGRAMME_ONCE = """
CREATE FUNCTION payments_fund_programme_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mine payments_fund%ROWTYPE;
BEGIN
    SELECT * INTO mine FROM payments_fund WHERE id = NEW.fund_id;
    PERFORM 1 FROM payments_fund WHERE year = mine.year AND budget_code = mine.budget_code ORDER BY id FOR NO KEY UPDATE;
    IF mine.is_open AND EXISTS (
        SELECT 1 FROM payments_fund f JOIN payments_fund_programmes p ON p.fund_id = f.id
        WHERE f.id <> mine.id AND f.is_open AND f.year = mine.year AND f.budget_code = mine.budget_code
          AND f.unit_id IS NOT DISTINCT FROM mine.unit_id AND p.programme_id = NEW.programme_id)
    THEN
        RAISE EXCEPTION 'fund_programme_once: programme % of fund %', NEW.programme_id, NEW.fund_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fund_programme_once BEFORE INSERT OR UPDATE ON payments_fund_programmes
    FOR EACH ROW EXECUTE FUNCTION payments_fund_programme_once();
"""
NOT_ONCE = """
DROP TRIGGER fund_programme_once ON payments_fund_programmes;
DROP FUNCTION payments_fund_programme_once();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("beneficiaries", "0009_cooling_off"),
        ("payments", "0012_rights_and_hash_of_routes"),
        ("reference", "0004_banks_by_gateway"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="fund",
            name="fund_has_balances",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="fundingvoucher",
            name="funding_voucher_frozen",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="payoutline",
            name="payout_line_frozen",
        ),
        migrations.RemoveConstraint(
            model_name="ledgerentry",
            name="ledger_entry_accounts_of_kind",
        ),
        migrations.RemoveConstraint(
            model_name="ledgerentry",
            name="ledger_entry_one_source",
        ),
        migrations.CreateModel(
            name="Recovery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("recorded_by_person", models.BinaryField(max_length=32)),
                ("recorded_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                ("decided_by_person", models.BinaryField(max_length=32, null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.CharField(blank=True, db_default="", max_length=300)),
                (
                    "basis",
                    models.CharField(
                        choices=[("DECISION", "Quyết định thu hồi"), ("CONSENT", "Người hưởng đồng ý bằng văn bản")],
                        max_length=10,
                        verbose_name="căn cứ",
                    ),
                ),
                ("number", models.CharField(max_length=60, verbose_name="số văn bản")),
                ("paper_date", models.DateField(verbose_name="ngày văn bản")),
                ("total_amount", models.BigIntegerField(verbose_name="tổng số tiền phải thu")),
                ("monthly_amount", models.BigIntegerField(verbose_name="mỗi tháng trừ nhiều nhất")),
                ("first_period", models.DateField(help_text="first day of the month", verbose_name="trừ từ kỳ")),
                ("recovered_amount", models.BigIntegerField(db_default=0, default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("RECORDED", "Chờ xác nhận"),
                            ("CONFIRMED", "Đang thu hồi"),
                            ("REFUSED", "Không xác nhận"),
                            ("STOPPED", "Đã thôi thu"),
                        ],
                        default="RECORDED",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "verbose_name": "khoản phải thu hồi",
                "verbose_name_plural": "khoản phải thu hồi",
                "db_table": "payments_recovery",
            },
        ),
        migrations.AlterModelOptions(
            name="fundingvoucher",
            options={"verbose_name": "chứng từ", "verbose_name_plural": "chứng từ"},
        ),
        migrations.AddField(
            model_name="fundingvoucher",
            name="decision_reason",
            field=models.CharField(blank=True, db_default="", max_length=300),
        ),
        migrations.AddField(
            model_name="fundingvoucher",
            name="kind",
            field=models.CharField(
                choices=[
                    ("FUND", "Cấp kinh phí chi trả"),
                    ("FUND_FEES", "Cấp kinh phí trả phí ngân hàng"),
                    ("FEE", "Hoá đơn phí của ngân hàng"),
                    ("RECOVER", "Người hưởng nộp lại tiền"),
                ],
                default="FUND",
                max_length=10,
                verbose_name="loại chứng từ",
            ),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="proposal",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="payments.proposal"
            ),
        ),
        migrations.AlterField(
            model_name="fundbalance",
            name="account",
            field=models.CharField(
                choices=[
                    ("TREASURY", "Kho bạc"),
                    ("FUNDING", "Nguồn còn lại"),
                    ("RESERVED", "Đã giữ cho đợt chi"),
                    ("PAID", "Đã chi"),
                    ("RETURNS", "Bị trả lại"),
                    ("SUSPENSE", "Chờ làm rõ"),
                    ("FEES", "Phí chi trả còn lại"),
                    ("FEES_PAID", "Phí đã trả ngân hàng"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="credit",
            field=models.CharField(
                choices=[
                    ("TREASURY", "Kho bạc"),
                    ("FUNDING", "Nguồn còn lại"),
                    ("RESERVED", "Đã giữ cho đợt chi"),
                    ("PAID", "Đã chi"),
                    ("RETURNS", "Bị trả lại"),
                    ("SUSPENSE", "Chờ làm rõ"),
                    ("FEES", "Phí chi trả còn lại"),
                    ("FEES_PAID", "Phí đã trả ngân hàng"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="debit",
            field=models.CharField(
                choices=[
                    ("TREASURY", "Kho bạc"),
                    ("FUNDING", "Nguồn còn lại"),
                    ("RESERVED", "Đã giữ cho đợt chi"),
                    ("PAID", "Đã chi"),
                    ("RETURNS", "Bị trả lại"),
                    ("SUSPENSE", "Chờ làm rõ"),
                    ("FEES", "Phí chi trả còn lại"),
                    ("FEES_PAID", "Phí đã trả ngân hàng"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("FUND", "Nhận kinh phí"),
                    ("RESERVE", "Giữ tiền cho đợt chi"),
                    ("POST", "Đã chi"),
                    ("VOID", "Không chi, trả về nguồn"),
                    ("RETURN", "Tiền bị trả lại"),
                    ("REFUND", "Nhập lại nguồn"),
                    ("REMIT", "Nộp trả ngân sách"),
                    ("SUSPEND", "Đưa vào chờ làm rõ"),
                    ("CLEAR", "Đã làm rõ"),
                    ("RECOVER", "Người hưởng nộp lại"),
                    ("FUND_FEES", "Nhận kinh phí trả phí"),
                    ("FEE", "Phí ngân hàng"),
                    ("REMIT_FEES", "Nộp trả kinh phí trả phí"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="proposal",
            name="kind",
            field=models.CharField(
                choices=[
                    ("RELEASE_BATCH", "Cho chi tiếp"),
                    ("CANCEL_BATCH", "Huỷ đợt chi"),
                    ("DECIDE_TRANSFER", "Kết luận khoản chờ xem xét"),
                    ("RESUME_PAYMENTS", "Mở lại chi trả toàn thành phố"),
                    ("REMIT_FUNDS", "Nộp trả ngân sách"),
                    ("STOP_RECOVERY", "Thôi thu hồi"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="recovery",
            name="decided_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="recovery",
            name="entitlement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="recoveries", to="beneficiaries.entitlement"
            ),
        ),
        migrations.AddField(
            model_name="recovery",
            name="recorded_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="fundingvoucher",
            name="recovery",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="vouchers", to="payments.recovery"
            ),
        ),
        migrations.AddField(
            model_name="payoutline",
            name="recovery",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="payments.recovery",
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["fund", "-at", "-id"], name="ledger_entry_fund"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["fund", "kind", "-at", "-id"], name="ledger_entry_kind"),
        ),
        migrations.AddIndex(
            model_name="fundingvoucher",
            index=models.Index(fields=["fund", "-id"], name="funding_voucher_of_fund"),
        ),
        migrations.AddIndex(
            model_name="payoutline",
            index=models.Index(
                condition=models.Q(("recovery__isnull", False)), fields=["recovery"], name="payout_line_recovery"
            ),
        ),
        migrations.AddIndex(
            model_name="recovery",
            index=models.Index(
                condition=models.Q(("state", "CONFIRMED")), fields=["entitlement"], name="recovery_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="fund",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget_code__regex", "^[0-9]{7}$")), name="fund_budget_code_form"
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("credit", "FUNDING"), ("debit", "TREASURY"), ("kind", "FUND")),
                    models.Q(("credit", "RESERVED"), ("debit", "FUNDING"), ("kind", "RESERVE")),
                    models.Q(("credit", "PAID"), ("debit", "RESERVED"), ("kind", "POST")),
                    models.Q(("credit", "FUNDING"), ("debit", "RESERVED"), ("kind", "VOID")),
                    models.Q(("credit", "RETURNS"), ("debit", "PAID"), ("kind", "RETURN")),
                    models.Q(("credit", "FUNDING"), ("debit", "RETURNS"), ("kind", "REFUND")),
                    models.Q(("credit", "TREASURY"), ("debit", "FUNDING"), ("kind", "REMIT")),
                    models.Q(("credit", "SUSPENSE"), ("debit", "TREASURY"), ("kind", "SUSPEND")),
                    models.Q(("credit", "TREASURY"), ("debit", "SUSPENSE"), ("kind", "CLEAR")),
                    models.Q(("credit", "FUNDING"), ("debit", "TREASURY"), ("kind", "RECOVER")),
                    models.Q(("credit", "FEES"), ("debit", "TREASURY"), ("kind", "FUND_FEES")),
                    models.Q(("credit", "FEES_PAID"), ("debit", "FEES"), ("kind", "FEE")),
                    models.Q(("credit", "TREASURY"), ("debit", "FEES"), ("kind", "REMIT_FEES")),
                    _connector="OR",
                ),
                name="ledger_entry_accounts_of_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("batch", None), ("proposal", None), ("transfer", None), ("voucher__isnull", False)),
                    models.Q(("batch__isnull", False), ("proposal", None), ("transfer", None), ("voucher", None)),
                    models.Q(("batch", None), ("proposal", None), ("transfer__isnull", False), ("voucher", None)),
                    models.Q(("batch", None), ("proposal__isnull", False), ("transfer", None), ("voucher", None)),
                    _connector="OR",
                ),
                name="ledger_entry_one_source",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("voucher__isnull", False),
                        models.Q(("kind__in", ("FUND", "RECOVER", "FUND_FEES", "FEE")), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("batch__isnull", False), models.Q(("kind__in", ("RESERVE",)), _negated=True), _connector="OR"
                    ),
                    models.Q(
                        ("transfer__isnull", False),
                        models.Q(("kind__in", ("POST", "VOID", "RETURN", "REFUND")), _negated=True),
                        _connector="OR",
                    ),
                    models.Q(
                        ("proposal__isnull", False),
                        models.Q(("kind__in", ("REMIT", "REMIT_FEES")), _negated=True),
                        _connector="OR",
                    ),
                ),
                name="ledger_entry_source_of_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("proposal__isnull", False)),
                fields=("proposal",),
                name="ledger_entry_once_per_proposal",
            ),
        ),
        migrations.AddConstraint(
            model_name="fundingvoucher",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "REFUSED"), _negated=True),
                    models.Q(("decision_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="funding_voucher_refusal_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="fundingvoucher",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "RECOVER"), ("recovery__isnull", False)),
                    models.Q(models.Q(("kind", "RECOVER"), _negated=True), ("recovery", None)),
                    _connector="OR",
                ),
                name="funding_voucher_recovers_by_decision",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "RECOVERY"), ("recovery__isnull", False)),
                    models.Q(models.Q(("kind", "RECOVERY"), _negated=True), ("recovery", None)),
                    _connector="OR",
                ),
                name="payout_line_recovers_by_decision",
            ),
        ),
        migrations.AddConstraint(
            model_name="recovery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_at", None), ("decided_by", None), ("decided_by_person", None), ("state", "RECORDED")
                    ),
                    models.Q(
                        models.Q(("state", "RECORDED"), _negated=True),
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("decided_by_person__isnull", False),
                        models.Q(("decided_by_person", models.F("recorded_by_person")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="recovery_decided_by_second_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="recovery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "REFUSED"), _negated=True),
                    models.Q(("decision_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="recovery_refusal_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="recovery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "REFUSED"), _negated=True),
                fields=("entitlement", "number"),
                name="recovery_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="recovery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("monthly_amount__gt", 0),
                    ("monthly_amount__lte", models.F("total_amount")),
                    ("total_amount__gt", 0),
                ),
                name="recovery_amounts",
            ),
        ),
        migrations.AddConstraint(
            model_name="recovery",
            constraint=models.CheckConstraint(
                condition=models.Q(("recovered_amount__gte", 0), ("recovered_amount__lte", models.F("total_amount"))),
                name="recovery_never_more_than_total",
            ),
        ),
        migrations.AddConstraint(
            model_name="recovery",
            constraint=models.CheckConstraint(
                condition=models.Q(("recovered_amount", 0), ("state__in", ["CONFIRMED", "STOPPED"]), _connector="OR"),
                name="recovery_counted_once_decided",
            ),
        ),
        migrations.AddConstraint(
            model_name="recovery",
            constraint=models.CheckConstraint(
                condition=models.Q(("first_period__day", 1)), name="recovery_first_period_is_month"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="fund",
            trigger=pgtrigger.compiler.Trigger(
                name="fund_has_balances",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    INSERT INTO payments_fund_balance (fund_id, account, balance)\n                    SELECT NEW.id, account, 0\n                    FROM unnest(ARRAY['TREASURY', 'FUNDING', 'RESERVED', 'PAID', 'RETURNS', 'SUSPENSE', 'FEES', 'FEES_PAID']) AS account;\n                    RETURN NEW;\n                ",
                    hash="49f0948706a22923b44cfa9e993928ce431e9ad9",
                    operation="INSERT",
                    pgid="pgtrigger_fund_has_balances_ccd24",
                    table="payments_fund",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="fund",
            trigger=pgtrigger.compiler.Trigger(
                name="fund_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.code IS DISTINCT FROM NEW.code OR OLD.budget_code IS DISTINCT FROM NEW.budget_code OR OLD.year IS DISTINCT FROM NEW.year))",
                    func="RAISE EXCEPTION 'fund_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="7bc1e9a21ae643f25cbc041c0ce64d0894b3264b",
                    operation="UPDATE",
                    pgid="pgtrigger_fund_frozen_3d7b8",
                    table="payments_fund",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="fund",
            trigger=pgtrigger.compiler.Trigger(
                name="fund_closed_by_two",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.is_open IS DISTINCT FROM NEW.is_open)",
                    func="\n                    IF NEW.is_open OR NOT EXISTS (\n                        SELECT 1 FROM payments_proposal WHERE kind = 'REMIT_FUNDS' AND outcome = 'CLOSE'\n                        AND state = 'CONFIRMED' AND subject_kind = 'fund' AND subject_id = NEW.id)\n                    THEN\n                        RAISE EXCEPTION 'fund_closed_by_two: fund %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="c2275b10b2c76ccbf5cbce2bbda48e153d0d436b",
                    operation='UPDATE OF "is_open"',
                    pgid="pgtrigger_fund_closed_by_two_c790b",
                    table="payments_fund",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="fundingvoucher",
            trigger=pgtrigger.compiler.Trigger(
                name="funding_voucher_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.fund_id IS DISTINCT FROM NEW.fund_id OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.number IS DISTINCT FROM NEW.number OR OLD.voucher_date IS DISTINCT FROM NEW.voucher_date OR OLD.amount IS DISTINCT FROM NEW.amount OR OLD.recovery_id IS DISTINCT FROM NEW.recovery_id OR OLD.recorded_by_id IS DISTINCT FROM NEW.recorded_by_id OR OLD.recorded_by_person IS DISTINCT FROM NEW.recorded_by_person))",
                    func="RAISE EXCEPTION 'funding_voucher_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="34dc53c42e35fa357b8f20ccde1a24f6624b08c7",
                    operation="UPDATE",
                    pgid="pgtrigger_funding_voucher_frozen_923d7",
                    table="payments_funding_voucher",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="fundingvoucher",
            trigger=pgtrigger.compiler.Trigger(
                name="funding_voucher_recovery_counted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.kind = 'RECOVER' AND NEW.state = 'CONFIRMED' AND OLD.state <> 'CONFIRMED')",
                    func="\n                    UPDATE payments_recovery SET recovered_amount = recovered_amount + NEW.amount\n                    WHERE id = NEW.recovery_id AND state = 'CONFIRMED';\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'funding_voucher_recovery_counted: %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="f2d52496ff1175e3545a42940886fa2cf69ff100",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_funding_voucher_recovery_counted_101ed",
                    table="payments_funding_voucher",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ledgerentry",
            trigger=pgtrigger.compiler.Trigger(
                name="ledger_entry_as_signed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.voucher_id IS NOT NULL OR NEW.proposal_id IS NOT NULL)",
                    func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM payments_funding_voucher WHERE id = NEW.voucher_id AND state = 'CONFIRMED'\n                        AND fund_id = NEW.fund_id AND kind = NEW.kind AND amount = NEW.amount\n                        UNION ALL\n                        SELECT 1 FROM payments_proposal WHERE id = NEW.proposal_id AND state = 'CONFIRMED'\n                        AND kind = 'REMIT_FUNDS' AND subject_kind = 'fund' AND subject_id = NEW.fund_id\n                        AND details ->> 'account' = NEW.debit AND (details ->> 'amount')::bigint = NEW.amount)\n                    THEN\n                        RAISE EXCEPTION 'ledger_entry_as_signed: % of fund %', NEW.kind, NEW.fund_id\n                            USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="8b537b824695a8575ae365fa76883f703f38a215",
                    operation="INSERT",
                    pgid="pgtrigger_ledger_entry_as_signed_11991",
                    table="payments_ledger_entry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payoutbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_batch_fund_is_open",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    PERFORM 1 FROM payments_fund WHERE id = NEW.fund_id AND is_open AND extract(year FROM NEW.period) <= year\n                        AND (unit_id IS NULL OR unit_id = NEW.unit_id) FOR SHARE;\n                    IF NOT FOUND THEN\n                        RAISE EXCEPTION 'payout_batch_fund_is_open: fund %', NEW.fund_id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="b8d2ee5aacd551bb068260dd7b9fc3231e68635d",
                    operation="INSERT",
                    pgid="pgtrigger_payout_batch_fund_is_open_99643",
                    table="payments_payout_batch",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payoutline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_line_recovery_as_decided",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.kind = 'RECOVERY' AND NEW.live)",
                    func="\n            UPDATE payments_recovery SET recovered_amount = recovered_amount - NEW.amount\n            WHERE id = NEW.recovery_id AND entitlement_id = NEW.entitlement_id AND state = 'CONFIRMED'\n              AND -NEW.amount <= monthly_amount AND first_period <= NEW.period;\n            IF NOT FOUND THEN\n                RAISE EXCEPTION 'payout_line_recovery_as_decided: line %', NEW.id USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NULL;\n        ",
                    hash="85dd2c0f439a13b33cf1a7970778eaa4b36d1ecf",
                    operation="INSERT",
                    pgid="pgtrigger_payout_line_recovery_as_decided_438e3",
                    table="payments_payout_line",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payoutline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_line_recovery_given_up",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.kind = 'RECOVERY' AND OLD.live)",
                    func="\n            IF TG_OP = 'DELETE' OR NOT NEW.live THEN\n                UPDATE payments_recovery SET recovered_amount = recovered_amount + OLD.amount WHERE id = OLD.recovery_id;\n            END IF;\n            RETURN NULL;\n        ",
                    hash="379a350f12ee1efa9ab903ffeaeeadf10e02fd54",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_payout_line_recovery_given_up_36bb2",
                    table="payments_payout_line",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="payoutline",
            trigger=pgtrigger.compiler.Trigger(
                name="payout_line_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.batch_id IS DISTINCT FROM NEW.batch_id OR OLD.entitlement_id IS DISTINCT FROM NEW.entitlement_id OR OLD.period IS DISTINCT FROM NEW.period OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.amount IS DISTINCT FROM NEW.amount OR OLD.recovery_id IS DISTINCT FROM NEW.recovery_id))",
                    func="RAISE EXCEPTION 'payout_line_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="62b7a9c3363d46b991420aae2bdf13b924869a37",
                    operation="UPDATE",
                    pgid="pgtrigger_payout_line_frozen_f1c20",
                    table="payments_payout_line",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY['CONFIRMED>STOPPED', 'RECORDED>CONFIRMED', 'RECORDED>REFUSED']))",
                    func="RAISE EXCEPTION 'recovery_moves: % to % is no move of the graph', OLD.state, NEW.state USING ERRCODE = 'check_violation';",
                    hash="7dfb494b6cda832530f9bdd7c50df79f7f14cc4c",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_recovery_moves_7d9b3",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_starts",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT NEW.state = ANY (ARRAY['RECORDED']))",
                    func="RAISE EXCEPTION 'recovery_starts: % is no first state', NEW.state USING ERRCODE = 'check_violation';",
                    hash="9987f34f2e2ec3d8a05c6e905a39e4c3cb147255",
                    operation="INSERT",
                    pgid="pgtrigger_recovery_starts_f38b6",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((TRUE) AND (OLD.entitlement_id IS DISTINCT FROM NEW.entitlement_id OR OLD.basis IS DISTINCT FROM NEW.basis OR OLD.number IS DISTINCT FROM NEW.number OR OLD.paper_date IS DISTINCT FROM NEW.paper_date OR OLD.total_amount IS DISTINCT FROM NEW.total_amount OR OLD.monthly_amount IS DISTINCT FROM NEW.monthly_amount OR OLD.first_period IS DISTINCT FROM NEW.first_period OR OLD.recorded_by_id IS DISTINCT FROM NEW.recorded_by_id OR OLD.recorded_by_person IS DISTINCT FROM NEW.recorded_by_person))",
                    func="RAISE EXCEPTION 'recovery_frozen: row % is frozen', OLD.id USING ERRCODE = 'check_violation';",
                    hash="dbb23b0ddfd97cde25282accab26953943e1e9b9",
                    operation="UPDATE",
                    pgid="pgtrigger_recovery_frozen_77106",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_counted_by_lines_and_papers",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (pg_trigger_depth() = 0 AND OLD.recovered_amount IS DISTINCT FROM NEW.recovered_amount)",
                    func="RAISE EXCEPTION 'recovery_counted_by_lines_and_papers' USING ERRCODE = 'check_violation';",
                    hash="08ce63b6634b6613524fad96bdbe1a10e47ab543",
                    operation='UPDATE OF "recovered_amount"',
                    pgid="pgtrigger_recovery_counted_by_lines_and_papers_30b30",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_stopped_by_two",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.state = 'STOPPED' AND OLD.state <> 'STOPPED')",
                    func="\n                    IF NOT EXISTS (SELECT 1 FROM payments_proposal WHERE kind = 'STOP_RECOVERY' AND state = 'CONFIRMED'\n                                   AND subject_kind = 'recovery' AND subject_id = NEW.id)\n                    THEN\n                        RAISE EXCEPTION 'recovery_stopped_by_two: %', NEW.id USING ERRCODE = 'check_violation';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="73394a38890bd17c32fd43ad4240527182ee2dd2",
                    operation='UPDATE OF "state"',
                    pgid="pgtrigger_recovery_stopped_by_two_1feb6",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="recovery",
            trigger=pgtrigger.compiler.Trigger(
                name="recovery_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="cce46fa6d2890b23350cc6c38bbe2a0ae4e76336",
                    operation="DELETE",
                    pgid="pgtrigger_recovery_kept_918fe",
                    table="payments_recovery",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(NEW_ACCOUNTS, migrations.RunSQL.noop),
        migrations.RunSQL(PROGRAMME_ONCE, NOT_ONCE),
    ]
