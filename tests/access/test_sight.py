"""What an account sees, and why: whatever an account holds and is granted, explanation, lists and messages agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Q
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.organisation import Customer, Organisation
from tests.web import gallery
from workwire.access import commands, features, queries, sessions, sight
from workwire.access.models import User
from workwire.access.sight import filter_objects
from workwire.kernel import ids
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import DomainError, Forbidden, NotFound
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import rights
from workwire.rooms.offering import commands as offering
from workwire.rooms.offering import queries as offers
from workwire.rooms.offering.models import Schedule
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries as items

KINDS = {"company", "contract", "service", "contact", "process", "schedule", "work_item", "queue"}
HELD = (
    features.WORK_ITEMS,
    features.SELF_SERVICE,
    features.ALL_RECORDS,
    features.ASSIGN_WORK,
    features.COMPANIES,
    features.SCHEDULES,
    features.QUEUES,
)


@pytest.fixture
def records(organisation: Organisation, actors: dict[str, Actor], open_ticket: Callable[..., Any]) -> set[UUID]:
    """Records of every kind, of both customers and of none."""
    first, second = organisation.customers
    for customer in (first, second):
        open_ticket(customer)
        parties.create_contact(f"x@{customer.company.pk}.example", company=customer.company, by=actors["administrator"])
    below = parties.create_company("Willow North", parent=first.company, by=actors["administrator"])
    parties.create_contact("everybody@example.org", by=actors["administrator"])
    process = first.case_version.process
    schedule = Schedule.objects.get()
    offering.create_version(process, schedule=schedule, by=actors["administrator"])
    assert {kind.name for kind in sight.kinds()} == KINDS
    found = {row.guid for kind in sight.kinds() for row in kind.visible(SYSTEM)}
    assert below.guid in found
    return found


def _agreed(one: sight.Explanation) -> bool:
    allows = any(reason.holds for reason in one.reasons if not reason.limits)
    return allows and all(reason.holds for reason in one.reasons if reason.limits)


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_explanation_lists_and_messages_agree_whatever_an_account_holds(
    records: set[UUID], organisation: Organisation, data: st.DataObject
) -> None:
    """Every combination of features, data permissions, membership and retirement decides the same everywhere."""
    first, second = organisation.customers
    name = ids.new_guid().hex
    held = data.draw(st.sets(st.sampled_from(HELD)), label="features")
    role = commands.create_role(name, features.OPERATIONAL, held, by=SYSTEM)
    user = commands.create_user(name, "", [role], by=SYSTEM)
    targets: dict[str, Any] = {
        "company": first.company,
        "contract": first.contract,
        "service": second.service,
        "process": first.case_version.process,
    }
    if data.draw(st.booleans(), label="in a group"):
        group = commands.create_group(name, [user], by=SYSTEM)
        for level in data.draw(st.sets(st.sampled_from(sorted(targets))), label="permissions"):
            commands.grant(group, level, targets[level], by=SYSTEM)
    queue = first.queue
    if data.draw(st.booleans(), label="manager of the queue"):
        work.update_queue(queue, managers=[*queue.managers.all(), user], by=SYSTEM)
    actor = sessions.actor_for(user)
    if data.draw(st.booleans(), label="started something") and actor.has(features.SELF_SERVICE):
        _start(first, actor)
    if data.draw(st.integers(0, 4), label="retired") == 0:
        commands.set_active(user, False, by=SYSTEM)
        user.refresh_from_db()
    for kind in sight.kinds():
        visible = set(kind.visible(actor).values_list("guid", flat=True))
        for row in kind.visible(SYSTEM):
            told = sight.explain(kind.name, row.guid, of=user, by=SYSTEM)
            assert told.sees == _agreed(told) == (user.is_active and row.guid in visible), (kind.name, told)
            assert all(reason.said for reason in told.reasons), told
        total = next(one for one in sight.sums(of=user, by=SYSTEM) if one.kind == kind.name)
        assert total.seen == (len(visible) if user.is_active else 0)
    _assert_messages_agree(user, actor)


def _start(customer: Customer, actor: Actor) -> None:
    try:
        work.create_ticket(customer.ticket_version.guid, by=actor, title="mine")
    except DomainError:
        return  # it does not see the process


def _assert_messages_agree(user: User, actor: Actor) -> None:
    """What the check before every message says of events, and of filter objects, is what is explained."""
    rows = {
        ObjectType.COMPANY: "company",
        ObjectType.CONTRACT: "contract",
        ObjectType.SERVICE: "service",
        ObjectType.PACKET: "work_item",
        ObjectType.SCHEDULE: "schedule",
    }
    bound = queries.sees_all(actor) or not actor.has(features.SELF_SERVICE) or actor.has(features.WORK_ITEMS)
    for kind in filter_objects():
        name = rows[kind.type]
        for row in sight.kind(name).visible(SYSTEM):
            told = sight.explain(name, row.guid, of=user, by=SYSTEM)
            permitted = kind.with_guid(row.guid).filter(kind.seen_by(user.pk)).exists() or queries.sees_all(actor)
            assert permitted == any(reason.holds for reason in told.reasons if not reason.limits), (name, told)
            events = Event.objects.filter(record_guid=row.guid, record_type__in=kind.records)
            if bound and user.is_active and events.exists():
                sent = Event.objects.filter(Q(rights.seen_by(actor, event="")), pk__in=events.values("pk")).exists()
                assert sent == told.sees, (name, told)


def test_reasons_name_roles_groups_and_objects(organisation: Organisation, first: Customer, second: Customer) -> None:
    tomas, bea = (organisation.accounts[who].user for who in ("team member", "process builder of one company"))
    by_group = sight.explain("work_item", _ticket(organisation, first), of=tomas, by=SYSTEM)
    said = [str(one) for reason in by_group.reasons if reason.holds for one in reason.said]
    assert "The group 'Willow Clinics people' has a data permission on the company 'Willow Clinics'." in said
    denied = sight.explain("contract", first.contract.guid, of=bea, by=SYSTEM)
    assert not denied.sees
    assert [str(one) for reason in denied.reasons if not reason.holds for one in reason.said] == [
        "No role of the account holds one of these features: Administer everything, See all records.",
        "No data permission of its groups covers it or what lies above it. Its groups: Alder Tools people.",
    ]
    by_role = sight.explain("company", second.company.guid, of=organisation.accounts["administrator"].user, by=SYSTEM)
    assert "The role 'Administrator' holds the feature 'Administer everything'." in [
        str(one) for reason in by_role.reasons for one in reason.said
    ]


def _ticket(organisation: Organisation, customer: Customer) -> UUID:
    by = sessions.actor_for(organisation.accounts["team member"].user)
    return work.create_ticket(customer.ticket_version.guid, by=by, title="x").guid


def test_self_service_is_told_whose_work_it_is(organisation: Organisation, first: Customer) -> None:
    sam = gallery.accounts(organisation)["self service"].user
    told = sight.explain("work_item", _ticket(organisation, first), of=sam, by=SYSTEM)
    assert not told.sees
    assert str(told.reasons[-1].said[0]).endswith("this was started by Tomas Sato.")
    own = work.create_ticket(first.ticket_version.guid, by=sessions.actor_for(sam), title="mine")
    assert sight.explain("work_item", own.guid, of=sam, by=SYSTEM).sees


def test_nobody_learns_of_records_out_of_its_own_sight(
    organisation: Organisation, actors: dict[str, Actor], first: Customer, second: Customer
) -> None:
    role = commands.create_role("Clerk", features.BUILDER, [features.USERS], by=SYSTEM)
    member = queries.roles().get(name="Team Member")
    clerk = commands.create_user("clerk", "", [member, role], by=SYSTEM)
    commands.change_members(second.group, add=[clerk], by=SYSTEM)
    by, tomas = sessions.actor_for(clerk), organisation.accounts["team member"].user
    assert sight.explain("company", second.company.guid, of=tomas, by=by).sees
    for kind, guid in (("company", first.company.guid), ("company", ids.new_guid()), ("galaxy", ids.new_guid())):
        with pytest.raises(NotFound):
            sight.explain(kind, guid, of=tomas, by=by)
    totals = {one.kind: one for one in sight.sums(of=tomas, by=by)}
    assert (totals["company"].seen, totals["company"].of) == (1, 1)
    assert [one.name for one in sight.find("company", "", of=tomas, by=by)] == ["Alder Tools"]
    for asked in (
        lambda: sight.sums(of=tomas, by=actors["team member"]),
        lambda: sight.find("company", "", of=tomas, by=actors["team member"]),
        lambda: sight.explain("company", first.company.guid, of=tomas, by=actors["team member"]),
    ):
        with pytest.raises(Forbidden):
            asked()


def test_a_reason_names_no_object_that_the_asking_account_does_not_see(
    organisation: Organisation, first: Customer
) -> None:
    role = commands.create_role("Clerk", features.BUILDER, [features.USERS], by=SYSTEM)
    held = [queries.roles().get(name="Team Member"), role]
    asking = commands.create_user("clerk", "Cleo Clerk", held, by=SYSTEM)
    group = commands.create_group("One contract", by=SYSTEM)
    commands.change_members(group, add=[asking], by=SYSTEM)
    commands.grant(group, "contract", first.contract, by=SYSTEM)
    tomas = organisation.accounts["team member"].user

    def said(by: Actor) -> list[str]:
        found = sight.explain("contract", first.contract.guid, of=tomas, by=by)
        return [one.sentence() for reason in found.reasons if reason.code == "permission" for one in reason.said]

    named = f"on the company '{first.company.name}'"
    assert named in str(said(SYSTEM))
    assert named not in str(said(sessions.actor_for(asking)))
    assert "that you do not see" in str(said(sessions.actor_for(asking)))


def test_the_api_explains(organisation: Organisation, first: Customer) -> None:
    bea = organisation.accounts["process builder of one company"].user
    headers = {"Authorization": f"Bearer {organisation.accounts['administrator'].log_in()}", "Accept-Language": "de"}
    address = f"/api/v1/users/{bea.guid}/sight"
    sums = {one["kind"]: one for one in Client().get(address, headers=headers).json()["items"]}
    assert sums["company"] == {"kind": "company", "seen": 1, "of": 3, "more": False}
    told = Client().get(f"{address}/company/{first.company.guid}", headers=headers).json()
    assert (told["sees"], told["name"]) == (False, "Willow Clinics")
    assert {reason["rule"] for reason in told["reasons"]} == {"account_active", "all_records", "permission"}
    assert items.items_visible_to(SYSTEM).count() == 0
    assert offers.processes_visible_to(SYSTEM).count() == 4
    assert Client().get(f"{address}/galaxy/{first.company.guid}", headers=headers).status_code == 422
