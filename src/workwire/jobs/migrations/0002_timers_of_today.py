from django.db import migrations

SET = """
    INSERT INTO jobs_timer (kind, subject, due_at, ready_at, tries)
    SELECT '{kind}', guid, {column}, {column}, 0 FROM {table} WHERE {which} AND {column} IS NOT NULL
    ON CONFLICT DO NOTHING
"""
WAITS = SET.format(kind='work.wait', column='wait_until', table='work_workitem', which='status = 3')
WINDOWS = SET.format(kind='work.feedback_window', column='closes_on', table='work_workitem', which='status = 4')
REMINDERS = SET.format(
    kind='webhooks.secret_reminder', column='remind_at', table='webhooks_subscription', which='ended_at IS NULL'
)


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0001_timers'),
        ('work', '0004_items_of_a_kind'),
        ('webhooks', '0005_dispatchers_and_reminders'),
    ]

    operations = [migrations.RunSQL(statement, migrations.RunSQL.noop) for statement in (WAITS, WINDOWS, REMINDERS)]
