"""Sending: claim, check the rights, compose, hand over to the transport."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings

from workwire.kernel import bisect, clock, logs
from workwire.kernel.wording import ENGLISH, say
from workwire.reactions.webhooks import messages, preparing, queue, rights, settling
from workwire.reactions.webhooks.models import State, Subscription
from workwire.reactions.webhooks.preparing import Prepared
from workwire.reactions.webhooks.settling import Outcome
from workwire.reactions.webhooks.workers import Report
from workwire.worker.delivery.claiming import Claims
from workwire.worker.delivery.endpoints import Endpoints
from workwire.worker.delivery.transport import Request, Transport
from workwire.worker.delivery.unsettled import InFlight, Unsettled

logger = logging.getLogger(__name__)
AHEAD = 48  # times what may be sent at once may be claimed
SETTLING = 2.0  # seconds that an answer may wait to be settled


class Sending:
    """Sends for one worker. `places` is how many deliveries it may have under way."""

    def __init__(
        self, worker: UUID, transport: Transport, endpoints: Endpoints, unsettled: Unsettled, report: Report
    ) -> None:
        config = settings.CONFIG
        self._worker, self._transport, self._endpoints = worker, transport, endpoints
        self._unsettled, self._report = unsettled, report
        self._timeouts = config.webhook_connect_timeout, config.webhook_timeout
        spare = config.webhook_lease_seconds - config.webhook_timeout
        # seconds in which to begin after a claim, so that it is sent, and where the lease allows settled, before that ends
        self.margin = max(spare - SETTLING, spare / 2)
        self.places = AHEAD * config.webhook_concurrency
        lease = timedelta(seconds=config.webhook_lease_seconds)
        self.claims = Claims(worker, endpoints, places=self.places, lease=lease)

    @property
    def room(self) -> int:
        """How many more deliveries may be claimed."""
        return self.places - len(self._unsettled.in_flight)

    def send(self) -> int:
        """Claim as much as there are places for, check rights, hand the messages over; returns how many were claimed."""
        ours_until = clock.count() + self.margin
        claimed = self.claims.take(clock.now(), clock.seconds(), self.room)
        if claimed:
            self._check_and_hand_over(claimed, dict.fromkeys(claimed, ours_until))
        return len(claimed)

    def send_overdue(self) -> int:
        """Check again, and hand over, what was checked too long ago when its turn came; returns how many."""
        overdue, self._unsettled.overdue = self._unsettled.overdue, []
        if overdue:
            contents = [one.delivery.content for one in overdue]
            self._check_and_hand_over(
                {content.id: content.subscription for content in contents},
                {content.id: one.ours_until for content, one in zip(contents, overdue, strict=True)},
            )
        return len(overdue)

    def _check_and_hand_over(self, claimed: Mapping[int, int], ours_until: Mapping[int, float]) -> None:
        """Prepare what is ours, each with its subscription, as of now, and give it to the transport."""
        try:
            self._hand_over(claimed, ours_until, clock.now())
        except Exception:  # raised again; nobody has what is given back
            self._unsettled.give_back_rest_of(set(claimed))
            raise

    def _hand_over(self, claimed: Mapping[int, int], ours_until: Mapping[int, float], now: datetime) -> None:
        """Give the transport what may go, end what may not, and give back what is paused."""
        holds_until = clock.count() + rights.CHECK_HOLDS
        prepared = self._prepare(claimed, now)
        paused = {row.content.id for row in prepared if row.is_paused}
        self._unsettled.unmade += paused
        going = [
            row for row in prepared if not row.refusal and row.to.ended_at is None and row.content.id not in paused
        ]
        self._transport.submit(self._requests(going, ours_until, holds_until, now))
        if gone := set(claimed) - {row.content.id for row in prepared}:
            queue.leave(self._worker, gone)  # ended or removed since they were claimed
        refused = [row for row in prepared if row.refusal and row.to.ended_at is None]
        ended = [row.content.id for row in prepared if row.to.ended_at is not None]
        withheld, cancelled = settling.withhold(self._worker, refused, now), settling.cancel(self._worker, ended, now)
        self._report.count_ends({State.WITHHELD: withheld, State.CANCELLED: cancelled})

    def _prepare(self, claimed: Mapping[int, int], now: datetime) -> list[Prepared]:
        """What was claimed, prepared. One that cannot be must neither stop the others nor come back for ever."""
        prepared: list[Prepared] = []

        def prepare(some: Sequence[int]) -> int:
            prepared.extend(preparing.prepare(some, {claimed[delivery] for delivery in some}, now))
            return len(some)

        def put_off(delivery: int, error: Exception) -> None:
            logger.error("delivery %d cannot be prepared", delivery, exc_info=error)
            settling.put_off(self._worker, delivery, now)

        bisect.each(prepare, list(claimed), put_off)
        return prepared

    def _requests(
        self, going: Sequence[Prepared], ours_until: Mapping[int, float], holds_until: float, now: datetime
    ) -> list[Request]:
        """The requests of deliveries; a failed attempt, and no request, for those that cannot be composed. One subscription
        whose secret no key opens, or whose terms are of a newer release, must not stop the others. All begin soon after the
        check, and will have ended when the lease does."""
        writers: dict[int, messages.Writer | str] = {}
        requests: list[Request] = []
        moment = clock.seconds()
        for delivery in going:
            to, content = delivery.to, delivery.content
            if content.id in self._unsettled.in_flight:
                continue  # its lease ran out while it waited for its turn; the answer to come will settle it
            if (writer := writers.get(content.subscription)) is None:
                writer = writers[content.subscription] = self._writer(to, now)
            message = self._message(writer, delivery, now)
            if message is None or isinstance(writer, str):
                continue
            ours = ours_until[content.id]
            self._unsettled.in_flight[content.id] = InFlight(delivery, message.sent, now, ours)
            self._endpoints.begun(content.subscription, to.endpoint, moment)
            self.claims.hand_out(to.owner_id)
            limits = *self._timeouts, min(ours, holds_until)
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
                logger.exception(
                    "the message of delivery %d cannot be composed",
                    delivery.content.id,
                    extra=logs.of(**delivery.names),
                )
        self._unsettled.outcomes.append(
            Outcome(delivery, now, 0.0, None, error=error, detail=say(f"attempt.{error}", {}, ENGLISH))
        )
        return None

    @staticmethod
    def _writer(to: Subscription, now: datetime) -> messages.Writer | str:
        """The writer of a subscription's messages, or the error of them all, `secret_unreadable`."""
        try:
            return messages.Writer(to, now)
        except InvalidToken:
            logger.error(
                "no key opens the secret of subscription %s; `workwire doctor` says more",
                to.guid,
                extra=logs.of(subscription=to.guid),
            )
            return "secret_unreadable"
        except Exception:  # whatever is wrong with this subscription, it must not stop the others
            logger.exception(
                "the messages of subscription %s cannot be composed", to.guid, extra=logs.of(subscription=to.guid)
            )
            return "not_composed"
