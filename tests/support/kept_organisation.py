"""The organisation, made by commands once in a process and put back as rows for every further test: nothing that the commands
wrote is missing, and a test begins seconds sooner.

A test that changed the clock or the configuration, or recorded an event, before it asked for the organisation gets one that is
made in these circumstances.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import AutoField, DateTimeField, Model

from tests.support.organisation import Organisation, build
from workwire.kernel import clock
from workwire.outbox.models import Event

_Row = tuple[Any, ...]
AT_ONCE = 20_000  # parameters of a statement
CLOSE = 5.0  # seconds that a clock of a server may differ


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was made, and all rows that were not there before or differed."""

    organisation: Organisation
    rows: dict[type[Model], list[_Row]]
    at: datetime


_kept: _Kept | None = None
_usual = settings.CONFIG


def organisation() -> Organisation:
    """The organisation in a database that holds what migrations write and nothing else."""
    global _kept
    is_set = abs((clock.now() - datetime.now(UTC)).total_seconds()) > CLOSE
    if is_set or settings.CONFIG is not _usual or Event.objects.exists():
        return build()
    if _kept is None:
        before = {model: set(_rows(model)) for model in _models()}
        made = build()
        rows = {model: [row for row in _rows(model) if row not in before[model]] for model in _models()}
        _kept = _Kept(deepcopy(made), {model: new for model, new in rows.items() if new}, clock.now())
        return made
    with transaction.atomic():
        for model, new in _kept.rows.items():
            _put_back(model, _as_of_now(model, new, clock.now() - _kept.at))
        _number_on()
    return deepcopy(_kept.organisation)


def _models() -> Iterator[type[Model]]:
    """Every table of ours, those of relations to many included."""
    for model in apps.get_models(include_auto_created=True):
        if model.__module__.startswith("workwire.") and model._meta.managed and not model._meta.proxy:
            yield model


def _rows(model: type[Model]) -> list[_Row]:
    """The rows of a table as the driver gives them, its key first."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_columns(model)} FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608 - our tables
        return [tuple(row) for row in cursor.fetchall()]


def _as_of_now(model: type[Model], rows: list[_Row], age: timedelta) -> list[_Row]:
    """The rows; those of the ledger and its feeds as if they had just been written, for nothing is to be late."""
    if model._meta.app_label != "outbox":
        return rows
    moments = [isinstance(field, DateTimeField) for field in _fields(model)]
    return [
        tuple(_later(value, age) if is_moment else value for value, is_moment in zip(row, moments, strict=True))
        for row in rows
    ]


def _later(value: Any, age: timedelta) -> Any:
    """A moment as the driver gives it, on SQLite a text, moved on."""
    return str(datetime.fromisoformat(value) + age) if isinstance(value, str) else value and value + age


def _put_back(model: type[Model], rows: list[_Row]) -> None:
    table, key = (connection.ops.quote_name(name) for name in (model._meta.db_table, model._meta.pk.column))
    one = f"({', '.join(['%s'] * len(rows[0]))})"
    step = max(1, AT_ONCE // len(rows[0]))
    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(rows))
        cursor.execute(f"DELETE FROM {table} WHERE {key} IN ({marks})", [row[0] for row in rows])  # noqa: S608 - our tables
        for at in range(0, len(rows), step):
            some = rows[at : at + step]
            cursor.execute(
                f"INSERT INTO {table} ({_columns(model)}) VALUES {', '.join([one] * len(some))}",  # noqa: S608 - our tables
                [value for row in some for value in row],
            )


def _number_on() -> None:
    """Let the next event follow the last one that was put back, as if it had just been recorded; and rows of all other tables
    get new keys, also where a test of migrations has made a table, and its counter, anew."""
    if connection.vendor != "postgresql" or _kept is None:
        return
    counters = []
    for model in _kept.rows:
        if isinstance(model._meta.pk, AutoField):
            table, key = model._meta.db_table, model._meta.pk.column
            counter = f"pg_get_serial_sequence('{table}', '{key}')"
            last = f"(SELECT max({key}) FROM {table})"  # noqa: S608 - our tables
            at = last if model is Event else f"greatest(nextval({counter}), {last})"
            counters.append(f"setval({counter}, {at})")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(counters)}")


def _columns(model: type[Model]) -> str:
    return ", ".join(connection.ops.quote_name(field.column) for field in _fields(model))


def _fields(model: type[Model]) -> list[Any]:
    """The columns of a table, its key first."""
    key = model._meta.pk
    return [key, *(field for field in model._meta.concrete_fields if field is not key and not field.generated)]
