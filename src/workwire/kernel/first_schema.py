"""Our tables of a new installation, made at once as the models say; a database that has some goes through the migrations."""

from __future__ import annotations

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor


def make_first_schema(connection: BaseDatabaseWrapper) -> bool:
    """Make every table of ours and note our migrations as applied, all or nothing; whether the database had none of them.

    What a migration writes into tables that hold something has nothing to do here, and what models cannot say is set after
    every migration (``post_migrate``). A test compares the outcome with that of all migrations in turn (decision 99).
    """
    executor = MigrationExecutor(connection)
    ours = [app for app in apps.get_app_configs() if app.name.startswith("workwire.")]
    models = [model for app in ours for model in app.get_models() if model._meta.can_migrate(connection)]
    tables = {model._meta.db_table for model in models}
    labels = {app.label for app in ours}
    applied = {label for label, _ in executor.recorder.applied_migrations()}
    if applied & labels or tables & set(connection.introspection.table_names()):
        return False
    executor.recorder.ensure_schema()
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
        for label, name in executor.loader.disk_migrations:
            if label in labels:
                executor.recorder.record_applied(label, name)
    return True
