"""The check before every message: may the owner still have this one, by the rights as they are now?

The conditions are columns of one query over a batch of deliveries (or one delivery, or none yet sent), computed by the
database from the same definitions of visibility that every list uses; nothing is cached (specification: webhooks, section 5).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache
from typing import Any

import psycopg
from django.db import connection
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet

from workwire.access import features
from workwire.access import queries as access
from workwire.access.models import Credential, User
from workwire.outbox.objects import ObjectType
from workwire.reactions.webhooks.models import Delivery, Subscription
from workwire.rooms.catalogue import queries as catalogue
from workwire.rooms.parties import queries as parties
from workwire.rooms.work import queries as work

OWNER_INACTIVE = "owner_inactive"
CREDENTIAL_INVALID = "credential_invalid"
ROLE_MISSING = "process_builder_missing"
FILTER_INVISIBLE = "filter_object_not_visible"
RECORD_INVISIBLE = "record_not_visible"

REASONS = {
    OWNER_INACTIVE: "The account that owns the subscription has been retired.",
    CREDENTIAL_INVALID: "The application credential the subscription was made with has expired or been revoked.",
    ROLE_MISSING: "The owner no longer holds the feature Process Builder.",
    FILTER_INVISIBLE: "The owner may not see the object the subscription is for.",
    RECORD_INVISIBLE: "The owner may not see the record the message is about.",
}
STANDING_CHECKS = (
    ("owner_active", OWNER_INACTIVE),
    ("credential_valid", CREDENTIAL_INVALID),
    ("role_held", ROLE_MISSING),
    ("filter_visible", FILTER_INVISIBLE),
)
_MARK_ID, _MARK_MOMENT = -7_301_002, datetime(9000, 1, 1, tzinfo=UTC)
_ANY_OF = {"postgresql": "= ANY(%s)", "sqlite": "IN (SELECT value FROM json_each(%s))"}
_CHECKS = (*STANDING_CHECKS, ("record_visible", RECORD_INVISIBLE))


def refusals(deliveries: Collection[int], at: datetime) -> dict[int, str]:
    """For each delivery by id the reason not to send it at this moment, empty when it may be sent; one query.

    The query is `checked`, written once for each kind of database and then only filled in: composing it takes many times
    longer than carrying it out. PostgreSQL also keeps its plan.
    """
    sql, parameters = _template(connection.vendor)
    filled = [_filled(parameter, deliveries, at) for parameter in parameters]
    return {
        row[0]: next((reason for passed, (_, reason) in zip(row[1:], _CHECKS, strict=True) if not passed), "")
        for row in _rows(sql, filled)
    }


def checked(deliveries: QuerySet[Delivery], at: datetime | None = None) -> QuerySet[Delivery]:
    """The deliveries with a column for each check; read the verdict with `refusal`."""
    to = "subscription__"
    sees_all = _holds(to, *features.SEES_ALL)
    return deliveries.annotate(
        owner_active=_flag(Exists(User.objects.filter(pk=OuterRef(f"{to}owner_id"), is_active=True))),
        credential_valid=_flag(_credential_valid(to, at)),
        role_held=_flag(_holds(to, features.PROCESS_BUILDER)),
        filter_visible=_flag(_filter_visible(to, sees_all)),
        record_visible=_flag(Q(event=None) | record_visible(OuterRef(OuterRef(f"{to}owner_id")), sees_all)),
    )


def standing(subscriptions: QuerySet[Subscription]) -> QuerySet[Subscription]:
    """The subscriptions with a column for each check that concerns no single record; read with `refusal`."""
    sees_all = _holds("", *features.SEES_ALL)
    return subscriptions.annotate(
        owner_active=F("owner__is_active"),
        credential_valid=_flag(_credential_valid("")),
        role_held=_flag(_holds("", features.PROCESS_BUILDER)),
        filter_visible=_flag(_filter_visible("", sees_all)),
    )


def refusal(row: Delivery | Subscription, *, only: str = "") -> str:
    """The first reason not to send, from a row of `checked` or `standing`; empty when it may be sent. With `only`,
    the other reasons are passed over."""
    reasons = (reason for column, reason in _CHECKS if not getattr(row, column, True))
    return next((reason for reason in reasons if not only or reason == only), "")


def owner_sees_all(subscription: Subscription) -> Q:
    """A condition that is true for every row when the subscription's owner sees all records, else for none."""
    found = Subscription.objects.filter(_holds("", *features.SEES_ALL), pk=subscription.pk)
    return Q(pk__isnull=not found.exists())


def record_visible(owner: access.Account, sees_all: Q, event: str = "event__") -> Q:
    """Whether `owner` may see the record of the row's event; `event` is the path from the row to it. `owner` is an id, or
    a doubly nested OuterRef when each row has its own."""
    kind = f"{event}record_type"
    items = work.items_with_guid(OuterRef(f"{event}work_item_guid"))
    companies = parties.companies_with_guid(OuterRef(f"{event}record_guid"))
    schedules = catalogue.schedules_with_guid(OuterRef(f"{event}record_guid"))
    item_kinds = [ObjectType.PACKET, ObjectType.COMMUNICATION]
    return (
        sees_all
        | (Q(**{f"{kind}__in": item_kinds}) & Q(Exists(items.filter(work.items_seen_by(owner)))))
        | (Q(**{kind: ObjectType.COMPANY}) & Q(Exists(companies.filter(parties.companies_seen_by(owner)))))
        | (Q(**{kind: ObjectType.SCHEDULE}) & Q(Exists(schedules.filter(catalogue.schedules_seen_by(owner)))))
    )


def _filter_visible(to: str, sees_all: Q) -> Q:
    """Whether the owner may see the filter object; `to` is the path from the row to its subscription."""
    kind, guid = f"{to}filter_type", OuterRef(f"{to}filter_guid")
    owner = OuterRef(OuterRef(f"{to}owner_id"))
    untargeted = Q(**{f"{to}filter_guid": None})
    rows_by_type: tuple[tuple[ObjectType, QuerySet[Any], Exists | Q], ...] = (
        (ObjectType.COMPANY, parties.companies_with_guid(guid), parties.companies_seen_by(owner)),
        (ObjectType.CONTRACT, parties.contracts_with_guid(guid), parties.contracts_seen_by(owner)),
        (ObjectType.SERVICE, parties.services_with_guid(guid), parties.services_seen_by(owner)),
        (ObjectType.PACKET, work.items_with_guid(guid), work.items_seen_by(owner)),
        (ObjectType.SCHEDULE, catalogue.schedules_with_guid(guid), catalogue.schedules_seen_by(owner)),
    )
    visible = untargeted | sees_all
    for number, rows, seen in rows_by_type:
        visible |= Q(**{kind: number}) & Q(Exists(rows.filter(seen)))
    return visible


def _holds(to: str, *wanted: str) -> Q:
    """Whether the owner holds one of the wanted features, through the roles of the credential when there is one."""
    owner, credential = OuterRef(f"{to}owner_id"), OuterRef(f"{to}credential_id")
    return Q(access.holds(owner, *wanted)) & (
        Q(**{f"{to}credential": None}) | Q(access.holds(owner, *wanted, credential=credential))
    )


def _credential_valid(to: str, at: datetime | None = None) -> Q:
    credential = Credential.objects.filter(access.valid_credentials(at), pk=OuterRef(f"{to}credential_id"))
    return Q(**{f"{to}credential": None}) | Q(Exists(credential))


def _flag(condition: Q | Exists) -> ExpressionWrapper[Q | Exists]:
    return ExpressionWrapper(condition, output_field=BooleanField())


@cache
def _template(vendor: str) -> tuple[str, tuple[Any, ...]]:
    """The SQL of `checked` for a list of ids in one parameter, and its parameters with the two marks to be filled in."""
    columns = ["pk", *(column for column, _ in _CHECKS)]
    rows = checked(Delivery.objects.filter(pk__in=[_MARK_ID]), at=_MARK_MOMENT).values_list(*columns)
    sql, parameters = rows.query.sql_with_params()
    one, many = '"webhooks_delivery"."id" IN (%s)', f'"webhooks_delivery"."id" {_ANY_OF[vendor]}'
    if sql.count(one) != 1:
        raise LookupError("the query of the check has another form than expected")
    return sql.replace(one, many), tuple(parameters)


def _filled(parameter: Any, deliveries: Collection[int], at: datetime) -> Any:
    if parameter == _MARK_ID and not isinstance(parameter, bool):
        ids = list(deliveries)
        return ids if connection.vendor == "postgresql" else json.dumps(ids)
    if parameter == connection.ops.adapt_datetimefield_value(_MARK_MOMENT):
        return connection.ops.adapt_datetimefield_value(at)
    return parameter


def _rows(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        server = connection.connection
        server.prepare_threshold = 0  # Django's own cursors bind on the client and are not concerned
        with psycopg.Cursor(server) as cursor:
            return cursor.execute(sql, parameters, prepare=True).fetchall()
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
