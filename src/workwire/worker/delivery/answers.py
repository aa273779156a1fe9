"""Answers: what came back from the transport, what it means for delivery and endpoint, and settling it in batches."""

from __future__ import annotations

import logging
import queue as queue_module
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings

from workwire.kernel import clock, ids, logs, spans
from workwire.reactions.webhooks import queue, settling
from workwire.reactions.webhooks.recovering import Successes
from workwire.reactions.webhooks.settling import NO_FAULT_OF_THE_ENDPOINT, Outcome
from workwire.reactions.webhooks.workers import Report
from workwire.worker.delivery.claiming import Claims
from workwire.worker.delivery.endpoints import Endpoints
from workwire.worker.delivery.settler import Settler
from workwire.worker.delivery.transport import Answer
from workwire.worker.delivery.unsettled import InFlight, Unsettled

logger = logging.getLogger(__name__)
CANCELLED, TOO_LATE = "cancelled", "too_late"  # answers to requests that did not go out, or not to their end
LONGEST_GATHERING = 0.08  # seconds


class Answers:
    """The answers to one worker's attempts. `arrive` is called in the transport's thread, all else in the engine's."""

    def __init__(
        self, worker: UUID, endpoints: Endpoints, unsettled: Unsettled, report: Report, wake: Callable[[], None]
    ):
        self._worker, self._endpoints, self._unsettled, self._report = worker, endpoints, unsettled, report
        self._wake = wake
        self._batches: queue_module.SimpleQueue[list[Answer]] = queue_module.SimpleQueue()
        self._arrived = self.looked_at = 0  # each counted by one thread
        self._settler: Settler | None = None
        self.successes = Successes()

    def settle_beside(self) -> None:
        """Settle in a thread with a connection of its own from now on, until `close`."""
        self._settler = Settler(self.settle_batch, self._wake)

    def close(self, patience: float) -> None:
        """Settle what was given to that thread, within so many seconds."""
        if self._settler is not None:
            self._settler.close(patience)

    def arrive(self, answers: list[Answer]) -> None:
        """Take in answers."""
        self._arrived += len(answers)
        self._batches.put(answers)
        self._wake()

    @property
    def not_looked_at(self) -> int:
        """How many answers came and were not looked at yet."""
        return self._arrived - self.looked_at

    @property
    def settling(self) -> int:
        """How many outcomes wait to be settled in the other thread."""
        return self._settler.waiting if self._settler is not None else 0

    def gather(self, most: int) -> None:
        """Let answers gather, up to so many, as long as the transport has enough to do: large batches cost the database
        less."""
        until = time.monotonic() + LONGEST_GATHERING
        while (
            self.not_looked_at < most
            and len(self._unsettled.in_flight) - self.not_looked_at > settings.CONFIG.webhook_concurrency
            and time.monotonic() < until
        ):
            time.sleep(0.001)

    def settle(self, claims: Claims, now: datetime, *, last: bool = False) -> int:
        """Settle all answers that came; what the database could not take is kept for the next round. What was not sent in
        time is checked again, or given back if it is the `last` time. Returns how many it was."""
        while not self._batches.empty():
            batch = self._batches.get()
            self.looked_at += len(batch)
            for answer in batch:
                flight = self._unsettled.in_flight.pop(answer.key, None)
                if flight is not None:
                    claims.give_back(flight.delivery.to.owner_id)
                    self._take(flight, answer, now, last=last)
        outcomes, unmade = self._unsettled.outcomes, self._unsettled.unmade
        count = len(unmade) + len(outcomes) + len(self._unsettled.overdue)
        if unmade:
            queue.release(self._worker, unmade, now)
            self._unsettled.unmade = []
        if outcomes:
            if self._settler is not None:
                self._settler.put(outcomes, now)
            else:
                self.settle_batch(outcomes, now)
            self._unsettled.outcomes = []
        return count

    def settle_batch(self, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Settle outcomes, in whatever thread does that."""
        self._report.count_ends(settling.settle(self._worker, outcomes, now))
        self.successes.note(outcomes, now)

    def _take(self, flight: InFlight, answer: Answer, now: datetime, *, last: bool) -> None:
        """What an answer means, for the delivery and for its endpoint."""
        to, content = flight.delivery.to, flight.delivery.content
        if answer.error in (CANCELLED, TOO_LATE):
            if answer.error == TOO_LATE and clock.count() < flight.ours_until and not last:
                self._unsettled.overdue.append(flight)
            else:
                self._unsettled.unmade.append(answer.key)
            self._endpoints.returned(content.subscription, to.endpoint, made=answer.error == CANCELLED)
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
            steps=(answer.name_seconds, answer.connect_seconds, answer.tls_seconds, answer.first_byte_seconds),
        )
        self._unsettled.outcomes.append(outcome)
        self._report.attempted(status)
        if spans.tracer is not None or logger.isEnabledFor(logging.DEBUG):
            _tell(outcome)
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


def _tell(outcome: Outcome) -> None:
    """Tell the log and the tracer of an attempt."""
    delivery, number, told = (
        outcome.delivery,
        outcome.delivery.content.attempts + 1,
        outcome.error or str(outcome.status),
    )
    names = delivery.names
    logger.debug("attempt %d: %s", number, told, extra=logs.of(**names))
    if spans.tracer is not None:
        event = UUID(bytes=delivery.content.source)
        spans.tracer.attempt(event, outcome.started_at, outcome.duration, told, names, number)
