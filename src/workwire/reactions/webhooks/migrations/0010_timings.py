from django.db import migrations, models


class Migration(migrations.Migration):
    """Attempts get the times of their steps; null for those made before, and by an older process that knows of none."""

    dependencies = [
        ("webhooks", "0009_certificates"),
    ]

    operations = [
        migrations.AddField(model_name="attempt", name="name_us", field=models.IntegerField(null=True)),
        migrations.AddField(model_name="attempt", name="connect_us", field=models.IntegerField(null=True)),
        migrations.AddField(model_name="attempt", name="tls_us", field=models.IntegerField(null=True)),
        migrations.AddField(model_name="attempt", name="first_byte_us", field=models.IntegerField(null=True)),
    ]
