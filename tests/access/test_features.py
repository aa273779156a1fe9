"""Fine features: each allows just what it says, bundles include them, and nobody gives more than it has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.access import commands, features, queries, sessions
from workwire.access.models import Role, User
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, Forbidden
from workwire.outbox.event_pages import Wanted
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import commands as webhooks
from workwire.rooms.commitments import commands as commitments
from workwire.rooms.files import commands as files
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering.models import FieldKind, VersionState
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands as work

PASSWORD = "a-long-password-for-tests"
Deed = Callable[[Actor, Customer], Any]
DEEDS: dict[str, Deed] = {
    features.COMPANIES: lambda by, _: parties.create_company("Borealis", by=by),
    features.PROCESSES: lambda by, _: offering.create_service_line("Payroll", by=by),
    features.RELEASES: lambda by, customer: offering.set_version_state(
        customer.ticket_version, VersionState.LIVE, by=by
    ),
    features.DATA_FIELDS: lambda by, _: offering.create_data_field("Colour", FieldKind.DATE, by=by),
    features.SCHEDULES: lambda by, _: offering.create_schedule("Closing", by=by),
    features.CALENDARS: lambda by, _: commitments.create_calendar("Nights", by=by),
    features.QUEUES: lambda by, _: work.create_queue("Late shift", by=by),
    features.TAGS: lambda by, _: files.create_tag("Contract", by=by),
    features.WEBHOOKS: lambda by, customer: webhooks.subscribe(
        webhooks.Terms(0, "https://127.0.0.1/", filter_type=ObjectType.COMPANY, filter_guid=customer.company.guid),
        by=by,
    ),
    features.USERS: lambda by, _: commands.create_user("nora", "", [Role.objects.get(name="Guest")], by=by),
    features.GROUPS: lambda by, _: commands.create_group("Night shift", by=by),
    features.ROLES: lambda by, _: commands.create_role("Clerk", features.OPERATIONAL, [], by=by),
    features.AUDIT: lambda by, _: queries.audit(Wanted(), by=by),
}


@pytest.fixture
def guest(organisation: Organisation) -> Role:
    """A role without features."""
    return commands.create_role("Guest", features.OPERATIONAL, (), by=SYSTEM)


def _with(feature: str, guest: Role, customer: Customer) -> User:
    """An account that sees a customer and holds one fine feature."""
    role = commands.create_role(f"Only {feature}", features.BUILDER, [feature], by=SYSTEM)
    user = commands.create_user(f"only-{feature}", "", [guest, role], password=PASSWORD, by=SYSTEM)
    commands.change_members(customer.group, add=[user], by=SYSTEM)
    return user


def _is_refused(deed: Deed, by: Actor, customer: Customer) -> bool:
    try:
        deed(by, customer)
    except Forbidden:
        return True
    return False


@pytest.mark.parametrize("feature", DEEDS)
def test_a_fine_feature_allows_its_deed_and_no_other(feature: str, guest: Role, first: Customer) -> None:
    actor = sessions.actor_for(_with(feature, guest, first))
    assert actor.features == {feature}
    refused = {other for other, deed in DEEDS.items() if _is_refused(deed, actor, first)}
    assert refused == set(DEEDS) - {feature}


def test_bundles_include_every_fine_feature_once() -> None:
    included = [feature for bundle in features.INCLUDES.values() for feature in bundle]
    assert len(included) == len(set(included))
    assert set(included) <= set(features.FEATURES)
    assert not set(included) & set(features.INCLUDES)
    assert features.that_allow(features.WEBHOOKS) == {features.WEBHOOKS, features.PROCESS_BUILDER}


def test_who_held_a_bundle_holds_what_it_includes_by_every_way(organisation: Organisation) -> None:
    account = organisation.accounts["process builder"]
    token = sessions.log_in(account.user.username, account.password, address="::1")
    by_token = sessions.authenticate(token).features
    assert by_token == queries.features_of(account.user) == sessions.actor_for(account.user).features
    assert by_token >= {features.PROCESS_BUILDER, *features.INCLUDES[features.PROCESS_BUILDER]}
    assert features.USERS not in by_token


def test_the_audit_may_be_read_by_who_holds_the_feature_only(guest: Role, first: Customer) -> None:
    actor = sessions.actor_for(_with(features.AUDIT, guest, first))
    assert queries.audit(Wanted(), by=actor).rows


def test_who_manages_roles_gives_no_more_than_it_has(guest: Role, first: Customer) -> None:
    by = sessions.actor_for(_with(features.ROLES, guest, first))
    own = commands.create_role("Clerk", features.BUILDER, [features.ROLES], by=by)
    for refused in (
        lambda: commands.create_role("Chief", features.BUILDER, [features.ADMINISTRATOR], by=by),
        lambda: commands.set_role_features(own, [features.QUEUES], by=by),
        lambda: commands.set_role_features(Role.objects.get(name="Administrator"), [], by=by),
        lambda: commands.remove_role(Role.objects.get(name="Robot"), by=by),
    ):
        with recorded() as found, pytest.raises(Forbidden) as refusal:
            refused()  # type: ignore[no-untyped-call]  # a lambda
        assert refusal.value.code == "more_than_own"
        assert not found.events


def test_who_manages_accounts_gives_no_more_and_takes_over_nobody_who_may_more(
    organisation: Organisation, guest: Role, first: Customer
) -> None:
    me = _with(features.USERS, guest, first)
    by, chief = sessions.actor_for(me), organisation.accounts["administrator"].user
    administrator = Role.objects.get(name="Administrator")
    other = commands.create_user("nora", "", [guest], by=by)
    for refused in (
        lambda: commands.create_user("eve", "", [guest, administrator], by=by),
        lambda: commands.set_roles(me, [guest, administrator], by=by),
        lambda: commands.set_roles(other, [guest, administrator], by=by),
        lambda: commands.set_roles(chief, [guest], by=by),
        lambda: commands.set_password(chief, PASSWORD, by=by),
        lambda: commands.set_active(chief, False, by=by),
        lambda: commands.change_user(chief, language="de", by=by),
        lambda: commands.create_credential(
            chief, "x", [administrator], expires_at=clock.now() + timedelta(days=1), by=by
        ),
    ):
        with recorded() as found, pytest.raises(Forbidden) as refusal:
            refused()  # type: ignore[no-untyped-call]  # a lambda
        assert refusal.value.code == "more_than_own"
        assert not found.events
    commands.set_password(other, PASSWORD, by=by)


def test_a_role_is_renamed_and_removed_unless_it_is_built_in_or_held(guest: Role) -> None:
    clerk = commands.create_role("Clerk", features.BUILDER, [features.QUEUES], by=SYSTEM)
    with recorded() as found:
        commands.change_role(clerk, name="Scribe", features_held=[features.TAGS], by=SYSTEM)
    assert found.names == ["RoleUpdated", "RoleUpdated"]
    user = commands.create_user("nora", "", [guest, clerk], by=SYSTEM)
    with pytest.raises(Conflict) as refusal:
        commands.remove_role(clerk, by=SYSTEM)
    assert refusal.value.code == "role_in_use"
    commands.set_roles(user, [guest], by=SYSTEM)
    with recorded() as found:
        commands.remove_role(clerk, by=SYSTEM)
    assert (found.names, found.body["Features"]) == (["RoleRemoved"], [features.TAGS])
    with pytest.raises(Conflict) as refusal:
        commands.remove_role(Role.objects.get(name="Robot"), by=SYSTEM)
    assert refusal.value.code == "role_built_in"


def test_the_roles_of_a_credential_change_with_an_event_and_end_its_tokens(
    organisation: Organisation, actors: dict[str, Actor]
) -> None:
    user = organisation.accounts["process builder"].user
    mine = list(Role.objects.filter(assignments__user=user).order_by("name"))
    assert len(mine) == 2
    by, later = sessions.actor_for(user), clock.now() + timedelta(days=1)
    credential, secret = commands.create_credential(user, "x", mine, expires_at=later, by=by)
    sessions.exchange_secret(credential.client_id, secret, address="::1")
    assert credential.tokens.exists()
    with recorded() as found:
        commands.update_credential(credential, roles=mine[:1], by=by)
    assert found.only.name == "CredentialUpdated"
    assert f'"roles":[{mine[1].pk}]' in (found.only.changes or "")
    assert not credential.tokens.exists()
    with recorded() as found:
        commands.update_credential(credential, roles=mine[:1], by=by)
    assert not found.events
