"""The engine: one loop that fans out, claims, prepares, hands over to the transport and settles.

One thread owns the database and all decisions; the transport has a thread of its own for HTTP and hands answers back
through a queue. What is in flight is held in memory only as long as its lease in the database lasts.
"""

from __future__ import annotations

import logging
import queue as queue_module
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import Error, connection

from workwire.access import sessions
from workwire.kernel import clock, ids
from workwire.outbox import database_time
from workwire.reactions.webhooks import fanning, messages, preparing, queue, replays, settling, sql
from workwire.reactions.webhooks.models import State, Subscription
from workwire.reactions.webhooks.preparing import Prepared
from workwire.reactions.webhooks.recovering import Successes
from workwire.reactions.webhooks.settling import NO_FAULT_OF_THE_ENDPOINT, Outcome
from workwire.reactions.webhooks.workers import Report
from workwire.worker import heartbeat, timers
from workwire.worker.delivery.bell import Bell
from workwire.worker.delivery.claiming import Claims
from workwire.worker.delivery.endpoints import Endpoints
from workwire.worker.delivery.settler import Settler
from workwire.worker.delivery.transport import Answer, ChildProcessTransport, Proxy, Request, Transport
from workwire.worker.intervals import Rhythm

logger = logging.getLogger(__name__)
POLL = 1.0  # seconds between looks when the bell is silent
SWEEP_EVERY = timedelta(minutes=5)
LONGEST_DATABASE_PAUSE = 10.0
SETTLING = 2.0  # seconds that an answer may wait to be settled
FINISHING = 5.0  # seconds that settling may take at the end
LONGEST_GATHERING = 0.08  # seconds
AHEAD = 48  # times what may be sent at once may be claimed
NOT_MADE = frozenset({"cancelled", "too_late"})  # answers to requests that did not go out, or not to their end
NOT_WRITTEN = {
    "secret_unreadable": "The stored secret cannot be read with the keys of this installation.",
    "not_composed": "The message could not be composed; the worker's log says why.",
}  # failed attempts without a request


class InFlight(NamedTuple):
    """An attempt handed to the transport and not answered yet."""

    delivery: Prepared
    sent: str
    started_at: datetime


class Engine:
    """A worker. `run` works until `stop`; `drain` works until nothing is due (for tests and one-off runs)."""

    def __init__(self, transport: type[ChildProcessTransport | Transport] = ChildProcessTransport) -> None:
        config = settings.CONFIG
        self.guid = ids.new_guid()
        self._answers: queue_module.SimpleQueue[list[Answer]] = queue_module.SimpleQueue()
        self._wake, self._stopping, self._news = threading.Event(), threading.Event(), threading.Event()
        self._in_flight: dict[int, InFlight] = {}
        self._answered: list[Outcome] = []
        self._unmade: list[int] = []  # deliveries to give back
        self._arrived = self._looked_at = 0  # answers; each counted by one thread
        self._is_full = False  # whether there was no room to claim anything in the last round
        self._places = AHEAD * config.webhook_concurrency
        self._endpoints = Endpoints(
            most=config.webhook_endpoint_concurrency,
            at_once=config.webhook_concurrency,
            rate=config.webhook_endpoint_rate,
        )
        lease = timedelta(seconds=config.webhook_lease_seconds)
        spare = config.webhook_lease_seconds - config.webhook_timeout
        # seconds in which to begin after a claim, so that it is sent, and where the lease allows settled, before that ends
        self._margin = max(spare - SETTLING, spare / 2)
        self._claims = Claims(self.guid, self._endpoints, places=self._places, lease=lease)
        self._timeouts = config.webhook_connect_timeout, config.webhook_timeout
        self._report, self._successes = Report(), Successes()
        self._listening = False  # whether a bell tells of new events
        self._may_be_more = False  # events to fan out, after some were
        self._looks = Rhythm(timedelta(seconds=POLL / 2))
        self._beats, self._turns, self._sweeps = Rhythm(heartbeat.EVERY), Rhythm(heartbeat.EVERY), Rhythm(SWEEP_EVERY)
        self._settler: Settler | None = None
        self._transport = transport(
            config.webhook_allowed_networks,
            self._take_answers,
            max_in_flight=config.webhook_concurrency,
            max_per_host=config.webhook_endpoint_concurrency,
            ca_bundle=config.webhook_ca_bundle,
            proxy=Proxy(config.webhook_proxy, config.webhook_proxy_resolves) if config.webhook_proxy else None,
        )

    def run(self) -> None:
        """Work until `stop` is called, then finish what is in flight and say goodbye.

        A database that goes away is waited for, with growing pauses; answers that came meanwhile are kept and settled. A
        mistake of ours in one lane is logged and tried again once a second, while the other lanes go on.
        """
        bell, pause, self._listening = Bell(self._hear), 0.1, True
        if connection.vendor == "postgresql":
            self._settler = Settler(self._settle_batch, self._wake.set)
        logger.info("worker %s started", self.guid)
        try:
            while not self._stopping.is_set():
                try:
                    self._wake.clear()
                    worked = self.step()
                    pause = 0.1
                    if not worked:
                        self._wake.wait(self._idle_for())
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
            if self._settler is not None:
                self._settler.close(FINISHING)
            self._transport.close(0)
            logger.info("worker %s stopped", self.guid)

    def stop(self) -> None:
        """Ask `run` to drain and return; from any thread, but not from a signal handler, for it takes locks."""
        self._stopping.set()
        self._wake.set()

    def step(self) -> bool:
        """Do one round of everything; returns whether there was anything to do.

        A lane that fails keeps no other from its turn, unless it is the database that fails all; then raises what it was.
        """
        self._gather()
        now = self._housekeeping()
        worked, failure = 0, None
        for lane in (self._settle, self._fan_out, self._send, self._turn):
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
        """Work until nothing is pending, due, to be replayed or in flight; raises TimeoutError when that takes too long."""
        deadline = time.monotonic() + timeout
        while self.step() or not replays.turn(clock.now()) or self._in_flight or not self._answers.empty():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self._in_flight)} attempts still in flight")
            if self._in_flight and self._answers.empty():
                self._wake.wait(0.02)
                self._wake.clear()

    @property
    def ended(self) -> int:
        """How many deliveries it has brought to an end."""
        return sum(self._report.ended.values())

    def close(self) -> None:
        """Let the transport go, without `run`."""
        self._transport.close(0)

    def _housekeeping(self) -> datetime:
        """The engine's present moment, by the database's clock; now and then a sign of life and a look at old leases."""
        now = clock.now()
        if self._beats.is_due(now):
            database_time.learn()
            now = clock.now()
            heartbeat.beat(self.guid, now, self._told(now))
            self._endpoints.sharing = max(1, heartbeat.alive(now))
            self._beats.done(now)
            self._successes.recover()
            if back := queue.reclaim(now):
                logger.warning("%d deliveries come back from a worker that did not settle them in time", back)
        if self._sweeps.is_due(now):
            self._sweeps.done(now)
            sessions.forget_old(idle=timedelta(minutes=settings.CONFIG.token_idle_minutes))
        return now

    def _turn(self, now: datetime) -> int:
        """Let the clockwork move what time alone changes, now and then; returns how much it was."""
        if not self._turns.is_due(now):
            return 0
        self._turns.done(now)
        return timers.turn(now)

    def _told(self, now: datetime) -> dict[str, Any]:
        """What goes with the sign of life."""
        self._report.in_flight, self._report.clock_offset = len(self._in_flight), clock.offset()
        self._report.look_at(self._endpoints.circuits(clock.seconds()), now)
        return self._report.as_json()

    def _hear(self) -> None:
        """Called from the bell's thread."""
        self._news.set()
        self._wake.set()

    def _fan_out(self, now: datetime) -> int:
        """Fan out a batch of what the bell told of, or what a look now and then finds; returns how many events it was."""
        told = self._news.is_set()
        if self._listening and not told and not self._may_be_more and not self._looks.is_due(now):
            return 0
        self._news.clear()
        self._looks.done(now)
        fanned = fanning.fan_out(now, told=told)
        self._may_be_more = fanned > 0
        self._report.fanned_out += fanned
        return fanned

    def _send(self, now: datetime) -> int:
        """Claim as much as there are places for, check rights, hand the messages over; returns how many were claimed."""
        room = self._places - len(self._in_flight)
        self._is_full = room <= 0 or (self._settler is not None and self._settler.waiting >= self._places)
        if self._is_full:
            return 0
        begin_before, now = clock.count() + self._margin, clock.now()  # the lanes before may have taken long
        claimed = self._claims.take(now, clock.seconds(), room)
        if not claimed:
            return 0
        try:
            self._hand_over(claimed, now, begin_before)
        except Exception:  # raised again; nobody has what is given back
            taken = self._in_flight.keys() | {outcome.id for outcome in self._answered}
            self._unmade += claimed.keys() - taken
            raise
        return len(claimed)

    def _hand_over(self, claimed: Mapping[int, int], now: datetime, begin_before: float) -> None:
        """Give the transport what may go, and end what may not."""
        prepared = self._prepare(list(claimed), set(claimed.values()), now)
        going = [row for row in prepared if not row.refusal and row.to.ended_at is None]
        self._transport.submit(self._requests(going, now, begin_before))
        if gone := set(claimed) - {row.content.id for row in prepared}:
            queue.leave(self.guid, gone)  # ended or removed since they were claimed
        refused = [row for row in prepared if row.refusal and row.to.ended_at is None]
        ended = [row.content.id for row in prepared if row.to.ended_at is not None]
        withheld, cancelled = settling.withhold(self.guid, refused, now), settling.cancel(self.guid, ended, now)
        self._report.count_ends({State.WITHHELD: withheld, State.CANCELLED: cancelled})

    def _prepare(self, claimed: Sequence[int], subscriptions: Collection[int], now: datetime) -> list[Prepared]:
        """What was claimed, prepared. One that cannot be must neither stop the others nor come back for ever."""
        try:
            return preparing.prepare(claimed, subscriptions, now)
        except Exception as error:  # one of the batch is wrong: halved until it is found
            if sql.is_away(error):
                raise
            if len(claimed) > 1:
                middle = len(claimed) // 2
                halves = claimed[:middle], claimed[middle:]
                return [row for half in halves for row in self._prepare(half, subscriptions, now)]
            logger.exception("delivery %d cannot be prepared", claimed[0])
            settling.put_off(self.guid, claimed[0], now)
            return []

    def _requests(self, going: Sequence[Prepared], now: datetime, begin_before: float) -> list[Request]:
        """The requests of deliveries; a failed attempt, and no request, for those that cannot be composed. One subscription
        whose secret no key opens, or whose terms are of a newer release, must not stop the others. All will have ended when
        the lease does."""
        writers: dict[int, messages.Writer | str] = {}
        requests: list[Request] = []
        moment = clock.seconds()
        for delivery in going:
            to, content = delivery.to, delivery.content
            if content.id in self._in_flight:
                continue  # its lease ran out while it waited for its turn; the answer to come will settle it
            if (writer := writers.get(content.subscription)) is None:
                writer = writers[content.subscription] = self._writer(to, now)
            message = self._message(writer, delivery, now)
            if message is None or isinstance(writer, str):
                continue
            self._in_flight[content.id] = InFlight(delivery, message.sent, now)
            self._endpoints.begun(content.subscription, to.endpoint, moment)
            self._claims.hand_out(to.owner_id)
            limits = *self._timeouts, begin_before
            requests.append(
                Request(content.id, to.url, message.headers, message.body, *limits, to.owner_id, writer.tls)
            )
        return requests

    def _message(self, writer: messages.Writer | str, delivery: Prepared, now: datetime) -> messages.Message | None:
        """The message of a delivery; a failed attempt instead where none can be composed."""
        error = "not_composed"
        if isinstance(writer, str):
            error = writer
        else:
            try:
                return writer.write(delivery.content)
            except Exception:  # whatever is wrong with this message, it must not stop the others
                logger.exception("the message of delivery %d cannot be composed", delivery.content.id)
        self._answered.append(Outcome(delivery, now, 0.0, None, error=error, detail=NOT_WRITTEN[error]))
        return None

    @staticmethod
    def _writer(to: Subscription, now: datetime) -> messages.Writer | str:
        """The writer of a subscription's messages, or the error (of `NOT_WRITTEN`) of them all."""
        try:
            return messages.Writer(to, now)
        except InvalidToken:
            logger.error("no key opens the secret of subscription %s; `workwire doctor` says more", to.guid)
            return "secret_unreadable"
        except Exception:  # whatever is wrong with this subscription, it must not stop the others
            logger.exception("the messages of subscription %s cannot be composed", to.guid)
            return "not_composed"

    def _take_answers(self, answers: list[Answer]) -> None:
        """Called from the transport's thread."""
        self._arrived += len(answers)
        self._answers.put(answers)
        self._wake.set()

    @property
    def _gathered(self) -> int:
        """How many answers came and were not looked at yet."""
        return self._arrived - self._looked_at

    def _gather(self) -> None:
        """Let answers gather as long as the transport has enough to do: large batches cost the database less."""
        until = time.monotonic() + LONGEST_GATHERING
        while (
            self._gathered < self._places // 4
            and len(self._in_flight) - self._gathered > settings.CONFIG.webhook_concurrency
            and time.monotonic() < until
        ):
            time.sleep(0.001)

    def _settle(self, now: datetime) -> int:
        """Settle all answers that came; what the database could not take is kept for the next round. What was not sent in
        time is given back."""
        while not self._answers.empty():
            batch = self._answers.get()
            self._looked_at += len(batch)
            for answer in batch:
                flight = self._in_flight.pop(answer.key, None)
                if flight is not None:
                    self._take(flight, answer, now)
        count = len(self._unmade) + len(self._answered)
        if self._unmade:
            queue.release(self.guid, self._unmade, now)
            self._unmade = []
        if self._answered:
            if self._settler is not None:
                self._settler.put(self._answered, now)
            else:
                self._settle_batch(self._answered, now)
            self._answered = []
        return count

    def _settle_batch(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Settle outcomes, in whatever thread does that."""
        self._report.count_ends(settling.settle(self.guid, outcomes, now))
        self._successes.note(outcomes, now)

    def _take(self, flight: InFlight, answer: Answer, now: datetime) -> None:
        """What an answer means, for the delivery and for its endpoint."""
        to, content = flight.delivery.to, flight.delivery.content
        self._claims.give_back(to.owner_id)
        if answer.error in NOT_MADE:
            self._unmade.append(answer.key)
            self._endpoints.returned(content.subscription, to.endpoint)
            return
        status = answer.status
        outcome = Outcome(
            delivery=flight.delivery,
            started_at=flight.started_at,
            duration=answer.total_seconds,
            status=status,
            error=answer.error or "",
            detail=answer.detail,
            answer_head=answer.body_head,
            retry_after=answer.retry_after,
            sent=flight.sent,
        )
        self._answered.append(outcome)
        self._report.attempted(status)
        if outcome.succeeded and not content.is_test and not content.is_replay:
            self._report.took(now.timestamp() - ids.made_at(content.source))
        if answer.error in NO_FAULT_OF_THE_ENDPOINT:
            self._endpoints.returned(content.subscription, to.endpoint)
            return
        sick = status is None or status == 429 or status >= 500
        self._endpoints.ended(
            content.subscription,
            to.endpoint,
            clock.seconds(),
            took=answer.total_seconds,
            sick=sick,
            well=outcome.succeeded,
            pause=answer.retry_after if sick else 0.0,
        )

    def _idle_for(self) -> float:
        """Seconds to sleep unless woken: until something is due or may go on, and never longer than a poll. Without room
        nothing may, until an answer comes or the settler has settled, and both wake."""
        if self._is_full:
            return POLL
        now = clock.now()
        moments = [self._endpoints.look_again_at - clock.seconds()]
        if self._claims.next_due is not None:
            moments.append((self._claims.next_due - now).total_seconds())
        return min(POLL, max(0.001, min(moments)))

    def _finish(self) -> None:
        """Settle what is in flight, give back what was not answered, say goodbye; a database that is gone is left alone,
        for the leases will run out."""
        deadline = time.monotonic() + settings.CONFIG.webhook_timeout + 1
        try:
            while (self._in_flight or not self._answers.empty() or self._answered) and time.monotonic() < deadline:
                self._settle(clock.now())
                self._wake.wait(0.05)
                self._wake.clear()
            self._transport.close(0)  # nothing may go out any more that others could claim; answered as `cancelled`
            self._settle(clock.now())
            if self._settler is not None:
                self._settler.close(FINISHING)
            queue.release(self.guid, list(self._in_flight), clock.now())
            heartbeat.leave(self.guid)
        except Error as error:
            logger.warning("stopped without a database (%s); what was claimed comes back by its lease", error)
