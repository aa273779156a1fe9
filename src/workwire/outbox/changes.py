"""Internal changes: what an event changed in the tables, kept beside its documented body.

Invariant: the changes of all events, applied in order to the rows as they were, give the rows as they are (`tests/rooms`
prove it for every command). Left out are a row's number and GUID, what the event says itself (`BOOKKEEPING`), of a new row
what a new row has anyway, and the `unrecorded_columns` of a model. The values of its `secret_columns` are masked. A long new
text is kept as its length and digest: the row holds it, or the next change of it, which keeps the old value whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from django.db.models import NOT_PROVIDED, Model

BOOKKEEPING = frozenset({"version", "updated_at", "updated_by_id"})
MASK = "•••"
LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that was added (`old` None), altered or removed (`new` None).

    `record` is the kind of row, `key` its GUID, or its number where it has none. `old` and `new` hold the columns that
    differ; of an object in a column only the keys that differ, of a relation to many the numbers that left or joined.
    """

    record: str
    key: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """The change as it is kept."""
        told: dict[str, Any] = {"record": self.record, "key": self.key}
        if self.old is not None:
            told["old"] = self.old
        if self.new is not None:
            told["new"] = self.new
        return told


def columns(row: Model) -> dict[str, Any]:
    """The columns of a row that are compared, as values that later changes of the row leave alone."""
    return {
        name: deepcopy(value) if isinstance(value := getattr(row, name), dict | list) else value
        for name, *_ in _columns_of(type(row))
    }


def added(*rows: Model, **related: Iterable[int]) -> list[RowChange]:
    """The changes that new, saved rows are; `related` are the numbers each has in its relations to many."""
    return [RowChange(type(row).__name__, key_of(row), None, _told(_given(row), related, new=True)) for row in rows]


def removed(*rows: Model, **related: Iterable[int]) -> list[RowChange]:
    """The changes that the removal of rows is; called before they are removed."""
    return [
        RowChange(type(row).__name__, key_of(row), _told(_masked(row, columns(row)), related, new=False), None)
        for row in rows
    ]


def altered(row: Model, before: dict[str, Any]) -> list[RowChange]:
    """The change of a row whose `columns` were `before`; nothing where none differs."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name, _default, is_secret in _columns_of(type(row)):
        was, now = before[name], getattr(row, name)
        if was == now:
            continue
        if is_secret:
            was = now = MASK
        elif isinstance(was, dict) and isinstance(now, dict):
            was, now = _differing(was, now), _differing(now, was)
        old[name], new[name] = was, _shortened(now)
    return [RowChange(type(row).__name__, key_of(row), old, new)] if old else []


def related(row: Model, relation: str, left: Iterable[int], joined: Iterable[int]) -> list[RowChange]:
    """The change of a relation to many; nothing where none left or joined."""
    old, new = sorted(left), sorted(joined)
    return [RowChange(type(row).__name__, key_of(row), {relation: old}, {relation: new})] if old or new else []


def dumped(changes: Sequence[RowChange]) -> str:
    """Changes as the ledger keeps them."""
    return orjson.dumps([change.as_json() for change in changes]).decode() if changes else "[]"


def key_of(row: Model) -> str:
    """What a change calls its row by."""
    return str(getattr(row, "guid", row.pk))


@cache
def _columns_of(model: type[Model]) -> tuple[tuple[str, Any, bool], ...]:
    """The columns that are compared, each with what a new row has in it and whether it is a secret."""
    secret: frozenset[str] = getattr(model, "secret_columns", frozenset())
    left_out = BOOKKEEPING | getattr(model, "unrecorded_columns", frozenset())
    return tuple(
        (field.attname, _default(field), field.attname in secret)
        for field in model._meta.concrete_fields
        if not (field.primary_key and field.remote_field is None)
        and field.attname != "guid"
        and field.attname not in left_out
        and not getattr(field, "is_derived", False)
    )


def _default(field: Any) -> Any:
    """What a new row has in a column: a value, or what makes it; every moment differs from every other."""
    if field.default is not NOT_PROVIDED:
        return field.default
    return "" if field.empty_strings_allowed and not field.null else None


def _given(row: Model) -> dict[str, Any]:
    """The columns of a new row that differ from what a new row has anyway."""
    given: dict[str, Any] = {}
    for name, default, is_secret in _columns_of(type(row)):
        value = getattr(row, name)
        if value != (default() if isinstance(default, Callable) else default):  # type: ignore[arg-type]  # it is a callable here
            given[name] = MASK if is_secret else _shortened(value)
    return given


def _masked(row: Model, values: dict[str, Any]) -> dict[str, Any]:
    return values | {name: MASK for name, _default, is_secret in _columns_of(type(row)) if is_secret}


def _told(values: dict[str, Any], related: dict[str, Iterable[int]], *, new: bool) -> dict[str, Any]:
    numbers = {name: sorted(rows) for name, rows in related.items()}
    return values | {name: rows for name, rows in numbers.items() if rows or not new}


def _differing(these: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    nothing = object()
    return {key: value for key, value in these.items() if others.get(key, nothing) != value}


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return {"length": len(value), "sha256": hashlib.sha256(value.encode()).hexdigest()}
    return value
