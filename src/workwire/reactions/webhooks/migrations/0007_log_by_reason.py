from django.db import migrations, models
from django.db.models import Q

UNUSUAL = {
    "withheld": ~Q(end_reason="") & ~Q(end_reason="tried_enough") & ~Q(end_reason="unsubscribed"),
    "gave_up": Q(end_reason="tried_enough"),
    "cancelled": Q(end_reason="unsubscribed"),
}


class Migration(migrations.Migration):
    """No index of the log holds the state any more: PostgreSQL settles in place again (heap-only update). What ended otherwise
    than delivered is found by its reason, each kind of end in indexes of its own."""

    dependencies = [
        ("webhooks", "0006_log_by_state"),
    ]

    operations = [
        migrations.RemoveIndex("delivery", "delivery_unusual"),
        migrations.RemoveIndex("delivery", "delivery_log_unusual"),
        *(
            migrations.AddIndex("delivery", models.Index(condition=end, fields=["-id"], name=f"delivery_{state}"))
            for state, end in UNUSUAL.items()
        ),
        *(
            migrations.AddIndex(
                "delivery", models.Index(condition=end, fields=["subscription", "-id"], name=f"delivery_log_{state}")
            )
            for state, end in UNUSUAL.items()
        ),
    ]
