"""Following work items (work-manager NOT-2) and focus lists (ITM-15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings

from tests.support.organisation import Customer, Organisation
from tests.support.recorded import recorded
from workwire.access import commands as access
from workwire.access import features
from workwire.kernel import clock
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from workwire.outbox import listener_feed
from workwire.outbox.models import FeedEntry
from workwire.rooms.following import commands, queries
from workwire.rooms.following.dropping import LISTENER
from workwire.rooms.following.models import FocusEntry, Follower
from workwire.rooms.work import commands as work
from workwire.rooms.work import queries as items
from workwire.rooms.work.models import Status, WorkItem

Make = Callable[[], WorkItem]


@pytest.fixture
def by(actors: dict[str, Actor]) -> Actor:
    """The team member."""
    return actors["team member"]


@pytest.fixture
def make(by: Actor, first: Customer) -> Make:
    """Make a ticket of the first customer."""
    category = first.category.guid
    return lambda: work.create_ticket(
        first.ticket_version.guid, by=by, title="Invoice", category_guid=category, submit=True
    )


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolved items may be reopened for a day."""
    monkeypatch.setattr(settings, "CONFIG", settings.CONFIG.model_copy(update={"feedback_window_hours": 24}))


def drop() -> None:
    """Let the listener read what happened."""
    while listener_feed.turn(LISTENER, clock.now()):
        pass
    assert not FeedEntry.objects.filter(listener=LISTENER.name).exists()


def focused(by: Actor) -> list[WorkItem]:
    """The items of a focus list in their order."""
    entries = list(queries.focus_list(by=by))
    assert sorted(entry.place for entry in entries) == [entry.place for entry in entries]
    return [entry.work_item for entry in entries]


def _refused(deed: Callable[[], object], kind: type[DomainError], code: str) -> None:
    with recorded() as found, pytest.raises(kind) as refusal:
        deed()
    assert refusal.value.code == code
    assert not found.events


def test_following_is_by_hand_and_no_change_of_the_item(make: Make, by: Actor, actors: dict[str, Actor]) -> None:
    """work-manager NOT-2, ASG-35."""
    item = make()
    with recorded() as found:
        for _ in range(2):
            commands.follow(item, by=by)
        assert (queries.followed_since(item, by=by) is None, list(queries.followed(by=by))) == (False, [item])
        for _ in range(2):
            commands.unfollow(item, by=by)
    assert found.names == ["WorkItemFollowed", "WorkItemUnfollowed"]
    assert (items.item(item.guid, by=by).version, items.item(item.guid, by=by).assignee_id) == (item.version, None)
    assert queries.followed_since(item, by=by) is None
    assert not queries.followed(by=actors["administrator"])


def test_nobody_follows_a_draft_a_closed_item_or_one_out_of_sight(
    make: Make, by: Actor, first: Customer, organisation: Organisation, actors: dict[str, Actor]
) -> None:
    """work-manager NOT-2: any state but Draft and Closed; permission needed."""
    draft = work.create_ticket(first.ticket_version.guid, by=by, title="x")
    _refused(lambda: commands.follow(draft, by=by), Conflict, "follow_not_possible")
    closed = work.resolve(make(), by=by)
    assert closed.status == Status.CLOSED
    _refused(lambda: commands.follow(closed, by=by), Conflict, "follow_not_possible")
    served = replace(by, features=frozenset({features.SELF_SERVICE}))
    item = make()
    _refused(lambda: commands.follow(item, by=served), Forbidden, "feature_missing")
    access.change_members(first.group, remove=[organisation.accounts["team member"].user], by=actors["administrator"])
    _refused(lambda: commands.follow(item, by=by), NotFound, "work_item_not_found")
    _refused(lambda: commands.focus(item, by=by), NotFound, "work_item_not_found")


@pytest.mark.usefixtures("window")
def test_a_closed_item_loses_its_followers_and_a_resolved_one_keeps_them(make: Make, by: Actor) -> None:
    """work-manager NOT-2."""
    item = make()
    commands.follow(item, by=by)
    item = work.resolve(item, by=by)
    drop()
    assert Follower.objects.count() == 1
    assert item.closes_on is not None
    with clock.frozen(item.closes_on + timedelta(seconds=1)):
        work.close_window(items.for_events().get(pk=item.pk), by=SYSTEM)
        assert queries.followers_of([item.pk]) == []  # before the listener has read it, too
        with recorded() as found:
            drop()
    assert (found.names, found.events[0].actor_id) == (["WorkItemUnfollowed"], None)
    assert not Follower.objects.exists()


def test_a_focus_list_is_ordered_by_hand(make: Make, by: Actor, actors: dict[str, Actor]) -> None:
    """work-manager ITM-15: any assignee; drag order."""
    one, two, three = make(), make(), make()
    for item in (one, two, three):
        commands.focus(item, by=by)
    assert focused(by) == [one, two, three]
    commands.focus(three, by=by, place=1)
    assert focused(by) == [three, one, two]
    commands.focus(three, by=by, place=2)
    assert focused(by) == [one, three, two]
    commands.focus(one, by=by, place=50)
    assert focused(by) == [three, two, one]
    with recorded() as found:
        commands.focus(one, by=by)
        commands.unfocus(make(), by=actors["administrator"])
    assert "FocusListChanged" not in found.names
    commands.unfocus(two, by=by)
    assert focused(by) == [three, one]
    assert not queries.focus_list(by=actors["administrator"])
    _refused(lambda: commands.focus(one, by=by, place=51), Invalid, "focus_place_invalid")


def test_a_focus_list_holds_fifty_items(make: Make, by: Actor) -> None:
    """work-manager ITM-15."""
    item, more = make(), make()
    rows = [make() for _ in range(3)]
    commands.focus(item, by=by)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "MOST_IN_FOCUS", 4)
        for row in rows:
            commands.focus(row, by=by)
        _refused(lambda: commands.focus(more, by=by), Conflict, "focus_list_full")
        commands.focus(item, by=by)  # which is on it
    assert queries.MOST_IN_FOCUS == 50


@pytest.mark.usefixtures("window")
def test_a_resolved_item_leaves_focus_lists_and_may_be_put_back(
    make: Make, by: Actor, actors: dict[str, Actor]
) -> None:
    """work-manager ITM-15: dropped on Resolved and Closed, may be added again by hand."""
    item, other = make(), make()
    for someone in (by, actors["administrator"]):
        commands.focus(item, by=someone)
        commands.focus(other, by=someone)
    work.resolve(item, by=by)
    drop()
    assert focused(by) == focused(actors["administrator"]) == [other]
    commands.focus(item, by=by)
    drop()
    assert focused(by) == [other, item]


@pytest.mark.usefixtures("window")
def test_an_item_that_was_reopened_or_put_back_before_the_listener_came_stays(make: Make, by: Actor) -> None:
    item, again = make(), make()
    commands.focus(item, by=by)
    work.reopen(work.resolve(item, by=by), by=by)
    work.resolve(again, by=by)
    commands.focus(again, by=by)
    drop()
    assert focused(by) == [item, again]


def test_what_one_sees_no_more_is_not_shown(
    make: Make, by: Actor, first: Customer, organisation: Organisation, actors: dict[str, Actor]
) -> None:
    item = make()
    commands.focus(item, by=by)
    commands.follow(item, by=by)
    access.change_members(first.group, remove=[organisation.accounts["team member"].user], by=actors["administrator"])
    assert focused(by) == list(queries.followed(by=by)) == []
    assert FocusEntry.objects.count() == 1


def test_what_one_sees_no_more_takes_no_place_on_the_focus_list(
    make: Make, by: Actor, first: Customer, second: Customer, organisation: Organisation, actors: dict[str, Actor]
) -> None:
    hidden = [make(), make()]
    category = second.category.guid
    own = [
        work.create_ticket(second.ticket_version.guid, by=by, title=title, category_guid=category, submit=True)
        for title in ("One", "Two", "Three")
    ]
    for item in (hidden[0], own[0], hidden[1]):
        commands.focus(item, by=by)
    user, admin = organisation.accounts["team member"].user, actors["administrator"]
    access.change_members(first.group, remove=[user], by=admin)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "MOST_IN_FOCUS", 2)
        commands.focus(own[1], by=by, place=1)
        _refused(lambda: commands.focus(own[2], by=by), Conflict, "focus_list_full")
    assert [(entry.work_item, entry.place) for entry in queries.focus_list(by=by)] == [(own[1], 1), (own[0], 2)]
    access.change_members(first.group, add=[user], by=admin)
    assert focused(by) == [own[1], own[0], *hidden]


def test_only_the_system_ends_what_others_follow(make: Make, by: Actor) -> None:
    item = make()
    commands.follow(item, by=by)
    _refused(lambda: commands.end_following(item, by=by), Forbidden, "system_only")
    _refused(lambda: commands.end_focus(item, by=by, until=clock.now()), Forbidden, "system_only")
    _refused(lambda: commands.follow(item, by=SYSTEM), Forbidden, "system_does_not_work")


def test_a_change_that_finishes_nothing_costs_no_row(make: Make, by: Actor) -> None:
    work.take(work.update(make(), title='"status":5', by=by), by=by)
    assert not FeedEntry.objects.filter(listener=LISTENER.name).exists()
