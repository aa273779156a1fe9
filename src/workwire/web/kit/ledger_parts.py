"""Events of the ledger as parts of pages: what happened to which record, who did it, and what it changed inside, in words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from workwire.kernel.actor import Actor
from workwire.kernel.wording import say
from workwire.outbox.public_changes import Label, changes_of
from workwire.outbox.told_records import Told, told_by
from workwire.rooms.work import queries as work
from workwire.web.kit.account_people import person_of
from workwire.web.kit.change_words import COLUMNS, RECORDS
from workwire.web.kit.choice_words import CHOICES
from workwire.web.kit.parts import Person, Words
from workwire.web.kit.time_filters import as_shown

if TYPE_CHECKING:
    from workwire.outbox.models import Event

MOST_SHOWN = 300  # characters of a value
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A value that changed; `old` is empty for a new row, `new` for one that was removed."""

    name: Words
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A row that was added, changed or removed."""

    record: Words
    done: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event in a list. `changed` names what changed, empty where that is not known, `values` and `changes` say it with old
    and new values, where they are asked for; `through` is the application that did it."""

    address: str
    kind: str
    reference: str
    title: str
    changed: str
    values: str
    person: Person
    by: str
    through: str
    from_where: str
    sequence: int
    epoch: int
    occurred_at: datetime
    changes: tuple[RecordChange, ...]


def rows(events: Collection[Event], *, values_for: Actor | None = None) -> tuple[EventRow, ...]:
    """Events as rows of a list; old and new values, for their reader, cost a query for each kind of record that they name."""
    changes = changes_of(events, by=values_for, for_people=True) if values_for is not None else {}
    told = {event.pk: told_by(orjson.loads(event.body)) for event in events}
    without = {event.work_item_guid for event in events if event.work_item_guid and not told[event.pk].reference}
    references = work.references_of(without)
    return tuple(_row(event, told[event.pk], changes.get(event.pk), references) for event in events)


def record_name(row: str) -> str:
    """The name under which a kind of row has words."""
    return _CAMEL.sub("_", row).lower()


def value_name(label: str) -> str:
    """The name under which a value of a choice has words."""
    return record_name(label).replace(" ", "_")


def kind_words(name: str) -> str:
    """What an event type is called."""
    return say("event_named", {"kind": name})


def by_words(event: Event) -> str:
    """Who did it; for a refused sign-in whose account it was aimed at."""
    return event.actor.full_name if event.actor is not None else _("Workwire itself")


def _row(event: Event, said: Told, changes: list[dict[str, Any]] | None, references: Mapping[UUID, str]) -> EventRow:
    told = tuple(_record_change(change) for change in changes or ())
    reference = said.reference or references.get(event.work_item_guid or UUID(int=0), "")
    return EventRow(
        address=reverse("event", args=[event.guid]),
        kind=kind_words(event.name),
        reference=reference,
        title=said.title,
        changed=", ".join(dict.fromkeys(str(_column(name.removesuffix("_id"))) for name in _altered_columns(event))),
        values="; ".join(f"{one.name}: {one.old or '–'} → {one.new or '–'}" for one in _altered(told)),
        person=person_of(event.actor),
        by=by_words(event),
        through=event.credential.name if event.credential else "",
        from_where=event.address or "",
        sequence=event.sequence,
        epoch=said.epoch,
        occurred_at=event.occurred_at,
        changes=told,
    )


def _record_change(change: Mapping[str, Any]) -> RecordChange:
    old, new = change["old"], change["new"]
    done = _("made") if old is None else _("removed") if new is None else _("changed")
    names = dict.fromkeys([*(old or ()), *(new or ())])
    fields = (FieldChange(_column(name), _side(old, name), _side(new, name)) for name in names)
    name = record_name(change["record"])
    return RecordChange(RECORDS.get(name, name.replace("_", " ").capitalize()), done, tuple(fields))


def _altered_columns(event: Event) -> list[str]:
    """The columns that had been something else, as they are kept."""
    return [name for change in orjson.loads(event.changes or "[]") for name in change.get("old") or ()]


def _altered(changes: Iterable[RecordChange]) -> list[FieldChange]:
    """The values that had been something else; of what is new it says enough that it is."""
    return [one for change in changes for one in change.fields if one.old]


def _column(name: str) -> Words:
    return COLUMNS.get(name, name.replace("_", " ").capitalize())


def _side(values: Mapping[str, Any] | None, name: str) -> str:
    if values is None:
        return ""
    return _shown(values[name])[:MOST_SHOWN] if name in values else "–"


def _shown(value: Any) -> str:
    """A value of an internal change as people read it."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, dict):
        if value.keys() == {"length", "sha256"}:
            count = number_format(value["length"], force_grouping=True)
            return _("a text of %(count)s characters") % {"count": count}
        if _is_said(value):
            return say(value["code"], value["parameters"] or {})
        if value.keys() == {"at", "tried"}:  # what was asked about who gets an item, at the moment of the event
            return _shown(value["tried"])
        return ", ".join(f"{name}: {_shown(one)}" for name, one in value.items())
    if isinstance(value, list):
        return (" " if all(_is_said(one) for one in value) else ", ").join(_shown(one) for one in value)
    if isinstance(value, Label):
        return str(CHOICES.get(value_name(value), value))
    if isinstance(value, str) and (found := _as_moment(value)) is not None:
        return as_shown(found)
    return str(value)


def _is_said(value: Any) -> bool:
    """Whether a value is a statement as it is kept: a code with its parameters, which says a sentence."""
    return isinstance(value, dict) and value.keys() == {"code", "parameters"}


def _as_moment(value: str) -> datetime | None:
    if len(value) < 19 or value[10] != "T":
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
