"""The listener that writes notices: from events to the accounts they concern.

Who is concerned is read from the event where it says so (who was assigned), else from the record as it is now: what waited in
the feed meanwhile is told to those who can still do something about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from workwire.access import sessions
from workwire.access.models import User
from workwire.kernel.actor import Actor, UserType
from workwire.outbox.listeners import Listener
from workwire.outbox.models import Event
from workwire.reactions.notices.models import Kind, Notice, Reason, UnwantedKind
from workwire.reactions.webhooks import queries as webhooks
from workwire.rooms.conversations import commands as conversations
from workwire.rooms.following import queries as following
from workwire.rooms.work import policy
from workwire.rooms.work import queries as work
from workwire.rooms.work.models import WorkItem

_ADDED_FILE = re.compile(r'"record":"ItemFile","key":"[^"]*","new"')  # not one that was there
_HOLDER = re.compile(r'"(?:assignee|owner)_id":(\d+)')  # texts in JSON have no bare quotes
_KIND = re.compile(r'"kind":(\d+)')
_OF_ITEMS = ("WorkItemCreated", "WorkItemUpdated")
_OF_SUBSCRIPTIONS = {
    "SubscriptionPaused": (Kind.SUBSCRIPTION_PAUSED, "Reason", "why"),
    "EndpointFailing": (Kind.ENDPOINT_FAILING, "Reason", "why"),
    "SubscriptionSecretExpiring": (Kind.SECRET_EXPIRING, "ValidUntil", "valid_until"),
    "SubscriptionCertificateExpiring": (Kind.CERTIFICATE_EXPIRING, "ValidUntil", "valid_until"),
}  # by event: the kind of notice, and the key of the body that goes with it under another name
_HANDED_OVER = "SubscriptionHandedOver"


@dataclass(frozen=True, slots=True)
class _Concerned:
    """An account that an event concerns, before its rights and wishes are asked."""

    account: int
    kind: Kind
    reason: Reason
    event: Event
    parameters: dict[str, Any] = field(default_factory=dict)

    def notice(self) -> Notice:
        """What it is told."""
        of_subscription = self.reason == Reason.SUBSCRIBER
        return Notice(
            account_id=self.account,
            event=self.event,
            kind=self.kind,
            reason=self.reason,
            parameters=self.parameters,
            work_item_guid=self.event.work_item_guid,
            subscription_guid=self.event.record_guid if of_subscription else None,
            occurred_at=self.event.occurred_at,
        )


def narrowed(event: Event) -> bool:
    """Leave out communications that do not come in, and all changes of work items but these: somebody else is the assignee,
    a due date passed, a file was added, a case needs attention."""
    changes = event.changes or ""
    if event.name in _OF_ITEMS:
        others = (int(account) != event.actor_id for account in _HOLDER.findall(changes))
        has_file = event.name == "WorkItemUpdated" and _ADDED_FILE.search(changes) is not None
        return has_file or '"due_passed":true' in changes or '"attention":{' in changes or any(others)
    if event.name != "NewCommunication" or _is_copy(event):  # what kind a copy is of stands in its body only
        return True
    return any(int(kind) in conversations.INCOMING for kind in _KIND.findall(changes))


def find(events: Sequence[Event], _now: datetime) -> list[Notice]:
    """The notices of a batch of events."""
    items = _items(events)
    followers = _Followers(items)
    concerned = [one for event in events for one in _concerned(event, items, followers)]
    accounts = {
        user.pk: user for user in User.objects.filter(pk__in={one.account for one in concerned}, is_active=True)
    }
    unwanted = set(UnwantedKind.objects.filter(account__in=accounts).values_list("account_id", "kind"))
    told: dict[tuple[int, int], Notice] = {}
    sight = _Sight(items)
    for one in concerned:
        user = accounts.get(one.account)
        if user is None or user.user_type == UserType.ROBOT or (user.pk, one.kind) in unwanted:
            continue
        if sight.covers(user, one):
            told.setdefault((one.event.pk, user.pk), one.notice())
    return list(told.values())


def tell(notices: Sequence[Notice], _now: datetime) -> None:
    """Write notices."""
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


LISTENER = Listener(
    "notices",
    frozenset({*_OF_ITEMS, "NewCommunication", *_OF_SUBSCRIPTIONS, _HANDED_OVER}),
    tell,
    narrowed=narrowed,
    find=find,
)


class _Sight:
    """What accounts may see of a batch, asked once for each."""

    def __init__(self, items: dict[UUID, WorkItem]) -> None:
        self._items = items
        self._actors: dict[int, Actor] = {}
        self._visible: dict[int, set[UUID]] = {}

    def covers(self, user: User, one: _Concerned) -> bool:
        """Whether an account may see what an event is about."""
        if user.pk not in self._actors:
            self._actors[user.pk] = sessions.actor_for(user)
        if one.reason == Reason.FORMER_SUBSCRIBER:
            return True
        if one.event.work_item_guid is None:
            return webhooks.may_see_own(self._actors[user.pk])
        if _is_copy(one.event) and policy.in_self_service(self._actors[user.pk]):
            return False  # there one sees what was said at what one asked for
        if user.pk not in self._visible:
            items = work.visible(WorkItem.objects.filter(guid__in=self._items), self._actors[user.pk])
            self._visible[user.pk] = set(items.values_list("guid", flat=True))
        return one.event.work_item_guid in self._visible[user.pk]


class _Followers:
    """Who follows the items of a batch, and the cases above them; asked for once."""

    def __init__(self, items: dict[UUID, WorkItem]) -> None:
        self._of: dict[int, list[int]] = {}
        wanted = {pk for item in items.values() for pk in (item.pk, item.parent_id) if pk is not None}
        for item, account in following.followers_of(wanted):
            self._of.setdefault(item, []).append(account)

    def of(self, item: WorkItem, *, above: bool = False) -> list[int]:
        """The accounts that follow an item, with `above` also those that follow what it belongs to."""
        own = self._of.get(item.pk, [])
        return own + self._of.get(item.parent_id, []) if above and item.parent_id is not None else own


def _is_copy(event: Event) -> bool:
    """Whether an event announces at an item what was said at a ticket that went into it: nothing was written for it."""
    return event.name == "NewCommunication" and (event.changes or "[]") == "[]"


def _items(events: Sequence[Event]) -> dict[UUID, WorkItem]:
    guids = {event.work_item_guid for event in events if event.work_item_guid is not None}
    return {item.guid: item for item in WorkItem.objects.filter(guid__in=guids)}


def _concerned(event: Event, items: dict[UUID, WorkItem], followers: _Followers) -> Iterator[_Concerned]:
    """The accounts an event concerns, the one that did it left out."""
    if event.name == _HANDED_OVER:
        found = _of_hand_over(event)
    elif event.name in _OF_SUBSCRIPTIONS:
        found = _of_subscription(event)
    elif event.work_item_guid not in items:
        found = iter(())
    else:
        told_by = _of_communication if event.name == "NewCommunication" else _of_item
        found = told_by(event, items[event.work_item_guid], followers)
    return (one for one in found if one.account != event.actor_id)


def _of_item(event: Event, item: WorkItem, followers: _Followers) -> Iterator[_Concerned]:
    about = {"reference": item.reference, "title": item.title}
    by = event.actor.full_name if event.actor else None
    for change in orjson.loads(event.changes or "[]"):
        new = change.get("new") or {}
        if change["record"] == "ItemFile" and change.get("old") is None and event.name == "WorkItemUpdated":
            told = about | {"by": by, "file_name": new["file_name"]}
            yield from _of_people(item, followers.of(item), Kind.FILE_ADDED, event, told)
        if change["record"] != "WorkItem" or change["key"] != str(item.guid):
            continue
        if new.get("attention"):  # before the assignment that comes with it
            yield from _of_people(item, followers.of(item), Kind.ATTENTION, event, about)
        yield from _of_giving(event, new, change.get("old") or {}, about | {"by": by})
        if new.get("due_passed"):
            due = orjson.loads(event.body)["DueDate"]
            people = followers.of(item, above=True)
            yield from _of_people(item, people, Kind.OVERDUE, event, about | {"due_date": due})


def _of_giving(event: Event, new: dict[str, Any], old: dict[str, Any], about: dict[str, Any]) -> Iterator[_Concerned]:
    """Who got an item, unless that one had it before: what waits has an owner, and comes back to it."""
    had = {old.get("assignee_id"), old.get("owner_id"), None}
    for column, reason in (("assignee_id", Reason.ASSIGNEE), ("owner_id", Reason.OWNER)):
        if new.get(column) not in had:
            yield _Concerned(new[column], Kind.ASSIGNED, reason, event, about)


def _of_communication(event: Event, item: WorkItem, followers: _Followers) -> Iterator[_Concerned]:
    body = orjson.loads(event.body)
    if body["CommunicationType"] in conversations.INCOMING:
        about = {"reference": item.reference, "title": item.title, "sender": body["Sender"], "subject": body["Subject"]}
        told = about | {"communication": body["GUID"]}
        yield from _of_people(item, followers.of(item), Kind.COMMUNICATION, event, told)


def _of_people(
    item: WorkItem, followers: Iterable[int], kind: Kind, event: Event, about: dict[str, Any]
) -> Iterator[_Concerned]:
    """Who has an item, owns it or follows it; who does several of these is told as the first."""
    if item.assignee_id is not None:
        yield _Concerned(item.assignee_id, kind, Reason.ASSIGNEE, event, about)
    if item.owner_id is not None:
        yield _Concerned(item.owner_id, kind, Reason.OWNER, event, about)
    for account in followers:
        yield _Concerned(account, kind, Reason.FOLLOWER, event, about)


def _of_subscription(event: Event) -> Iterator[_Concerned]:
    owner = webhooks.owner_of(event.record_guid)
    if owner is not None:
        body = orjson.loads(event.body)
        kind, key, name = _OF_SUBSCRIPTIONS[event.name]
        about = {"webhook": body["Webhook"], "url": body["SubscriberURL"], name: body[key]}
        yield _Concerned(owner, kind, Reason.SUBSCRIBER, event, about)


def _of_hand_over(event: Event) -> Iterator[_Concerned]:
    """Who has the subscription now, and who had it: nobody loses or gets one unawares."""
    body = orjson.loads(event.body)
    people = {str(one.guid): one for one in User.objects.filter(guid__in=(body["From"], body["To"]))}
    before, after = people[body["From"]], people[body["To"]]
    about = {"webhook": body["Webhook"], "url": body["SubscriberURL"]}
    yield _Concerned(after.pk, Kind.SUBSCRIPTION_HANDED_OVER, Reason.SUBSCRIBER, event, about)
    told = about | {"to": after.full_name}
    yield _Concerned(before.pk, Kind.SUBSCRIPTION_HANDED_OVER, Reason.FORMER_SUBSCRIBER, event, told)
