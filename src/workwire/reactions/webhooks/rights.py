"""The check before every message: may the owner still have this one, by the rights as they are now?

The conditions are columns of two queries over a batch: one over its subscriptions, one over its deliveries, computed by
the database from the same definitions of visibility that every list uses; nothing is cached (specification: webhooks,
section 5). The queries are composed once and then only filled in.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from workwire.access import features
from workwire.access import queries as access
from workwire.access.models import Credential, User
from workwire.access.sight import filter_object, filter_objects
from workwire.kernel.actor import SYSTEM, Actor
from workwire.kernel.composed_queries import ComposedQuery
from workwire.kernel.errors import Forbidden
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks import sql
from workwire.reactions.webhooks.models import Delivery, Subscription
from workwire.rooms.work import policy as work_policy

CHECK_HOLDS = 3.0  # seconds within which an attempt begins after the check, else it is checked again

OWNER_INACTIVE = "owner_inactive"
CREDENTIAL_INVALID = "credential_invalid"
ROLE_MISSING = "process_builder_missing"
FILTER_INVISIBLE = "filter_object_not_visible"
RECORD_INVISIBLE = "record_not_visible"

REASONS = (OWNER_INACTIVE, CREDENTIAL_INVALID, ROLE_MISSING, FILTER_INVISIBLE, RECORD_INVISIBLE)
HOLDS = {
    OWNER_INACTIVE: "owner_inactive.passed",
    CREDENTIAL_INVALID: "credential_invalid.passed",
    ROLE_MISSING: "process_builder_missing.passed",
    FILTER_INVISIBLE: "filter_object_not_visible.passed",
    RECORD_INVISIBLE: "record_not_visible.passed",
}  # what is the case where the reason of that code is not
STANDING_CHECKS = (
    ("owner_active", OWNER_INACTIVE),
    ("credential_valid", CREDENTIAL_INVALID),
    ("role_held", ROLE_MISSING),
    ("filter_visible", FILTER_INVISIBLE),
)


class Content(NamedTuple):
    """What a queued delivery carries. `source` is the GUID of the event it tells of, or of the test, which has no `name` of an
    event type and whose `tested_event` is the event it tells of, if any; what has left the queue meanwhile has no `tries`."""

    id: int
    subscription: int
    source: bytes
    is_test: bool
    tested_event: int | None
    name: str | None
    attempts: int
    body: str
    tries: int | None
    lane: int | None
    is_replay: bool
    visible: bool


def addressees(subscriptions: Collection[int], at: datetime) -> dict[int, tuple[Subscription, str]]:
    """Subscriptions by id, each with the reason to send it nothing at this moment, empty when there is none; one query."""
    found: dict[int, tuple[Subscription, str]] = {}
    for row in _ADDRESSEES.converted(SYSTEM, ids=list(subscriptions), at=at):
        subscription = Subscription.from_db("default", _OF_SUBSCRIPTION, row[: len(_OF_SUBSCRIPTION)])
        passes = zip(row[len(_OF_SUBSCRIPTION) :], STANDING_CHECKS, strict=True)
        found[subscription.pk] = subscription, next((reason for passed, (_, reason) in passes if not passed), "")
    return found


def standing_refusals(subscriptions: Collection[int], at: datetime) -> dict[int, str]:
    """For each subscription by id the reason to send it nothing at this moment, empty when there is none; one query."""
    return {pk: reason for pk, (_, reason) in addressees(subscriptions, at).items()}


def contents(deliveries: Collection[int]) -> list[Content]:
    """What deliveries carry, and whether the owners may see the records; one query, ordered by id."""
    rows = _CONTENTS.rows(SYSTEM, ids=list(deliveries))
    return [Content(pk, subscription, sql.guid_bytes(source), *rest) for pk, subscription, source, *rest in rows]


def unseen_tests(deliveries: Collection[int]) -> set[int]:
    """Those of some tests that carry what an event told and whose owner may not see its record; one query."""
    return {pk for pk, visible in _TESTS.rows(SYSTEM, ids=list(deliveries)) if not visible}


def unseen_of_everything(deliveries: Collection[int]) -> list[int]:
    """Those of the deliveries whose subscription is to *everything the owner may see* and whose record the owner may not
    see; one query."""
    return [pk for pk, visible in _OF_EVERYTHING.rows(SYSTEM, ids=list(deliveries)) if not visible]


def standing(subscriptions: QuerySet[Subscription], at: datetime | None = None) -> QuerySet[Subscription]:
    """The subscriptions with a column for each check that concerns no single record (`STANDING_CHECKS`)."""
    sees_all = _holds("", *features.SEES_ALL)
    return subscriptions.annotate(
        owner_active=F("owner__is_active"),
        credential_valid=_flag(_credential_valid("", at)),
        role_held=_flag(_holds("", features.WEBHOOKS) & _sees_like_who_works("")),
        filter_visible=_flag(_filter_visible("", sees_all)),
    )


def seen_by_owner(subscription: Subscription) -> Q:
    """Whether an event is of a record that the subscription's owner may see."""
    owner = Subscription.objects.filter(pk=subscription.pk).annotate(
        sees_all=_flag(_holds("", *features.SEES_ALL)), works=_flag(_sees_like_who_works(""))
    )
    sees_all, works = owner.values_list("sees_all", "works").get()
    if not works and not sees_all:
        return _NOTHING
    return record_visible(subscription.owner_id, ~_NOTHING if sees_all else _NOTHING, event="")


def seen_by_account(user: User) -> Q:
    """Whether an event is of a record that an account may see, by all the roles it holds now."""
    held = access.features_of(user)
    if any(feature in held for feature in features.SEES_ALL):
        return ~_NOTHING
    return _NOTHING if features.bind_to_self_service(held) else record_visible(user.pk, _NOTHING, event="")


def sees_filter_object(user: User, subscription: Subscription) -> bool:
    """Whether an account may see the object a subscription is for; also where that is no single object."""
    if subscription.filter_guid is None or any(one in access.features_of(user) for one in features.SEES_ALL):
        return True
    kind = filter_object(subscription.filter_type)
    return kind.with_guid(subscription.filter_guid).filter(kind.seen_by(user.pk)).exists()


def check_not_wider(subscription: Subscription, by: Actor) -> None:
    """Raise Forbidden for an application that would, through a subscription that may be sent more than its own roles let it
    see, lead messages elsewhere, read a signature or count events."""
    if by.credential_id in (None, subscription.credential_id):
        return
    if not access.features_of(subscription.owner, subscription.credential) <= by.features:
        raise Forbidden("subscription_wider")


def seen_by(actor: Actor, event: str = "event__") -> Q:
    """Whether an actor may see the record of the row's event. Who is in self service sees less than data permissions say, and
    so is told nothing of records here."""
    if access.sees_all(actor):
        return ~_NOTHING
    if work_policy.in_self_service(actor):
        return _NOTHING
    return record_visible(actor.user_id or 0, _NOTHING, event)


def record_visible(owner: access.Account, sees_all: Q, event: str = "event__") -> Q:
    """Whether `owner` may see the record of the row's event; `event` is the path from the row to it. `owner` is an id, or
    a doubly nested OuterRef when each row has its own."""
    visible = sees_all
    for kind in filter_objects():
        rows = kind.with_guid(OuterRef(f"{event}{kind.record_column}"))
        if kind.records:
            visible |= Q(**{f"{event}record_type__in": kind.records}) & Q(Exists(rows.filter(kind.seen_by(owner))))
    return visible


def _filter_visible(to: str, sees_all: Q) -> Q:
    """Whether the owner may see the filter object; `to` is the path from the row to its subscription."""
    guid, owner = OuterRef(f"{to}filter_guid"), OuterRef(OuterRef(f"{to}owner_id"))
    visible = Q(**{f"{to}filter_guid": None}) | sees_all
    for kind in filter_objects():
        rows = kind.with_guid(guid).filter(kind.seen_by(owner))
        visible |= Q(**{f"{to}filter_type": kind.type}) & Q(Exists(rows))
    return visible


def _holds(to: str, *wanted: str) -> Q:
    """Whether the owner holds one of the wanted features, through the roles of the credential when there is one."""
    owner, credential = OuterRef(f"{to}owner_id"), OuterRef(f"{to}credential_id")
    return Q(access.holds(owner, *wanted)) & (
        Q(**{f"{to}credential": None}) | Q(access.holds(owner, *wanted, credential=credential))
    )


def _sees_like_who_works(to: str) -> Q:
    """Whether the owner is not bound to self service, which sees less than data permissions say (see `work.visible`)."""
    owner = OuterRef(f"{to}owner_id")
    return Q(access.holds(owner, features.WORK_ITEMS)) | ~Q(access.holds(owner, features.SELF_SERVICE))


def _credential_valid(to: str, at: datetime | None = None) -> Q:
    credential = Credential.objects.filter(access.valid_credentials(at), pk=OuterRef(f"{to}credential_id"))
    return Q(**{f"{to}credential": None}) | Q(Exists(credential))


def _flag(condition: Q | Exists) -> ExpressionWrapper[Q | Exists]:
    return ExpressionWrapper(condition, output_field=BooleanField())


def _addressee_rows(_by: Actor, *, ids: list[int], at: datetime) -> QuerySet[Any, Any]:
    found = standing(Subscription.objects.filter(pk__in=ids), at)
    return found.values_list(*_OF_SUBSCRIPTION, *(column for column, _ in STANDING_CHECKS))


def _seen(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    return deliveries.annotate(record_visible=_flag(Q(event=None) | _seen_by_owner("event__")))


def _seen_by_owner(event: str) -> Q:
    """Whether the owner of a delivery's subscription may see the record of one of its events."""
    to = "subscription__"
    return record_visible(OuterRef(OuterRef(f"{to}owner_id")), _holds(to, *features.SEES_ALL), event)


def _content_rows(_by: Actor, *, ids: list[int]) -> QuerySet[Any, Any]:
    found = _seen(Delivery.objects.filter(pk__in=ids)).annotate(
        source=Coalesce("event__guid", "guid"), is_test=_flag(Q(event=None)), body=Coalesce("event__body", "test_body")
    )
    own = ("pk", "subscription_id", "source", "is_test", "tested_event_id", "event__name", "attempts", "body")
    queued = ("tries", "lane", "is_replay")
    columns = (*own, *(f"queued__{name}" for name in queued), "record_visible")
    return found.order_by("pk").values_list(*columns)


def _test_rows(_by: Actor, *, ids: list[int]) -> QuerySet[Any, Any]:
    found = Delivery.objects.filter(pk__in=ids, tested_event__isnull=False)
    return found.annotate(record_visible=_flag(_seen_by_owner("tested_event__"))).values_list("pk", "record_visible")


def _rows_of_everything(_by: Actor, *, ids: list[int]) -> QuerySet[Any, Any]:
    found = Delivery.objects.filter(pk__in=ids, subscription__filter_type=ObjectType.NONE)
    columns = ("pk", "record_visible")
    return _seen(found).values_list(*columns)


_NOTHING = Q(pk__isnull=True)
_OF_SUBSCRIPTION = [field.attname for field in Subscription._meta.concrete_fields]
_ADDRESSEES: ComposedQuery[Any] = ComposedQuery(_addressee_rows)
_CONTENTS: ComposedQuery[Any] = ComposedQuery(_content_rows)
_TESTS: ComposedQuery[Any] = ComposedQuery(_test_rows)
_OF_EVERYTHING: ComposedQuery[Any] = ComposedQuery(_rows_of_everything)
