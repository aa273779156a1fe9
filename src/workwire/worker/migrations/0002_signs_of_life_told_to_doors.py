from django.db import migrations


class Migration(migrations.Migration):
    """The table stays; the webhooks know it now, so that doors can read it."""

    dependencies = [
        ("dispatcher", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Worker")], database_operations=[]),
    ]
