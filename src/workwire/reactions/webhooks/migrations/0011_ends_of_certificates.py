from datetime import UTC, timedelta

from cryptography import x509
from django.db import migrations, models
from django.db.models import Q
from django.utils import timezone

LEADS = (timedelta(days=30), timedelta(days=7), timedelta(days=1))


def fill(apps, schema_editor):
    """Note when the certificates of present subscriptions end; their timers are set by themselves (`timers.complete`)."""
    subscriptions = apps.get_model("webhooks", "Subscription").objects.filter(ended_at=None)
    now = timezone.now()
    for one in subscriptions.exclude(client_certificate="", authorities=""):
        shown, trusted = (_ends(pem) for pem in (one.client_certificate, one.authorities))
        one.certificates_end_at = min([*shown, *([max(trusted)] if trusted else [])])
        moments = [one.certificates_end_at - lead for lead in LEADS]
        one.certificates_remind_at = min((moment for moment in moments if moment > now), default=None)
        one.save(update_fields=["certificates_end_at", "certificates_remind_at"])


def _ends(pem):
    found = x509.load_pem_x509_certificates(pem.encode()) if pem else []
    return [each.not_valid_after_utc.astimezone(UTC) for each in found]


class Migration(migrations.Migration):
    """Subscriptions know when their certificates end, and when their owners are told so; an older process leaves both alone."""

    dependencies = [
        ("webhooks", "0010_timings"),
    ]

    operations = [
        migrations.AddField(model_name="subscription", name="certificates_end_at", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="subscription", name="certificates_remind_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                fields=["certificates_end_at"],
                name="subscription_certificates",
                condition=Q(ended_at__isnull=True, certificates_end_at__isnull=False),
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
