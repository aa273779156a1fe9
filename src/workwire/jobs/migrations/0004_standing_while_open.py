"""Only an open standing job keeps another of its kind away: a kind may stop being a standing one, and become one again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Puts a narrower constraint in the place of the old one; older processes write as before."""

    dependencies = [("jobs", "0003_jobs")]

    operations = [
        migrations.RemoveConstraint(model_name="job", name="job_standing"),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("waiting", "running")), ("standing", True)),
                fields=("kind",),
                name="job_standing",
            ),
        ),
    ]
