"""Checks of how an installation runs: of figures that the caller has read, because a page shows them, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from workwire.checks.outcomes import Finding, well, worth_knowing, wrong
from workwire.jobs import queries as jobs
from workwire.jobs.models import Job
from workwire.kernel.wording import statement
from workwire.outbox import restores
from workwire.outbox.feeds import Standing
from workwire.reactions.webhooks.queue import Ages
from workwire.reactions.webhooks.workers import Seen

LATE_SECONDS = 60.0
MOST_CLOCK_OFFSET = 30.0  # seconds; more makes signatures look old to receivers


def of_sending(held: str) -> Finding:
    """Messages may go out from here."""
    if held:
        return wrong("sending", statement("sending_is_held"), statement(restores.REASONS[held]))
    return well("sending", statement("sending_is_free"))


def of_workers(seen: Sequence[Seen], held: str) -> Iterable[Finding]:
    """Somebody sends, and tells how it goes: no data is an alarm."""
    alive = [one for one in seen if one.is_alive]
    if held:
        yield well("workers", statement("workers_held"))
        return
    if not alive:
        yield _nobody(seen)
        return
    if mute := [one.name for one in alive if one.report is None]:
        yield wrong("workers", statement("workers_mute", names=mute), statement("workers_mute.advice"))
    clocks = [one.name for one in alive if one.report and abs(one.report.clock_offset) > MOST_CLOCK_OFFSET]
    if clocks:
        yield wrong("workers", statement("workers_clock", names=clocks), statement("workers_clock.advice"))
    if not mute and not clocks:
        yield well("workers", statement("workers_alive", count=len(alive)))


def of_backlog(ages: Ages) -> Finding:
    """Nothing has been due for long."""
    if ages.healthy > LATE_SECONDS:
        return wrong(
            "backlog", statement("deliveries_late", seconds=round(ages.healthy)), statement("deliveries_late.advice")
        )
    if ages.oldest > LATE_SECONDS:
        return worth_knowing(
            "backlog",
            statement("failing_endpoints_late", seconds=round(ages.oldest)),
            statement("failing_endpoints_late.advice"),
        )
    return well("backlog", statement("nothing_late"))


def of_listeners(standing: Mapping[str, Standing]) -> Iterable[Finding]:
    """Every listener keeps up with its events and can handle them."""
    aside = [f"{name} ({one.aside})" for name, one in standing.items() if one.aside]
    late = {name: one.lag for name, one in standing.items() if one.lag > LATE_SECONDS}
    if aside:
        yield wrong("listeners", statement("events_aside", names=aside), statement("events_aside.advice"))
    if late:
        longest = round(max(late.values()))
        said = statement("listeners_late", names=list(late), seconds=longest)
        yield wrong("listeners", said, statement("listeners_late.advice"))
    if not aside and not late:
        yield well("listeners", statement("listeners_keep_up", names=list(standing)))


def of_jobs(health: jobs.Health, standing: Iterable[Job]) -> Iterable[Finding]:
    """Jobs are begun when they are ready, and the standing ones go well."""
    late = {lane: age for lane, age in health.overdue.items() if age > jobs.LATE.total_seconds()}
    broken = [f"{one.kind}: {one.error_text}" for one in standing if one.error_code]
    if late:
        said = statement("jobs_late", lanes=sorted(late), seconds=round(max(late.values())))
        yield wrong("jobs", said, statement("jobs_late.advice"))
    if broken:
        yield wrong("jobs", statement("standing_jobs_fail", errors=broken), statement("standing_jobs_fail.advice"))
    if health.failed:
        kinds = [f"{kind} ({count})" for kind, count in sorted(health.failed.items())]
        yield worth_knowing("jobs", statement("jobs_given_up", kinds=kinds), statement("jobs_given_up.advice"))
    if not (late or broken or health.failed):
        yield well("jobs", statement("jobs_begun", failing=sum(health.failing.values())))


def of_subscriptions(unwell: Mapping[str, int]) -> Iterable[Finding]:
    """How many subscriptions are not well; that is for their owners to mend, and no fault of the installation."""
    said = statement(
        "subscriptions_unwell",
        paused=unwell["paused"],
        failing=unwell["failing"],
        access_lost=unwell["access_lost"],
        ending=unwell["certificates_ending"],
    )
    if unwell["access_lost"]:
        yield worth_knowing("subscriptions", said, statement("subscriptions_unwell.advice"))
    else:
        yield well("subscriptions", said)
    if ended := unwell["certificates_ended"]:
        yield worth_knowing(
            "subscriptions", statement("certificates_ended", count=ended), statement("certificates_ended.advice")
        )


def _nobody(seen: Sequence[Seen]) -> Finding:
    last = min(seen, key=lambda one: one.silent_for, default=None)
    if last is None:
        return wrong("workers", statement("no_worker_alive"), statement("no_worker_alive.advice"))
    return wrong(
        "workers",
        statement("no_worker_alive.since", name=last.name, seconds=round(last.silent_for)),
        statement("no_worker_alive.advice"),
    )
