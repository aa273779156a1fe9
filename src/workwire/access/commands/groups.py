"""User groups, their members, and what they may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction

from workwire.access import events, features, queries
from workwire.access.commands.naming import LONGEST_NAME, save_named
from workwire.access.models import DataPermission, User, UserGroup
from workwire.access.policy import require_of_person
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, not_found
from workwire.outbox.changes import RowChange, added, altered, columns, related, removed
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType


@transaction.atomic
def create_group(name: str, members: Iterable[User] = (), *, by: Actor) -> UserGroup:
    """Make a user group."""
    require_of_person(by, features.GROUPS)
    group = UserGroup(name=text.name(name, longest=LONGEST_NAME))
    save_named(group, Invalid("group_name_invalid", field="name"))
    group.members.set(members)
    record(
        events.UserGroupCreated(GUID=str(group.guid), Name=group.name),
        about=Subject(ObjectType.USER_GROUP, group.guid),
        by=by,
        changes=added(group, members=group.members.values_list("pk", flat=True)),
    )
    return group


@transaction.atomic
def rename_group(group: UserGroup, name: str, *, by: Actor, version: int | None = None) -> None:
    """Give a user group another name; raises Conflict for a version that has passed."""
    require_of_person(by, features.GROUPS)
    group = _locked(group, version)
    before = columns(group)
    group.name = text.name(name, longest=LONGEST_NAME)
    if columns(group) != before:
        group.version += 1
        save_named(group, Invalid("group_name_invalid", field="name"))
        body = events.UserGroupRenamed(GUID=str(group.guid), Name=group.name)
        about = Subject(ObjectType.USER_GROUP, group.guid)
        record(body, about=about, by=by, changes=altered(group, before))


@transaction.atomic
def change_members(group: UserGroup, *, by: Actor, add: Iterable[User] = (), remove: Iterable[User] = ()) -> None:
    """Let accounts join and leave a user group."""
    require_of_person(by, features.GROUPS)
    present = set(group.members.values_list("pk", flat=True))
    joined = [user for user in add if user.pk not in present]
    left = [user for user in remove if user.pk in present]
    if not joined and not left:
        return
    group.members.add(*joined)
    group.members.remove(*left)
    body = events.UserGroupMembersChanged(
        GUID=str(group.guid),
        Name=group.name,
        Joined=[user.username for user in joined],
        Left=[user.username for user in left],
    )
    changes = related(group, "members", (user.pk for user in left), (user.pk for user in joined))
    record(body, about=Subject(ObjectType.USER_GROUP, group.guid), by=by, changes=changes)


@transaction.atomic
def grant(group: UserGroup, level: str, target: models.Model, *, by: Actor) -> DataPermission:
    """Grant a user group the sight of an object (level company, contract, service or process) and all below it; idempotent."""
    require_of_person(by, features.GROUPS)
    if level not in queries.LEVELS:
        raise Invalid("level_invalid", field="level", levels=list(queries.LEVELS))
    permission, made = DataPermission.objects.get_or_create(group=group, **_on(level, target))
    if made:
        _record_permission(events.PermissionGranted, group, level, target, by, added(permission))
    return permission


@transaction.atomic
def revoke(group: UserGroup, level: str, target: models.Model, *, by: Actor) -> None:
    """Take a data permission back; effective for every message prepared after this commits."""
    require_of_person(by, features.GROUPS)
    if level not in queries.LEVELS:
        raise Invalid("level_invalid", field="level", levels=list(queries.LEVELS))
    permission = DataPermission.objects.select_for_update().filter(group=group, **_on(level, target)).first()
    if permission is not None:
        changes = removed(permission)
        permission.delete()
        _record_permission(events.PermissionRevoked, group, level, target, by, changes)


def _locked(group: UserGroup, version: int | None) -> UserGroup:
    found = UserGroup.objects.select_for_update().filter(pk=group.pk).first()
    if found is None:
        raise not_found("user_group")
    if version is not None and version != found.version:
        raise Conflict("version_conflict.user_group")
    return found


def _on(level: str, target: models.Model) -> dict[str, Any]:
    return {level: target}


def _record_permission(
    kind: type[events.PermissionGranted],
    group: UserGroup,
    level: str,
    target: models.Model,
    by: Actor,
    changes: list[RowChange],
) -> None:
    body = kind(GUID=str(group.guid), Name=group.name, ObjectType=level, ObjectID=target.pk)
    record(body, about=Subject(ObjectType.USER_GROUP, group.guid), by=by, changes=changes)
