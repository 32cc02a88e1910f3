"""The tables. Their rules are in the migrations after this one."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import foundation.audit.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("reference", "0004_banks_by_gateway"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Programme",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=20, unique=True)),
                ("name", models.CharField(max_length=200, verbose_name="tên")),
                ("public_name", models.CharField(max_length=60, verbose_name="tên công khai")),
                ("legal_basis", models.CharField(blank=True, max_length=300, verbose_name="căn cứ pháp lý")),
            ],
            options={
                "verbose_name": "chương trình",
                "verbose_name_plural": "chương trình",
                "db_table": "beneficiaries_programme",
            },
        ),
        migrations.CreateModel(
            name="ProgrammeLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="beneficiaries.programme"
                    ),
                ),
                ("code", models.CharField(max_length=20, unique=True, verbose_name="mã đối tượng")),
                ("name", models.CharField(max_length=300, verbose_name="tên")),
                ("name_en", models.CharField(blank=True, max_length=300)),
                ("public_name", models.CharField(max_length=60, verbose_name="tên công khai")),
                (
                    "bank_narration",
                    models.CharField(help_text="the public name in the letters that banks carry", max_length=60),
                ),
                ("sensitive", models.BooleanField(default=False)),
                (
                    "standard",
                    models.CharField(
                        help_text="which Rate rows set its amount", max_length=40, verbose_name="mức chuẩn"
                    ),
                ),
                ("coefficient", models.DecimalField(decimal_places=2, max_digits=5, verbose_name="hệ số")),
                (
                    "period",
                    models.CharField(
                        choices=[("MONTH", "hằng tháng"), ("ONCE", "một lần"), ("DAY", "theo ngày")], max_length=5
                    ),
                ),
                (
                    "counted_unit",
                    models.CharField(
                        help_text="what one coefficient counts: PERSON, CHILD, HOUSEHOLD, DAY", max_length=10
                    ),
                ),
                (
                    "payee_role",
                    models.CharField(
                        choices=[
                            ("SELF", "người hưởng"),
                            ("CARER", "người chăm sóc"),
                            ("HOUSEHOLDER", "chủ hộ"),
                            ("ORGANISER", "người tổ chức mai táng"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "min_age",
                    models.PositiveSmallIntegerField(help_text="full years of the beneficiary, inclusive", null=True),
                ),
                ("max_age", models.PositiveSmallIntegerField(help_text="exclusive", null=True)),
                ("legal_basis", models.CharField(blank=True, max_length=300, verbose_name="căn cứ pháp lý")),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
            ],
            options={
                "verbose_name": "đối tượng hưởng",
                "verbose_name_plural": "đối tượng hưởng",
                "db_table": "beneficiaries_programme_line",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="programme_line_dates",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("coefficient__gt", 0)), name="programme_line_coefficient"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(choices=[("NATIONAL", "Cả nước"), ("CITY", "Thành phố")], max_length=8)),
                ("standard", models.CharField(max_length=40)),
                ("amount", models.BigIntegerField()),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
                ("legal_basis", models.CharField(max_length=300)),
            ],
            options={
                "verbose_name": "mức chuẩn",
                "verbose_name_plural": "mức chuẩn",
                "db_table": "beneficiaries_rate",
                "indexes": [models.Index(fields=["standard", "valid_from"], name="rate_standard")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="rate_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="rate_dates",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            (
                                models.Func(
                                    template="int8range(hashtextextended(coalesce(standard, '*') || '/' || coalesce(scope, '*'), 0), hashtextextended(coalesce(standard, '*') || '/' || coalesce(scope, '*'), 0), '[]')"
                                ),
                                "&&",
                            ),
                            (
                                models.Func(
                                    models.F("valid_from"),
                                    models.F("valid_to"),
                                    models.Value("[]"),
                                    function="daterange",
                                    output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                                ),
                                "&&",
                            ),
                        ],
                        name="rate_one_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RegisterImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("unit", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="reference.unit")),
                ("file_name", models.CharField(max_length=200)),
                ("file_sha256", models.BinaryField(max_length=32)),
                ("period", models.DateField(help_text="first day of the month that the list is for")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("CHECKED", "Đã kiểm tra, chưa ghi"),
                            ("COMMITTED", "Đã ghi"),
                            ("REFUSED", "Có lỗi"),
                            ("CANCELLED", "Đã huỷ"),
                        ],
                        default="CHECKED",
                        max_length=10,
                    ),
                ),
                (
                    "summary",
                    models.JSONField(
                        default=dict, help_text="counts and problems of the preview; no personal numbers"
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
                    "committed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("committed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "danh sách nhập",
                "verbose_name_plural": "danh sách nhập",
                "db_table": "beneficiaries_register_import",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("period__day", 1)), name="register_import_period_is_month"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("committed_at__isnull", False),
                                ("committed_by__isnull", False),
                                ("state", "COMMITTED"),
                            ),
                            models.Q(
                                models.Q(("state", "COMMITTED"), _negated=True),
                                ("committed_at", None),
                                ("committed_by", None),
                            ),
                            _connector="OR",
                        ),
                        name="register_import_committed_by_somebody",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RegisterImportFile",
            fields=[
                (
                    "register_import",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="file",
                        serialize=False,
                        to="beneficiaries.registerimport",
                    ),
                ),
                ("content_encrypted", models.BinaryField()),
            ],
            options={
                "db_table": "beneficiaries_register_import_file",
            },
        ),
        migrations.CreateModel(
            name="Household",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=30, unique=True, verbose_name="mã hộ")),
                ("unit", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="reference.unit")),
            ],
            options={
                "verbose_name": "hộ gia đình",
                "verbose_name_plural": "hộ gia đình",
                "db_table": "beneficiaries_household",
            },
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("national_id_encrypted", models.BinaryField(verbose_name="số định danh")),
                ("national_id_index", models.BinaryField(max_length=32, unique=True)),
                ("full_name", models.CharField(max_length=120, verbose_name="họ và tên")),
                ("name_sort_key", models.CharField(db_collation="C", editable=False, max_length=250)),
                ("birth_date", models.DateField(null=True, verbose_name="ngày sinh")),
                (
                    "birth_precision",
                    models.CharField(
                        choices=[("DAY", "Ngày"), ("MONTH", "Tháng"), ("YEAR", "Năm")], default="DAY", max_length=5
                    ),
                ),
                ("sex", models.CharField(choices=[("M", "Nam"), ("F", "Nữ")], max_length=1, verbose_name="giới tính")),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="reference.unit", verbose_name="nơi cư trú"
                    ),
                ),
                (
                    "neighbourhood",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="reference.neighbourhood",
                        verbose_name="khu phố",
                    ),
                ),
                ("address", models.CharField(blank=True, max_length=250, verbose_name="địa chỉ")),
                ("phone_encrypted", models.BinaryField(null=True)),
                ("phone_index", models.BinaryField(max_length=32, null=True)),
                (
                    "household",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to="beneficiaries.household",
                    ),
                ),
                ("deceased_date", models.DateField(null=True, verbose_name="ngày mất")),
                ("created_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                ("updated_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "người",
                "verbose_name_plural": "người",
                "db_table": "beneficiaries_person",
                "indexes": [
                    models.Index(fields=["unit", "name_sort_key", "id"], name="person_unit_name"),
                    models.Index(
                        condition=models.Q(("phone_index__isnull", False)), fields=["phone_index"], name="person_phone"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("phone_encrypted", None), ("phone_index", None)),
                            models.Q(("phone_encrypted__isnull", False), ("phone_index__isnull", False)),
                            _connector="OR",
                        ),
                        name="person_phone_has_index",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("deceased_date", None),
                            ("birth_date", None),
                            ("deceased_date__gte", models.F("birth_date")),
                            _connector="OR",
                        ),
                        name="person_dies_after_birth",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Payee",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payee",
                        to="beneficiaries.person",
                    ),
                ),
                ("organisation_name", models.CharField(blank=True, max_length=200, verbose_name="tên tổ chức")),
                ("organisation_code", models.CharField(blank=True, max_length=20, verbose_name="mã số tổ chức")),
                ("created_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "người nhận",
                "verbose_name_plural": "người nhận",
                "db_table": "beneficiaries_payee",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("organisation_code", ""), ("organisation_name", ""), ("person__isnull", False)),
                            models.Q(("person", None), models.Q(("organisation_name", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="payee_is_person_or_organisation",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Representation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "beneficiary",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="representations",
                        to="beneficiaries.person",
                    ),
                ),
                (
                    "payee",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="representations",
                        to="beneficiaries.payee",
                    ),
                ),
                (
                    "relation",
                    models.CharField(
                        choices=[
                            ("PARENT", "Cha, mẹ"),
                            ("GUARDIAN", "Người giám hộ"),
                            ("CARER", "Người chăm sóc, nuôi dưỡng"),
                            ("HOUSEHOLDER", "Chủ hộ"),
                            ("AUTHORISED", "Người được uỷ quyền"),
                            ("LEGAL", "Người đại diện theo pháp luật"),
                        ],
                        max_length=12,
                        verbose_name="quan hệ",
                    ),
                ),
                (
                    "programme_line",
                    models.ForeignKey(
                        help_text="empty: all lines",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="beneficiaries.programmeline",
                    ),
                ),
                ("document_number", models.CharField(blank=True, max_length=60, verbose_name="số giấy uỷ quyền")),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
            ],
            options={
                "verbose_name": "người nhận thay",
                "verbose_name_plural": "người nhận thay",
                "db_table": "beneficiaries_representation",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="representation_dates",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            (
                                models.Func(
                                    models.F("beneficiary"),
                                    models.F("beneficiary"),
                                    models.Value("[]"),
                                    function="int8range",
                                ),
                                "&&",
                            ),
                            (
                                models.Func(
                                    template="int8range(hashtextextended(coalesce(programme_line_id::text, '*'), 0), hashtextextended(coalesce(programme_line_id::text, '*'), 0), '[]')"
                                ),
                                "&&",
                            ),
                            (
                                models.Func(
                                    models.F("valid_from"),
                                    models.F("valid_to"),
                                    models.Value("[]"),
                                    function="daterange",
                                    output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                                ),
                                "&&",
                            ),
                        ],
                        name="representation_one_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("relation", "AUTHORISED"), _negated=True),
                            models.Q(models.Q(("document_number", ""), _negated=True), ("valid_to__isnull", False)),
                            _connector="OR",
                        ),
                        name="representation_authority_has_paper",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="account_draft",
                        to="beneficiaries.person",
                    ),
                ),
                ("reference", models.CharField(max_length=10, unique=True, verbose_name="mã hồ sơ")),
                (
                    "bank",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="reference.bank",
                        verbose_name="ngân hàng, ví điện tử",
                    ),
                ),
                ("number_encrypted", models.BinaryField(null=True)),
                ("number_index", models.BinaryField(max_length=32, null=True)),
                ("number_masked", models.CharField(blank=True, max_length=30, verbose_name="số tài khoản")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("NONE", "Chưa nhập số tài khoản"),
                            ("WAITING", "Đang hỏi ngân hàng"),
                            ("ANSWERED", "Ngân hàng đã trả lời"),
                            ("REFUSED", "Không dùng được số này"),
                        ],
                        default="NONE",
                        max_length=10,
                    ),
                ),
                ("enquiry_number", models.PositiveIntegerField(default=0)),
                (
                    "holder_name",
                    models.CharField(
                        blank=True, help_text="as the bank gave it", max_length=120, verbose_name="tên chủ tài khoản"
                    ),
                ),
                (
                    "match_result",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("MATCH", "Khớp"),
                            ("MATCH_NOTE", "Khớp, khác dấu cách hoặc dấu nối"),
                            ("REVIEW", "Gần khớp, cần xem lại"),
                            ("MISMATCH", "Không khớp"),
                        ],
                        max_length=10,
                    ),
                ),
                ("refusal_code", models.CharField(blank=True, max_length=30)),
                ("asked_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("due_at", models.DateTimeField(help_text="when the bank is asked next", null=True)),
                ("consent_version", models.CharField(blank=True, max_length=20)),
                ("consented_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                ("saved_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "hồ sơ đăng ký tài khoản",
                "verbose_name_plural": "hồ sơ đăng ký tài khoản",
                "db_table": "beneficiaries_account_draft",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "WAITING")), fields=["due_at", "id"], name="account_draft_due"
                    ),
                    models.Index(fields=["saved_at"], name="account_draft_saved"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reference__regex", "^[23456789ABCDEFGHJKMNPQRSTVWXYZ]{10}$")),
                        name="account_draft_reference_form",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("asked_at", None),
                                ("number_encrypted", None),
                                ("number_index", None),
                                ("number_masked", ""),
                                ("state", "NONE"),
                            ),
                            models.Q(
                                models.Q(("state", "NONE"), _negated=True),
                                models.Q(("number_masked", ""), _negated=True),
                                ("asked_at__isnull", False),
                                ("bank__isnull", False),
                                ("enquiry_number__gte", 1),
                                ("number_encrypted__isnull", False),
                                ("number_index__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="account_draft_number_is_asked",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("due_at__isnull", False), ("state", "WAITING")),
                            models.Q(models.Q(("state", "WAITING"), _negated=True), ("due_at", None)),
                            _connector="OR",
                        ),
                        name="account_draft_waiting_is_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("refusal_code", ""),
                                ("state__in", ["NONE", "WAITING"]),
                                ("answered_at", None),
                                ("holder_name", ""),
                                ("match_result", ""),
                            ),
                            models.Q(
                                ("answered_at__isnull", False),
                                ("match_result__in", ["MATCH", "MATCH_NOTE", "REVIEW"]),
                                ("refusal_code", ""),
                                ("state", "ANSWERED"),
                                models.Q(("holder_name", ""), _negated=True),
                            ),
                            models.Q(
                                ("answered_at__isnull", False),
                                ("holder_name", ""),
                                ("match_result", ""),
                                ("state", "REFUSED"),
                                models.Q(("refusal_code", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="account_draft_answer_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("consent_version", ""), ("consented_at", None)),
                            models.Q(
                                ("consented_at__isnull", False),
                                ("state", "ANSWERED"),
                                models.Q(("consent_version", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="account_draft_consent_to_an_answer",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EnquiryCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="beneficiaries.person"
                    ),
                ),
                ("day", models.DateField()),
                ("enquiries", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "db_table": "beneficiaries_enquiry_count",
                "constraints": [models.UniqueConstraint(fields=("person", "day"), name="enquiry_count_one_a_day")],
            },
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="consents", to="beneficiaries.person"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("GIVEN", "Đồng ý"), ("WITHDRAWN", "Rút lại")], default="GIVEN", max_length=10
                    ),
                ),
                ("purpose", models.CharField(max_length=40)),
                ("text_version", models.CharField(max_length=20)),
                ("text", models.TextField()),
                (
                    "channel",
                    models.CharField(
                        choices=[("WEB", "Trên cổng"), ("VNEID", "Trong VNeID"), ("ASSISTED", "Cán bộ hỗ trợ")],
                        max_length=10,
                    ),
                ),
                (
                    "assisted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                (
                    "token",
                    models.CharField(help_text="opaque, shown to the bank as proof", max_length=64, unique=True),
                ),
            ],
            options={
                "verbose_name": "sự đồng ý",
                "verbose_name_plural": "sự đồng ý",
                "db_table": "beneficiaries_consent",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("assisted_by__isnull", False), ("channel", "ASSISTED")),
                            models.Q(models.Q(("channel", "ASSISTED"), _negated=True), ("assisted_by", None)),
                            _connector="OR",
                        ),
                        name="consent_assisted_by_somebody",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PayoutAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "payee",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="accounts", to="beneficiaries.payee"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                (
                    "reference",
                    models.CharField(
                        help_text="of a registration on the portal",
                        max_length=10,
                        null=True,
                        unique=True,
                        verbose_name="mã hồ sơ",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("LINKED", "Liên kết trong VNeID"),
                            ("SELF", "Đăng ký trên cổng"),
                            ("FILE", "Từ danh sách của phường"),
                        ],
                        max_length=6,
                    ),
                ),
                (
                    "bank",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="reference.bank", verbose_name="ngân hàng"
                    ),
                ),
                ("number_encrypted", models.BinaryField()),
                ("number_index", models.BinaryField(max_length=32)),
                ("number_masked", models.CharField(max_length=30, verbose_name="số tài khoản")),
                (
                    "holder_name",
                    models.CharField(
                        blank=True, help_text="as the bank gave it", max_length=120, verbose_name="tên chủ tài khoản"
                    ),
                ),
                (
                    "match_result",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("MATCH", "Khớp"),
                            ("MATCH_NOTE", "Khớp, khác dấu cách hoặc dấu nối"),
                            ("REVIEW", "Gần khớp, cần xem lại"),
                            ("MISMATCH", "Không khớp"),
                        ],
                        max_length=10,
                    ),
                ),
                ("refusal_code", models.CharField(blank=True, max_length=30)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("REQUESTED", "Đã gửi yêu cầu"),
                            ("ID_PROVEN", "Đã xác thực danh tính"),
                            ("ACCOUNT_CHECKED", "Ngân hàng đã xác nhận tên"),
                            ("REVIEW", "Chờ cán bộ xem lại"),
                            ("COOLING", "Chờ hết thời gian an toàn"),
                            ("ACTIVE", "Đang dùng"),
                            ("SUSPENDED", "Tạm khoá"),
                            ("SUPERSEDED", "Đã thay bằng tài khoản khác"),
                            ("CLOSED", "Ngân hàng báo đã đóng"),
                            ("REVOKED", "Người nhận đã huỷ"),
                            ("REFUSED", "Không được chấp nhận"),
                            ("EXPIRED", "Quá hạn"),
                        ],
                        default="REQUESTED",
                        max_length=15,
                    ),
                ),
                (
                    "consent",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, to="beneficiaries.consent"
                    ),
                ),
                ("gateway_link_id", models.CharField(blank=True, max_length=80)),
                (
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="beneficiaries.payoutaccount",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("requested_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                ("checked_at", models.DateTimeField(null=True)),
                ("cooling_until", models.DateTimeField(null=True)),
                ("activated_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=foundation.audit.clock.PortalNow(),
                        help_text="when the portal looks at it next",
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "tài khoản hưởng an sinh xã hội",
                "verbose_name_plural": "tài khoản hưởng an sinh xã hội",
                "db_table": "beneficiaries_payout_account",
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("state__in", ("REQUESTED", "ID_PROVEN", "ACCOUNT_CHECKED", "REVIEW", "COOLING"))
                        ),
                        fields=["due_at", "id"],
                        name="payout_account_due",
                    ),
                    models.Index(fields=["number_index"], name="payout_account_number"),
                    models.Index(
                        condition=models.Q(("state__in", ("ACCOUNT_CHECKED", "REVIEW"))),
                        fields=["state", "id"],
                        name="payout_account_to_judge",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("payee", "version"), name="payout_account_version"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "ACTIVE")), fields=("payee",), name="payout_account_one_active"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("state__in", ("REQUESTED", "ID_PROVEN", "ACCOUNT_CHECKED", "REVIEW", "COOLING"))
                        ),
                        fields=("payee",),
                        name="payout_account_one_waiting",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("COOLING", "ACTIVE", "SUSPENDED"))),
                        fields=("number_index",),
                        name="payout_account_one_holder",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ("COOLING", "ACTIVE", "SUSPENDED")), _negated=True),
                            models.Q(
                                models.Q(("holder_name", ""), _negated=True),
                                ("checked_at__isnull", False),
                                ("match_result__in", ["MATCH", "MATCH_NOTE", "REVIEW"]),
                            ),
                            _connector="OR",
                        ),
                        name="payout_account_active_is_proven",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ("COOLING", "ACTIVE", "SUSPENDED")), _negated=True),
                            models.Q(
                                models.Q(("match_result", "REVIEW"), _negated=True),
                                models.Q(("source", "FILE"), _negated=True),
                            ),
                            ("confirmed_by__isnull", False),
                            _connector="OR",
                        ),
                        name="payout_account_judged_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("confirmed_by", None),
                            ("requested_by", None),
                            models.Q(("confirmed_by", models.F("requested_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="payout_account_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "COOLING"), _negated=True),
                            ("cooling_until__isnull", False),
                            _connector="OR",
                        ),
                        name="payout_account_cooling_has_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "ACTIVE"), _negated=True),
                            ("activated_at__isnull", False),
                            _connector="OR",
                        ),
                        name="payout_account_activated_at",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("state__in", ("REQUESTED", "ID_PROVEN", "ACCOUNT_CHECKED", "REVIEW", "COOLING")),
                                _negated=True,
                            ),
                            ("due_at__isnull", False),
                            _connector="OR",
                        ),
                        name="payout_account_waiting_is_due",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("reference", None),
                            models.Q(
                                ("reference__regex", "^[23456789ABCDEFGHJKMNPQRSTVWXYZ]{10}$"), ("source", "SELF")
                            ),
                            _connector="OR",
                        ),
                        name="payout_account_reference_form",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Entitlement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entitlements",
                        to="beneficiaries.person",
                    ),
                ),
                (
                    "programme_line",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="beneficiaries.programmeline"),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        help_text="whose decision it is and who pays",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="reference.unit",
                    ),
                ),
                ("coefficient", models.DecimalField(decimal_places=2, max_digits=5, null=True)),
                ("fixed_amount", models.BigIntegerField(null=True)),
                ("standard", models.CharField(blank=True, max_length=40)),
                ("decision_number", models.CharField(max_length=60, verbose_name="số quyết định")),
                ("decision_date", models.DateField(null=True, verbose_name="ngày quyết định")),
                ("benefit_book_number", models.CharField(blank=True, max_length=40, verbose_name="số sổ lĩnh tiền")),
                ("valid_from", models.DateField(verbose_name="hưởng từ")),
                ("valid_to", models.DateField(null=True, verbose_name="hưởng đến")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("DRAFT", "Chưa có quyết định"),
                            ("ACTIVE", "Đang hưởng"),
                            ("SUSPENDED", "Tạm dừng"),
                            ("ENDED", "Thôi hưởng"),
                        ],
                        default="ACTIVE",
                        max_length=10,
                    ),
                ),
                (
                    "paid_through",
                    models.DateField(help_text="first day of the last month paid before the portal", null=True),
                ),
                (
                    "register_import",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entitlements",
                        to="beneficiaries.registerimport",
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
                ("updated_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "mức hưởng",
                "verbose_name_plural": "mức hưởng",
                "db_table": "beneficiaries_entitlement",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "ACTIVE")),
                        fields=["unit", "programme_line", "id"],
                        name="entitlement_unit",
                    ),
                    models.Index(fields=["person"], name="entitlement_person"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                        ),
                        name="entitlement_dates",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("coefficient__gt", 0), ("fixed_amount", None)),
                            models.Q(("coefficient", None), ("fixed_amount__gt", 0), ("standard", "")),
                            _connector="OR",
                        ),
                        name="entitlement_one_amount_rule",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "DRAFT"), models.Q(("decision_number", ""), _negated=True), _connector="OR"
                        ),
                        name="entitlement_active_has_decision",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("paid_through", None), ("paid_through__day", 1), _connector="OR"),
                        name="entitlement_paid_through_is_month",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("state", "ENDED"), _negated=True),
                        expressions=[
                            (
                                models.Func(
                                    models.F("person"), models.F("person"), models.Value("[]"), function="int8range"
                                ),
                                "&&",
                            ),
                            (
                                models.Func(
                                    models.F("programme_line"),
                                    models.F("programme_line"),
                                    models.Value("[]"),
                                    function="int8range",
                                ),
                                "&&",
                            ),
                            (
                                models.Func(
                                    models.F("valid_from"),
                                    models.F("valid_to"),
                                    models.Value("[]"),
                                    function="daterange",
                                    output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                                ),
                                "&&",
                            ),
                        ],
                        name="entitlement_once_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentWay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "payee",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment_ways",
                        to="beneficiaries.payee",
                    ),
                ),
                (
                    "way",
                    models.CharField(
                        choices=[
                            ("USUAL", "Vào tài khoản; chưa có tài khoản thì nhận tiền mặt tại phường"),
                            ("WARD_CASH", "Tiền mặt tại phường"),
                            ("PAYMENT_SERVICE", "Qua tổ chức dịch vụ chi trả"),
                        ],
                        max_length=15,
                        verbose_name="cách nhận tiền",
                    ),
                ),
                (
                    "delivery",
                    models.CharField(
                        blank=True,
                        choices=[("CARD", "Thẻ chi trả"), ("PAY_POINT", "Điểm chi trả"), ("HOME", "Chi trả tại nhà")],
                        db_default="",
                        max_length=9,
                        verbose_name="hình thức",
                    ),
                ),
                (
                    "service_code",
                    models.CharField(
                        blank=True, max_length=20, verbose_name="mã khách hàng tại tổ chức dịch vụ chi trả"
                    ),
                ),
                ("valid_from", models.DateField(verbose_name="từ ngày")),
                (
                    "source",
                    models.CharField(
                        choices=[("OFFICER", "Cán bộ ghi nhận"), ("FILE", "Từ danh sách của phường")], max_length=7
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="lý do")),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("recorded_at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow())),
            ],
            options={
                "verbose_name": "cách nhận tiền",
                "verbose_name_plural": "cách nhận tiền",
                "db_table": "beneficiaries_payment_way",
                "indexes": [models.Index(fields=["payee", "-valid_from", "-id"], name="payment_way_holding")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("delivery__in", ["CARD", "PAY_POINT", "HOME"]), ("way", "PAYMENT_SERVICE")),
                            models.Q(
                                models.Q(("way", "PAYMENT_SERVICE"), _negated=True),
                                ("delivery", ""),
                                ("service_code", ""),
                            ),
                            _connector="OR",
                        ),
                        name="payment_way_delivery_of_service",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("service_code__regex", "^[A-Z]{0,6}[0-9]{0,10}$")),
                        name="payment_way_service_code_form",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("delivery", "CARD"), _negated=True),
                            models.Q(("service_code", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="payment_way_card_has_code",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("source", "OFFICER"), _negated=True),
                            models.Q(models.Q(("reason", ""), _negated=True), ("recorded_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="payment_way_officer_says_why",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="household",
            name="head",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="beneficiaries.person"
            ),
        ),
    ]
