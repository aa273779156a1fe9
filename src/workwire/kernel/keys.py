"""Columns that hold how a row's name is compared and searched, filled whenever the row is saved.

Unique constraints and lookups use them, so that no database's own idea of letters counts. Rows that were there before, and
have a name that another row of their kind has in a different spelling, keep it under a marked key: see `fill`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import Q

from workwire.kernel import folding, text

MARK = "\n"  # in no name; after it stands the number of the row
BATCH = 500

if TYPE_CHECKING:
    _Char = models.CharField[str, str]
    _Text = models.TextField[str, str]
else:
    _Char, _Text = models.CharField, models.TextField


class NameKey(_Char):
    """The key of the name in another column; null in a row that an older release made."""

    is_derived = True

    def __init__(self, of: str = "name", **options: Any) -> None:
        self.of = of
        defaults: dict[str, Any] = {"max_length": 255, "null": True, "editable": False}
        super().__init__(**defaults | options)

    def deconstruct(self) -> Any:
        """What a migration writes down."""
        name, path, positional, options = super().deconstruct()
        return name, path, positional, {"of": self.of} | options

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The key of the name as it is now; a marked one stays as long as its name does."""
        key, held = self.key_of(model_instance), getattr(model_instance, self.attname)
        if add or not str(held).startswith(key + MARK):
            setattr(model_instance, self.attname, key)
        return getattr(model_instance, self.attname)

    def key_of(self, row: models.Model) -> str:
        """The key of a row's name."""
        return folding.key(str(getattr(row, self.of)))


class AddressKey(NameKey):
    """The key of the mail address in another column."""

    def key_of(self, row: models.Model) -> str:
        """The key of a row's mail address."""
        return folding.address_key(str(getattr(row, self.of)))


class SearchText(_Text):
    """What a search looks through: the texts of other columns, folded, one on a line."""

    is_derived = True

    def __init__(self, of: Sequence[str] = (), **options: Any) -> None:
        self.of = tuple(of)
        defaults: dict[str, Any] = {"default": "", "db_default": "", "editable": False}
        super().__init__(**defaults | options)

    def deconstruct(self) -> Any:
        """What a migration writes down."""
        name, path, positional, options = super().deconstruct()
        return name, path, positional, {"of": self.of} | options

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The texts as they are now."""
        searched = "\n".join(folding.folded(str(getattr(model_instance, name))) for name in self.of)
        setattr(model_instance, self.attname, searched)
        return searched


def holding(part: str, *columns: str) -> Q:
    """Rows of which one of these columns holds a text, in any spelling; none for no text."""
    folded = folding.folded(part) if text.is_storable(part) else ""
    return reduce(or_, (Q(**{f"{column}__contains": folded}) for column in columns)) if folded else Q(pk__in=())


def holding_words(search: str, column: str = "search") -> Q:
    """Rows of which a column holds every word of a search; all of them for no words."""
    if not text.is_storable(search):
        return Q(pk__in=())
    return reduce(and_, (Q(**{f"{column}__contains": word}) for word in folding.words(search)), Q())


def derived(model: type[models.Model]) -> list[Any]:
    """The columns of a model that follow from others."""
    return [field for field in model._meta.concrete_fields if getattr(field, "is_derived", False)]


def following(row: models.Model, names: Iterable[str]) -> list[str]:
    """The derived columns that follow from the named ones, to be saved with them."""
    changed = set(names)
    return [field.attname for field in derived(type(row)) if changed & _sources(field)]


def fill(model: type[models.Model], *within: str) -> None:
    """Fill the derived columns of all rows, the oldest first, for a migration.

    Of rows with one key (and the same values `within`) the oldest gets it, and the others a marked one: they stay, with their
    names, and are found by their exact name or GUID; nobody can make another such row. `ambiguous` lists them.
    """
    fields, seen = derived(model), set()
    model._default_manager.update(**{field.attname: None for field in fields if isinstance(field, NameKey)})
    batch: list[models.Model] = []
    read = {name for field in fields for name in _sources(field)}
    for row in model._default_manager.only("pk", *read, *within).order_by("pk").iterator(chunk_size=BATCH):
        for field in fields:
            if isinstance(field, NameKey):
                key = field.key_of(row)
                place = (field.attname, key, *(getattr(row, name) for name in within))
                setattr(row, field.attname, f"{key}{MARK}{row.pk}" if place in seen else key)
                seen.add(place)
            else:
                field.pre_save(row, add=False)
        batch.append(row)
        if len(batch) == BATCH:
            _write(model, batch, fields)
            batch = []
    _write(model, batch, fields)


def _sources(field: Any) -> set[str]:
    """The columns that a derived one follows."""
    return {field.of} if isinstance(field.of, str) else set(field.of)


def _write(model: type[models.Model], rows: list[models.Model], fields: list[Any]) -> None:
    names = {field.attname for field in fields}
    for row in rows:
        model._default_manager.filter(pk=row.pk).update(**{name: getattr(row, name) for name in names})


def ambiguous() -> list[tuple[str, str]]:
    """The rows whose name another row of their kind has in a different spelling, by one query: what they are, and the name."""
    marked = [
        model._default_manager.filter(**{f"{field.attname}__contains": MARK})
        .order_by()
        .annotate(kind_of_row=models.Value(str(model._meta.verbose_name)), name_of_row=models.F(field.of))
        .values_list("kind_of_row", "name_of_row")
        for model in apps.get_models()
        for field in derived(model)
        if isinstance(field, NameKey)
    ]
    return list(marked[0].union(*marked[1:], all=True)[:BATCH])
