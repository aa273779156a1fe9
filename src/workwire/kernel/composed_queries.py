"""Query sets composed once and then only filled in.

To compose a query of twenty joins takes the ORM ten times as long as the database takes to answer it. A composed query goes
through the ORM once for each shape: kind of database, kind of actor, constants. Afterwards only the values differ. What a
query means stays written in one place, as a query set.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.transaction import TransactionManagementError

from workwire.kernel.actor import Actor
from workwire.kernel.statements import any_of, carried_out, listed

M = TypeVar("M", bound=Model)
MOST_SHAPES = 500
_ACTOR = "the actor's user"
_Shape = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class _Composed:
    """A compiler that has done its work, its SQL, and which parameters are filled with what."""

    compiler: Any
    sql: str
    parameters: tuple[Any, ...]
    places: tuple[tuple[int, str], ...]
    converters: Any
    locks: bool


class ComposedQuery(Generic[M]):
    """`build(actor, *constants, **values)` gives a query set of model rows without prefetching, or one of plain values.

    It may look at everything of the actor and of the constants, which make the shape, but must pass the values, and the id of
    the actor's user, on as they are: it sees stand-ins for them. Values are whole numbers, GUIDs, moments or texts, or a list
    of numbers or GUIDs for one `__in`, which is one parameter however long it is.
    """

    def __init__(self, build: Callable[..., QuerySet[M]]) -> None:
        self._build = build
        self._shapes: OrderedDict[_Shape, _Composed] = OrderedDict()

    def __call__(self, actor: Actor, *constants: Hashable, **values: Any) -> list[M]:
        """The rows for these values, as models."""
        filled = _Filled(*self._filled(actor, constants, values))
        return list(ModelIterable(filled))  # type: ignore[arg-type]  # as much of a query set as it needs

    def rows(self, actor: Actor, *constants: Hashable, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of plain values, as the database's driver gives them."""
        return _Filled(*self._filled(actor, constants, values)).execute_sql()

    def converted(self, actor: Actor, *constants: Hashable, **values: Any) -> Iterable[Sequence[Any]]:
        """The rows of plain values, as models have them."""
        filled = _Filled(*self._filled(actor, constants, values))
        return filled.results_iter(filled.execute_sql())

    def first(self, actor: Actor, *constants: Hashable, **values: Any) -> M | None:
        """The first of the rows, None when there is none."""
        return next(iter(self(actor, *constants, **values)), None)

    def _filled(
        self, actor: Actor, constants: tuple[Hashable, ...], values: dict[str, Any]
    ) -> tuple[_Composed, list[Any]]:
        of_any = replace(actor, user_id=None, credential_id=None)  # what it may do is in its features
        shape = (connection.vendor, actor.user_id is None, of_any, *constants, *values)
        composed = self._shapes.get(shape)
        if composed is None:
            composed = self._compose(replace(of_any, user_id=actor.user_id), constants, values)
            self._shapes[shape] = composed
            while len(self._shapes) > MOST_SHAPES:
                self._shapes.popitem(last=False)
        if composed.locks and connection.get_autocommit():
            raise TransactionManagementError("a row is locked inside a transaction")
        given = values | {_ACTOR: actor.user_id}
        parameters = list(composed.parameters)
        for place, name in composed.places:
            parameters[place] = _adapted(given[name])
        return composed, parameters

    def _compose(self, actor: Actor, constants: tuple[Hashable, ...], values: dict[str, Any]) -> _Composed:
        marks = {name: _mark(value, number) for number, (name, value) in enumerate(values.items(), start=1)}
        if actor.user_id is not None:
            actor = replace(actor, user_id=_mark(actor.user_id, 0))
        query = self._build(actor, *constants, **marks).query
        compiler = query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        named = {_adapted(_single(mark)): name for name, mark in marks.items()} | {actor.user_id: _ACTOR}
        found = tuple((place, named[one]) for place, one in enumerate(parameters) if _is_filled(one, named))
        if missing := set(values) - {name for _, name in found}:
            raise LookupError(f"the query does not pass on {', '.join(sorted(missing))}")
        sql = _with_lists(sql, {place for place, name in found if isinstance(values.get(name), list)}, len(parameters))
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        plain = tuple(int(one) if isinstance(one, int) and not isinstance(one, bool) else one for one in parameters)
        return _Composed(compiler, sql, plain, found, converters, bool(query.select_for_update))


class _Filled:
    """What `ModelIterable` needs of a query set, of its query and of the query's compiler."""

    db = "default"
    _known_related_objects: dict[Any, Any] = {}

    def __init__(self, composed: _Composed, parameters: list[Any]) -> None:
        self.query = self
        self._composed, self._parameters = composed, parameters

    def __getattr__(self, name: str) -> Any:
        return getattr(self._composed.compiler, name)

    def get_compiler(self, **_using: str) -> _Filled:
        """Itself, which stands in for the compiler, too."""
        return self

    def execute_sql(self, **_chunks: Any) -> list[tuple[Any, ...]]:
        """Carry the query out, with these parameters."""
        with carried_out(self._composed.sql, self._parameters) as cursor:
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def results_iter(self, rows: list[tuple[Any, ...]]) -> Iterable[Any]:
        """The rows as Python values."""
        converters = self._composed.converters
        return self._composed.compiler.apply_converters(rows, converters) if converters else rows


def _mark(value: Any, number: int) -> Any:
    """A stand-in for a value, which no query holds otherwise."""
    if isinstance(value, list):
        return [_mark(value[0] if value else 0, number)]
    if isinstance(value, UUID):
        return UUID(int=(0x7301004 << 96) + number)
    if isinstance(value, datetime):
        return datetime(8999, 1, 1, tzinfo=UTC) + timedelta(days=number)
    if isinstance(value, str):
        return f"kept value {number} of this query"
    if isinstance(value, int) and not isinstance(value, bool):
        return -7_301_004_000 - number
    raise TypeError(f"a composed query is not filled with {type(value).__name__}")


def _adapted(value: Any) -> Any:
    """A value as the database's driver takes it."""
    if isinstance(value, list):
        return listed(_adapted(one) for one in value)
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def _single(mark: Any) -> Any:
    """A stand-in, or the only one of a list."""
    return mark[0] if isinstance(mark, list) else mark


def _with_lists(sql: str, places: set[int], count: int) -> str:
    """The SQL with one parameter for a list of any length, where it had a list of one."""
    parts = sql.split("%s")
    if len(parts) != count + 1:
        raise LookupError("the query has another form than expected")
    for place in places:
        before, after = parts[place], parts[place + 1]
        if not (before.endswith(" IN (") and after.startswith(")")):
            raise LookupError("a list is passed on to something other than __in")
        opening, closing = any_of("").split("%s")
        parts[place], parts[place + 1] = before.removesuffix(" IN (") + opening, closing + after.removeprefix(")")
    return "%s".join(parts)


def _is_filled(parameter: Any, named: dict[Any, str]) -> bool:
    return isinstance(parameter, Hashable) and not isinstance(parameter, bool) and parameter in named
