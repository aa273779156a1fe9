"""Custom data of an item, written: what its family shares into the row that keeps it, what is private into its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from workwire.kernel import folding, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Forbidden, Invalid
from workwire.rooms.commitments.rules import Base
from workwire.rooms.offering import fields
from workwire.rooms.offering.data_field_queries import data_fields_named
from workwire.rooms.offering.models import DataField, FieldKind, ProcessType
from workwire.rooms.work import data_search, families, family_sight, item_due_dates, item_timers
from workwire.rooms.work.models import Status, WorkItem
from workwire.rooms.work.transitions import OPEN

if TYPE_CHECKING:
    from workwire.rooms.work.commands.changing import Change

LONGEST_CUSTOM_DATA = 256 * 1024
_DATES = (FieldKind.DATE, FieldKind.DATE_TIME)  # from which due dates are counted
_UNSAVED = 0  # stands for the number of an origin that has none yet


def write(change: Change, given: Mapping[str, Any], holder: Change) -> None:
    """Set fields of the item of a change, those that its family shares at the `holder`, which may be the same change. Due
    dates that are counted from one of them follow; those of other members are left to the clock.

    What the holder's row keeps is told by the change of the item, unless the due date of the holder follows, too.
    """
    item, kept = change.item, holder.item
    dates = [field for field in set_values(item, kept, given, by=change.by) if field.kind in _DATES]
    _follow(item, _keys(dates))
    keys = _keys(field for field in dates if not field.private)
    if kept.kind == ProcessType.CASE and kept.status != Status.DRAFT:
        counted = [one.guid for one in _counted_from(kept, keys) if one.pk != item.pk]
        item_timers.look_at_data(counted, change.at)
    if holder is change:
        return
    if kept.status in OPEN and _follow(kept, keys):
        holder.done()
    else:
        change.touch(holder.settle())


def set_values(item: WorkItem, holder: WorkItem, given: Mapping[str, Any], *, by: Actor) -> list[DataField]:
    """Set fields of an item, those that are shared at the locked `holder` of its family; None empties one. Returns the fields.
    Raises Invalid with the field, and Forbidden for a value of another item that the actor does not see.
    """
    known = data_fields_named(given)
    private, shared = dict(item.private_data), dict(holder.custom_data)
    origins, written = dict(holder.data_origins), list[DataField]()
    if holder is not item:
        item.family = holder
        _require_sight(item, holder, [field.name for field in known.values() if not field.private], by)
    for name, value in given.items():
        field = known.get(folding.key(str(name)))
        if field is None:
            raise Invalid("field_not_found", field="custom_data", name=str(name)[:60])
        read = _read(field, value)
        written.append(field)
        if not field.private:
            _note_origin(origins, field.name, item, holder, was=field.name in shared, stays=read is not None)
        kept = private if field.private else shared
        if field.short_code and read != kept.get(field.name):
            data_search.note(item if field.private else holder, field)
        kept.pop(field.name, None)
        if read is not None:
            kept[field.name] = read
    item.private_data = text.json_object(private, field="custom_data", longest=LONGEST_CUSTOM_DATA)
    holder.custom_data = text.json_object(shared, field="custom_data", longest=LONGEST_CUSTOM_DATA)
    holder.data_origins = origins
    return written


def name_origin(item: WorkItem, holder: WorkItem) -> None:
    """Name an item that was saved meanwhile as the origin of what was written at it."""
    holder.data_origins = {
        name: item.pk if origin == _UNSAVED else origin for name, origin in holder.data_origins.items()
    }


def _keys(written: Iterable[DataField]) -> set[str]:
    return {folding.key(field.name) for field in written}


def _follow(item: WorkItem, keys: set[str]) -> bool:
    """Set the due date of an item that started anew, if it is counted from one of some fields; returns whether."""
    follows = item.started_at is not None and item_due_dates.depends_on(item, keys)
    if follows and item.started_at is not None:
        item_due_dates.set_due(item, item.started_at)
    return follows


def _counted_from(holder: WorkItem, keys: set[str]) -> list[WorkItem]:
    """The unfinished members of a family, beside its holder, whose due date is counted from one of some fields."""
    if not keys:
        return []
    by_data = Base.CUSTOM_DATE.value
    counts = Q(definition__due_rule__base=by_data) | Q(definition=None, process_version__due_rule__base=by_data)
    found = WorkItem.objects.filter(counts | Q(category__due_rule__base=by_data), family=holder.pk, status__in=OPEN)
    related = found.select_related("definition", "category", "process_version")
    return [item for item in related if item_due_dates.depends_on(item, keys)]


def _note_origin(
    origins: dict[str, int], name: str, item: WorkItem, holder: WorkItem, *, was: bool, stays: bool
) -> None:
    """Note where a value was written that was not there; one that changes keeps its origin, also one that is emptied: who
    does not see that is not told what it was."""
    if was or not stays:
        return
    origin = families.origin_of(item) or _UNSAVED
    if holder is item or origin == holder.pk:
        origins.pop(name, None)
    else:
        origins[name] = origin


def _require_sight(item: WorkItem, holder: WorkItem, names: Iterable[str], by: Actor) -> None:
    there = [name for name in names if name in holder.custom_data]
    if not there or by.user_id is None:
        return
    shown = family_sight.shared_data_shown(item, by=by)
    for name in there:
        if name not in shown:
            raise Forbidden("custom_data_of_other_item", field=f"custom_data.{name}", name=name)


def _read(field: DataField, value: Any) -> Any:
    try:
        return fields.read(field, value)
    except Invalid as error:
        raise error.as_a(Invalid, field=f"custom_data.{error.field}") from error
