from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that stays empty for all but events that cannot be fanned out; a release without it leaves it empty."""

    dependencies = [
        ("outbox", "0002_record_type_without_choices"),
    ]

    operations = [
        migrations.AddField("pending", "aside_until", models.DateTimeField(null=True)),
    ]
