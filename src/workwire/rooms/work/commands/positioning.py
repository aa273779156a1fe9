"""Job positions: what several people are, so that work goes to one of them. Making and changing them needs the feature of
queues."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict, Unpack, cast

from django.db import IntegrityError, transaction

from workwire.access import features
from workwire.access.models import User
from workwire.access.policy import require
from workwire.kernel import text
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Conflict, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns, related
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.work import events, positions_held
from workwire.rooms.work.models import JobPosition

LONGEST_DESCRIPTION = 64 * 1024
MOST_HOLDERS = 500


class JobPositionFields(TypedDict, total=False):
    """What may be given of a job position beside its name; holders are the whole list."""

    description: str
    holders: Iterable[User]


class JobPositionChanges(JobPositionFields, total=False):
    """What may be changed of a job position; what is not named stays."""

    name: str
    retired: bool


@transaction.atomic
def create_job_position(name: str, *, by: Actor, **fields: Unpack[JobPositionFields]) -> JobPosition:
    """Make a job position; raises Conflict for a name that another one has."""
    require(by, features.QUEUES)
    position, changes = JobPosition(), cast("JobPositionChanges", {**fields, "name": name})
    _write(position, changes)
    _save(position)
    held = _set_holders(position, changes)
    _record(events.JobPositionCreated, position, by, added(position) + held)
    return position


@transaction.atomic
def update_job_position(
    position: JobPosition, *, by: Actor, version: int | None = None, **changes: Unpack[JobPositionChanges]
) -> JobPosition:
    """Change a job position; what its holders were given stays with them. Raises Conflict for a version that has passed."""
    require(by, features.QUEUES)
    found = positions_held.job_position(position.guid, by=by)
    found = JobPosition.objects.select_for_update().get(pk=found.pk)
    if version is not None and version != found.version:
        raise Conflict("version_conflict.job_position")
    before = columns(found)
    _write(found, changes)
    differing = altered(found, before) + _set_holders(found, changes)
    if differing:
        found.version += 1
        _save(found)
        _record(events.JobPositionUpdated, found, by, differing)
    return found


def _write(position: JobPosition, changes: JobPositionChanges) -> None:
    if "name" in changes:
        position.name = text.name(changes["name"])
    if "description" in changes:
        position.description = text.prose(changes["description"], field="description", longest=LONGEST_DESCRIPTION)
    position.retired = changes.get("retired", position.retired)


def _set_holders(position: JobPosition, changes: JobPositionChanges) -> list[RowChange]:
    """Set the holders if they are given; returns what changed."""
    if "holders" not in changes:
        return []
    holders = {user.pk for user in _checked(changes["holders"])}
    before = set(position.holders.values_list("pk", flat=True))
    position.holders.set(holders)
    return related(position, "holders", before - holders, holders - before)


def _checked(users: Iterable[User]) -> list[User]:
    found = list(users)
    if len(found) > MOST_HOLDERS:
        raise Invalid("too_many_holders", field="holders", most=MOST_HOLDERS)
    for user in found:
        if user.user_type == UserType.SELF_SERVICE:
            raise Invalid("job_position_people_invalid", field="holders", user=user.username)
    return found


def _save(position: JobPosition) -> None:
    try:
        with transaction.atomic():
            position.save()
    except IntegrityError as error:
        raise Conflict("job_position_name_taken", field="name") from error


def _record(kind: type[events.JobPositionBody], position: JobPosition, by: Actor, changes: list[RowChange]) -> None:
    body = kind(
        GUID=str(position.guid),
        Name=position.name,
        Retired=position.retired,
        Holders=sorted(position.holders.values_list("username", flat=True)),
    )
    record(body, about=Subject(ObjectType.JOB_POSITION, position.guid), by=by, changes=changes)
