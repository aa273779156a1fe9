import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalogue', '0014_what_a_case_type_holds'),
    ]

    operations = [
        migrations.AddField(
            model_name='checklistline',
            name='anchor',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='catalogue.checklistline'),
        ),
        migrations.AddField(
            model_name='checklistline',
            name='before',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
