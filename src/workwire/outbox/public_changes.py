"""Internal changes as readers see them: other records by their GUIDs, or by names that everybody knows, never by the numbers
of rows. A record that the reader may not see is not named, and what binds the event's record to such a one is left out; so are
the values of an object in a column that are not for the reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any

import orjson
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model, QuerySet

from workwire.kernel.actor import Actor
from workwire.outbox.models import Event


class Label(str):
    """What a value of a choice is called by its model."""

    __slots__ = ()


_Names = dict[type[Model], dict[int, str]]
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
_visible: dict[str, Callable[[QuerySet[Any], Actor], QuerySet[Any]]] = {}
_Hidden = Callable[[Mapping[str, Collection[str]], Actor], set[tuple[str, str]]]
_hiding: dict[str, tuple[str, _Hidden]] = {}


def name_to_seers(record: str, visible: Callable[[QuerySet[Any], Actor], QuerySet[Any]]) -> None:
    """Name the records of a kind only to those who see them; `visible` narrows rows to these."""
    _visible[record] = visible


def hide_values(record: str, column: str, hidden: _Hidden) -> None:
    """Leave out values of the object in a column of a kind of record: of the names of values by the GUIDs of rows, `hidden`
    returns the pairs that are not for a reader."""
    _hiding[record] = (column, hidden)


def changes_of(
    events: Iterable[Event], *, by: Actor, for_people: bool = False
) -> dict[int, list[dict[str, Any]] | None]:
    """The internal changes of some events that the actor sees, by the id of the event; None for one recorded before they were
    kept. `for_people` names accounts, queues and the like by their names, and a value of a choice by its `Label`."""
    found = list(events)
    kept = {event.pk: None if event.changes is None else orjson.loads(event.changes) for event in found}
    kept = _without_hidden_values(kept, by)
    wanted: dict[type[Model], set[int]] = defaultdict(set)
    for change in (change for changes in kept.values() for change in changes or ()):
        for name, value in _values(change):
            target = _target(change["record"], name)
            if target is not None:
                wanted[target].update(_numbers(value))
    names = {
        model: {
            pk: str(name) for pk, name in _names(model, pks, by, _NAMED.get(model.__name__) if for_people else None)
        }
        for model, pks in wanted.items()
    }
    own = {str(guid) for event in found for guid in (event.record_guid, event.work_item_guid)}
    hidden = _hidden((change for changes in kept.values() for change in changes or ()), own, by)
    return {
        pk: None
        if changes is None
        else [
            _public(change, names, for_people)
            for change in changes
            if change["key"] not in hidden and not _binds_to_hidden(change, names)
        ]
        for pk, changes in kept.items()
    }


@cache
def record_types() -> dict[str, type[Model]]:
    """Every kind of row by the name that changes call it."""
    return {model.__name__: model for model in apps.get_models() if model.__module__.startswith("workwire.")}


def _names(model: type[Model], pks: set[int], by: Actor, column: str | None) -> Iterable[tuple[int, Any]]:
    found = _seen(model, by).filter(pk__in=pks)
    return found.values_list("pk", column) if column is not None else found.values_list("pk", "guid")


def _seen(model: type[Model], by: Actor) -> QuerySet[Any]:
    rows = model._default_manager.all()
    visible = _visible.get(model.__name__)
    return rows if visible is None else visible(rows, by)


def _hidden(changes: Iterable[dict[str, Any]], own: set[str], by: Actor) -> set[str]:
    """The GUIDs of the rows, other than the events' `own` records, that the reader may not see."""
    others: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        if change["record"] in _visible and change["key"] not in own:
            others[change["record"]].add(change["key"])
    seen = {
        str(guid)
        for record, keys in others.items()
        for guid in _seen(record_types()[record], by).filter(guid__in=keys).values_list("guid", flat=True)
    }
    return {key for keys in others.values() for key in keys} - seen


def _without_hidden_values(
    kept: dict[int, list[dict[str, Any]] | None], by: Actor
) -> dict[int, list[dict[str, Any]] | None]:
    named: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for change in (change for changes in kept.values() for change in changes or ()):
        for name in _names_in_object(change):
            named[change["record"]][change["key"]].add(name)
    hidden = {pair for record, names in named.items() for pair in _hiding[record][1](names, by)}
    if not hidden:
        return kept
    return {
        pk: None if changes is None else [left for change in changes if (left := _without(change, hidden))]
        for pk, changes in kept.items()
    }


def _names_in_object(change: dict[str, Any]) -> set[str]:
    """The names of the values that a change tells of the object in a column from which values may be left out."""
    if change["record"] not in _hiding:
        return set()
    column = _hiding[change["record"]][0]
    objects = ((change.get(side) or {}).get(column) for side in ("old", "new"))
    return {name for values in objects if isinstance(values, dict) for name in values}


def _without(change: dict[str, Any], hidden: set[tuple[str, str]]) -> dict[str, Any] | None:
    """A change without the values that are hidden, None where it tells nothing else."""
    leave_out = {name for name in _names_in_object(change) if (change["key"], name) in hidden}
    if not leave_out:
        return change
    column = _hiding[change["record"]][0]
    left = dict(change)
    for side in ("old", "new"):
        values = left.get(side)
        if values is None or not isinstance(values.get(column), dict):
            continue
        rest = {name: value for name, value in values[column].items() if name not in leave_out}
        left[side] = {**values, column: rest} if rest else {name: one for name, one in values.items() if name != column}
    return left if left.get("old") or left.get("new") else None


def _binds_to_hidden(change: dict[str, Any], names: _Names) -> bool:
    """Whether a row of another kind, such as a relation, names a record that the reader may not see."""
    if change["record"] in _visible:
        return False
    for name, value in _values(change):
        target = _target(change["record"], name)
        if target is not None and target.__name__ in _visible and not names[target].keys() >= set(_numbers(value)):
            return True
    return False


def _public(change: dict[str, Any], names: _Names, for_people: bool) -> dict[str, Any]:
    model = record_types().get(change["record"])
    has_guid = model is not None and hasattr(model, "guid")
    shown: dict[str, Any] = {"record": change["record"], "guid": change["key"] if has_guid else None}
    for side in ("old", "new"):
        values = change.get(side)
        shown[side] = None if values is None else dict(_named(change["record"], values, names, for_people))
    return shown


def _named(record: str, values: dict[str, Any], names: _Names, for_people: bool) -> Iterable[tuple[str, Any]]:
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
        known = names.get(target, {})
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
