"""Accounts: who there is, the roles they hold, their passwords, what they prefer, and to whom they report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypedDict, Unpack
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from workwire.access import events, features, ports, preferences, queries
from workwire.access.commands.naming import save_named
from workwire.access.models import LONGEST_USERNAME, AccountPicture, Role, RoleAssignment, RoleFeature, User, UserGroup
from workwire.access.policy import require_in_person, require_no_more, require_of_person
from workwire.access.preferences import Preferences
from workwire.jobs import commands as jobs
from workwire.kernel import clock, folding, text
from workwire.kernel.actor import Actor, UserType
from workwire.kernel.errors import Conflict, Forbidden, Invalid, not_found
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType

LONGEST_PASSWORD = 1024
CHANGE_MAIL = "access.password_changed"  # the job that tells the account of it
LONGEST_FULL_NAME = 200
LONGEST_CHAIN = 100  # managers above an account


class UserChanges(TypedDict, total=False):
    """What an administrator may change of an account; what is not named stays."""

    active: bool
    suspended: bool
    full_name: str
    email: str
    roles: Sequence[Role]
    password: str
    manager: User | None
    language: str
    time_zone: str


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
    manager: User | None = None,
    language: str = "",
    time_zone: str = "",
) -> User:
    """Make an account with one operational and at most one builder role; without a password it cannot log in."""
    require_of_person(by, features.USERS)
    _require_may_give(roles, by)
    taken = Invalid("username_invalid", field="username")
    username = text.name(username, field="username", longest=LONGEST_USERNAME)
    if folding.mixes_alphabets(username):
        raise Invalid("username_mixes_alphabets", field="username")
    if User.objects.filter(username_key=folding.key(username)).exists():
        raise taken
    full_name = text.line(full_name, field="full_name", longest=LONGEST_FULL_NAME) or username
    user = User(username=username, full_name=full_name, email=_email(email), user_type=user_type, manager=manager)
    _write(user, {"language": language, "time_zone": time_zone})
    _set_password(user, password)
    save_named(user, taken)
    held = _assign(user, roles)
    record(events.UserCreated(**_user_body(user)), about=_about(user), by=by, changes=added(user) + held)
    return user


@transaction.atomic
def set_roles(user: User, roles: Sequence[Role], *, by: Actor) -> None:
    """Replace an account's roles; its tokens end (documented: they die when the role changes)."""
    user = locked(user)
    require_may_manage(user, by)
    _require_may_give(roles, by)
    if sorted(role.pk for role in roles) == sorted(user.role_assignments.values_list("role_id", flat=True)):
        return
    administered = _administers(user)
    changes = _assign(user, roles)
    _keep_an_administrator(administered)
    user.tokens.all().delete()
    record_change(user, by, changes)


@transaction.atomic
def set_active(user: User, active: bool, *, by: Actor) -> None:
    """Retire an account, which ends its tokens, removes its picture and gives its unfinished work back, or bring it back
    without any of them.

    Retiring one again gives back what it may have got in the same moment.
    """
    user = locked(user)
    require_may_manage(user, by)
    if not active:
        ports.retire(user, by=by)
    if user.is_active == active:
        return
    before, administered = columns(user), _administers(user)
    user.is_active = active
    user.save(update_fields=["is_active"])
    _keep_an_administrator(administered)
    if not active:
        user.tokens.all().delete()
        forget_picture(user)
    record_change(user, by, altered(user, before))


@transaction.atomic
def set_suspended(user: User, suspended: bool, *, by: Actor) -> None:
    """Suspend a robot, so that it is given no work for a while, or let it work again. It keeps what it has, its sessions and
    its subscriptions. Raises Invalid for the account of a person."""
    user = locked(user)
    require_may_manage(user, by)
    if suspended and user.user_type != UserType.ROBOT:
        raise Invalid("suspended_no_robot", field="suspended")
    if (user.suspended_at is not None) == suspended:
        return
    before = columns(user)
    user.suspended_at = clock.now() if suspended else None
    user.save(update_fields=["suspended_at"])
    record_change(user, by, altered(user, before))


@transaction.atomic
def set_password(user: User, password: str, *, by: Actor, kept: UUID | None = None) -> None:
    """Set a password, one's own or as an administrator; ends the account's sessions, but for one that is `kept`, and all links
    to set another. The account is told by mail, where it can be."""
    user = locked(user)
    if by.user_id != user.pk:
        require_may_stand_in_for(user, by)
    require_in_person(by)
    before = columns(user)
    _set_password(user, password)
    user.save(update_fields=["password"])
    ended = user.tokens.filter(credential=None)
    (ended if kept is None else ended.exclude(digest__startswith=kept.hex)).delete()
    user.password_links.all().delete()
    record_change(user, by, altered(user, before))
    if user.email and settings.CONFIG.smtp_url:
        jobs.enqueue(CHANGE_MAIL, {"user": str(user.guid)}, by=by)


@transaction.atomic
def set_preferences(user: User, *, by: Actor, **wanted: Unpack[Preferences]) -> User:
    """Change what an account prefers, one's own or as an administrator; an empty text takes a choice back."""
    user = locked(user)
    if by.user_id != user.pk:
        require_may_manage(user, by)
    require_in_person(by)
    before = columns(user)
    _write(user, wanted)
    if columns(user) != before:
        user.save(update_fields=list(Preferences.__annotations__))
        record_change(user, by, altered(user, before))
    return user


@transaction.atomic
def set_manager(user: User, manager: User | None, *, by: Actor) -> None:
    """Say to whom an account reports, None for nobody; raises Conflict where it would report to itself in the end."""
    user = locked(user) if manager is None else _locked_with_line(user, manager)
    require_may_manage(user, by)
    if manager is not None and user.pk in _line_from(manager):
        raise Conflict("manager_below", field="manager")
    before = columns(user)
    user.manager = manager
    if columns(user) != before:
        user.save(update_fields=["manager"])
        record_change(user, by, altered(user, before))


@transaction.atomic
def set_names(user: User, *, by: Actor, full_name: str | None = None, email: str | None = None) -> None:
    """Change the full name and the mail address of an account; what is None stays, an empty name becomes the user name. With
    another address the links end that were mailed to the old one."""
    user = locked(user)
    require_may_manage(user, by)
    before = columns(user)
    if full_name is not None:
        user.full_name = text.line(full_name, field="full_name", longest=LONGEST_FULL_NAME) or user.username
    if email is not None:
        user.email = _email(email)
    if columns(user) != before:
        user.save(update_fields=["full_name", "email", "search"])
        if user.email != before["email"]:
            user.password_links.filter(job__isnull=False).delete()
        record_change(user, by, altered(user, before))


@transaction.atomic
def end_sessions(user: User, *, by: Actor) -> int:
    """End the sessions in which a person is signed in to an account, also those of programs with its password; returns how
    many there were. Application credentials keep theirs."""
    user = locked(user)
    if by.user_id != user.pk:
        require_may_manage(user, by)
    require_in_person(by)
    ended, _ = user.tokens.filter(credential=None).delete()
    if ended:
        body = events.SessionsEnded(GUID=str(user.guid), Username=user.username, Count=ended)
        record(body, about=_about(user), by=by, changes=())
    return ended


@transaction.atomic
def change_user(user: User, *, by: Actor, version: int | None = None, **changes: Unpack[UserChanges]) -> None:
    """Change several things of an account, all or none. Raises Conflict for a version that has passed."""
    manager = changes.get("manager")
    user = locked(user) if manager is None else _locked_with_line(user, manager)
    require_may_manage(user, by)
    if version is not None and version != user.version:
        raise Conflict("version_conflict.account")
    if "active" in changes:
        set_active(user, changes["active"], by=by)
    if "suspended" in changes:
        set_suspended(user, changes["suspended"], by=by)
    set_names(user, by=by, full_name=changes.get("full_name"), email=changes.get("email"))
    if "roles" in changes:
        set_roles(user, changes["roles"], by=by)
    if "password" in changes:
        set_password(user, changes["password"], by=by)
    if "manager" in changes:
        set_manager(user, changes["manager"], by=by)
    set_preferences(user, by=by, **{name: changes[name] for name in ("language", "time_zone") if name in changes})


def forget_picture(user: User) -> None:
    """Take the picture of a locked account away; the caller records it."""
    if user.picture:
        AccountPicture.objects.filter(user=user).delete()
        user.picture = ""
        user.save(update_fields=["picture"])


def require_may_manage(user: User, by: Actor) -> None:
    """Raise Forbidden unless the actor manages accounts in person, and this one may do no more than itself.

    Inside a transaction the account's roles keep their features until its end: nobody raises one meanwhile.
    """
    if not queries.administers(by):
        _lock_roles(user.role_assignments.values_list("role_id", flat=True))
    queries.require_may_manage(user, by)


def require_may_stand_in_for(user: User, by: Actor) -> None:
    """Raise Forbidden unless the actor manages the account and sees all that it sees: who gives it a password or a credential
    can look through its eyes."""
    require_may_manage(user, by)
    groups = UserGroup.objects.filter(members=user)
    if not queries.sees_all(by) and groups.exclude(pk__in=UserGroup.objects.filter(members=by.user_id or 0)).exists():
        raise Forbidden("sees_more_than_own")


def _require_may_give(roles: Iterable[Role], by: Actor) -> None:
    """Raise Forbidden for roles that hold more than the actor does; they keep their features until the transaction ends."""
    if not queries.administers(by):
        _lock_roles(role.pk for role in roles)
        held = RoleFeature.objects.filter(role__in=[role.pk for role in roles])
        require_no_more(by, held.values_list("feature", flat=True))


def _administers(user: User) -> bool:
    return features.ADMINISTRATOR in queries.features_of(user)


def _keep_an_administrator(administered: bool) -> None:
    """Raise Conflict when a change of an account that administered left nobody who does."""
    if administered and not queries.has_administrator():
        raise Conflict("last_administrator")


def locked(user: User) -> User:
    """The account, locked until the transaction ends; raises NotFound."""
    found = User.objects.select_for_update().filter(pk=user.pk).first()
    if found is None:
        raise not_found("user")
    return found


def _locked_with_line(user: User, manager: User) -> User:
    """An account, locked together with a manager for it and all to whom that one reports, so that of two changes that would
    make a circle the second finds the first. All are locked in one order, and again where they changed meanwhile."""
    line: list[int] = []
    found: dict[int, User] = {}
    while (now := _line_from(manager)) != line:
        line = now
        rows = User.objects.select_for_update().filter(pk__in={user.pk, *line}).order_by("pk")
        found = {row.pk: row for row in rows}
    if user.pk not in found:
        raise not_found("user")
    return found[user.pk]


def _lock_roles(roles: Iterable[int]) -> None:
    """Let roles keep their features until the transaction ends."""
    list(Role.objects.select_for_update(no_key=True).filter(pk__in=list(roles)).order_by("pk").values_list("pk"))


def record_change(user: User, by: Actor, changes: list[RowChange]) -> None:
    """Record what changed of an account, as its next version."""
    user.version += 1
    user.save(update_fields=["version"])
    record(events.UserUpdated(**_user_body(user)), about=_about(user), by=by, changes=changes)


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


def _user_body(user: User) -> dict[str, object]:
    return {
        "GUID": str(user.guid),
        "Username": user.username,
        "FullName": user.full_name,
        "UserType": int(user.user_type),
        "Active": user.is_active,
        "Roles": sorted(user.role_assignments.values_list("role__name", flat=True)),
    }


def _about(user: User) -> Subject:
    return Subject(ObjectType.USER, user.guid)


def _write(user: User, wanted: Preferences) -> None:
    if "language" in wanted:
        user.language = _one_of(wanted["language"], preferences.languages(), field="language")
    if "time_zone" in wanted:
        if wanted["time_zone"] and not preferences.is_zone(wanted["time_zone"]):
            raise Invalid("time_zone_invalid", field="time_zone")
        user.time_zone = wanted["time_zone"]
    if "theme" in wanted:
        user.theme = _one_of(wanted["theme"], preferences.THEMES, field="theme")
    if "density" in wanted:
        user.density = _one_of(wanted["density"], preferences.DENSITIES, field="density")
    if "short_code" in wanted:
        user.short_code = text.line(wanted["short_code"], field="short_code", longest=2).upper()


def _one_of(value: str, choices: Collection[str], *, field: str) -> str:
    if value and value not in choices:
        raise Invalid("preference_invalid", field=field, name=field, choices=list(choices))
    return value


def _line_from(manager: User) -> list[int]:
    """An account and all to whom it reports, directly and through others, from the bottom up."""
    line: list[int] = []
    at: int | None = manager.pk
    while at is not None and at not in line and len(line) <= LONGEST_CHAIN:
        line.append(at)
        at = User.objects.values_list("manager_id", flat=True).get(pk=at)
    return line
