"""The events an actor may see: by record, kind, account and time, in whole pages, never what lies out of its sight."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.organisation import Customer, Organisation
from workwire.access import commands as access
from workwire.access import features, sessions
from workwire.access import queries as accounts
from workwire.access.models import Role
from workwire.kernel import ids
from workwire.kernel.actor import SYSTEM, Actor, UserType
from workwire.kernel.errors import Forbidden, NotFound
from workwire.kernel.wording import wordings
from workwire.outbox import event_pages, ledger
from workwire.outbox.event_pages import Wanted
from workwire.outbox.models import Event
from workwire.outbox.objects import ObjectType
from workwire.outbox.registry import AUDITED, Area, event_types, names_about_people, names_of
from workwire.reactions.webhooks import commands as webhooks
from workwire.reactions.webhooks import explorer
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.effort import commands as effort
from workwire.rooms.following import commands as following
from workwire.rooms.parties import commands as parties
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries
from workwire.rooms.work.models import WorkItem

NARROW = "process builder of one company"


def _ticket(customer: Customer, by: Actor, title: str = "Unpaid") -> WorkItem:
    return work.create_ticket(
        customer.ticket_version.guid, by=by, title=title, category_guid=customer.category.guid, submit=True
    )


def _all(wanted: Wanted, by: Actor, limit: int = 3) -> list[Event]:
    """Every page, each of which is whole but the last."""
    found: list[Event] = []
    cursor: str | None = None
    while True:
        part = explorer.page(wanted, by=by, limit=limit, cursor=cursor)
        found += part.rows
        cursor = part.next_cursor
        if cursor is None:
            return found
        assert len(part.rows) == limit


@pytest.fixture
def happened(organisation: Organisation, actors: dict[str, Actor]) -> dict[str, WorkItem]:
    """A ticket of each customer, changed and spoken of, and a change of each company."""
    member, admin = actors["team member"], actors["administrator"]
    made = {}
    for name, customer in zip(("first", "second"), organisation.customers, strict=True):
        made[name] = ticket = _ticket(customer, member, f"Of the {name}")
        conversations.add(ticket, by=member, body="Called.")
        work.update(ticket, by=admin, title=f"Of the {name}, changed")
        parties.update_company(customer.company, by=admin, description=f"The {name}.")
    return made


def test_everybody_finds_the_events_of_what_they_see_and_no_others(
    organisation: Organisation, actors: dict[str, Actor], happened: dict[str, WorkItem]
) -> None:
    _, second = organisation.customers
    found = _all(Wanted(), actors[NARROW])
    ticket = happened["second"]
    assert {event.work_item_guid for event in found if event.record_type == ObjectType.PACKET} == {ticket.guid}
    assert {event.record_guid for event in found if event.record_type == ObjectType.COMPANY} == {second.company.guid}
    assert [event.pk for event in found] == sorted((event.pk for event in found), reverse=True)
    everything = Event.objects.filter(work_item_guid=ticket.guid)
    assert {event.pk for event in everything} <= {event.pk for event in found}
    others = Event.objects.exclude(pk__in=[event.pk for event in found])
    for event in others:
        with pytest.raises(NotFound):
            explorer.event(event.guid, by=actors[NARROW])
    assert explorer.event(found[0].guid, by=actors[NARROW]) == found[0]
    assert not {event.name for event in found} & set(names_of(Area.SIGN_INS, Area.RIGHTS, Area.SETTINGS))


def test_a_permission_on_one_process_shows_the_events_of_its_items_only(
    organisation: Organisation, actors: dict[str, Actor], happened: dict[str, WorkItem]
) -> None:
    first, _ = organisation.customers
    admin = actors["administrator"]
    case = work.create_case(first.case_version.guid, by=actors["team member"], title="Other process", submit=True)
    group, user = access.create_group("Cases", by=admin), organisation.accounts[NARROW].user
    access.grant(group, "process", first.case_version.process, by=admin)
    access.change_members(group, add=[user], by=admin)
    access.change_members(organisation.customers[1].group, remove=[user], by=admin)
    by = sessions.actor_for(user)
    found = _all(Wanted(), by, limit=1)
    items = {event.work_item_guid for event in found if event.work_item_guid}
    assert items == set(queries.items_visible_to(by).values_list("guid", flat=True))
    assert case.guid in items


def test_who_sees_all_records_finds_no_events_of_accounts_without_the_audit(
    actors: dict[str, Actor], happened: dict[str, WorkItem]
) -> None:
    by = actors["process builder"]
    assert accounts.sees_all(by)
    found = _all(Wanted(), by, limit=20)
    assert {ticket.guid for ticket in happened.values()} <= {event.work_item_guid for event in found}
    assert {event.record_type for event in found} <= {
        ObjectType.PACKET,
        ObjectType.COMMUNICATION,
        ObjectType.COMPANY,
        ObjectType.SCHEDULE,
        ObjectType.SUBSCRIPTION,
    }
    secret = Event.objects.filter(name="CredentialCreated")[0]
    assert _all(Wanted(names=["CredentialCreated"]), by) == []
    assert _all(Wanted(record=secret.record_guid), by) == []
    assert secret in _all(Wanted(names=["CredentialCreated"]), actors["administrator"])


def test_filters_narrow_by_record_kind_account_and_time(
    organisation: Organisation, actors: dict[str, Actor], happened: dict[str, WorkItem]
) -> None:
    ticket, member = happened["first"], organisation.accounts["team member"].user
    for who in ("administrator", "team member"):
        by = actors[who]
        of_item = _all(Wanted(record=ticket.guid), by)
        assert {event.work_item_guid for event in of_item} == {ticket.guid}
        assert {event.name for event in of_item} == {"WorkItemCreated", "WorkItemUpdated", "NewCommunication"}
        (said,) = _all(Wanted(record=ticket.guid, names=["NewCommunication"]), by)
        assert _all(Wanted(record=said.record_guid), by) == [said]
        mine = _all(Wanted(account=member.pk), by)
        assert {event.actor_id for event in mine} == {member.pk}
        assert said in mine
        assert {event.name for event in _all(Wanted(names=["NewCommunication"]), by)} == {"NewCommunication"}
        assert _all(Wanted(names=["NewCommunication"], account=member.pk, record=ticket.guid), by) == [said]
        assert _all(Wanted(since=said.occurred_at, until=said.occurred_at + timedelta(microseconds=1)), by) == [said]
        assert _all(Wanted(until=said.occurred_at, record=said.record_guid), by) == []
        assert _all(Wanted(account=accounts.NO_ACCOUNT), by) == []
    assert {event.actor_id for event in _all(Wanted(account=event_pages.SYSTEM), actors["administrator"])} == {None}


def test_a_guess_asks_as_many_queries_as_what_may_not_be_seen(
    actors: dict[str, Actor], happened: dict[str, WorkItem]
) -> None:
    by, hidden = actors[NARROW], happened["first"]

    def count(guid: Any) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert explorer.page(Wanted(record=guid), by=by).rows == []
        return len(asked)

    count(hidden.guid)  # what is kept of the first time
    for number in range(60):  # more than a page of it
        work.update(hidden, by=actors["administrator"], title=f"Changed {number} times")
    assert count(hidden.guid) == count(ids.new_guid())


def test_a_page_is_whole_where_few_of_many_may_be_seen(
    organisation: Organisation, actors: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what is seen is too much to be walked place by place."""
    monkeypatch.setattr(event_pages, "MOST_PLACES", 0)
    first, second = organisation.customers
    member = actors["team member"]
    wanted = [_ticket(second, member).guid for _ in range(2)]
    for _ in range(12):
        _ticket(first, member)
    wanted += [_ticket(second, member).guid for _ in range(2)]
    found = _all(Wanted(names=["WorkItemCreated"]), actors[NARROW], limit=1)
    assert [event.record_guid for event in found] == wanted[::-1]


def test_owners_find_the_events_of_their_subscriptions_and_where_an_event_was_sent(
    organisation: Organisation, actors: dict[str, Actor]
) -> None:
    owner, other = actors[NARROW], actors["process builder"]
    terms = webhooks.Terms(1, "https://hooks.example/x", ObjectType.COMPANY, organisation.customers[1].company.guid)
    subscription, _secret = webhooks.subscribe(terms, by=owner)
    (made,) = _all(Wanted(record=subscription.guid), owner)
    assert made.name == "SubscriptionCreated"
    assert _all(Wanted(record=subscription.guid), other) == []
    webhooks.unsubscribe(subscription.guid, by=owner)
    assert _all(Wanted(record=subscription.guid), owner)[0].name == "SubscriptionEnded"


def test_in_self_service_nobody_explores(organisation: Organisation, actors: dict[str, Actor]) -> None:
    role = list(Role.objects.filter(name="Self Service"))
    user = access.create_user("sam", "Sam", role, user_type=UserType.SELF_SERVICE, by=actors["administrator"])
    by = sessions.actor_for(user)
    with pytest.raises(Forbidden):
        explorer.page(Wanted(), by=by)
    with pytest.raises(Forbidden):
        explorer.event(Event.objects.all()[0].guid, by=by)


def test_every_kind_of_event_has_an_area_and_words() -> None:
    assert {body.area for body in event_types().values()} == set(Area)
    assert [name for name in event_types() if f"event_kind.{name}" not in wordings()] == []
    assert set(names_of(*AUDITED, Area.WORK, Area.DATA)) == set(event_types())


def test_the_audit_keeps_where_what_is_audited_came_from_and_no_address_of_the_work(
    organisation: Organisation, actors: dict[str, Actor]
) -> None:
    admin = replace(actors["administrator"], address="198.51.100.7")
    access.create_group("Night shift", by=admin)
    ticket = _ticket(organisation.customers[0], replace(actors["team member"], address="198.51.100.8"))
    (group,) = accounts.audit(Wanted(names=["UserGroupCreated"]), by=admin, limit=1).rows
    assert group.address == "198.51.100.7"
    assert {event.address for event in ledger.history(ticket.guid)} == {None}
    with pytest.raises(Forbidden):
        accounts.audit(Wanted(), by=actors["process builder"])
    assert accounts.audit(Wanted(), by=SYSTEM).rows


def test_what_people_do_at_an_item_is_told_in_its_history_to_who_works(
    happened: dict[str, WorkItem], actors: dict[str, Actor]
) -> None:
    item, works, builder = happened["first"], actors["team member"], actors["process builder"]
    builds = replace(builder, features=builder.features - {features.WORK_ITEMS, features.AUDIT})
    following.follow(item, by=works)
    effort.stop(effort.start(item, by=works), by=works)
    people = {"TimeSessionEnded", "TimeSessionStarted", "WorkItemFollowed"}
    assert people <= set(names_about_people())
    for who, in_history, found in (
        (works, people, set()),
        (actors["administrator"], people, people),
        (builds, set(), set()),
    ):
        history = {event.name for event in queries.history(item.guid, by=who)}
        explored = {event.name for event in _all(Wanted(record=item.guid), who, limit=50)}
        assert history & explored >= {"WorkItemCreated", "WorkItemUpdated"}
        assert (history & people, explored & people) == (in_history, found)
