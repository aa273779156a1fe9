from django.db import migrations


def allow_releases(apps, _schema_editor):
    """Let roles that configure processes go on to set them live: those with the bundle have that by it."""
    features = apps.get_model("access", "RoleFeature")
    bundled = features.objects.filter(feature="process_builder").values("role")
    configure = features.objects.filter(feature="processes").exclude(role__in=bundled)
    features.objects.bulk_create(
        [features(role_id=role, feature="releases") for role in configure.values_list("role", flat=True)],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0013_short_code_of_accounts'),
    ]

    operations = [
        migrations.RunPython(allow_releases, migrations.RunPython.noop),
    ]
