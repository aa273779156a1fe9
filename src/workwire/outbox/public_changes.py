"""Internal changes as readers see them: other records by their GUIDs, or by names that everybody knows, never by the numbers
of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any

import orjson
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model

from workwire.outbox.models import Event


class Label(str):
    """What a value of a choice is called by its model."""

    __slots__ = ()


_Guids = dict[type[Model], dict[int, str]]
_NAMED = {
    "User": "full_name",
    **dict.fromkeys(
        (
            *("Calendar", "ContactTag", "DefectCategory", "DefectParty", "FileTag", "JobPosition"),
            *("Queue", "Role", "ServiceLine", "UserGroup", "WorkType"),
        ),
        "name",
    ),
}  # the records of everybody, and the column that names one of them to people


def changes_of(events: Iterable[Event], *, for_people: bool = False) -> dict[int, list[dict[str, Any]] | None]:
    """The internal changes of some events, by the id of the event; None for one recorded before they were kept. `for_people`
    names accounts, queues and the like by their names, and a value of a choice by its `Label`."""
    kept = {event.pk: None if event.changes is None else orjson.loads(event.changes) for event in events}
    wanted: dict[type[Model], set[int]] = defaultdict(set)
    for change in (change for changes in kept.values() for change in changes or ()):
        for name, value in _values(change):
            target = _target(change["record"], name)
            if target is not None:
                wanted[target].update(_numbers(value))
    guids = {
        model: {pk: str(name) for pk, name in _names(model, pks, _NAMED.get(model.__name__) if for_people else None)}
        for model, pks in wanted.items()
    }
    return {
        pk: None if changes is None else [_public(change, guids, for_people) for change in changes]
        for pk, changes in kept.items()
    }


@cache
def record_types() -> dict[str, type[Model]]:
    """Every kind of row by the name that changes call it."""
    return {model.__name__: model for model in apps.get_models() if model.__module__.startswith("workwire.")}


def _names(model: type[Model], pks: set[int], column: str | None) -> Iterable[tuple[int, Any]]:
    found = model._default_manager.filter(pk__in=pks)
    return found.values_list("pk", column) if column is not None else found.values_list("pk", "guid")


def _public(change: dict[str, Any], guids: _Guids, for_people: bool) -> dict[str, Any]:
    model = record_types().get(change["record"])
    has_guid = model is not None and hasattr(model, "guid")
    shown: dict[str, Any] = {"record": change["record"], "guid": change["key"] if has_guid else None}
    for side in ("old", "new"):
        values = change.get(side)
        shown[side] = None if values is None else dict(_named(change["record"], values, guids, for_people))
    return shown


def _named(record: str, values: dict[str, Any], guids: _Guids, for_people: bool) -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        field = _field(record, name)
        if field is None or field.related_model is None:
            choices: Any = getattr(field, "choices", None) if for_people else None
            is_plain = isinstance(value, (str, int))
            yield name, Label(dict(choices).get(value, value)) if choices and is_plain else value
            continue
        target = _target(record, name)
        if target is None:  # a row without a public name: a part of its record
            continue
        known = guids.get(target, {})
        yield field.name, [known.get(pk) for pk in value] if isinstance(value, list) else known.get(value)


def _values(change: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    for side in ("old", "new"):
        yield from (change.get(side) or {}).items()


def _numbers(value: Any) -> list[int]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, int)]


@cache
def _target(record: str, name: str) -> type[Model] | None:
    """The model a column refers to, if its rows have public names."""
    field = _field(record, name)
    model = field.related_model if field is not None else None
    return model if isinstance(model, type) and issubclass(model, Model) and hasattr(model, "guid") else None


@cache
def _field(record: str, name: str) -> Field[Any, Any] | None:
    model = record_types().get(record)
    if model is None:
        return None
    by_column = {field.attname: field for field in model._meta.concrete_fields}
    try:
        return by_column.get(name) or model._meta.get_field(name)  # type: ignore[return-value]  # a column, or a relation to many
    except FieldDoesNotExist:
        return None
