from django.db import migrations, models


class Migration(migrations.Migration):
    """A table of what workers counted by the quarter of an hour; an older process does not write it."""

    dependencies = [
        ("webhooks", "0011_ends_of_certificates"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkerSlot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("worker", models.UUIDField()),
                ("begins", models.DateTimeField(db_index=True)),
                ("counts", models.JSONField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("worker", "begins"), name="worker_slot_once")],
            },
        ),
    ]
