import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalogue', '0013_defaults_and_short_codes'),
        ('work', '0020_families_as_they_are'),
    ]

    operations = [
        migrations.CreateModel(
            name='SearchableValue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.CharField(max_length=255)),
                ('origin', models.BigIntegerField(null=True)),
                ('field', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalogue.datafield')),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='searchable_values', to='work.workitem')),
            ],
            options={
                'indexes': [models.Index(fields=['field', 'value', 'item'], name='items_by_value', opclasses=['int8_ops', 'varchar_pattern_ops', 'int8_ops'])],
                'constraints': [models.UniqueConstraint(fields=('item', 'field'), name='searchable_value_once')],
            },
        ),
    ]
