"""The delivery log, page by page, at the same cost however long it is.

First the ids of a page along an index, whoever may see them; then, for these few alone, what the actor may see. So no page
computes a right for rows it does not show, and nobody's page walks past the messages of others, but for a bounded number
in the queue (see `_in_queue`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F

from workwire.access import queries as access
from workwire.kernel import pages
from workwire.kernel.actor import Actor
from workwire.kernel.pages import Page
from workwire.reactions.webhooks import queries, sql
from workwire.reactions.webhooks.models import TRIED_ENOUGH, UNSUBSCRIBED, Delivery, Lane, Queued, State, Subscription

SLACK = timedelta(hours=1)  # by so much may the moments of two rows differ from the order of their ids
MOST_ROUNDS = 10  # pages of ids looked at for one page of rows
MOST_SUBSCRIPTIONS = 2_000  # walked one by one; more are found along the whole log, or the whole queue
MOST_PASSED = 50  # messages in the queue looked at for each one wanted, whoever they belong to
_LAST = 2**63 - 1

_UNUSUAL = {
    State.WITHHELD: [f"NOT (end_reason = '{reason}')" for reason in ("", TRIED_ENOUGH, UNSUBSCRIBED)],
    State.GAVE_UP: [f"end_reason = '{TRIED_ENOUGH}'"],
    State.CANCELLED: [f"end_reason = '{UNSUBSCRIBED}'"],
}  # the conditions of the indexes, word for word
_ALONG_ARRAY = (
    "SELECT d.id FROM unnest(%s::bigint[]) AS s(id) CROSS JOIN LATERAL (SELECT id FROM webhooks_delivery"
    " WHERE subscription_id = s.id AND {these} ORDER BY id DESC LIMIT {most}) d{in_order} LIMIT {most}"
)
_ALONG_JSON = (
    "SELECT d.id FROM json_each(%s) s JOIN webhooks_delivery d ON d.id IN (SELECT id FROM webhooks_delivery"
    " WHERE subscription_id = s.value AND {these} ORDER BY id DESC LIMIT {most}){in_order} LIMIT {most}"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which deliveries are asked for; what is None does not narrow."""

    subscription_guid: UUID | None = None
    state: State | None = None
    webhook: int | None = None
    record_guid: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(actor: Actor, wish: Wish, *, limit: int = 50, cursor: str | None = None) -> Page[Delivery]:
    """A page of the log, newest first. It may be shorter than `limit` though another one follows, where an actor may see few
    of many; a wish for a record finds nothing where the record may not be seen."""
    limit = max(1, min(limit, pages.MOST))
    below = pages.place_of(cursor) if cursor else _LAST
    newest = _newest(actor, wish)
    found: list[Delivery] = []
    ids: list[int] = []
    for _ in range(MOST_ROUNDS):
        ids = newest(below, limit + 1)
        found += _visible(actor, wish, ids)
        if len(ids) <= limit or len(found) > limit:
            break
        below = ids[-1]
    if len(found) > limit:
        return Page(found[:limit], pages.cursor_at(found[limit - 1].pk))
    return Page(found, pages.cursor_at(ids[-1]) if len(ids) > limit else None)


def count(actor: Actor, wish: Wish, *, most: int, above: int = 0) -> int:
    """How many deliveries a page would show in the end, only those behind the id `above`; `most` + 1 when there are more. Not
    all of them are found where an actor may see very few of very many."""
    if above and not Delivery.objects.filter(pk__gt=above).exists():
        return 0
    if not above:
        some = _newest(actor, wish, in_order=False)(_LAST, most + 1)
        found = _count_visible(actor, wish, some)
        if len(some) <= most or found > most:
            return min(found, most + 1)
    newest, below, found = _newest(actor, wish), _LAST, 0
    for _ in range(MOST_ROUNDS):
        ids = newest(below, most + 1)
        found += _count_visible(actor, wish, [one for one in ids if one > above])
        if len(ids) <= most or found > most or ids[-1] <= above:
            break
        below = ids[-1]
    return min(found, most + 1)


def neighbours(actor: Actor, of: Delivery) -> tuple[Delivery | None, Delivery | None]:
    """The next newer and the next older delivery of the same subscription that an actor may see."""
    later = Delivery.objects.filter(subscription=of.subscription_id, pk__gt=of.pk).order_by("pk")
    ids = list(later.values_list("pk", flat=True)[: pages.MOST])
    newer = queries.deliveries_visible_to(actor).filter(pk__in=ids).order_by("pk").first() if ids else None
    older = page(actor, Wish(of.subscription.guid), limit=1, cursor=pages.cursor_at(of.pk)).rows
    return newer, next(iter(older), None)


def _count_visible(actor: Actor, wish: Wish, ids: list[int]) -> int:
    if not ids or (wish.record_guid is None and (access.administers(actor) or wish.state == State.WITHHELD)):
        return len(ids)  # an administrator sees all, and an owner that something was withheld
    rows = queries.deliveries_visible_to(actor).filter(pk__in=ids)
    return (rows.filter(queries.content_visible(actor)) if wish.record_guid is not None else rows).count()


def _visible(actor: Actor, wish: Wish, ids: Iterable[int]) -> list[Delivery]:
    rows = queries.deliveries_visible_to(actor).filter(pk__in=list(ids))
    if wish.record_guid is not None:
        rows = rows.filter(queries.content_visible(actor))
    return list(rows.order_by("-pk"))


def _newest(actor: Actor, wish: Wish, *, in_order: bool = True) -> Callable[[int, int], list[int]]:
    """Gives the newest ids below one that fit a wish, so many at most, not yet looked at for what may be seen. Where any will
    do, the walk along several subscriptions ends with the first that have enough."""
    wanted = (
        Subscription.objects.all() if access.administers(actor) else Subscription.objects.filter(owner=actor.user_id)
    )
    if wish.subscription_guid is not None:
        wanted = wanted.filter(guid=wish.subscription_guid)
    if wish.webhook is not None:
        wanted = wanted.filter(webhook=wish.webhook)
    narrowed = not access.administers(actor) or wish.subscription_guid is not None or wish.webhook is not None
    some = list(wanted.values_list("pk", flat=True)[: MOST_SUBSCRIPTIONS + 1]) if narrowed else None
    first, last = _bounds(wish)
    queued = wish.record_guid is None and wish.state in (State.DUE, State.SENDING)
    if queued and some is not None and len(some) <= MOST_SUBSCRIPTIONS:
        return lambda below, most: _in_queue(some, wish, first, min(below, last), most)
    if wish.record_guid is not None or queued:
        rows = _of_queue(wish) if queued else _of_record(wish)
        if narrowed:
            rows = rows.filter(subscription__in=wanted)
        return lambda below, most: list(rows.filter(pk__gte=first, pk__lt=min(below, last))[:most])
    if some is None or len(some) > MOST_SUBSCRIPTIONS:
        along = Delivery.objects.filter(_fits(wish)).order_by("-pk").values_list("pk", flat=True)
        if narrowed:
            along = along.filter(subscription__in=wanted)
        return lambda below, most: list(along.filter(pk__gte=first, pk__lt=min(below, last))[:most])
    return lambda below, most: _along(some, wish, first, min(below, last), most, in_order=in_order)


def _in_queue(subscriptions: list[int], wish: Wish, first: int, below: int, most: int) -> list[int]:
    """The ids along the newest messages of the queue, whoever they belong to, as long as they are few.

    Where these do not fill a page, those among all that these subscriptions have there. An index of the queue by
    subscription and id would spare the latter, but every delivery would pay for it.
    """
    rows = _of_queue(wish).filter(subscription__in=subscriptions)
    newest = Queued.objects.filter(pk__lt=below).order_by("-pk").values_list("pk", flat=True)
    looked_at = max(first, *newest[MOST_PASSED * most :][:1], 0)
    found = list(rows.filter(pk__gte=looked_at, pk__lt=below)[:most])
    if len(found) < most and looked_at > first:
        found += _of_theirs(rows, first, looked_at)[: most - len(found)]
    return found


def _of_theirs(rows: Any, first: int, below: int) -> Any:
    """The rows between two ids along the ring or the leases: to a sum no index of the ids is of use."""
    return (
        rows.filter(lane__in=Lane.values)
        .annotate(place=F("pk") + 0)
        .filter(place__gte=first, place__lt=below)
        .order_by(F("place").desc())
    )


def _of_queue(wish: Wish) -> Any:
    place = Queued.objects.filter(claimed_by__isnull=wish.state == State.DUE, **_written(wish, "delivery__"))
    return place.order_by("-pk").values_list("pk", flat=True)


def _of_record(wish: Wish) -> Any:
    rows = Delivery.objects.filter(_fits(wish), record_guid=wish.record_guid)
    return rows.order_by("-pk").values_list("pk", flat=True)


def _fits(wish: Wish) -> Any:
    return queries.stands_in(wish.state, **_written(wish, ""))


def _written(wish: Wish, path: str) -> dict[str, datetime]:
    since = {f"{path}created_at__gte": wish.since} if wish.since is not None else {}
    return since | ({f"{path}created_at__lt": wish.until} if wish.until is not None else {})


def _bounds(wish: Wish) -> tuple[int, int]:
    """Between which ids lie the rows of the time asked for, roughly."""
    first = queries.first_written(wish.since - SLACK) or _LAST if wish.since is not None else 0
    last = queries.first_written(wish.until + SLACK) if wish.until is not None else None
    return first, last or _LAST


def _along(
    subscriptions: list[int], wish: Wish, first: int, below: int, most: int, *, in_order: bool = True
) -> list[int]:
    conditions, parameters = ["id >= %s", "id < %s"], [first, below]
    more: list[tuple[str, Any]] = []
    if wish.state is not None:
        more.append((" AND ".join(["state = %s", *_UNUSUAL.get(wish.state, ())]), int(wish.state)))
    if wish.since is not None:
        more.append(("created_at >= %s", sql.moment(wish.since)))
    if wish.until is not None:
        more.append(("created_at < %s", sql.moment(wish.until)))
    these = " AND ".join([*conditions, *(text for text, _ in more)])
    statement = (_ALONG_ARRAY if sql.on_postgresql() else _ALONG_JSON).format(
        these=these, most=int(most), in_order=" ORDER BY d.id DESC" if in_order else ""
    )
    found = sql.rows(statement, sql.listed(subscriptions), *parameters, *(value for _, value in more))
    return [row[0] for row in found]
