"""The queue becomes a table of its own beside the log of deliveries (decision 19); what waits moves into it."""

import django.db.models.deletion
from django.db import migrations, models

MOVE = """
    INSERT INTO webhooks_queued
        (delivery_id, subscription_id, record_guid, lane, due_at, claimed_by, tries, is_replay, in_order)
    SELECT d.id, d.subscription_id, d.record_guid, CASE WHEN d.event_id IS NULL THEN 3 ELSE d.lane END,
           d.due_at, d.claimed_by, d.tries, d.is_replay, s.in_order
    FROM webhooks_delivery d JOIN webhooks_subscription s ON s.id = d.subscription_id
    WHERE d.state IN (0, 1)
"""
NAME_ENDS = """
    UPDATE webhooks_delivery SET
        state = CASE WHEN state = 1 THEN 0 ELSE state END,
        end_reason = CASE state WHEN 4 THEN 'tried_enough' WHEN 5 THEN 'unsubscribed' ELSE end_reason END
    WHERE state IN (1, 4, 5)
"""


def set_storage(apps, schema_editor):
    """PostgreSQL: room for a second version of every row, so that settling stays in its page, and a queue that is cleaned all the time, whatever its size."""
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute("ALTER TABLE webhooks_delivery SET (fillfactor = 50)")
    schema_editor.execute(
        "ALTER TABLE webhooks_queued SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,"
        " autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0)"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0002_record_type_without_choices"),
        ("webhooks", "0002_filter_type_without_choices"),
    ]

    operations = [
        migrations.CreateModel(
            name="Queued",
            fields=[
                (
                    "delivery",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="queued",
                        serialize=False,
                        to="webhooks.delivery",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="webhooks.subscription",
                    ),
                ),
                ("record_guid", models.UUIDField(null=True)),
                (
                    "lane",
                    models.SmallIntegerField(
                        choices=[(0, "fresh"), (1, "retry"), (2, "bulk"), (3, "test")], default=0
                    ),
                ),
                ("due_at", models.DateTimeField()),
                ("claimed_by", models.UUIDField(null=True)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("is_replay", models.BooleanField(default=False)),
                ("in_order", models.BooleanField(default=False)),
            ],
            options={"verbose_name_plural": "queued"},
        ),
        migrations.RunSQL(MOVE, migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="delivery", name="delivery_queue"),
        migrations.RemoveIndex(model_name="delivery", name="delivery_order"),
        migrations.RemoveIndex(model_name="delivery", name="delivery_log_state"),
        migrations.RemoveIndex(model_name="delivery", name="delivery_finished"),
        migrations.RenameField(model_name="delivery", old_name="withheld_reason", new_name="end_reason"),
        migrations.RunSQL(NAME_ENDS, migrations.RunSQL.noop),
        migrations.RemoveField(model_name="delivery", name="claimed_by"),
        migrations.RemoveField(model_name="delivery", name="due_at"),
        migrations.RemoveField(model_name="delivery", name="is_replay"),
        migrations.RemoveField(model_name="delivery", name="lane"),
        migrations.RemoveField(model_name="delivery", name="tries"),
        migrations.RemoveField(model_name="attempt", name="headers"),
        migrations.AddField(
            model_name="attempt", name="sent", field=models.CharField(blank=True, max_length=400)
        ),
        migrations.AddField(
            model_name="subscription", name="most_per_second", field=models.PositiveIntegerField(null=True)
        ),
        migrations.AlterField(
            model_name="attempt",
            name="delivery",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempt_rows",
                to="webhooks.delivery",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="event",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="outbox.event",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="subscription",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="webhooks.subscription",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("end_reason", ""), _negated=True),
                fields=["subscription", "-id"],
                name="delivery_log_unusual",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery", index=models.Index(fields=["created_at"], name="delivery_created")
        ),
        migrations.AddIndex(
            model_name="queued",
            index=models.Index(
                condition=models.Q(("claimed_by__isnull", True)),
                fields=["lane", "subscription", "due_at", "delivery"],
                name="queue_ring",
            ),
        ),
        migrations.AddIndex(
            model_name="queued",
            index=models.Index(
                condition=models.Q(("claimed_by__isnull", False)), fields=["due_at"], name="queue_leases"
            ),
        ),
        migrations.AddIndex(
            model_name="queued",
            index=models.Index(
                condition=models.Q(("in_order", True)),
                fields=["subscription", "record_guid", "delivery"],
                name="queue_order",
            ),
        ),
        migrations.RunPython(set_storage, migrations.RunPython.noop),
    ]
