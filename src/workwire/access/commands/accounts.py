"""The only writer of accounts, roles, groups, data permissions and application credentials.

An application writes none of them, whatever its roles; it may only end itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, models, transaction

from workwire.access import events, features, ports
from workwire.access.models import (
    LONGEST_USERNAME,
    DataPermission,
    Role,
    RoleAssignment,
    RoleFeature,
    Token,
    User,
    UserGroup,
)
from workwire.access.policy import require_in_person, require_may_administer
from workwire.kernel import folding, text
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Conflict, Invalid, not_found
from workwire.outbox.changes import RowChange, added, altered, columns, related, removed
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType

LEVELS = ("company", "contract", "service", "process")
LONGEST_NAME = 100
LONGEST_PASSWORD = 1024


@transaction.atomic
def make_built_in_roles(*, by: Actor) -> None:
    """Make the built-in roles that are missing; changes nothing when all are there."""
    for built_in in features.BUILT_IN_ROLES:
        if not Role.objects.filter(name=built_in.name).exists():
            create_role(built_in.name, built_in.kind, built_in.features, by=by)


@transaction.atomic
def create_role(name: str, kind: str, features_held: Iterable[str], *, by: Actor) -> Role:
    """Make a role of kind operational or builder with these features."""
    require_may_administer(by)
    held = sorted(set(features_held))
    _check_features(held)
    if kind not in (features.OPERATIONAL, features.BUILDER):
        raise Invalid("role_kind_invalid", field="kind")
    role = Role(name=text.name(name, longest=LONGEST_NAME), kind=kind)
    _save(role, Invalid("role_name_invalid", field="name"))
    made = RoleFeature.objects.bulk_create(RoleFeature(role=role, feature=feature) for feature in held)
    about = Subject(ObjectType.ROLE, role.guid)
    record(events.RoleCreated(**_role_body(role)), about=about, by=by, changes=added(role, *made))
    return role


@transaction.atomic
def set_role_features(role: Role, features_held: Iterable[str], *, by: Actor) -> None:
    """Replace a role's features; the tokens of everybody who holds it end."""
    require_may_administer(by)
    held = sorted(set(features_held))
    _check_features(held)
    if held == _role_body(role)["Features"]:
        return
    gone = list(role.features.exclude(feature__in=held))
    missing = set(held) - set(role.features.values_list("feature", flat=True))
    changes = removed(*gone)
    role.features.filter(pk__in=[row.pk for row in gone]).delete()
    made = RoleFeature.objects.bulk_create(RoleFeature(role=role, feature=feature) for feature in sorted(missing))
    Token.objects.filter(user__role_assignments__role=role).delete()
    about = Subject(ObjectType.ROLE, role.guid)
    record(events.RoleUpdated(**_role_body(role)), about=about, by=by, changes=changes + added(*made))


@transaction.atomic
def create_user(
    username: str,
    full_name: str,
    roles: Sequence[Role],
    *,
    by: Actor,
    password: str | None = None,
    email: str = "",
    user_type: UserType = UserType.OPERATIONAL,
) -> User:
    """Make an account with one operational and at most one builder role; without a password it cannot log in."""
    require_may_administer(by)
    taken = Invalid("username_invalid", field="username")
    username = text.name(username, field="username", longest=LONGEST_USERNAME)
    if folding.mixes_alphabets(username):
        raise Invalid("username_mixes_alphabets", field="username")
    if User.objects.filter(username_key=folding.key(username)).exists():
        raise taken
    full_name = text.line(full_name, field="full_name", longest=200) or username
    user = User(username=username, full_name=full_name, email=_email(email), user_type=user_type)
    _set_password(user, password)
    _save(user, taken)
    held = _assign(user, roles)
    record(events.UserCreated(**_user_body(user)), about=_about(user), by=by, changes=added(user) + held)
    return user


@transaction.atomic
def set_roles(user: User, roles: Sequence[Role], *, by: Actor) -> None:
    """Replace an account's roles; its tokens end (documented: they die when the role changes)."""
    require_may_administer(by)
    user = _locked(user)
    if sorted(role.pk for role in roles) == sorted(user.role_assignments.values_list("role_id", flat=True)):
        return
    changes = _assign(user, roles)
    user.tokens.all().delete()
    record(events.UserUpdated(**_user_body(user)), about=_about(user), by=by, changes=changes)


@transaction.atomic
def set_active(user: User, active: bool, *, by: Actor) -> None:
    """Retire an account, which ends its tokens and gives its unfinished work back, or bring it back without either.

    Retiring one again gives back what it may have got in the same moment.
    """
    require_may_administer(by)
    user = _locked(user)
    if not active:
        ports.retire(user, by=by)
    if user.is_active == active:
        return
    before = columns(user)
    user.is_active = active
    user.save(update_fields=["is_active"])
    if not active:
        user.tokens.all().delete()
    record(events.UserUpdated(**_user_body(user)), about=_about(user), by=by, changes=altered(user, before))


@transaction.atomic
def set_password(user: User, password: str, *, by: Actor) -> None:
    """Set a password, one's own or as an administrator; ends the account's login tokens."""
    if by.user_id != user.pk:
        require_may_administer(by)
    require_in_person(by)
    user = _locked(user)
    before = columns(user)
    _set_password(user, password)
    user.save(update_fields=["password"])
    user.tokens.filter(credential=None).delete()
    record(events.UserUpdated(**_user_body(user)), about=_about(user), by=by, changes=altered(user, before))


@transaction.atomic
def change_user(
    user: User,
    *,
    by: Actor,
    active: bool | None = None,
    roles: Sequence[Role] | None = None,
    password: str | None = None,
) -> None:
    """Change several things of an account, all or none; what is None stays."""
    if active is not None:
        set_active(user, active, by=by)
    if roles is not None:
        set_roles(user, roles, by=by)
    if password is not None:
        set_password(user, password, by=by)


@transaction.atomic
def create_group(name: str, members: Iterable[User] = (), *, by: Actor) -> UserGroup:
    """Make a user group."""
    require_may_administer(by)
    group = UserGroup(name=text.name(name, longest=LONGEST_NAME))
    _save(group, Invalid("group_name_invalid", field="name"))
    group.members.set(members)
    record(
        events.UserGroupCreated(GUID=str(group.guid), Name=group.name),
        about=Subject(ObjectType.USER_GROUP, group.guid),
        by=by,
        changes=added(group, members=group.members.values_list("pk", flat=True)),
    )
    return group


@transaction.atomic
def change_members(group: UserGroup, *, by: Actor, add: Iterable[User] = (), remove: Iterable[User] = ()) -> None:
    """Let accounts join and leave a user group."""
    require_may_administer(by)
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
    require_may_administer(by)
    if level not in LEVELS:
        raise Invalid("level_invalid", field="level", levels=list(LEVELS))
    permission, made = DataPermission.objects.get_or_create(group=group, **_on(level, target))
    if made:
        _record_permission(events.PermissionGranted, group, level, target, by, added(permission))
    return permission


@transaction.atomic
def revoke(group: UserGroup, level: str, target: models.Model, *, by: Actor) -> None:
    """Take a data permission back; effective for every message prepared after this commits."""
    require_may_administer(by)
    if level not in LEVELS:
        raise Invalid("level_invalid", field="level", levels=list(LEVELS))
    permission = DataPermission.objects.select_for_update().filter(group=group, **_on(level, target)).first()
    if permission is not None:
        changes = removed(permission)
        permission.delete()
        _record_permission(events.PermissionRevoked, group, level, target, by, changes)


def _locked(user: User) -> User:
    found = User.objects.select_for_update().filter(pk=user.pk).first()
    if found is None:
        raise not_found("user")
    return found


def _save(row: models.Model, taken: Invalid) -> None:
    """Save a new row; raises `taken` when its name is another's, also since a moment ago."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise taken from error


def _email(value: str) -> str:
    value = text.line(value, field="email", longest=254)
    try:
        if value:
            validate_email(value)
    except ValidationError as error:
        raise Invalid("email_invalid", field="email") from error
    return value


def _set_password(user: User, password: str | None) -> None:
    if password is None:
        user.set_unusable_password()
        return
    text.prose(password, field="password", longest=LONGEST_PASSWORD)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(
            "password_weak", field="password", reasons=[one.code or "" for one in error.error_list]
        ) from error
    user.set_password(password)


def _assign(user: User, roles: Sequence[Role]) -> list[RowChange]:
    """Give an account these roles and no others; returns what changed."""
    kinds = [role.kind for role in roles]
    if kinds.count(features.OPERATIONAL) != 1 or kinds.count(features.BUILDER) > 1:
        raise Invalid(
            "roles_invalid",
            field="roles",
        )
    held = {row.role_id: row for row in user.role_assignments.all()}
    wanted = {role.pk: role for role in roles}
    gone = [row for key, row in held.items() if key not in wanted]
    changes = removed(*gone)
    user.role_assignments.filter(pk__in=[row.pk for row in gone]).delete()
    new = [RoleAssignment(user=user, role=role, kind=role.kind) for key, role in wanted.items() if key not in held]
    try:
        return changes + added(*RoleAssignment.objects.bulk_create(new))
    except IntegrityError as error:
        raise Conflict("roles_changed") from error


def _check_features(held: Iterable[str]) -> None:
    unknown = [feature for feature in held if feature not in features.FEATURES]
    if unknown:
        raise Invalid("feature_unknown", field="features", feature=unknown[0])


def _user_body(user: User) -> dict[str, object]:
    return {
        "GUID": str(user.guid),
        "Username": user.username,
        "FullName": user.full_name,
        "UserType": int(user.user_type),
        "Active": user.is_active,
        "Roles": sorted(user.role_assignments.values_list("role__name", flat=True)),
    }


def _role_body(role: Role) -> dict[str, object]:
    held = sorted(RoleFeature.objects.filter(role=role).values_list("feature", flat=True))
    return {"GUID": str(role.guid), "Name": role.name, "Kind": role.kind, "Features": held}


def _about(user: User) -> Subject:
    return Subject(ObjectType.USER, user.guid)


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
