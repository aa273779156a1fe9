"""Cases, actions, sub-cases and tickets of the release before are families afterwards; nothing that they had is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.support.organisation import Customer, Organisation
from workwire.access import sessions
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.rooms.offering.models import ProcessType
from workwire.rooms.parties import tags
from workwire.rooms.parties.models import ContactTag
from workwire.rooms.work import commands, family_sight, queries
from workwire.rooms.work.models import ItemContact, WorkItem

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = ("work", "0018_news_to_get")


@pytest.fixture
def by(organisation: Organisation) -> Actor:
    """The administrator, who sees all."""
    return sessions.actor_for(organisation.accounts["administrator"].user)


@pytest.fixture
def old_models(transactional_db: None) -> Iterator[Any]:
    """The models of the release before; afterwards all migrations are applied again, whatever happened."""
    yield lambda: _migrated([BEFORE])
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def _migrated(targets: list[tuple[str, str]]) -> Any:
    MigrationExecutor(connection).migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


def _actions(case: WorkItem) -> list[WorkItem]:
    return list(WorkItem.objects.filter(parent=case.pk, kind=ProcessType.ACTION).order_by("pk"))


def _seen(item: WorkItem, by: Actor) -> dict[str, Any]:
    return family_sight.custom_data_shown(queries.item(item.guid, by=by), by=by)


def test_what_members_had_is_the_familys_and_the_last_change_counts(
    first: Customer, by: Actor, old_models: Any
) -> None:
    wish: dict[str, Any] = {"category_guid": first.category.guid, "submit": True}
    ticket = commands.create_ticket(first.ticket_version.guid, by=by, title="Chairs", **wish)
    alone = commands.create_ticket(first.ticket_version.guid, by=by, title="Lamp", **wish)
    case = commands.convert(ticket, first.case_version.guid, by=by)
    below = commands.launch_sub_case(case, first.case_version.guid, "Legs", by=by)
    deepest = commands.launch_sub_case(below, first.case_version.guid, "Screws", by=by)
    (one, two), (deep, _) = _actions(case), _actions(deepest)

    items, now = old_models().get_model("work", "WorkItem").objects, clock.now()
    had = [
        (ticket, {"Invoice": "of the ticket"}),
        (alone, {"Invoice": "alone"}),
        (case, {"Invoice": "of the case"}),
        (one, {"Invoice": "last", "Amount": 1}),
        (two, {"Amount": 2, "Hurry": "High"}),
        (deep, {"Urgency": "Low"}),
    ]
    for minutes, (item, data) in enumerate(reversed(had)):
        items.filter(pk=item.pk).update(custom_data=data, updated_at=now - timedelta(minutes=9 - minutes))
    items.filter(pk=one.pk).update(updated_at=now)
    items.filter(pk=ticket.pk).update(custom_data={"Invoice": "of the ticket", "Box": "given"})
    items.filter(pk=case.pk).update(custom_data={"Invoice": "of the case", "Box": "changed since"})
    _migrated(MigrationExecutor(connection).loader.graph.leaf_nodes())

    shared = {"Invoice": "last", "Amount": 1, "Hurry": "High", "Urgency": "Low", "Box": "changed since"}
    assert [_seen(item, by) for item in (ticket, case, one, two, below, deepest, deep)] == [shared] * 7
    assert _seen(alone, by) == {"Invoice": "alone"}
    families = dict(WorkItem.objects.values_list("pk", "family"))
    assert {families[item.pk] for item in (ticket, one, two, below, deepest, deep)} == {case.pk}
    assert {families[case.pk], families[alone.pk]} == {None}
    assert WorkItem.objects.get(pk=case.pk).data_origins == {"Urgency": deepest.pk}
    assert not WorkItem.objects.filter(family__isnull=False).exclude(custom_data={}).exists()


def test_contacts_of_actions_are_those_of_their_case(
    first: Customer, by: Actor, organisation: Organisation, old_models: Any
) -> None:
    case = commands.create_case(first.case_version.guid, by=by, title="Chairs", submit=True)
    one, two = _actions(case)
    primary, subject = (ContactTag.objects.get(built_in=name).pk for name in (tags.PRIMARY, tags.SUBJECT))
    mei, ada = (organisation.accounts[name].user.pk for name in ("team member", "administrator"))

    contacts, now = old_models().get_model("work", "ItemContact").objects, clock.now()
    for item, user, held in [
        (case, mei, [primary]),
        (one, mei, [subject]),
        (one, ada, [primary]),
        (two, ada, []),
    ]:
        row = contacts.create(item_id=item.pk, user_id=user, added_by_id=mei, added_at=now)
        row.tags.set(held)
    _migrated(MigrationExecutor(connection).loader.graph.leaf_nodes())

    kept = ItemContact.objects.order_by("pk")
    assert [(row.item_id, row.user_id) for row in kept] == [(case.pk, mei), (case.pk, ada)]
    assert [sorted(row.tags.values_list("pk", flat=True)) for row in kept] == [sorted([primary, subject]), []]
