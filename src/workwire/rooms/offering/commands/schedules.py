"""Schedules and their periods; their changes are the documented business object events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TypedDict, Unpack

from django.db import transaction

from workwire.access import features
from workwire.access.policy import require
from workwire.kernel import folding, text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, not_found
from workwire.outbox.changes import RowChange, added, altered, columns
from workwire.outbox.documented_webhooks import BusinessObjectCreated, BusinessObjectUpdated
from workwire.outbox.ledger import Subject, previous, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.offering import queries
from workwire.rooms.offering.commands.saving import prose, save, taken
from workwire.rooms.offering.models import Schedule, SchedulePeriod, ScheduleState


class ScheduleChanges(TypedDict, total=False):
    """What may be changed of a schedule; what is not named stays."""

    name: str
    description: str
    state: ScheduleState
    retired: bool


@transaction.atomic
def create_schedule(name: str, *, by: Actor, description: str = "") -> Schedule:
    """Make a schedule."""
    require(by, features.SCHEDULES)
    schedule = Schedule(name=text.name(name), description=prose(description))
    _save_schedule(schedule)
    record(
        BusinessObjectCreated(**_schedule_body(schedule)),
        about=_about_schedule(schedule),
        by=by,
        changes=added(schedule),
    )
    return schedule


@transaction.atomic
def update_schedule(
    schedule: Schedule, *, by: Actor, version: int | None = None, **changes: Unpack[ScheduleChanges]
) -> Schedule:
    """Change a schedule; recorded once, and not at all when nothing differs. Raises Conflict for a version that has passed."""
    found = _locked_schedule(schedule, by, version)
    before = columns(found)
    if "name" in changes:
        found.name = text.name(changes["name"])
    if "description" in changes:
        found.description = prose(changes["description"])
    found.state = changes.get("state", found.state)
    found.retired = changes.get("retired", found.retired)
    if columns(found) == before:
        return found
    found.version += 1
    _save_schedule(found)
    _record_schedule(found, by, altered(found, before))
    return found


@transaction.atomic
def add_period(
    schedule: Schedule,
    *,
    year: int,
    period: str,
    start_date: date,
    by: Actor,
    dates: Mapping[str, str] | None = None,
) -> SchedulePeriod:
    """Add a period to a schedule, which is a change of the schedule; `dates` maps names to ISO dates."""
    found = _locked_schedule(schedule, by, None)
    if not 1900 <= year <= 9999:
        raise Invalid("year_invalid", field="year")
    row = SchedulePeriod(
        schedule=found,
        year=year,
        period=text.name(period, field="period", longest=40),
        start_date=start_date,
        dates={text.name(name, field="dates"): _iso_date(value) for name, value in (dates or {}).items()},
    )
    save(row, "period")
    found.version += 1
    found.save(update_fields=["version"])
    _record_schedule(found, by, added(row))
    return row


def _locked_schedule(schedule: Schedule, by: Actor, version: int | None) -> Schedule:
    require(by, features.SCHEDULES)
    visible = queries.schedules_visible_to(by).filter(pk=schedule.pk).values("pk")
    found = Schedule.objects.select_for_update().filter(pk__in=visible).first()
    if found is None:
        raise not_found("schedule")
    if version is not None and version != found.version:
        raise Conflict("version_conflict.schedule")
    return found


def _save_schedule(schedule: Schedule) -> None:
    if Schedule.objects.filter(name_key=folding.key(schedule.name)).exclude(pk=schedule.pk).exists():
        raise taken("schedule")
    save(schedule, "schedule")


def _iso_date(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise Invalid("date_invalid", field="dates") from error


def _record_schedule(schedule: Schedule, by: Actor, changes: list[RowChange]) -> None:
    after = _schedule_body(schedule)
    body = BusinessObjectUpdated(**after, Previous=previous(schedule.guid, after))
    record(body, about=_about_schedule(schedule), by=by, changes=changes)


def _schedule_body(schedule: Schedule) -> dict[str, str]:
    return {"GUID": str(schedule.guid), "Name": schedule.name, "ObjectType": "Schedule"}


def _about_schedule(schedule: Schedule) -> Subject:
    return Subject(ObjectType.SCHEDULE, schedule.guid)
