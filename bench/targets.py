"""What the tables show, in their order, and what is to be reached; most of it are ratios of the same run."""

from __future__ import annotations

from figures import Row
from lists import PAGES
from rig import DATABASES

FLAT = 1.5  # a page of a list a thousand times as long may take so many times as long, within what is noise
NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def _on_both(
    what: str,
    figure: str,
    against: str = "",
    *,
    least: float | dict[str, float] | None = None,
    most: float | dict[str, float] | None = None,
    at_any: bool = False,
) -> list[Row]:
    """A row for each database; `{}` in names stands for it."""

    def bound(given: float | dict[str, float] | None, database: str) -> float | None:
        return given[database] if isinstance(given, dict) else given

    return [
        Row(
            f"{what}, {NAMES[database]}",
            figure.format(database),
            against.format(database),
            least=bound(least, database),
            most=bound(most, database),
            at_any=at_any,
        )
        for database in DATABASES
    ]


ROWS = [
    Row("transport alone, 64 in flight", "client.64"),
    Row("transport alone, 256 in flight", "client.256"),
    Row("transport alone, 64 in flight: processor time", "client.64.cost"),
    Row("Celery + Redis + requests", "celery"),
    Row("BullMQ + undici, all in memory, nothing kept", "bullmq"),
    Row("BullMQ + undici, jobs on disk and kept", "bullmq.durable", "bullmq"),
    Row("BullMQ + undici, rights checked and a log kept in PostgreSQL", "bullmq.dutiful", "bullmq"),
    *_on_both("end to end", "engine.{}", least={"sqlite": 15_000, "postgres": 12_000}),
    *_on_both(
        "end to end, against the transport alone", "engine.{}", "client.64", least={"sqlite": 0.35, "postgres": 0.35}
    ),
    *_on_both("end to end, against Celery", "engine.{}", "celery", least=25),
    *_on_both("end to end, against BullMQ in memory", "engine.{}", "bullmq", least=3),
    *_on_both("end to end, against BullMQ on disk", "engine.{}", "bullmq.durable", least=3),
    *_on_both("end to end, against BullMQ with the same duties", "engine.{}", "bullmq.dutiful", least=3),
    *_on_both("end to end: processor time of the worker", "engine.{}.cost"),
    Row("end to end: processor time of the database server, PostgreSQL", "engine.postgres.server"),
    Row("end to end: log of the database server (WAL), PostgreSQL", "engine.postgres.log"),
    Row("fan-out of a backlog: log of the database server (WAL), PostgreSQL", "engine.postgres.fanout.log"),
    *_on_both("memory of the worker and its child", "engine.{}.memory", most=150),
    *_on_both("fan-out of a backlog", "engine.{}.fanout"),
    Row("two workers, PostgreSQL", "engine.postgres.two", "engine.postgres", least=1.6),
    Row("a worker with a quarter of a core, PostgreSQL", "engine.postgres.quarters.1"),
    Row(
        "two with a quarter of a core each, PostgreSQL",
        "engine.postgres.quarters.2",
        "engine.postgres.quarters.1",
        least=1.6,
    ),
    Row(
        "four with a quarter of a core each, PostgreSQL",
        "engine.postgres.quarters.4",
        "engine.postgres.quarters.1",
        least=3.2,
    ),
    Row("beside a transaction left open, PostgreSQL", "engine.postgres.blocked", "engine.postgres", least=0.5),
    *_on_both("idle, commit to arrival: p50", "latency.{}.p50", most={"sqlite": 20, "postgres": 10}),
    *_on_both("idle, commit to arrival: p99", "latency.{}.p99", most={"sqlite": 80, "postgres": 50}),
    *_on_both("idle, commit to arrival: p50 against one ticket command", "latency.{}.p50", "latency.{}.command"),
    *_on_both("1,000 events/s: committed by one process", "steady.{}.offered", least=980),
    *_on_both("1,000 events/s, commit to arrival: p50", "steady.{}.p50"),
    *_on_both("1,000 events/s, commit to arrival: p95", "steady.{}.p95", most=1_000),
    *_on_both("1,000 events/s, arrived and verified", "steady.{}.verified", least=100, at_any=True),
    *_on_both("1,000 events/s: memory of the worker at the end", "steady.{}.memory", most=150),
    *_on_both("97 healthy endpoints beside 3 sick ones: p99", "isolation.{}.beside", "isolation.{}.alone", most=2),
    *_on_both("10,000 waits over at one moment: all moved after", "timers.{}.all", most=60),
    *_on_both("messages of others while they are moved: p99", "timers.{}.beside", "timers.{}.alone", most=2),
    *_on_both("a case started beside {at} running ones", "cases.{}.start.many", "cases.{}.start.few", most=FLAT),
    *_on_both("an action finished beside {at} running cases", "cases.{}.finish.many", "cases.{}.finish.few", most=FLAT),
    *_on_both("work got beside {at} running cases", "cases.{}.get.many", "cases.{}.get.few", most=FLAT),
    *_on_both(
        "a due date that passed told beside {at} running cases", "cases.{}.due.many", "cases.{}.due.few", most=FLAT
    ),
    *_on_both("idle worker", "idle.{}.wakeups"),
    *_on_both("idle worker: processor time", "idle.{}.processor"),
    *_on_both("one event to 1,000 subscriptions, the first", "fanout.{}.first", most=500, at_any=True),
    *_on_both("one event to 1,000 subscriptions, median of the next", "fanout.{}.thousand", most=500, at_any=True),
    *_on_both("fan-out to 3 among 10,000 subscriptions", "fanout.{}.many", "fanout.{}.few", most=2, at_any=True),
    *_on_both("processor time at a backlog of {at}", "growth.{}.long", "growth.{}.short", most=1.3),
    *_on_both("time per delivery at a backlog of {at}", "growth.{}.long.clock", "growth.{}.short.clock", most=1.3),
    *_on_both("tickets created through the REST API", "api.rest.{}.core", least=300),
    *_on_both("tickets created through the web API", "api.webapi.{}.core", least=300),
    *_on_both("tickets created through the REST API, by the clock", "api.rest.{}.clock"),
    *_on_both("tickets created through the web API, by the clock", "api.webapi.{}.clock"),
    *_on_both("one ticket, idle: API's answer to arrival, p50", "tickets.{}.p50", most={"sqlite": 20, "postgres": 4}),
    *_on_both("one ticket, idle: API's answer to arrival, p99", "tickets.{}.p99", most={"sqlite": 80, "postgres": 12}),
    *_on_both("memory of the idle worker and its child", "tickets.{}.memory", most=150),
    *_on_both("tickets with their messages, by the clock", "tickets.{}.clock"),
    *_on_both("a ticket and its message: processor time of all processes", "tickets.{}.processor", most=5),
    *_on_both("a ticket and its message: processor time of the web process", "tickets.{}.web"),
    Row("a ticket and its message: processor time of the database server, PostgreSQL", "tickets.postgres.server"),
    *_on_both("a ticket and its message: processor time of the worker", "tickets.{}.worker"),
    *_on_both("a backfill of {at} events, paused and resumed", "replays.{}.rate", least=1_000),
    *_on_both("fresh messages beside it, commit to answer: p95", "replays.{}.fresh", most=1_000),
    *_on_both("retention alone", "retention.{}.alone"),
    *_on_both("retention beside full delivery", "retention.{}.beside", "retention.{}.alone"),
    *_on_both("full delivery beside retention", "retention.{}.disturbed", "retention.{}.undisturbed"),
]
ROWS_OF_PAGES = [
    row
    for page in PAGES
    for row in _on_both(
        f"{page.who.replace('_', ' ')}: {page.what}",
        f"lists.{{}}.{page.name}.large",
        f"lists.{{}}.{page.name}.small",
        most=FLAT,
    )
]
