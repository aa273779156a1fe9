"""ComposedQuery queries say what the composed ones say, whoever asks, and lend nobody the sight of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Customer, Organisation
from tests.support.world import Subscribe
from workwire.access import commands as access
from workwire.kernel import ids
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import NotFound
from workwire.rooms.work import commands, queries
from workwire.rooms.work.commands.changing import locked
from workwire.rooms.work.models import WorkItem

Open = Callable[..., WorkItem]


def _seen(guid: object, by: Actor) -> tuple[object, ...] | None:
    try:
        item = queries.item(guid, by=by)  # type: ignore[arg-type] # GUIDs of items
    except NotFound:
        return None
    return item.pk, item.customer.name, item.started_by and item.started_by.username, item.version, item.sequence  # type: ignore[attr-defined] # annotated


def test_everybody_sees_what_a_list_shows_them(
    organisation: Organisation, actors: dict[str, Actor], first: Customer, second: Customer, open_ticket: Open
) -> None:
    items = [open_ticket(), open_ticket(second), open_ticket(title="Another")]
    commands.update(items[0], by=actors["team member"], title="Changed")
    answers = set()
    for _ in range(2):
        for who, actor in {**actors, "system": SYSTEM}.items():
            listed = {item.guid: item for item in queries.items_visible_to(actor)}
            for guid in (*(item.guid for item in items), ids.new_guid()):
                item = listed.get(guid)
                wanted = item and (
                    item.pk,
                    item.customer.name,
                    item.started_by and item.started_by.username,
                    item.version,
                    item.sequence,  # type: ignore[attr-defined] # annotated
                )
                assert _seen(guid, actor) == wanted, who
                answers.add(wanted is None)
        user = organisation.accounts["integrator"].user
        access.change_members(first.group, remove=[user], by=actors["administrator"])
    assert answers == {True, False}


def test_it_is_composed_once_for_all_accounts_of_a_kind(open_ticket: Open, actors: dict[str, Actor]) -> None:
    built: list[Actor] = []

    def build(by: Actor, *, guid: object) -> QuerySet[WorkItem]:
        built.append(by)
        return queries.visible(WorkItem.objects.filter(guid=guid), by)

    kept, items = ComposedQuery(build), [open_ticket(), open_ticket()]
    one, other = (
        actors["team member"],
        Actor(user_id=-1, user_type=actors["team member"].user_type, features=actors["team member"].features),
    )
    for item in items:
        with CaptureQueriesContext(connection) as asked:
            assert kept(one, guid=item.guid) == [item]
            assert kept(other, guid=item.guid) == []
        assert len(asked) == 2
    assert len(built) == 1
    assert built[0].user_id not in (one.user_id, other.user_id)


def test_a_credential_makes_no_shape_of_its_own(open_ticket: Open, actors: dict[str, Actor]) -> None:
    """There may be thousands; what an actor may do with one is in its features."""
    built: list[Actor] = []

    def build(by: Actor, *, guid: object) -> QuerySet[WorkItem]:
        built.append(by)
        return queries.visible(WorkItem.objects.filter(guid=guid), by)

    kept, item = ComposedQuery(build), open_ticket()
    for credential in (None, 7, 8):
        assert kept(replace(actors["team member"], credential_id=credential), guid=item.guid) == [item]
    assert [by.credential_id for by in built] == [None]
    kept(replace(actors["team member"], credential_id=7, features=frozenset()), guid=item.guid)
    assert len(built) == 2


def test_a_value_that_is_not_passed_on_is_refused(db: None) -> None:
    kept: ComposedQuery[WorkItem] = ComposedQuery(lambda _by, *, guid: WorkItem.objects.filter(version=1))
    with pytest.raises(LookupError, match="guid"):
        kept(SYSTEM, guid=ids.new_guid())
    with pytest.raises(TypeError):
        kept(SYSTEM, guid=1.5)


@pytest.mark.django_db(transaction=True)
def test_a_lock_needs_a_transaction_also_when_kept(
    subscribe: Subscribe, open_ticket: Open, actors: dict[str, Actor]
) -> None:
    ticket = open_ticket()
    commands.update(ticket, by=actors["team member"], title="Locked once rightly")
    if connection.features.has_select_for_update:
        with pytest.raises(TransactionManagementError):
            locked(ticket.pk, by=actors["team member"])
