"""Queues: who gets work from them and who manages them. Making and changing them needs the feature Process Builder."""

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
from workwire.rooms.work import events, queries
from workwire.rooms.work.models import Queue

LONGEST_DESCRIPTION = 64 * 1024
_PEOPLE = {"members": (UserType.OPERATIONAL, UserType.ROBOT), "managers": (UserType.OPERATIONAL,)}


class QueueFields(TypedDict, total=False):
    """What may be given of a queue beside its name; members and managers are the whole lists."""

    description: str
    strict: bool
    members: Iterable[User]
    managers: Iterable[User]


class QueueChanges(QueueFields, total=False):
    """What may be changed of a queue; what is not named stays."""

    name: str
    retired: bool


@transaction.atomic
def create_queue(name: str, *, by: Actor, **fields: Unpack[QueueFields]) -> Queue:
    """Make a queue; raises Conflict for a name that another one has."""
    require(by, features.QUEUES)
    queue, changes = Queue(), cast("QueueChanges", {**fields, "name": name})
    _write(queue, changes)
    _save(queue)
    people = _set_people(queue, changes)
    _record(events.QueueCreated, queue, by, added(queue) + people)
    return queue


@transaction.atomic
def update_queue(queue: Queue, *, by: Actor, version: int | None = None, **changes: Unpack[QueueChanges]) -> Queue:
    """Change a queue; work that lies in it stays. Raises Conflict for a version that has passed."""
    require(by, features.QUEUES)
    found = queries.queue(queue.guid, by=by)
    found = Queue.objects.select_for_update().get(pk=found.pk)
    if version is not None and version != found.version:
        raise Conflict("version_conflict.queue")
    before = columns(found)
    _write(found, changes)
    differing = altered(found, before) + _set_people(found, changes)
    if differing:
        found.version += 1
        _save(found)
        _record(events.QueueUpdated, found, by, differing)
    return found


def _write(queue: Queue, changes: QueueChanges) -> None:
    if "name" in changes:
        queue.name = text.name(changes["name"])
    if "description" in changes:
        queue.description = text.prose(changes["description"], field="description", longest=LONGEST_DESCRIPTION)
    queue.strict = changes.get("strict", queue.strict)
    queue.retired = changes.get("retired", queue.retired)


def _set_people(queue: Queue, changes: QueueChanges) -> list[RowChange]:
    """Set the members and managers that are given; returns what changed."""
    differing: list[RowChange] = []
    for relation, allowed in _PEOPLE.items():
        if relation not in changes:
            continue
        users = {user.pk for user in _checked(changes[relation], relation, allowed)}  # type: ignore[literal-required]  # a key of _PEOPLE
        before = set(getattr(queue, relation).values_list("pk", flat=True))
        getattr(queue, relation).set(users)
        differing += related(queue, relation, before - users, users - before)
    return differing


def _checked(users: Iterable[User], field: str, allowed: tuple[UserType, ...]) -> list[User]:
    found = list(users)
    for user in found:
        if user.user_type not in allowed:
            raise Invalid("queue_people_invalid", field=field, user=user.username, name=field)
    return found


def _save(queue: Queue) -> None:
    try:
        with transaction.atomic():
            queue.save()
    except IntegrityError as error:
        raise Conflict("queue_name_taken", field="name") from error


def _record(kind: type[events.QueueBody], queue: Queue, by: Actor, changes: list[RowChange]) -> None:
    body = kind(
        GUID=str(queue.guid),
        Name=queue.name,
        Strict=queue.strict,
        Retired=queue.retired,
        Members=sorted(queue.members.values_list("username", flat=True)),
        Managers=sorted(queue.managers.values_list("username", flat=True)),
    )
    record(body, about=Subject(ObjectType.QUEUE, queue.guid), by=by, changes=changes)
