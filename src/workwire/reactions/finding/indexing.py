"""The listener that keeps the index: from events to the records whose documents are made anew.

A document is made of its record as it is when the event is handled, so it does not matter in which order events come.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from workwire.access.models import User
from workwire.outbox.listeners import Listener
from workwire.outbox.models import Event
from workwire.reactions.finding import rebuilding
from workwire.reactions.finding.documents import documents_of
from workwire.reactions.finding.full_text import Document, index
from workwire.reactions.finding.models import Kind
from workwire.rooms.conversations.models import Communication
from workwire.rooms.files.models import ItemFile
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.parties.models import Contact
from workwire.rooms.work.models import WorkItem

_MODELS: dict[Kind, Any] = {
    Kind.ITEM: WorkItem,
    Kind.COMMUNICATION: Communication,
    Kind.CONTACT: Contact,
    Kind.ACCOUNT: User,
    Kind.FILE: ItemFile,
}
_KINDS = {model.__name__: kind for kind, model in _MODELS.items()}
_SEARCHED = {
    Kind.ITEM: frozenset({"title", "description", "reference", "custom_data", "private_data", "goes_on_in_id"}),
    Kind.CONTACT: frozenset(
        {"first_name", "surname", "email", "telephone", "mobile", "office", "retired", "company_id"}
    ),
    Kind.ACCOUNT: frozenset({"full_name", "username", "email"}),
    Kind.FILE: frozenset({"file_name", "note", "retired", "work_item_id"}),
}  # columns that a document is made of; of a communication, which is never edited, only a new row counts
_FIELD = "DataFieldUpdated"
_OF_ITEMS = ("WorkItemCreated", "WorkItemUpdated")
_OTHERS = ("NewCommunication", "ContactCreated", "ContactUpdated", "UserCreated", "UserUpdated")
_OF_ITEM = re.compile(r'"(?:title|description|reference|custom_data|private_data|goes_on_in_id)":')
_AT_ITEM = re.compile(r'"record":"(?:ItemFile|Communication)"')  # texts in JSON have no bare quotes
_OF_ACCOUNT = re.compile(r'"(?:full_name|username|email)":')
_BATCH = 100
Found = tuple[list[tuple[Kind, list[Document], set[int]]], bool]


def narrowed(event: Event) -> bool:
    """Leave out the changes of work items that no search looks through, and copies of what was said, which add nothing."""
    changes = event.changes or ""
    if event.name == "WorkItemUpdated":
        is_searched = '"record":"WorkItem"' in changes and _OF_ITEM.search(changes) is not None
        return is_searched or _AT_ITEM.search(changes) is not None
    if event.name == "UserUpdated":
        return _OF_ACCOUNT.search(changes) is not None
    if event.name == _FIELD:
        return '"short_code":' in changes
    return event.name == "WorkItemCreated" or changes not in ("", "[]")


def find(events: Sequence[Event], _now: datetime) -> Found:
    """The documents that a batch of events has made anew, the records that have none any more, and whether a field that may be
    searched became one or ceased to be."""
    index().write_alone()
    guids, is_field = _changed(events)
    records = {kind: _numbers(kind, named) for kind, named in guids.items()}
    items = records.get(Kind.ITEM, set())
    records[Kind.ITEM] = items | _family(items)
    for kind in (Kind.COMMUNICATION, Kind.FILE):
        records[kind] = records.get(kind, set()) | _kept_at_merged(kind, events, items)
    return [(kind, *documents_of(kind, numbers)) for kind, numbers in sorted(records.items()) if numbers], is_field


def write(found: Found, _now: datetime) -> None:
    """Write documents."""
    documents, is_field = found
    for kind, made, gone in documents:
        index().put(kind, made)
        index().remove(kind, gone)
    if is_field:
        rebuilding.make_anew(Kind.ITEM)


LISTENER = Listener(
    "finding", frozenset({*_OF_ITEMS, *_OTHERS, _FIELD}), write, narrowed=narrowed, find=find, batch=_BATCH
)


def _changed(events: Iterable[Event]) -> tuple[dict[Kind, set[UUID]], bool]:
    """The records whose documents change, by their GUIDs, and whether a field that may be searched did."""
    guids: dict[Kind, set[UUID]] = {}
    is_field = False
    for event in events:
        is_field = is_field or event.name == _FIELD
        for change in orjson.loads(event.changes or "[]"):
            kind = _KINDS.get(change["record"])
            if kind is not None and _is_searched(kind, change):
                guids.setdefault(kind, set()).add(UUID(change["key"]))
    return guids, is_field


def _is_searched(kind: Kind, change: dict[str, Any]) -> bool:
    if change.get("old") is None or change.get("new") is None:  # the row is new, or gone
        return True
    return kind in _SEARCHED and not _SEARCHED[kind].isdisjoint(change["new"])


def _numbers(kind: Kind, guids: set[UUID]) -> set[int]:
    return set(_MODELS[kind].objects.filter(guid__in=guids).values_list("pk", flat=True))


def _family(items: set[int]) -> set[int]:
    """The tickets and cases that share custom data which one of some items keeps: a value may have been written at each."""
    found = WorkItem.objects.filter(family__in=items).exclude(kind=ProcessType.ACTION)
    return set(found.values_list("pk", flat=True))


def _kept_at_merged(kind: Kind, events: Iterable[Event], items: set[int]) -> set[int]:
    """What is kept at items that went into another one: it is shown to who sees that, too."""
    if not any('"goes_on_in_id":' in (event.changes or "") for event in events):
        return set()
    found = _MODELS[kind].objects.filter(work_item__in=items, work_item__goes_on_in__isnull=False)
    return set(found.values_list("pk", flat=True))
