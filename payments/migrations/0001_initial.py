"""The tables. Their rules are in the migrations after this one."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import foundation.audit.clock
import payments.models.transfers


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("beneficiaries", "0001_initial"),
        ("reference", "0004_banks_by_gateway"),
        ("users", "0002_vneid_tells"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Fund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=30, unique=True, verbose_name="mã nguồn")),
                ("name", models.CharField(max_length=200, verbose_name="tên nguồn")),
                ("budget_code", models.CharField(max_length=20, verbose_name="mã quan hệ ngân sách")),
                ("debtor_account", models.CharField(max_length=34, verbose_name="tài khoản chi tại Kho bạc")),
                (
                    "unit",
                    models.ForeignKey(
                        help_text="empty: the whole city",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="reference.unit",
                    ),
                ),
                ("year", models.PositiveSmallIntegerField(verbose_name="năm ngân sách")),
                ("is_open", models.BooleanField(default=True)),
                ("programmes", models.ManyToManyField(related_name="funds", to="beneficiaries.programme")),
            ],
            options={
                "verbose_name": "nguồn kinh phí",
                "verbose_name_plural": "nguồn kinh phí",
                "db_table": "payments_fund",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("budget_code__regex", "^[0-9]{7}$")), name="fund_budget_code_form"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("debtor_account__regex", "^[A-Za-z0-9.]{1,34}$")),
                        name="fund_debtor_account_form",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FundBalance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "fund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="balances", to="payments.fund"
                    ),
                ),
                (
                    "account",
                    models.CharField(
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
                ("balance", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "số dư",
                "verbose_name_plural": "số dư",
                "db_table": "payments_fund_balance",
                "constraints": [
                    models.UniqueConstraint(fields=("fund", "account"), name="fund_balance_one_per_account"),
                    models.CheckConstraint(
                        condition=models.Q(("balance__gte", 0), ("account", "TREASURY"), _connector="OR"),
                        name="fund_balance_never_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EvidenceFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="tên tệp")),
                ("media_type", models.CharField(max_length=80)),
                ("size", models.PositiveIntegerField()),
                ("sha256", models.BinaryField(help_text="of the bytes as they were handed in", max_length=32)),
                ("content_encrypted", models.BinaryField()),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("uploaded_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "tài liệu chứng minh",
                "verbose_name_plural": "tài liệu chứng minh",
                "db_table": "payments_evidence_file",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("size__gte", 1), ("size__lte", 5242880)), name="evidence_file_size"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("RELEASE_BATCH", "Cho chi tiếp"),
                            ("CANCEL_BATCH", "Huỷ đợt chi"),
                            ("DECIDE_TRANSFER", "Kết luận khoản chờ xem xét"),
                            ("RESUME_PAYMENTS", "Mở lại chi trả toàn thành phố"),
                            ("REMIT_FUNDS", "Nộp trả ngân sách"),
                            ("STOP_RECOVERY", "Thôi thu hồi"),
                            ("DECIDE_DIFFERENCE", "Kết luận chênh lệch đối soát"),
                        ],
                        max_length=20,
                    ),
                ),
                ("subject_kind", models.CharField(max_length=20)),
                ("subject_id", models.BigIntegerField()),
                (
                    "unit",
                    models.ForeignKey(
                        help_text="empty: the whole city",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="reference.unit",
                    ),
                ),
                ("outcome", models.CharField(blank=True, max_length=12)),
                ("details", models.JSONField(default=dict)),
                ("reason", models.CharField(max_length=300, verbose_name="lý do")),
                (
                    "evidence",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.evidencefile",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("PROPOSED", "Chờ người thứ hai"),
                            ("CONFIRMED", "Đã đồng ý"),
                            ("REFUSED", "Không đồng ý"),
                            ("WITHDRAWN", "Đã rút lại"),
                        ],
                        default="PROPOSED",
                        max_length=10,
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("proposed_by_person", models.BinaryField(max_length=32)),
                ("proposed_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("decided_by_person", models.BinaryField(max_length=32, null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "verbose_name": "đề nghị",
                "verbose_name_plural": "đề nghị",
                "db_table": "payments_proposal",
                "indexes": [
                    models.Index(fields=["subject_kind", "subject_id", "kind"], name="proposal_subject"),
                    models.Index(condition=models.Q(("state", "PROPOSED")), fields=["id"], name="proposal_waiting"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "PROPOSED")),
                        fields=("subject_kind", "subject_id"),
                        name="proposal_one_open_per_subject",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None),
                                ("decided_by", None),
                                ("decided_by_person", None),
                                ("state", "PROPOSED"),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("decided_by_person", models.F("proposed_by_person")),
                                ("state", "WITHDRAWN"),
                            ),
                            models.Q(
                                ("state__in", ["CONFIRMED", "REFUSED"]),
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("decided_by_person__isnull", False),
                                models.Q(("decided_by_person", models.F("proposed_by_person")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="proposal_decided_by_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "DECIDE_TRANSFER"), _negated=True),
                            models.Q(("evidence__isnull", False), models.Q(("outcome", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="proposal_decision_has_evidence",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="proposal_has_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "REFUSED"), _negated=True),
                            models.Q(("decision_reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="proposal_refusal_has_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentsStop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "stopped_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("stopped_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                ("reason", models.CharField(max_length=300, verbose_name="lý do")),
                ("resumed_at", models.DateTimeField(null=True)),
                (
                    "resumed_with",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.proposal",
                    ),
                ),
            ],
            options={
                "verbose_name": "lần dừng chi trả toàn thành phố",
                "verbose_name_plural": "lần dừng chi trả toàn thành phố",
                "db_table": "payments_stop",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resumed_at__isnull", True)),
                        fields=("resumed_at",),
                        name="payments_stop_one_open",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("resumed_at", None), ("resumed_with", None)),
                            models.Q(("resumed_at__isnull", False), ("resumed_with__isnull", False)),
                            _connector="OR",
                        ),
                        name="payments_stop_resumed_with_proposal",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="payments_stop_has_reason"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "fund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="batches", to="payments.fund"
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        help_text="empty: the whole city",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="reference.unit",
                    ),
                ),
                ("period", models.DateField(help_text="first day of the month", verbose_name="kỳ chi trả")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("REGULAR", "Hằng tháng"),
                            ("SUPPLEMENTARY", "Bổ sung"),
                            ("REPLACEMENT", "Chi lại"),
                            ("FUNERAL", "Mai táng"),
                            ("CAMPAIGN", "Quà tặng"),
                        ],
                        max_length=15,
                    ),
                ),
                ("sequence", models.PositiveIntegerField(default=1)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("BUILDING", "Đang lập danh sách"),
                            ("DRAFT", "Bản nháp"),
                            ("SUBMITTED", "Chờ phê duyệt"),
                            ("WITHDRAWN", "Đã rút lại"),
                            ("REJECTED", "Bị trả lại"),
                            ("APPROVED", "Đã phê duyệt"),
                            ("RESERVED", "Đã giữ tiền"),
                            ("DISPATCHING", "Đang chi trả"),
                            ("HELD", "Tạm dừng"),
                            ("CANCELLING", "Đang huỷ"),
                            ("DRAINED", "Đã có đủ kết quả"),
                            ("RECONCILED", "Đã đối soát"),
                            ("CLOSED", "Đã đóng"),
                        ],
                        default="BUILDING",
                        max_length=12,
                    ),
                ),
                ("requested_execution_date", models.DateField(verbose_name="ngày chi")),
                (
                    "accounts_by",
                    models.CharField(
                        choices=[("GATEWAY", "Chuyển khoản"), ("TREASURY_FILE", "Bảng kê Kho bạc")],
                        db_default="GATEWAY",
                        default="GATEWAY",
                        max_length=15,
                        verbose_name="chuyển khoản qua",
                    ),
                ),
                ("number_of_transactions", models.PositiveIntegerField(default=0, verbose_name="số khoản")),
                ("control_sum", models.BigIntegerField(default=0, verbose_name="tổng số tiền")),
                ("number_of_lines", models.PositiveIntegerField(default=0)),
                ("number_excluded", models.PositiveIntegerField(default=0)),
                ("list_hash", models.BinaryField(max_length=32, null=True)),
                ("approvals_required", models.PositiveSmallIntegerField(null=True)),
                (
                    "prepared_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("prepared_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                (
                    "submitted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("submitted_at", models.DateTimeField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("reserved_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("drained_at", models.DateTimeField(null=True)),
                ("reconciled_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "held_from",
                    models.CharField(blank=True, help_text="the state to which a release leads back", max_length=12),
                ),
                ("held_reason", models.CharField(blank=True, max_length=300)),
                (
                    "held_by",
                    models.ForeignKey(
                        help_text="empty: the system",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("held_at", models.DateTimeField(help_text="written by the database", null=True)),
            ],
            options={
                "verbose_name": "đợt chi trả",
                "verbose_name_plural": "đợt chi trả",
                "db_table": "payments_payout_batch",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("period__day", 1)), name="payout_batch_period_is_month"
                    ),
                    models.UniqueConstraint(
                        fields=("fund", "unit", "period", "kind", "sequence", "version"),
                        name="payout_batch_identity",
                        nulls_distinct=False,
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("kind", "REGULAR"), models.Q(("state__in", ("WITHDRAWN", "REJECTED")), _negated=True)
                        ),
                        fields=("fund", "unit", "period"),
                        name="payout_batch_one_live_regular",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["BUILDING", "DRAFT", "WITHDRAWN"]),
                            models.Q(
                                ("approvals_required__gte", 1),
                                ("control_sum__gte", 1),
                                ("list_hash__isnull", False),
                                ("number_of_transactions__gte", 1),
                                ("submitted_at__isnull", False),
                                ("submitted_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="payout_batch_frozen_when_submitted",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("held_at__isnull", False),
                                ("state", "HELD"),
                                models.Q(("held_from", ""), _negated=True),
                                models.Q(("held_reason", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "HELD"), _negated=True),
                                ("held_at__isnull", True),
                                ("held_by__isnull", True),
                                ("held_from", ""),
                            ),
                            _connector="OR",
                        ),
                        name="payout_batch_held_from_somewhere",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApprovalLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "counted",
                    models.CharField(
                        choices=[
                            ("OFFICER", "một người duyệt trong một ngày"),
                            ("PAIR", "một người duyệt và một người trình trong một ngày"),
                        ],
                        max_length=7,
                    ),
                ),
                ("whole_city", models.BooleanField()),
                ("amount", models.BigIntegerField(verbose_name="số tiền")),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
            ],
            options={
                "verbose_name": "hạn mức phê duyệt",
                "verbose_name_plural": "hạn mức phê duyệt",
                "db_table": "payments_approval_limit",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("counted", "whole_city", "valid_from"), name="approval_limit_once"
                    ),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="approval_limit_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="approval_limit_dates",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApprovalDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("whole_city", models.BooleanField()),
                ("person_fingerprint", models.BinaryField(max_length=32)),
                ("partner_fingerprint", models.BinaryField(help_text="empty: with everybody", max_length=32)),
                ("amount", models.BigIntegerField(verbose_name="số tiền")),
            ],
            options={
                "verbose_name": "tổng đã duyệt trong ngày",
                "verbose_name_plural": "tổng đã duyệt trong ngày",
                "db_table": "payments_approval_day",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("day", "whole_city", "person_fingerprint", "partner_fingerprint"),
                        name="approval_day_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ApprovalPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_from", models.BigIntegerField(verbose_name="từ số tiền")),
                ("approvals_required", models.PositiveSmallIntegerField(verbose_name="số người duyệt")),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
            ],
            options={
                "verbose_name": "mức phê duyệt",
                "verbose_name_plural": "mức phê duyệt",
                "db_table": "payments_approval_policy",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("approvals_required__gte", 1)), name="approval_policy_asks_for_somebody"
                    ),
                    models.UniqueConstraint(fields=("amount_from", "valid_from"), name="approval_policy_band"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="approval_policy_dates",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to="payments.payoutbatch",
                    ),
                ),
                (
                    "decision",
                    models.CharField(choices=[("APPROVED", "Phê duyệt"), ("REJECTED", "Trả lại")], max_length=10),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("person_fingerprint", models.BinaryField(max_length=32)),
                (
                    "role_assignment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="users.roleassignment"
                    ),
                ),
                ("list_hash", models.BinaryField(max_length=32)),
                ("number_of_transactions", models.PositiveIntegerField()),
                ("control_sum", models.BigIntegerField()),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="lý do")),
                ("decided_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                (
                    "opened_at",
                    models.DateTimeField(
                        help_text="when the decider's page of this list was opened; empty: unknown", null=True
                    ),
                ),
            ],
            options={
                "verbose_name": "quyết định duyệt",
                "verbose_name_plural": "quyết định duyệt",
                "db_table": "payments_approval",
                "constraints": [
                    models.UniqueConstraint(fields=("batch", "person_fingerprint"), name="approval_one_per_person"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decision", "REJECTED"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="approval_rejection_has_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DispatchChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="chunks",
                        to="payments.payoutbatch",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "route",
                    models.CharField(
                        choices=[
                            ("GATEWAY", "Chuyển khoản"),
                            ("TREASURY_FILE", "Bảng kê Kho bạc"),
                            ("PAYMENT_SERVICE", "Tổ chức dịch vụ chi trả"),
                            ("WARD_CASH", "Tiền mặt tại phường"),
                        ],
                        max_length=15,
                    ),
                ),
                (
                    "creditor_agent",
                    models.CharField(
                        blank=True, db_default="", help_text="BIN of the bank; empty for cash", max_length=6
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("PLANNED", "Trong danh sách"),
                            ("READY", "Sẵn sàng"),
                            ("LEASED_SEND", "Đang gửi"),
                            ("INQUIRY", "Chờ hỏi hoặc chờ báo"),
                            ("LEASED_INQUIRY", "Đang hỏi"),
                            ("PARKED", "Chờ xem xét"),
                            ("DONE", "Xong"),
                        ],
                        db_default="PLANNED",
                        default="PLANNED",
                        max_length=15,
                    ),
                ),
                ("list_hash", models.BinaryField(max_length=32, null=True)),
                (
                    "hash_path",
                    models.BinaryField(
                        help_text="from this chunk's hash up to the list hash that was approved", null=True
                    ),
                ),
                ("number_of_transactions", models.PositiveIntegerField(db_default=0, default=0)),
                ("control_sum", models.BigIntegerField(db_default=0, default=0)),
                ("fence", models.PositiveIntegerField(db_default=0, default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(db_default=0, default=0)),
                ("due_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                (
                    "send_limit",
                    models.PositiveIntegerField(
                        help_text="lines of one message while a refused line is looked for; empty: all", null=True
                    ),
                ),
                (
                    "last_send_deadline",
                    models.DateTimeField(help_text="no send of an earlier claim can begin after it", null=True),
                ),
                (
                    "doubted_at",
                    models.DateTimeField(
                        help_text="a restore: what was ready then may have been sent by the database that was lost",
                        null=True,
                    ),
                ),
                ("settled_count", models.PositiveIntegerField(db_default=0, default=0)),
                ("settled_sum", models.BigIntegerField(db_default=0, default=0)),
                ("rejected_count", models.PositiveIntegerField(db_default=0, default=0)),
                ("rejected_sum", models.BigIntegerField(db_default=0, default=0)),
                ("returned_count", models.PositiveIntegerField(db_default=0, default=0)),
                ("returned_sum", models.BigIntegerField(db_default=0, default=0)),
                ("cancelled_count", models.PositiveIntegerField(db_default=0, default=0)),
                ("cancelled_sum", models.BigIntegerField(db_default=0, default=0)),
                (
                    "review_count",
                    models.PositiveIntegerField(db_default=0, default=0, help_text="payments that wait for people"),
                ),
                (
                    "answered_count",
                    models.PositiveIntegerField(db_default=0, default=0, help_text="paid by the bank's own answer"),
                ),
                ("answered_sum", models.BigIntegerField(db_default=0, default=0)),
                (
                    "matched_count",
                    models.PositiveIntegerField(db_default=0, default=0, help_text="paid ones that a statement shows"),
                ),
                (
                    "matched_sum",
                    models.BigIntegerField(db_default=0, default=0, help_text="of them, as the statement has it"),
                ),
                (
                    "credited_count",
                    models.PositiveIntegerField(db_default=0, default=0, help_text="returns that a statement shows"),
                ),
                ("credited_sum", models.BigIntegerField(db_default=0, default=0)),
            ],
            options={
                "verbose_name": "gói chi",
                "verbose_name_plural": "gói chi",
                "db_table": "payments_dispatch_chunk",
                "indexes": [
                    models.Index(
                        condition=models.Q(("returned_count__gt", models.F("credited_count")), ("route", "GATEWAY")),
                        fields=["batch"],
                        name="dispatch_chunk_return_unseen",
                    ),
                    models.Index(
                        condition=models.Q(("review_count__gt", 0)), fields=["id"], name="dispatch_chunk_review"
                    ),
                    models.Index(
                        condition=models.Q(
                            ("route", "GATEWAY"), ("state__in", ["READY", "INQUIRY", "LEASED_SEND", "LEASED_INQUIRY"])
                        ),
                        fields=["due_at", "id"],
                        name="dispatch_chunk_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("batch", "number"), name="dispatch_chunk_number"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_until__isnull", False), ("state__in", ("LEASED_SEND", "LEASED_INQUIRY"))),
                            models.Q(
                                models.Q(("state__in", ("LEASED_SEND", "LEASED_INQUIRY")), _negated=True),
                                ("lease_until", None),
                            ),
                            _connector="OR",
                        ),
                        name="dispatch_chunk_leased_with_lease",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("route", "GATEWAY"), models.Q(("creditor_agent", ""), _negated=True)),
                            models.Q(
                                models.Q(("route", "GATEWAY"), _negated=True),
                                models.Q(("state__in", ["LEASED_SEND", "LEASED_INQUIRY", "INQUIRY"]), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="dispatch_chunk_only_gateway_is_sent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "DONE"), _negated=True),
                            models.Q(
                                (
                                    "control_sum",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("settled_sum"), "+", models.F("rejected_sum")
                                            ),
                                            "+",
                                            models.F("returned_sum"),
                                        ),
                                        "+",
                                        models.F("cancelled_sum"),
                                    ),
                                ),
                                (
                                    "number_of_transactions",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("settled_count"), "+", models.F("rejected_count")
                                            ),
                                            "+",
                                            models.F("returned_count"),
                                        ),
                                        "+",
                                        models.F("cancelled_count"),
                                    ),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="dispatch_chunk_done_adds_up",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DispatchAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "chunk",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempt_rows",
                        to="payments.dispatchchunk",
                    ),
                ),
                ("fence", models.PositiveIntegerField()),
                ("kind", models.CharField(choices=[("SEND", "Gửi lệnh"), ("INQUIRE", "Hỏi kết quả")], max_length=7)),
                ("message_id", models.CharField(max_length=40, unique=True)),
                ("number_of_transactions", models.PositiveIntegerField()),
                ("control_sum", models.BigIntegerField()),
                ("intent_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                ("not_after", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("PENDING", "Chưa có trả lời"),
                            ("ANSWERED", "Đã trả lời"),
                            ("NOT_SENT", "Chắc chắn chưa gửi"),
                            ("REFUSED", "Cả gói bị từ chối"),
                            ("UNKNOWN", "Không rõ"),
                            ("STALE", "Đến muộn, bỏ qua"),
                        ],
                        db_default="PENDING",
                        default="PENDING",
                        max_length=8,
                    ),
                ),
                ("detail", models.CharField(blank=True, db_default="", max_length=200)),
                ("answered_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "lần gửi",
                "verbose_name_plural": "lần gửi",
                "db_table": "payments_dispatch_attempt",
                "constraints": [
                    models.UniqueConstraint(fields=("chunk", "fence"), name="dispatch_attempt_one_per_fence"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "SEND"), _negated=True), ("not_after__isnull", False), _connector="OR"
                        ),
                        name="dispatch_attempt_send_has_deadline",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BatchComparison",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comparison",
                        to="payments.payoutbatch",
                    ),
                ),
                (
                    "former",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.payoutbatch",
                    ),
                ),
                ("before_count", models.PositiveIntegerField(verbose_name="số người kỳ trước")),
                ("before_sum", models.BigIntegerField()),
                ("after_count", models.PositiveIntegerField(verbose_name="số người kỳ này")),
                ("after_sum", models.BigIntegerField()),
                ("new_count", models.PositiveIntegerField(verbose_name="người mới")),
                ("new_sum", models.BigIntegerField()),
                ("gone_count", models.PositiveIntegerField(verbose_name="người thôi nhận")),
                ("gone_sum", models.BigIntegerField()),
                ("amount_count", models.PositiveIntegerField(verbose_name="đổi số tiền")),
                ("amount_before_sum", models.BigIntegerField()),
                ("amount_after_sum", models.BigIntegerField()),
                ("account_count", models.PositiveIntegerField(verbose_name="đổi nơi nhận")),
                ("account_before_sum", models.BigIntegerField()),
                ("account_after_sum", models.BigIntegerField()),
                ("both_count", models.PositiveIntegerField(verbose_name="đổi cả hai")),
                ("both_before_sum", models.BigIntegerField()),
                ("both_after_sum", models.BigIntegerField()),
                ("unchanged_count", models.PositiveIntegerField(verbose_name="không đổi")),
                ("unchanged_sum", models.BigIntegerField()),
                ("compared_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "so sánh với kỳ trước",
                "verbose_name_plural": "so sánh với kỳ trước",
                "db_table": "payments_batch_comparison",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "after_count",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("new_count"), "+", models.F("amount_count")
                                            ),
                                            "+",
                                            models.F("account_count"),
                                        ),
                                        "-",
                                        models.F("both_count"),
                                    ),
                                    "+",
                                    models.F("unchanged_count"),
                                ),
                            ),
                            (
                                "after_sum",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("new_sum"), "+", models.F("amount_after_sum")
                                            ),
                                            "+",
                                            models.F("account_after_sum"),
                                        ),
                                        "-",
                                        models.F("both_after_sum"),
                                    ),
                                    "+",
                                    models.F("unchanged_sum"),
                                ),
                            ),
                            (
                                "before_count",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("gone_count"), "+", models.F("amount_count")
                                            ),
                                            "+",
                                            models.F("account_count"),
                                        ),
                                        "-",
                                        models.F("both_count"),
                                    ),
                                    "+",
                                    models.F("unchanged_count"),
                                ),
                            ),
                            (
                                "before_sum",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("gone_sum"), "+", models.F("amount_before_sum")
                                            ),
                                            "+",
                                            models.F("account_before_sum"),
                                        ),
                                        "-",
                                        models.F("both_before_sum"),
                                    ),
                                    "+",
                                    models.F("unchanged_sum"),
                                ),
                            ),
                        ),
                        name="batch_comparison_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("former", None), models.Q(("former", models.F("batch")), _negated=True), _connector="OR"
                        ),
                        name="batch_comparison_of_two_lists",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "end_to_end_id",
                    models.CharField(
                        db_default=payments.models.transfers.NewEndToEndId(),
                        editable=False,
                        max_length=32,
                        unique=True,
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        to="payments.payoutbatch",
                    ),
                ),
                (
                    "chunk",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        to="payments.dispatchchunk",
                    ),
                ),
                (
                    "payee",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="transfers", to="beneficiaries.payee"
                    ),
                ),
                (
                    "route",
                    models.CharField(
                        choices=[
                            ("GATEWAY", "Chuyển khoản"),
                            ("TREASURY_FILE", "Bảng kê Kho bạc"),
                            ("PAYMENT_SERVICE", "Tổ chức dịch vụ chi trả"),
                            ("WARD_CASH", "Tiền mặt tại phường"),
                        ],
                        max_length=15,
                    ),
                ),
                (
                    "delivery",
                    models.CharField(
                        blank=True,
                        choices=[("CARD", "Thẻ chi trả"), ("PAY_POINT", "Điểm chi trả"), ("HOME", "Chi trả tại nhà")],
                        db_default="",
                        max_length=9,
                    ),
                ),
                (
                    "payment_way",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="beneficiaries.paymentway",
                    ),
                ),
                (
                    "payout_account",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="beneficiaries.payoutaccount",
                    ),
                ),
                ("account_fingerprint", models.BinaryField(max_length=32, null=True)),
                ("creditor_name", models.CharField(max_length=140)),
                ("creditor_agent", models.CharField(blank=True, db_default="", max_length=6)),
                ("instructed_amount", models.BigIntegerField()),
                ("remittance_information", models.CharField(max_length=140)),
                (
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="payments.transfer",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("PLANNED", "Trong danh sách"),
                            ("READY", "Sẵn sàng chi"),
                            ("SENDING", "Đang gửi"),
                            ("HANDED_OVER", "Đã giao danh sách"),
                            ("ACCEPTED", "Ngân hàng đã nhận"),
                            ("UNKNOWN", "Chưa rõ, đang hỏi ngân hàng"),
                            ("REVIEW", "Chờ xem xét"),
                            ("SETTLED", "Đã chi"),
                            ("REJECTED", "Ngân hàng từ chối"),
                            ("RETURNED", "Bị trả lại"),
                            ("CANCELLED", "Đã huỷ"),
                            ("EXCLUDED", "Đã loại khỏi danh sách"),
                        ],
                        db_default="PLANNED",
                        default="PLANNED",
                        max_length=11,
                    ),
                ),
                (
                    "settlement_level",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("DEBTOR", "Đã chuyển đi"),
                            ("CREDITOR", "Đã vào tài khoản người nhận"),
                            ("CASH", "Đã nhận tiền mặt"),
                            ("TREASURY", "Kho bạc báo đã chuyển"),
                            ("SERVICE", "Tổ chức dịch vụ chi trả báo đã trả"),
                        ],
                        db_default="",
                        max_length=8,
                    ),
                ),
                (
                    "transaction_status",
                    models.CharField(
                        blank=True, db_default="", help_text="the bank's last word, ISO 20022", max_length=4
                    ),
                ),
                ("status_reason", models.CharField(blank=True, db_default="", max_length=4)),
                ("bank_reference", models.CharField(blank=True, db_default="", max_length=35)),
                (
                    "conflicting_status",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="a final word that contradicts an earlier one",
                        max_length=4,
                    ),
                ),
                ("sent_count", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("first_sent_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow(), null=True)),
                (
                    "proof",
                    models.ForeignKey(
                        db_index=False,
                        help_text="the attempt that proved that nothing had been sent",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.dispatchattempt",
                    ),
                ),
                (
                    "decision",
                    models.ForeignKey(
                        db_index=False,
                        help_text="what two persons decided last about a transfer in review, or about one that the bank contradicted",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.proposal",
                    ),
                ),
            ],
            options={
                "verbose_name": "khoản chi",
                "verbose_name_plural": "khoản chi",
                "db_table": "payments_transfer",
                "indexes": [
                    models.Index(fields=["batch", "id"], name="transfer_batch"),
                    models.Index(
                        django.db.models.functions.text.Right("end_to_end_id", 12), name="transfer_public_reference"
                    ),
                    models.Index(
                        condition=models.Q(("conflicting_status", ""), _negated=True),
                        fields=["id"],
                        name="transfer_conflict",
                    ),
                    models.Index(
                        condition=models.Q(("bank_reference", ""), _negated=True),
                        fields=["bank_reference"],
                        name="transfer_bank_reference",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end_to_end_id__regex", "^[0-9a-f]{32}$")),
                        name="transfer_end_to_end_id_form",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("instructed_amount__gt", 0)), name="transfer_amount_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("account_fingerprint__isnull", False),
                                ("payout_account__isnull", False),
                                ("route__in", ("GATEWAY", "TREASURY_FILE")),
                                models.Q(("creditor_agent", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("route__in", ("GATEWAY", "TREASURY_FILE")), _negated=True),
                                ("account_fingerprint", None),
                                ("creditor_agent", ""),
                                ("payout_account", None),
                            ),
                            _connector="OR",
                        ),
                        name="transfer_route_has_account",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("payment_way__isnull", False),
                                ("route", "PAYMENT_SERVICE"),
                                models.Q(("delivery", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("route", "PAYMENT_SERVICE"), _negated=True),
                                ("delivery", ""),
                                ("payment_way", None),
                            ),
                            _connector="OR",
                        ),
                        name="transfer_delivery_of_service",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "REJECTED"), _negated=True),
                            ("route__in", ("GATEWAY", "TREASURY_FILE")),
                            _connector="OR",
                        ),
                        name="transfer_rejected_by_a_bank",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("due_at__isnull", False),
                            models.Q(
                                (
                                    "state__in",
                                    ("PLANNED", "READY", "SENDING", "HANDED_OVER", "ACCEPTED", "UNKNOWN", "REVIEW"),
                                ),
                                _negated=True,
                            ),
                            _connector="OR",
                        ),
                        name="transfer_live_is_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["SETTLED", "RETURNED"]), _negated=True),
                            models.Q(("settlement_level", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="transfer_settled_has_level",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["SENDING", "ACCEPTED", "UNKNOWN"]), _negated=True),
                            models.Q(("first_sent_at__isnull", False), ("route", "GATEWAY"), ("sent_count__gte", 1)),
                            _connector="OR",
                        ),
                        name="transfer_at_bank_was_sent",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "HANDED_OVER"), _negated=True),
                            models.Q(("route", "GATEWAY"), _negated=True),
                            _connector="OR",
                        ),
                        name="transfer_cash_route_of_cash_states",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatementFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "source",
                    models.CharField(
                        choices=[("FETCHED", "Lấy từ ngân hàng"), ("UPLOADED", "Tải tệp lên")], max_length=8
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ORDERED", "Chờ lấy từ ngân hàng"),
                            ("RECEIVING", "Đang nhận"),
                            ("RECEIVED", "Đang nhập"),
                            ("IMPORTED", "Đã nhập"),
                            ("UNCHANGED", "Không có gì mới"),
                            ("ABSENT", "Ngân hàng không có sao kê ngày này"),
                            ("REFUSED", "Không đọc được"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        help_text="empty: the whole city",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="reference.unit",
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=120, verbose_name="tên tệp")),
                (
                    "account",
                    models.CharField(
                        blank=True,
                        help_text="what was ordered; empty: uploaded",
                        max_length=34,
                        verbose_name="tài khoản",
                    ),
                ),
                (
                    "day",
                    models.DateField(help_text="what was ordered; empty: uploaded", null=True, verbose_name="ngày"),
                ),
                ("size", models.BigIntegerField(default=0)),
                ("sha256", models.BinaryField(max_length=32, null=True)),
                ("lines", models.BigIntegerField(default=0, verbose_name="số bút toán")),
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=foundation.audit.clock.PortalNow(), help_text="when an ordered one is fetched"
                    ),
                ),
                ("refusal", models.CharField(blank=True, help_text="code of what is wrong with it", max_length=30)),
                (
                    "received_by",
                    models.ForeignKey(
                        help_text="empty: the system",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("received_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "tệp sao kê",
                "verbose_name_plural": "tệp sao kê",
                "db_table": "payments_statement_file",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["ORDERED", "RECEIVING"])),
                        fields=["due_at"],
                        name="statement_file_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("source", "FETCHED"), ("state__in", ("ORDERED", "RECEIVING", "RECEIVED"))),
                        fields=("account", "day"),
                        name="statement_file_ordered_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("day__isnull", False), ("source", "FETCHED"), models.Q(("account", ""), _negated=True)
                            ),
                            models.Q(("received_by__isnull", False), ("source", "UPLOADED")),
                            _connector="OR",
                        ),
                        name="statement_file_ordered_for_a_day",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["ORDERED", "RECEIVING", "ABSENT", "REFUSED"]),
                            ("sha256__isnull", False),
                            _connector="OR",
                        ),
                        name="statement_file_has_a_hash",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "REFUSED"), _negated=True),
                            models.Q(("refusal", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="statement_file_refused_with_a_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatementFilePart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
                        to="payments.statementfile",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("content_encrypted", models.BinaryField()),
            ],
            options={
                "verbose_name": "phần tệp sao kê",
                "verbose_name_plural": "phần tệp sao kê",
                "db_table": "payments_statement_file_part",
                "constraints": [models.UniqueConstraint(fields=("file", "number"), name="statement_file_part_number")],
            },
        ),
        migrations.CreateModel(
            name="StatementDraftLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.statementfile",
                    ),
                ),
                ("statement_number", models.PositiveIntegerField()),
                ("ordinal", models.BigIntegerField()),
                ("entry_reference", models.CharField(max_length=35)),
                ("detail_number", models.PositiveIntegerField()),
                ("direction", models.CharField(max_length=4)),
                ("amount", models.BigIntegerField()),
                ("booking_date", models.DateField()),
                ("value_date", models.DateField()),
                ("end_to_end_id", models.CharField(max_length=35)),
                ("bank_reference", models.CharField(max_length=35)),
                ("return_id", models.CharField(max_length=40)),
                ("reason", models.CharField(max_length=4)),
                ("bank_code", models.CharField(max_length=14)),
                ("account_fingerprint", models.BinaryField(max_length=32, null=True)),
            ],
            options={
                "verbose_name": "dòng đang đọc",
                "verbose_name_plural": "dòng đang đọc",
                "db_table": "payments_statement_draft_line",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("file", "statement_number", "ordinal"), name="statement_draft_line_ordinal"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "unit",
                    models.ForeignKey(
                        help_text="empty: the whole city",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="reference.unit",
                    ),
                ),
                ("account", models.CharField(max_length=34, verbose_name="tài khoản")),
                ("day", models.DateField(verbose_name="ngày")),
                ("statement_id", models.CharField(max_length=50, verbose_name="số sao kê")),
                ("sequence_number", models.BigIntegerField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("opening_balance", models.BigIntegerField()),
                ("closing_balance", models.BigIntegerField()),
                ("debit_count", models.BigIntegerField()),
                ("debit_sum", models.BigIntegerField()),
                ("credit_count", models.BigIntegerField()),
                ("credit_sum", models.BigIntegerField()),
                (
                    "content_sha256",
                    models.BinaryField(help_text="of what it says, whatever file it came in", max_length=32),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="payments.statementfile",
                    ),
                ),
                ("imported_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "sao kê",
                "verbose_name_plural": "sao kê",
                "db_table": "payments_statement",
                "constraints": [
                    models.UniqueConstraint(fields=("account", "day", "version"), name="statement_version"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "closing_balance",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("opening_balance"), "+", models.F("credit_sum")
                                    ),
                                    "-",
                                    models.F("debit_sum"),
                                ),
                            )
                        ),
                        name="statement_adds_up",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatementEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "statement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="payments.statement",
                    ),
                ),
                ("account", models.CharField(max_length=34)),
                ("day", models.DateField(verbose_name="ngày sao kê")),
                ("entry_reference", models.CharField(max_length=35, verbose_name="số bút toán")),
                (
                    "detail_number",
                    models.PositiveIntegerField(default=1, help_text="line of an entry that books many at once"),
                ),
                ("direction", models.CharField(choices=[("DBIT", "Ghi nợ"), ("CRDT", "Ghi có")], max_length=4)),
                ("amount", models.BigIntegerField(verbose_name="số tiền")),
                ("booking_date", models.DateField(verbose_name="ngày hạch toán")),
                ("value_date", models.DateField(verbose_name="ngày giá trị")),
                ("end_to_end_id", models.CharField(blank=True, max_length=35)),
                ("bank_reference", models.CharField(blank=True, max_length=35)),
                ("return_id", models.CharField(blank=True, max_length=40)),
                ("reason", models.CharField(blank=True, max_length=4)),
                ("bank_code", models.CharField(blank=True, max_length=14)),
                (
                    "account_fingerprint",
                    models.BinaryField(help_text="of the receiver's account", max_length=32, null=True),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statement_entries",
                        to="payments.transfer",
                    ),
                ),
                (
                    "matched_how",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("END_TO_END", "Theo mã giao dịch"),
                            ("AMOUNT_DATE", "Theo số tiền và ngày"),
                            ("PERSON", "Cán bộ kết luận"),
                        ],
                        max_length=11,
                    ),
                ),
                (
                    "applied_at",
                    models.DateTimeField(help_text="its effect is taken up, or is a difference", null=True),
                ),
                (
                    "superseded_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="superseded",
                        to="payments.statement",
                    ),
                ),
            ],
            options={
                "verbose_name": "bút toán sao kê",
                "verbose_name_plural": "bút toán sao kê",
                "db_table": "payments_statement_entry",
                "indexes": [
                    models.Index(fields=["statement", "id"], name="statement_entry_statement"),
                    models.Index(
                        condition=models.Q(("applied_at", None), ("superseded_by", None)),
                        fields=["id"],
                        name="statement_entry_to_apply",
                    ),
                    models.Index(
                        condition=models.Q(("superseded_by__isnull", False)),
                        fields=["superseded_by"],
                        name="statement_entry_superseded",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("superseded_by", None)),
                        fields=("account", "entry_reference", "detail_number"),
                        name="statement_entry_once_per_account",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("superseded_by", None), ("transfer__isnull", False)),
                        fields=("transfer", "direction"),
                        name="statement_entry_one_per_transfer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="statement_entry_amount_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("matched_how", ""), ("transfer", None)),
                            models.Q(("transfer__isnull", False), models.Q(("matched_how", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="statement_entry_matched_somehow",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DayComparison",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "unit",
                    models.ForeignKey(
                        help_text="empty: the whole city",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="reference.unit",
                    ),
                ),
                ("account", models.CharField(max_length=34, verbose_name="tài khoản")),
                ("day", models.DateField(verbose_name="ngày")),
                (
                    "statement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.statement",
                    ),
                ),
                ("statement_count", models.BigIntegerField()),
                ("statement_sum", models.BigIntegerField()),
                ("answered_count", models.BigIntegerField()),
                ("answered_sum", models.BigIntegerField()),
                ("paid_count", models.BigIntegerField()),
                ("paid_sum", models.BigIntegerField()),
                ("returned_count", models.BigIntegerField()),
                ("returned_sum", models.BigIntegerField()),
                ("computed_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "đối soát ngày",
                "verbose_name_plural": "đối soát ngày",
                "db_table": "payments_day_comparison",
                "constraints": [models.UniqueConstraint(fields=("account", "day"), name="day_comparison_once")],
            },
        ),
        migrations.CreateModel(
            name="BatchAdjustment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustments",
                        to="payments.payoutbatch",
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustments",
                        to="payments.transfer",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("RETURNED", "Tiền bị trả lại"), ("PAID", "Ngân hàng đã chi, hai người kết luận")],
                        db_default="RETURNED",
                        max_length=8,
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "điều chỉnh sau khi đóng",
                "verbose_name_plural": "điều chỉnh sau khi đóng",
                "db_table": "payments_batch_adjustment",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="batch_adjustment_amount_positive"
                    ),
                    models.UniqueConstraint(fields=("transfer", "kind"), name="batch_adjustment_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReconciliationDifference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("MISSING_IN_STATEMENT", "Đã chi nhưng không có trong sao kê"),
                            ("UNKNOWN_TO_US", "Có trong sao kê, không có trong sổ"),
                            ("AMOUNT", "Khác số tiền"),
                            ("ACCOUNT", "Khác tài khoản nhận"),
                            ("DOUBLE_CREDIT", "Một khoản ghi nợ hai lần"),
                            ("STATE", "Sao kê ghi nợ, sổ ghi chưa chi"),
                            ("DATE", "Khác ngày"),
                            ("RETURN", "Tiền trả lại không khớp"),
                            ("RETURN_MISSING", "Báo trả lại nhưng không có trong sao kê"),
                            ("CHANGED", "Bút toán bị sửa ở bản sao kê sau"),
                            ("VANISHED", "Bút toán biến mất ở bản sao kê sau"),
                            ("BALANCE", "Số dư không nối tiếp"),
                            ("TOTALS", "Tổng trong ngày không khớp"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "subject_key",
                    models.CharField(
                        help_text="what it is about: entry:7, transfer:9, statement:3, day:…", max_length=100
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        help_text="empty: the whole city",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="reference.unit",
                    ),
                ),
                (
                    "fund",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.fund",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="payments.payoutbatch",
                    ),
                ),
                ("account", models.CharField(max_length=34)),
                ("day", models.DateField(verbose_name="ngày")),
                (
                    "statement",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="payments.statement",
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="payments.statemententry",
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="payments.transfer",
                    ),
                ),
                ("expected_amount", models.BigIntegerField(help_text="by our books", null=True)),
                ("found_amount", models.BigIntegerField(help_text="by the statement", null=True)),
                (
                    "details",
                    models.JSONField(db_default={}, default=dict, help_text="facts as codes, never a personal number"),
                ),
                ("raised_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                ("due_at", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("taken_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("OPEN", "Đang xử lý"), ("CLOSED", "Đã kết luận")],
                        db_default="OPEN",
                        default="OPEN",
                        max_length=6,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("BANK_ERROR", "Ngân hàng ghi sai và đã xác nhận"),
                            ("OUR_ERROR", "Sổ của cổng ghi sai, đã xử lý"),
                            ("GIVEN_BACK", "Tiền đã được hoàn lại"),
                            ("NOT_OURS", "Không thuộc việc chi trả, đã chuyển nơi có trách nhiệm"),
                            ("MATCHED", "Là khoản chi được nêu"),
                            ("FOUND", "Đã thấy trong sao kê đến sau"),
                            ("REPLACED", "Bản sao kê sau thay thế"),
                            ("PAID", "Khoản chi đã được hai người kết luận là đã chi"),
                        ],
                        db_default="",
                        max_length=10,
                    ),
                ),
                (
                    "proposal",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="difference",
                        to="payments.proposal",
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "chênh lệch đối soát",
                "verbose_name_plural": "chênh lệch đối soát",
                "db_table": "payments_difference",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "OPEN")), fields=["due_at", "id"], name="difference_open"
                    ),
                    models.Index(
                        condition=models.Q(("batch__isnull", False)), fields=["batch", "id"], name="difference_batch"
                    ),
                    models.Index(fields=["account", "day"], name="difference_day"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "subject_key"), name="difference_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("owner", None), ("taken_at", None)),
                            models.Q(("owner__isnull", False), ("taken_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="difference_taken_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("outcome", ""), ("proposal", None), ("state", "OPEN")),
                            models.Q(
                                ("closed_at__isnull", False),
                                ("state", "CLOSED"),
                                models.Q(("outcome", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="difference_closed_with_an_outcome",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DifferenceComment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "difference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comments",
                        to="payments.reconciliationdifference",
                    ),
                ),
                ("text", models.CharField(max_length=300, verbose_name="ghi chú")),
                (
                    "written_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("written_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "ghi chú",
                "verbose_name_plural": "ghi chú",
                "db_table": "payments_difference_comment",
            },
        ),
        migrations.CreateModel(
            name="Recovery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("recorded_by_person", models.BinaryField(max_length=32)),
                ("recorded_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("decided_by_person", models.BinaryField(max_length=32, null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.CharField(blank=True, db_default="", max_length=300)),
                (
                    "entitlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recoveries",
                        to="beneficiaries.entitlement",
                    ),
                ),
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
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "CONFIRMED")), fields=["entitlement"], name="recovery_open"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None),
                                ("decided_by", None),
                                ("decided_by_person", None),
                                ("state", "RECORDED"),
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
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "REFUSED"), _negated=True),
                            models.Q(("decision_reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="recovery_refusal_has_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "REFUSED"), _negated=True),
                        fields=("entitlement", "number"),
                        name="recovery_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("monthly_amount__gt", 0),
                            ("monthly_amount__lte", models.F("total_amount")),
                            ("total_amount__gt", 0),
                        ),
                        name="recovery_amounts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("recovered_amount__gte", 0), ("recovered_amount__lte", models.F("total_amount"))
                        ),
                        name="recovery_never_more_than_total",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("recovered_amount", 0), ("state__in", ["CONFIRMED", "STOPPED"]), _connector="OR"
                        ),
                        name="recovery_counted_once_decided",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("first_period__day", 1)), name="recovery_first_period_is_month"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="payments.payoutbatch",
                    ),
                ),
                (
                    "entitlement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="beneficiaries.entitlement",
                    ),
                ),
                ("period", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("CURRENT", "Tháng này"),
                            ("ARREARS", "Truy lĩnh"),
                            ("CARRY_OVER", "Chuyển kỳ"),
                            ("RECOVERY", "Truy thu"),
                            ("GIFT", "Quà tặng"),
                            ("FUNERAL", "Mai táng phí"),
                        ],
                        max_length=10,
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("live", models.BooleanField(db_default=True, default=True)),
                (
                    "exclusion_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("PAYEE_DECEASED", "Người nhận đã mất: cập nhật người nhận thay"),
                            ("NO_RATE", "Chưa có mức chuẩn cho kỳ này: báo quản trị"),
                            ("ACCOUNT_COOLING", "Tài khoản mới đang trong thời gian an toàn: chi kỳ sau"),
                            ("ACCOUNT_SUSPENDED", "Tài khoản đang tạm khoá: xem lại tài khoản"),
                            ("ACCOUNT_CHANGED", "Tài khoản đã đổi sau khi lập danh sách: lập lại"),
                            ("ENTITLEMENT_CHANGED", "Mức hưởng đã đổi sau khi lập danh sách: lập lại"),
                            ("WAY_CHANGED", "Cách nhận tiền đã đổi sau khi lập danh sách: lập lại"),
                            ("CHILD_WITHOUT_PAYEE", "Trẻ dưới 14 tuổi chưa có người nhận thay: bổ sung người nhận"),
                        ],
                        db_default="",
                        max_length=30,
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="payments.transfer",
                    ),
                ),
                (
                    "recovery",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="payments.recovery",
                    ),
                ),
            ],
            options={
                "verbose_name": "khoản hưởng",
                "verbose_name_plural": "khoản hưởng",
                "db_table": "payments_payout_line",
                "indexes": [
                    models.Index(
                        condition=models.Q(("exclusion_reason", ""), _negated=True),
                        fields=["batch", "id"],
                        name="payout_line_excluded",
                    ),
                    models.Index(
                        condition=models.Q(("recovery__isnull", False)),
                        fields=["recovery"],
                        name="payout_line_recovery",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("live", True)),
                        fields=("entitlement", "period", "kind"),
                        name="payout_line_once_while_live",
                    ),
                    models.CheckConstraint(condition=models.Q(("period__day", 1)), name="payout_line_period_is_month"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("exclusion_reason", ""), ("live", True), ("transfer__isnull", False)),
                            ("live", False),
                            _connector="OR",
                        ),
                        name="payout_line_paid_or_excluded",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("amount__lt", 0), ("kind", "RECOVERY")),
                            models.Q(models.Q(("kind", "RECOVERY"), _negated=True), ("amount__gt", 0)),
                            models.Q(
                                ("amount", 0), ("live", False), models.Q(("exclusion_reason", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="payout_line_sign_of_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "RECOVERY"), ("recovery__isnull", False)),
                            models.Q(models.Q(("kind", "RECOVERY"), _negated=True), ("recovery", None)),
                            _connector="OR",
                        ),
                        name="payout_line_recovers_by_decision",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutLineMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="moves", to="payments.payoutline"
                    ),
                ),
                (
                    "from_transfer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines_gone", to="payments.transfer"
                    ),
                ),
                (
                    "to_transfer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines_come",
                        to="payments.transfer",
                    ),
                ),
                ("at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "db_table": "payments_payout_line_move",
            },
        ),
        migrations.CreateModel(
            name="Restore",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("restored_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                ("known_until", models.DateTimeField(help_text="the last thing that the copy knows")),
                ("reason", models.CharField(max_length=300)),
                ("batches_held", models.PositiveIntegerField()),
                (
                    "transfers_in_doubt",
                    models.PositiveIntegerField(help_text="believed unsent, asked about before they are sent"),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "debits_unexplained",
                    models.PositiveIntegerField(
                        help_text="payments in the bank's statements that people took upon themselves", null=True
                    ),
                ),
                ("end_reason", models.CharField(blank=True, db_default="", max_length=300)),
            ],
            options={
                "verbose_name": "lần khôi phục dữ liệu",
                "verbose_name_plural": "lần khôi phục dữ liệu",
                "db_table": "payments_restore",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("ended_at",),
                        name="restore_one_at_a_time",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("known_until__lte", models.F("restored_at"))),
                        name="restore_knows_the_past",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("debits_unexplained", None), ("ended_at", None)),
                            models.Q(
                                ("debits_unexplained__isnull", False),
                                ("ended_at__isnull", False),
                                models.Q(
                                    ("debits_unexplained", 0),
                                    models.Q(("end_reason", ""), _negated=True),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="restore_ended_with_count",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="payments.payoutbatch",
                    ),
                ),
                (
                    "route",
                    models.CharField(
                        choices=[
                            ("GATEWAY", "Chuyển khoản"),
                            ("TREASURY_FILE", "Bảng kê Kho bạc"),
                            ("PAYMENT_SERVICE", "Tổ chức dịch vụ chi trả"),
                            ("WARD_CASH", "Tiền mặt tại phường"),
                        ],
                        max_length=15,
                        verbose_name="cách chi",
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="số")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="bản")),
                ("number_of_transactions", models.PositiveIntegerField(verbose_name="số khoản")),
                ("control_sum", models.BigIntegerField(verbose_name="tổng số tiền")),
                ("heading", models.JSONField()),
                ("sha256", models.BinaryField(max_length=32)),
                ("sheet_sha256", models.BinaryField(max_length=32)),
                (
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="payments.payoutfile",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="why it takes another's place", max_length=300, verbose_name="lý do"
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("made_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "tệp gửi đi",
                "verbose_name_plural": "tệp gửi đi",
                "db_table": "payments_payout_file",
                "constraints": [
                    models.UniqueConstraint(fields=("batch", "route", "number", "version"), name="payout_file_number"),
                    models.CheckConstraint(
                        condition=models.Q(("route__in", ("TREASURY_FILE", "PAYMENT_SERVICE"))),
                        name="payout_file_route",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("control_sum__gte", 1), ("number_of_transactions__gte", 1)),
                        name="payout_file_holds_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), ("replaces", None), ("version", 1)),
                            models.Q(
                                ("replaces__isnull", False),
                                ("version__gt", 1),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="payout_file_new_version_says_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutFileLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="payments.payoutfile",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "transfer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="file_lines", to="payments.transfer"
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("cells_encrypted", models.BinaryField()),
                ("live", models.BooleanField(db_default=True, default=True)),
            ],
            options={
                "db_table": "payments_payout_file_line",
                "constraints": [
                    models.UniqueConstraint(fields=("file", "number"), name="payout_file_line_number"),
                    models.UniqueConstraint(
                        condition=models.Q(("live", True)), fields=("transfer",), name="payout_file_line_one_live"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ResultFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="result_files",
                        to="payments.payoutbatch",
                    ),
                ),
                (
                    "route",
                    models.CharField(
                        choices=[
                            ("GATEWAY", "Chuyển khoản"),
                            ("TREASURY_FILE", "Bảng kê Kho bạc"),
                            ("PAYMENT_SERVICE", "Tổ chức dịch vụ chi trả"),
                            ("WARD_CASH", "Tiền mặt tại phường"),
                        ],
                        max_length=15,
                        verbose_name="cách chi",
                    ),
                ),
                ("file_name", models.CharField(max_length=200, verbose_name="tên tệp")),
                ("sha256", models.BinaryField(max_length=32)),
                ("number_of_lines", models.PositiveIntegerField(default=0, verbose_name="số dòng")),
                (
                    "state",
                    models.CharField(
                        choices=[("CHECKED", "Đã đọc, chưa ghi"), ("COMMITTED", "Đã ghi"), ("CANCELLED", "Đã bỏ")],
                        default="CHECKED",
                        max_length=9,
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("uploaded_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "tệp kết quả",
                "verbose_name_plural": "tệp kết quả",
                "db_table": "payments_result_file",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("route__in", ("TREASURY_FILE", "PAYMENT_SERVICE"))),
                        name="result_file_route",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "CANCELLED"), _negated=True),
                        fields=("batch", "route", "sha256"),
                        name="result_file_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("decided_by", None), ("state", "CHECKED")),
                            models.Q(
                                models.Q(("state", "CHECKED"), _negated=True),
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="result_file_decided_by_somebody",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ResultLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "result_file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="payments.resultfile",
                    ),
                ),
                ("row", models.PositiveIntegerField(verbose_name="dòng")),
                ("end_to_end_id", models.CharField(max_length=32)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("PAID", "Đã chi"), ("NOT_PAID", "Chưa chi")], max_length=8, verbose_name="kết quả"
                    ),
                ),
                ("amount", models.BigIntegerField(verbose_name="số tiền")),
                ("reason_code", models.CharField(blank=True, max_length=4)),
                ("reason", models.CharField(blank=True, max_length=120, verbose_name="lý do")),
                ("paid_date", models.DateField(null=True, verbose_name="ngày chi")),
                ("reference", models.CharField(blank=True, max_length=35, verbose_name="số chứng từ")),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("PAID", "Đã chi"),
                            ("NOT_PAID", "Không chi được"),
                            ("BEFORE", "Đã có kết quả này từ trước"),
                            ("WRONG_AMOUNT", "Sai số tiền"),
                            ("UNKNOWN", "Không có trong tệp đã gửi"),
                            ("CONTRADICTS", "Trái với kết quả đã ghi"),
                        ],
                        db_default="",
                        max_length=12,
                    ),
                ),
            ],
            options={
                "db_table": "payments_result_line",
                "indexes": [models.Index(fields=["result_file", "row"], name="result_line_by_row")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("result_file", "end_to_end_id"), name="result_line_once_a_payment"
                    ),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="result_line_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("outcome", "PAID"), models.Q(("reason_code", ""), _negated=True), _connector="OR"
                        ),
                        name="result_line_not_paid_says_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransferResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "transfer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="results",
                        to="payments.transfer",
                    ),
                ),
                ("outcome", models.CharField(choices=[("PAID", "Đã chi"), ("NOT_PAID", "Chưa chi")], max_length=8)),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="result", to="payments.resultline"
                    ),
                ),
                (
                    "contradicts",
                    models.BooleanField(default=False, help_text="another end was written already; nothing was moved"),
                ),
                ("recorded_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "kết quả chi",
                "verbose_name_plural": "kết quả chi",
                "db_table": "payments_transfer_result",
                "constraints": [
                    models.UniqueConstraint(fields=("transfer", "outcome"), name="transfer_result_once_a_word"),
                    models.UniqueConstraint(
                        condition=models.Q(("contradicts", False)),
                        fields=("transfer",),
                        name="transfer_result_one_that_moves",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransferReturn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "transfer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bank_return", to="payments.transfer"
                    ),
                ),
                ("return_id", models.CharField(max_length=40, unique=True)),
                ("returned_amount", models.BigIntegerField()),
                ("return_reason", models.CharField(max_length=4)),
                ("returned_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "khoản bị trả lại",
                "verbose_name_plural": "khoản bị trả lại",
                "db_table": "payments_transfer_return",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("returned_amount__gt", 0)), name="transfer_return_amount_positive"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CashCollection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "transfer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cash_collection",
                        to="payments.transfer",
                    ),
                ),
                ("receiver_name", models.CharField(max_length=120, verbose_name="người ký nhận")),
                ("relation", models.CharField(blank=True, max_length=60, verbose_name="quan hệ")),
                ("collected_date", models.DateField(verbose_name="ngày nhận")),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("recorded_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "ký nhận tiền mặt",
                "verbose_name_plural": "ký nhận tiền mặt",
                "db_table": "payments_cash_collection",
            },
        ),
        migrations.CreateModel(
            name="VerificationRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(verbose_name="bắt đầu")),
                (
                    "finished_at",
                    models.DateTimeField(db_default=foundation.audit.clock.PortalNow(), verbose_name="kết thúc"),
                ),
                ("milliseconds", models.PositiveIntegerField()),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("NONE", "không có sổ của cổng để so"),
                            ("LOG", "nhật ký ghi có của cổng"),
                            ("STATEMENT", "sao kê của cổng"),
                        ],
                        max_length=10,
                        verbose_name="so với",
                    ),
                ),
                (
                    "compared_until",
                    models.DateField(
                        help_text="of statements: the last day for which every account has one", null=True
                    ),
                ),
                (
                    "days_missing",
                    models.PositiveIntegerField(
                        db_default=0, default=0, help_text="days before that without a statement"
                    ),
                ),
                ("transfers", models.BigIntegerField(verbose_name="số khoản chi")),
                ("lines", models.PositiveSmallIntegerField()),
                ("broken", models.PositiveSmallIntegerField(help_text="lines that do not hold")),
                (
                    "run_by",
                    models.CharField(blank=True, help_text="empty: the system, by its timetable", max_length=200),
                ),
            ],
            options={
                "verbose_name": "lần kiểm chứng",
                "verbose_name_plural": "lần kiểm chứng",
                "db_table": "payments_verification_run",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("broken__lte", models.F("lines")), ("lines__gte", 1)),
                        name="verification_run_counts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("compared_until__isnull", False), ("source", "STATEMENT")),
                            models.Q(
                                models.Q(("source", "STATEMENT"), _negated=True),
                                ("compared_until", None),
                                ("days_missing", 0),
                            ),
                            _connector="OR",
                        ),
                        name="verification_run_statements_until_a_day",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="VerificationResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="results",
                        to="payments.verificationrun",
                    ),
                ),
                ("code", models.CharField(max_length=4)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("HOLDS", "Đúng"), ("BROKEN", "Sai"), ("NOT_COMPARED", "Chưa so với cổng")],
                        max_length=12,
                    ),
                ),
                ("checked", models.BigIntegerField()),
                ("broken", models.BigIntegerField()),
                ("finding", models.CharField(blank=True, max_length=300)),
                ("milliseconds", models.PositiveIntegerField()),
            ],
            options={
                "verbose_name": "kết quả kiểm chứng",
                "verbose_name_plural": "kết quả kiểm chứng",
                "db_table": "payments_verification_result",
                "constraints": [
                    models.UniqueConstraint(fields=("run", "code"), name="verification_result_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("broken__gte", 1), ("outcome", "BROKEN"), models.Q(("finding", ""), _negated=True)
                            ),
                            models.Q(models.Q(("outcome", "BROKEN"), _negated=True), ("broken", 0), ("finding", "")),
                            _connector="OR",
                        ),
                        name="verification_result_broken_is_told",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FundingVoucher",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("recorded_by_person", models.BinaryField(max_length=32)),
                ("recorded_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("decided_by_person", models.BinaryField(max_length=32, null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.CharField(blank=True, db_default="", max_length=300)),
                (
                    "fund",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="vouchers", to="payments.fund"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
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
                ("number", models.CharField(max_length=60, verbose_name="số chứng từ")),
                ("voucher_date", models.DateField(verbose_name="ngày chứng từ")),
                ("amount", models.BigIntegerField(verbose_name="số tiền")),
                (
                    "recovery",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="vouchers",
                        to="payments.recovery",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("RECORDED", "Chờ xác nhận"),
                            ("CONFIRMED", "Đã xác nhận"),
                            ("REFUSED", "Bị từ chối"),
                        ],
                        default="RECORDED",
                        max_length=10,
                    ),
                ),
            ],
            options={
                "verbose_name": "chứng từ",
                "verbose_name_plural": "chứng từ",
                "db_table": "payments_funding_voucher",
                "indexes": [models.Index(fields=["fund", "-id"], name="funding_voucher_of_fund")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None),
                                ("decided_by", None),
                                ("decided_by_person", None),
                                ("state", "RECORDED"),
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
                        name="funding_voucher_decided_by_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "REFUSED"), _negated=True),
                            models.Q(("decision_reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="funding_voucher_refusal_has_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "REFUSED"), _negated=True),
                        fields=("fund", "number"),
                        name="funding_voucher_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="funding_voucher_amount_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "RECOVER"), ("recovery__isnull", False)),
                            models.Q(models.Q(("kind", "RECOVER"), _negated=True), ("recovery", None)),
                            _connector="OR",
                        ),
                        name="funding_voucher_recovers_by_decision",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "fund",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="payments.fund"),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("FUND", "Nhận kinh phí"),
                            ("RESERVE", "Giữ tiền cho đợt chi"),
                            ("POST", "Đã chi"),
                            ("VOID", "Không chi, trả về nguồn"),
                            ("UNVOID", "Giữ lại tiền: ngân hàng đã chi"),
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
                (
                    "debit",
                    models.CharField(
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
                (
                    "credit",
                    models.CharField(
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
                ("amount", models.BigIntegerField()),
                (
                    "voucher",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="payments.fundingvoucher",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="payments.payoutbatch",
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="payments.transfer"
                    ),
                ),
                (
                    "proposal",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="payments.proposal"
                    ),
                ),
                (
                    "difference",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="payments.reconciliationdifference",
                    ),
                ),
                ("at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "bút toán",
                "verbose_name_plural": "sổ cái",
                "db_table": "payments_ledger_entry",
                "indexes": [
                    models.Index(fields=["fund", "-at", "-id"], name="ledger_entry_fund"),
                    models.Index(fields=["fund", "kind", "-at", "-id"], name="ledger_entry_kind"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="ledger_entry_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("credit", "FUNDING"), ("debit", "TREASURY"), ("kind", "FUND")),
                            models.Q(("credit", "RESERVED"), ("debit", "FUNDING"), ("kind", "RESERVE")),
                            models.Q(("credit", "PAID"), ("debit", "RESERVED"), ("kind", "POST")),
                            models.Q(("credit", "FUNDING"), ("debit", "RESERVED"), ("kind", "VOID")),
                            models.Q(("credit", "RESERVED"), ("debit", "FUNDING"), ("kind", "UNVOID")),
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
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("batch", None),
                                ("difference", None),
                                ("proposal", None),
                                ("transfer", None),
                                ("voucher__isnull", False),
                            ),
                            models.Q(
                                ("batch__isnull", False),
                                ("difference", None),
                                ("proposal", None),
                                ("transfer", None),
                                ("voucher", None),
                            ),
                            models.Q(
                                ("batch", None),
                                ("difference", None),
                                ("proposal", None),
                                ("transfer__isnull", False),
                                ("voucher", None),
                            ),
                            models.Q(
                                ("batch", None),
                                ("difference", None),
                                ("proposal__isnull", False),
                                ("transfer", None),
                                ("voucher", None),
                            ),
                            models.Q(
                                ("batch", None),
                                ("difference__isnull", False),
                                ("proposal", None),
                                ("transfer", None),
                                ("voucher", None),
                            ),
                            _connector="OR",
                        ),
                        name="ledger_entry_one_source",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("difference__isnull", False)),
                        fields=("difference", "kind"),
                        name="ledger_entry_once_per_difference",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("voucher__isnull", False),
                                models.Q(("kind__in", ("FUND", "RECOVER", "FUND_FEES", "FEE")), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("batch__isnull", False),
                                models.Q(("kind__in", ("RESERVE",)), _negated=True),
                                _connector="OR",
                            ),
                            models.Q(
                                ("transfer__isnull", False),
                                models.Q(("kind__in", ("POST", "VOID", "UNVOID", "RETURN", "REFUND")), _negated=True),
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
                    models.UniqueConstraint(
                        condition=models.Q(("transfer__isnull", False)),
                        fields=("transfer", "kind"),
                        name="ledger_entry_once_per_transfer",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("batch__isnull", False)),
                        fields=("batch", "kind"),
                        name="ledger_entry_once_per_batch",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("voucher__isnull", False)),
                        fields=("voucher", "kind"),
                        name="ledger_entry_once_per_voucher",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("proposal__isnull", False)),
                        fields=("proposal",),
                        name="ledger_entry_once_per_proposal",
                    ),
                ],
            },
        ),
    ]
