from django.db import migrations, models


class Migration(migrations.Migration):
    """Subscriptions get certificates of their own; the database fills in for an older process that knows of none."""

    dependencies = [
        ("webhooks", "0008_worker"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="authorities",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="subscription",
            name="client_certificate",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="subscription",
            name="client_key_sealed",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
