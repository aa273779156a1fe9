"""Rows inserted and changed by statements that are composed once for each table and its columns.

To compose an INSERT of forty columns takes the ORM longer than the database takes to carry it out. No signals are sent.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import Field, Model

from workwire.kernel.statements import carried_out, own_connection


def insert_numbered(row: Model, **made: str) -> None:
    """Insert a new row under the next number of its table, which becomes its primary key.

    `made` names columns whose values the database makes of that number, as SQL of `n.id`; the row has them, too.
    """
    statement, fields = _insert(type(row), connection.vendor, tuple(made.items()))
    values = _values(row, fields, add=True)
    with carried_out(statement, values) as cursor:
        row.pk, *found = cursor.fetchone()
    for name, value in zip(made, found, strict=True):
        setattr(row, name, value)
    row._state.adding, row._state.db = False, connection.alias


def update(row: Model, *columns: str) -> None:
    """Write columns of a saved row; raises DatabaseError when it is gone."""
    statement, fields = _update(type(row), connection.vendor, columns)
    values = _values(row, fields, add=False)
    with carried_out(statement, [*values, row.pk]) as cursor:
        if cursor.rowcount != 1:
            raise DatabaseError(f"{type(row).__name__} {row.pk} is gone")


def _values(row: Model, fields: tuple[Field[Any, Any], ...], *, add: bool) -> list[Any]:
    """What a row has in columns, as the database's driver takes it; nothing is nothing in a column of any type."""
    database = own_connection()
    found = ((field, field.pre_save(row, add=add)) for field in fields)
    return [None if value is None else field.get_db_prep_save(value, database) for field, value in found]


@cache
def _insert(
    model: type[Model], vendor: str, made: tuple[tuple[str, str], ...]
) -> tuple[str, tuple[Field[Any, Any], ...]]:
    """The statement, and the fields whose values it is filled with."""
    meta = model._meta
    own, number = {name for name, _ in made}, str(meta.pk.column)
    fields = tuple(field for field in meta.concrete_fields if not field.primary_key and field.attname not in own)
    table, quote = meta.db_table, connection.ops.quote_name
    returned = ", ".join(quote(name) for name in (number, *(name for name, _ in made)))
    columns = ", ".join(quote(str(field.column)) for field in fields)
    values = ", ".join(["n.id", *(expression for _, expression in made), *("%s" for _ in fields)])
    following = (
        f"nextval(pg_get_serial_sequence('{table}', '{number}'))"
        if vendor == "postgresql"
        else f"coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0) + 1"
    )
    statement = (
        f"INSERT INTO {quote(table)} ({returned}, {columns}) SELECT {values} FROM (SELECT {following} AS id) n"
        f" RETURNING {returned}"
    )
    return statement, fields


@cache
def _update(model: type[Model], _vendor: str, columns: tuple[str, ...]) -> tuple[str, tuple[Field[Any, Any], ...]]:
    """The statement, and the fields whose values it is filled with."""
    meta, quote = model._meta, connection.ops.quote_name
    fields = tuple(field for field in meta.concrete_fields if field.attname in columns)
    if len(fields) != len(columns):
        raise LookupError(f"{model.__name__} has other columns than {', '.join(columns)}")
    settings = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
    return f"UPDATE {quote(meta.db_table)} SET {settings} WHERE {quote(str(meta.pk.column))} = %s", fields
