import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that names the event whose content a test carries; an older process leaves it empty."""

    dependencies = [
        ("outbox", "0007_event_pages"),
        ("webhooks", "0012_worker_slots"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="tested_event",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="outbox.event",
            ),
        ),
    ]
