"""Changing the settings of the installation while it runs."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from workwire.access import events, features, run_time_settings
from workwire.access.models import Setting
from workwire.access.policy import require, require_of_person
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType


@transaction.atomic
def change_settings(
    values: Mapping[str, int | str | None], *, by: Actor, chosen_before: Mapping[str, int | str | None] | None = None
) -> None:
    """Choose values of settings, all or none; None goes back to the default. Raises Conflict for one that the operator set,
    as a choice would not count, and for one whose choice is no longer the one named in `chosen_before`."""
    require_of_person(by, features.SETTINGS)
    for name in sorted(values):
        if name not in run_time_settings.RUN_TIME:
            raise Invalid("setting_unknown", field="values", setting=name[:100])
        if run_time_settings.is_set_by_operator(name):
            raise Conflict("setting_of_operator", field="values", setting=name)
        if name in run_time_settings.OF_ADMINISTRATORS:
            require(by, features.ADMINISTRATOR)
        value = values[name]
        _choose(name, None if value is None else run_time_settings.checked(name, value), by, chosen_before or {})
    transaction.on_commit(run_time_settings.forget)


def _choose(name: str, value: int | str | None, by: Actor, chosen_before: Mapping[str, int | str | None]) -> None:
    row = Setting.objects.select_for_update().filter(name=name).first()
    old = None if row is None else row.value
    if name in chosen_before and chosen_before[name] != old:
        raise Conflict("setting_changed", field="values", setting=name)
    if value == old:
        return
    if row is None:
        row = Setting.objects.create(name=name, value=value)
        changes = added(row)
    elif value is None:
        changes = removed(row)
        row.delete()
    else:
        before = columns(row)
        row.value = value
        row.save()
        changes = altered(row, before)
    _record(row, old, value, by, changes)


def _record(row: Setting, old: int | str | None, new: int | str | None, by: Actor, changes: list[RowChange]) -> None:
    body = events.SettingChanged(GUID=str(row.guid), Name=row.name, Old=old, New=new)
    record(body, about=Subject(ObjectType.SETTING, row.guid), by=by, changes=changes)
