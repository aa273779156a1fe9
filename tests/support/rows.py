"""The rows of all rooms as plain values, and what the internal changes of events make of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

import orjson
from django.db.models import NOT_PROVIDED, Model

from workwire.outbox.changes import BOOKKEEPING, LONGEST_TEXT, MASK
from workwire.outbox.models import Event
from workwire.outbox.public_changes import record_types

Rows = dict[tuple[str, str], dict[str, Any]]
DERIVED_APPS = {"outbox", "worker", "api", "notices", "finding"}
DERIVED = {
    "Token",
    "PasswordLink",
    "FailedLogin",
    "AccountPicture",
    "Timer",
    "Job",
    "Batch",
    "BatchRow",
    "SearchableValue",
    "RecentItem",
}  # proof of a login or in its stead, whose event has no columns; bytes whose digest the account has; what is to be done
# later; what a search looks through, which follows from custom data; what an account opened last, which is no event
OF_WEBHOOKS = {"Subscription", "Replay"}  # the others are what the engine derives from events


def models() -> Iterator[type[Model]]:
    """The tables that commands write."""
    for name, model in record_types().items():
        of_engine = model._meta.app_label == "webhooks" and name not in OF_WEBHOOKS
        if model._meta.app_label not in DERIVED_APPS and name not in DERIVED and not of_engine:
            yield model


def rows() -> Rows:
    """All rows of these tables, relations to many included."""
    return {(model.__name__, _key(row)): _values(row) for model in models() for row in model._default_manager.all()}


def replayed(before: Rows, events: Iterable[Event]) -> Rows:
    """The rows after the changes of some events; fails where a change does not fit what was there."""
    after = deepcopy(before)
    for event in events:
        assert event.changes is not None
        for change in orjson.loads(event.changes):
            _apply(after, change)
    return after


def differences(one: Rows, other: Rows) -> list[str]:
    """What differs between two states, a line for each column."""
    found = []
    for key in sorted(set(one) | set(other)):
        mine, theirs = one.get(key), other.get(key)
        if mine is None or theirs is None:
            found.append(f"{key}: {'not in the changes' if mine is None else 'gone'}")
            continue
        found += [
            f"{key}.{name}: {mine.get(name)!r} by the changes, {theirs.get(name)!r} in the table"
            for name in sorted(set(mine) | set(theirs))
            if not _same(mine.get(name), theirs.get(name))
        ]
    return found


def _apply(state: Rows, change: dict[str, Any]) -> None:
    key = (change["record"], change["key"])
    old, new = change.get("old"), change.get("new")
    if old is None:
        assert key not in state, f"{key} was there before"
        fresh = _fresh(record_types()[change["record"]])
        state[key] = fresh | {name: set(value) if fresh.get(name) == set() else value for name, value in new.items()}
        return
    row = state[key]
    for name, value in old.items():
        assert _held(row[name], value), f"{key}.{name} was {row[name]!r}, not {value!r}"
    if new is None:
        del state[key]
        return
    for name, value in new.items():
        if isinstance(row[name], set):
            row[name] = row[name] - set(old[name]) | set(value)
        elif isinstance(row[name], dict) and isinstance(value, dict) and not _is_shortened(value):
            row[name] = {key: kept for key, kept in row[name].items() if key not in old[name]} | value
        else:
            row[name] = value


def _held(there: Any, said: Any) -> bool:
    if isinstance(there, set):
        return set(said) <= there
    if isinstance(there, dict) and isinstance(said, dict) and not _is_shortened(there):
        return all(there[key] == value for key, value in said.items())
    return _same(there, said)


def _same(one: Any, other: Any) -> bool:
    """Equal, as far as a masked or shortened value tells."""
    if MASK in (one, other):
        return True
    for short, whole in ((one, other), (other, one)):
        if _is_shortened(short) and isinstance(whole, str):
            return len(whole) == short["length"] > LONGEST_TEXT
    return bool(one == other)


def _is_shortened(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"length", "sha256"}


def _fresh(model: type[Model]) -> dict[str, Any]:
    """What a new row has in its columns."""
    fresh: dict[str, Any] = {field.name: set() for field in model._meta.local_many_to_many}
    for field in _fields(model):
        default = field.default
        if default is NOT_PROVIDED:
            default = "" if field.empty_strings_allowed and not field.null else None
        elif callable(default):
            default = default()
        fresh[field.attname] = orjson.loads(orjson.dumps(default))
    return fresh


def _values(row: Model) -> dict[str, Any]:
    values = {field.attname: orjson.loads(orjson.dumps(getattr(row, field.attname))) for field in _fields(type(row))}
    many = {
        field.name: set(getattr(row, field.name).values_list("pk", flat=True)) for field in row._meta.local_many_to_many
    }
    return values | many


def _fields(model: type[Model]) -> list[Any]:
    own = [field for field in model._meta.concrete_fields if not (field.primary_key and field.remote_field is None)]
    own = [field for field in own if not getattr(field, "is_derived", False)]  # follows from the others
    left_out = BOOKKEEPING | getattr(model, "unrecorded_columns", frozenset())
    return [field for field in own if field.attname != "guid" and field.attname not in left_out]


def _key(row: Model) -> str:
    return str(getattr(row, "guid", row.pk))
