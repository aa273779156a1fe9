"""Work items found by their custom data: by the value of a field that has a short code.

What a search looks through are rows of their own, with the values as they are compared, along an index. What a family shares
has one row, at the item that keeps it, and is found at every member. The rows follow each change of an item; when a field gets
a short code, or loses it, a job brings the rows of all items into line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, F, Max, Q, QuerySet
from django.db.models.functions import Coalesce

from workwire.access import queries as access
from workwire.jobs.kinds import Done, JobKind, More, Piece
from workwire.kernel import folding, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.rooms.offering.commands.data_fields import LONGEST_CODE, SEARCH_JOB
from workwire.rooms.offering.data_field_queries import field_with_code, searchable_fields
from workwire.rooms.offering.models import DataField, ProcessType
from workwire.rooms.work import relations
from workwire.rooms.work.models import SearchableValue, WorkItem

ANY_END = "*"
PIECE = 500
CHANGES_END = timedelta(seconds=10)  # by then, changes of items that began before a field had its short code are done
_NOTED = "_searched_again"  # where an item notes the fields that a search is to look through anew
_BEHIND_ALL = "\U0010ffff"


def note(item: WorkItem, field: DataField) -> None:
    """Note that an item about to be saved has another value in a field that can be searched for."""
    item.__dict__.setdefault(_NOTED, []).append(field)


def keep(item: WorkItem) -> None:
    """Let a search find a saved item by what it has now in the fields that differ."""
    if changed := item.__dict__.pop(_NOTED, None):
        SearchableValue.objects.filter(item=item.pk, field__in=changed).delete()
        SearchableValue.objects.bulk_create(_values(item, changed))


def note_handed_over(item: WorkItem) -> None:
    """Note that an item about to be saved hands all that it shares over to another one, before it does."""
    for field in searchable_fields(item.custom_data):
        note(item, field)


def keep_new(item: WorkItem) -> None:
    """Let a search find an item that was made by what it has in all fields."""
    item.__dict__.pop(_NOTED, None)
    if fields := searchable_fields({**item.custom_data, **item.private_data}):
        SearchableValue.objects.bulk_create(_values(item, fields))


def having(search: str, by: Actor) -> Q:
    """Items that have a value in a field: ``IN: 4711`` names the field by its short code, a text without one means the field
    of the account's own short code. Case and spelling of the value do not count; ``*`` at its end finds all that begin so.
    What a family shares is found at its members, as far as it is shown there. Raises Invalid for what means no field."""
    field, value = _meant(search, by)
    begins = value.endswith(ANY_END)
    value = folding.folded(value.removesuffix(ANY_END)) if begins else folding.key(value)
    found = SearchableValue.objects.filter(_beginning(value) if begins else Q(value=value), field=field.pk)
    shown = found.filter(Q(origin=None) | relations.belongs_in_sight("origin", by))
    holders = shown.values_list("item", flat=True)
    return Q(pk__in=holders if field.private else holders.union(_members(found, by), all=True))


def bring_into_line(piece: Piece, _answer: Any) -> More | Done:
    """One piece of the job for a field: make the rows of the next items, or remove rows where it has no short code."""
    field = DataField.objects.filter(guid=piece.record).first()
    if field is None or not field.short_code:
        return _remove(field, piece)
    if piece.cursor is None:
        return More(cursor=0, after=CHANGES_END)
    after = piece.cursor
    last = WorkItem.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[PIECE - 1 : PIECE].first()
    upto = last or WorkItem.objects.aggregate(last=Max("pk"))["last"] or 0
    done = piece.done + _fill(field, after, upto)
    return More(cursor=upto, done=done) if last is not None else Done({"items": done}, done=done)


KIND = JobKind(SEARCH_JOB, "upkeep", bring_into_line)


def _meant(search: str, by: Actor) -> tuple[DataField, str]:
    """The field that a search means, and the value that is searched for."""
    code, colon, value = search.partition(":")
    named = colon and len(code.strip()) <= LONGEST_CODE
    field = field_with_code(code) if named else None
    if field is None:
        field, value = field_with_code(access.account(by).short_code if by.user_id else ""), search
    if field is None and named:
        raise Invalid("short_code_unknown", field="data", code=code.strip())
    if field is None:
        raise Invalid("short_code_missing", field="data")
    if not text.is_storable(value) or not value.strip(f" {ANY_END}"):
        raise Invalid("search_value_missing", field="data")
    return field, value.strip()


def _beginning(value: str) -> Q:
    """Values that begin so, along the index: databases differ in which comparison they use it for."""
    if connection.vendor == "postgresql":
        return Q(value__startswith=value)
    return Q(value__gte=value, value__lt=value + _BEHIND_ALL)


def _members(found: QuerySet[SearchableValue], by: Actor) -> QuerySet[WorkItem, int]:
    """The numbers of the items at which the actor is shown what the item that keeps it for their family was found by."""
    members = WorkItem.objects.filter(family__isnull=False, family__searchable_values__in=found)
    written = Coalesce("family__searchable_values__origin", "family", output_field=BigIntegerField())
    own = Q(kind=ProcessType.ACTION, written_at=F("parent")) | Q(written_at=F("pk"))
    shown = members.annotate(written_at=written).filter(own | relations.belongs_in_sight("written_at", by))
    return shown.values_list("pk", flat=True)


def _values(item: WorkItem, fields: Iterable[DataField]) -> list[SearchableValue]:
    kept = {**item.custom_data, **item.private_data}
    found = ((field, kept.get(field.name)) for field in fields)
    return [
        SearchableValue(item=item, field=field, value=folding.key(str(value)), origin=item.data_origins.get(field.name))
        for field, value in found
        if value is not None
    ]


def _remove(field: DataField | None, piece: Piece) -> More | Done:
    rows: Sequence[int] = ()
    if field is not None:
        rows = list(SearchableValue.objects.filter(field=field.pk).values_list("pk", flat=True)[:PIECE])
        SearchableValue.objects.filter(pk__in=rows).delete()
    done = piece.done + len(rows)
    return More(done=done) if len(rows) == PIECE else Done({"removed": done}, done=done)


def _fill(field: DataField, after: int, upto: int) -> int:
    """Make the rows of the items between two numbers anew; returns how many have the field. An item is locked meanwhile, so
    that its row is that of the value it keeps; one that gets a value just now has its row from who writes it."""
    locked = WorkItem.objects.filter(pk__in=to_fill(field, after, upto)).select_for_update(of=("self",), no_key=True)
    items = list(locked.only("pk", "custom_data", "private_data", "data_origins").order_by("pk"))
    SearchableValue.objects.filter(field=field.pk, item__in=[item.pk for item in items]).delete()
    return len(SearchableValue.objects.bulk_create([row for item in items for row in _values(item, [field])]))


def to_fill(field: DataField, after: int, upto: int) -> set[int]:
    """The items between two numbers that have the field, or a row from when they had it."""
    between = WorkItem.objects.filter(pk__gt=after, pk__lte=upto)
    column = "private_data" if field.private else "custom_data"
    having = {pk for pk, data in between.values_list("pk", column) if field.name in data}
    rows = SearchableValue.objects.filter(field=field.pk, item__gt=after, item__lte=upto)
    return having | set(rows.values_list("item", flat=True))
