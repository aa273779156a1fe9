"""How to look at custom data fields: all of them, by name, by short code; everybody may."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db.models import Func, JSONField, QuerySet, Subquery

from workwire.kernel import folding, text
from workwire.kernel.errors import not_found
from workwire.rooms.offering.models import DataField


def data_fields() -> QuerySet[DataField]:
    """All custom data fields by name."""
    return DataField.objects.order_by("key")


def data_field(guid: UUID) -> DataField:
    """One custom data field; raises NotFound."""
    found = DataField.objects.filter(guid=guid).first()
    if found is None:
        raise not_found("data_field")
    return found


def data_fields_named(names: Iterable[str]) -> dict[str, DataField]:
    """The custom data fields in use with the given names, by name in any case (folded)."""
    keys = {folding.key(name) for name in names if text.is_storable(name)}
    return {field.key: field for field in DataField.objects.filter(key__in=keys, retired=False)}


class _ByName(Func):
    """Names and values, which are JSON, of all rows as one object."""

    function = "jsonb_object_agg"
    output_field = JSONField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """The same by its name there, where JSON is text until it is read."""
        return self.as_sql(
            compiler, connection, template="json_group_object(%(expressions)s))", arg_joiner=", json(", **more
        )


def default_values() -> Subquery:
    """What new tickets and cases begin with: the defaults of the fields in use, by name, as a column of any row; nothing, or
    an empty object, where no field has one."""
    in_use = DataField.objects.order_by().filter(default__isnull=False, retired=False)
    return Subquery(in_use.annotate(by_name=_ByName("name", "default")).values("by_name"))


def searchable_fields(names: Collection[str]) -> list[DataField]:
    """The fields with exactly these names whose values can be searched for."""
    return list(DataField.objects.filter(name__in=names).exclude(short_code="")) if names else []


def field_with_code(code: str) -> DataField | None:
    """The field with a short code, in any case; None for no such field."""
    code = code.strip().upper()
    return DataField.objects.filter(short_code=code).first() if code and text.is_storable(code) else None
