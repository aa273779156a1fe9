"""The engine: one loop that fans out, claims, prepares, hands over to the transport and settles.

One thread owns the database and all decisions; the transport has a thread of its own for HTTP and hands answers back
through a queue. What is in flight is held in memory only as long as its lease in the database lasts.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from workwire.access import sessions
from workwire.dispatcher import clockwork, heartbeat
from workwire.dispatcher.bell import Bell
from workwire.dispatcher.transport import Answer, Request, Transport
from workwire.kernel import addresses, clock, ids
from workwire.reactions.webhooks import deliveries, messages, retry
from workwire.reactions.webhooks.deliveries import Outcome
from workwire.reactions.webhooks.models import Delivery

logger = logging.getLogger(__name__)
POLL = 1.0  # seconds between looks when the bell is silent
SWEEP_EVERY = timedelta(minutes=5)
LONGEST_DATABASE_PAUSE = 10.0
LAST_LANE_FIRST_EVERY = 8


@dataclass(frozen=True, slots=True)
class InFlight:
    """An attempt handed to the transport and not answered yet."""

    delivery: Delivery
    headers: dict[str, str]
    started_at: datetime


class Engine:
    """A dispatcher. `run` works until `stop`; `drain` works until nothing is due (for tests and one-off runs)."""

    def __init__(self) -> None:
        config = settings.CONFIG
        self.guid = ids.new_guid()
        self._answers: queue.SimpleQueue[list[Answer]] = queue.SimpleQueue()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._in_flight: dict[int, InFlight] = {}
        self._answered: list[Outcome] = []
        self._busy: Counter[str] = Counter()
        self._claims = 0
        self._offset = timedelta(0)
        self._next_beat = self._next_sweep = datetime.min.replace(tzinfo=clock.now().tzinfo)
        self._transport = Transport(
            addresses.AddressPolicy(tuple(config.webhook_allowed_networks)),
            self._take_answers,
            max_in_flight=config.webhook_concurrency,
            max_per_host=config.webhook_endpoint_concurrency,
            ca_bundle=config.webhook_ca_bundle,
        )

    def run(self) -> None:
        """Work until `stop` is called, then finish what is in flight and say goodbye.

        A database that goes away is waited for, with growing pauses; answers that came meanwhile are kept and settled.
        """
        bell, pause = Bell(self._wake.set), 0.1
        logger.info("dispatcher %s started", self.guid)
        try:
            while not self._stopping.is_set():
                try:
                    self._wake.clear()
                    worked = self.step()
                    pause = 0.1
                    if not worked:
                        self._wake.wait(self._idle_for())
                except (OperationalError, InterfaceError) as error:
                    logger.warning("the database does not answer (%s); trying again in %.1f s", error, pause)
                    connection.close()
                    self._stopping.wait(pause)
                    pause = min(pause * 2, LONGEST_DATABASE_PAUSE)
            self._finish()
        finally:
            bell.close()
            self._transport.close(0)
            logger.info("dispatcher %s stopped", self.guid)

    def stop(self) -> None:
        """Ask `run` to drain and return; may be called from a signal handler."""
        self._stopping.set()
        self._wake.set()

    def step(self) -> bool:
        """Do one round of everything; returns whether there was anything to do."""
        now = self._housekeeping()
        settled = self._settle(now)
        fanned = deliveries.fan_out(now)
        sent = self._send(now)
        return bool(settled or fanned or sent)

    def drain(self, timeout: float = 30.0) -> None:
        """Work until nothing is pending, due or in flight; raises TimeoutError when that takes too long."""
        deadline = time.monotonic() + timeout
        while self.step() or self._in_flight or not self._answers.empty():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self._in_flight)} attempts still in flight")
            if self._in_flight and self._answers.empty():
                self._wake.wait(0.02)
                self._wake.clear()

    def close(self) -> None:
        """Let the transport go, without `run`."""
        self._transport.close(0)

    def _housekeeping(self) -> datetime:
        """The engine's present moment, by the database's clock; now and then a sign of life and a sweep."""
        now = clock.now() + self._offset
        if now >= self._next_beat:
            self._offset = _database_offset()
            now = clock.now() + self._offset
            heartbeat.beat(self.guid, now)
            self._next_beat = now + heartbeat.EVERY
            clockwork.turn(now)
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_EVERY
            deliveries.remove_finished(now - timedelta(days=settings.CONFIG.webhook_retention_days))
            sessions.forget_old(idle=timedelta(minutes=settings.CONFIG.token_idle_minutes))
        return now

    def _send(self, now: datetime) -> int:
        """Claim as much as may be in flight, check rights, hand the messages over; returns how many were claimed."""
        room = settings.CONFIG.webhook_concurrency - len(self._in_flight)
        if room <= 0:
            return 0
        self._claims += 1
        backwards = self._claims % LAST_LANE_FIRST_EVERY == 0
        claimed = deliveries.claim(self.guid, now, limit=room, busy=self._busy, last_first=backwards)
        if not claimed:
            return 0
        prepared = deliveries.prepare(self.guid, claimed, now)
        refused = [(row, reason) for row, reason in prepared if reason]
        if refused:
            deliveries.withhold(self.guid, refused, now)
        ended = [row.pk for row, _ in prepared if row.subscription.ended_at is not None]
        if ended:
            deliveries.cancel(self.guid, ended, now)
        skip = {row.pk for row, _ in refused} | set(ended)
        composed = [self._request(row, now) for row, _ in prepared if row.pk not in skip]
        self._transport.submit([request for request in composed if request is not None])
        return len(claimed)

    def _request(self, delivery: Delivery, now: datetime) -> Request | None:
        """The request of a delivery; None, and a failed attempt, for a message that cannot be composed. One subscription
        whose secret no key opens must not stop the others."""
        try:
            message = messages.compose(delivery, at=now)
        except InvalidToken:
            sentence = "The stored secret cannot be read with the keys of this installation."
            self._answered.append(Outcome(delivery, now, 0.0, None, error="secret_unreadable", detail=sentence))
            return None
        self._in_flight[delivery.pk] = InFlight(delivery, message.masked_headers(), now)
        self._busy[delivery.subscription.endpoint] += 1
        return Request(
            key=delivery.pk,
            url=delivery.subscription.url,
            headers=message.headers,
            body=message.body,
            connect_timeout=settings.CONFIG.webhook_connect_timeout,
            total_timeout=settings.CONFIG.webhook_timeout,
        )

    def _take_answers(self, answers: list[Answer]) -> None:
        """Called from the transport's thread."""
        self._answers.put(answers)
        self._wake.set()

    def _settle(self, now: datetime) -> int:
        """Settle all answers that came; what the database could not take is kept for the next round."""
        while not self._answers.empty():
            for answer in self._answers.get():
                flight = self._in_flight.pop(answer.key, None)
                if flight is not None:
                    self._busy[flight.delivery.subscription.endpoint] -= 1
                    self._answered.append(_outcome(flight, answer, now))
        if not self._answered:
            return 0
        deliveries.settle(self.guid, self._answered, now)
        count, self._answered = len(self._answered), []
        return count

    def _idle_for(self) -> float:
        """Seconds to sleep unless woken: until the next delivery is due, and never longer than a poll."""
        due = deliveries.next_due()
        if due is None:
            return POLL
        return min(POLL, max(0.001, (due - clock.now() - self._offset).total_seconds()))

    def _finish(self) -> None:
        """Settle what is in flight, give back what was not answered, say goodbye; a database that is gone is left alone,
        for the leases will run out."""
        deadline = time.monotonic() + settings.CONFIG.webhook_timeout + 1
        try:
            while (self._in_flight or not self._answers.empty() or self._answered) and time.monotonic() < deadline:
                self._settle(clock.now() + self._offset)
                self._wake.wait(0.05)
                self._wake.clear()
            deliveries.release(self.guid, list(self._in_flight), clock.now() + self._offset)
            heartbeat.leave(self.guid)
        except DatabaseError as error:
            logger.warning("stopped without a database (%s); what was claimed comes back by its lease", error)


def _outcome(flight: InFlight, answer: Answer, now: datetime) -> Outcome:
    retry_after = next((value for name, value in answer.headers if name.lower() == "retry-after"), "")
    return Outcome(
        delivery=flight.delivery,
        started_at=flight.started_at,
        duration=answer.total_seconds,
        status=answer.status,
        error=answer.error or "",
        detail=answer.detail,
        answer_head=answer.body_head,
        retry_after=retry.parse_retry_after(retry_after, now) if retry_after else None,
        headers=flight.headers,
    )


def _database_offset() -> timedelta:
    """How far the database's clock is ahead of ours; the embedded database has none of its own."""
    if connection.vendor != "postgresql" or clock.is_frozen():
        return timedelta(0)
    before = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment - before - (clock.now() - before) / 2
