from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('parties', '0004_names_by_key'),
    ]

    operations = [
        migrations.AddField(
            model_name='contract',
            name='earlier_terms',
            field=models.JSONField(null=True),
        ),
    ]
