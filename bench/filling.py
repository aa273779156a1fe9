"""Ways to fill an installation: an organisation with tickets, subscriptions to them, and as many events and deliveries as
wanted, copied by the database itself from what ordinary commands have made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from figures import say

if TYPE_CHECKING:
    from tests.support.organisation import Organisation
    from workwire.kernel.actor import Actor
    from workwire.reactions.webhooks.models import State, Subscription
    from workwire.rooms.work.models import WorkItem

BATCH = 5_000  # deliveries written at once, which share their moment; as many as fan-out writes
TOLD = 100  # batches between two lines of progress
_EVENT = (
    "name, record_type, record_guid, company_guid, contract_guid, service_guid, work_item_guid, actor_id,"
    " occurred_at, body"
)
_DELIVERY = (
    "guid, subscription_id, event_id, record_guid, test_body, state, attempts, end_reason, created_at, finished_at"
)
_QUEUED = "delivery_id, subscription_id, record_guid, lane, due_at, tries, is_replay, in_order"
_ATTEMPT = "delivery_id, number, started_at, duration, status, error, detail, answer_head, sent"


@dataclass(frozen=True, slots=True)
class Office:
    """A seeded organisation with tickets that events can be about."""

    organisation: Organisation
    builder: Actor
    member: Actor
    customer: Any
    tickets: Sequence[WorkItem]


def office(tickets: int = 100, *, submitted: bool = False) -> Office:
    """Seed an organisation and tickets, drafts or submitted ones; whatever that put into the queue is dropped."""
    from tests.support.organisation import build
    from workwire.access import sessions
    from workwire.outbox.models import Pending
    from workwire.rooms.work import commands as work

    organisation = build()
    builder, member = (
        sessions.actor_for(organisation.accounts[who].user) for who in ("process builder", "team member")
    )
    customer = organisation.customers[0]
    wish = {"category_guid": customer.category.guid, "submit": True} if submitted else {}
    made = [
        work.create_ticket(
            customer.ticket_version.guid, by=member, title=f"Invoice {number} does not match the order", **wish
        )
        for number in range(tickets)
    ]
    Pending.objects.all().delete()
    return Office(organisation, builder, member, customer, made)


def subscribe(office: Office, urls: Sequence[str]) -> list[tuple[Subscription, str]]:
    """Subscriptions to new work of the first customer, one for each URL, with their secrets."""
    from workwire.outbox.objects import ObjectType
    from workwire.reactions.webhooks import commands

    company = office.customer.company.guid
    terms = [
        commands.Terms(0, url, ObjectType.COMPANY, company, header_name="X-Token", header_value="abc") for url in urls
    ]
    return [commands.subscribe(each, by=office.builder) for each in terms]


def subscribe_to_tickets(
    office: Office, tickets: Sequence[WorkItem], urls: Sequence[str]
) -> list[tuple[Subscription, str]]:
    """A subscription to the changes of each ticket, with its secret; the URLs take turns."""
    from workwire.outbox.objects import ObjectType
    from workwire.reactions.webhooks import commands

    terms = [
        commands.Terms(1, urls[number % len(urls)], ObjectType.PACKET, ticket.guid)
        for number, ticket in enumerate(tickets)
    ]
    return [commands.subscribe(each, by=office.builder) for each in terms]


def copies_of(subscription: Subscription, count: int, **changed: Sequence[Any]) -> list[Subscription]:
    """Copies of a subscription, not saved yet, each with its own GUID; `changed` gives values that take turns."""
    from workwire.kernel import ids
    from workwire.reactions.webhooks.models import Subscription

    kept = {field.attname: getattr(subscription, field.attname) for field in Subscription._meta.concrete_fields}
    del kept["id"]
    return [
        Subscription(
            **kept | {"guid": ids.new_guid()} | {name: values[number % len(values)] for name, values in changed.items()}
        )
        for number in range(count)
    ]


def subscriptions_of_two(office: Office, count: int, of_few: int) -> list[Subscription]:
    """So many subscriptions to new work of the first customer; the first few belong to somebody who sees little else."""
    from workwire.access import commands as access
    from workwire.access import sessions
    from workwire.reactions.webhooks.models import Subscription

    accounts = office.organisation.accounts
    few = accounts["process builder of one company"].user
    access.change_members(office.customer.group, add=[few], by=sessions.actor_for(accounts["administrator"].user))
    (first, _), *_ = subscribe(office, ["http://127.0.0.1:9/hook"])
    owners = [few.pk] * of_few + [first.owner_id] * (count - of_few)
    made = Subscription.objects.bulk_create(copies_of(first, count, owner_id=owners))
    first.delete()
    return made


def add_events(count: int, *, pending: bool = True) -> int:
    """Put so many events about the tickets into the ledger, and into the queue for fan-out, as if the tickets had just
    been created; returns the id of the last event before them."""
    from django.db import transaction

    last = last_id("outbox_event")
    with transaction.atomic():
        _run(
            f"INSERT INTO outbox_event (guid, sequence, {_EVENT})"
            f" SELECT {_guid('s.n')}, s.n, {_EVENT} FROM {_series(last + 1, last + count)} JOIN ("
            "  SELECT row_number() OVER (ORDER BY id) - 1 AS place, outbox_event.* FROM outbox_event"
            f"  WHERE name = 'WorkItemCreated' AND sequence = 1) AS first ON first.place = s.n %% {_tickets()} ORDER BY s.n"
        )
        if pending:
            _run(
                "INSERT INTO outbox_pending (event_id, in_bulk) SELECT id, false FROM outbox_event WHERE id > %s", last
            )
    return last


def add_deliveries(
    after: int, subscriptions: Sequence[Subscription], *, state: State | None = None, at: datetime | None = None
) -> None:
    """Write a delivery to each subscription for every event behind an id: waiting in the queue, or ended in a state with
    one attempt; a batch of events in one transaction."""
    from django.db import transaction

    from workwire.kernel import clock
    from workwire.reactions.webhooks.models import State

    begun, last = at or clock.now(), last_id("outbox_event")
    ended = int(state or State.DUE)
    marks = ", ".join(str(subscription.pk) for subscription in subscriptions)
    step = max(1, BATCH // len(subscriptions))
    for number, begin in enumerate(range(after, last, step), 1):
        moment, before = _moment(begun + timedelta(microseconds=number)), last_id("webhooks_delivery")
        with transaction.atomic():
            _run(
                f"INSERT INTO webhooks_delivery ({_DELIVERY})"
                f" SELECT {_guid('e.id * 100000 + s.id')}, s.id, e.id, e.record_guid, '', %s, %s, '', %s, %s"
                f" FROM outbox_event e CROSS JOIN webhooks_subscription s WHERE e.id > %s AND e.id <= %s"
                f" AND s.id IN ({marks}) ORDER BY e.id, s.id",
                *(ended, 1 if ended else 0, moment, moment if ended else None, begin, begin + step),
            )
            if ended:
                _run(
                    f"INSERT INTO webhooks_attempt ({_ATTEMPT})"
                    f" SELECT id, 1, created_at, 0.01, 204, '', '', {_empty_bytes()}, '' FROM webhooks_delivery"
                    " WHERE id > %s",
                    before,
                )
            else:
                _run(
                    f"INSERT INTO webhooks_queued ({_QUEUED})"
                    " SELECT id, subscription_id, record_guid, 0, created_at, 0, false, false FROM webhooks_delivery"
                    " WHERE id > %s",
                    before,
                )
        if number % TOLD == 0 or begin + step >= last:
            say(f"  {(min(begin + step, last) - after) * len(subscriptions):,} deliveries written")


def add_work_items(count: int) -> None:
    """Copy the tickets until there are so many more."""
    from django.db import transaction

    from workwire.rooms.work.models import WorkItem

    own = ("id", "guid", "reference")
    names = ", ".join(field.column for field in WorkItem._meta.concrete_fields if field.column not in own)
    last, sources = last_id("work_workitem"), _tickets()
    for begin in range(0, count, BATCH):
        first, final = last + 1 + begin, last + min(begin + BATCH, count)
        with transaction.atomic():
            _run(
                f"INSERT INTO work_workitem (guid, reference, {names})"
                f" SELECT {_guid('s.n')}, CAST(s.n + 100000000 AS varchar(60)) || '-T', {names}"
                f" FROM {_series(first, final)} JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS place, w.*"
                f" FROM work_workitem w ORDER BY id LIMIT {sources}) AS first ON first.place = s.n %% {sources} ORDER BY s.n"
            )


def add_cases(models: Sequence[WorkItem], count: int) -> None:
    """Copy running cases in turns, with their actions and where they stand in their flow, until there are so many more. Each
    model has as many actions as the others."""
    from django.db import transaction

    from workwire.rooms.work.models import FlowRun, NodeRun, WorkItem

    cases = ", ".join(str(case.pk) for case in models)
    family = f"SELECT *, coalesce(parent_id, id) AS case_id FROM work_workitem WHERE id IN ({cases}) OR parent_id IN ({cases})"
    runs = f"SELECT * FROM work_flowrun WHERE case_id IN ({cases})"
    nodes = (
        f"SELECT n.*, r.case_id FROM work_noderun n JOIN work_flowrun r ON r.id = n.run_id WHERE r.case_id IN ({cases})"
    )
    items = 1 + models[0].children.count()
    each = NodeRun.objects.filter(run__case=models[0]).count()
    copied = {  # by table: the rows of a case, what they are copied from, and the columns that differ
        "work_workitem": (items, family, {
            "guid": _guid("c.id"), "reference": "CAST(c.id + 100000000 AS varchar(60)) || '-C'",
            "parent_id": "CASE WHEN m.parent_id IS NULL THEN NULL ELSE c.case_id END",
        }),
        "work_flowrun": (1, runs, {"case_id": "c.case_id"}),
        "work_noderun": (each, nodes, {"run_id": "c.run_id", "item_id": "c.case_id + m.item_id - m.case_id"}),
    }  # fmt: skip
    last = {table: last_id(table) for table in copied}
    for begin in range(0, count, BATCH):
        final = min(begin + BATCH, count) - 1
        with transaction.atomic():
            for model in (WorkItem, FlowRun, NodeRun):
                table = model._meta.db_table
                rows, source, differing = copied[table]
                names = [field.column for field in model._meta.concrete_fields if field.column != "id"]
                values = ", ".join(differing.get(name, f"m.{name}") for name in names)
                _run(
                    f"WITH m AS (SELECT s.*, dense_rank() OVER (ORDER BY case_id) - 1 AS turn,"
                    f" row_number() OVER (PARTITION BY case_id ORDER BY id) - 1 AS place FROM ({source}) s),"
                    f" c AS (SELECT s.n AS n, {last['work_workitem'] + 1} + s.n * {items} AS case_id,"
                    f" {last['work_flowrun'] + 1} + s.n AS run_id FROM {_series(begin, final)})"
                    f" INSERT INTO {table} (id, {', '.join(names)}) SELECT c.id, {values} FROM m JOIN ("
                    f"SELECT c.*, {last[table] + 1} + c.n * {rows} + p.n AS id, p.n AS place FROM c CROSS JOIN"
                    f" {_series(0, rows - 1).replace('AS s', 'AS p')}) c"
                    f" ON m.place = c.place AND m.turn = c.n %% {len(models)} ORDER BY c.id"
                )
    _go_on_counting(list(copied))


def _go_on_counting(tables: Sequence[str]) -> None:
    """Let the database number new rows behind those that were written with numbers of their own."""
    if _on_postgresql():
        for table in tables:
            _run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


def add_communications(each: int, after: int) -> None:
    """Copy what is said about the first ticket until every work item behind an id has so many communications."""
    from django.db import transaction

    from workwire.rooms.conversations.models import Communication

    own = ("id", "guid", "work_item_id")
    names = ", ".join(field.column for field in Communication._meta.concrete_fields if field.column not in own)
    source, last = Communication.objects.earliest("pk").pk, last_id("work_workitem")
    for begin in range(after, last, BATCH):
        with transaction.atomic():
            _run(
                f"INSERT INTO conversations_communication (guid, work_item_id, {names})"
                f" SELECT {_guid('w.id * 1000 + s.n')}, w.id, {names} FROM (SELECT id FROM work_workitem"
                f" WHERE id > %s AND id <= %s) w CROSS JOIN {_series(1, each)} JOIN (SELECT {names}"
                " FROM conversations_communication WHERE id = %s) AS first ON true ORDER BY w.id, s.n",
                *(begin, begin + BATCH, source),
            )


def last_id(table: str) -> int:
    """The highest id of a table; 0 of an empty one."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
        return int(cursor.fetchone()[0])


def _tickets() -> int:
    from workwire.outbox.models import Event

    return Event.objects.filter(name="WorkItemCreated", sequence=1).count()


def _series(first: int, last: int) -> str:
    """A table `s` with the whole numbers `n` between two."""
    if _on_postgresql():
        return f"generate_series({first}::bigint, {last}) AS s(n)"
    numbers = f"SELECT {first} AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}"
    return f"(WITH RECURSIVE numbers AS ({numbers}) SELECT n FROM numbers) AS s"


def _guid(number: str) -> str:
    """A GUID made of a number, growing with it as those of the product grow with time."""
    return f"lpad(to_hex({number}), 32, '0')::uuid" if _on_postgresql() else f"printf('%%032x', {number})"


def _empty_bytes() -> str:
    return "''::bytea" if _on_postgresql() else "x''"


def _moment(at: datetime) -> Any:
    from workwire.reactions.webhooks import sql

    return sql.moment(at)


def _run(sql: str, *parameters: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def _on_postgresql() -> bool:
    from django.db import connection

    return bool(connection.vendor == "postgresql")
