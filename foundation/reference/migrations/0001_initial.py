import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Bank",
            fields=[
                ("bin", models.CharField(max_length=6, primary_key=True, serialize=False, verbose_name="mã BIN")),
                ("code", models.CharField(max_length=20, verbose_name="mã")),
                ("short_name", models.CharField(max_length=60, verbose_name="tên ngắn")),
                ("name", models.CharField(max_length=160, verbose_name="tên đầy đủ")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("BANK", "Ngân hàng"),
                            ("DIGITAL_BRAND", "Ngân hàng số"),
                            ("WALLET", "Ví điện tử, tiền di động"),
                            ("FINANCE", "Công ty tài chính"),
                        ],
                        max_length=16,
                        verbose_name="loại",
                    ),
                ),
                (
                    "aliases",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="tên gọi khác",
                    ),
                ),
                (
                    "payable",
                    models.BooleanField(
                        help_text="Công ty tài chính không có tài khoản thanh toán.",
                        verbose_name="nhận được tiền chi trả",
                    ),
                ),
                ("routing_bin", models.CharField(blank=True, max_length=6, verbose_name="mã BIN định tuyến")),
                ("in_vneid_from", models.DateField(blank=True, null=True, verbose_name="có trong danh sách VNeID từ")),
                ("in_vneid_to", models.DateField(blank=True, null=True, verbose_name="có trong danh sách VNeID đến")),
                ("valid_from", models.DateField(blank=True, null=True, verbose_name="từ ngày")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="đến ngày")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="ghi chú")),
            ],
            options={
                "verbose_name": "ngân hàng",
                "verbose_name_plural": "ngân hàng",
                "ordering": ["short_name", "bin"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("bin__regex", "^[0-9]{6}$")), name="bank_bin_is_six_digits"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["BANK", "DIGITAL_BRAND", "WALLET", "FINANCE"])),
                        name="bank_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind", "FINANCE"), ("payable", True), _negated=True),
                        name="bank_finance_company_is_not_payable",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("in_vneid_to__isnull", True),
                            ("in_vneid_to__gte", models.F("in_vneid_from")),
                            _connector="OR",
                        ),
                        name="bank_vneid_period_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True),
                            ("valid_from__isnull", True),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="bank_period_in_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Holiday",
            fields=[
                ("date", models.DateField(primary_key=True, serialize=False, verbose_name="ngày")),
                (
                    "kind",
                    models.CharField(
                        choices=[("HOLIDAY", "Nghỉ"), ("WORKING", "Làm bù")],
                        default="HOLIDAY",
                        max_length=8,
                        verbose_name="loại",
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="tên")),
                ("source", models.CharField(blank=True, max_length=200, verbose_name="căn cứ")),
            ],
            options={
                "verbose_name": "ngày nghỉ, ngày làm bù",
                "verbose_name_plural": "ngày nghỉ, ngày làm bù",
                "ordering": ["date"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["HOLIDAY", "WORKING"])), name="holiday_kind_is_known"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IdentityPrefix",
            fields=[
                ("code", models.CharField(max_length=3, primary_key=True, serialize=False, verbose_name="mã")),
                ("name", models.CharField(max_length=60, verbose_name="nơi đăng ký khai sinh")),
                ("province_code", models.CharField(max_length=2, verbose_name="mã tỉnh, thành phố hiện nay")),
                ("province_name", models.CharField(max_length=60, verbose_name="tỉnh, thành phố hiện nay")),
            ],
            options={
                "verbose_name": "đầu số định danh",
                "verbose_name_plural": "đầu số định danh",
                "ordering": ["code"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("code__regex", "^[0-9]{3}$")), name="identityprefix_is_three_digits"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Unit",
            fields=[
                ("code", models.CharField(max_length=5, primary_key=True, serialize=False, verbose_name="mã đơn vị")),
                ("name", models.CharField(max_length=80, verbose_name="tên")),
                (
                    "kind",
                    models.CharField(
                        choices=[("WARD", "Phường"), ("COMMUNE", "Xã"), ("SPECIAL_ZONE", "Đặc khu")],
                        max_length=12,
                        verbose_name="loại",
                    ),
                ),
                ("province_code", models.CharField(max_length=2, verbose_name="mã tỉnh, thành phố")),
                ("sort_key", models.CharField(db_collation="C", editable=False, max_length=160)),
                ("valid_from", models.DateField(null=True, verbose_name="từ ngày")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="đến ngày")),
            ],
            options={
                "verbose_name": "đơn vị hành chính",
                "verbose_name_plural": "đơn vị hành chính",
                "ordering": ["sort_key", "code"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("code__regex", "^[0-9]{5}$")), name="unit_code_is_five_digits"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("province_code__regex", "^[0-9]{2}$")), name="unit_province_is_two_digits"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["WARD", "COMMUNE", "SPECIAL_ZONE"])),
                        name="unit_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True),
                            ("valid_from__isnull", True),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="unit_period_in_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Neighbourhood",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, verbose_name="tên")),
                (
                    "kind",
                    models.CharField(
                        choices=[("KHU_PHO", "Khu phố"), ("AP", "Ấp")], max_length=12, verbose_name="loại"
                    ),
                ),
                ("sort_key", models.CharField(db_collation="C", editable=False, max_length=160)),
                ("valid_from", models.DateField(null=True, verbose_name="từ ngày")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="đến ngày")),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="neighbourhoods",
                        to="reference.unit",
                        verbose_name="đơn vị",
                    ),
                ),
            ],
            options={
                "verbose_name": "khu phố, ấp",
                "verbose_name_plural": "khu phố, ấp",
                "ordering": ["unit", "sort_key", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("unit", "name"), name="neighbourhood_one_name_per_unit"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["KHU_PHO", "AP"])), name="neighbourhood_kind_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True),
                            ("valid_from__isnull", True),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="neighbourhood_period_in_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UnitAlias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("old_code", models.CharField(blank=True, max_length=5, verbose_name="mã cũ")),
                ("old_name", models.CharField(max_length=120, verbose_name="tên cũ")),
                ("old_district", models.CharField(blank=True, max_length=80, verbose_name="quận, huyện cũ")),
                ("whole", models.BooleanField(default=True, verbose_name="toàn bộ đơn vị cũ")),
                ("valid_from", models.DateField(blank=True, null=True, verbose_name="từ ngày")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="đến ngày")),
                ("source", models.CharField(blank=True, max_length=200, verbose_name="căn cứ")),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="aliases",
                        to="reference.unit",
                        verbose_name="đơn vị hiện nay",
                    ),
                ),
            ],
            options={
                "verbose_name": "tên cũ của đơn vị",
                "verbose_name_plural": "tên cũ của đơn vị",
                "ordering": ["old_name", "old_district", "unit"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("old_name", "old_district", "old_code", "unit"), name="unitalias_once_per_unit"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("old_code__regex", "^([0-9]{5})?$")), name="unitalias_code_is_five_digits"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to__isnull", True),
                            ("valid_from__isnull", True),
                            ("valid_to__gte", models.F("valid_from")),
                            _connector="OR",
                        ),
                        name="unitalias_period_in_order",
                    ),
                ],
            },
        ),
    ]
