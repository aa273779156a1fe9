import workwire.kernel.clock
import workwire.kernel.ids
from django.db import migrations, models
from django.db.models import Q

UNWELL = Q(("ended_at__isnull", True)) & (
    Q(("paused_at__isnull", False)) | Q(("failing_since__isnull", False)) | Q(("access_lost_at__isnull", False))
)


class Migration(migrations.Migration):
    """The dispatchers' table moves here as it is and gets room for their reports, empty for dispatchers of the release
    before."""

    dependencies = [
        ("dispatcher", "0002_signs_of_life_told_to_doors"),
        ("webhooks", "0004_replays"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Dispatcher",
                    fields=[
                        ("guid", models.UUIDField(default=workwire.kernel.ids.new_guid, primary_key=True, serialize=False)),
                        ("host", models.CharField(max_length=255)),
                        ("pid", models.PositiveIntegerField()),
                        ("started_at", models.DateTimeField(default=workwire.kernel.clock.now)),
                        ("seen_at", models.DateTimeField(db_index=True, default=workwire.kernel.clock.now)),
                    ],
                    options={"db_table": "dispatcher_worker"},
                ),
            ],
            database_operations=[],
        ),
        migrations.AddField("dispatcher", "report", models.JSONField(null=True)),
        migrations.AddField("subscription", "remind_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "subscription",
            models.Index(fields=["remind_at"], name="subscription_remind", condition=Q(remind_at__isnull=False)),
        ),
        migrations.AddIndex("subscription", models.Index(fields=["id"], name="subscription_unwell", condition=UNWELL)),
    ]
