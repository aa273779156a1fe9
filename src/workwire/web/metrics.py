"""The figures of `/metrics`: what each is called, what it means, and where it is read.

Those of the queue and of subscriptions are read from the database at the moment of asking, in a bounded number of queries of
bounded cost; those of the workers, which are other processes, from the reports they write every few seconds. There are
none for single subscriptions, which may be many thousands: `/api/v1/subscriptions/{guid}/health` tells those.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from workwire import __version__
from workwire.jobs import queries as queries_of_jobs
from workwire.kernel.folders import nearest
from workwire.outbox import listener_feed, restores
from workwire.outbox.feeds import MOST_COUNTED, Standing
from workwire.reactions.webhooks import queries, queue, workers
from workwire.reactions.webhooks.workers import Report, Seen

Labels = tuple[str, ...]


class Figures(Collector):
    """Everything there is to tell as of a moment; `described` tells the same without values."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterable[Metric]:
        """Read all figures."""
        yield _gauge("workwire_info", "Always 1; the label tells the release.", "version", values={(__version__,): 1})
        yield _of_sending(held=bool(restores.held()))
        yield from _of_queue(queue.ages(self._now), queue.depth())
        yield from _of_feeds({feed.name: feed.standing(self._now) for feed in listener_feed.every()})
        yield from _of_subscriptions(queries.unwell(self._now))
        yield from _of_workers(workers.seen(self._now))
        yield from _of_jobs(queries_of_jobs.health(self._now))
        yield from _of_disk()


def _of_sending(*, held: bool) -> Metric:
    meaning = "1 while sending is held after a restore or at another place, and nothing happens by itself."
    return _gauge("workwire_sending_held", meaning, values={(): float(held)})


def described() -> list[tuple[str, str, Labels, str]]:
    """Name, kind, labels and meaning of every figure, in their order; needs no database."""
    nothing = queue.Depth({}, {}, 0)
    families: list[Metric] = [
        _gauge("workwire_info", "Always 1; the label tells the release.", "version"),
        _of_sending(held=False),
        *_of_queue(queue.Ages(0, 0, 0), nothing),
        *_of_feeds({}),
        *_of_subscriptions({}),
        *_of_workers([]),
        *_of_jobs(queries_of_jobs.Health({}, {}, {})),
        *_of_disk(),
    ]
    return [
        (
            one.name + "_total" * (one.type == "counter"),
            one.type,
            tuple(getattr(one, "_labelnames", ())),
            one.documentation,
        )
        for one in families
    ]


def _of_queue(ages: queue.Ages, depth: queue.Depth) -> Iterator[Metric]:
    yield _gauge(
        "workwire_oldest_due_seconds",
        "Age of the oldest due delivery or event not fanned out; the headline. Paused subscriptions do not count.",
        values={(): ages.oldest},
    )
    yield _gauge(
        "workwire_oldest_due_healthy_seconds",
        "The same without subscriptions whose endpoints are failing: how late those are who could be served.",
        values={(): ages.healthy},
    )
    yield _gauge("workwire_fan_out_lag_seconds", "Age of the oldest event not fanned out.", values={(): ages.pending})
    waiting = {(lane.label, "waiting"): count for lane, count in depth.waiting.items()}
    sending = {(lane.label, "sending"): count for lane, count in depth.sending.items()}
    counted = f"each counted up to {queue.MOST_COUNTED:,}"
    yield _gauge(
        "workwire_queue_depth",
        f"Deliveries waiting (due or not) and being sent, by lane; {counted}.",
        "lane",
        "state",
        values=waiting | sending,
    )
    yield _gauge("workwire_pending_events", f"Events not fanned out, {counted}.", values={(): depth.pending})


def _of_feeds(feeds: Mapping[str, Standing]) -> Iterator[Metric]:
    counted = f"counted up to {MOST_COUNTED:,}"
    yield _gauge(
        "workwire_feed_waiting",
        f"Events that wait for a listener, those put aside included, {counted}.",
        "listener",
        values={(name,): feed.waiting for name, feed in feeds.items()},
    )
    yield _gauge(
        "workwire_feed_aside",
        f"Events a listener could not handle, which are put aside and tried again, {counted}.",
        "listener",
        values={(name,): feed.aside for name, feed in feeds.items()},
    )
    yield _gauge(
        "workwire_feed_lag_seconds",
        "Age of the oldest event that a listener could handle now.",
        "listener",
        values={(name,): feed.lag for name, feed in feeds.items()},
    )


def _of_subscriptions(unwell: dict[str, int]) -> Iterator[Metric]:
    yield _gauge(
        "workwire_subscriptions_unwell",
        "Subscriptions paused, with a failing endpoint, withheld from for want of a right, or with certificates that end "
        "within 30 days or have ended; one may be several.",
        "condition",
        values={(condition,): count for condition, count in unwell.items()},
    )


def _of_workers(seen: list[Seen]) -> Iterator[Metric]:
    yield _gauge(
        "workwire_workers_alive",
        "Workers that gave a sign of life lately.",
        values={(): sum(one.is_alive for one in seen)},
    )
    yield _gauge(
        "workwire_worker_silent_seconds",
        "Seconds since a worker's last sign of life; one that stopped cleanly is not told any more.",
        "worker",
        values={(one.name,): one.silent_for for one in seen},
    )
    reports = {one.name: one.report for one in seen if one.report is not None}
    now = {one.name: one.report for one in seen if one.report is not None and one.is_alive}
    yield from _as_things_are(now)
    yield from _counts(reports)


def _as_things_are(reports: dict[str, Report]) -> Iterator[Metric]:
    yield _gauge(
        "workwire_worker_in_flight",
        "Attempts under way.",
        "worker",
        values={(name,): one.in_flight for name, one in reports.items()},
    )
    yield _gauge(
        "workwire_worker_clock_offset_seconds",
        "How far the database's clock is ahead of the worker's host.",
        "worker",
        values={(name,): one.clock_offset for name, one in reports.items()},
    )
    circuits = [(name, state, count) for name, one in reports.items() for state, count in _circuits(one)]
    yield _gauge(
        "workwire_circuits",
        "Subscriptions a worker leaves alone for the moment (open) or would probe (half_open).",
        "worker",
        "state",
        values={(name, state): count for name, state, count in circuits},
    )


def _circuits(report: Report) -> tuple[tuple[str, int], ...]:
    return ("open", report.open), ("half_open", report.half_open)


def _counts(reports: dict[str, Report]) -> Iterator[Metric]:
    fanned = CounterMetricFamily("workwire_events_fanned_out", "Events fanned out.", labels=["worker"])
    attempts = CounterMetricFamily(
        "workwire_attempts", "Attempts by outcome: class of status, or no_answer.", labels=["worker", "outcome"]
    )
    ended = CounterMetricFamily(
        "workwire_deliveries_ended",
        "Deliveries by how they ended: delivered, gave_up, withheld, cancelled.",
        labels=["worker", "state"],
    )
    latency = HistogramMetricFamily(
        "workwire_delivery_latency_seconds",
        "From the event to the 2xx of its message, retries included; without tests, replays and backfills.",
        labels=["worker"],
    )
    for name, report in reports.items():
        fanned.add_metric([name], report.fanned_out)
        for outcome, count in report.attempts.items():
            attempts.add_metric([name, outcome], count)
        for state, count in report.ended.items():
            ended.add_metric([name, state], count)
        if classes := report.classes():
            latency.add_metric([name], classes, report.latency_sum)
    yield from (fanned, attempts, ended, latency)


def _of_jobs(health: queries_of_jobs.Health) -> Iterator[Metric]:
    yield _gauge(
        "workwire_jobs_overdue_seconds",
        "How long the job of a lane that has waited longest has been ready; no figure where none is.",
        "lane",
        values={(lane,): seconds for lane, seconds in health.overdue.items()},
    )
    yield _gauge(
        "workwire_jobs_failing",
        "Jobs that have not ended and whose last try failed, by kind; standing ones until a run goes well.",
        "kind",
        values={(kind,): count for kind, count in health.failing.items()},
    )
    yield _gauge(
        "workwire_jobs_failed",
        "Jobs that were given up within a day, by kind.",
        "kind",
        values={(kind,): count for kind, count in health.failed.items()},
    )


def _of_disk() -> Iterator[Metric]:
    values = {(): shutil.disk_usage(nearest(settings.CONFIG.data_dir)).free}
    yield _gauge(
        "workwire_disk_free_bytes", "Free space where the data folder of this web process lies.", values=values
    )


def _gauge(name: str, meaning: str, *labels: str, values: Mapping[Any, float] | None = None) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for key, value in (values or {}).items():
        family.add_metric(key, value)
    return family
