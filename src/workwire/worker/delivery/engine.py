"""The engine: one loop that settles answers, fans events out and sends messages (`answers`, `fanning`, `sending`).

One thread owns the database and all decisions; the transport has threads of its own for HTTP and hands answers back
through a queue. What is under way is held in memory only as long as its lease in the database lasts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connection

from workwire.jobs import running, timers
from workwire.kernel import clock, ids
from workwire.outbox import database_time, listener_feed, wake
from workwire.reactions.webhooks import fanning, queue, replays, sql, workers
from workwire.reactions.webhooks.workers import Report
from workwire.worker.delivery.answers import Answers
from workwire.worker.delivery.bell import Bell
from workwire.worker.delivery.endpoints import Endpoints
from workwire.worker.delivery.sending import Sending
from workwire.worker.delivery.transport import ChildProcessTransport, MakeTransport, Proxy
from workwire.worker.delivery.unsettled import Unsettled
from workwire.worker.intervals import Rhythm

logger = logging.getLogger(__name__)
POLL = 1.0  # seconds between looks when the bell is silent
LONGEST_DATABASE_PAUSE = 10.0
FINISHING = 5.0  # seconds that settling may take at the end


class Engine:
    """A worker. `run` works until `stop`; `drain` works until nothing is due (for tests and one-off runs)."""

    def __init__(self, transport: MakeTransport = ChildProcessTransport) -> None:
        config = settings.CONFIG
        self.guid = ids.new_guid()
        self.woken, self._stopping, self._news = threading.Event(), threading.Event(), threading.Event()
        self._seen_sent = 0  # what had ended when replays were last told that there may be room
        self._is_full = False  # whether there was no room to claim anything in the last round
        self.wakes: list[Callable[[], None]] = []  # the lanes of listeners, which the bell wakes too
        self._listening = False  # whether a bell tells of new events
        self._may_be_more = False  # events to fan out, after some were
        self._looks, self._beats = Rhythm(timedelta(seconds=POLL / 2)), Rhythm(workers.BEAT_EVERY)
        self.report, self.unsettled = Report(), Unsettled()
        self.endpoints = Endpoints(
            most=config.webhook_endpoint_concurrency,
            at_once=config.webhook_concurrency,
            rate=config.webhook_endpoint_rate,
        )
        self.answers = Answers(self.guid, self.endpoints, self.unsettled, self.report, self.woken.set)
        self.transport = transport(
            config.webhook_allowed_networks,
            self.answers.arrive,
            max_in_flight=config.webhook_concurrency,
            max_per_host=config.webhook_endpoint_concurrency,
            ca_bundle=config.webhook_ca_bundle,
            proxy=Proxy(config.webhook_proxy, config.webhook_proxy_resolves) if config.webhook_proxy else None,
        )
        self.sending = Sending(self.guid, self.transport, self.endpoints, self.unsettled, self.report)

    def run(self) -> None:
        """Work until `stop` is called, then finish what is in flight and say goodbye.

        A database that goes away is waited for, with growing pauses; answers that came meanwhile are kept and settled. A
        mistake of ours in one lane is logged and tried again once a second, while the other lanes go on.
        """
        bell, pause, self._listening = Bell(self._hear), 0.1, True
        if connection.vendor == "postgresql":
            self.answers.settle_beside()
        logger.info("worker %s started", self.guid)
        try:
            while not self._stopping.is_set():
                try:
                    self.woken.clear()
                    worked = self.step()
                    pause = 0.1
                    if not worked:
                        self.woken.wait(self.idle_for())
                except Exception as error:  # ending helps nobody: whatever it was would be there after the next start
                    if not sql.is_away(error):
                        logger.exception("a lane failed; trying it again")
                        self._stopping.wait(POLL)
                        continue
                    logger.warning("the database does not answer (%s); trying again in %.1f s", error, pause)
                    connection.close()
                    self._stopping.wait(pause)
                    pause = min(pause * 2, LONGEST_DATABASE_PAUSE)
            self._finish()
        finally:
            bell.close()
            self.answers.close(FINISHING)
            self.transport.close(0)
            logger.info("worker %s stopped", self.guid)

    def stop(self) -> None:
        """Ask `run` to drain and return; from any thread, but not from a signal handler, for it takes locks."""
        self._stopping.set()
        self.woken.set()

    def step(self) -> bool:
        """Do one round: settle, fan out, send; returns whether there was anything to do.

        A lane that fails keeps no other from its turn, unless it is the database that fails all; then raises what it was.
        """
        self.answers.gather(self.sending.places // 4)
        now = self.housekeeping()
        worked, failure = 0, None
        for lane in (self.settle, self._fan_out, self.send):
            try:
                worked += lane(now)
            except Exception as error:  # raised again when the other lanes have had their turn
                if sql.is_away(error):
                    raise
                failure = error
        if failure is not None:
            raise failure
        return bool(worked)

    def drain(self, timeout: float = 30.0) -> None:
        """Work until nothing is pending, due, to be replayed, in flight, a matter of time or in a feed; raises TimeoutError
        when that takes too long."""
        deadline = time.monotonic() + timeout
        while self.step() or self._work_beside() or self.is_waiting_for_answers:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.unsettled.in_flight)} attempts still in flight")
            if self.unsettled.in_flight and not self.answers.not_looked_at:
                self.woken.wait(0.02)
                self.woken.clear()

    def _work_beside(self) -> bool:
        """Do a round of what lanes do; returns whether there was anything to do."""
        now = clock.now()
        return bool(self._replay_some() or timers.turn(now) or listener_feed.turn_all(now))

    def _replay_some(self) -> bool:
        """Do a piece of a replay; those that waited for room look again when something was sent."""
        if running.turn(replays.LANE) == 0.0:
            return True
        sent, self._seen_sent = self.ended - self._seen_sent, self.ended
        return bool(sent and replays.look_for_room())

    @property
    def is_waiting_for_answers(self) -> bool:
        """Whether something is in flight, or answered and not looked at."""
        return bool(self.unsettled.in_flight or self.answers.not_looked_at)

    @property
    def ended(self) -> int:
        """How many deliveries it has brought to an end."""
        return sum(self.report.ended.values())

    def close(self) -> None:
        """Let the transport go, without `run`."""
        self.transport.close(0)

    def housekeeping(self) -> datetime:
        """The engine's present moment, by the database's clock; now and then a sign of life and a look at old leases."""
        now = clock.now()
        if self._beats.is_due(now):
            database_time.learn()
            now = clock.now()
            workers.beat(self.guid, now, self.told(now))
            self.endpoints.sharing = max(1, workers.alive(now))
            self._beats.done(now)
            self.answers.successes.recover()
            if back := queue.reclaim(now):
                logger.warning("%d deliveries come back from a worker that did not settle them in time", back)
        return now

    def told(self, now: datetime) -> dict[str, Any]:
        """What goes with the sign of life."""
        self.report.in_flight, self.report.clock_offset = len(self.unsettled.in_flight), clock.offset()
        self.report.look_at(self.endpoints.circuits(clock.seconds()), now)
        return self.report.as_json()

    def _hear(self, whom: str) -> None:
        """Called from the bell's thread."""
        self._news.set()
        self.woken.set()
        if whom == wake.EVERYBODY:
            for wake_lane in self.wakes:
                wake_lane()

    def _fan_out(self, now: datetime) -> int:
        """Fan out a batch of the events that the bell told of, or that a regular look finds; returns how many."""
        told = self._news.is_set()
        if self._listening and not told and not self._may_be_more and not self._looks.is_due(now):
            return 0
        self._news.clear()
        self._looks.done(now)
        fanned = fanning.fan_out(now, told=told)
        self._may_be_more = fanned > 0
        self.report.fanned_out += fanned
        return fanned

    def send(self, _now: datetime) -> int:
        """Send what was claimed before and has to be checked again, then claim and send more; returns how many."""
        sent = self.sending.send_overdue()
        self._is_full = self.sending.room <= 0 or self.answers.settling >= self.sending.places
        return sent if self._is_full else sent + self.sending.send()

    def settle(self, now: datetime) -> int:
        """Settle the answers that came."""
        return self.answers.settle(self.sending.claims, now, last=self._stopping.is_set())

    def idle_for(self) -> float:
        """Seconds to sleep unless woken: until something is due or may go on, and never longer than a poll. Without room
        nothing may, until an answer comes or the settler has settled, and both wake."""
        if self._is_full:
            return POLL
        now = clock.now()
        moments = [self.endpoints.look_again_at - clock.seconds()]
        if self.sending.claims.next_due is not None:
            moments.append((self.sending.claims.next_due - now).total_seconds())
        return min(POLL, max(0.001, min(moments)))

    def _finish(self) -> None:
        """Settle what is in flight, give back what was not answered, say goodbye; a database that is gone is left alone,
        for the leases will run out."""
        deadline = time.monotonic() + settings.CONFIG.webhook_timeout + 1
        try:
            while (
                self.unsettled.in_flight or self.answers.not_looked_at or self.unsettled.outcomes
            ) and time.monotonic() < deadline:
                self.settle(clock.now())
                self.woken.wait(0.05)
                self.woken.clear()
            self.transport.close(0)  # nothing may go out any more that others could claim; answered as `cancelled`
            self.settle(clock.now())
            self.answers.close(FINISHING)
            queue.release(self.guid, self.unsettled.unanswered, clock.now())
            workers.leave(self.guid)
        except Error as error:
            logger.warning("stopped without a database (%s); what was claimed comes back by its lease", error)
