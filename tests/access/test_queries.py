"""Who holds and sees what: one definition, for one actor and for many accounts in one query."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.organisation import Customer, Organisation
from workwire.access import commands, features, policy, queries, sessions
from workwire.access.models import Credential, DataPermission, Role, User, UserGroup
from workwire.kernel import clock, ids
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Forbidden, NotFound
from workwire.rooms.parties.models import Company, Service

BELOW = {"company": "contract__customer_id", "parent": "contract__customer__parent_id", "contract": "contract_id"}


def _holders(*wanted: str) -> set[str]:
    with CaptureQueriesContext(connection) as asked:
        found = {user.username for user in User.objects.filter(queries.holds(OuterRef("pk"), *wanted))}
    assert len(asked) == 1
    return found


def test_holds_answers_for_many_accounts_as_for_one(organisation: Organisation, actors: dict[str, Actor]) -> None:
    assert _holders(features.PROCESS_BUILDER) == {"olga", "paul", "bea", "ines"}
    assert _holders(features.ADMINISTRATOR) == {"olga"}
    assert _holders(*features.SEES_ALL) == {"olga", "paul"}
    assert _holders(features.SELF_SERVICE) == set()
    for feature in features.FEATURES:
        alone = {account.user.username for name, account in organisation.accounts.items() if actors[name].has(feature)}
        assert _holders(feature) == alone


def test_holds_is_limited_by_a_credential_in_a_batch(organisation: Organisation) -> None:
    user = organisation.accounts["integrator"].user
    expires = clock.now() + timedelta(days=30)
    by_role = {
        name: commands.create_credential(user, name, [Role.objects.get(name=name)], expires_at=expires, by=SYSTEM)[0]
        for name in ("Team Leader", "Process Builder")
    }

    def through(feature: str) -> set[str]:
        holds = queries.holds(OuterRef("user_id"), feature, credential=OuterRef("pk"))
        return {made.name for made in Credential.objects.filter(holds, name__in=by_role)}

    assert through(features.PROCESS_BUILDER) == {"Process Builder"}
    assert through(features.WORK_ITEMS) == {"Team Leader"}
    assert through(features.ADMINISTRATOR) == set()
    for name, credential in by_role.items():
        held = sessions.actor_for(user, credential).features
        assert (features.PROCESS_BUILDER in held) == (name == "Process Builder")
    commands.set_roles(user, [Role.objects.get(name="Team Leader")], by=SYSTEM)
    assert through(features.PROCESS_BUILDER) == set()


LEVELS = ("parent", "company", "contract", "service")


@given(
    grants=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(LEVELS), st.integers(0, 1)), max_size=5),
    memberships=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=5),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_granted_is_what_groups_and_levels_say(
    organisation: Organisation, grants: list[tuple[int, str, int]], memberships: list[tuple[int, int]]
) -> None:
    """Compares the database's answer, asked for all accounts and services at once, with the rule written out."""
    services, targets = _two_families(organisation)
    DataPermission.objects.all().delete()
    groups = [UserGroup.objects.get_or_create(name=f"group {number}")[0] for number in range(3)]
    people = list(User.objects.order_by("pk")[:3])
    for group in groups:
        group.members.clear()
    for number, level, at in grants:
        commands.grant(groups[number], "company" if level == "parent" else level, targets[at][level], by=SYSTEM)
    for number, person in memberships:
        commands.change_members(groups[number], add=[people[person]], by=SYSTEM)
    expected = {(person, at) for number, person in memberships for granted_to, _, at in grants if granted_to == number}
    seen = queries.granted(OuterRef(OuterRef("pk")), service="pk", **BELOW)
    found = {
        (people.index(user), at)
        for at, service in enumerate(services)
        for user in User.objects.filter(Exists(Service.objects.filter(seen, pk=service.pk)))
    }
    alone = {
        (person, at)
        for person, user in enumerate(people)
        for at, service in enumerate(services)
        if Service.objects.filter(queries.granted(user.pk, service="pk", **BELOW), pk=service.pk).exists()
    }
    assert found == alone == expected


def _two_families(organisation: Organisation) -> tuple[list[Service], list[dict[str, Any]]]:
    services, targets = [], []
    for number, customer in enumerate(organisation.customers):
        parent, made = Company.objects.get_or_create(name=f"Parent {number}")
        if made:
            Company.objects.filter(pk=customer.company.pk).update(parent=parent)
        services.append(customer.service)
        targets.append(
            {
                "parent": parent,
                "company": customer.company,
                "contract": customer.contract,
                "service": customer.service,
            }
        )
    return services, targets


def test_who_sees_all_and_who_administers(actors: dict[str, Actor]) -> None:
    assert {name for name, actor in actors.items() if queries.sees_all(actor)} == {"administrator", "process builder"}
    assert {name for name, actor in actors.items() if queries.administers(actor)} == {"administrator"}
    assert queries.sees_all(SYSTEM)
    assert queries.administers(SYSTEM)
    nobody = Actor(user_id=0)
    assert not queries.sees_all(nobody)
    with pytest.raises(Forbidden):
        policy.require_of_person(nobody, features.USERS)
    policy.require_of_person(SYSTEM, features.USERS)


def test_retired_accounts_are_seen_by_administrators_only(organisation: Organisation, actors: dict[str, Actor]) -> None:
    gone = organisation.accounts["robot"].user
    commands.set_active(gone, False, by=SYSTEM)
    assert queries.user(gone.guid, by=actors["administrator"]) == gone
    for guid in (gone.guid, ids.new_guid()):
        with pytest.raises(NotFound) as refusal:
            queries.user(guid, by=actors["team member"])
        assert refusal.value.code == "user_not_found"


def test_credentials_are_seen_by_their_user_and_administrators(actors: dict[str, Actor]) -> None:
    seen = {name: {row.name for row in queries.credentials_of(actor)} for name, actor in actors.items()}
    assert seen.pop("administrator") == {"Order import", "Ticket feed"}
    assert seen.pop("process builder") == {"Order import"}
    assert seen.pop("integrator") == {"Ticket feed"}
    assert not any(seen.values())
    credential = Credential.objects.get(name="Ticket feed")
    assert queries.credential(credential.guid, by=actors["integrator"]) == credential
    with pytest.raises(NotFound):
        queries.credential(credential.guid, by=actors["process builder"])


def test_which_credentials_count(organisation: Organisation) -> None:
    def valid() -> set[str]:
        return {row.name for row in Credential.objects.filter(queries.valid_credentials())}

    assert valid() == {"Order import", "Ticket feed"}
    commands.set_active(organisation.accounts["process builder"].user, False, by=SYSTEM)
    assert valid() == {"Ticket feed"}
    commands.revoke_credential(Credential.objects.get(name="Ticket feed"), by=SYSTEM)
    assert valid() == set()
    commands.set_active(organisation.accounts["process builder"].user, True, by=SYSTEM)
    with clock.frozen(Credential.objects.get(name="Order import").expires_at):
        assert valid() == set()


def test_roles_cost_two_queries(first: Customer) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert all([row.feature for row in role.features.all()] for role in queries.roles())
    assert len(asked) == 2
