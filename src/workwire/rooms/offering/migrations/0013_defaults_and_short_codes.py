from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalogue', '0012_private_fields'),
    ]

    operations = [
        migrations.AddField(
            model_name='datafield',
            name='default',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='datafield',
            name='short_code',
            field=models.CharField(blank=True, db_default='', default='', max_length=2),
        ),
        migrations.AddConstraint(
            model_name='datafield',
            constraint=models.UniqueConstraint(condition=models.Q(('short_code', ''), _negated=True), fields=('short_code',), name='short_code_once'),
        ),
    ]
