"""What VNeID says of a citizen is kept with his identity; one citizen's login a human."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]

    operations = [
        migrations.AddField(
            "vneididentity",
            "full_name",
            models.CharField("họ và tên", max_length=120, default=""),
            preserve_default=False,
        ),
        migrations.AddField("vneididentity", "birth_date", models.DateField("ngày sinh", null=True)),
        migrations.AddField(
            "vneididentity",
            "birth_precision",
            models.CharField(max_length=5, blank=True, default="", help_text="DAY, MONTH or YEAR; empty: not told"),
            preserve_default=False,
        ),
        migrations.AddField(
            "vneididentity",
            "sex",
            models.CharField("giới tính", max_length=1, blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            "vneididentity",
            "address",
            models.CharField("địa chỉ", max_length=250, blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            "vneididentity",
            "unit_code",
            models.CharField(
                max_length=5, blank=True, default="", help_text="ward of permanent residence, also outside the city"
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "vneididentity", "national_id_encrypted", models.BinaryField(default=b""), preserve_default=False
        ),
        migrations.AddField("vneididentity", "phone_encrypted", models.BinaryField(null=True)),
        migrations.AddConstraint(
            "user",
            models.UniqueConstraint(
                name="user_one_citizen_a_person",
                fields=["person_fingerprint"],
                condition=models.Q(kind="CITIZEN"),
            ),
        ),
    ]
