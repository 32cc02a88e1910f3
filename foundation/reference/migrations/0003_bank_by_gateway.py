from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reference", "0002_load_tables")]

    operations = [
        migrations.AddField(
            model_name="bank",
            name="by_gateway",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Ngân hàng mà cổng không tới được nhận tiền qua bảng kê Kho bạc.",
                verbose_name="cổng thanh toán chuyển tới được",
            ),
        ),
    ]
