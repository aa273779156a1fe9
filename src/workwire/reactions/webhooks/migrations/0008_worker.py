from django.db import migrations


class Migration(migrations.Migration):
    """The model gets the name of its process; the table keeps its own, so that a running older process finds it."""

    dependencies = [("webhooks", "0007_log_by_reason")]

    operations = [migrations.RenameModel("Dispatcher", "Worker")]
