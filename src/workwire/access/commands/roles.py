"""Roles and the features they hold."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from workwire.access import events, features
from workwire.access.commands.naming import LONGEST_NAME, save_named
from workwire.access.models import Role, RoleFeature, Token
from workwire.access.policy import require_may_administer
from workwire.kernel import text
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Invalid
from workwire.outbox.changes import added, removed
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType


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
    save_named(role, Invalid("role_name_invalid", field="name"))
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


def _check_features(held: Iterable[str]) -> None:
    unknown = [feature for feature in held if feature not in features.FEATURES]
    if unknown:
        raise Invalid("feature_unknown", field="features", feature=unknown[0])


def _role_body(role: Role) -> dict[str, object]:
    held = sorted(RoleFeature.objects.filter(role=role).values_list("feature", flat=True))
    return {"GUID": str(role.guid), "Name": role.name, "Kind": role.kind, "Features": held}
