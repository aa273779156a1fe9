"""The only writer of followers and focus lists. An account is locked before its list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from workwire.access.models import User
from workwire.kernel import clock
from workwire.kernel.actor import Actor
from workwire.kernel.errors import Conflict, Forbidden, Invalid
from workwire.outbox.changes import RowChange, added, altered, columns, removed
from workwire.outbox.ledger import Subject, record
from workwire.outbox.objects import ObjectType
from workwire.rooms.following import events, queries
from workwire.rooms.following.models import FocusEntry, Follower
from workwire.rooms.following.queries import MOST_IN_FOCUS
from workwire.rooms.work import events as work_events
from workwire.rooms.work import queries as work
from workwire.rooms.work.commands.changing import require_may_work
from workwire.rooms.work.models import Status, WorkItem
from workwire.rooms.work.transitions import FINISHED


@transaction.atomic
def follow(item: WorkItem, *, by: Actor) -> None:
    """Follow an item that the actor sees; one it follows already stays so. Raises Conflict for a draft and a closed item."""
    account = _locked_account(by)
    item = work.item(item.guid, by=by)
    if item.status in (Status.DRAFT, Status.CLOSED):
        raise Conflict("follow_not_possible")
    if not Follower.objects.filter(work_item=item.pk, account=account.pk).exists():
        made = Follower.objects.create(work_item=item, account=account, since=clock.now())
        _record(events.WorkItemFollowed, made, added(made), by=by)


@transaction.atomic
def unfollow(item: WorkItem, *, by: Actor) -> None:
    """Follow an item no more; one the actor does not follow stays so."""
    account = _locked_account(by)
    for row in _followers(item).filter(account=account.pk):
        _remove(row, by=by)


@transaction.atomic
def end_following(item: WorkItem, *, by: Actor) -> None:
    """Take all followers from a closed item; only the system does so."""
    _require_system(by)
    for row in _followers(item):
        _remove(row, by=by)


@transaction.atomic
def focus(item: WorkItem, *, by: Actor, place: int | None = None) -> None:
    """Put an item that the actor sees on its focus list, or move it there: to a place counted from 1, or to the end.

    Items that it sees no more are not counted, and come after all others.
    """
    account = _locked_account(by)
    item = work.item(item.guid, by=by)
    if item.status == Status.CLOSED:
        raise Conflict("focus_not_possible")
    rows = _list_of(account)
    in_sight = set(queries.focus_list(by=by).values_list("pk", flat=True))
    entry = next((row for row in rows if row.work_item_id == item.pk), None)
    if entry is None and len(in_sight) >= MOST_IN_FOCUS:
        raise Conflict("focus_list_full", most=MOST_IN_FOCUS)
    if place is not None and not 1 <= place <= MOST_IN_FOCUS:
        raise Invalid("focus_place_invalid", field="place", most=MOST_IN_FOCUS)
    others = [row for row in rows if row is not entry and row.pk in in_sight]
    unseen = [row for row in rows if row.pk not in in_sight]
    entry = entry or FocusEntry(account=account, work_item=item, added_at=clock.now())
    at = len(others) if place is None else min(place - 1, len(others))
    _order(account, [*others[:at], entry, *others[at:], *unseen], [], by=by)


@transaction.atomic
def focus_all(items: Iterable[WorkItem], *, by: Actor) -> None:
    """Put items at the end of the actor's focus list in their order, all or none; raises what `focus` raises."""
    for item in items:
        focus(item, by=by)


@transaction.atomic
def unfocus(item: WorkItem, *, by: Actor) -> None:
    """Take an item off the actor's focus list; one that is not on it stays so."""
    account = _locked_account(by)
    _take_off(account, item, by=by)


@transaction.atomic
def end_focus(item: WorkItem, *, by: Actor, until: datetime) -> None:
    """Take an item that was resolved or closed at a moment off all focus lists, unless it was put on one later; only the
    system does so."""
    _require_system(by)
    holders = FocusEntry.objects.filter(work_item=item.pk, added_at__lte=until).order_by("account")
    for account_id in list(holders.values_list("account", flat=True)):
        account = User.objects.select_for_update(no_key=True).get(pk=account_id)
        if item.status in FINISHED:
            _take_off(account, item, by=by)


def _locked_account(by: Actor) -> User:
    require_may_work(by)
    if by.user_id is None:
        raise Forbidden("system_does_not_work")
    return User.objects.select_for_update(no_key=True).get(pk=by.user_id)


def _require_system(by: Actor) -> None:
    if by.user_id is not None:
        raise Forbidden("system_only.following")


def _followers(item: WorkItem) -> QuerySet[Follower]:
    above = ("account", "work_item__customer", "work_item__contract", "work_item__service")
    return Follower.objects.filter(work_item=item.pk).select_related(*above).order_by("pk")


def _list_of(account: User) -> list[FocusEntry]:
    return list(FocusEntry.objects.filter(account=account.pk).select_related("work_item").order_by("place", "pk"))


def _take_off(account: User, item: WorkItem, *, by: Actor) -> None:
    rows = _list_of(account)
    gone = [row for row in rows if row.work_item_id == item.pk]
    if gone:
        _order(account, [row for row in rows if row not in gone], gone, by=by)


def _order(account: User, rows: list[FocusEntry], gone: list[FocusEntry], *, by: Actor) -> None:
    """Write a list in its order, without those that are gone, and record what changed."""
    changes: list[RowChange] = []
    for row in gone:
        changes += removed(row)
        row.delete()
    for place, row in enumerate(rows, start=1):
        if row.pk is None:
            row.place = place
            row.save(force_insert=True)
            changes += added(row)
        elif row.place != place:
            before = columns(row)
            row.place = place
            row.save(update_fields=["place"])
            changes += altered(row, before)
    if changes:
        guids = [str(row.work_item.guid) for row in rows]
        body = events.FocusListChanged(UserGUID=str(account.guid), PacketGUIDs=guids)
        record(body, about=Subject(ObjectType.USER, account.guid), by=by, changes=changes)


def _remove(row: Follower, *, by: Actor) -> None:
    changes = removed(row)
    row.delete()
    _record(events.WorkItemUnfollowed, row, changes, by=by)


def _record(kind: type[events.FollowerBody], row: Follower, changes: list[RowChange], *, by: Actor) -> None:
    body = kind(PacketGUID=str(row.work_item.guid), UserGUID=str(row.account.guid))
    about = work_events.below_item(ObjectType.FOLLOWER, row.guid, row.work_item)
    record(body, about=about, by=by, changes=changes)
