"""The log of who read which citizen's numbers."""

import django.contrib.postgres.fields
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import foundation.audit.clock
from foundation.audit.protection import revoke_changes


class Migration(migrations.Migration):
    initial = True

    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="DataAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=foundation.audit.clock.PortalNow(), verbose_name="lúc")),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_label", models.CharField(max_length=200, verbose_name="người xem")),
                ("role", models.CharField(blank=True, max_length=40, verbose_name="vai trò")),
                ("subject_kind", models.CharField(max_length=40, verbose_name="loại đối tượng")),
                ("subject_id", models.CharField(max_length=40, verbose_name="đối tượng")),
                (
                    "fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), size=None, verbose_name="dữ liệu đã xem"
                    ),
                ),
                ("purpose", models.CharField(max_length=200, verbose_name="mục đích")),
                ("request_id", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "verbose_name": "lượt xem dữ liệu cá nhân",
                "verbose_name_plural": "lượt xem dữ liệu cá nhân",
                "db_table": "privacy_data_access",
                "indexes": [
                    models.Index(fields=["subject_kind", "subject_id", "id"], name="data_access_subject"),
                    models.Index(fields=["actor_id", "id"], name="data_access_actor"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("fields__len__gt", 0)), name="data_access_names_fields"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("purpose", ""), _negated=True), name="data_access_has_purpose"
                    ),
                ],
            },
        ),
        revoke_changes("privacy_data_access"),
        pgtrigger.migrations.AddTrigger(
            model_name="dataaccess",
            trigger=pgtrigger.compiler.Trigger(
                name="privacy_data_access_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="f9b9464b571da21879ef976c2322ed6f1ee90f24",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_privacy_data_access_append_only_b6545",
                    table="privacy_data_access",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="dataaccess",
            trigger=pgtrigger.compiler.Trigger(
                name="privacy_data_access_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'append-only: privacy_data_access cannot be emptied';",
                    hash="fcb93ff3a3b81f578a63fb5a5fd82224bee7d25d",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_privacy_data_access_no_truncate_f09e9",
                    table="privacy_data_access",
                    when="BEFORE",
                ),
            ),
        ),
    ]
