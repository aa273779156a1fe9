"""The operator's overview: a verdict with what to do, the figures that count, workers, listeners, endpoints in trouble.

It reads what `/metrics` reads, in a bounded number of queries of bounded cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workwire.access import features
from workwire.access.policy import require
from workwire.access.queries import administers
from workwire.checks import operation
from workwire.checks.outcomes import Finding
from workwire.jobs import queries as jobs
from workwire.kernel import clock
from workwire.outbox import listener_feed, registry, restores
from workwire.outbox.feeds import Standing
from workwire.reactions.webhooks import queries, queue, workers
from workwire.reactions.webhooks.models import Lane, Subscription
from workwire.reactions.webhooks.models import State as Ended
from workwire.reactions.webhooks.worker_slots import Happened
from workwire.reactions.webhooks.workers import Seen
from workwire.web.kit.account_people import person_of
from workwire.web.kit.charts import Bars, Series, bars
from workwire.web.kit.page import Visit, page
from workwire.web.kit.parts import Person, State, lasted
from workwire.web.kit.time_charts import TimeChart
from workwire.web.operate import worker_charts
from workwire.web.operate.job_list import KINDS
from workwire.web.operate.table_lines import Database, database

Words = str | Promise
MOST_TROUBLED = 20
_LANES: dict[Lane, Words] = {
    Lane.TEST: gettext_lazy("Test"),
    Lane.FRESH: gettext_lazy("Fresh"),
    Lane.RETRY: gettext_lazy("Retry"),
    Lane.BULK: gettext_lazy("Bulk"),
}
_QUANTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Told:
    """Something that is not as it should be, and what to do about it."""

    tone: str
    words: str
    advice: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its name, what it means, and of when it is."""

    name: Words
    value: str
    meaning: Words
    period: Words


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker as it told of itself last."""

    name: str
    state: State
    silent: str
    in_flight: str
    delivered: str
    clock_offset: str
    open_circuits: str


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A listener and how it keeps up."""

    name: str
    state: State
    waiting: str
    aside: str
    lag: str


@dataclass(frozen=True, slots=True)
class JobRow:
    """A standing job: when it ran last and runs next, and why its last try failed, if it did."""

    kind: str
    state: State
    last: datetime | None
    next: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Troubled:
    """A subscription that is not well; with the address of its page for who may look at it."""

    address: str
    url: str
    webhook: str
    owner: Person
    state: State
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows."""

    at: datetime
    zone: str
    findings: tuple[Told, ...]
    figures: tuple[Figure, ...]
    lanes: Bars
    charts: tuple[TimeChart, ...]
    workers: tuple[WorkerRow, ...]
    feeds: tuple[FeedRow, ...]
    jobs: tuple[JobRow, ...]
    jobs_failing: int
    jobs_failed: int
    troubled: tuple[Troubled, ...]
    unwell: int
    more_troubled: int
    database: str
    holds: Database


@page("operate/overview.html")
def operate(visit: Visit) -> Overview:
    """Show how the installation is; for administrators."""
    require(visit.actor, features.OPERATION)
    now = clock.now()
    seen, held = workers.seen(now), restores.held()
    ages, depth, unwell = queue.ages(now), queue.depth(), queries.unwell(now)
    feeds = {feed.name: feed.standing(now) for feed in listener_feed.every()}
    health, standing = jobs.health(now), list(jobs.standing())
    unwell_in_all = sum(unwell[name] for name in ("paused", "failing", "access_lost"))
    may_look = administers(visit.actor) and queries.may_see_own(visit.actor)
    troubled = tuple(_troubled(one, may_look=may_look) for one in queries.troubled(MOST_TROUBLED))
    hours = worker_charts.last_day(now)
    return Overview(
        at=now,
        zone=visit.look.zone_name,
        findings=_verdict(
            (
                operation.of_sending(held),
                *operation.of_workers(seen, held),
                operation.of_backlog(ages),
                *operation.of_listeners(feeds),
                *operation.of_jobs(health, standing),
                *operation.of_subscriptions(unwell),
            )
        ),
        figures=_figures(ages, depth, worker_charts.summed(hours)),
        lanes=_lanes(depth),
        charts=worker_charts.charts(hours),
        workers=tuple(_worker(one) for one in seen),
        feeds=tuple(_feed(name, one) for name, one in feeds.items()),
        jobs=tuple(_job(one) for one in standing),
        jobs_failing=sum(health.failing.values()),
        jobs_failed=sum(health.failed.values()),
        troubled=troubled,
        unwell=unwell_in_all,
        more_troubled=max(0, unwell_in_all - len(troubled)) if len(troubled) == MOST_TROUBLED else 0,
        database=connection.display_name,
        holds=database(now, visit.actor),
    )


def _verdict(found: Iterable[Finding]) -> tuple[Told, ...]:
    """What is not as it should be, what is to be mended first."""
    unwell = sorted((one for one in found if one.advice is not None), key=lambda one: one.is_well)
    return tuple(
        Told("warn" if one.is_well else "bad", one.said.sentence(), one.advice.sentence())
        for one in unwell
        if one.advice
    )


def _figures(ages: queue.Ages, depth: queue.Depth, day: Happened) -> tuple[Figure, ...]:
    whole = sum(day.attempts.values())
    taken = f"{number_format(100 * day.attempts['2xx'] / whole, 1)} %" if whole else "–"
    delivered = number_format(day.ended[Ended.DELIVERED.label], force_grouping=True)
    now, last = _("now"), _("last 24 hours")
    return (
        Figure(
            _("Oldest due"),
            _lasted(ages.healthy),
            _("Age of the oldest message to an endpoint that is not failing"),
            now,
        ),
        Figure(_("Waiting"), _counted(sum(depth.waiting.values())), _("Messages due now or later, all lanes"), now),
        Figure(_("Under way"), _counted(sum(depth.sending.values())), _("Messages a worker holds at this moment"), now),
        Figure(_("Events to fan out"), _counted(depth.pending), _("Changes whose messages are not written yet"), now),
        Figure(_("Delivered"), delivered, _("Messages that an endpoint took"), last),
        Figure(_("Attempts taken"), taken, _("Of all attempts"), last),
        *(
            Figure(
                _("Within, %(share)s %%") % {"share": share},
                worker_charts.bound_words(bound),
                _("From the change to the receiver's answer"),
                last,
            )
            for share in _QUANTILES
            if (bound := day.within(share)) is not None
        ),
    )


def _lanes(depth: queue.Depth) -> Bars:
    series = (Series(gettext_lazy("Under way"), "run"), Series(gettext_lazy("Waiting"), "warn"))
    rows = [(words, (depth.sending[lane], depth.waiting[lane])) for lane, words in _LANES.items()]
    return bars(gettext_lazy("What waits in each lane, now"), series, rows)


def _worker(one: Seen) -> WorkerRow:
    report = one.report
    alive, silent = State("circle-check", gettext_lazy("Alive"), "ok"), State("circle-x", gettext_lazy("Silent"), "bad")
    return WorkerRow(
        name=one.name,
        state=alive if one.is_alive else silent,
        silent=_lasted(one.silent_for),
        in_flight=_counted(report.in_flight) if report else "–",
        delivered=number_format(sum(report.ended.values()), force_grouping=True) if report else "–",
        clock_offset=f"{number_format(report.clock_offset, 1)} s" if report else "–",
        open_circuits=_counted(report.open) if report else "–",
    )


def _feed(name: str, one: Standing) -> FeedRow:
    behind = one.aside or one.lag > operation.LATE_SECONDS
    well = State("circle-check", gettext_lazy("Keeps up"), "ok")
    return FeedRow(
        name=name,
        state=State("triangle-alert", gettext_lazy("Behind"), "warn") if behind else well,
        waiting=_counted(one.waiting),
        aside=_counted(one.aside),
        lag=_lasted(one.lag),
    )


def _job(one: jobs.Job) -> JobRow:
    well = State("circle-check", gettext_lazy("Goes well"), "ok")
    return JobRow(
        kind=str(KINDS.get(one.kind, one.kind)),
        state=State("triangle-alert", gettext_lazy("Failing"), "warn") if one.error_code else well,
        last=one.ended_at,
        next=one.ready_at,
        error=one.error_text,
    )


def _troubled(one: Subscription, *, may_look: bool) -> Troubled:
    states = (
        (one.access_lost_at, State("lock", gettext_lazy("Owner lacks a right"), "warn")),
        (one.failing_since, State("circle-x", gettext_lazy("Endpoint fails"), "bad")),
        (one.paused_at, State("circle-pause", gettext_lazy("Paused"), "off")),
    )
    since, state = next((since, state) for since, state in states if since is not None)
    return Troubled(
        address=reverse("subscription", args=[one.guid]) if may_look else "",
        url=one.endpoint,  # the path may hold a secret
        webhook=registry.webhooks()[one.webhook].name,
        owner=person_of(one.owner),
        state=state,
        since=since,
    )


def _counted(count: int) -> str:
    """A number that is counted up to a bound only."""
    if count >= queue.MOST_COUNTED:
        return _("%(count)s or more") % {"count": number_format(count, force_grouping=True)}
    return number_format(count, force_grouping=True)


def _lasted(seconds: float) -> str:
    if seconds < 60:
        return _("%(count)s s") % {"count": number_format(round(seconds))}
    return lasted(timedelta(seconds=seconds))
