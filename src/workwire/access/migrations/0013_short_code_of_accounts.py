from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0012_pictures'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='short_code',
            field=models.CharField(blank=True, db_default='', default='', max_length=2),
        ),
    ]
