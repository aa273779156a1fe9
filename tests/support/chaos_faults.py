"""The faults that chaos injects, by name: each is done to a site while its stream runs, and says how often it was.

A fault that needs more than a site (a server of its own, a small disk) gets it from `Ground`; what a ground lacks makes the
fault one that is left out, with the reason.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection

from tests.support.chaos import CREATED, UPDATED, RestartedProcess, Site, Stream, Tally, at_last
from tests.support.chaos_points import POINTS
from tests.support.chaos_proxy import Proxy
from tests.support.waiting import eventually, happens, linger
from workwire.access import commands as access
from workwire.access import sessions
from workwire.outbox.models import Event
from workwire.reactions.webhooks import commands as webhooks
from workwire.reactions.webhooks.models import Delivery, State, Subscription

Injected = int
BOTH = ("sqlite", "postgresql")
ON_POSTGRESQL = ("postgresql",)
STORM = 3.0  # seconds
AWAY = 5.0  # seconds
FROZEN = 8.0  # seconds, longer than a lease
HUGE = 2**20  # bytes
FULL = 6.0  # seconds, in which a worker gives a sign of life
TOLERATED = 300  # seconds that a signature's timestamp may be off at a receiver
MOST_PROCESSOR_TIME = 0.2  # of the time that a worker waits for its database
PATIENCE = 60.0  # seconds for a worker to die as often as it is to, and for messages to pass by what is hurt
MANY = 20  # subscriptions that end at once
HURT = "/hurt/"  # begins the paths of endpoints that a fault hurts, where it leaves the others alone


@dataclass
class Ground:
    """What lies below a site and can be hit: the proxy in front of the database, its server, the disk it lies on."""

    proxy: Proxy | None = None
    crash_server: Callable[[], None] | None = None
    restart_server: Callable[[], None] | None = None
    fill_disk: Callable[[], None] | None = None
    free_disk: Callable[[], None] | None = None
    use_up_log: Callable[[], None] | None = None  # of a server whose disk is full, until it falls
    start_server: Callable[[], None] | None = None


Inject = Callable[[Site, Stream, Ground], Injected]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong. `needs` names what the ground must have; `hurt` is how many subscriptions it hurts beside the
    two that every fault is tallied by."""

    inject: Inject
    databases: tuple[str, ...] = BOTH
    workers: int = 1
    hurt: int = 0
    environment: Callable[[Path], dict[str, str]] = field(default=lambda _: {})
    needs: str = ""


@dataclass(frozen=True)
class Result:
    """A fault, how often it was injected, what came of it, the seconds from its end until all was at rest, and those that
    messages to endpoints it did not hurt took from their change on, in order."""

    fault: str
    injected: Injected
    tally: Tally
    recovered: float
    others: list[float]

    def counts(self) -> list[int]:
        """What was counted, as the headings between the fault's and the last name it."""
        states = self.tally.states
        ends = states[State.GAVE_UP] + states[State.CANCELLED]
        numbers = [self.injected, self.tally.changes, states[State.DELIVERED], states[State.WITHHELD], ends]
        return [*numbers, self.tally.duplicates, len(self.tally.lost)]

    def row(self) -> list[str]:
        """Cells of a table."""
        return [self.fault, *map(str, self.counts()), f"{self.recovered:.1f}"]


HEADINGS = [
    "fault",
    "injected",
    "changes",
    "delivered",
    "withheld",
    "gave up or cancelled",
    "duplicates",
    "lost",
    "recovered in s",
]


def run(site: Site, name: str, ground: Ground, *, changes: int, pause: float = 0.02) -> Result:
    """Do a fault to a site under a stream of changes and let it come to rest."""
    fault = FAULTS[name]
    site.worker_environment |= fault.environment(site.folder)
    site.subscribe("/created", CREATED)
    site.subscribe("/updated", UPDATED, in_order=True)
    for number in range(fault.hurt):
        site.subscribe(f"{HURT}{number}", CREATED)
    with site.running(workers=fault.workers):
        stream = site.stream(changes, pause)
        injected = fault.inject(site, stream, ground)
        stream.end()
        recovered = site.settle()
        tally = Tally.of(site, stream)
        others = site.seconds_taken(lambda path: not path.startswith(HURT))
    return Result(name, injected, tally, recovered, others)


def _hit(hit: Callable[[], object], pause: float, times: int = 3) -> Injected:
    """Hit so often, with pauses in which changes are made."""
    for _ in range(times):
        linger(pause)
        hit()
    return times


def _nothing(_site: Site, _stream: Stream, _ground: Ground) -> Injected:
    return 0


def _kill(pick: Callable[[Site], RestartedProcess]) -> Inject:
    def inject(site: Site, stream: Stream, _ground: Ground) -> Injected:
        return _hit(lambda: pick(site).process.kill(), 1.5 + site.random.random())

    return inject


def _kill_transport(site: Site, stream: Stream, _ground: Ground) -> Injected:
    return _hit(lambda: _end_transport(site), 0.7)


def _freeze(pick: Callable[[Site], RestartedProcess]) -> Inject:
    """Let a worker and its transport stand still for longer than their leases last. Where there are others, nothing waits for
    it to go on, what it had claimed neither."""

    def inject(site: Site, stream: Stream, _ground: Ground) -> Injected:
        linger(1 + site.random.random())
        group = pick(site).process.pid
        os.killpg(group, signal.SIGSTOP)
        try:
            linger(FROZEN)
            if len(site.workers) > 1:
                _pass_by(site)
        finally:
            os.killpg(group, signal.SIGCONT)
        return 1

    return inject


def _pass_by(site: Site) -> None:
    """Wait until all that was changed so far has been delivered to the endpoints that the fault does not hurt."""
    last = at_last(lambda: Event.objects.latest("id").pk)
    eventually(
        lambda: not at_last(lambda: site.undelivered(last, lambda path: not path.startswith(HURT))),
        PATIENCE,
        what=lambda: (
            f"not delivered beside the fault: {site.undelivered(last, lambda path: not path.startswith(HURT))}"
        ),
    )


def _end_transport(site: Site) -> None:
    for pid in site.workers[0].children():
        os.kill(pid, signal.SIGKILL)


def _at(*points: str, times: int = 3) -> Fault:
    """The worker kills itself; changes come as long as it has not done so as often as it is to."""

    def environment(folder: Path) -> dict[str, str]:
        (folder / "deaths").mkdir()
        return {"CHAOS_POINT": ",".join(points), "CHAOS_FOLDER": str(folder / "deaths"), "CHAOS_MOST": str(times)}

    def inject(site: Site, stream: Stream, _ground: Ground) -> Injected:
        def deaths() -> int:
            return len(list((site.folder / "deaths").iterdir()))

        happens(lambda: deaths() >= times, PATIENCE)
        return deaths()

    return Fault(inject, environment=environment)


def _kill_web(site: Site, stream: Stream, _ground: Ground) -> Injected:
    return _hit(site.web.kill_all, 1.5 + site.random.random())


def _kill_any(site: Site, stream: Stream, _ground: Ground) -> Injected:
    """Web, worker and the worker's transport in turn."""
    targets = [
        lambda: site.web.kill_all(),
        lambda: site.workers[0].process.kill(),
        lambda: _end_transport(site),
    ]
    for hit in targets:
        linger(1 + site.random.random())
        hit()
    return len(targets)


def _terminate_backends(_site: Site, stream: Stream, _ground: Ground) -> Injected:
    """End the sessions of all others on this database, as an administrator would."""

    def hit() -> None:
        at_last(_terminate)

    return _hit(hit, 0.8)


def _terminate() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _cut(_site: Site, stream: Stream, ground: Ground) -> Injected:
    """Cut the worker's connections and refuse new ones for a while."""
    proxy = ground.proxy
    assert proxy is not None

    def hit() -> None:
        proxy.cut()
        linger(1)
        proxy.mend()

    return _hit(hit, 1.0, times=3)


def _away(site: Site, stream: Stream, ground: Ground) -> Injected:
    """Take the database away from the worker for longer, which waits, says so, and does not spin."""
    assert ground.proxy is not None
    linger(1)
    ground.proxy.cut()
    linger(0.5)
    before = site.workers[0].processor_seconds()
    linger(AWAY)
    used = (site.workers[0].processor_seconds() - before) / AWAY
    ground.proxy.mend()
    if used > MOST_PROCESSOR_TIME or site.workers[0].starts > 1:
        raise AssertionError(f"a waiting worker used {used:.0%} of a processor, {site.workers[0].starts} starts")
    if "the database does not answer" not in site.logs():
        raise AssertionError("the log does not say that the database is away")
    return 1


def _exhaust(_site: Site, stream: Stream, ground: Ground) -> Injected:
    """Take the worker's connections away while all places of the server are taken."""
    import psycopg

    assert ground.proxy is not None
    given = connection.get_connection_params()
    keep = {key: given[key] for key in ("dbname", "user", "password", "host", "port") if given.get(key)}
    taken: list[Any] = []
    ground.proxy.cut()
    ground.proxy.mend()
    try:
        while True:
            taken.append(psycopg.connect(**keep))
    except psycopg.OperationalError:
        linger(2)
    for one in taken:
        one.close()
    return 1


def _server(crash: bool) -> Inject:
    def inject(_site: Site, stream: Stream, ground: Ground) -> Injected:
        hit = ground.crash_server if crash else ground.restart_server
        assert hit is not None
        return _hit(hit, 1.5, times=2)

    return inject


def _fill(site: Site, stream: Stream, ground: Ground) -> Injected:
    """Fill the disk that all data lies on, until changes are refused, a sign of life was due and a worker on SQLite has
    noticed, which may find room in the log for a while; then free it."""
    fill, free = ground.fill_disk, ground.free_disk
    assert fill is not None
    assert free is not None

    def noticed() -> bool:
        return connection.vendor != "sqlite" or "the database does not answer" in site.workers[0].log.read_text()

    linger(1)
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < FULL or (not (stream.refused and noticed()) and passed < PATIENCE):
        fill()  # again, for a server may have freed something
        linger(0.2)
    free()
    if not stream.refused[503] or stream.refused.keys() - {0, 503}:
        raise AssertionError(f"a full disk was answered with {dict(stream.refused)}")
    if not noticed():
        raise AssertionError("the worker did not notice that the disk was full")
    return 1


def _fill_until_it_falls(site: Site, stream: Stream, ground: Ground) -> Injected:
    """Fill the disk of a server and use up its log, so that it falls; then free it and start the server by hand."""
    fill, free, use_up, start = ground.fill_disk, ground.free_disk, ground.use_up_log, ground.start_server
    assert fill is not None
    assert free is not None
    assert use_up is not None
    assert start is not None
    linger(1)
    fill()
    use_up()
    linger(AWAY)
    free()
    start()
    if not stream.refused[503] or stream.refused.keys() - {0, 503}:
        raise AssertionError(f"a server that fell was answered with {dict(stream.refused)}")
    if "the database does not answer" not in site.workers[0].log.read_text():
        raise AssertionError("the worker did not notice that the server fell")
    return 1


def _clock(*jumps: float) -> Fault:
    def environment(folder: Path) -> dict[str, str]:
        (folder / "clock").write_text("0")
        return {"CHAOS_CLOCK": str(folder / "clock")}

    def inject(site: Site, stream: Stream, _ground: Ground) -> Injected:
        for jump in jumps:
            linger(1)
            (site.folder / "clock.new").write_text(str(jump))
            (site.folder / "clock.new").rename(site.folder / "clock")
        return len(jumps)

    # the embedded database has no time but its host's: set back, retries wait; further off, receivers refuse signatures
    databases = BOTH if min(jumps) >= 0 and max(jumps) < TOLERATED else ON_POSTGRESQL
    return Fault(inject, databases=databases, environment=environment)


def _storm(*, redirect: bool = False, **how: Any) -> Fault:
    """Both endpoints answer so for a while, then they are well again. A redirect must not be followed."""

    def inject(site: Site, stream: Stream, _ground: Ground) -> Injected:
        headers = [("Location", site.receiver.url("/elsewhere"))] if redirect else how.get("headers", [])
        for path in site.secrets:
            site.receiver.script(path, **how | {"headers": headers})
        linger(STORM)
        site.receiver.scripts.clear()
        return 1

    return Fault(inject)


def _gone(site: Site, stream: Stream, _ground: Ground) -> Injected:
    """Both endpoints say for a while that they are gone, which pauses them; later their owner resumes them."""
    for path in site.secrets:
        site.receiver.script(path, status=410)
    linger(STORM)
    eventually(lambda: at_last(_PAUSED.count), PATIENCE, what=lambda: "an endpoint that is gone was not paused")
    _are_well_again(site)
    return 1


def _gone_at_many(site: Site, stream: Stream, _ground: Ground) -> Injected:
    """Many endpoints say at once that they are gone, which pauses each; messages to the others arrive meanwhile. Later their
    owner resumes them."""
    linger(1)
    hurt = [path for path in site.secrets if path.startswith(HURT)]
    for path in hurt:
        site.receiver.script(path, status=410)
    eventually(
        lambda: at_last(_PAUSED.count) == len(hurt),
        PATIENCE,
        what=lambda: f"{_PAUSED.count()} of {len(hurt)} are paused",
    )
    _pass_by(site)
    _are_well_again(site)
    return len(hurt)


_PAUSED = Subscription.objects.filter(paused_at__isnull=False)


def _are_well_again(site: Site) -> None:
    """Endpoints that were gone answer, and the owner resumes their subscriptions."""
    site.receiver.scripts.clear()
    by = sessions.actor_for(site.organisation.accounts["integrator"].user)
    for subscription in at_last(lambda: list(_PAUSED.all())):
        webhooks.resume(subscription.guid, by=by)


def _revoke(site: Site, stream: Stream, _ground: Ground) -> Injected:
    """Take the owner's sight of the records away in the middle; nothing prepared later may come, nor may a word of it."""
    linger(1)
    admin = sessions.actor_for(site.organisation.accounts["administrator"].user)
    user = site.organisation.accounts["integrator"].user
    access.change_members(site.organisation.customers[0].group, remove=[user], by=admin)
    last = Event.objects.latest("id").pk
    linger(2.5)  # what was prepared before may still be on its way for as long as an attempt may take
    revoked = time.monotonic()
    stream.end(more=20)
    site.settle()
    late = [one for one in site.receiver.requests if one.at > revoked]
    later = Delivery.objects.filter(event_id__gt=last).values_list("state", flat=True)
    if late or Counter(later).keys() - {State.WITHHELD}:
        raise AssertionError(f"{len(late)} messages came after the right was gone: {Counter(later)}")
    return 1


def _any_worker(site: Site) -> RestartedProcess:
    return site.random.choice(site.workers)


FAULTS: dict[str, Fault] = {
    "none": Fault(_nothing),
    **{f"worker killed: {point}": _at(point) for point in POINTS},
    "worker killed at each point in turn": _at(*POINTS, times=len(POINTS)),
    "any process killed": Fault(_kill_any),
    "web killed": Fault(_kill_web),
    "worker killed": Fault(_kill(lambda site: site.workers[0])),
    "transport killed": Fault(_kill_transport),
    "one of three workers killed": Fault(_kill(_any_worker), databases=ON_POSTGRESQL, workers=3),
    "worker frozen beyond its lease": Fault(_freeze(lambda site: site.workers[0])),
    "one of three workers frozen beyond its lease": Fault(_freeze(_any_worker), databases=ON_POSTGRESQL, workers=3),
    "backends terminated": Fault(_terminate_backends, databases=ON_POSTGRESQL),
    "connection cut": Fault(_cut, databases=ON_POSTGRESQL, needs="proxy"),
    "database away": Fault(_away, databases=ON_POSTGRESQL, needs="proxy"),
    "connections exhausted": Fault(_exhaust, databases=ON_POSTGRESQL, needs="proxy"),
    "database killed": Fault(_server(crash=True), databases=ON_POSTGRESQL, needs="crash_server"),
    "database restarted": Fault(_server(crash=False), databases=ON_POSTGRESQL, needs="restart_server"),
    "disk full": Fault(_fill, needs="fill_disk"),
    "disk full until the server falls": Fault(_fill_until_it_falls, databases=ON_POSTGRESQL, needs="use_up_log"),
    "clock four minutes ahead": _clock(240),
    "clock ten minutes ahead": _clock(600),
    "clock ten minutes behind": _clock(-600, 600, -600),
    "storm of 500": _storm(status=500),
    "storm of 429": _storm(status=429, headers=[("Retry-After", "1")]),
    "storm of resets": _storm(hang_up=True),
    "storm of hangs": _storm(stall=10),
    "storm of slow answers": _storm(stall=1),
    "storm of 410": Fault(_gone),
    "storm of 410 at many subscriptions": Fault(_gone_at_many, hurt=MANY),
    "storm of redirects": _storm(status=307, redirect=True),
    "storm of huge answers": _storm(status=200, body=bytes(HUGE)),
    "storm of broken answers": _storm(status=200, body=bytes(100), cut=50),
    "right revoked": Fault(_revoke),
}
