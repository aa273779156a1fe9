"""Roles and the features they hold."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import ProtectedError

from workwire.access import events, features, queries
from workwire.access.commands.naming import LONGEST_NAME, save_named
from workwire.access.models import Role, RoleFeature, Token
from workwire.access.policy import require_no_more, require_of_person
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Invalid, not_found
from workwire.outbox.changes import added, altered, columns, removed
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType


@transaction.atomic
def make_built_in_roles(*, by: Actor) -> None:
    """Make the built-in roles that are missing; changes nothing when all are there."""
    for built_in in features.BUILT_IN_ROLES:
        if not Role.objects.filter(name=built_in.name).exists():
            create_role(built_in.name, built_in.kind, built_in.features, by=by)


@transaction.atomic
def create_role(name: str, kind: str, features_held: Iterable[str], *, by: Actor, second_factor: bool = False) -> Role:
    """Make a role of kind operational or builder with these features."""
    require_of_person(by, features.ROLES)
    held = sorted(set(features_held))
    _check_features(held)
    require_no_more(by, held)
    if kind not in (features.OPERATIONAL, features.BUILDER):
        raise Invalid("role_kind_invalid", field="kind")
    role = Role(name=text.name(name, longest=LONGEST_NAME), kind=kind, requires_second_factor=second_factor)
    save_named(role, Invalid("role_name_invalid", field="name"))
    made = RoleFeature.objects.bulk_create(RoleFeature(role=role, feature=feature) for feature in held)
    about = Subject(ObjectType.ROLE, role.guid)
    record(events.RoleCreated(**_role_body(role)), about=about, by=by, changes=added(role, *made))
    return role


@transaction.atomic
def set_role_features(role: Role, features_held: Iterable[str], *, by: Actor) -> None:
    """Replace a role's features; the tokens of everybody who holds it end."""
    require_of_person(by, features.ROLES)
    held = sorted(set(features_held))
    _check_features(held)
    role = _locked(role)
    _require_may_change(role, held, by)
    if held == _role_body(role)["Features"]:
        return
    gone = list(role.features.exclude(feature__in=held))
    missing = set(held) - set(role.features.values_list("feature", flat=True))
    changes = removed(*gone)
    role.features.filter(pk__in=[row.pk for row in gone]).delete()
    made = RoleFeature.objects.bulk_create(RoleFeature(role=role, feature=feature) for feature in sorted(missing))
    if any(row.feature == features.ADMINISTRATOR for row in gone) and not queries.has_administrator():
        raise Conflict("last_administrator")
    Token.objects.filter(user__role_assignments__role=role).delete()
    role.version += 1
    role.save(update_fields=["version"])
    about = Subject(ObjectType.ROLE, role.guid)
    record(events.RoleUpdated(**_role_body(role)), about=about, by=by, changes=changes + added(*made))


@transaction.atomic
def rename_role(role: Role, name: str, *, by: Actor) -> None:
    """Give a role another name; raises Conflict for a built-in one."""
    require_of_person(by, features.ROLES)
    role = _own_role(role, by)
    before = columns(role)
    role.name = text.name(name, longest=LONGEST_NAME)
    if columns(role) != before:
        role.version += 1
        save_named(role, Invalid("role_name_invalid", field="name"))
        about = Subject(ObjectType.ROLE, role.guid)
        record(events.RoleUpdated(**_role_body(role)), about=about, by=by, changes=altered(role, before))


@transaction.atomic
def set_second_factor_required(role: Role, wanted: bool, *, by: Actor) -> None:
    """Say whether a role asks for a second factor; a holder without one can do nothing before it has set one up."""
    require_of_person(by, features.ROLES)
    role = _locked(role)
    _require_may_change(role, (), by)
    before = columns(role)
    role.requires_second_factor = wanted
    if columns(role) != before:
        role.version += 1
        role.save(update_fields=["requires_second_factor", "version"])
        about = Subject(ObjectType.ROLE, role.guid)
        record(events.RoleUpdated(**_role_body(role)), about=about, by=by, changes=altered(role, before))


@transaction.atomic
def remove_role(role: Role, *, by: Actor) -> None:
    """Remove a role that nobody holds; raises Conflict for a built-in one, and while an account or a credential has it."""
    require_of_person(by, features.ROLES)
    role = _own_role(role, by)
    if role.assignments.exists() or role.credentials.exists():
        raise Conflict("role_in_use")
    body, about = events.RoleRemoved(**_role_body(role)), Subject(ObjectType.ROLE, role.guid)
    changes = removed(*role.features.all(), role)
    try:
        role.delete()
    except ProtectedError as error:  # given to an account a moment ago
        raise Conflict("role_in_use") from error
    record(body, about=about, by=by, changes=changes)


@transaction.atomic
def change_role(
    role: Role,
    *,
    by: Actor,
    name: str | None = None,
    features_held: Iterable[str] | None = None,
    second_factor: bool | None = None,
    version: int | None = None,
) -> None:
    """Change the name and the features of a role and whether it asks for a second factor, all or none; what is None stays.
    Raises Conflict for a version that has passed."""
    require_of_person(by, features.ROLES)
    if version is not None and version != _locked(role).version:
        raise Conflict("version_conflict.role")
    if second_factor is not None:
        set_second_factor_required(role, second_factor, by=by)
    if name is not None:
        rename_role(role, name, by=by)
    if features_held is not None:
        set_role_features(role, features_held, by=by)


def _own_role(role: Role, by: Actor) -> Role:
    """A role, locked, that is not built in and holds no more than the actor does."""
    found = _locked(role)
    require_no_more(by, found.features.values_list("feature", flat=True))
    if _is_built_in(found):
        raise Conflict("role_built_in")
    return found


def _locked(role: Role) -> Role:
    found = Role.objects.select_for_update().filter(pk=role.pk).first()
    if found is None:
        raise not_found("role")
    return found


def _is_built_in(role: Role) -> bool:
    return role.name in {built_in.name for built_in in features.BUILT_IN_ROLES}


def _require_may_change(role: Role, held: Iterable[str], by: Actor) -> None:
    """Raise Forbidden, unless the actor is an administrator, for features it does not hold, for accounts with the role that
    hold more than it does, and Conflict for a built-in role."""
    if queries.administers(by):
        return
    holders = RoleFeature.objects.filter(role__assignments__user__role_assignments__role=role)
    of_holders = holders.values_list("feature", flat=True)
    require_no_more(by, {*held, *role.features.values_list("feature", flat=True), *of_holders})
    if _is_built_in(role):
        raise Conflict("role_built_in")


def _check_features(held: Iterable[str]) -> None:
    unknown = [feature for feature in held if feature not in features.FEATURES]
    if unknown:
        raise Invalid("feature_unknown", field="features", feature=unknown[0])


def _role_body(role: Role) -> dict[str, object]:
    held = sorted(RoleFeature.objects.filter(role=role).values_list("feature", flat=True))
    return {"GUID": str(role.guid), "Name": role.name, "Kind": role.kind, "Features": held}
