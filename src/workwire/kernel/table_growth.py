"""How fast a table grows whose rows are written once, in the order of their ids, and later removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet, Subquery


class Growth(NamedTuple):
    """About how many rows were written within the last day and the last seven, and the moment of the oldest there is."""

    day: int
    week: int
    oldest: datetime | None


def growth_of(rows: QuerySet[Any], moment: str, now: datetime) -> Growth:
    """The growth of a table by its indexed column of moments; one query, however many rows there are.

    Ids are told apart and no rows counted: ids that were never used count, and so do rows that were removed since.
    """
    along = rows.order_by(moment, "pk")

    def first_within(days: int) -> Subquery:
        return Subquery(along.filter(**{f"{moment}__gte": now - timedelta(days=days)}).values("pk")[:1])

    asked = {"day": first_within(1), "week": first_within(7), "oldest": Subquery(along.values(moment)[:1])}
    found = rows.order_by("-pk").annotate(**asked).values_list("pk", *asked).first()
    if found is None:
        return Growth(0, 0, None)
    newest, day, week, oldest = found
    return Growth(_written(day, newest), _written(week, newest), oldest)


def _written(first: int | None, newest: int) -> int:
    return max(0, newest - first + 1) if first is not None else 0
