import django.db.models.deletion
import workwire.kernel.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalogue', '0013_defaults_and_short_codes'),
    ]

    operations = [
        migrations.AddField(
            model_name='worktype',
            name='contacts_mandatory',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='worktype',
            name='counts_records',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name='worktype',
            name='effort_per_record',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='worktype',
            name='process_group',
            field=models.CharField(blank=True, db_default='', default='', max_length=100),
        ),
        migrations.AddField(
            model_name='worktype',
            name='record_count_label',
            field=models.CharField(blank=True, db_default='', default='', max_length=100),
        ),
        migrations.AddField(
            model_name='worktype',
            name='version',
            field=models.PositiveIntegerField(db_default=1, default=1),
        ),
        migrations.CreateModel(
            name='TypeStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('name', models.CharField(max_length=200)),
                ('automatic', models.BooleanField(default=True)),
                ('when_empty', models.CharField(choices=[('skip', 'skip'), ('manual', 'manual'), ('pause', 'pause')], db_default='skip', default='skip', max_length=10)),
                ('milestone', models.PositiveSmallIntegerField(null=True)),
                ('guid', models.UUIDField(default=workwire.kernel.ids.new_guid, editable=False, unique=True)),
                ('work_type', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='catalogue.worktype')),
            ],
            options={
                'ordering': ['number'],
                'constraints': [models.UniqueConstraint(fields=('work_type', 'number'), name='type_step_number_once'), models.CheckConstraint(condition=models.Q(('milestone', None), ('milestone__lte', 100), _connector='OR'), name='type_step_milestone')],
            },
        ),
    ]
